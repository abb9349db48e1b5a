"""One reference spec on one stack: what is rendered, installed, built, tested, served and judged."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.blueprint.render import render
from quantumlayer.blueprint.values import PARTS
from quantumlayer.conformance.blueprint.specs import reference_spec
from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence.application import Application, DatabaseKind, NotServing, unpacked
from quantumlayer.evidence.judge import Budget, judge
from quantumlayer.evidence.live_application import live
from quantumlayer.evidence.semantics import parse
from quantumlayer.evidence.values import Check, CheckStatus, Level
from quantumlayer.files.values import FileTree
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.spec.values import Spec

COVERAGE = 0.8
DATABASES: tuple[DatabaseKind, ...] = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Place:
    """Where blueprints are tried. `home` holds the caches of installed dependencies."""

    blueprint: LoadedBlueprint
    language: Language
    sandbox: Sandbox
    home: Path

    def spec(self, name: str) -> Spec:
        """A reference spec by name. Raises `UserError`."""
        return reference_spec(self.blueprint, name)

    def planned(self, spec: Spec) -> TestPlan:
        """Its scenarios, of which the stack's own tests are a part too."""
        return plan_tests(spec, make_plan(spec, self.blueprint, "blueprint", self.language))

    def rendered(self, spec: Spec, plan: TestPlan) -> dict[str, FileTree]:
        """Every part."""
        made = make_plan(spec, self.blueprint, "blueprint", self.language)
        return {
            part: render(spec, made, self.blueprint, self.language, part=part, test_plan=plan if part == "tests" else None)
            for part in PARTS
        }


async def render_checks(place: Place, name: str) -> AsyncIterator[Check]:
    """Rendered twice to the same bytes, parsed, and nothing of it where a model may write."""
    began = time.monotonic()
    spec = await asyncio.to_thread(place.spec, name)
    plan = await asyncio.to_thread(place.planned, spec)
    first, second = [await asyncio.to_thread(place.rendered, spec, plan) for _ in range(2)]
    differing = [f"{part}/{path}" for part in PARTS for path in _differing(first[part], second[part])]
    yield check("render.twice", "renders twice to the same bytes", "build", differing, time.monotonic() - began)
    project = _project(first)
    patterns = place.blueprint.value.model_writes
    taken = [path for path in project.files if any(fnmatch(path, pattern) for pattern in patterns)]
    yield check("render.permissions", "writes nothing that is left to a model", "build", taken)
    folded: dict[str, str] = {}
    alike = [path for path in project.files if folded.setdefault(path.casefold(), path) != path]
    yield check("render.names", "no two files differ in upper and lower case alone", "build", alike)
    parsed = await asyncio.to_thread(parse, project, place.language)
    wrong = [f"{f.path}:{f.line}: {f.message}" for f in parsed.findings] or ([parsed.reason] if parsed.status != "ran" else [])
    yield check("render.syntax", "every file parses", "build", wrong)


async def own_checks(place: Place, name: str) -> AsyncIterator[Check]:
    """Installed, built, its own tests and linters pass, most lines are covered, and the sources are as they were."""
    spec = await asyncio.to_thread(place.spec, name)
    plan = await asyncio.to_thread(place.planned, spec)
    tree = _project(await asyncio.to_thread(place.rendered, spec, plan))
    async with _application(place, tree) as application:
        installed = await application.install()
        yield installed
        if installed.status != "passed":
            return
        for built in await application.build():
            yield built
            if built.status != "passed":
                return
        units = await application.test()
        failed = [f"{c.title}: {c.message}" for c in units.checks if c.status in ("failed", "errored")]
        yield check("tests", f"its own {len(units.checks)} tests pass", "unit", failed)
        short = units.coverage is None or units.coverage < COVERAGE
        found = "unknown" if units.coverage is None else f"{units.coverage:.1%}"
        yield check("coverage", f"they cover {found} of the lines", "unit", [f"less than {COVERAGE:.0%}"] if short else [])
        for linted in await application.lint():
            yield linted
        yield check("unchanged", "building and testing leave the sources as they are", "build", _changed(application, tree))


async def judged(place: Place, name: str, database: DatabaseKind) -> AsyncIterator[Check]:
    """Built, served on a database, and held against the spec by the judge; the same seed for every stack."""
    spec = await asyncio.to_thread(place.spec, name)
    plan = await asyncio.to_thread(place.planned, spec)
    tree = (await asyncio.to_thread(place.rendered, spec, plan))["source"]
    async for found in judged_tree(place, spec, plan, tree, Budget(), database):
        yield found


async def judged_tree(
    place: Place,
    spec: Spec,
    plan: TestPlan,
    tree: FileTree,
    budget: Budget,
    database: DatabaseKind = "sqlite",
) -> AsyncIterator[Check]:
    """The same for given sources; what does not install, build or start is told by the checks `install`, `build`, `start`."""
    async with _application(place, tree) as application:
        for ready in (await application.install(), *await application.build()):
            if ready.status != "passed":
                yield ready
                return
        try:
            async with live(application, spec, database) as app:
                for found in (await judge(spec, app, plan, budget=budget)).checks:
                    yield found
        except NotServing as error:
            yield check("start", "the application starts", "acceptance", [error.message])
        except EnvironmentError_ as error:
            reason = f"{error.message}; {error.hint}"
            yield Check(id="start", title=f"it starts on {database}", level="acceptance", status="not_run", message=reason)


def check(identity: str, title: str, level: Level, problems: list[str], seconds: float = 0.0) -> Check:
    """Passed where there are no problems."""
    status: CheckStatus = "failed" if problems else "passed"
    return Check(id=identity, title=title, level=level, status=status, message="\n".join(problems[:10]), seconds=seconds)


def _application(place: Place, tree: FileTree) -> AbstractAsyncContextManager[Application]:
    return unpacked(tree, place.blueprint.value, place.language, place.sandbox, place.home)


def _project(parts: dict[str, FileTree]) -> FileTree:
    return parts["source"].merged(parts["tests"])


def _differing(first: FileTree, second: FileTree) -> list[str]:
    paths = first.files.keys() | second.files.keys()
    return sorted(path for path in paths if first.files.get(path) != second.files.get(path))


def _changed(application: Application, tree: FileTree) -> list[str]:
    changed = []
    for path, content in tree.files.items():
        file = application.source / path
        if file.is_symlink() or not file.is_file() or file.read_bytes() != content:
            changed.append(path)
    return changed
