"""Activities of the stages 16 and 17: the sealed package, and the application running behind an address."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity

from quantumlayer.account.values import cost, used
from quantumlayer.blueprint.values import Commands
from quantumlayer.capsule.keys import signing_key
from quantumlayer.capsule.seal import Parts, seal
from quantumlayer.capsule.values import BlueprintRef, DropRef, Facts, Scores
from quantumlayer.capsule.write_capsule import write_capsule
from quantumlayer.delivery.previews import open_preview
from quantumlayer.evidence.junit import junit_xml
from quantumlayer.evidence.live_application import administrator
from quantumlayer.evidence.performance import PerformanceResult
from quantumlayer.evidence.scores import qa, security
from quantumlayer.evidence.security import to_sarif
from quantumlayer.evidence.values import Evidence, RequirementResult
from quantumlayer.files.values import FileTree
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.approval.values import Agreement
from quantumlayer.pipeline.capsules import local_capsule
from quantumlayer.pipeline.codecs import encode
from quantumlayer.pipeline.models import answered, calls_of
from quantumlayer.pipeline.records import Records
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.values import Outcome, Review, Task
from quantumlayer.pipeline.verdict import verdict
from quantumlayer.pipeline.workbench import Desk, NotRun, at_desk
from quantumlayer.plan.make_plan import spec_digest
from quantumlayer.plan.values import Plan
from quantumlayer.ports.scanner import Scan
from quantumlayer.spec.values import Spec

EMPTY = FileTree({})


class Deliver:
    """Each method is one stage."""

    def __init__(self, tools: Toolbox) -> None:
        self.tools = tools

    @activity.defn(name=stages.CAPSULE.name)
    async def capsule(self, task: Task) -> Outcome:
        """All → Capsule. Sealing the same twice gives the same bytes."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            evidence = await desk.load("evidence", Evidence)
            results = await desk.load("results", tuple[RequirementResult, ...])
            status = verdict(task.outcomes, evidence, results)
            if status == "failed":
                raise NotRun("there is no application that works: nothing to seal")
            facts = await self._facts(desk, evidence, results, status)
            parts = await self._parts(desk, evidence)
            signer = await asyncio.to_thread(signing_key, self.tools.home.root)
            content = await asyncio.to_thread(seal, parts, facts, signer)
            path = self.tools.home.capsules / f"{task.order.run}.capsule"
            await asyncio.to_thread(write_capsule, content, path)
            await desk.save("capsule", content, path=str(path))
        return desk.outcome()

    @activity.defn(name=stages.PREVIEW.name)
    async def preview(self, task: Task) -> Outcome:
        """Capsule → URL. A run has one preview, however often it is asked for."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            if not task.order.preview:
                raise NotRun("it was declined with --no-preview")
            await desk.load("capsule", bytes)
            # It may have been sealed on another machine.
            path = await local_capsule(Records(self.tools.metadata, self.tools.blobs), self.tools.home, task.order.run)
            if path is None:
                raise NotRun("the run has no capsule any more")
            admin = administrator(await desk.load("spec", Spec))
            preview = await open_preview(
                self.tools.previews,
                self.tools.preview_home,
                path,
                timedelta(seconds=task.order.ttl),
                task.order.run,
                environment={"ADMIN_IDENTIFIER": admin[0], "ADMIN_PASSWORD": admin[1]} if admin else {},
                owner=task.order.owner.model_dump(),
            )
            # The administrator's password stays in the registry, for the owner of the preview alone.
            await desk.save("preview", preview.model_copy(update={"environment": {}}))
            if preview.state != "ready":
                desk.fail(preview.message or f"the preview is {preview.state}")
        return desk.outcome()

    async def _facts(self, desk: Desk, evidence: Evidence, results: tuple[RequirementResult, ...], status: Any) -> Facts:
        spec, plan = await desk.load("spec", Spec), await desk.load("plan", Plan)
        order, blueprint = desk.task.order, self.tools.blueprints.get(plan.stack)
        scans = await desk.load("scans", tuple[Scan, ...]) if desk.has("scans") else None
        made = await self.tools.metadata.drops(order.run, current=True)
        inputs = set(desk.task.inputs.values())
        sealed = (d for d in made if d.id in inputs and d.stage in stages.NAMES)
        calls = await calls_of(self.tools.metadata, order.run)
        lineage = (DropRef(id=d.id, stage=d.stage, kind=d.kind, parents=d.parents) for d in sealed)
        return Facts(
            name=spec.name,
            run=order.run,
            status=status,
            stack=plan.stack,
            author=order.author,
            model=answered(calls) or order.model,
            spec_digest=spec_digest(spec),
            blueprint=BlueprintRef(id=plan.stack, version=blueprint.value.version, digest=blueprint.digest),
            lock_digest=next((d.metadata.get("lock") for d in made if d.kind == "dependencies"), None),
            commands=_commands(blueprint.value.commands),
            requirements=results,
            scores=Scores(qa=qa(evidence, results), security=security(scans) if scans else None),
            coverage=evidence.coverage,
            drops=tuple(sorted(lineage, key=lambda drop: (stages.NAMES.index(drop.stage), drop.kind))),
            cost_usd=cost(calls),
            usage=used(calls),
        )

    async def _parts(self, desk: Desk, evidence: Evidence) -> Parts:
        async def tree(kind: str) -> FileTree:
            return await desk.load(kind, FileTree) if desk.has(kind) else EMPTY

        source = await tree("source")
        return Parts(
            source=source.merged(await tree("tests")),
            acceptance=await tree("acceptance"),
            evidence=await self._evidence_files(desk, evidence),
            docs=_flat(await tree("docs")),
            infrastructure=await tree("infrastructure"),
            sbom=await desk.load("sbom", bytes) if desk.has("sbom") else b"",
        )

    async def _evidence_files(self, desk: Desk, evidence: Evidence) -> FileTree:
        files = {"evidence.json": encode(evidence)[0], "acceptance.junit.xml": junit_xml(evidence)}
        results = await desk.load("results", tuple[RequirementResult, ...])
        files["requirements.json"] = encode(results)[0]
        named = {"unit_junit": "unit.junit.xml", "unit_coverage": "coverage.xml"}
        for kind, path in named.items():
            if desk.has(kind):
                files[path] = await desk.load(kind, bytes)
        if desk.has("sarif"):
            files["security.sarif"] = encode(await desk.load("sarif", dict[str, Any]))[0]
            files["scans.json"] = encode(await desk.load("scans", tuple[Scan, ...]))[0]
        if desk.has("performance"):
            files["performance.json"] = encode(await desk.load("performance", PerformanceResult))[0]
        if desk.has("review"):
            review = await desk.load("review", Review)
            files["review.json"] = encode(review)[0]
            files["review.sarif"] = encode(to_sarif([review.scan]))[0]
        trails = [kind for kind in ("frd_agreement", "spec_agreement") if desk.has(kind)]
        if trails:
            entries = tuple([entry for kind in trails for entry in await desk.load(kind, tuple[Agreement, ...])])
            files["agreements.json"] = encode(entries)[0]
        return FileTree(files)


def _commands(commands: Commands) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Every command by name, `run` as the only one of its list."""
    return {name: (argv,) if name == "run" else argv for name, argv in commands if argv}


def _flat(docs: FileTree) -> FileTree:
    """The documents without the project's `docs/` before them: the capsule has a folder of that name already."""
    return FileTree({path.removeprefix("docs/"): content for path, content in docs.files.items()})
