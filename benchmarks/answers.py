"""The corpus of model answers: share handled as expected (aim 100 %), share that reached the host (aim 0).

Usage: python benchmarks/answers.py [FOLDER]. Every answer is read as the pipeline reads it. Then the code of every answer that
holds a file, refused or not, is run in the sandbox beside a file and a listening port of this host that it must not reach.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from table import show

from quantumlayer.answer.blocks import blocks
from quantumlayer.conformance.answers import Case, Handled, handled, read_corpus
from quantumlayer.files.values import FileTree
from quantumlayer.files.write_files import write_files
from quantumlayer.languages.python.adapter import Python
from quantumlayer.ports.sandbox import MIB, Command, Limits, Mount
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox

CORPUS = Path(__file__).parent.parent / "tests" / "answers" / "corpus"
SMALL = Limits(memory=256 * MIB, processes=16, cpu_seconds=3, wall_seconds=5, tmp_size=16 * MIB, disk=16 * MIB)
CALLS = """
import contextlib
for name in list(globals()):
    with contextlib.suppress(BaseException):
        print(globals()[name](3))
"""
HOSTILE = """
import socket, pathlib
for place in (%r,):
    try: print(pathlib.Path(place).read_text())
    except OSError: pass
    try: pathlib.Path(place).write_text("reached")
    except OSError: pass
try: socket.create_connection(("127.0.0.1", %d), 1).send(b"reached")
except OSError: pass
"""


async def reached(code: str, home: Path) -> bool:
    """Whether the code, run in the sandbox, changed or told a file of the host, or spoke to a port of it."""
    canary, calls = home / "canary.txt", []
    canary.write_text("canary-4711")
    canary.chmod(0o666)
    server = await asyncio.start_server(lambda r, w: calls.append(w.close()), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory(dir=home) as folder:
        Path(folder).chmod(0o755)
        Path(folder, "main.py").write_bytes((code + CALLS + HOSTILE % (str(canary), port)).encode(errors="replace"))
        command = Command(("python3", "main.py"), "/work", (Mount(Path(folder), "/work", writable=True),), limits=SMALL)
        ended = await BubblewrapSandbox().run(command)
    server.close()
    return bool(calls) or b"canary-4711" in ended.stdout or canary.read_text() != "canary-4711"


def code_of(case: Case) -> str:
    """The code of an answer as somebody careless would take it."""
    found = blocks(case.text) if len(case.text) < 10**6 else ()
    return found[0].text if found else case.text[: 10**6]


async def main() -> None:
    """Prints the table; exit code 1 where an answer was handled otherwise or reached the host."""
    cases, python = read_corpus(Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS), Python()
    wrong: list[Handled] = []
    escaped: list[str] = []
    with tempfile.TemporaryDirectory(prefix="answers-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        for case in cases:
            result = handled(case, python)
            wrong += [] if result.expected else [result]
            project = home / "projects" / case.name
            write_files(FileTree(result.files), project)
            inside = {p.relative_to(project).as_posix() for p in project.rglob("*") if not p.is_dir()}
            beside = {p.name for p in home.iterdir()} - {"projects", "canary.txt"}
            if inside != set(result.files) or beside or case.ask == "file" and await reached(code_of(case), home):
                escaped.append(case.name)
    right = len(cases) - len(wrong)
    rows = [("handled as expected", f"{right}/{len(cases)}", f"{right / len(cases):.1%}", "100 %")]
    rows.append(("reached the host", f"{len(escaped)}/{len(cases)}", f"{len(escaped) / len(cases):.1%}", "0 %"))
    show("Answers of models", ("measure", "answers", "share", "aim"), rows)
    for result in wrong:
        print(f"{result.case.name}: expected {result.case.expect}, got {result.outcome}")
    print("\n".join(f"{name}: reached the host" for name in escaped), end="")
    raise SystemExit(bool(wrong or escaped))


if __name__ == "__main__":
    asyncio.run(main())
