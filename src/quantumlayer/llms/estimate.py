"""How many tokens a prompt is, where no tokenizer is at hand."""

import json

from quantumlayer.ports.llm import Prompt

BYTES_PER_TOKEN = 4
TOKENS_PER_TURN = 8
TOKENS_PER_IMAGE = 1_500


def estimated_tokens(prompt: Prompt) -> int:
    """English has four bytes to a token, code three and a half; the schema is sent along."""
    texts = [prompt.system, prompt.text, *(turn.text for turn in prompt.earlier)]
    if prompt.schema is not None:
        texts.append(json.dumps(prompt.schema))
    size = sum(len(text.encode(errors="replace")) for text in texts)
    return size // BYTES_PER_TOKEN + TOKENS_PER_TURN * len(texts) + TOKENS_PER_IMAGE * len(prompt.images)
