"""Schemas for models that can only be told in words."""

import json
from dataclasses import replace

from quantumlayer.ports.llm import Prompt

WORDS = "Answer with one JSON object and nothing else: no prose, no code fence. It follows this JSON Schema:\n{schema}"


def with_schema_in_words(prompt: Prompt) -> Prompt:
    """The prompt whose schema has become a part of what the model is told."""
    words = WORDS.format(schema=json.dumps(prompt.schema))
    return replace(prompt, system=f"{prompt.system}\n\n{words}".strip(), schema=None)
