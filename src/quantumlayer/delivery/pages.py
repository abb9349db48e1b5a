"""What the proxy itself answers: a small page for people, problem details (RFC 9457) for programs."""

import base64
import hashlib
import html
import json
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">{refresh}
<title>{title}</title><style>
body{{font:16px/1.6 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;
background:#f6f7f9;color:#1c2430}}
main{{max-width:36rem;padding:2rem}}h1{{font-size:1.6rem;margin:0 0 .5rem}}p{{margin:.5rem 0}}small{{color:#5d6878}}
pre{{white-space:pre-wrap;background:#e9ecf1;padding:1rem;border-radius:.5rem;font-size:.85rem;overflow-wrap:anywhere}}
@media(prefers-color-scheme:dark){{body{{background:#12161d;color:#e6eaf0}}pre{{background:#1d242e}}small{{color:#98a3b3}}}}
</style></head><body><main><h1>{title}</h1><p>{detail}</p>{output}<p><small>{status} · QuantumLayer preview</small></p></main>
</body></html>
"""

_EXPLORER = Path(__file__).with_name("explorer.html").read_text(encoding="utf-8")
_SCRIPT = _EXPLORER.partition("<script>")[2].partition("</script>")[0]
_SCRIPT_DIGEST = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()


def explorer() -> web.Response:
    """A page that lists an application's operations from its /openapi.json and lets people send requests to it."""
    policy = f"default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'sha256-{_SCRIPT_DIGEST}'"
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": policy}
    return web.Response(text=_EXPLORER, content_type="text/html", headers=headers)


def password_page(action: str, target: str, *, wrong: bool = False) -> web.Response:
    """Asks a person for the preview's password; the form goes to `action` and names the page that was wanted."""
    form = (
        f'<form method="post" action="{html.escape(action)}"><input type="hidden" name="to" value="{html.escape(target)}">'
        '<p><label>Password <input type="password" name="password" autofocus required autocomplete="current-password">'
        "</label> <button>Open</button></p></form>"
    )
    page = _PAGE.format(
        title="This preview has a password",
        detail="It was wrong. Try again." if wrong else "Ask the person who gave you this address.",
        output=form,
        status="401 Unauthorized",
        refresh="",
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": policy, "WWW-Authenticate": "Preview-Password"}
    return web.Response(status=401, text=page, content_type="text/html", headers=headers)


def answer(
    status: int, title: str, detail: str, *, accept: str, output: str = "", retry_after: int | None = None
) -> web.Response:
    """The answer in the form that `accept` (the request's Accept header) asks for. `output` is the application's own words."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if "text/html" in accept:
        refresh = f'<meta http-equiv="refresh" content="{retry_after}">' if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
        page = _PAGE.format(
            title=html.escape(title),
            detail=html.escape(detail),
            output=f"<pre>{html.escape(output)}</pre>" if output else "",
            status=f"{status} {HTTPStatus(status).phrase}",
            refresh=refresh,
        )
        headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
        return web.Response(status=status, text=page, content_type="text/html", headers=headers)
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if output:
        problem["output"] = output
    return web.Response(
        status=status, body=json.dumps(problem).encode(), headers=headers, content_type="application/problem+json"
    )


def no_answer(accept: str) -> web.Response:
    """What is said where the application did not answer."""
    detail = "It may be restarting. Try again in a second."
    return answer(502, "The application did not answer", detail, accept=accept, retry_after=1)
