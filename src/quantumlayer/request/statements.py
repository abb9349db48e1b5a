"""The text of a request as statements: Markdown's headings, nested lists and tables, and looser ways of listing."""

import html
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from quantumlayer.request.grids import read_grid
from quantumlayer.request.values import FileKind, Kind, SourceFile, Statement

_BULLET = re.compile(r"^\s*(?:[-*•–+]|\d{1,3}[.)]|[a-z][.)])\s+")
_ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|etc|vs|approx|no|max|min|incl)\.(?=\s*[\w(,])", re.I)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Za-z0-9\"'(@/<$`])")
# Not within a word, where `_` is a letter: due_date
_EMPHASIS = re.compile(r"(?<!\w)([*_`]{1,3})([^*_`]|[^*_`\s][^*`]*[^*_`\s])\1(?!\w)|\*\*([^*]+)\*\*")
_HEADING = re.compile(r"^(?:#{1,6}\s+(?P<a>.+)|(?P<b>[^.:;|]{1,60}):)$")
_NUMBER = re.compile(r"^(?:\d+(?:\.\d+)*[.)]?|[IVX]+\.)\s+")
# Titles of documents' chapters: what stands below is about the application, not a record of that name.
_CHAPTER = re.compile(
    r"(?:the |our |main |key |core |basic |business |functional |technical |data |domain |user |system |more |other )*"
    r"(?:requirements?|features?|functionality|rules?|logic|constraints?|validations?|invariants|notes?|remarks|overview|goals?|objectives?|purpose|scope|summary"
    r"|introduction|background|context|motivation|problem|description|entities|entity|models?|resources?|objects|schemas?|tables|records|types|fields|attributes|properties|columns"
    r"|endpoints?|api|apis|rest api|routes|operations|actions|stories|use cases?|details|roles?|permissions?|access|access control|authori[sz]ation|authentication|security"
    r"|workflows?|process|processes|states|statuses|lifecycle|reports?|reporting|statistics|acceptance criteria|assumptions|mvp|must have|should have|could have|what (?:we|i) (?:need|want).*)",
    re.I,
)
_TECHNOLOGY = re.compile(
    r"(?:tech|technology|technologies|technical|implementation)(?: ?stack| choices)?|stack|built with|tooling", re.I
)
# `Actors: requester, agent, admin`: what they may do says who they are
_ROLES = re.compile(r"(?:user )?(?:roles|actors|personas|user types|types of users)", re.I)
_NAMES = re.compile(r"\w+(?: \w+)?(?:(?:, | and |, and | / )\w+(?: \w+)?)*\.?")
_BACKGROUND = re.compile(r"purpose|background|motivation|problem(?: statement)?|vision|business case", re.I)
_FIELDS = re.compile(r"(?:fields|attributes|properties|columns|data|schema)", re.I)
_OUTSIDE = re.compile(
    r"(?:explicitly )?(?:out[ -]of[ -]scope|not in scope|non[ -]?goals?|not (?:included|needed|required|part of .*)|won'?t (?:have|do)|(?:ideas for )?(?:the )?(?:future|later)(?: (?:work|ideas|versions?|phases?))?|excluded|what (?:we|i) do(?:n't| not) (?:need|want))",
    re.I,
)
_HOSTILE = re.compile(
    r"\b(ignore|disregard|forget|override)\b.{0,40}\b(instructions?|prompts?|rules|above|previous)\b"
    r"|\b(print|reveal|show|leak|dump|send|exfiltrate)\b.{0,40}\b(environment|env vars?|system prompt|secrets?|api keys? of|credentials|/etc/\w+)"
    r"|\byou are (now|an?) (?:\w+ )?(assistant|ai|llm|language model|tool)\b"
    r"|\brm -rf\b|\b(exec|eval|os\.system|subprocess)\s*\(|<script\b|\$\(.+\)|\S{200,}|`[^`]*\b(curl|wget|sh|bash)\b[^`]*`",
    re.I | re.S,
)
# A bullet, a heading, `**Task**: …`, `Patient: name, email`, `Patients (name, email)`
_ALONE = re.compile(
    rf"{_BULLET.pattern}|#|(?:\*\*|__)[^*_:]{{1,60}}(?::(?:\*\*|__)|(?:\*\*|__)\s*[:(–-])|[A-Z]\w*(?: \w+){{0,2}}(?:: \S|:$| \([^()]*,[^()]*\)$)"
)
_NAME_OF_IT = re.compile(r"(?:project|product|app|application|title|name|system|service)(?: name| title)?", re.I)
_LABEL = re.compile(r"(?:\*\*|__)?(?P<n>[A-Za-z][\w /-]{1,40})(?::(?:\*\*|__)|(?:\*\*|__):|:)\s+(?P<rest>\S.*)", re.S)
_CHECKBOX = re.compile(r"^\[[ xX]\]\s+")
_WORDS_OF_LABEL = 4
# Deeper lists and quotations are read as if they stood so deep: what is nested deeper still, the reader of Markdown would drop.
_DEEPEST = 40
_TOO_DEEP = re.compile(rf"^(?: {{{2 * _DEEPEST},}}|(?: ?[->*+]){{{_DEEPEST},}} ?)", re.M)
_FILES: dict[str, FileKind] = {
    "sql": "sql", "postgresql": "sql", "mysql": "sql", "sqlite": "sql", "mermaid": "mermaid", "plantuml": "plantuml",
    "puml": "plantuml", "graphql": "graphql", "gql": "graphql", "csv": "csv",
}  # fmt: skip
_LISTS = ("bullet_list", "ordered_list", "table")


def statements(text: str) -> tuple[Statement, ...]:
    """All statements in order, of a text that `enhance.normalised` has made plain."""
    reading = _Reading()
    if (label := _LABEL.match(text.partition("\n")[0])) and _NAME_OF_IT.fullmatch(label["n"]) and _is_name(label["rest"]):
        reading.found.append(Statement(text=label["rest"].strip(" *"), kind="heading"))
        text = text.partition("\n")[2]
    nodes = SyntaxTreeNode(_reader().parse(_TOO_DEEP.sub("", text))).children
    for node, following in itertools.zip_longest(nodes, nodes[1:]):
        if following is not None and following.type in _LISTS and _names_what_follows(node):
            reading.found.append(reading.titled(_content(node)))
        else:
            reading.found += reading.read(node)
    return tuple(reading.found)


def fenced(text: str) -> tuple[SourceFile, ...]:
    """What stands in fences that say what it is, as files: SQL, a diagram, a schema, a sample."""
    files: list[SourceFile] = []
    for node in SyntaxTreeNode(_reader().parse(_TOO_DEEP.sub("", text))).walk():
        if kind := _file_kind(node):
            files.append(SourceFile(name=f"block-{len(files) + 1}.{kind}", text=node.content, kind=kind))
    return tuple(files)


def _file_kind(node: SyntaxTreeNode) -> FileKind | None:
    if node.type != "fence" or not node.content.strip():
        return None
    language = node.info.strip().partition(" ")[0].lower()
    described = language in ("yaml", "yml", "json") and re.search(r"^\s*[\"']?openapi[\"']?\s*:", node.content, re.M)
    if described:
        return "openapi"
    return _FILES.get(language)


@cache
def _reader() -> MarkdownIt:
    """Blocks alone. What is indented is no code, and what is underlined no heading: people type so."""
    reader = (
        MarkdownIt("commonmark", {"maxNesting": 5 * _DEEPEST})
        .enable("table")
        .disable(["code", "lheading", "html_block", "reference"])
    )
    reader.core.ruler.enableOnly(["normalize", "block"])
    return reader


@dataclass
class _Reading:
    """What has been read. `lead` introduces what follows: a heading, a line that ends with a colon, the item above."""

    lead: str = ""
    section: Kind | None = None

    def __post_init__(self) -> None:
        self.found: list[Statement] = []

    def read(self, node: SyntaxTreeNode) -> Iterator[Statement]:
        """The statements of a block."""
        match node.type:
            case "heading":
                yield self.titled(_content(node))
            case "paragraph":
                for block in _lines(_content(node)):
                    yield from self._block(block)
            case "bullet_list" | "ordered_list":
                for item in node.children:
                    yield from self._item(item)
            case "table":
                rows = [[_plain(_content(cell)) for cell in row.children] for part in node.children for row in part.children]
                for text, lead, kind in read_grid(rows, self.lead):
                    yield self._statement(text, kind, lead)
            case "fence" if _file_kind(node) is None:
                shell = node.info.strip().lower() in ("sh", "bash", "shell", "console")
                yield self._statement(node.content, "context" if shell else "item", self.lead)
            case "fence":
                return
            case _:
                for child in node.children:
                    yield from self.read(child)

    def titled(self, title: str) -> Statement:
        """A heading, which leads what follows unless it is the title of a chapter."""
        title = _NUMBER.sub("", _plain(title)).strip(" :#*")
        self.section = _section(title)
        if not (self.lead and _FIELDS.fullmatch(title)):
            self.lead = "" if _CHAPTER.fullmatch(title) else title
        return Statement(text=title, kind="heading")

    def _block(self, block: str) -> Iterator[Statement]:
        if _BULLET.match(block):
            yield from self._divide(_BULLET.sub("", block), "item", self.lead)
        elif heading := _HEADING.match(block):
            yield self.titled(heading["a"] or heading["b"])
        elif (label := _LABEL.match(block)) and _ROLES.fullmatch(label["n"]) and _NAMES.fullmatch(label["rest"]):
            yield Statement(text=_plain(block), kind="context")
        elif (label := _LABEL.match(block)) and (_CHAPTER.fullmatch(label["n"]) or _section(label["n"])):
            section, self.section = self.section, _section(label["n"])
            yield from self._divide(label["rest"], "sentence", "")
            self.section, self.lead = section, ""
        else:
            pieces = list(self._divide(block, "sentence", ""))
            self.lead = pieces[-1].text.rstrip(":") if pieces and pieces[-1].text.endswith(":") else ""
            yield from pieces

    def _item(self, item: SyntaxTreeNode) -> Iterator[Statement]:
        """An item; of one that only names what its own items belong to, those."""
        children = list(item.children)
        first = children.pop(0) if children and children[0].type == "paragraph" else None
        text = _plain(_content(first)) if first else ""
        if text and _is_label(text) and any(child.type.endswith("_list") for child in children):
            outer, self.lead = self.lead, text.strip(" :")
            yield Statement(text=self.lead, kind="heading")
            for child in children:
                yield from self.read(child)
            self.lead = outer
            return
        pieces = _lines(_content(first)) if first else []
        for piece in pieces[:1]:
            yield from self._divide(_CHECKBOX.sub("", piece), "item", self.lead)
        for piece in pieces[1:]:
            yield from self._block(piece)
        for child in children:
            yield from self.read(child)

    def _divide(self, block: str, kind: Kind, lead: str) -> Iterator[Statement]:
        safe = _ABBREVIATIONS.sub(lambda m: m[0].replace(".", "\u2024"), _plain(block))
        for piece in _SENTENCE_END.split(safe):
            plain = piece.replace("\u2024", ".").strip()
            if plain.strip(" .!?,;"):
                yield self._statement(plain, kind, lead)

    def _statement(self, text: str, kind: Kind, lead: str) -> Statement:
        plain = re.sub(r"\s+", " ", html.unescape(text)).strip()
        hostile = bool(_HOSTILE.search(plain)) or bool(re.search(r"<\s*/?\s*[a-z][^>]*>", plain, re.I))
        return Statement(text=plain, kind="hostile" if hostile else self.section or kind, lead=lead)


def _section(title: str) -> Kind | None:
    if _OUTSIDE.fullmatch(title) or _BACKGROUND.fullmatch(title):
        return "context"
    return "technology" if _TECHNOLOGY.fullmatch(title) else None


def _is_name(text: str) -> bool:
    return len(text.split()) <= 6 and not re.search(r"[,:;(]|\bwith\b", text)


def _names_what_follows(node: SyntaxTreeNode) -> bool:
    """`Todo`, with its fields below."""
    text = _plain(_content(node)) if node.type == "paragraph" else ""
    return bool(re.fullmatch(r"[A-Z]\w+(?: \w+){0,2}:?", text))


def _content(node: SyntaxTreeNode) -> str:
    return node.children[0].content if node.children else ""


def _plain(text: str) -> str:
    """Without the signs of emphasis."""
    return _EMPHASIS.sub(lambda m: m[2] or m[3], text)


def _is_label(text: str) -> bool:
    return text.endswith(":") or (len(text.split()) <= _WORDS_OF_LABEL and not re.search(r"[.,;:()]", text))


def _lines(text: str) -> list[str]:
    """The lines of a paragraph joined, except bullets, headings, labels and lines of a list, which stand alone."""
    blocks: list[str] = []
    open_ = False
    for raw in text.split("\n"):
        line = raw.strip()
        if not line or re.fullmatch(r"[-=*_`#\s]+", line):
            open_ = False
        elif open_ and not _ALONE.match(line) and not blocks[-1].endswith(":"):
            blocks[-1] += " " + line
        else:
            blocks.append(line)
            open_ = not line.startswith("#")
    return blocks
