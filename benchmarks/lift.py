"""How much we lift a model: the same model asked once for the whole thing, against our authors. Column: verified.

Usage: python benchmarks/lift.py MODEL [--state FILE] [--only UNIT,REQUEST,…] [--ways WAY,…] [--print]

MODEL is as in `ql generate --model`; `models.toml` of QL_HOME and the environment count. Units of pure logic are those of
`lift_units.yaml`: `one-shot` is the first answer as it is, `author` what the author of units makes of it, which `auto` uses.
A unit is right where its examples and the hidden ones, which no model sees, give their answers. Requests are the twelve of
`benchmarks/twelve.py`: `one-shot` is one prompt for the whole application, its files run as they are and judged; `model` and
`auto` are `ql generate` with that author. The sandbox runs everything.

Every answer and every cell is kept in FILE (JSON lines): a run that was stopped goes on where it was, in the middle of a cell
too; what was not tried is printed as not_run. --print runs nothing.
"""

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from table import show

from quantumlayer.account.memory import MemoryBook
from quantumlayer.account.values import Payer
from quantumlayer.answer.blocks import blocks
from quantumlayer.author import prompts
from quantumlayer.author.units import Workshop, try_unit, write_unit
from quantumlayer.blueprint.render import render
from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.catalog.gateways import open_gateway, open_pool
from quantumlayer.catalog.models import load_models
from quantumlayer.errors import QuantumLayerError
from quantumlayer.evidence.application import NotServing, unpacked
from quantumlayer.evidence.environments import Environments
from quantumlayer.evidence.judge import judge
from quantumlayer.evidence.live_application import live
from quantumlayer.evidence.requirements import requirement_results, run_status
from quantumlayer.files.values import FileTree, UnsafePath
from quantumlayer.gateway.breakers import MemoryCircuits
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.ports.llm import Answer, Gateway, Prompt
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox
from quantumlayer.spec.check import checked
from quantumlayer.spec.values import Entity, Field, Operation, Spec, Unit
from quantumlayer.spec.yaml_form import dump_spec
from quantumlayer.stores.home import default_home

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "analyst"))

from analyst_play import TWELVE, spec_of

UNITS = Path(__file__).with_name("lift_units.yaml")
STACK = "python/fastapi"
QL = Path(sysconfig.get_path("scripts")) / "ql"
WHOLE = """You write complete Python web services. Put each file into a fenced block with its path on the line before. The
package is `app`, started with `python -m app`; fastapi, uvicorn, pydantic and sqlalchemy are installed."""
WHOLE_TOKENS = 3000


class State:
    """The file of what is known: answers by prompt, and cells."""

    def __init__(self, path: Path, model: str) -> None:
        self.path, self.model = path, model
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        mine = [line for line in lines if line["model"] == model]
        self.answers = {line["prompt"]: Answer(**line["answer"]) for line in mine if "answer" in line}
        self.cells = {(line["subject"], line["way"]): line for line in mine if "way" in line}

    def keep(self, **line: Any) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps({"model": self.model, **line}) + "\n")


@dataclass(frozen=True)
class Keeping:
    """Implements `ports.llm.Gateway`: the same prompt is asked once."""

    gateway: Gateway
    state: State

    def at(self, stage: str) -> "Keeping":
        return self

    def stronger(self, role: Any) -> str | None:
        return self.gateway.stronger(role)

    async def ask(self, role: Any, prompt: Prompt, **options: Any) -> Answer:
        key = hashlib.sha256(repr(prompt).encode()).hexdigest()
        if key not in self.state.answers:
            self.state.answers[key] = await self.gateway.ask(role, prompt, **options)
            self.state.keep(prompt=key, answer=asdict(self.state.answers[key]))
        return self.state.answers[key]


def read_units() -> dict[str, tuple[Unit, Unit]]:
    """By name: the unit as a model sees it, and with the hidden examples alone."""
    found = {}
    for name, data in YAML(typ="safe").load(UNITS.read_text()).items():
        hidden = data.pop("hidden")
        found[name] = Unit.model_validate(data), Unit.model_validate({**data, "examples": hidden})
    return found


def carrier(units: dict[str, tuple[Unit, Unit]]) -> Spec:
    """An application that carries them."""
    thing = Entity(plural="things", fields={"name": Field(type="string")}, operations={"create": Operation()})
    return checked(Spec(name="Lift", entities={"thing": thing}, units={name: unit for name, (unit, _) in units.items()}))


@dataclass(frozen=True)
class OnUnits:
    """One model on units of pure logic."""

    shop: Workshop
    spec: Spec
    units: dict[str, tuple[Unit, Unit]]

    def planned(self, name: str) -> Any:
        return next(unit for unit in make_plan(self.spec, BLUEPRINT, "auto", self.shop.language).units if unit.name == name)

    async def one_shot(self, name: str) -> dict[str, Any]:
        """The first block of the first answer, or all of it, as it is."""
        planned = self.planned(name)
        text = self.shop.language.units.text(name, self.units[name][0], planned.path)
        answer = await self.shop.gateway.ask("coder", prompts.unit(planned, text, "python", None, None), language="python")
        found = blocks(answer.text)
        return await self._graded(name, (found[0].text if found else answer.text).encode(errors="replace"), 1)

    async def author(self, name: str) -> dict[str, Any]:
        """What the author of units makes of it."""
        written = await write_unit(self.shop, self.units[name][0], self.planned(name))
        best = written.striven.best
        return await self._graded(name, best.made if best else b"", written.striven.attempts)

    async def _graded(self, name: str, content: bytes, attempts: int) -> dict[str, Any]:
        """Whether shown and hidden examples pass; style and types are not asked for here."""
        right, planned = {}, self.planned(name)
        for kind, unit in zip(("shown", "hidden"), self.units[name], strict=True):
            text = self.shop.language.units.text(name, unit, planned.path)
            trial = await try_unit(self.shop, unit, planned, replace(text, checks=()), content)
            right[kind] = not trial.failed
        note = "" if all(right.values()) else "examples fail" if not right["shown"] else "hidden examples fail"
        return {"verified": all(right.values()), "attempts": attempts, "note": note, "source": content.decode(errors="replace")}


@dataclass(frozen=True)
class OnRequests:
    """One model on requests for whole applications."""

    shop: Workshop
    home: Path

    async def one_shot(self, name: str) -> dict[str, Any]:
        """One answer, its files as they are, in the environment of the FastAPI blueprint, judged."""
        text = f"{TWELVE[name]}\n\n{prompts.CONTRACT}"
        answer = await self.shop.gateway.ask("coder", Prompt(WHOLE, text, max_tokens=WHOLE_TOKENS), language="python")
        found = blocks(answer.text)
        files = {block.name: block.text.encode(errors="replace") for block in found if block.name}
        if not files and found:
            files = {"app/__main__.py": found[0].text.encode(errors="replace")}
        pins = {path: content for path, content in self.shop.tree.files.items() if path.startswith("requirements")}
        try:
            tree = FileTree({**pins, **files})
        except UnsafePath as error:
            return {"verified": False, "note": str(error)}
        return await self._judged(tree, spec_of(TWELVE[name]))

    async def _judged(self, tree: FileTree, spec: Spec) -> dict[str, Any]:
        async with unpacked(tree, BLUEPRINT.value, self.shop.language, self.shop.sandbox, self.home) as application:
            await application.install()
            try:
                async with live(application, spec) as app:
                    evidence = await judge(spec, app, await asyncio.to_thread(plan_tests, spec))
            except NotServing as error:
                return {"verified": False, "note": f"does not start: {error.message.strip().splitlines()[-1][:100]}"}
        status = run_status(requirement_results(spec, evidence), evidence)
        return {"verified": status == "verified", "note": f"{len(evidence.failed())} of {len(evidence.checks)} checks fail"}

    def generated(self, author: str, model: str) -> Callable[[str], Awaitable[dict[str, Any]]]:
        """What `ql generate` with that author makes of a request."""

        async def run(name: str) -> dict[str, Any]:
            command = [QL, "generate", TWELVE[name], "--stack", STACK, "--author", author, "--model", model]
            command += ["--no-preview", "--yes", "--json"]
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, env=os.environ)
            report = json.loads(done.stdout or "{}")
            failed = next(
                (f"{s['name']}: {s['reason']}"[:100] for s in report.get("stages", ()) if s["status"] == "failed"), ""
            )
            note = failed or ("" if report else done.stderr.strip()[-100:])
            return {"verified": report.get("status") == "verified", "note": note, "asked": report.get("model")}

        return run


async def main() -> None:
    """Runs the cells that are not known, the cheap ones first, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--state", type=Path, default=Path("lift.jsonl"))
    parser.add_argument("--only", default="")
    parser.add_argument("--ways", default="one-shot,author,model,auto")
    parser.add_argument("--print", action="store_true")
    options = parser.parse_args()
    state, units = State(options.state, options.model), read_units()
    wanted = options.only.split(",") if options.only else [*units, *TWELVE]
    if not options.print:
        await fill(state, units, wanted, options.ways.split(","))
    for title, subjects, ways in (
        ("Units", units, ("one-shot", "author")),
        ("Requests", TWELVE, ("one-shot", "model", "auto")),
    ):
        tell(f"{title} by {options.model}", state, list(subjects), ways)


async def fill(state: State, units: dict[str, tuple[Unit, Unit]], wanted: list[str], ways: list[str]) -> None:
    """Runs what is wanted and not known."""
    home, language, sandbox = default_home().root, family("languages").load("python")(), BubblewrapSandbox()
    config, spec = load_models(home).with_model((state.model,)), carrier(units)
    tree = render(spec, make_plan(spec, BLUEPRINT, "auto", language), BLUEPRINT, language)
    installed = await Environments(home, sandbox).install(tree, BLUEPRINT.value, language)
    pool = open_pool(config, MemoryCircuits())
    gateway = Keeping(open_gateway(config, pool, MemoryBook(), Payer(run="lift")), state)
    shop = Workshop(tree, installed.folder, language, sandbox, gateway)
    on_units, on_requests = OnUnits(shop, spec, units), OnRequests(shop, home)
    cells = [(name, "one-shot", on_units.one_shot) for name in units] + [(name, "author", on_units.author) for name in units]
    cells += [(name, "auto", on_requests.generated("auto", state.model)) for name in TWELVE]
    whole = (("model", on_requests.generated("model", state.model)), ("one-shot", on_requests.one_shot))
    cells += [(name, way, run) for name in smallest_first() for way, run in whole]
    for name, way, run in cells:
        if name in wanted and way in ways and (name, way) not in state.cells:
            print(f"{name}: {way} …", file=sys.stderr, flush=True)
            began = time.monotonic()
            try:
                found = await run(name)
            except QuantumLayerError as error:
                found = {"verified": False, "note": error.message[:100]}
            state.cells[name, way] = found | {"subject": name, "way": way, "seconds": round(time.monotonic() - began, 1)}
            state.keep(**state.cells[name, way])
    await pool.close()


def smallest_first() -> list[str]:
    """The requests by how much their specifications hold."""
    return sorted(TWELVE, key=lambda name: len(dump_spec(spec_of(TWELVE[name]))))


def tell(title: str, state: State, subjects: list[str], ways: tuple[str, ...]) -> None:
    """A row for each subject, then the shares."""

    def shown(name: str, way: str) -> str:
        cell = state.cells.get((name, way))
        if cell is None:
            return "not_run"
        return ("yes" if cell["verified"] else "no") + (f" after {cell['attempts']}" if cell.get("attempts", 1) > 1 else "")

    show(title, ("", *ways), [(name, *(shown(name, way) for way in ways)) for name in subjects])
    for way in ways:
        found = [state.cells[name, way] for name in subjects if (name, way) in state.cells]
        right = sum(cell["verified"] for cell in found)
        share = f" ({right / len(found):.0%})" if found else ""
        print(f"{way}: {right} of {len(found)} verified{share}, {len(subjects) - len(found)} not_run")
        for cell in found:
            if cell.get("note"):
                print(f"    {cell['subject']}: {cell['note']}")


BLUEPRINT = known_blueprints(default_home().root).get(STACK)

if __name__ == "__main__":
    asyncio.run(main())
