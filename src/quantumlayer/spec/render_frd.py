"""Frd → Markdown and HTML. Whatever the request said is text here: escaped, never markup."""

import html
import re

from quantumlayer.spec.frd import Frd, FrdRequirement


def to_markdown(frd: Frd) -> str:
    """The document as CommonMark."""
    lines = [f"# {_md(frd.name)}: requirements", "", *[f"> {_md(line)}" for line in frd.introduction.splitlines()], ""]
    lines += [f"Stack: `{frd.stack}` ({_md(frd.stack_reason)}).", "", "## Requirements", ""]
    for r in (r for r in frd.requirements if not r.assumption):
        lines += [f"### {r.id} ({r.priority})", "", _md(r.text), ""]
        lines += [f"**Not understood.** {_md(r.reason)}", ""] if not r.understood else []
        for c in r.criteria:
            lines += [f"- **Given** {_md(c.given)}", f"  **when** {_md(c.when)}", f"  **then** {_md(c.then)}"]
        lines += [""] if r.criteria else []
    for title, items in _lists(frd):
        lines += [f"## {title}", "", *[f"- {_md(i)}" for i in items], ""] if items else []
    return "\n".join(lines).rstrip() + "\n"


def to_html(frd: Frd) -> str:
    """The document as one self-contained HTML page."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{_h(frd.name)}: requirements</title>",
        "<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}code{background:#8882}.no{color:#b00}</style>",
        f"</head><body><h1>{_h(frd.name)}: requirements</h1><blockquote>{_h(frd.introduction)}</blockquote>",
        f"<p>Stack: <code>{_h(frd.stack)}</code> ({_h(frd.stack_reason)}).</p><h2>Requirements</h2>",
    ]
    parts += [_article(r) for r in frd.requirements if not r.assumption]
    for title, items in _lists(frd):
        if items:
            parts.append(f"<h2>{title}</h2><ul>" + "".join(f"<li>{_h(i)}</li>" for i in items) + "</ul>")
    return "\n".join(parts) + "\n</body></html>\n"


def _article(r: FrdRequirement) -> str:
    items = "".join(
        f"<li><b>Given</b> {_code(c.given)} <b>when</b> {_code(c.when)} <b>then</b> {_code(c.then)}</li>" for c in r.criteria
    )
    refused = f'<p class="no"><b>Not understood.</b> {_h(r.reason)}</p>' if not r.understood else ""
    return f'<section id="{r.id}"><h3>{r.id} ({r.priority})</h3><p>{_h(r.text)}</p>{refused}<ul>{items}</ul></section>'


def _lists(frd: Frd) -> list[tuple[str, list[str]]]:
    assumed = [f"{r.id}: {r.text}" for r in frd.requirements if r.assumption]
    others = [a for a in frd.assumptions if a not in {r.text for r in frd.requirements}]
    return [
        ("Context (asks for nothing, nothing is built from it)", list(frd.context)),
        ("Assumptions", [*assumed, *others]),
        ("Non-functional targets", list(frd.non_functional)),
        ("Open questions", list(frd.open_questions)),
        ("Glossary", [f"{t.term}: {t.meaning}" for t in frd.glossary]),
    ]


def _md(text: str) -> str:
    """Text as Markdown text; spans between backticks stay code."""
    pieces = re.split(r"(`[^`\n]*`)", re.sub(r"[\r\n]+", " ", text))
    return "".join(p if p.startswith("`") and len(p) > 1 else re.sub(r"([\\*_{}\[\]<>#|!~])", r"\\\1", p) for p in pieces)


def _h(text: str) -> str:
    return html.escape(text, quote=True)


def _code(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", _h(text))
