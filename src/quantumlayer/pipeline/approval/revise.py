"""What becomes of a document by a person's words. The same for who asks beforehand and for the run itself."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from quantumlayer.errors import UserError
from quantumlayer.pipeline.approval.values import Document, Reply
from quantumlayer.request.values import Brief
from quantumlayer.spec.clarify import clarified, dump_frd, edited, questions_of
from quantumlayer.spec.frd import Frd
from quantumlayer.spec.questions import Question
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import dump_spec, load_spec

T = TypeVar("T")


class Load(Protocol):
    """Reads a drop as a value of that type."""

    async def __call__(self, drop: str, type_: type[T], /) -> T:
        """Raises `EnvironmentError_` when the store fails."""
        ...


async def questions(load: Load, drops: Mapping[str, str], document: Document, *, unread: bool) -> tuple[Question, ...]:
    """What is open in the document among those drops, by kind."""
    if document == "frd":
        return await asyncio.to_thread(questions_of, await load(drops["frd"], Frd), unread=unread)
    asked = await load(drops["questions"], tuple[str, ...]) if "questions" in drops else ()
    return tuple(Question(id=f"Q{number}", text=text) for number, text in enumerate(asked, 1))


async def text_of(load: Load, drops: Mapping[str, str], document: Document) -> str:
    """The document as YAML that a person may edit."""
    if document == "frd":
        return dump_frd(await load(drops["frd"], Frd))
    return dump_spec(await load(drops["spec"], Spec))


async def revised(load: Load, drops: Mapping[str, str], document: Document, reply: Reply, *, unread: bool) -> Any:
    """The document anew, by answers or by an edited text. Raises `UserError` where the words cannot be taken."""
    if document == "spec":
        if reply.text is None:
            raise UserError(
                "answers are read before the specification is made", hint="edit the specification, approve or reject it"
            )
        return await asyncio.to_thread(load_spec, reply.text, "the specification")
    brief, frd = await load(drops["brief"], Brief), await load(drops["frd"], Frd)
    if reply.text is not None:
        return await asyncio.to_thread(edited, brief, frd, reply.text)
    return await asyncio.to_thread(lambda: clarified(brief, frd, reply.answers, unread=unread))
