"""The corpus of answers that models give: each is a YAML file with its expected outcome. What handles answers must pass it.

`ask`: `file` (the default: one file), `files` (several that the answer names), `changes` (edits of `files`), `json`. `expect`:
`accepted`, the kind of a `Refusal`, or `*` for any refusal. `answer` is the text; `before`, `repeated`, `after` with `repeat`
make a long one, `hex` one of any bytes. `finish` is how the model ended. `result` must stand in what was accepted. `run` says
how an accepted file must end in the sandbox: `ends` (the default), `hangs`, `dies`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from quantumlayer.answer.data import read_json
from quantumlayer.answer.edits import read_changes
from quantumlayer.answer.files import read_file, read_files
from quantumlayer.answer.values import Permission, Refusal, Wanted
from quantumlayer.evidence.grammars import language_of
from quantumlayer.ports.language import Language
from quantumlayer.ports.llm import Answer, Finish


class Case(BaseModel):
    """One answer and what must come of it. `name` is the file's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    expect: str
    ask: str = "file"
    answer: str = ""
    before: str = ""
    repeated: str = ""
    after: str = ""
    repeat: int = 0
    hex: str = ""
    finish: Finish = "stop"
    path: str = "app/units/price.py"
    defines: tuple[str, ...] = ("price",)
    allowed: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    files: dict[str, str] = {}
    json_schema: dict[str, Any] = {}
    result: str = ""
    run: str = "ends"

    @property
    def text(self) -> str:
        """The answer as an adapter hands it over: bytes that are no UTF-8 come as lone surrogates."""
        if self.hex:
            return bytes.fromhex(self.hex).decode(errors="surrogateescape")
        if self.repeated:
            return self.before + self.repeated * self.repeat + self.after
        return self.answer * (self.repeat or 1)


@dataclass(frozen=True)
class Handled:
    """What came of a case: `outcome` "accepted" or the kind of the refusal, and the files that would be written."""

    case: Case
    outcome: str
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def expected(self) -> bool:
        """Whether it is what the case expects."""
        case, right = self.case, self.outcome == self.case.expect
        if case.expect == "*":
            right = self.outcome not in ("accepted", "crashed")
        shown = b"\n".join(self.files.values()).decode(errors="replace")
        return right and case.result in shown


def read_corpus(folder: Path) -> tuple[Case, ...]:
    """All cases of a folder, by name."""
    yaml = YAML(typ="safe")
    found = []
    for path in sorted(folder.glob("*.yaml")):
        data = yaml.load(path.read_text("utf-8"))
        found.append(Case(name=path.stem, json_schema=data.pop("schema", {}), **data))
    return tuple(found)


def handled(case: Case, language: Language) -> Handled:
    """Hands the answer to what reads such answers. An exception that is no refusal is the outcome "crashed"."""
    answer = Answer(case.text, case.finish, "scripted", 0, 0)
    try:
        return Handled(case, "accepted", _read(case, answer, language))
    except Refusal as refusal:
        return Handled(case, refusal.kind)
    except Exception:
        return Handled(case, "crashed")


def _read(case: Case, answer: Answer, language: Language) -> dict[str, bytes]:
    match case.ask:
        case "file":
            pure = language.conventions
            wanted = Wanted(
                case.path, language_of(case.path) or "", case.defines, frozenset(pure.pure_modules), pure.impure_names
            )
            return {case.path: read_file(answer, wanted)}
        case "files":
            return read_files(answer, Permission(case.allowed, case.never))
        case "changes":
            files = {path: text.encode() for path, text in case.files.items()}
            return read_changes(answer, files, Permission(case.allowed, case.never))
        case "json":
            read_json(answer, case.json_schema)
            return {}
    raise ValueError(f"there is no way to ask for {case.ask!r}")
