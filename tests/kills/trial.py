"""One trial: a real run on a real service, a process killed at one moment, and what is there afterwards."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.previews import revoke
from quantumlayer.delivery.table_registry import TableRegistry
from quantumlayer.errors import QuantumLayerError
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import Run

INJECTED = Path(__file__).with_name("injected")
# Each trial asks for other fields: bytes that the home holds already would not be written again.
FIELDS = ("topic", "place", "mood", "color", "author", "source", "genre", "label", "city", "country", "comment", "summary")
REQUESTS = [f"Notes have a title, a {one} and a {other}." for one, other in itertools.permutations(FIELDS, 2)]
QL = Path(sys.executable).with_name("ql")
RUN_SECONDS, MOMENT_SECONDS = 300.0, 180.0
ENDED_WELL = ("verified",)


@dataclass
class Result:
    """What came of it. `seconds` from the kill (of the whole service: from `ql resume`) to the next stage at work."""

    moment: str
    victim: str
    status: str
    seconds: float | None = None
    doubled: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the promise was kept, the five seconds apart."""
        return self.status in ENDED_WELL and not self.doubled and not self.leftovers

    def as_data(self) -> dict[str, object]:
        """For a line of JSON."""
        return asdict(self)


class Grounds:
    """A QL_HOME for trials, whose services carry the moments at which they can be killed."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.plan = root / "kill.json"
        self.log = root / "kill.log"
        root.mkdir(parents=True, exist_ok=True)

    def environment(self) -> dict[str, str]:
        """What the command line is started with."""
        path = os.pathsep.join(filter(None, (str(INJECTED), os.environ.get("PYTHONPATH", ""))))
        return os.environ | {"QL_HOME": str(self.home.root), "QL_KILL_PLAN": str(self.plan), "PYTHONPATH": path}

    def ql(self, *words: str) -> subprocess.Popen[str]:
        """Starts the real command."""
        return subprocess.Popen(
            [str(QL), *words], env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """Stops the service."""
        self.ql("down").communicate(timeout=60)

    def trial(self, moment: str, victim: str) -> Result:
        """Runs one request and kills the victim ("worker", "temporal", "proxy" or "service") when the moment comes."""
        for old in (self.plan.with_suffix(".done"), self.log):
            old.unlink(missing_ok=True)
        before = _orphans()
        self.plan.write_text(json.dumps({"moment": moment, "kill": [victim]}))
        running = self.ql("generate", REQUESTS[self._number_of_runs() % len(REQUESTS)], "--json", "--ttl", "10m")
        try:
            if not self._await_kill(running):
                answer = _answer(running)
                # Ends its preview, which the next trial would take for a leftover of its own.
                asyncio.run(self._examine(self._run_id()))
                return Result(moment, victim, f"the moment never came: {answer}")
            began = self._killed_at()
            if victim == "service":
                running.kill()
                running.wait()
                began = time.time()
                running = self.ql("resume", self._run_id(), "--json")
            report = _answer(running)
        finally:
            self.plan.unlink(missing_ok=True)
        result = Result(moment, victim, report.get("status", str(report)[:300]), self._resumed_after(began, victim))
        result.doubled, result.leftovers = asyncio.run(self._examine(self._run_id()))
        result.leftovers += [f"process {line}" for line in _orphans() - before]
        return result

    def _await_kill(self, running: subprocess.Popen[str]) -> bool:
        deadline = time.monotonic() + MOMENT_SECONDS
        while time.monotonic() < deadline and not self.plan.with_suffix(".done").exists():
            if running.poll() is not None:
                return self.plan.with_suffix(".done").exists()
            time.sleep(0.02)
        return self.plan.with_suffix(".done").exists()

    def _lines(self) -> list[tuple[float, int, str]]:
        return [tuple(json.loads(line)) for line in self.log.read_text().splitlines()]

    def _killed_at(self) -> float:
        while True:
            for at, _, moment in self._lines():
                if moment == "kill":
                    return at
            time.sleep(0.01)

    def _resumed_after(self, began: float, victim: str) -> float | None:
        """None where no stage was left to do."""
        killed = self._killed_at()
        before = {pid for at, pid, _ in self._lines() if at <= killed}
        later = [
            at
            for at, pid, moment in self._lines()
            if at > killed
            and moment.split()[0] in ("started", "finish", "preview")
            and (pid not in before or victim in ("temporal", "proxy"))
        ]
        return round(min(later) - began, 2) if later else None

    def _run_id(self) -> str:
        return asyncio.run(self._runs(1))[0].id

    def _number_of_runs(self) -> int:
        return len(asyncio.run(self._runs(len(REQUESTS))))

    async def _runs(self, limit: int) -> tuple[Run, ...]:
        """The newest ones."""
        metadata = Metadata(self.home.database)
        await metadata.prepare()
        runs = await metadata.runs(limit)
        await metadata.close()
        return runs

    async def _examine(self, run: str) -> tuple[list[str], list[str]]:
        metadata = Metadata(self.home.database)
        doubled, leftovers = [], []
        drops = await metadata.drops(run)
        doubled += [f"drop {d.stage}/{d.kind} v{d.version}" for d in drops if d.version != 1]
        for drop in drops:
            try:
                await FolderBlobs(self.home.blobs).get(drop.id)
            except QuantumLayerError as error:
                doubled.append(f"damaged {drop.kind}: {error.message}")
        counted = Counter(
            (e.kind, e.data.get("stage", "")) for e in await metadata.events(run) if e.kind not in ("log", "check")
        )
        doubled += [f"{count} × {kind} {stage}".strip() for (kind, stage), count in counted.items() if count != 1]
        registry, previews = TableRegistry(metadata.engine), PreviewHome(self.home.root)
        opened = [p for p in await registry.all() if p.run == run]
        if len(opened) != 1:
            doubled.append(f"{len(opened)} previews")
        for preview in opened:
            await revoke(registry, previews, preview.id)
        deadline = time.monotonic() + 15
        while (leftovers := self._leftovers()) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        await metadata.close()
        return doubled, leftovers

    def _leftovers(self) -> list[str]:
        found = [*self.home.root.glob("work/*"), *self.home.root.glob("previews/apps/*")]
        # Drafts of drops are no leftovers: nobody takes them for drops, and `ql gc` deletes them.
        found += [*self.home.capsules.glob(".drafts/*"), *self.home.root.glob("cache/environments/tmp-*")]
        shown = [f"file {path.relative_to(self.home.root)}" for path in found]
        try:
            service = psutil.Process(json.loads(self.home.service.read_text())["pid"])
            inside = [p for p in service.children(recursive=True) if any("relay.py" in word for word in _words(p))]
            shown += [f"sandbox {p.pid}" for p in inside]
        except (psutil.NoSuchProcess, OSError) as error:
            shown.append(f"no service: {error}")
        return shown


def _answer(running: subprocess.Popen[str]) -> dict[str, object]:
    output, errors = running.communicate(timeout=RUN_SECONDS)
    try:
        return json.loads(output)
    except ValueError:
        return {"status": f"exit {running.returncode}: {errors.strip()[-300:]}"}


def _orphans() -> set[str]:
    """Processes that lost their parent and are, or were started by, a sandbox or a part of the service."""
    found = set()
    for process in psutil.process_iter(["ppid", "status"]):
        if process.info["ppid"] == 1 and process.info["status"] != psutil.STATUS_ZOMBIE:
            line = " ".join(_words(process))
            if "bwrap" in line or "relay.py" in line:
                found.add(f"{process.pid} {line[:120]}")
    return found


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
