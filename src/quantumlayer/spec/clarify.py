"""What a person says of a requirements document before anything is built: answers and edits, read like the request itself."""

import re
from collections.abc import Iterator, Mapping
from io import StringIO

from ruamel.yaml import YAML

from quantumlayer.errors import UserError
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Brief, Request
from quantumlayer.spec.analyst.analyse import Sentence
from quantumlayer.spec.draft_frd import draft_frd, sentences_of
from quantumlayer.spec.frd import Frd, FrdRequirement
from quantumlayer.spec.given_spec import given_spec
from quantumlayer.spec.problems import nearest
from quantumlayer.spec.questions import Answered, Question
from quantumlayer.spec.yaml_nodes import read_yaml

KEEP, DROP = "keep", "drop"
MOST_ANSWER = 2000
_CONTRADICTION = re.compile(r"^(R\d+) and (R\d+) contradict each other\b")
# Asked as a question of its own, see `analyst.contradict`.
_CONTRADICTED = "it contradicts "


def questions_of(frd: Frd, *, unread: bool = True) -> tuple[Question, ...]:
    """What is open in the document; with `unread` also what the built-in analyst did not understand of it."""
    return tuple(question.model_copy(update={"id": f"Q{number}"}) for number, question in enumerate(_open(frd, unread), 1))


def _open(frd: Frd, unread: bool) -> Iterator[Question]:
    for text in frd.open_questions:
        found = _CONTRADICTION.match(text)
        yield Question(id="", text=text, about=found.groups() if found else ())
    for r in frd.requirements if unread else ():
        kept = any(a.question == _unread(r) for a in frd.answers)
        if not (r.understood or r.assumption or r.hostile or r.given or r.unmet or kept or r.reason.startswith(_CONTRADICTED)):
            yield Question(id="", text=_unread(r), reason=r.reason, about=(r.id,), restates=True)


def _unread(r: FrdRequirement) -> str:
    return f"«{r.text}» is not understood: how else can it be said?"


def clarified(brief: Brief, frd: Frd, answers: Mapping[str, str], *, unread: bool = True) -> Frd:
    """The document drafted anew with the answers, by question id, taken in.

    `keep` closes a question and changes nothing. Raises `UserError` for no answers, unknown questions, text that cannot be
    read, and where nothing would be left to build.
    """
    _refuse_given(frd)
    asked = {question.id: question for question in questions_of(frd, unread=unread)}
    if not answers:
        raise UserError("no answer was given", hint="write them as Q1=TEXT")
    struck: set[str] = set()
    instead: dict[str, str] = {}
    added: list[str] = []
    for key, said in answers.items():
        question = asked.get(key)
        if question is None:
            raise UserError(f"there is no open question {key!r}", hint=nearest(key, asked))
        text = _said(key, said)
        if text.lower() == KEEP:
            continue
        if question.restates and text.lower() == DROP:
            struck.add(question.about[0])
        elif question.restates:
            instead[question.about[0]] = text
        elif text.upper() in question.about:
            struck |= set(question.about) - {text.upper()}
        else:
            added.append(text)
    sentences = [s for r in _own(frd) if r.id not in struck for s in _sentences(r, instead.get(r.id))]
    sentences += [s for text in added for s in _read(text)]
    closed = tuple(Answered(question=asked[key].text, answer=said.strip()) for key, said in answers.items())
    return _redrafted(brief, frd, sentences, (*frd.answers, *closed))


def dump_frd(frd: Frd) -> str:
    """The part of the document that a person may edit, as YAML; what follows from it, as comments."""
    out = StringIO()
    yaml = YAML()
    yaml.width, yaml.allow_unicode = 120, True
    yaml.dump({"name": frd.name, "requirements": {r.id: r.text for r in _own(frd)}}, out)
    lines = [f"{r.id}: {r.text}" for r in frd.requirements if r.assumption]
    notes = ["Assumed, so that it can be used:", *lines] if lines else []
    lost = [f"{r.id}: {r.reason or 'not understood'}" for r in _own(frd) if not r.understood]
    notes += ["Not understood:", *lost] if lost else []
    return out.getvalue() + "".join(f"# {' '.join(line.split())}\n" for line in notes)


def edited(brief: Brief, frd: Frd, text: str) -> Frd:
    """The document drafted anew from an edited `dump_frd`. Raises `UserError` where that cannot be read."""
    _refuse_given(frd)
    data = read_yaml(text, "the document").data
    hint = "keep its form: `name: …` and `requirements:` with one `ID: text` a line; see ql pending RUN --document"
    if not isinstance(data, dict) or set(data) - {"name", "requirements"} or not isinstance(data.get("requirements"), dict):
        raise UserError("the document holds something else than a name and requirements", hint=hint)
    name, wanted = str(data.get("name") or frd.name), data["requirements"]
    if odd := [key for key, value in wanted.items() if not isinstance(value, str) or not value.strip()]:
        raise UserError(f"the requirement {odd[0]} is no text", hint=hint)
    known = {r.id: r for r in _own(frd)}
    for r in known.values():
        if r.given and wanted.get(r.id) != r.text:
            raise UserError(
                f"{r.id} stands for a file of the request and stays as it is", hint="edit the specification instead"
            )
    sentences: list[Sentence] = []
    for key, value in wanted.items():
        before = known.get(str(key))
        same = before is not None and value.strip() == before.text
        sentences += _sentences(before) if before is not None and same else _read(_said(str(key), value))
    return _redrafted(brief.model_copy(update={"name": name}), frd, sentences, frd.answers).model_copy(update={"name": name})


def _redrafted(brief: Brief, frd: Frd, sentences: list[Sentence], answers: tuple[Answered, ...]) -> Frd:
    if not sentences:
        raise UserError("nothing would be left to build", hint="keep at least one requirement, or reject the document")
    numbered = tuple(
        Sentence(f"R{n}", s.text, s.lead, hostile=s.hostile, given=s.given, unmet=s.unmet) for n, s in enumerate(sentences, 1)
    )
    drafted = draft_frd(brief, numbered)
    closed = {a.question for a in answers}
    return drafted.model_copy(
        update={
            "context": (*frd.context, *drafted.context),
            "open_questions": tuple(q for q in drafted.open_questions if q not in closed),
            "answers": answers,
        }
    )


def _refuse_given(frd: Frd) -> None:
    if given_spec(frd.files) is not None:
        raise UserError(
            "the requirements come from a specification that was given as a file", hint="approve them and edit the spec then"
        )


def _own(frd: Frd) -> list[FrdRequirement]:
    return [r for r in frd.requirements if not r.assumption]


def _said(key: str, text: str) -> str:
    text = text.strip()
    if not text:
        raise UserError(f"{key} has no text", hint=f"say it in a sentence; `{KEEP}` leaves an open question as it is")
    if len(text) > MOST_ANSWER:
        raise UserError(
            f"{key} has {len(text):,} characters; at most {MOST_ANSWER:,} are read", hint="say it in a few sentences"
        )
    return text


def _sentences(r: FrdRequirement, instead: str | None = None) -> list[Sentence]:
    return _read(instead) if instead else [Sentence(r.id, r.text, r.lead, r.hostile, r.given, r.unmet)]


def _read(text: str) -> list[Sentence]:
    """What somebody wrote, divided and looked at as a request is."""
    return list(sentences_of(enhance(Request(text=text))))
