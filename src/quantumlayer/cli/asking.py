"""Asks the person at the terminal what a run waits for. Whoever decides elsewhere meanwhile is heard too."""

import asyncio
import os
import sys
from typing import Any

import click
from rich.console import Console

from quantumlayer.cli.agreement import send, shown, user
from quantumlayer.cli.follow import Desk
from quantumlayer.errors import UserError
from quantumlayer.pipeline.approval.decide import awaited, document_text
from quantumlayer.pipeline.approval.values import Awaited, Reply
from quantumlayer.spec.clarify import KEEP
from quantumlayer.stores.values import Run

LOOK_SECONDS = 0.5
CHOICES = "[y] approve  [e] edit  [n] reject: "


class Elsewhere(Exception):
    """Somebody decided, or the run ended, while we asked."""


class Left(Exception):
    """The person closed the input; the run waits on."""


class Asker:
    """One person at one terminal."""

    def __init__(self, desk: Desk, run: Run) -> None:
        self._desk, self._run = desk, run
        self._console = Console(stderr=True)
        self._typed = ""
        self._passed_over = ""

    async def ask(self) -> None:
        """Until the document that waits now was decided about, here or elsewhere."""
        waits = await awaited(self._desk.runs, self._run)
        if waits is None:
            return
        text = await document_text(self._desk.runs, waits)
        self._say(shown(self._run, waits, text))
        try:
            while not await self._decided(waits, text):
                pass
        except Elsewhere:
            self._say("it was decided elsewhere")
        except Left:
            self._say(f"it waits on; decide with: ql approve {self._run.id}, ql answer, ql edit or ql reject")

    async def _decided(self, waits: Awaited, text: str) -> bool:
        """Whether what the person wants could be done."""
        try:
            if answers := await self._answers(waits):
                await self._send(waits, "answered", Reply(answers=answers))
                return True
            choice = (await self._line(waits, CHOICES)).lower()
            if choice in ("y", "yes"):
                await self._send(waits, "approved")
            elif choice in ("n", "no"):
                reason = await self._line(waits, "why: ")
                await self._send(waits, "rejected", Reply(reason=reason) if reason else None)
            elif choice in ("e", "edit"):
                written = await asyncio.to_thread(click.edit, text, extension=".yaml")
                if written is None or written == text:
                    self._say("nothing was changed")
                    return False
                await self._send(waits, "edited", Reply(text=written))
            else:
                return False
        except (UserError, click.ClickException) as error:
            self._say(f"{error.message}\n  hint: {getattr(error, 'hint', '')}")
            if await awaited(self._desk.runs, await self._desk.runs.find(self._run.id)) != waits:
                raise Elsewhere from None
            return False
        return True

    async def _answers(self, waits: Awaited) -> dict[str, str]:
        """By question id, empty where none was answered; what is passed over among others stays as it is."""
        if waits.document != "frd" or self._passed_over == waits.drop:
            return {}
        said = {q.id: await self._line(waits, f"{q.id} (Enter passes over it): ") for q in waits.questions}
        if any(said.values()):
            return {key: text or KEEP for key, text in said.items()}
        self._passed_over = waits.drop
        return {}

    async def _send(self, waits: Awaited, act: Any, reply: Reply | None = None) -> None:
        await send(self._desk, self._run, waits, act, user(), reply)

    async def _line(self, waits: Awaited, prompt: str) -> str:
        """A line from the terminal. Raises `Elsewhere` when the document waits no more, `Left` at the end of the input."""
        self._console.print(prompt, end="", markup=False, highlight=False)
        reading = asyncio.create_task(self._read())
        looking = asyncio.create_task(self._gone(waits))
        try:
            await asyncio.wait({reading, looking}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                raise Elsewhere
            return reading.result()
        finally:
            reading.cancel()
            looking.cancel()

    async def _read(self) -> str:
        """Without a thread, because one that waits for the terminal cannot be stopped."""
        loop, source = asyncio.get_running_loop(), sys.stdin.fileno()
        while "\n" not in self._typed:
            ready = loop.create_future()
            loop.add_reader(source, lambda future=ready: future.done() or future.set_result(None))
            try:
                await ready
            finally:
                loop.remove_reader(source)
            read = os.read(source, 65536).decode(errors="replace")
            if not read:
                raise Left
            self._typed += read
        line, _, self._typed = self._typed.partition("\n")
        return line.strip()

    async def _gone(self, waits: Awaited) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = await awaited(self._desk.runs, await self._desk.runs.find(self._run.id))
            if now is None or now.drop != waits.drop:
                return

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
