"""Runs that began under an earlier version go on under today's workflow code: their recorded histories fit it."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from quantumlayer import __version__
from quantumlayer.pipeline.workflow import Generate

HISTORIES = sorted(Path(__file__).with_name("histories").glob("*/*.json"))


def replayer():
    return Replayer(workflows=[Generate], data_converter=pydantic_data_converter)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_a_recorded_run_fits_todays_workflow(path):
    result = await replayer().replay_workflow(WorkflowHistory.from_json("run", path.read_text()), raise_on_replay_failure=False)
    assert result.replay_failure is None, (
        f"a run of version {path.parent.name} could not go on: {result.replay_failure}\n"
        "keep the old way behind workflow.patched(); only where that version is not released yet:"
        " python tests/replay/record.py"
    )


def test_this_version_is_recorded():
    assert {"verified", "failed", "cancelled", "rolled_back", "at_work"} <= {
        path.stem for path in HISTORIES if path.parent.name == __version__
    }


async def test_a_workflow_that_changed_is_found():
    text = next(path for path in HISTORIES if path.stem == "verified").read_text()
    history = json.loads(text)
    scheduled = [each for event in history["events"] if (each := event.get("activityTaskScheduledEventAttributes"))]
    scheduled[3]["activityType"]["name"] = "another stage"
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(WorkflowHistory.from_json("run", history))
