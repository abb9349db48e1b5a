"""The issue's twelve requests through the real command line: how each run ends, which requirements are not met, and why.

Usage: python benchmarks/twelve.py [--stack LANG/FRAMEWORK] [--only NAME,NAME] [--again] [--results FILE]

Every finished run is written to the results file at once; a second call goes on where the first stopped, --again starts anew.
The results file is kept beside the runs in QL_HOME. Exit 1 when fewer than ten end verified, or any run failed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

from table import show

from quantumlayer.stores.home import default_home

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "analyst"))

from analyst_play import TWELVE

SCRIPTS = Path(sysconfig.get_path("scripts"))
ENDED = {0: "verified", 3: "partial"}
WANTED = 10


def run(text: str, stack: str) -> dict:
    """One run's outcome. `reasons` says in its own words what is not met, or why there is no application."""
    command = [SCRIPTS / "ql", "generate", text, "--stack", stack, "--no-preview", "--yes", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in ENDED:
        report = _json(done.stdout)
        failed = [f"{s['name']}: {s['reason']}" for s in report.get("stages", []) if s["status"] == "failed"]
        return {"status": f"exit {done.returncode}", "reasons": failed or done.stderr.strip().splitlines()[-3:]}
    report = json.loads(done.stdout)
    asked = report["requirements"]
    return {
        "status": report["status"],
        "met": sum(r["status"] == "met" for r in asked),
        "of": len(asked),
        "seconds": report["seconds"],
        "scores": report["scores"],
        "run": report["run_id"],
        "reasons": [
            *(f"{r['id']} {r['status']}: {r.get('reason') or r['text']}" for r in asked if r["status"] != "met"),
            *(f"{stage['name']}: {stage['reason']}" for stage in report["stages"] if stage["status"] == "failed"),
        ],
    }


def _json(text: str) -> dict:
    try:
        return json.loads(text)
    except ValueError:
        return {}


def main() -> int:
    """Run what is not in the results file, then print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="python/fastapi")
    parser.add_argument("--only", default=",".join(TWELVE))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    results = options.results or default_home().root / f"twelve-{re.sub(r'[^a-z0-9]+', '-', options.stack)}.json"
    known = {} if options.again or not results.exists() else json.loads(results.read_text("utf-8"))
    wanted = options.only.split(",")
    for name in wanted:
        if known.get(name, {}).get("text") != TWELVE[name] or known[name]["status"] not in ENDED.values():
            print(f"{name} …", file=sys.stderr)
            known[name] = {"text": TWELVE[name], **run(TWELVE[name], options.stack)}
            part = results.with_suffix(".part")
            part.write_text(json.dumps(known, indent=1), "utf-8")
            os.replace(part, results)
    found = {name: known[name] for name in wanted}
    show(
        f"{options.stack}, no model",
        ("request", "ended", "requirements", "took"),
        [
            (name, f["status"], f"{f.get('met', 0)} of {f.get('of', 0)} met", f"{f.get('seconds', 0):.0f} s")
            for name, f in found.items()
        ],
    )
    for name, one in found.items():
        for reason in one["reasons"]:
            print(f"{name}: {reason}")
    verified = sum(f["status"] == "verified" for f in found.values())
    print(f"{verified} of {len(found)} verified, {sum(f['status'] == 'partial' for f in found.values())} partial")
    return 0 if verified >= min(WANTED, len(found)) and all(f["status"] in ENDED.values() for f in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
