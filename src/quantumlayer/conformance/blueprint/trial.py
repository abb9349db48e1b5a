"""One reference spec on one stack: what is rendered, installed, built, tested, served and judged."""

import asyncio
import time
from collections.abc import AsyncIterator
from fnmatch import fnmatch

from quantumlayer.blueprint.values import PARTS
from quantumlayer.conformance.blueprint.workbench import Workbench
from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence import infrastructure
from quantumlayer.evidence.application import Application, DatabaseKind, NotServing
from quantumlayer.evidence.judge import Budget, judge
from quantumlayer.evidence.live_application import live
from quantumlayer.evidence.semantics import parse
from quantumlayer.evidence.values import Check, CheckStatus, Level
from quantumlayer.files.values import FileTree

COVERAGE = 0.8
DATABASES: tuple[DatabaseKind, ...] = ("sqlite", "postgresql")


async def render_checks(bench: Workbench, name: str) -> AsyncIterator[Check]:
    """Rendered twice to the same bytes, parsed, its infrastructure linted, and nothing where a model may write."""
    began, place = time.monotonic(), bench.place
    subject = await bench.subject(name)
    second = await asyncio.to_thread(place.rendered, subject.spec, subject.plan)
    differing = [f"{part}/{path}" for part in PARTS for path in _differing(subject.parts[part], second[part])]
    yield check("render.twice", "renders twice to the same bytes", "build", differing, time.monotonic() - began)
    project = subject.project
    patterns = place.blueprint.value.model_writes
    taken = [path for path in project.files if any(fnmatch(path, pattern) for pattern in patterns)]
    yield check("render.permissions", "writes nothing that is left to a model", "build", taken)
    folded: dict[str, str] = {}
    alike = [path for path in project.files if folded.setdefault(path.casefold(), path) != path]
    yield check("render.names", "no two files differ in upper and lower case alone", "build", alike)
    parsed = await asyncio.to_thread(parse, project, place.language)
    wrong = [f"{f.path}:{f.line}: {f.message}" for f in parsed.findings] or ([parsed.reason] if parsed.status != "ran" else [])
    yield check("render.syntax", "every file parses", "build", wrong)
    scans = await infrastructure.lint(subject.parts["infrastructure"], place.scanners, place.sandbox)
    unwelcome = [f"{s.scanner}: {s.reason}" for s in scans if s.status == "errored"]
    unwelcome += [f"{f.path}:{f.line} {f.rule}: {f.message}" for s in scans for f in s.findings]
    if not infrastructure.accepted(scans):
        unwelcome = unwelcome or ["no linter ran"]
    yield check("render.infrastructure", "Dockerfile and Compose file please their linters", "build", unwelcome)


async def own_checks(bench: Workbench, name: str) -> AsyncIterator[Check]:
    """Installed, built, its own tests and linters pass, most lines are covered, and the sources are as they were."""
    tree = (await bench.subject(name)).project
    application, ready = await bench.built(name, tree)
    for step in ready:
        yield step
        if step.status != "passed":
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


async def judged(
    bench: Workbench,
    name: str,
    database: DatabaseKind = "sqlite",
    tree: FileTree | None = None,
    budget: Budget = Budget(),
) -> AsyncIterator[Check]:
    """Built, served on a database, and held against the spec by the judge; the same seed for every stack.

    With `tree` the same for other sources. What does not install, build or start is told by `install`, `build`, `start`.
    """
    subject = await bench.subject(name)
    application, ready = await bench.built(name, tree or subject.project)
    if ready[-1].status != "passed":
        yield next(step for step in ready if step.status != "passed")
        return
    try:
        async with live(application, subject.spec, database) as app:
            for found in (await judge(subject.spec, app, subject.plan, budget=budget)).checks:
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
