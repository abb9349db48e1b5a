"""How much our loop lifts a model on units of pure logic: the first answer run as it is, against the author of units.

Usage: python benchmarks/lift.py MODEL [--results FILE] [--only NAME,…]. MODEL is as in `ql generate --model`; `models.toml` of
QL_HOME and the environment count. Every answer is kept in FILE (JSON lines), so that a run that was stopped goes on. A unit is
right where its examples and the hidden ones, which no model sees, give their answers; the sandbox runs everything.
"""

import argparse
import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from table import show

from quantumlayer.account.memory import MemoryBook
from quantumlayer.account.values import Payer
from quantumlayer.answer.blocks import blocks
from quantumlayer.author import prompts
from quantumlayer.author.units import Workshop, try_unit, write_unit
from quantumlayer.author.values import Bounds
from quantumlayer.blueprint.render import render
from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.catalog.gateways import open_gateway, open_pool
from quantumlayer.catalog.models import load_models
from quantumlayer.evidence.environments import Environments
from quantumlayer.gateway.breakers import MemoryCircuits
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox
from quantumlayer.spec.check import checked
from quantumlayer.spec.values import Entity, Field, Operation, Spec, Unit
from quantumlayer.stores.home import default_home

UNITS = Path(__file__).with_name("lift_units.yaml")
STACK = "python/fastapi"


def read_units() -> dict[str, tuple[Unit, Unit]]:
    """By name: the unit as a model sees it, and with the hidden examples alone."""
    found = {}
    for name, data in YAML(typ="safe").load(UNITS.read_text()).items():
        hidden = data.pop("hidden")
        found[name] = Unit.model_validate(data), Unit.model_validate({**data, "examples": hidden})
    return found


def spec_of(units: dict[str, tuple[Unit, Unit]]) -> Spec:
    """An application that carries them."""
    thing = Entity(plural="things", fields={"name": Field(type="string")}, operations={"create": Operation()})
    return checked(Spec(name="Lift", entities={"thing": thing}, units={name: unit for name, (unit, _) in units.items()}))


class Lift:
    """One model on all units."""

    def __init__(self, shop: Workshop, spec: Spec, units: dict[str, tuple[Unit, Unit]]) -> None:
        self.shop, self.spec, self.units = shop, spec, units
        self.planned = {unit.name: unit for unit in make_plan(spec, BLUEPRINT, "auto", shop.language).units}

    async def one_shot(self, name: str) -> dict[str, Any]:
        """The first block of the first answer, or all of it, as it is."""
        unit, _ = self.units[name]
        text = self.shop.language.units.text(name, unit, self.planned[name].path)
        answer = await self.shop.gateway.ask("coder", prompts.unit(self.planned[name], text, "python", None, None))
        found = blocks(answer.text)
        return await self._graded(name, (found[0].text if found else answer.text).encode(errors="replace"), 1)

    async def author(self, name: str) -> dict[str, Any]:
        """What the author of units makes of it."""
        written = await write_unit(self.shop, self.units[name][0], self.planned[name])
        best = written.striven.best
        return await self._graded(name, best.made if best else b"", written.striven.attempts)

    async def _graded(self, name: str, content: bytes, attempts: int) -> dict[str, Any]:
        """Whether shown and hidden examples pass; style and types are not asked for here."""
        result: dict[str, Any] = {"attempts": attempts}
        for kind, unit in zip(("shown", "hidden"), self.units[name], strict=True):
            text = self.shop.language.units.text(name, unit, self.planned[name].path)
            trial = await try_unit(self.shop, unit, self.planned[name], replace(text, checks=text.checks[-1:]), content)
            result[kind] = not trial.failed
        return result


async def main() -> None:
    """Prints a row for each unit and the shares."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--results", type=Path, default=Path("lift.jsonl"))
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    home = default_home().root
    config = load_models(home).with_model((options.model,))
    units, language, sandbox = read_units(), family("languages").load("python")(), BubblewrapSandbox()
    spec = spec_of(units)
    tree = render(spec, make_plan(spec, BLUEPRINT, "auto", language), BLUEPRINT, language)
    installed = await Environments(home, sandbox).install(tree, BLUEPRINT.value, language)
    pool = open_pool(config, MemoryCircuits())
    gateway = open_gateway(config, pool, MemoryBook(), Payer(run="lift"))
    lift = Lift(Workshop(tree, installed.folder, language, sandbox, gateway, Bounds(attempts=5)), spec, units)
    done = {(r["unit"], r["way"]): r for r in _lines(options.results) if r["model"] == options.model}
    for name in options.only.split(",") if options.only else units:
        for way, ask in (("one-shot", lift.one_shot), ("author", lift.author)):
            if (name, way) not in done:
                began = time.monotonic()
                result = {"model": options.model, "unit": name, "way": way, **await ask(name)}
                done[name, way] = result | {"seconds": round(time.monotonic() - began, 1)}
                with options.results.open("a") as file:
                    file.write(json.dumps(done[name, way]) + "\n")
    await pool.close()
    _print(options.model, done)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _print(model: str, done: dict[tuple[str, str], dict[str, Any]]) -> None:
    marks = {True: "yes", False: "no"}
    rows = [(u, w, r["attempts"], marks[r["shown"]], marks[r["hidden"]], r["seconds"]) for (u, w), r in sorted(done.items())]
    show(f"Units by {model}", ("unit", "way", "attempts", "examples", "hidden", "seconds"), rows)
    for way in ("one-shot", "author"):
        found = [r for (_, w), r in done.items() if w == way]
        right = sum(r["shown"] and r["hidden"] for r in found)
        print(f"{way}: {right} of {len(found)} right" + (f" ({right / len(found):.0%})" if found else ""))


BLUEPRINT = known_blueprints(default_home().root).get(STACK)

if __name__ == "__main__":
    asyncio.run(main())
