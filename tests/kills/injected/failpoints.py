"""Kills processes of the service at a chosen moment. Loaded into worker and proxy by `sitecustomize`.

The plan is the JSON file $QL_KILL_PLAN: {"moments": […], "kill": ["self" | a child of the supervisor | "service" | pid]}.
Of worker and server it is the process at work; "whole worker" means its parent, which takes it along. "signal" is SIGKILL or
another.
It is carried out once at each of the moments, for which a file beside the plan then stands: `.0.done`, `.1.done`, …
Every moment that comes is written to the sibling `.log`, a line each: time, pid, moment; a kill as "killed" and its moment,
with the pid of the killed.
"""

import contextvars
import functools
import json
import os
import signal
import time
from pathlib import Path

import psutil

from quantumlayer.delivery.table_registry import TableRegistry
from quantumlayer.pipeline.workbench import Desk
from quantumlayer.stores.metadata import Metadata

PLAN = Path(os.environ["QL_KILL_PLAN"])
_kind = contextvars.ContextVar("kind", default="")


def reached(moment):
    """Says that the moment has come, and kills where the plan wants it."""
    with PLAN.with_suffix(".log").open("a") as log:
        log.write(json.dumps([time.time(), os.getpid(), moment]) + "\n")
    if not PLAN.exists():
        return
    plan = json.loads(PLAN.read_text())
    if moment not in plan["moments"]:
        return
    victims = [pid for victim in plan["kill"] if (pid := _pid(victim)) is not None]
    if len(victims) < len(plan["kill"]):
        return
    try:
        PLAN.with_suffix(f".{plan['moments'].index(moment)}.done").touch(exist_ok=False)
    except FileExistsError:
        return
    with PLAN.with_suffix(".log").open("a") as log:
        log.writelines(json.dumps([time.time(), victim, f"killed {moment}"]) + "\n" for victim in victims or [0])
    for victim in sorted(victims, key=lambda pid: pid == os.getpid()):
        os.kill(victim, getattr(signal, plan.get("signal", "SIGKILL")))


def _pid(victim):
    """None for a part that does not run at the moment: it will be killed when the moment comes again, if it does."""
    if victim == "self":
        return os.getpid()
    if isinstance(victim, int):
        return victim
    supervisor = psutil.Process(json.loads((Path(os.environ["QL_HOME"]) / "service.json").read_text())["pid"])
    if victim == "service":
        return supervisor.pid
    wanted = victim.removeprefix("whole ")
    found = next((child for child in supervisor.children() if _name(child) == wanted), None)
    if found is None or victim not in ("worker", "server"):
        return found and found.pid
    # The one at work is a fork of the one that the supervisor started, where that has one.
    return next((fork.pid for fork in found.children() if _name(fork) == wanted), found.pid)


def _name(process):
    """The word after `ql`, empty for a process that has just been forked or is dead."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return ""
    return "temporal" if words and words[0].endswith("temporal") else words[3] if len(words) > 3 else ""


def install():
    """Puts the moments into the classes that have them."""
    _after(Desk, "tell", lambda desk, key, *_: reached(f"{key} {desk.task.stage}") if key in ("started", "finished") else None)
    _before(Desk, "save", lambda _, kind, *__: _kind.set(kind))
    _before(Metadata, "add_drop", lambda _, drop, *__: reached(f"unrecorded {drop.kind}"))
    _before(Metadata, "finish_run", lambda *_: reached("finish"))
    _after(TableRegistry, "add", lambda *_: reached("preview asked for"))
    _before(TableRegistry, "change", lambda *_, **fields: reached("preview starts") if fields.get("state") == "ready" else None)
    replace = os.replace

    def watched(source, target, **more):
        if f"{os.sep}drops{os.sep}" in str(target):
            reached(f"half-written {_kind.get()}")
        elif str(target).endswith(".capsule"):
            reached("half-written capsule file")
        return replace(source, target, **more)

    os.replace = watched


def _before(owner, name, act):
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(self, *words, **named):
        act(self, *words, **{k: v for k, v in named.items() if act.__code__.co_flags & 8})
        return await original(self, *words, **named)

    setattr(owner, name, wrapped)


def _after(owner, name, act):
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(self, *words, **named):
        result = await original(self, *words, **named)
        act(self, *words)
        return result

    setattr(owner, name, wrapped)
