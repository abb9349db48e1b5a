"""A sandbox whose failures the run tells about, with a span for each command where tracing is on."""

import contextlib
from collections.abc import AsyncIterator

from quantumlayer.errors import EnvironmentError_
from quantumlayer.pipeline.workbench import present_desk
from quantumlayer.ports.sandbox import Availability, Command, Completed, Running, Sandbox
from quantumlayer.telemetry import switch


class Watched:
    """Implements `ports.sandbox.Sandbox` around another one. A command's own exit code is no failure of the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def probe(self) -> Availability:
        """As the sandbox itself."""
        return await self._sandbox.probe()

    async def run(self, command: Command) -> Completed:
        """As the sandbox itself; an end by a limit or by our own machine becomes an event of the run."""
        with switch.span("sandbox run", {"program": command.argv[0], "network": command.network}) as span:
            try:
                completed = await self._sandbox.run(command)
            except EnvironmentError_ as error:
                await _tell(command, "unavailable", error.message)
                raise
            if span is not None:
                span.set_attribute("outcome", completed.outcome)
                span.set_attribute("exit_code", -1 if completed.exit_code is None else completed.exit_code)
        if completed.outcome != "exited":
            await _tell(command, completed.outcome, f"after {completed.seconds:.1f} s")
        return completed

    @contextlib.asynccontextmanager
    async def start(self, command: Command, port: int = 8000) -> AsyncIterator[Running]:
        """As the sandbox itself; one that cannot be started becomes an event of the run."""
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(switch.span("sandbox serve", {"program": command.argv[0]}))
            try:
                running = await stack.enter_async_context(self._sandbox.start(command, port))
            except EnvironmentError_ as error:
                await _tell(command, "unavailable", error.message)
                raise
            yield running


async def _tell(command: Command, outcome: str, message: str) -> None:
    desk = present_desk()
    if desk is not None:
        data = {"stage": desk.task.stage, "program": command.argv[0], "outcome": outcome, "message": message}
        await desk.tell(f"sandbox/{desk.next_number()}", "sandbox", data)
