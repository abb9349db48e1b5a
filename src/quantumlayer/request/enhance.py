"""Request → Brief: normalise the text, refuse what nobody could read, divide it into statements, choose the stack."""

import html
import re
import tomllib
import unicodedata
from functools import lru_cache
from importlib import resources

from quantumlayer.errors import UserError
from quantumlayer.request.values import MAX_FILE, MAX_TEXT, Brief, Request, Statement

DEFAULT_STACK = "python/fastapi"
_EXAMPLE = 'ql generate "A to-do API: tasks have a title, a due date and a done flag."'
_BULLET = re.compile(r"^\s*(?:[-*•–+]|\d{1,3}[.)]|[a-z][.)])\s+")
_ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|etc|vs|approx|no|max|min|incl)\.(?=\s*[\w(,])", re.I)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Za-z0-9\"'(@/<$`])")
_HOSTILE = re.compile(
    r"\b(ignore|disregard|forget|override)\b.{0,40}\b(instructions?|prompts?|rules|above|previous)\b"
    r"|\b(print|reveal|show|leak|dump|send|exfiltrate)\b.{0,40}\b(environment|env vars?|system prompt|secrets?|api keys? of|credentials|/etc/\w+)"
    r"|\byou are (now|an?) (?:\w+ )?(assistant|ai|llm|language model|tool)\b"
    r"|\brm -rf\b|\b(exec|eval|os\.system|subprocess)\s*\(|<script\b|\$\(.+\)|\S{200,}|`[^`]*\b(curl|wget|sh|bash)\b[^`]*`",
    re.I | re.S,
)


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
    stack, reason = _stack(request, text)
    statements = _statements(text)
    assumptions = [f"The stack is {stack}: {reason}."]
    if cleaned:
        assumptions.append(f"{cleaned} invisible or control characters of the request were left out.")
    return Brief(
        name=_name(text, request),
        text=text,
        statements=statements,
        files=request.files,
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


def _stack(request: Request, text: str) -> tuple[str, str]:
    if request.stack:
        return request.stack, "it was chosen with --stack"
    for word, stack in _data()["stacks"].items():
        if re.search(rf"\b(?:in|with|using|use|on|as an?)\s+(?:\w+\s+)?{re.escape(word)}\b", text, re.I):
            return stack, f"the request names {word}"
    return DEFAULT_STACK, "nothing else was asked for"


def _statements(text: str) -> tuple[Statement, ...]:
    found: list[Statement] = []
    lead = ""
    for block in _blocks(text):
        if _BULLET.match(block):
            found += _divide(_BULLET.sub("", block), "item", lead)
            continue
        heading = re.match(r"^(#{1,6}\s+(?P<a>.+)|(?P<b>[^.:;]{1,60}):)$", block)
        if heading:
            lead = (heading["a"] or heading["b"]).strip(" :#*")
            found.append(Statement(text=lead, kind="heading"))
            continue
        pieces = _divide(block, "sentence", "")
        lead = pieces[-1].text.rstrip(":") if pieces and pieces[-1].text.endswith(":") else ""
        found += pieces
    return tuple(found)


def _blocks(text: str) -> list[str]:
    """Lines joined into paragraphs, except bullets, headings and lines of a list, which stand alone."""
    blocks: list[str] = []
    open_ = False
    for raw in text.split("\n"):
        line = raw.strip()
        if not line or re.fullmatch(r"[-=*_`#\s]+", line):
            open_ = False
        elif open_ and not _BULLET.match(line) and not line.startswith("#") and not blocks[-1].endswith(":"):
            blocks[-1] += " " + line
        else:
            blocks.append(line)
            open_ = not line.startswith("#")
    return blocks


def _divide(block: str, kind: str, lead: str) -> list[Statement]:
    block = re.sub(r"[*_`]{1,3}([^*_`]+)[*_`]{1,3}", r"\1", block)
    safe = _ABBREVIATIONS.sub(lambda m: m[0].replace(".", "\u2024"), block)
    pieces = [p.replace("\u2024", ".").strip() for p in _SENTENCE_END.split(safe)]
    return [_statement(p, kind, lead) for p in pieces if p.strip(" .!?,;")]


def _statement(text: str, kind: str, lead: str) -> Statement:
    plain = re.sub(r"\s+", " ", html.unescape(text))
    hostile = bool(_HOSTILE.search(plain)) or bool(re.search(r"<\s*/?\s*[a-z][^>]*>", plain, re.I))
    return Statement(text=plain, kind="hostile" if hostile else kind, lead=lead)  # type: ignore[arg-type]


def _name(text: str, request: Request) -> str:
    first = text.split("\n", 1)[0]
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
