"""Units: functions that a model writes, each tried at once in the sandbox: style, types, and the examples of the spec."""

import asyncio
import itertools
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantumlayer.answer.files import read_file
from quantumlayer.answer.values import Wanted
from quantumlayer.author import prompts
from quantumlayer.author.strive import Strive
from quantumlayer.author.values import Bounds, Failed, Striven, Trial
from quantumlayer.evidence.environments import project_command
from quantumlayer.files.values import FileTree
from quantumlayer.files.write_files import write_files
from quantumlayer.plan.values import Unit as Planned
from quantumlayer.ports.language import Language, Units, UnitText
from quantumlayer.ports.llm import Answer, Gateway, Prompt
from quantumlayer.ports.sandbox import MIB, Completed, Limits, Sandbox
from quantumlayer.spec.check_units import typed
from quantumlayer.spec.values import Spec, Unit

SMALL = Limits(memory=1536 * MIB, processes=128, cpu_seconds=60, wall_seconds=120.0, output=MIB, disk=1024 * MIB)
SHOWN = 1500
SHOWN_EXAMPLES = 5
EXAMPLE = "example "


@dataclass(frozen=True)
class Workshop:
    """What units are written with. `tree` is the project without them, `installed` its dependencies."""

    tree: FileTree
    installed: Path | None
    language: Language
    sandbox: Sandbox
    gateway: Gateway
    bounds: Bounds = Bounds(attempts=10)


@dataclass(frozen=True)
class WrittenUnit:
    """What came of one unit."""

    unit: Planned
    striven: Striven[bytes]


async def write_units(shop: Workshop, spec: Spec, planned: Sequence[Planned]) -> tuple[WrittenUnit, ...]:
    """All units, at the same time. Raises what the gateway raises; then the others are cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(write_unit(shop, spec.units[unit.name], unit)) for unit in planned]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return tuple(task.result() for task in tasks)


async def write_unit(shop: Workshop, unit: Unit, planned: Planned) -> WrittenUnit:
    """One unit, until its checks pass or the bounds are reached."""
    language = shop.language
    assert language.units is not None
    text = language.units.text(planned.name, unit, planned.path)
    wanted = Wanted(
        planned.path,
        language.conventions.grammar,
        (text.function,),
        frozenset(language.conventions.pure_modules),
        language.conventions.impure_names,
        alone=True,
    )

    def reading(answer: Answer, best: Trial[bytes] | None) -> bytes:
        content = read_file(answer, wanted)
        return language.tidy({planned.path: content})[planned.path]

    async def checking(content: bytes) -> Trial[bytes]:
        return await try_unit(shop, unit, planned, text, content)

    # Who starts anew does so in another way each second time: other words help a weak model more than another seed.
    worked = itertools.cycle((False, True))

    def asking(best: Trial[bytes] | None, wrong: Failed | None) -> Prompt:
        return prompts.unit(planned, text, language.name, best, wrong, worked=best is None and next(worked))

    strive = Strive(
        subject=f"the unit {planned.name}",
        gateway=shop.gateway,
        role="coder",
        asking=asking,
        reading=reading,
        checking=checking,
        bounds=shop.bounds,
        language=language.name,
        rank=_rank,
    )
    return WrittenUnit(planned, await strive.run())


async def try_unit(shop: Workshop, unit: Unit, planned: Planned, text: UnitText, content: bytes) -> Trial[bytes]:
    """Runs the examples and the checks of the unit in the sandbox, in a project where it stands alone; after a failed one the
    rest is not run.

    The answers that its program prints are taken as claims of hostile code: whatever is not one well-formed line for each
    example fails.
    """
    assert shop.language.units is not None
    passed: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="unit-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o755)
        tree = FileTree({**shop.tree.files, planned.path: content, **text.trial})
        await asyncio.to_thread(write_files, tree, root)
        (root / shop.language.conventions.installed).mkdir(parents=True, exist_ok=True)
        for argv in (*text.build, text.run, *text.checks):
            command = project_command(argv, root, shop.language, shop.installed, writable=True, limits=SMALL)
            completed = await shop.sandbox.run(command)
            name = " ".join(argv[:3])
            if argv is text.run:
                right, failed = _answers(unit, text, shop.language.units, completed)
                passed |= right
            else:
                failed = [] if completed.ok else [Failed(name, _output(completed))]
                passed |= set() if failed else {name}
            if failed:
                return Trial(content, frozenset(passed), tuple(failed))
    return Trial(content, frozenset(passed), ())


def _rank(trial: Trial[bytes]) -> tuple[int, int]:
    """How near a trial is: the right examples first, then what else passes."""
    examples = sum(name.startswith(EXAMPLE) for name in trial.passed)
    return examples, len(trial.passed) - examples


def _answers(unit: Unit, text: UnitText, units: Units, completed: Completed) -> tuple[set[str], list[Failed]]:
    """The names of the examples that the program answers rightly, and what is wrong with the others, as one failed check."""
    lines = [found for line in completed.stdout.splitlines() if (found := _answer(line)) is not None]
    if not completed.ok or len(lines) != len(unit.examples):
        return set(), [Failed("examples", f"the function could not be tried: {_output(completed)}")]
    right, wrong = set(), []
    for number, (example, found) in enumerate(zip(unit.examples, lines, strict=True)):
        wanted = typed(example.answer, unit.returns)
        problem = found.get("error")
        if problem is None:
            try:
                got = units.value(found, unit.returns)
                problem = None if type(got) is type(wanted) and got == wanted else f"gives {json.dumps(found.get('answer'))}"
            except ValueError as error:
                problem = f"gives {error}"
        else:
            problem = f"raises {problem}"
        if problem:
            wrong.append(f"wrong: {text.examples[number]} is expected, but the call {problem[:300]}")
        else:
            right.add(f"{EXAMPLE}{number + 1}")
    told = wrong[:SHOWN_EXAMPLES] + [f"right: {text.examples[int(name.removeprefix(EXAMPLE)) - 1]}" for name in sorted(right)]
    return right, [Failed("examples", "\n".join(told[: 2 * SHOWN_EXAMPLES]))] if wrong else []


def _answer(line: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and ("error" in found or {"type", "answer"} <= found.keys()) else None


def _output(completed: Completed) -> str:
    shown = b"\n".join(filter(None, (completed.stdout.strip(), completed.stderr.strip()))).decode(errors="replace")
    how = "" if completed.outcome == "exited" else f"{completed.outcome.replace('_', ' ')}\n"
    return (how + shown[-SHOWN:]).strip() or f"exit code {completed.exit_code}"
