"""A real PostgreSQL beside an application, inside its sandbox: nothing outside is reached, nothing outlives it."""

import re
import shutil
from pathlib import Path

from quantumlayer.errors import EnvironmentError_
from quantumlayer.ports.sandbox import Mount

CLUSTER = "postgresql"
URL = "postgresql://app:app@127.0.0.1:5432/postgres"
# An own session, so that the SIGTERM for the application does not reach the database while requests still finish.
# Without fsync: what matters is that a restart finds the rows, not that they survive the machine.
_SCRIPT = """
set -e
bin=$1 cluster=$2
shift 2
if [ ! -f "$cluster/whole" ]; then
  rm -rf "$cluster"
  "$bin/initdb" -D "$cluster" -U app --auth=trust --no-sync --no-instructions -E UTF8 --locale=C >/tmp/initdb.log 2>&1 || {
    cat /tmp/initdb.log >&2
    exit 1
  }
  touch "$cluster/whole"
fi
rm -f "$cluster/postmaster.pid"
setsid "$bin/postgres" -D "$cluster" -k /tmp -h 127.0.0.1 -p 5432 -c fsync=off -c shared_buffers=32MB \
  -c full_page_writes=off -c max_connections=200 -c logging_collector=off >/tmp/postgres.log 2>&1 &
tries=0
until "$bin/pg_isready" -q -h 127.0.0.1 -p 5432; do
  tries=$((tries + 1))
  if [ $tries -gt 400 ]; then
    cat /tmp/postgres.log >&2
    exit 1
  fi
  sleep 0.05
done
exec "$@"
"""


def find_postgresql() -> Path | None:
    """The newest server's folder of programs, or None where none is installed."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/").glob("usr/pgsql-*/bin")]
    found = [f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()]
    if found:
        return max(found, key=lambda f: [int(n) for n in re.findall(r"\d+", str(f))])
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def required_postgresql() -> Path:
    """The same, or an `EnvironmentError_` that names the mend."""
    if found := find_postgresql():
        return found
    raise EnvironmentError_("no PostgreSQL server on this machine", hint="apt-get install postgresql")


def beside(argv: tuple[str, ...], programs: Path, folder: str) -> tuple[str, ...]:
    """The command, started once a PostgreSQL with its data in `folder` (inside) answers at `URL`."""
    return ("/bin/sh", "-c", _SCRIPT, "sh", str(programs), f"{folder}/{CLUSTER}", *argv)


def mounts(programs: Path) -> tuple[Mount, ...]:
    """What the server needs to be visible, beyond /usr."""
    prefix = programs.parent
    return () if prefix.is_relative_to("/usr") else (Mount(prefix, str(prefix)),)
