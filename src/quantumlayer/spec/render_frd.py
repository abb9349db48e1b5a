"""Frd → Markdown and HTML. Whatever the request said is text here: escaped, never markup."""

import html
import re

from quantumlayer.spec.frd import Frd, FrdRequirement

_ASSUMED = "Nobody asked for these; they are built so that the application can be used. Strike out what is not wanted."
_SIGNATURES = ("For the customer", "For the supplier")


def to_markdown(frd: Frd) -> str:
    """The document as CommonMark."""
    lines = [f"# {_md(frd.name)}: requirements", "", *[f"> {_md(line)}" for line in frd.introduction.splitlines()], ""]
    lines += [f"Stack: `{frd.stack}` ({_md(frd.stack_reason)}).", "", "## Requirements", ""]
    for r in (r for r in frd.requirements if not r.assumption):
        lines += _lines(r)
    if any(r.assumption for r in frd.requirements):
        lines += ["## Assumptions", "", _ASSUMED, ""]
    for r in (r for r in frd.requirements if r.assumption):
        lines += _lines(r)
    for title, items in _lists(frd):
        lines += [f"## {title}", "", *[f"- {_md(i)}" for i in items], ""] if items else []
    lines += [
        "## Signatures",
        "",
        "| | Name | Date | Signature |",
        "|---|---|---|---|",
        *[f"| {who} | | | |" for who in _SIGNATURES],
    ]
    return "\n".join(lines).rstrip() + "\n"


def _lines(r: FrdRequirement) -> list[str]:
    lines = [f"### {r.id} ({r.priority})", "", _md(_sentence(r.text)), ""]
    lines += [f"**Not carried over.** {_md(r.reason)}", ""] if not r.understood else []
    for c in r.criteria:
        lines += [f"- **Given** {_md(c.given)}", f"  **when** {_md(c.when)}", f"  **then** {_md(c.then)}."]
    return [*lines, ""] if r.criteria else lines


def to_html(frd: Frd) -> str:
    """The document as one self-contained HTML page."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{_h(frd.name)}: requirements</title>",
        "<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}code{background:#8882}.no{color:#b00}table{border-collapse:collapse}td,th{border:1px solid #888;padding:.4rem 3rem .4rem .6rem;text-align:left}li{margin:.3rem 0}@media print{section{break-inside:avoid}}</style>",
        f"</head><body><h1>{_h(frd.name)}: requirements</h1><blockquote>{_h(frd.introduction)}</blockquote>",
        f"<p>Stack: <code>{_h(frd.stack)}</code> ({_h(frd.stack_reason)}).</p><h2>Requirements</h2>",
    ]
    parts += [_article(r) for r in frd.requirements if not r.assumption]
    if any(r.assumption for r in frd.requirements):
        parts.append(f"<h2>Assumptions</h2><p>{_h(_ASSUMED)}</p>")
    parts += [_article(r) for r in frd.requirements if r.assumption]
    for title, items in _lists(frd):
        if items:
            parts.append(f"<h2>{title}</h2><ul>" + "".join(f"<li>{_h(i)}</li>" for i in items) + "</ul>")
    rows = "".join(f"<tr><td>{who}</td><td></td><td></td><td></td></tr>" for who in _SIGNATURES)
    parts.append(f"<h2>Signatures</h2><table><tr><th></th><th>Name</th><th>Date</th><th>Signature</th></tr>{rows}</table>")
    return "\n".join(parts) + "\n</body></html>\n"


def _article(r: FrdRequirement) -> str:
    items = "".join(
        f"<li><b>Given</b> {_code(c.given)} <b>when</b> {_code(c.when)} <b>then</b> {_code(c.then)}</li>" for c in r.criteria
    )
    refused = f'<p class="no"><b>Not carried over.</b> {_h(r.reason)}</p>' if not r.understood else ""
    return (
        f'<section id="{r.id}"><h3>{r.id} ({r.priority})</h3><p>{_h(_sentence(r.text))}</p>{refused}<ul>{items}</ul></section>'
    )


def _lists(frd: Frd) -> list[tuple[str, list[str]]]:
    others = [a for a in frd.assumptions if a not in {r.text for r in frd.requirements}]
    return [
        ("Context (asks for nothing, nothing is built from it)", list(frd.context)),
        ("Further assumptions", others),
        ("Non-functional targets", [f"N{n}: {t}" for n, t in enumerate(frd.non_functional, 1)]),
        ("Open questions", [f"Q{n}: {q}" for n, q in enumerate(frd.open_questions, 1)]),
        ("Answers", [f"{a.question} {a.answer}" for a in frd.answers]),
        ("Glossary", [f"{t.term}: {t.meaning}" for t in frd.glossary]),
    ]


def _sentence(text: str) -> str:
    """A clause as a sentence of its own."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", ":")) else ".")


def _md(text: str) -> str:
    """Text as Markdown text; spans between backticks stay code."""
    pieces = re.split(r"(`[^`\n]*`)", re.sub(r"[\r\n]+", " ", text))
    return "".join(p if p.startswith("`") and len(p) > 1 else re.sub(r"([\\*_{}\[\]<>#|!~])", r"\\\1", p) for p in pieces)


def _h(text: str) -> str:
    return html.escape(text, quote=True)


def _code(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", _h(text))
