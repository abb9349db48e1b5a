"""`python -m app`: migrate the database, then serve until SIGTERM."""

import signal
import sys

import uvicorn

from app.database import Database
from app.main import create_app
from app.migrate import migrate
from app.settings import get_settings


def main() -> None:
    """Runs the server; after SIGTERM it finishes what it has begun and exits with 0."""
    settings = get_settings()
    database = Database(settings.database_url)
    migrate(database.engine)
    database.engine.dispose()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
