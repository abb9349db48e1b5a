"""Log lines that tell which run and stage they belong to: for people, or as JSON where QL_LOG=json."""

import json
import logging
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog

Line = MutableMapping[str, Any]


def is_json() -> bool:
    """Whether the environment asks for JSON lines."""
    return os.environ.get("QL_LOG", "").lower() == "json"


def log_to(stream: TextIO = sys.stdout, level: int = logging.INFO) -> None:
    """All loggers of this process write there, and nowhere else."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # They tell of each plugin that they know, and of each request.
    for name in ("alembic.runtime.plugins", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)


def formatter(*, timed: bool = False) -> logging.Formatter:
    """Text lines (`timed`: with the time before them), or JSON with time, level and logger."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _unwrapped if is_json() else _text(timed),
            *([structlog.processors.JSONRenderer(ensure_ascii=False)] if is_json() else []),
        ],
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
    )


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Lines written in the body, also by tasks and threads begun there, carry these fields."""
    with structlog.contextvars.bound_contextvars(**fields):
        yield


def _text(timed: bool):
    def render(_logger: Any, _name: str, line: Line) -> str:
        at, logger, event = line.pop("timestamp"), line.pop("logger"), line.pop("event")
        level, trace = line.pop("level"), line.pop("exception", "")
        loud = f"{level}: " if level in ("warning", "error", "critical") else ""
        fields = "".join(f" {name}={value}" for name, value in sorted(line.items()))
        return f"{f'{at} ' if timed else ''}{logger}: {loud}{event}{fields}" + (f"\n{trace}" if trace else "")

    return render


def _unwrapped(_logger: Any, _name: str, line: Line) -> Line:
    """A line that a child process wrote as JSON already stays one object, with the child's name added."""
    try:
        inner = json.loads(line["event"]) if str(line["event"]).startswith("{") else None
    except ValueError:
        inner = None
    return {**inner, "component": line["logger"]} if isinstance(inner, dict) else line
