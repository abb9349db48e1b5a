"""Placeholders of scenarios: `{"$ref": …}`, `{"$now": seconds}`, `{"$today": days}`, `{"$any": true}`; captures in paths."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from quantumlayer.errors import Bug

Json = Any
_CAPTURE = re.compile(r"\{([^{}]+)\}")
_MARKS = ("$ref", "$now", "$today", "$any")


class Unsaved(Bug):
    """A capture or reference names an answer, or a member of one, that is not there."""


def ref(path: str) -> Json:
    """A member of a saved answer."""
    return {"$ref": path}


def now(seconds: int = 0) -> Json:
    """The clock when the scenario starts, plus seconds."""
    return {"$now": seconds}


def today(days: int = 0) -> Json:
    """The UTC date when the scenario starts, plus days."""
    return {"$today": days}


ANY: Json = {"$any": True}


def mark(value: Json) -> str | None:
    """The kind of placeholder that a value is, None for an ordinary value."""
    if isinstance(value, dict) and len(value) == 1:
        key = next(iter(value))
        return key if key in _MARKS else None
    return None


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def look_up(path: str, saved: Mapping[str, Json]) -> Json:
    """The saved member that `alias.member` names, or deeper: `list1.items.0.id`. Raises `Unsaved`."""
    value: Json = dict(saved)
    for part in path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise Unsaved(f"no saved value {path!r}")
    return value


def resolve(value: Json, saved: Mapping[str, Json], start: datetime) -> Json:
    """The value with every placeholder but `$any` filled in. `start` is the scenario's clock."""
    match mark(value):
        case "$ref":
            return look_up(value["$ref"], saved)
        case "$now":
            return instant(start + timedelta(seconds=value["$now"]))
        case "$today":
            return (start.date() + timedelta(days=value["$today"])).isoformat()
    if isinstance(value, dict):
        return {k: resolve(v, saved, start) for k, v in value.items()}
    if isinstance(value, list):
        return [resolve(v, saved, start) for v in value]
    return value


def resolve_path(path: str, saved: Mapping[str, Json]) -> str:
    """The path with its captures filled in and percent-encoded."""
    return _CAPTURE.sub(lambda found: quote(query_text(look_up(found[1], saved)), safe=""), path)


def query_text(value: Json) -> str:
    """A value as it stands in a query or path: booleans as `true` and `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
