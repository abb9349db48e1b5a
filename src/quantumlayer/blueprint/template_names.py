"""What the name of a template says: `.jinja` is rendered, `[entity]` stands for every entity, `[if feature]` gates.

A file such as `_macros.jinja`, with an underscore and without another suffix, is only for others to import.
"""

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from quantumlayer.spec.ids import makes_texts
from quantumlayer.spec.values import Spec

RENDERED = ".jinja"
ENTITY = "[entity]"
CONDITION = re.compile(r"\[if ([a-z_]+)\]")
FEATURES: dict[str, Callable[[Spec], bool]] = {
    "auth": lambda spec: spec.auth is not None,
    "password": lambda spec: spec.auth is not None and "password" in spec.auth.methods,
    "api_key": lambda spec: spec.auth is not None and "api_key" in spec.auth.methods,
    "registration": lambda spec: spec.auth is not None and "password" in spec.auth.methods and spec.auth.registration,
    "roles": lambda spec: bool(spec.auth and spec.roles),
    "visibility": lambda spec: any(entity.visible for entity in spec.entities.values()),
    "surface": lambda spec: spec.surface is not None,
    "made_ids": lambda spec: any(makes_texts(entity) for entity in spec.entities.values()),
    "units": lambda spec: bool(spec.units),
    "reports": lambda spec: bool(spec.reports),
    "decimal": lambda spec: any(f.type == "decimal" for e in spec.entities.values() for f in e.fields.values()),
}


def features(spec: Spec) -> frozenset[str]:
    """What a spec makes use of; names for conditions in file names and for templates."""
    return frozenset(name for name, holds in FEATURES.items() if holds(spec))


def is_partial(name: str) -> bool:
    """Whether a template makes no file of its own."""
    last = PurePosixPath(name).name
    return last.startswith("_") and last.endswith(RENDERED) and "." not in last.removesuffix(RENDERED)
