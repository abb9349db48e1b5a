"""`ql verify`, `ql judge`: evidence that anybody can gather again."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from quantumlayer.capsule.keys import public_key, read_public_key
from quantumlayer.capsule.verify import verify as verify_capsule
from quantumlayer.cli.failures import run
from quantumlayer.cli.inputs import parse_administrator, read_text
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.errors import UserError
from quantumlayer.evidence.judge import THOROUGH, App, Budget
from quantumlayer.evidence.judge import judge as judge_app
from quantumlayer.evidence.junit import junit_xml
from quantumlayer.evidence.requirements import requirement_results, run_status
from quantumlayer.evidence.values import Evidence
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec
from quantumlayer.stores.home import default_home

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
EXIT_CODES = {"verified": 0, "partial": 3, "failed": 1}
LONGEST_MESSAGE = 300


def verify(
    capsule: Annotated[Path, typer.Argument(metavar="CAPSULE")],
    key: Annotated[
        Path | None, typer.Option(help="The public key that must have signed it, as PEM; else this installation's.")
    ] = None,
    json: Json = False,
) -> None:
    """Check a capsule: signature, digests, evidence. Exit code 1 on any mismatch."""
    trusted = read_public_key(key) if key else None
    ours = public_key(default_home().root) if trusted is None else None
    found = verify_capsule(capsule, trusted)
    by_us = ours is not None and found.keyid == ours.keyid
    if json:
        print_data(found.model_dump(mode="json", exclude={"manifest"}) | {"signed_here": by_us})
    else:
        print_table(("check", "", ""), [(c.name, "passed" if c.passed else "failed", c.message) for c in found.checks])
        whose = (
            "the given key" if found.trusted else "this installation" if by_us else "a key that this installation does not know"
        )
        print(f"{capsule}: {'valid, signed by ' + whose if found.valid else 'NOT VALID'}")
    raise typer.Exit(0 if found.valid else 1)


def judge(
    spec: Annotated[Path, typer.Option(help="The specification, as YAML or JSON.")],
    url: Annotated[str, typer.Option(help="Where the application answers: http://127.0.0.1:8000")],
    admin: Annotated[str | None, typer.Option(help="IDENTIFIER:PASSWORD of its administrator, where it has roles.")] = None,
    thorough: Annotated[bool, typer.Option(help="Twenty thousand random requests, at most a minute, instead of 400.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML to this file.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, other random calls.")] = 0,
    json: Json = False,
) -> None:
    """Hold any running application against a specification."""
    held = load_spec(read_text(spec), str(spec))
    app = App(url=_address(url), admin=parse_administrator(admin))
    evidence = run(judge_app(held, app, seed=seed, budget=THOROUGH if thorough else Budget(), progress=_progress(json)))
    if junit is not None:
        _write(junit, junit_xml(evidence, held.name))
    raise typer.Exit(_print_evidence(held, evidence, json))


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url!r} is no address", hint="write it as http://127.0.0.1:8000")
    return url.rstrip("/")


def _progress(quiet: bool):
    return (
        (lambda text: None)
        if quiet or not sys.stderr.isatty()
        else (lambda text: print(f"\r\033[K{text[:100]}", end="", file=sys.stderr))
    )


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}", hint="name a file that you may write") from None


def _print_evidence(spec: Spec, evidence: Evidence, json: bool) -> int:
    results = requirement_results(spec, evidence)
    status = run_status(results, evidence)
    if json:
        data = {"status": status, "requirements": [r.model_dump(mode="json") for r in results]}
        print_data(data | {"checks": [c.model_dump(mode="json") for c in evidence.checks]})
        return EXIT_CODES[status]
    for check in evidence.failed():
        print(f"✗ {check.title}: {check.message[:LONGEST_MESSAGE]}")
        if check.counterexample:
            print(check.counterexample)
    print_table(
        ("id", "status", "requirement", "reason"), [(r.id, r.status, r.text, r.reason[:LONGEST_MESSAGE]) for r in results]
    )
    passed = sum(c.status == "passed" for c in evidence.checks)
    print(f"{status}: {passed} of {len(evidence.checks)} checks passed")
    return EXIT_CODES[status]
