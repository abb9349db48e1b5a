"""What every service has: health, metrics, a schema that the migrations make, errors in one form."""

import json
import logging
from pathlib import Path

from alembic import command
from sqlalchemy import inspect

from app.database import Database
from app.main import create_app
from app.migrate import alembic_config, migrate
from app.models import Base
from app.observability import JsonFormatter
from app.settings import Settings
from tests.client import client_of
from tests.support import Api


def test_health_answers_once_the_database_does(api: Api) -> None:
    assert api.call("GET", "/health", status=200) == {"status": "ok"}


def test_health_tells_that_the_database_is_gone(tmp_path: Path) -> None:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/missing/test.db", log_level="WARNING"))
    assert client_of(app).get("/health").status_code == 503


def test_metrics_count_requests(api: Api) -> None:
    api.call("GET", "/health", status=200)
    text = api.client.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/health",status="200"}' in text


def test_unknown_paths_and_methods_are_problems(api: Api) -> None:
    problem = api.call("GET", "/no-such-path", status=404)
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", "Not Found", 404)
    assert api.call("DELETE", "/health", status=405)["status"] == 405


def test_openapi_describes_the_application(api: Api) -> None:
    assert api.call("GET", "/openapi.json", status=200)["openapi"].startswith("3.")


def test_migrations_make_exactly_the_tables_of_the_models(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/test.db")
    migrate(database.engine)
    migrate(database.engine)
    tables = set(inspect(database.engine).get_table_names()) - {"alembic_version"}
    assert tables == set(Base.metadata.tables)
    command.check(alembic_config(database.engine))
    command.downgrade(alembic_config(database.engine), "base")
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version"}


def test_logs_are_json_lines() -> None:
    record = logging.LogRecord("app", logging.INFO, __file__, 1, "request", None, None)
    record.status = 200
    entry = json.loads(JsonFormatter().format(record))
    assert (entry["message"], entry["level"], entry["status"]) == ("request", "info", 200)
