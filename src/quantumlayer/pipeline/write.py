"""Activities of the stages 5 and 15: the sources, by a blueprint or a model, and the repair of what a model wrote."""

import asyncio
import json
from collections.abc import Mapping
from functools import partial

from temporalio import activity

from quantumlayer.answer.values import Permission
from quantumlayer.author import prompts
from quantumlayer.author.component import Writing
from quantumlayer.author.mend import Mending, trial_of
from quantumlayer.author.units import Workshop, write_units
from quantumlayer.author.values import Broken, Trial
from quantumlayer.blueprint.render import render
from quantumlayer.catalog.blueprints import reviewed_files
from quantumlayer.errors import BudgetExceeded, EnvironmentError_, QuantumLayerError, UserError
from quantumlayer.evidence.advisories import configured_advisories
from quantumlayer.evidence.application import UnitTests
from quantumlayer.evidence.chosen_packages import Packages
from quantumlayer.evidence.grammars import language_of
from quantumlayer.evidence.security import to_sarif
from quantumlayer.evidence.values import Evidence
from quantumlayer.files.values import FileTree
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.attempts import keep_progress, kept_progress
from quantumlayer.pipeline.rendering import rendered, save_tree
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.trials import (
    application_of,
    evidence_of,
    installed_for,
    project_of,
    save_evidence,
    security_of,
    semantics_of,
)
from quantumlayer.pipeline.values import Outcome, Task
from quantumlayer.pipeline.verdict import REPAIRED
from quantumlayer.pipeline.workbench import Desk, NotRun, at_desk
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.plan.values import Plan
from quantumlayer.ports.language import Language
from quantumlayer.ports.scanner import Scan
from quantumlayer.spec.openapi import openapi
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import dump_spec

# Files of the stack's tests that an application written by a model is held to, and must therefore know.
_HARNESS = ("tests/conftest.py", "tests/client.py", "pyproject.toml")
# What no model may write, whatever a blueprint says.
_NEVER = ("tests/**", "acceptance/**", "reports/**", "*.toml", "*.txt", "*.json", "*.lock", "*.mod", "*.sum")

OVER_BUDGET = "raise run_tokens or run_usd under [budget] in models.toml, see `ql model budget`, or name a cheaper model"


class NotWritten(QuantumLayerError):
    """A model wrote nothing that could be used; the message names the unit, the check, the last error and the attempts."""


class Write:
    """Each method is one stage."""

    def __init__(self, tools: Toolbox) -> None:
        self.tools = tools

    @activity.defn(name=stages.CODE.name)
    async def code(self, task: Task) -> Outcome:
        """Plan → FileTree: the sources, by the author of the run."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            plan = await desk.load("plan", Plan)
            tree = await rendered(desk, self.tools, "source")
            broken: tuple[Broken, ...] = ()
            if plan.author == "model":
                tree, broken = await self._component(desk, plan, tree)
            elif plan.units:
                tree, broken = await self._units(desk, plan, tree)
            await save_tree(desk, self.tools, "source", tree)
            if broken:
                await desk.save("broken", broken)
                desk.fail("; ".join(map(str, broken)))
        return desk.outcome()

    @activity.defn(name=stages.REPAIR.name)
    async def repair(self, task: Task) -> Outcome:
        """Evidence → FileTree, for model-written code only: the smallest change after which all checks pass."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            plan, tree = await desk.load("plan", Plan), await desk.load("source", FileTree)
            permission = self._permission(plan)
            if permission is None:
                raise NotRun("there is no model-written code to repair")
            if all(outcome.status == "passed" for outcome in task.outcomes if outcome.stage in REPAIRED):
                raise NotRun("every check passed")
            evidence, scans = await desk.load("evidence", Evidence), await self._scans(desk)
            broken = trial_of(tree, evidence.checks, scans)
            if not broken.failed:
                raise NotRun("what failed is not for a model to mend")
            try:
                await self._mend(desk, plan, permission, broken)
            except (UserError, EnvironmentError_) as error:
                desk.fail(f"{broken.failed[0].check} fails, and no model mended it: {error.message}")
        return desk.outcome()

    async def _units(self, desk: Desk, plan: Plan, tree: FileTree) -> tuple[FileTree, tuple[Broken, ...]]:
        spec, models = await desk.load("spec", Spec), await self.tools.models.gateway(desk)
        installed, _ = await installed_for(self.tools, plan.stack, tree)
        shop = Workshop(tree, installed, self.tools.language(plan.stack), self.tools.sandbox, models)
        written = await write_units(shop, spec, plan.units)
        found = {w.unit.path: w.striven.best.made for w in written if w.striven.best is not None}
        broken = tuple(w.striven.broken for w in written if w.striven.broken is not None)
        lost = next((w.striven.broken for w in written if w.striven.best is None), None)
        if lost is not None and lost.stop == "budget":
            await save_tree(desk, self.tools, "source", FileTree({**tree.files, **found}, tree.executable))
            raise BudgetExceeded(str(lost), hint=OVER_BUDGET)
        if lost is not None:
            raise NotWritten(str(lost), hint="name a stronger model, or write the unit's description and examples more exactly")
        return FileTree({**tree.files, **found}, tree.executable), broken

    async def _component(self, desk: Desk, plan: Plan, whole: FileTree) -> tuple[FileTree, tuple[Broken, ...]]:
        permission = self._permission(plan)
        assert permission is not None
        base = {path: content for path, content in whole.files.items() if not (permission.allows(path) and language_of(path))}
        spec, models = await desk.load("spec", Spec), await self.tools.models.gateway(desk)
        blueprint, language = self.tools.blueprints.get(plan.stack), self.tools.language(plan.stack)
        tests = await asyncio.to_thread(render, spec, plan, blueprint, language, part="tests", test_plan=TestPlan())
        given = {path: content for path, content in {**base, **tests.files}.items() if path in _HARNESS}
        packages = await asyncio.to_thread(self._packages, base, language) if blueprint.value.bare else None
        task = prompts.component(
            json.dumps(openapi(spec), ensure_ascii=False),
            dump_spec(spec),
            self._guide(plan),
            plan.stack,
            permission.globs,
            given,
            None if packages is None else packages.known(),
        )
        written = await Writing(models, task, permission, language.name, packages=packages).run()
        if not written.files:
            over_budget = written.broken is not None and written.broken.stop == "budget"
            kind, hint = (BudgetExceeded, OVER_BUDGET) if over_budget else (NotWritten, "name a stronger model")
            raise kind(str(written.broken), hint=hint)
        files = {**base, **language.tidy(written.files), **written.locked}
        return FileTree(files, whole.executable & files.keys()), (written.broken,) if written.broken else ()

    def _packages(self, base: Mapping[str, bytes], language: Language) -> Packages:
        """How packages are chosen for a service that no blueprint describes."""
        reviewed = reviewed_files(language.name)
        pins, locks = [], {}
        for files in reviewed:
            pins += language.ecosystem.read_lock(files)[0]
            locks = {name: content for name, content in files.items() if name in language.conventions.lock_files} | locks
        cache, advisories = self.tools.home.caches / "registry", configured_advisories(self.tools.home.root)
        return Packages(language, self.tools.sandbox, tuple(pins), {**locks, **base}, cache, advisories)

    async def _mend(self, desk: Desk, plan: Plan, permission: Permission, broken: Trial[FileTree]) -> None:
        spec, test_plan = await desk.load("spec", Spec), await desk.load("test_plan", TestPlan)
        language = self.tools.language(plan.stack)
        found: dict[str, tuple[Evidence, UnitTests, tuple[Scan, ...], tuple[Scan, ...]]] = {}

        async def checking(tree: FileTree) -> Trial[FileTree]:
            written = {path: content for path, content in tree.files.items() if permission.allows(path)}
            tree = FileTree({**tree.files, **language.tidy(written)}, tree.executable)
            project = await project_of(desk, tree)
            async with application_of(self.tools, plan.stack, project) as application:
                evidence, units = await evidence_of(desk, application, spec, test_plan)
            semantics, security = await asyncio.gather(
                semantics_of(self.tools, plan.stack, project), security_of(desk, self.tools, project)
            )
            found[tree.digest()] = evidence, units, semantics, security
            return trial_of(tree, evidence.checks, (*semantics, *security))

        models, keep = await self.tools.models.gateway(desk), partial(keep_progress, desk)
        mending = Mending(models, permission, language.name, self._guide(plan), checking, keep=keep)
        striven = await mending.run(broken, await kept_progress(desk))
        if striven.best is not None and striven.best.made.digest() not in {broken.made.digest(), *found}:
            # It was tried by a worker that is gone, and its evidence with it.
            await checking(striven.best.made)
        if striven.best is not None and striven.best.made.digest() in found:
            evidence, units, semantics, security = found[striven.best.made.digest()]
            await save_tree(desk, self.tools, "source", striven.best.made)
            await save_evidence(desk, spec, evidence, units)
            await desk.save("semantics", semantics)
            await desk.save("sarif", to_sarif(security))
            await desk.save("scans", security)
        if striven.broken is not None:
            await desk.save("broken", (striven.broken,))
            desk.fail(str(striven.broken))

    async def _scans(self, desk: Desk) -> tuple[Scan, ...]:
        kinds = [kind for kind in ("semantics", "scans") if desk.has(kind)]
        return tuple([scan for kind in kinds for scan in await desk.load(kind, tuple[Scan, ...])])

    def _permission(self, plan: Plan) -> Permission | None:
        """What a model may write in this run; None for nothing."""
        if plan.author == "model":
            folders = sorted({component.path.split("/")[0] for component in plan.components} - {"tests"})
            return Permission(tuple(f"{folder}/**" for folder in folders), _NEVER)
        return Permission(tuple(unit.path for unit in plan.units), _NEVER) if plan.author == "auto" and plan.units else None

    def _guide(self, plan: Plan) -> str:
        path = self.tools.blueprints.get(plan.stack).folder / "guide.md"
        return path.read_text("utf-8") if path.is_file() else ""
