"""What a sandbox must be good for: programs run as told, and servers are reached."""

import asyncio
from dataclasses import replace

import httpx

from quantumlayer.conformance.sandbox.lab import Lab, expect
from quantumlayer.conformance.trials import Trial
from quantumlayer.errors import UserError
from quantumlayer.ports.sandbox import Command, Mount, Running

SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))[::-1]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
def stop(*_):
    print("stopped", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
print("listening", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


async def run_programs(lab: Lab) -> None:
    """Exit codes, both streams, input, environment, working folder."""
    code = "print(os.getcwd(), os.environ['GREETING'], sys.stdin.read()); print('problem', file=sys.stderr); sys.exit(7)"
    completed = await lab.sandbox.run(lab.command(code, env={"GREETING": "hello wörld"}, stdin=b"typed\n" * 20_000))
    expect(completed.outcome == "exited" and completed.exit_code == 7 and not completed.ok, f"exit code {completed.exit_code}")
    expect(completed.stdout.decode() == "/work hello wörld " + "typed\n" * 20_000 + "\n", f"stdout {completed.stdout[:80]!r}")
    expect(completed.stderr == b"problem\n", f"stderr {completed.stderr!r}")
    killed = await lab.sandbox.run(lab.command("os.kill(os.getpid(), 11)"))
    expect((killed.outcome, killed.exit_code) == ("exited", 139), f"a signal became {killed.outcome} {killed.exit_code}")
    missing = await lab.sandbox.run(lab.program(("/no/such/program",)))
    expect(not missing.ok and missing.stderr, "a missing program passed for success")


async def mount_as_told(lab: Lab) -> None:
    """Writable where said, read-only else; mounts in mounts; results are there afterwards and ours."""
    shown, inner = lab.folder / "shown", lab.folder / "inner"
    for folder in (shown, inner):
        folder.mkdir(mode=0o700)
        (folder / "file").write_text(folder.name)
        (folder / "file").chmod(0o600)
    (lab.work / "inner").mkdir()
    await lab.attack(
        """
assert open("/shown/file").read() == "shown"
assert open("/work/inner/file").read() == "inner"
open("/work/result", "w").write("done")
attempt("write a read-only mount", lambda: open("/shown/file", "w"))
attempt("write a read-only mount", lambda: open("/work/inner/file", "w"))
""",
        mounts=(Mount(shown, "/shown"), Mount(inner, "/work/inner")),
    )
    expect((lab.work / "result").read_text() == "done", "a result was lost")
    (lab.work / "result").write_text("ours")
    (lab.work / "result").unlink()


async def run_several_at_once(lab: Lab) -> None:
    """They share nothing but read-only mounts."""

    async def one(number: int) -> bytes:
        own = lab.folder / f"own{number}"
        own.mkdir()
        command = lab.command(f"time.sleep(0.2); print(open('/shared/file').read(), {number})")
        command = replace(command, mounts=(Mount(own, "/work", True), *command.mounts[1:], Mount(shared, "/shared")))
        return (await lab.sandbox.run(command)).stdout

    shared = lab.folder / "shared"
    shared.mkdir(mode=0o700)
    (shared / "file").write_text("same")
    answers = await asyncio.gather(*(one(n) for n in range(4)))
    expect([a.decode().split()[:2] for a in answers] == [["same", str(n)] for n in range(4)], f"answers {answers!r}")


async def serve(lab: Lab) -> None:
    """A server is reached by TCP and by Unix socket, stops politely, and can be started again."""
    for _ in range(2):
        async with lab.sandbox.start(lab.command(SERVER), 8000) as server:
            await _post(httpx.AsyncHTTPTransport(), server, b"hello", tries=500)
            await _post(httpx.AsyncHTTPTransport(uds=str(server.socket)), server, b"x" * 5_000_000 + b"y")
            completed = await server.stop()
            expect(completed.ok, f"SIGTERM led to {completed.outcome} {completed.exit_code}")
            expect(b"listening" in completed.stdout and b"stopped" in server.output(), f"output {server.output()!r}")
            expect(await server.stop() == completed, "stopping twice is not stopping once")
        try:
            await _post(httpx.AsyncHTTPTransport(), server, b"hello")
        except httpx.HTTPError:
            continue
        expect(False, "the URL still answers")


async def tell_of_the_end(lab: Lab) -> None:
    """A server that ends by itself: `wait` says how, also when nobody listened."""
    async with lab.sandbox.start(lab.command("print('no'); sys.exit(3)"), 8000) as server:
        completed = await asyncio.wait_for(server.wait(), 10)
        expect((completed.outcome, completed.exit_code) == ("exited", 3), f"ended as {completed.outcome} {completed.exit_code}")
        expect(b"no" in server.output(), "its output was lost")


async def refuse_nonsense(lab: Lab) -> None:
    """Commands that cannot be meant are refused before anything runs."""
    work = Mount(lab.work, "/work", writable=True)
    link = lab.folder / "link"
    link.symlink_to("/etc")
    for command in (
        Command((), "/work", (work,)),
        Command(("true",), "/elsewhere", (work,)),
        Command(("true",), "/work", (Mount(lab.work, "work"),)),
        Command(("true",), "/work", (work, Mount(lab.work, "/work/../etc"))),
        Command(("true",), "/work", (work, Mount(lab.work, "/proc/x"))),
        Command(("true",), "/work", (work, Mount(lab.work, "/"))),
        Command(("true",), "/work", (work, Mount(lab.folder / "missing", "/m"))),
        Command(("true",), "/work", (work, Mount(link, "/m"))),
        Command(("tr\0ue",), "/work", (work,)),
        Command(("true",), "/work", (work,), env={"A=B": "x"}),
    ):
        try:
            await lab.sandbox.run(command)
        except UserError:
            continue
        expect(False, f"{command} was accepted")


async def _post(transport: httpx.AsyncBaseTransport, server: Running, body: bytes, tries: int = 1) -> None:
    async with httpx.AsyncClient(transport=transport, timeout=10) as client:
        while True:
            tries -= 1
            try:
                answer = await client.post(server.url, content=body)
                break
            except httpx.TransportError:
                if tries <= 0:
                    raise
                await asyncio.sleep(0.02)
        expect(answer.content == body[::-1], f"the server answered {answer.status_code} with {len(answer.content)} bytes")


TRIALS = (
    Trial("programs", "run programs as told", run_programs),
    Trial("mounts", "show folders as told", mount_as_told),
    Trial("several", "run several commands at once", run_several_at_once),
    Trial("server", "serve, stop and serve again", serve),
    Trial("server-ends", "tell how a server ended", tell_of_the_end),
    Trial("nonsense", "refuse commands that cannot be meant", refuse_nonsense),
)
