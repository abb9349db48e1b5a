"""A tiny application through install, build, tests and serving, with the real registry clients in the real sandbox."""

import asyncio
from pathlib import Path

import httpx
import pytest

from quantumlayer.evidence.application import Application, NotServing, unpacked
from quantumlayer.evidence.environments import Environments, InstallFailed
from quantumlayer.evidence.postgresql import find_postgresql
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox
from tests.sandboxes.builders import tiny_blueprint, tiny_language, tiny_tree

SLEEPY = ("python3", "-c", "import time; time.sleep(30)")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def at_work(home: Path, blueprint=None, **files: str):
    return unpacked(tiny_tree(**files), blueprint or tiny_blueprint(), tiny_language(), BubblewrapSandbox(), home)


async def counted(application: Application, **options) -> dict:
    async with application.start(**options) as serving, httpx.AsyncClient() as client:
        return (await client.get(f"{serving.url}/count")).json()


async def test_the_whole_way(home: Path):
    async with at_work(home) as application:
        assert (await application.install()).status == "passed"
        assert [c.status for c in await application.build()] == ["passed"]
        tests = await application.test()
        assert [(c.id, c.status) for c in tests.checks] == [
            ("test", "failed"),
            ("unit.test_tiny::test_sum", "passed"),
            ("unit.test_tiny::test_wrong", "failed"),
        ]
        assert tests.coverage == 0.5 and b"<testsuite" in tests.junit
        database = application.database()
        assert await counted(application, database=database) == {"count": 1, "offset": "0"}
        assert await counted(application, database=database, clock_offset=3600) == {"count": 2, "offset": "3600"}
        assert await counted(application) == {"count": 1, "offset": "0"}
    assert not list((home / "work").iterdir())


async def test_what_was_built_once_is_not_built_again(home: Path):
    blueprint = tiny_blueprint(build=(("sh", "-c", "test ! -e tests/__pycache__ && echo built > made"),))
    async with at_work(home, blueprint, extra="1") as application:
        await application.install()
        assert [c.title for c in await application.built()] == ["sh -c test ! -e tests/__pycache__ && echo built > made"]
    async with at_work(home, blueprint, extra="1") as again, at_work(home, blueprint, extra="2") as other:
        await again.install()
        assert [(c.status, c.title) for c in await again.built()] == [("passed", "built before from the same sources")]
        assert (again.source / "made").read_text() == "built\n"
        await other.install()
        assert [c.title.split()[0] for c in await other.built()] == ["sh"]


async def test_a_failed_build_is_not_kept(home: Path):
    async with at_work(home, tiny_blueprint(build=(("false",),))) as application:
        await application.install()
        for _ in range(2):
            assert [(c.status, c.title) for c in await application.built()] == [("failed", "false")]


async def test_a_twin_works_on_files_of_its_own_at_the_same_time(home: Path):
    write = ("sh", "-c", "cat made > seen && echo lint > made && sleep 0.5 && test $(cat made) = lint")
    blueprint = tiny_blueprint(build=(("sh", "-c", "echo build > made; ln -s /etc/passwd link"),), lint=(write,), test=(write,))
    async with at_work(home, blueprint) as application:
        await application.install()
        await application.build()
        twin = await application.twin()
        lint, tests = await asyncio.gather(twin.lint(), application.test())
        assert lint[0].status == tests.checks[0].status == "passed"
        assert (twin.source / "seen").read_text() == (application.source / "seen").read_text() == "build\n"
        assert (twin.source / "link").is_symlink()


async def test_a_second_install_needs_no_network_and_no_time(home: Path):
    async with at_work(home) as first, at_work(home) as second:
        one, two = await asyncio.gather(first.install(), second.install())
        assert one.status == two.status == "passed"
        again = await first.install()
    assert "cache" in again.title and again.seconds < 0.5
    assert not [p for p in (home / "cache" / "environments").iterdir() if p.name.startswith("tmp-")]


async def test_a_damaged_environment_is_installed_anew(home: Path):
    async with at_work(home) as application:
        await application.install()
        assert application.installed and application.installed.folder
        victim = next(application.installed.folder.rglob("pytest/__init__.py"))
        victim.write_bytes(b"")
        repaired = await application.install()
        assert "registries" in repaired.title and victim.stat().st_size > 0


async def test_a_killed_install_leaves_nothing_that_counts(tmp_path: Path):
    blueprint = tiny_blueprint(install=(("sh", "-c", "mkdir .venv; echo half > .venv/file; sleep 30"),))
    environments = Environments(tmp_path, BubblewrapSandbox())
    installing = asyncio.create_task(environments.install(tiny_tree(), blueprint, tiny_language()))
    for _ in range(500):
        if list(tmp_path.rglob(".venv/file")):
            break
        await asyncio.sleep(0.02)
    installing.cancel()
    await asyncio.gather(installing, return_exceptions=True)
    assert installing.cancelled() and not list(tmp_path.rglob(".venv/file"))
    failing = tiny_blueprint(install=(("sh", "-c", "mkdir .venv; exit 3"),))
    with pytest.raises(InstallFailed):
        await environments.install(tiny_tree(), failing, tiny_language())
    assert not list(tmp_path.rglob("whole.json"))


async def test_failing_steps_say_why_and_stop_the_rest(home: Path):
    blueprint = tiny_blueprint(build=(("sh", "-c", "echo broken >&2; exit 4"), ("true",)), install=(("sh", "-c", "exit 1"),))
    async with at_work(home, blueprint) as application:
        first, second = await application.build()
        assert (first.status, second.status) == ("failed", "not_run") and "exit code 4\nbroken" in first.message
        assert (await application.install()).status == "failed"


@pytest.mark.parametrize(
    ("test", "complaint"),
    [
        ("ln -s /etc/passwd junit.xml", "cannot be read safely"),
        ("mkfifo junit.xml", "not a plain file"),
        ("echo '<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>' > junit.xml", "not readable XML"),
        ("echo '<testsuite/>' > junit.xml", "no test ran"),
        ("true", "missing"),
        ("head -c 20000000 /dev/zero > junit.xml", "longer than"),
    ],
)
async def test_hostile_reports_prove_nothing(home: Path, test: str, complaint: str):
    async with at_work(home, tiny_blueprint(test=(("sh", "-c", test),))) as application:
        tests = await application.test()
    assert tests.coverage is None
    assert [c.status in ("errored", "failed") and complaint in c.message for c in tests.checks][-1], tests.checks


async def test_a_link_left_by_the_build_is_not_followed_when_reports_are_cleared(home: Path, tmp_path: Path):
    (tmp_path / "junit.xml").write_text("precious")
    blueprint = tiny_blueprint(build=(("ln", "-s", str(tmp_path), "reports"),)).model_copy(
        update={"reports": tiny_blueprint().reports.model_copy(update={"junit": "reports/junit.xml"})}
    )
    async with at_work(home, blueprint) as application:
        await application.build()
        tests = await application.test()
    assert tests.checks[-1].status == "errored" and (tmp_path / "junit.xml").read_text() == "precious"


async def test_an_application_that_does_not_come_up_is_told_with_its_last_words(home: Path):
    dying = tiny_blueprint(run=("sh", "-c", "echo no database; exit 5"))
    async with at_work(home, dying) as application:
        with pytest.raises(NotServing, match="(?s)exit code 5.*no database"):
            await counted(application)
    async with at_work(home, tiny_blueprint(run=SLEEPY)) as application:
        with pytest.raises(NotServing, match="no answer"):
            await counted(application, ready_seconds=0.5)


@pytest.mark.skipif(find_postgresql() is None, reason="no PostgreSQL server on this machine")
async def test_rows_in_postgresql_outlive_a_restart_and_a_fresh_database_has_none(home: Path):
    server = """
import http.server, os, subprocess
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        statement = "CREATE TABLE IF NOT EXISTS t (x int); INSERT INTO t VALUES (1); SELECT count(*) FROM t"
        if self.path == "/health":
            statement = "SELECT 1"
        ran = subprocess.run(["psql", "-qAt", os.environ["DATABASE_URL"], "-c", statement], capture_output=True)
        self.send_response(200 if ran.returncode == 0 else 503)
        self.end_headers()
        self.wfile.write(ran.stdout.split()[-1] if ran.stdout else ran.stderr)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
    async with at_work(home, tiny_blueprint(run=("python3", "server.py")), server__py=server) as application:
        database = application.database("postgresql")
        counts = []
        for given in (database, database, application.database("postgresql")):
            async with application.start(database=given) as serving, httpx.AsyncClient() as client:
                counts.append((await client.get(f"{serving.url}/count")).text)
    assert counts == ["1", "2", "1"]
