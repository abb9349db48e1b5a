"""A request out of what somebody typed and the files that they gave. Pure."""

from collections.abc import Sequence

from quantumlayer.errors import UserError
from quantumlayer.request.values import MAX_FILE, Picture, Request, SourceFile


def compose(
    text: str,
    files: Sequence[SourceFile],
    pictures: Sequence[Picture] = (),
    *,
    stack: str | None = None,
    author: str | None = None,
    model: str | None = None,
) -> Request:
    """The request of a text, files and pictures; files of prose continue the text. Raises `UserError` when nothing is left."""
    prose = [file.text for file in files if _is_prose(file)]
    sources = tuple(file for file in files if not _is_prose(file))
    whole = "\n\n".join(part for part in (text, *prose) if part.strip())
    if not whole and not sources and not pictures:
        raise UserError(
            "the request is empty",
            hint='say what to build: ql generate "A to-do API: tasks have a title and a done flag.", or pass --file',
        )
    return Request(text=whole, files=sources, pictures=tuple(pictures), stack=stack, author=author, model=model)


def read_bytes(content: bytes, name: str, limit: int = MAX_FILE) -> str:
    """The UTF-8 text of a file. Raises `UserError` when it is too large or not text."""
    if len(content) > limit:
        raise UserError(f"{name} is larger than {limit // 1_000_000} MB", hint="pass a smaller file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is not UTF-8 text (byte {error.start})", hint="pass a text file in UTF-8") from None
    if "\x00" in text:
        raise UserError(f"{name} holds binary data", hint="pass a text file in UTF-8")
    return text


def _is_prose(file: SourceFile) -> bool:
    """Whether the file is read as part of the request's text, not as a structure of its own."""
    return file.kind is None and file.name.lower().endswith((".txt", ".md", ".text", "-"))
