"""From an answer to whole files: one that was asked for, or several that it names itself."""

from quantumlayer.answer.blocks import Block, blocks, without_thought
from quantumlayer.answer.values import MAX_FILES, Permission, Refusal, Wanted
from quantumlayer.answer.vet import declared, language_of_text, vetted, whole_text
from quantumlayer.evidence.grammars import language_of
from quantumlayer.evidence.semantics import syntax_errors
from quantumlayer.files.values import UnsafePath, safe_path
from quantumlayer.ports.llm import Answer

_NAMES = {
    "py": "python",
    "python3": "python",
    "js": "javascript",
    "node": "javascript",
    "ts": "typescript",
    "golang": "go",
    "yml": "yaml",
    "sh": "bash",
    "shell": "bash",
    "console": "bash",
    "zsh": "bash",
}
_TEXT = ("", "text", "txt", "plaintext", "code", "file")


def read_file(answer: Answer, wanted: Wanted) -> bytes:
    """The one file that was asked for.

    A block may name no file, the wanted one, or a bare file name; one that names another path is refused. Of several blocks in
    the language it is the one that names the file, else the only one that declares what the file must. Raises `Refusal`.
    """
    text = without_thought(whole_text(answer))
    found = blocks(text)
    cut = answer.finish == "length" and (not found or not found[-1].closed)
    if cut:
        raise Refusal("truncated", "the answer was cut off at the token limit", wanted.path)
    if not found:
        return vetted(_bare(text, wanted), wanted)
    return vetted(_chosen(found, wanted).text, wanted)


def read_files(answer: Answer, permission: Permission, defines: dict[str, tuple[str, ...]] | None = None) -> dict[str, bytes]:
    """Every file that the answer names, whole. Blocks without a name are talk, unless there is nothing else.

    Raises `Refusal` for the first that may not be written, is there twice, or is none.
    """
    found = blocks(without_thought(whole_text(answer)))
    if answer.finish == "length" and (not found or not found[-1].closed):
        raise Refusal("truncated", "the answer was cut off at the token limit")
    files: dict[str, bytes] = {}
    for block in found:
        if not block.name:
            continue
        path = permitted(block.name, permission)
        if path in files:
            raise Refusal("ambiguous", f"{path} is there twice: send each file once", path)
        if not block.closed:
            raise Refusal("truncated", f"the block of {path} is not closed", path)
        files[path] = content(path, block.text, (defines or {}).get(path, ()))
    if len(files) > MAX_FILES:
        raise Refusal("too_large", f"{len(files)} files are more than {MAX_FILES}")
    if not files:
        message = "no file was found: put each file into a fenced block and its path on the line before, such as `app/main.py`"
        raise Refusal("no_code", message)
    return files


def content(path: str, text: str, defines: tuple[str, ...] = ()) -> bytes:
    """The bytes of a file by its path, vetted by its grammar; a blank one is empty. Raises `Refusal`."""
    name = language_of(path)
    if name is None:
        raise Refusal("wrong_language", f"{path} is of no language that can be checked", path)
    return b"" if not text.strip() else vetted(text, Wanted(path, name, defines))


def permitted(path: str, permission: Permission) -> str:
    """The path itself where it stays inside the project and may be written. Raises `Refusal`."""
    path = path.removeprefix("./")
    try:
        safe_path(path)
    except UnsafePath as error:
        raise Refusal("unsafe_path", f"{path[:200]!r} leaves the project: use a relative path inside it", path[:200]) from error
    if not permission.allows(path):
        raise Refusal("forbidden_path", f"{path!r} may not be written; allowed: {', '.join(permission.globs)}", path)
    return path


def _bare(text: str, wanted: Wanted) -> str:
    """An answer without fences, where all of it is the file."""
    names = wanted.defines
    if not syntax_errors(wanted.grammar, wanted.path, text.encode()):
        if names and not set(names) <= set(declared(text.encode(), wanted.grammar)):
            raise Refusal(
                "no_code", f"there is no code that defines {names[0]!r}: send the file in one fenced block", wanted.path
            )
        return text
    if other := language_of_text(text, wanted.grammar):
        raise Refusal("wrong_language", f"{wanted.path} must be {wanted.grammar}, this is {other}", wanted.path)
    raise Refusal("no_code", "the code does not stand in a fenced block of its own", wanted.path)


def _chosen(found: tuple[Block, ...], wanted: Wanted) -> Block:
    code = [b for b in found if b.language in _TEXT or _NAMES.get(b.language, b.language) == wanted.grammar]
    if not code:
        raise Refusal("wrong_language", f"{wanted.path} must be {wanted.grammar}, not {found[0].language}", wanted.path)
    named = [b for b in code if b.name.removeprefix("./") == wanted.path]
    strangers = [b for b in code if "/" in b.name.replace("\\", "/") and b not in named]
    if strangers:
        permitted(strangers[0].name, Permission((wanted.path,)))
    candidates = named or code
    if len(candidates) > 1 and wanted.defines:
        names = set(wanted.defines)
        candidates = [b for b in candidates if names <= set(declared(b.text.encode(), wanted.grammar))] or candidates
    if len({b.text for b in candidates}) > 1 and not wanted.alone:
        raise Refusal("ambiguous", f"{len(candidates)} blocks could be {wanted.path}: send one", wanted.path)
    chosen = candidates[-1]
    if not chosen.closed and syntax_errors(wanted.grammar, wanted.path, chosen.text.encode()):
        raise Refusal("truncated", f"the block of {wanted.path} breaks off", wanted.path)
    return chosen
