"""What the Go compiler says of names and imports, as findings."""

import re

from quantumlayer.ports.sandbox import Completed
from quantumlayer.ports.scanner import Finding

_LINE = re.compile(r"^(?:vet: )?(?:\./)?([\w./-]+\.go):(\d+):(\d+): (.*)$")


def findings(completed: Completed) -> tuple[Finding, ...]:
    """Every complaint with its place."""
    found = []
    for line in (completed.stdout + b"\n" + completed.stderr).decode(errors="replace").splitlines():
        if place := _LINE.match(line.strip()):
            path, row, column, message = place.groups()
            found.append(
                Finding("import" if "package" in message else "name", "high", message, path, int(row), column=int(column))
            )
    return tuple(found)
