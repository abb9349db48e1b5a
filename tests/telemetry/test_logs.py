import asyncio
import io
import json
import logging

import pytest

from quantumlayer.telemetry.logs import about, formatter


@pytest.fixture
def lines():
    """Gives a logger and what it wrote."""

    def make(**options):
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter(**options))
        logger = logging.Logger("ql.test")
        logger.addHandler(handler)
        return logger, stream

    return make


async def test_lines_tell_their_run_and_stage_also_from_threads_begun_there(lines):
    logger, stream = lines()
    with about(run="r-1", stage="code"):
        await asyncio.to_thread(logger.info, "at %s", "work")
    logger.warning("later")
    assert stream.getvalue() == "ql.test: at work run=r-1 stage=code\nql.test: warning: later\n"


def test_json_lines_are_objects_and_those_of_children_stay_whole(lines, monkeypatch):
    monkeypatch.setenv("QL_LOG", "json")
    logger, stream = lines()
    with about(run="r-1"):
        logger.info("at work")
    logger.info("%s", json.dumps({"event": "of a child", "run": "r-2", "logger": "quantumlayer.pipeline"}))
    logger.info("{ no json")
    try:
        raise ValueError("odd")
    except ValueError:
        logger.exception("it failed")
    own, child, plain, failed = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (own["event"], own["run"], own["level"], own["logger"]) == ("at work", "r-1", "info", "ql.test")
    assert child == {"event": "of a child", "run": "r-2", "logger": "quantumlayer.pipeline", "component": "ql.test"}
    assert plain["event"] == "{ no json" and "ValueError: odd" in failed["exception"]
