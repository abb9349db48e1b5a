"""A model that says what it was told to: for tests, demonstrations and the replay of a recorded conversation."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from quantumlayer.errors import EnvironmentError_, QuantumLayerError, UserError
from quantumlayer.llms.estimate import estimated_tokens
from quantumlayer.ports.llm import Answer, Finish, OnText, Prompt
from quantumlayer.ports.llm_options import ModelOptions

Line = str | Answer | QuantumLayerError | Callable[[Prompt], "str | Answer"]


class ScriptedLlm:
    """Answers with the lines of its script, one a call; `prompts` are what it was asked.

    A line is a text, a whole answer, an error to raise, or a function of the prompt. After the last line it raises
    `EnvironmentError_`, unless `endless`: then the last line is said again and again.
    """

    def __init__(
        self,
        lines: Iterable[Line],
        *,
        name: str = "scripted:model",
        context_tokens: int | None = None,
        endless: bool = False,
        options: ModelOptions = ModelOptions(usd_per_million_input=0.0, usd_per_million_output=0.0),
    ) -> None:
        self.name, self.context_tokens = name, context_tokens
        self.prompts: list[Prompt] = []
        self._lines, self._endless, self._options = list(lines), endless, options

    def tokens(self, prompt: Prompt) -> int:
        """An estimate, as of models whose tokenizer is not at hand."""
        return estimated_tokens(prompt)

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """By the prices of its options; nothing by default."""
        return self._options.price(input_tokens, output_tokens)

    async def ask(self, prompt: Prompt, on_text: OnText | None = None) -> Answer:
        """The next line."""
        number = len(self.prompts)
        self.prompts.append(prompt)
        if number >= len(self._lines) and not (self._endless and self._lines):
            raise EnvironmentError_(
                f"the script of {self.name} has {len(self._lines)} lines, and this is call {number + 1}",
                hint="add lines to the script",
            )
        line = self._lines[min(number, len(self._lines) - 1)]
        if isinstance(line, QuantumLayerError):
            raise line
        said = line(prompt) if callable(line) else line
        answer = said if isinstance(said, Answer) else self._answer(prompt, said, "stop")
        if on_text is not None:
            for start in range(0, len(answer.text), 16):
                await on_text(answer.text[start : start + 16])
        return answer

    async def close(self) -> None:
        """Nothing to let go of."""

    def _answer(self, prompt: Prompt, text: str, finish: Finish) -> Answer:
        asked, said = self.tokens(prompt), max(1, len(text.encode(errors="replace")) // 4)
        return Answer(text, finish, self.name, asked, said, self.price(asked, said))


def open_scripted(name: str, options: ModelOptions, key: str | None) -> ScriptedLlm:
    """The script in the file `path` of the options: a JSON list of texts and of objects to be said as JSON.

    Raises `UserError` for a file that is no such list.
    """
    if options.path is None:
        raise UserError(
            f"{name} needs a script", hint=f'give [models."{name}"] path = "SCRIPT.json" in models.toml: a JSON list of answers'
        )
    lines = _read(options.path)
    return ScriptedLlm(
        [line if isinstance(line, str) else json.dumps(line) for line in lines],
        name=name,
        context_tokens=options.context_tokens,
        options=options if options.price(0, 0) is not None else ModelOptions(usd_per_million_input=0, usd_per_million_output=0),
    )


def _read(path: Path) -> list[Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"the script {path} cannot be read: {error}", hint="it is a JSON list of answers") from error
    if not isinstance(found, list):
        raise UserError(f"the script {path} is no list", hint="it is a JSON list of answers")
    return found
