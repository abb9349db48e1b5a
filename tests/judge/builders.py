"""Applications to judge: the reference model over HTTP, right or with a planted fault; raw servers that misbehave."""

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from quantumlayer.evidence.judge import App, Budget, judge
from quantumlayer.evidence.judge.served_model import Handler, ServedModel, application
from quantumlayer.evidence.values import Check, Evidence
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec

SPECS = Path(__file__).resolve().parents[1] / "specs"
ADMIN = ("root@example.com", "Root-Passw0rd")
SHORT = Budget(random=0.6, shrink=4.0)
_PLANS: dict[str, TestPlan] = {}

Fault = Callable[[ServedModel, Handler], Handler]


def spec_named(name: str) -> Spec:
    return load_spec((SPECS / f"{name}.yaml").read_text(), name)


def plan_of(name: str) -> TestPlan:
    if name not in _PLANS:
        _PLANS[name] = plan_tests(spec_named(name))
    return _PLANS[name]


@contextlib.asynccontextmanager
async def running(spec: Spec, fault: Fault | None = None, *, keeper: bool = True) -> AsyncIterator[App]:
    admin = ADMIN if spec.roles else None
    served = ServedModel(spec, admin)
    if fault:
        served.answer = fault(served, served.answer)
    try:
        yield application(served, admin) if keeper else App(url=served.url, admin=admin)
    finally:
        served.close()


async def judged(name: str, fault: Fault | None = None, *, spec: Spec | None = None, budget: Budget = SHORT) -> Evidence:
    async with running(spec or spec_named(name), fault) as app:
        return await judge(spec_named(name), app, plan_of(name), budget=budget)


def failures(evidence: Evidence) -> list[Check]:
    return [check for check in evidence.checks if check.status in ("failed", "errored")]


@contextlib.contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A TCP server; `talk` is given each connection, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def accept() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                threading.Thread(target=_talk, args=(talk, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()


def _talk(talk: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with contextlib.suppress(OSError), connection:
        talk(connection)
