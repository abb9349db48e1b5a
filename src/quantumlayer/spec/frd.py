"""The functional requirements document: what will be built, in numbered statements that a person can sign."""

from typing import Literal

from quantumlayer.request.values import SourceFile
from quantumlayer.spec.questions import Answered
from quantumlayer.spec.values import RequirementId, Value

Priority = Literal["must", "should", "could"]


class Criterion(Value):
    """One acceptance criterion."""

    given: str
    when: str
    then: str


class FrdRequirement(Value):
    """A numbered statement. `kind` hostile is listed but never read; an assumption is ours, not the user's."""

    id: RequirementId
    text: str
    lead: str = ""
    hostile: bool = False
    given: bool = False
    unmet: str = ""
    assumption: bool = False
    understood: bool = True
    reason: str = ""
    priority: Priority = "must"
    criteria: tuple[Criterion, ...] = ()


class Term(Value):
    """A word of the glossary."""

    term: str
    meaning: str


class Frd(Value):
    """The whole document; `draft_spec` reads the requirements that are not assumptions, and the files.

    `context` are the titles, greetings and background of the request, which ask for nothing.
    """

    name: str
    introduction: str = ""
    context: tuple[str, ...] = ()
    stack: str = "python/fastapi"
    stack_reason: str = ""
    requirements: tuple[FrdRequirement, ...] = ()
    non_functional: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
    answers: tuple[Answered, ...] = ()
    glossary: tuple[Term, ...] = ()
    files: tuple[SourceFile, ...] = ()
