"""Hold a running application against a specification. Only what the operator allows may be called from here."""

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from quantumlayer.delivery.values import DOMAIN
from quantumlayer.server.api.answers import answer
from quantumlayer.server.api.guard import Caller
from quantumlayer.server.api.office import JSON_ONLY, Office, TheCaller, TheOffice, refusals
from quantumlayer.server.api.problems import Refused
from quantumlayer.server.api.views import Judge, Judgement
from quantumlayer.spec.yaml_form import load_spec
from quantumlayer.stores.values import Owner

router = APIRouter(tags=["judge"])
AT_ONCE = 2
PATIENCE = 300.0
EXIT_CODES = (0, 1, 3)
_PREVIEW = re.compile(r"([a-z2-7]{16,64})\." + re.escape(DOMAIN))
_running: set[object] = set()


@router.post("/judgements", response_model=Judgement, responses=refusals(400, 413, 415), dependencies=[JSON_ONLY])
async def judge_application(request: Request, wanted: Judge, office: TheOffice, caller: TheCaller) -> Response:
    """Plays the acceptance suite and random tests against it, which writes into it. Answers when that is done (seconds)."""
    if "judge" not in caller.scopes:
        raise Refused(403, "this token may not judge", "make one with: ql token create NAME --scope judge")
    await asyncio.to_thread(load_spec, wanted.spec, "spec")
    url = await permitted(office, wanted.url, caller)
    if len(_running) >= AT_ONCE:
        raise Refused(503, f"{AT_ONCE} applications are being judged already", "try again soon", headers={"Retry-After": "10"})
    mine = object()
    _running.add(mine)
    try:
        return answer(request, await _judged(wanted, url))
    finally:
        _running.discard(mine)


async def permitted(office: Office, url: str, caller: Caller) -> str:
    """The address to call. Raises `Refused` for all but a live preview of the caller's and what the operator listed.

    Names are compared, never resolved: what is not on the list is not looked up either.
    """
    parts = _split(url)
    name = parts.hostname or ""
    preview = _PREVIEW.fullmatch(name)
    if preview is not None:
        found = await office.previews.get(preview[1])
        owner = Owner(organisation=found.organisation, project=found.project) if found else None
        mine = owner is not None and (owner.organisation, owner.project) == (caller.owner.organisation, caller.owner.project)
        if found is None or not mine or not found.live or found.url is None:
            raise Refused(422, "there is no live preview at this address", "list them with: GET /api/v1/previews")
        return found.url
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if f"{name}:{port}" not in office.settings.judge_targets:
        raise Refused(403, f"{name}:{port} may not be judged from here", "start the server with --judge-target HOST:PORT")
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _split(url: str):
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise Refused(422, f"{url[:200]!r} is no address", "write it as http://HOST:PORT")
    return parts


async def _judged(wanted: Judge, url: str) -> Judgement:
    """In a process of its own: judging keeps a processor busy, and the application may be hostile."""
    with tempfile.TemporaryDirectory(prefix="ql-judge-") as folder:
        path = Path(folder) / "spec.yaml"
        await asyncio.to_thread(path.write_text, wanted.spec)
        words = ["judge", "--json", "--spec", str(path), "--url", url, "--seed", str(wanted.seed)]
        words += ["--admin", wanted.admin] if wanted.admin else []
        words += ["--thorough"] if wanted.thorough else []
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "quantumlayer.cli.main", *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
        except TimeoutError:
            raise Refused(503, f"the judgement took over {PATIENCE:.0f} s", "is the application answering?") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode not in EXIT_CODES:
        raise Refused(422, errors.decode(errors="replace").strip()[-1000:] or "the judge ended without a word")
    return Judgement.model_validate(json.loads(out))
