"""Print how well the analyst reads its corpus: facts found, inventions, known misreadings. Usage: benchmarks/analyst.py [-v]"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "analyst"))

from analyst_play import TWELVE, spec_of
from corpus_score import load, score

PARTS = (
    "open",
    "held_out",
    "held_out_2",
    "held_out_3",
    "held_out_4",
    "held_out_5",
    "held_out_6",
    "held_out_7",
    "held_out_8",
    "held_out_9",
    "held_out_10",
    "held_out_11",
    "held_out_12",
)


def main() -> None:
    """Score all parts, and time a request of some 200 words: in a process that has read nothing yet, and in one that has."""
    text = " ".join(TWELVE[n] for n in ("library", "booking", "ticketing", "desk", "notes"))
    first = took(text)
    facts = lost = 0
    for part in PARTS:
        requests = load(part)
        result = score(requests)
        facts, lost = facts + result.expected, lost + sum(map(len, result.missed.values()))
        print(
            f"{part:11} {len(requests):3} requests  {result.expected:4} facts"
            f"  found {result.found:6.1%}  invented {result.excess:5.1%}  misread {sum(map(len, result.wrong.values()))}"
        )
        if "-v" in sys.argv and (part == "open" or "--held-out" in sys.argv):
            for name, missed in result.missed.items():
                print(f"  {name}: missed {missed}")
            for name, extra in result.invented.items():
                print(f"  {name}: invented {extra}")
            for name, wrong in result.wrong.items():
                print(f"  {name}: misread {wrong}")
    print(f"all         {facts} facts, found {1 - lost / facts:.1%}")
    understood = [all(r.understood for r in spec_of(text).requirements) for text in TWELVE.values()]
    print(f"the twelve: {sum(understood)} understood without a clause left over")
    print(f"{len(text.split())} words: {first} as the first request of a process, {took(text)} later; checking included")


def took(text: str) -> str:
    """How long a request takes to become a checked spec, by the clock and on the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    spec_of(text)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return f"{1000 * wall:.0f} ms ({1000 * processor:.0f} ms on the processor)"


if __name__ == "__main__":
    main()
