"""What the user asked for, and what we made of it before reading it for meaning."""

from typing import Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict

FileKind = Literal["openapi", "sql", "mermaid", "plantuml", "drawio", "graphql", "csv", "spec", "text"]
Kind = Literal["sentence", "item", "heading", "hostile", "context", "technology", "unread"]
MAX_TEXT = 100_000
MAX_FILE = 20_000_000


class Value(BaseModel):
    """Frozen and strict."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceFile(Value):
    """A file given with the request. `kind` None means: told by name and content."""

    name: str
    text: str
    kind: FileKind | None = None


class Picture(Value):
    """A picture given with the request, drawn anew by `request.draw`; `data` travels as base64."""

    name: str
    media_type: Literal["image/png", "image/jpeg"]
    data: Base64Bytes


class Request(Value):
    """Free text, files, pictures. `stack` and `author` are the user's explicit choices."""

    text: str = ""
    files: tuple[SourceFile, ...] = ()
    pictures: tuple[Picture, ...] = ()
    stack: str | None = None
    author: str | None = None
    model: str | None = None


class Statement(Value):
    """A sentence, bullet or heading of the request, in order. `lead` is the heading or line that introduces a bullet.

    "context" explains or says what is not wanted now, so that nothing is built from it; "technology" says what the application
    is to be made of; "unread" is a row of a table of which nobody knows what it means.
    """

    text: str
    kind: Kind = "sentence"
    lead: str = ""


class Brief(Value):
    """The request made explicit: normalised, divided, in a known language, with the chosen stack and why."""

    name: str
    text: str
    statements: tuple[Statement, ...] = ()
    files: tuple[SourceFile, ...] = ()
    language: str = "en"
    stack: str = "python/fastapi"
    stack_reason: str = ""
    author: str | None = None
    model: str | None = None
    assumptions: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
