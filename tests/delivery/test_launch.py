"""A preview from a sealed capsule: the real sandbox, the real language adapter, verified bytes only."""

import asyncio
import contextlib
from datetime import timedelta
from types import SimpleNamespace

from preview_world import World, processes
from sqlalchemy.ext.asyncio import create_async_engine

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.blueprint.values import Blueprint
from quantumlayer.capsule.keys import signing_key
from quantumlayer.capsule.seal import Parts, seal
from quantumlayer.capsule.values import Facts, Scores
from quantumlayer.capsule.write_capsule import write_capsule
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.launch import CapsuleLaunch
from quantumlayer.delivery.previews import open_preview, revoke
from quantumlayer.delivery.proxy import running_proxy
from quantumlayer.delivery.table_registry import TableRegistry
from quantumlayer.evidence.values import Check, Evidence, RequirementResult
from quantumlayer.files.values import FileTree, tree
from quantumlayer.languages.python.adapter import Python
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox

APP = """
import http.server, json, os, pathlib, sys
visits = pathlib.Path(os.environ["DATABASE_URL"].removeprefix("sqlite:///"))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path != "/health":
            visits.write_text(str(int(visits.read_text()) + 1 if visits.exists() else 1))
        body = json.dumps({"visits": visits.exists() and int(visits.read_text()), "secret": os.environ.get("SECRET")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
STACK = "python/plain"
BLUEPRINT = Blueprint.model_validate(
    {
        "id": STACK,
        "version": "1.0.0",
        "title": "Plain",
        "description": "",
        "provides": ["http"],
        "requires": {"toolchain": "3.11"},
        "query_layer": "none",
        "commands": {
            "install": [["uv", "venv", "--quiet", "--offline", "--python", "3.11", ".venv"]],
            "test": [["true"]],
            "run": [".venv/bin/python", "app.py"],
        },
        "reports": {"junit": "j.xml", "coverage": "c.xml"},
    }
)


def a_capsule(home, app=APP):
    check = Check(id="a1", title="it counts", level="acceptance", status="passed", requirements=("R1",))
    met = RequirementResult(id="R1", text="It counts visits.", status="met", evidence=("a1",))
    evidence = {
        "evidence.json": Evidence(checks=(check,), coverage=0.9).model_dump_json(),
        "requirements.json": f"[{met.model_dump_json()}]",
    }
    empty = FileTree({})
    parts = Parts(tree({"app.py": app, "requirements.txt": ""}), empty, tree(evidence), empty, empty, b"{}")
    facts = Facts(
        name="Visits",
        run="run1",
        status="verified",
        stack=STACK,
        author="blueprint",
        spec_digest="0" * 64,
        requirements=(met,),
        coverage=0.9,
        scores=Scores(qa=100),
    )
    return write_capsule(seal(parts, facts, signing_key(home)), home / "capsules" / "run1.capsule")


@contextlib.asynccontextmanager
async def a_proxy(home):
    engine = create_async_engine(f"sqlite+aiosqlite:///{home}/metadata.db")
    world = World(home, TableRegistry(engine), PreviewHome(home))
    await world.registry.prepare()
    blueprints = SimpleNamespace(get={STACK: LoadedBlueprint(BLUEPRINT, home)}.__getitem__)

    async def fetch(preview):
        return preview.capsule

    launch = CapsuleLaunch(home, BubblewrapSandbox(), {"python": Python()}, blueprints, fetch)
    async with running_proxy(world.registry, world.home, launch):
        yield world
    await engine.dispose()


async def opened(world, capsule):
    return await open_preview(world.registry, world.home, capsule, timedelta(minutes=5), "run1")


async def test_a_capsule_runs_keeps_its_rows_over_a_restart_and_leaves_nothing(tmp_path):
    capsule = a_capsule(tmp_path)
    async with a_proxy(tmp_path) as world:
        preview = await opened(world, capsule)
        assert preview.state == "ready", preview.message
        assert [(await world.get(preview))[2] for _ in range(2)][-1] == b'{"visits": 2, "secret": null}'
    async with a_proxy(tmp_path) as world:
        preview = await world.eventually(preview, 200)
        assert (await world.get(preview))[2] == b'{"visits": 3, "secret": null}'
        await revoke(world.registry, world.home, preview.id)
        await world.eventually(preview, 410)
        async with asyncio.timeout(30):
            while processes(preview) or world.home.folders():
                await asyncio.sleep(0.05)


async def test_a_capsule_that_was_changed_or_signed_by_another_is_not_run(tmp_path):
    capsule = a_capsule(tmp_path)
    content = bytearray(capsule.read_bytes())
    content[len(content) // 2] ^= 1
    capsule.write_bytes(content)
    async with a_proxy(tmp_path) as world:
        preview = await opened(world, capsule)
        assert preview.state == "failed"
        assert "does not verify" in preview.message
    foreign = a_capsule(tmp_path / "elsewhere")
    async with a_proxy(tmp_path) as world:
        preview = await open_preview(world.registry, world.home, foreign, timedelta(minutes=5), "run2")
        assert preview.state == "failed"
        assert "signed by another key" in preview.message


async def test_an_application_that_does_not_become_healthy_is_told(tmp_path):
    async with a_proxy(tmp_path) as world:
        preview = await opened(world, a_capsule(tmp_path, "raise SystemExit('no flux capacitor')"))
        assert preview.state == "failed"
        assert "no flux capacitor" in preview.message
