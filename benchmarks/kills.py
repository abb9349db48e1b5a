"""The kill matrix: every process of the service killed at every stage and inside every side effect; what came of the run.

Usage: python benchmarks/kills.py [--home DIR] [--only TEXT] [--victims worker,temporal,service] [--again]

Resumable: results are kept as lines of JSON in DIR (default: ql-kills in the temporary folder); what is there is not repeated
unless --again. Seconds count from the kill (for the whole service: from `ql resume`) to the next stage at work; aim: 5.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from table import show

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "kills"))

from trial import Grounds, Result

from quantumlayer.pipeline.stages import NAMES

AIM_SECONDS = 5.0
SIDE_EFFECTS = (
    ("half-written source", ("worker", "temporal", "service")),
    ("unrecorded source", ("worker", "temporal", "service")),
    ("half-written capsule file", ("worker", "temporal", "service")),
    ("preview asked for", ("worker", "temporal", "proxy", "service")),
    ("preview starts", ("worker", "temporal", "proxy", "service")),
    ("finish", ("worker", "temporal", "service")),
)


def cells(victims: list[str]) -> list[tuple[str, str]]:
    """Moments and victims, in the order in which they are tried."""

    def stages(edge: str) -> list[tuple[str, str]]:
        return [(f"{edge} {name}", victim) for name in NAMES for victim in victims if victim != "proxy"]

    effects = [(moment, victim) for moment, killed in SIDE_EFFECTS for victim in killed if victim in victims]
    return [*stages("started"), *effects, *stages("finished")]


def main() -> None:
    """Carries out what is missing, then prints everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "ql-kills")
    parser.add_argument("--only", default="", help="only moments that contain this text")
    parser.add_argument("--victims", default="worker,temporal,proxy,service")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    options.home.mkdir(parents=True, exist_ok=True)
    kept = options.home / "results.jsonl"
    victims = options.victims.split(",")
    wanted = [cell for cell in cells(victims) if options.only in cell[0]]
    done = {} if options.again else {(r.moment, r.victim): r for r in _read(kept)}
    grounds = Grounds(options.home / "home")
    try:
        for moment, victim in wanted:
            if (moment, victim) not in done:
                result = done[moment, victim] = grounds.trial(moment, victim)
                with kept.open("a") as file:
                    file.write(json.dumps(result.as_data()) + "\n")
                print(f"{'ok ' if result.good else 'BAD'} {result}", file=sys.stderr, flush=True)
    finally:
        grounds.close()
    _print([done[cell] for cell in wanted])


def _read(path: Path) -> list[Result]:
    return [Result(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def _print(results: list[Result]) -> None:
    columns = ("moment", "killed", "run", "resumed after (s)", "doubled", "left over")
    rows = [
        (r.moment, r.victim, r.status, r.seconds if r.seconds is not None else "-", _told(r.doubled), _told(r.leftovers))
        for r in results
    ]
    show("Killed", columns, rows)
    timed = [r.seconds for r in results if r.seconds is not None]
    good = sum(r.good for r in results)
    late = sum(s > AIM_SECONDS for s in timed)
    print(f"{good} of {len(results)} kept every promise; {late} of {len(timed)} took over {AIM_SECONDS:g} s to go on")
    sys.exit(0 if good == len(results) else 1)


def _told(found: list[str]) -> str:
    return "; ".join(found) or "none"


if __name__ == "__main__":
    main()
