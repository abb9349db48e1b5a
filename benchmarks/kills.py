"""The kill matrix: every process of the service killed at every stage and inside every side effect; what came of the run.

Usage: python benchmarks/kills.py [--home DIR] [--only TEXT] [--victims NAME,…] [--again]

Victims: worker (the process at work, which has a successor), whole worker (its parent too), stopped worker (SIGSTOP; noticed
after twenty seconds), temporal, service, cli, api, proxy. One run goes through several kills, each at a stage of its own: 41
runs for all. Resumable: results are kept as lines of JSON in DIR (default: ql-kills in the temporary folder); what is there is
not repeated unless --again. Seconds count from the kill (of the whole service: from `ql resume`) to the next stage at work, of
the API until it answers again; the end of a command line interrupts nothing. Aim: 5.
"""

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from table import show

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "kills"))

from trial import VICTIMS, Grounds, Result

from quantumlayer.pipeline.stages import NAMES

AIM_SECONDS = 5.0
SIDE_EFFECTS = (
    "half-written source",
    "unrecorded source",
    "half-written capsule file",
    "preview asked for",
    "preview starts",
    "finish",
)
# What a run goes through: kills so far apart that each finds the run at work again. An attempt is started anew five times.
APART = 3


def trials(victims: list[str]) -> list[tuple[list[str], str]]:
    """Moments of one run, and its victim, in the order in which they are tried."""
    begun, ended = [f"started {name}" for name in NAMES], [f"finished {name}" for name in NAMES]
    found = []
    for victim in victims:
        if victim == "proxy":
            found.append((["preview asked for", "preview starts"], victim))
            continue
        if victim == "stopped worker":
            found.append((begun[APART - 1 :: APART], victim))
            continue
        found += [(begun[first::APART], victim) for first in range(APART)]
        found += [(list(SIDE_EFFECTS[first::2]), victim) for first in range(2)]
        # Between two stages the command line and the API do nothing that they do not do within one.
        found += [(ended[first::APART], victim) for first in range(APART) if victim in ("worker", "temporal", "service")]
    return found


def main() -> None:
    """Carries out what is missing, then prints everything."""
    # So that the service is stopped as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "ql-kills")
    parser.add_argument("--only", default="", help="only moments that contain this text")
    parser.add_argument("--victims", default=",".join(VICTIMS))
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    options.home.mkdir(parents=True, exist_ok=True)
    kept = options.home / "results.jsonl"
    if options.again:
        kept.unlink(missing_ok=True)
    done = {(r.moment, r.victim): r for r in _read(kept)}
    planned = [
        (chosen, victim)
        for moments, victim in trials(options.victims.split(","))
        if (chosen := [moment for moment in moments if options.only in moment])
    ]
    with Grounds(options.home / "home") as grounds:
        # Twice: a moment can come while the victim is still away from the moment before.
        for moments, victim in planned * 2:
            missing = [moment for moment in moments if (moment, victim) not in done or not done[moment, victim].came]
            for result in grounds.trial(missing, victim) if missing else ():
                done[result.moment, victim] = result
                with kept.open("a") as file:
                    file.write(json.dumps(result.as_data()) + "\n")
                print(f"{'ok ' if result.good else 'BAD'} {result}", file=sys.stderr, flush=True)
    _print([done[moment, victim] for moments, victim in planned for moment in moments])


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
