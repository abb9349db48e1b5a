"""Keeps secrets of this machine out of prompts and of what is told of calls."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from quantumlayer.ports.llm import Prompt

REMOVED = "[secret removed]"
SHORTEST = 8
SECRET_NAME = re.compile(r"(?i)(key|token|secret|passw(or)?d|credential)s?(_|$)|_(pat|pwd|dsn)$")
PASSWORD_IN_URL = re.compile(r"(?<=://)([^\s/:@]{1,200}):([^\s/@]{1,200})(?=@)")
# Shapes that are secrets whoever issued them.
SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{50,}\b|\bglpat-[A-Za-z0-9_-]{20,}\b"
    r"|\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}\b|\bAIza[A-Za-z0-9_-]{35}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}\b|\b[rs]k_live_[A-Za-z0-9]{16,}\b|\bql_[A-Za-z0-9_-]{40,}\b"
)


@dataclass(frozen=True)
class Cleaner:
    """Takes known secrets, and what has the shape of one, out of texts."""

    secrets: tuple[str, ...] = ()

    def text(self, text: str) -> str:
        """The text without them."""
        for secret in self.secrets:
            text = text.replace(secret, REMOVED)
        return PASSWORD_IN_URL.sub(lambda found: f"{found[1]}:{REMOVED}", SHAPES.sub(REMOVED, text))

    def clean(self, prompt: Prompt) -> Prompt:
        """The prompt without them."""
        earlier = tuple(replace(turn, text=self.text(turn.text)) for turn in prompt.earlier)
        return replace(prompt, system=self.text(prompt.system), text=self.text(prompt.text), earlier=earlier)


def cleaner_of(environment: Mapping[str, str] = os.environ, more: Iterable[str] = ()) -> Cleaner:
    """A cleaner that knows the values of variables with secret-sounding names, longest first, for one may hold another."""
    named = (value for name, value in environment.items() if SECRET_NAME.search(name))
    found = {
        value
        for value in (*named, *more)
        if len(value) >= SHORTEST and not (value.isalpha() or value.isdigit() or value.startswith("/"))
    }
    return Cleaner(tuple(sorted(found, key=len, reverse=True)))
