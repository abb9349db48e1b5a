"""Repair of what a model wrote: a failing check, the file that it is about, a change, and the same checks again."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from quantumlayer.answer.edits import read_changes
from quantumlayer.answer.values import Permission
from quantumlayer.author import prompts
from quantumlayer.author.strive import Strive
from quantumlayer.author.values import Bounds, Failed, Progress, Striven, Trial
from quantumlayer.evidence.values import Check
from quantumlayer.files.values import FileTree
from quantumlayer.ports.llm import Answer, Gateway, Prompt
from quantumlayer.ports.scanner import Scan

NEIGHBOURS = 12
MAX_MESSAGE = 3000
_GRAVE = ("critical", "high")
_WORD = re.compile(r"[A-Za-z]{4,}")


@dataclass(frozen=True)
class Mending:
    """What may be changed, and how to find out whether it helped. `checking` runs every check on a whole tree."""

    gateway: Gateway
    permission: Permission
    language: str
    guide: str
    checking: Callable[[FileTree], Awaitable[Trial[FileTree]]]
    bounds: Bounds = Bounds()
    keep: Callable[[Progress[FileTree]], Awaitable[None]] | None = None

    async def run(self, broken: Trial[FileTree], since: Progress[FileTree] | None = None) -> Striven[FileTree]:
        """Until every check passes or a bound is reached; `since` is what `keep` was told last.

        Raises what the gateway raises.
        """
        strive: Strive[FileTree] = Strive(
            subject="the application",
            gateway=self.gateway,
            role="coder",
            asking=self._asking,
            reading=self._reading,
            checking=self.checking,
            bounds=self.bounds,
            language=self.language,
            strict=True,
            keep=self.keep,
        )
        return await strive.run(broken, since)

    def _asking(self, current: Trial[FileTree] | None, wrong: Failed | None) -> Prompt:
        assert current is not None and wrong is not None
        files = {path: text for path, text in current.made.files.items() if self.permission.allows(path)}
        path = suspect(wrong.message, files)
        neighbours = {name: files[name] for name in _near(path, files)}
        shown = Failed(wrong.check, wrong.message[:MAX_MESSAGE])
        return prompts.repair(path, files, shown, self.guide, self.language, neighbours)

    def _reading(self, answer: Answer, current: Trial[FileTree] | None) -> FileTree:
        assert current is not None
        changed = read_changes(answer, current.made.files, self.permission)
        return FileTree({**current.made.files, **changed}, current.made.executable)


def suspect(message: str, files: Mapping[str, bytes]) -> str:
    """The file that a message is most likely about: the last one it names, else the one that shares the most words with it."""
    named = {path: at for path in files if (at := message.rfind(path)) >= 0}
    if named:
        return max(named, key=lambda path: named[path])
    words = set(_WORD.findall(message.lower()))
    return max(sorted(files), key=lambda path: len(words & set(_WORD.findall(files[path].decode(errors="replace").lower()))))


def trial_of(tree: FileTree, checks: Iterable[Check], scans: Iterable[Scan]) -> Trial[FileTree]:
    """What checks and scans say of a tree. Those that did not run count as neither passed nor failed."""
    passed, failed = set(), []
    for check in checks:
        if check.status == "passed":
            passed.add(check.id)
        elif check.status in ("failed", "errored"):
            told = f"{check.title}\n{check.message}" + (f"\n{check.counterexample}" if check.counterexample else "")
            failed.append(Failed(check.id, told))
    for scan in scans:
        grave = [f for f in scan.findings if f.severity in _GRAVE or (scan.kind == "semantics" and f.severity == "medium")]
        if scan.status == "errored":
            failed.append(Failed(scan.scanner, scan.reason))
        elif grave:
            failed.append(Failed(scan.scanner, "\n".join(f"{f.path}:{f.line}: {f.rule}: {f.message}" for f in grave[:10])))
        elif scan.status == "ran":
            passed.add(scan.scanner)
    return Trial(tree, frozenset(passed), tuple(failed))


def _near(path: str, files: Mapping[str, bytes]) -> list[str]:
    """Other files whose module the file mentions first, then those beside it."""
    text = files[path].decode(errors="replace") if path in files else ""

    def far(other: str) -> tuple[bool, bool, str]:
        module = PurePosixPath(other).with_suffix("").as_posix()
        mentioned = module.replace("/", ".") in text or PurePosixPath(other).stem in text
        return (not mentioned, PurePosixPath(other).parent != PurePosixPath(path).parent, other)

    return sorted((other for other in files if other != path), key=far)[:NEIGHBOURS]
