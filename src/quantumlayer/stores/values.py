"""What the metadata database knows: who owns a row, runs, and numbered events."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from quantumlayer.ports.store import RunStatus

EventKind = Literal[
    "run_started",
    "stage_started",
    "stage_finished",
    "awaiting",
    "decided",
    "check",
    "log",
    "sandbox",
    "model_call",
    "model_text",
    "run_finished",
]


class Owner(BaseModel):
    """Whose row it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    organisation: str = "local"
    project: str = "default"
    creator: str = "local"


class Run(BaseModel):
    """One run. `execution` counts how often it was started (1, then one more for each rollback); `report` once it ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    created_at: datetime
    finished_at: datetime | None = None
    status: RunStatus
    execution: int = 1
    title: str
    order: dict[str, Any]
    report: dict[str, Any] | None = None
    owner: Owner = Owner()


class Event(BaseModel):
    """Something that happened in a run. Numbers of a run count from 1 without gaps."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    run: str
    number: int
    at: datetime
    kind: EventKind
    data: dict[str, Any]
