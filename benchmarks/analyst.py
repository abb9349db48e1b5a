"""Print how well the analyst reads its corpus: facts found and inventions, by part. Usage: python benchmarks/analyst.py [-v]"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "analyst"))

from analyst_play import TWELVE, spec_of
from corpus_score import load, score


def main() -> None:
    """Score the open and held-out parts, and time a 200-word request."""
    for part in ("open", "held_out", "held_out_2", "held_out_3"):
        requests = load(part)
        result = score(requests)
        print(
            f"{part:10} {len(requests):3} requests  {result.expected:4} facts"
            f"  found {result.found:6.1%}  invented {result.excess:5.1%}"
        )
        if "-v" in sys.argv and (part == "open" or "--held-out" in sys.argv):
            for name, missed in result.missed.items():
                print(f"  {name}: missed {missed}")
            for name, extra in result.invented.items():
                print(f"  {name}: invented {extra}")
    understood = [all(r.understood for r in spec_of(text).requirements) for text in TWELVE.values()]
    print(f"the twelve: {sum(understood)} understood without a clause left over")
    text = " ".join(TWELVE[n] for n in ("library", "booking", "ticketing", "desk"))
    wall, processor = time.perf_counter(), time.process_time()
    spec_of(text)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{len(text.split())} words in {1000 * wall:.0f} ms, {1000 * processor:.0f} ms on the processor; checking included")


if __name__ == "__main__":
    main()
