"""One trial: a real run on a real service, a process killed at chosen moments, and what is there afterwards."""

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.previews import revoke
from quantumlayer.delivery.table_registry import TableRegistry
from quantumlayer.errors import QuantumLayerError
from quantumlayer.server.service import read_service, running_service
from quantumlayer.server.supervisor import free_port
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import Run

INJECTED = Path(__file__).with_name("injected")
# Each trial asks for other fields: bytes that the home holds already would not be written again.
FIELDS = ("topic", "place", "mood", "color", "author", "source", "genre", "label", "city", "country", "comment", "summary")
REQUESTS = [f"Notes have a title, a {one} and a {other}." for one, other in itertools.permutations(FIELDS, 2)]
QL = Path(sys.executable).with_name("ql")
RUN_SECONDS = 400.0
START_SECONDS, API_SECONDS = 60.0, 60.0
ENDED_WELL = ("verified",)
NEVER = "the moment never came"
# Kills whose victim takes the command line with it, or is the command line: the run is followed on by `ql resume`.
RESUMED = ("cli", "service")
# Not killed, but stopped: its parent must notice.
STOPPED = "stopped worker"
NAMES = {"api": "server", STOPPED: "worker"}


VICTIMS = ("worker", "temporal", "service", "whole worker", STOPPED, "cli", "api", "proxy")


@dataclass
class Result:
    """What came of one kill. `seconds` from the kill (of the service: from `ql resume`) to the next stage at work.

    Of the API they are the seconds until it answers again; the end of the command line interrupts nothing. What was doubled or
    left over is told of the run, which other kills of the same trial went through as well.
    """

    moment: str
    victim: str
    status: str
    seconds: float | None = None
    doubled: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)

    @property
    def came(self) -> bool:
        """Whether there was a kill: not where the victim was away, killed by an earlier moment of the same run."""
        return not self.status.startswith(NEVER)

    @property
    def good(self) -> bool:
        """Whether the promise was kept, the five seconds apart."""
        return self.status in ENDED_WELL and not self.doubled and not self.leftovers

    def as_data(self) -> dict[str, object]:
        """For a line of JSON."""
        return asdict(self)


class Grounds:
    """A QL_HOME for trials, whose services carry the moments of a kill. A context: its end stops the service."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.plan = root / "kill.json"
        self.log = root / "kill.log"
        self._serving: subprocess.Popen[str] | None = None
        root.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Grounds":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def environment(self) -> dict[str, str]:
        """What the command line is started with."""
        path = os.pathsep.join(filter(None, (str(INJECTED), os.environ.get("PYTHONPATH", ""))))
        return os.environ | {"QL_HOME": str(self.home.root), "QL_KILL_PLAN": str(self.plan), "PYTHONPATH": path}

    def ql(self, *words: str) -> subprocess.Popen[str]:
        """Starts the real command."""
        return subprocess.Popen(
            [str(QL), *words], env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def trial(self, moments: list[str], victim: str) -> list[Result]:
        """Runs one request and kills the victim at each moment: one of `VICTIMS`."""
        for old in (*self.plan.parent.glob(f"{self.plan.stem}.*.done"), self.log):
            old.unlink(missing_ok=True)
        # Otherwise there may be no API, and no worker with a successor.
        if victim in ("api", "worker"):
            self._serve_api()
        before = _orphans()
        kill = [] if victim == "cli" else [NAMES.get(victim, victim)]
        how = "SIGSTOP" if victim == STOPPED else "SIGKILL"
        self.plan.write_text(json.dumps({"moments": moments, "kill": kill, "signal": how}))
        try:
            report, back = self._followed(moments, victim)
        finally:
            self.plan.unlink(missing_ok=True)
        status = str(report.get("status"))
        # Also where nothing was killed: its preview would be a leftover of the next trial.
        doubled, leftovers = asyncio.run(self._examine(self._run_id()))
        leftovers += [f"process {line}" for line in _orphans() - before]
        killed = {moment.removeprefix("killed "): at for at, _, moment in self._lines() if moment.startswith("killed ")}
        results = []
        for moment in moments:
            if moment not in killed:
                results.append(Result(moment, victim, f"{NEVER}: {str(report)[:300]}"))
                continue
            seconds = back.get(moment) if victim == "api" else self._resumed_after(killed[moment], back.get(moment), victim)
            results.append(Result(moment, victim, status, seconds, doubled, leftovers))
        return results

    def _followed(self, moments: list[str], victim: str) -> tuple[dict[str, Any], dict[str, float]]:
        """The report; and of each moment when the run was taken up again by command, or how long the API was away."""
        following = self.ql("generate", REQUESTS[self._number_of_runs() % len(REQUESTS)], "--json", "--ttl", "10m")
        back: dict[str, float] = {}
        seen: set[int] = set()
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            ended = following.poll() is not None
            carried_out = {n for n in range(len(moments)) if self.plan.with_suffix(f".{n}.done").exists()} - seen
            seen |= carried_out
            for number in sorted(carried_out):
                if victim == "api":
                    back[moments[number]] = self._api_is_back(moments[number])
            if carried_out and victim in RESUMED:
                following.kill()
                following.communicate()
                back |= dict.fromkeys([moments[number] for number in carried_out], time.time())
                following = self.ql("resume", self._run_id(), "--json")
            elif ended:
                break
            time.sleep(0.02)
        else:
            following.kill()
        return _answer(following), back

    def _serve_api(self) -> None:
        service = running_service(self.home)
        if service is None or service.api_port is None:
            self._stop()
            self._serving = self.ql("up", "--background", "--api-port", str(free_port()))
        self._await_api(START_SECONDS)

    def _stop(self) -> None:
        self.ql("down").communicate(timeout=60)
        if self._serving is not None:
            self._serving.communicate(timeout=60)
            self._serving = None

    def _api_is_back(self, moment: str) -> float:
        """Seconds from its death until it tells of the run again."""
        # A kill is claimed first and told then.
        while (killed := next((pid for _, pid, told in self._lines() if told == f"killed {moment}"), None)) is None:
            time.sleep(0.001)
        while psutil.pid_exists(killed):
            time.sleep(0.001)
        began = time.monotonic()
        self._await_api(API_SECONDS, self._run_id())
        return round(time.monotonic() - began, 2)

    def _await_api(self, seconds: float, run: str = "") -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            service = read_service(self.home)
            with contextlib.suppress(httpx.TransportError):
                if service is not None and service.api_port is not None:
                    url = f"http://127.0.0.1:{service.api_port}/api/v1/runs{run and f'/{run}'}"
                    if httpx.get(url, timeout=1).status_code == 200:
                        return
            time.sleep(0.02)
        raise AssertionError(f"the API did not answer for {seconds:.0f} s")

    def _lines(self) -> list[tuple[float, int, str]]:
        return [tuple(json.loads(line)) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def _resumed_after(self, killed: float, resumed: float | None, victim: str) -> float | None:
        """None where no stage was left to do, or none was interrupted."""
        if victim == "cli":
            return None
        before = {pid for at, pid, _ in self._lines() if at <= killed}
        later = [
            at
            for at, pid, moment in self._lines()
            if at > killed
            and moment.split()[0] in ("started", "finish", "preview")
            and (pid not in before or victim in ("temporal", "proxy"))
        ]
        return round(max(0.0, min(later) - max(killed, resumed or 0)), 2) if later else None

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


def _answer(running: subprocess.Popen[str]) -> dict[str, Any]:
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
