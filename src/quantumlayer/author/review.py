"""What a reviewer reads in finished sources: claims, each about a line that is there, and nothing that decides anything.

A claim may bring calls; whether the application answers them wrongly is found out by a tool, never believed.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from quantumlayer.answer.values import Refusal
from quantumlayer.author.forms import Filled, Form, fill
from quantumlayer.author.prompts import DATA_RULE, data
from quantumlayer.errors import BudgetExceeded, LlmUnavailable
from quantumlayer.evidence.grammars import language_of
from quantumlayer.ports.llm import Gateway, Prompt
from quantumlayer.ports.scanner import Severity

# What one call is shown of the sources, in characters; how many calls there are at most, and tries for each.
BATCH, MOST_CALLS, TRIES = 24_000, 6, 2
# How long a run waits for all of them: a small model on a slow machine reads for an hour what it has no use for.
MOST_SECONDS = 300.0
MOST_SPEC = 16_000
_SYSTEM = f"""You review the finished sources of a small web service against its specification, as JSON that follows the
schema. Name what is wrong: a rule that is broken or missing, a race, a leak, a weakness. Each finding names one file and one
line that are shown, and says why in a sentence or two. Where calls over HTTP to a fresh application would show it, add them, in
order. What is right, or a matter of taste, is no finding; an empty list is a good answer. {DATA_RULE}
Answer with the JSON object alone."""


class ShownCall(Form):
    """One call to a fresh application; `path` is without scheme and host."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[str, StringConstraints(pattern=r"^/([!-.0-~][!-~]{0,998})?$")]
    body: Any = None


class Claim(Form):
    """One finding of a reviewer, not yet believed."""

    file: Annotated[str, StringConstraints(max_length=300)]
    line: int
    reason: Annotated[str, StringConstraints(min_length=1, max_length=800)]
    severity: Severity = "medium"
    calls: Annotated[tuple[ShownCall, ...], Field(max_length=12)] = ()


class Claims(Form):
    """What a reviewer answers."""

    findings: Annotated[tuple[Claim, ...], Field(max_length=50)] = ()


@dataclass(frozen=True)
class Reviewed:
    """Claims about lines that are there; `dropped` counts the others. `unread` are files that no model read, and why."""

    claims: tuple[Claim, ...]
    dropped: int = 0
    read: tuple[str, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()


async def review(
    gateway: Gateway,
    files: Mapping[str, bytes],
    spec: str,
    findings: Sequence[str],
    language: str,
    seconds: float = MOST_SECONDS,
) -> Reviewed:
    """Lets the model of the role `reviewer` read the sources, the largest part that `MOST_CALLS` calls in so many seconds take.

    Raises what the gateway raises where nothing was read at all.
    """
    batches = list(_batches(files))
    unread = {path: f"more than {MOST_CALLS} calls would be needed" for batch in batches[MOST_CALLS:] for path in batch}
    claims: list[Claim] = []
    read: list[str] = []
    models: list[str] = []
    until = asyncio.get_running_loop().time() + seconds
    for batch in batches[:MOST_CALLS]:
        try:
            async with asyncio.timeout_at(until):
                filled = await _asked(gateway, batch, spec, findings, language)
        except TimeoutError:
            unread |= dict.fromkeys(batch, f"a review ends after {seconds:g} seconds")
            continue
        except (BudgetExceeded, LlmUnavailable) as error:
            if not read:
                raise
            unread |= dict.fromkeys(batch, error.message)
            continue
        except Refusal as refusal:
            unread |= dict.fromkeys(batch, f"the answer could not be used: {refusal.message[:200]}")
            continue
        claims, read, models = [*claims, *filled.form.findings], [*read, *batch], [*models, filled.model]
    there = [claim for claim in claims if _is_there(claim, files)]
    return Reviewed(tuple(there), len(claims) - len(there), tuple(read), unread, tuple(dict.fromkeys(models)))


async def _asked(
    gateway: Gateway, batch: Mapping[str, str], spec: str, findings: Sequence[str], language: str
) -> Filled[Claims]:
    """Raises the last `Refusal` where no answer could be used, and what the gateway raises."""
    parts = [f"The specification:\n{data(spec[:MOST_SPEC])}"]
    parts += [f"What tools found already:\n{data(chr(10).join(findings[:40]))}"] if findings else []
    parts += [f"{path}\n{data(text)}" for path, text in batch.items()]
    prompt = Prompt(system=_SYSTEM, text="\n\n".join(parts), max_tokens=4096)
    return await fill(gateway, "reviewer", prompt, Claims, tries=TRIES, language=language)


def _batches(files: Mapping[str, bytes]) -> Iterator[dict[str, str]]:
    """Sources with numbered lines, as many together as one call is shown; no tests, for nobody ships them to users."""
    batch: dict[str, str] = {}
    for path, content in sorted(files.items()):
        if not language_of(path) or path.startswith(("tests/", "test/")):
            continue
        lines = content.decode(errors="replace").splitlines()
        text = "\n".join(f"{number}| {line[:500]}" for number, line in enumerate(lines, 1))[:BATCH]
        if batch and sum(map(len, batch.values())) + len(text) > BATCH:
            yield batch
            batch = {}
        batch[path] = text
    if batch:
        yield batch


def _is_there(claim: Claim, files: Mapping[str, bytes]) -> bool:
    """Whether the claim names a file of the sources and a line in it."""
    content = files.get(claim.file)
    return content is not None and 1 <= claim.line <= len(content.decode(errors="replace").splitlines())
