"""Structured edits: search/replace blocks, each of which must fit its file exactly once. Whole files are the alternative.

app/units/price.py
<<<<<<< SEARCH
return weight * 2
=======
return weight * 3
>>>>>>> REPLACE
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quantumlayer.answer.blocks import without_thought
from quantumlayer.answer.files import content, permitted, read_files
from quantumlayer.answer.values import Permission, Refusal
from quantumlayer.answer.vet import whole_text
from quantumlayer.ports.llm import Answer

MAX_EDITS = 100
_BEGIN, _MIDDLE, _END = re.compile(r"^<{5,9} ?SEARCH\s*$"), re.compile(r"^={5,9}\s*$"), re.compile(r"^>{5,9} ?REPLACE\s*$")
_MARK = re.compile(r"^(?:<{5,9} ?SEARCH|>{5,9} ?REPLACE)\s*$", re.MULTILINE)
_DECORATION = re.compile(r"^[\s`*#]*(?:(?:File|Path)\s*:)?[\s`*]*|[\s`*:]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Edit:
    """Replace `before`, which must stand exactly once in the file, by `after`. An empty `before` makes a new file."""

    path: str
    before: str
    after: str


def read_changes(answer: Answer, files: Mapping[str, bytes], permission: Permission) -> dict[str, bytes]:
    """The files that an answer changes, as they are afterwards: by edits, or whole where it sends them whole.

    Where only one file may be written, an edit or a block may leave its name out. Raises `Refusal`; then nothing is changed.
    """
    text = without_thought(whole_text(answer))
    only = permission.globs[0] if len(permission.globs) == 1 and "*" not in permission.globs[0] else ""
    if _MARK.search(text):
        changed = applied(parse_edits(text, answer.finish == "length", only), files, permission)
    else:
        changed = read_files(_named(answer, text, only), permission)
    changed = {path: after for path, after in changed.items() if files.get(path) != after}
    if not changed:
        raise Refusal("unchanged", "the answer changes nothing: change the code so that the check passes")
    return changed


def parse_edits(text: str, cut: bool = False, only: str = "") -> tuple[Edit, ...]:
    """The edits in order. `only` names the file where an edit does not. Raises `Refusal`."""
    edits = tuple(_edits(text.splitlines(), cut, only))
    if len(edits) > MAX_EDITS:
        raise Refusal("too_large", f"{len(edits)} edits are more than {MAX_EDITS}: send the whole file")
    return edits


def applied(edits: tuple[Edit, ...], files: Mapping[str, bytes], permission: Permission) -> dict[str, bytes]:
    """The changed files. One edit sees what those before it did. Raises `Refusal` for the first that does not fit."""
    texts: dict[str, str] = {}
    for number, edit in enumerate(edits, 1):
        path = permitted(edit.path, permission)
        if path not in texts:
            texts[path] = files[path].decode() if path in files else ""
        texts[path] = _replaced(texts[path], edit, path, number, path in files)
    return {path: content(path, text) for path, text in texts.items()}


def _edits(lines: list[str], cut: bool, only: str) -> Iterator[Edit]:
    path, parts, state = only, ([], []), ""
    for number, line in enumerate(lines):
        if not state and _BEGIN.match(line):
            path = _path_before(lines[:number]) or path
            if not path:
                raise Refusal("no_such_file", "an edit names no file: write its path on the line before <<<<<<< SEARCH")
            parts, state = ([], []), "before"
        elif state == "before" and _MIDDLE.match(line):
            state = "after"
        elif state == "after" and _END.match(line):
            yield Edit(path, "\n".join(parts[0]), "\n".join(parts[1]))
            state = ""
        elif state and (_BEGIN.match(line) or (_END.match(line) and state == "before")):
            raise Refusal("truncated", f"an edit of {path} is not well-formed: SEARCH, =======, REPLACE, in this order", path)
        elif state:
            parts[state == "after"].append(line)
    if state:
        why = "was cut off at the token limit" if cut else "has no >>>>>>> REPLACE"
        raise Refusal("truncated", f"an edit of {path} {why}", path)


def _path_before(lines: list[str]) -> str:
    """The file name on the last line that is not a fence."""
    for line in reversed(lines[-3:]):
        if line.lstrip().startswith(("```", "~~~")):
            info = line.strip().strip("`~").split()
            name = next((word for word in reversed(info) if "." in word or "/" in word), "")
            if name:
                return name.rpartition(":")[2] if ":" in name else name
            continue
        name = _DECORATION.sub("", line).strip()
        return name if name and " " not in name and ("." in name or "/" in name) else ""
    return ""


def _replaced(text: str, edit: Edit, path: str, number: int, exists: bool) -> str:
    if not edit.before.strip():
        if exists or text:
            raise Refusal(
                "ambiguous", f"edit {number} has an empty SEARCH, but {path} exists: repeat the lines to replace", path
            )
        return edit.after
    if not exists and not text:
        raise Refusal("no_such_file", f"edit {number}: there is no file {path}: an empty SEARCH makes it", path)
    found = _positions(text, edit.before)
    if not found:
        message = f"edit {number}: these lines do not stand in {path}:\n{edit.before}\n{_nearest(text, edit.before)}"
        raise Refusal("missing_text", message.rstrip(), path)
    if len(found) > 1:
        raise Refusal(
            "ambiguous", f"edit {number}: these lines stand {len(found)} times in {path}: add lines around them", path
        )
    position = found[0]
    end = position + len(edit.before)
    if not edit.after and text[end : end + 1] == "\n":
        end += 1
    return text[:position] + edit.after + text[end:]


def _positions(text: str, part: str) -> list[int]:
    """Where the part stands as whole lines."""
    found, at = [], text.find(part)
    while at >= 0:
        ends = at + len(part)
        if (at == 0 or text[at - 1] == "\n") and (
            text[ends : ends + 1] == "\n" or (ends == len(text) and not part.endswith("\n"))
        ):
            found.append(at)
        at = text.find(part, at + 1)
    return found


def _nearest(text: str, part: str) -> str:
    """The lines of the file that look most like the ones searched for, to be told to the model."""
    lines, wanted = text.splitlines(), part.splitlines()
    if len(lines) * len(wanted) > 200_000:
        return ""
    first = difflib.get_close_matches(wanted[0] if wanted[0].strip() else part.strip().splitlines()[0], lines, n=1, cutoff=0.5)
    if not first:
        return ""
    at = lines.index(first[0])
    return "the file has instead:\n" + "\n".join(lines[at : at + len(wanted)])


def _named(answer: Answer, text: str, only: str) -> Answer:
    """The answer with the only permitted file named before its one block, where it names none."""
    if not only:
        return answer
    return Answer(_with_name(text, only), answer.finish, answer.model, answer.input_tokens, answer.output_tokens)


def _with_name(text: str, only: str) -> str:
    return text if only in text else re.sub(r"(?m)^(```|~~~)", rf"`{only}`\n\n\1", text, count=1)
