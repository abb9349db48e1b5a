"""The password of a preview: asked for by the proxy before anything reaches the application."""

import asyncio
import hashlib
import hmac
import urllib.parse
from collections import defaultdict

from aiohttp import hdrs, web
from multidict import CIMultiDict

from quantumlayer.delivery.pages import answer, password_page
from quantumlayer.delivery.passwords import MAX_LENGTH, matches
from quantumlayer.delivery.values import Preview

HEADER = "X-Preview-Password"
COOKIE = "ql_preview"
UNLOCK = "/.quantumlayer/unlock"
FORM_BYTES = 4096
WRONG_SECONDS = 0.5


def without_key(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """The headers without what opened the gate: the application has no business with it."""
    headers.popall(HEADER, None)
    cookies = headers.popall(hdrs.COOKIE, [])
    for line in cookies:
        kept = [pair for pair in line.split(";") if pair.partition("=")[0].strip() != COOKIE]
        if kept:
            headers.add(hdrs.COOKIE, ";".join(kept).strip())
    return headers


class Gate:
    """Lets a request pass that carries the password in a header or, once it was typed in, a cookie made from it."""

    def __init__(self) -> None:
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def refusal(self, request: web.BaseRequest, preview: Preview, target: str) -> web.StreamResponse | None:
        """What to answer instead of the application, None where the request may pass."""
        assert preview.password is not None
        if request.method == hdrs.METH_POST and target.partition("?")[0] == UNLOCK:
            return await self._unlock(request, preview)
        if _opens(request, preview):
            return None
        accept = request.headers.get(hdrs.ACCEPT, "")
        if (given := request.headers.get(HEADER)) is not None:
            return None if await self._right(given, preview) else _refused(accept, "The password is wrong.")
        if "text/html" in accept and request.method == hdrs.METH_GET:
            return password_page(UNLOCK, target)
        return _refused(accept, f"Send the password in the header {HEADER}, or open the address in a browser.")

    async def _unlock(self, request: web.BaseRequest, preview: Preview) -> web.StreamResponse:
        body = b""
        while len(body) <= FORM_BYTES and (chunk := await request.content.readany()):
            body += chunk
        form = urllib.parse.parse_qs(body[:FORM_BYTES].decode(errors="replace"))
        target = form.get("to", ["/"])[0]
        if not await self._right(form.get("password", [""])[0], preview):
            return password_page(UNLOCK, target, wrong=True)
        response = web.Response(status=303, headers={hdrs.LOCATION: _local(target), "Cache-Control": "no-store"})
        response.set_cookie(COOKIE, _key(preview), httponly=True, samesite="Lax", path="/")
        return response

    async def _right(self, password: str, preview: Preview) -> bool:
        """One guess at a time for each preview, and a pause after a wrong one, make guessing slow."""
        assert preview.password is not None
        async with self._turns[preview.id]:
            right = len(password) <= MAX_LENGTH and await asyncio.to_thread(matches, password, preview.password)
            if not right:
                await asyncio.sleep(WRONG_SECONDS)
            return right


def _opens(request: web.BaseRequest, preview: Preview) -> bool:
    return hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), _key(preview).encode())


def _key(preview: Preview) -> str:
    """Only who has the stored hash can make it, and it ends with the password."""
    return hmac.new((preview.password or "").encode(), preview.id.encode(), hashlib.sha256).hexdigest()


def _local(target: str) -> str:
    """A path of this host, whatever the form said: never a way to another site."""
    sound = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if sound else "/"


def _refused(accept: str, detail: str) -> web.Response:
    refused = answer(401, "This preview has a password", detail, accept=accept)
    refused.headers[hdrs.WWW_AUTHENTICATE] = f'Preview-Password header="{HEADER}"'
    return refused
