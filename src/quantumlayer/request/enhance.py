"""Request → Brief: normalise the text, refuse what nobody could read, divide it into statements, choose the stack."""

import re
import tomllib
import unicodedata
from functools import lru_cache
from importlib import resources

from quantumlayer.errors import UserError
from quantumlayer.request.statements import fenced, statements
from quantumlayer.request.values import MAX_FILE, MAX_TEXT, Brief, Request, Statement

_MADE = r"(?:(?:written|built|implemented|coded|made|write (?:it|this)|build (?:it|this)|implement (?:it|this)) )"
DEFAULT_STACK = "python/fastapi"
_EXAMPLE = 'ql generate "A to-do API: tasks have a title, a due date and a done flag."'


@lru_cache(maxsize=1)
def _data() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("quantumlayer.request").joinpath("language.toml").read_text("utf-8"))


def enhance(request: Request) -> Brief:
    """The brief of a request. Raises `UserError` for empty, oversized, binary or unreadable input."""
    _refuse_impossible(request)
    text, cleaned = normalised(request.text)
    if not text and not request.files and not request.pictures:
        raise UserError("the request holds no readable text", hint=f"say what to build, for example: {_EXAMPLE}")
    _refuse_other_languages(text)
    said = statements(text)
    stack, reason, named = _stack(request, text, " ".join(s.text for s in said if s.kind == "technology"))
    assumptions = [f"The stack is {stack}: {reason}."]
    if cleaned:
        assumptions.append(f"{cleaned} invisible or control characters of the request were left out.")
    return Brief(
        name=_name(text, request),
        text=text,
        statements=tuple(_told_of_stack(_without(named, s, stack), stack) for s in said),
        files=(*request.files, *fenced(text)),
        stack=stack,
        stack_reason=reason,
        author=request.author,
        model=request.model,
        assumptions=tuple(assumptions),
    )


def normalised(text: str) -> tuple[str, int]:
    """The text in NFC with plain quotes and dashes, without control or direction characters, and how many were dropped."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    for old, new in (
        ("“", '"'),
        ("”", '"'),
        ("„", '"'),
        ("’", "'"),
        ("‘", "'"),
        ("—", " - "),
        ("–", "-"),
        ("\t", " "),
        ("\u00a0", " "),
        ("…", "..."),
    ):
        text = text.replace(old, new)
    # Pictures at the beginning of lines are bullets, elsewhere they say nothing.
    marked = re.findall(r"^[ \t]*[\u2600-\u27bf\U0001f000-\U0001faff]", text, re.M)
    text = (
        re.sub(r"^[ \t]*[\u2600-\u27bf\U0001f000-\U0001faff][\ufe0f\u200d\U0001f000-\U0001faff]*\s*", "- ", text, flags=re.M)
        if len(marked) > 1
        else text
    )
    text = re.sub(r"[\u2600-\u27bf\U0001f000-\U0001faff][\ufe0f\u200d]*", " ", text)
    kept = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn"))
    return kept.strip(), len(text) - len(kept)


def _refuse_impossible(request: Request) -> None:
    if len(request.text) > MAX_TEXT:
        raise UserError(
            f"the request has {len(request.text):,} characters; at most {MAX_TEXT:,} are read",
            hint="describe the application in a few paragraphs, or pass a schema with --openapi or --schema",
        )
    if "\x00" in request.text or "\ufffd" in request.text:
        raise UserError("the request holds binary data", hint="pass plain UTF-8 text")
    for file in request.files:
        if len(file.text) > MAX_FILE:
            raise UserError(f"{file.name} is larger than {MAX_FILE // 1_000_000} MB", hint="pass a smaller file")
        if not file.text.strip():
            raise UserError(f"{file.name} is empty", hint="pass a file that holds something")


def _refuse_other_languages(text: str) -> None:
    letters = [c for c in text if c.isalpha()]
    if text and not letters:
        raise UserError("the request holds no words", hint=f"say what to build, for example: {_EXAMPLE}")
    foreign = [c for c in letters if "LATIN" not in unicodedata.name(c, "")]
    if len(foreign) > 0.3 * len(letters or "x"):
        script = unicodedata.name(foreign[0], "an unknown").split()[0].title()
        raise UserError(
            f"the request is written in {script} script; the built-in analyst reads English",
            hint="write the request in English, or configure a language model with --model",
        )
    words = re.findall(r"[^\W\d_]+", text.lower())
    hits = {language: sum(w in listed.split() for w in words) for language, listed in _data()["words"].items()}
    best = max(hits, key=lambda language: (hits[language], language == "en"))
    if best != "en" and hits[best] >= 2 and hits[best] > 1.5 * hits["en"]:
        raise UserError(
            f"the request reads like {_data()['names'][best]}; the built-in analyst reads English",
            hint="write the request in English, or configure a language model with --model",
        )


def _told_of_stack(statement: Statement, stack: str) -> Statement:
    """A statement of technologies and qualities asks for nothing where every application of the stack has them."""
    if statement.kind not in ("technology", "item", "sentence"):
        return statement
    made_of = _data()["made_of"]
    told = set(f"{made_of['any']} {made_of['every']} {made_of.get(stack, '')}".split())
    words = set(re.findall(r"[a-z][a-z0-9#+]*", statement.text.lower().replace(".js", "js")))
    asked_for = words - told - set(made_of["filler"].split())
    return statement if asked_for or not words & told else statement.model_copy(update={"kind": "context"})


def _without(named: str, statement: Statement, stack: str) -> Statement:
    """`a todo API in Go`: what the stack was chosen by is said, and no part of what the sentence asks for."""
    made_of = _data()["made_of"]
    others = "|".join(map(re.escape, f"{made_of['any']} {made_of.get(stack, '')}".split()))
    ends = rf"(?:(?:,|,? and| with| \+| &) (?:{others})\b)*(?=\s*(?:$|[.,:;)]|\b(?:for|that|which|where|to|and|with)\b))"
    rest = re.sub(rf"\s*,?\s*{named}{ends}", "", statement.text, flags=re.I) if named else statement.text
    return statement.model_copy(update={"text": rest}) if rest.strip(" .") else statement


def _stack(request: Request, text: str, technologies: str) -> tuple[str, str, str]:
    """The stack, why, and the pattern of the words that name it in a sentence."""
    if request.stack:
        return request.stack, "it was chosen with --stack", ""
    low = text.lower()
    for word, stack in (*_data()["stacks"].items(), *_data()["languages"].items()):
        if word.lower() not in low:
            continue
        named = rf"(?<![\w.]){re.escape(word)}(?![\w-])"
        if word in _data()["languages"]:
            used = rf"(?-i:\bin {named})|{_MADE}(?:in|using|with) {named}"
        else:
            used = rf"\b(?:in|with|using|use|on|as an?)\s+(?:\w+\s+)?{named}"
        if re.search(used, text, re.I) or re.search(named, technologies, re.I):
            return stack, f"the request names {word}", used
    return DEFAULT_STACK, "nothing else was asked for", ""


def _name(text: str, request: Request) -> str:
    first = re.sub(
        r"^\W*(?:project|product|app|application|title|name|system|service)(?: name| title)?\W*:\W*",
        "",
        text.split("\n", 1)[0],
        flags=re.I,
    )
    head = re.match(
        r"^(?:please )?(?:build|create|make|write|develop|design|i (?:want|need)|we (?:want|need)|give me)?\s*(?:me |us )?(?:an? |the )?(.+)",
        first,
        re.I,
    )
    name = re.split(
        r"[:.;,(]|\s(?:where|with|that|which|for|to|so|in which|using|have|has|are|is|can|must|should|may)\s",
        head[1] if head else first,
    )[0]
    name = re.sub(r"[^\w &'/-]", "", name).strip(" -#*")[:60].strip()
    given = [*request.files, *request.pictures]
    if not name and given:
        name = given[0].name.rsplit("/", 1)[-1].split(".")[0].replace("_", " ").replace("-", " ")
    return (name[:1].upper() + name[1:]) or "Application"
