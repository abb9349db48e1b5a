"""What is wrong with a spec: every problem with its place, and the one error that carries them all."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from quantumlayer.errors import UserError

Path = tuple[str | int, ...]
_SHOWN = 50


@dataclass(frozen=True)
class Problem:
    """One mistake. `path` leads to it in the spec; `line`, `column` (from 1, 0 if not in CEL) stand inside the CEL text there;
    `file_line`, `file_column` (from 1, 0 if unknown) stand in the file that the spec was read from."""

    path: Path
    message: str
    hint: str = ""
    line: int = 0
    column: int = 0
    file_line: int = 0
    file_column: int = 0

    @property
    def where(self) -> str:
        """`entities.loan.unique[0].where`."""
        return dotted(self.path)

    def __str__(self) -> str:
        place = f"line {self.file_line}, {self.where}" if self.file_line else self.where
        inside = f" (CEL {self.line}:{self.column})" if self.line else ""
        return f"{place or 'spec'}{inside}: {self.message}" + (f" [{self.hint}]" if self.hint else "")


class SpecError(UserError):
    """A spec that does not hold together. `problems` lists everything that is wrong with it, in the spec's order."""

    def __init__(self, problems: Iterable[Problem], source: str = "spec") -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        shown = [str(problem) for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            shown.append(f"… and {len(self.problems) - _SHOWN} more")
        text = "\n".join(f"  {line}" for line in shown)
        given = (problem.hint for problem in self.problems if problem.hint)
        hint = next(given, "mend what is named above, then: ql spec check FILE")
        super().__init__(
            f"{source}: {count}\n{text}",
            hint=hint,
            source=source,
            problems=[{"path": p.where, "message": p.message, "line": p.file_line, "hint": p.hint} for p in self.problems],
        )


def dotted(path: Path) -> str:
    """A path as people write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint naming what was probably meant, else what there is."""
    candidates = sorted(set(known))
    close = get_close_matches(name, candidates, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not candidates:
        return "there is none"
    return f"known: {', '.join(candidates[:12])}" + (", …" if len(candidates) > 12 else "")
