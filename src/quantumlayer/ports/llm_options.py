"""What is known of one model, and how its adapter is opened. An adapter's entry point names an `OpenLlm`."""

from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from quantumlayer.ports.llm import Llm

Structured = Literal["native", "tool", "prompt"]


class ModelOptions(BaseModel):
    """`[models."PROVIDER:MODEL"]` of the configuration; what is left out is known of the model or the provider.

    `structured` says how the model is held to a schema: by the provider ("native"), by a tool that it must call, or by
    words alone. Prices are US dollars for a million tokens. `timeout_seconds` is for a whole call, `first_text_seconds`
    for the time until a streamed answer begins, `threads` how many a local model computes with (None: one for each core).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    base_url: str | None = None
    key_variable: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    path: Path | None = None
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    region: str | None = None
    api_version: str | None = None
    context_tokens: Annotated[int, Field(ge=256)] | None = None
    structured: Structured | None = None
    usd_per_million_input: Annotated[float, Field(ge=0)] | None = None
    usd_per_million_output: Annotated[float, Field(ge=0)] | None = None
    threads: Annotated[int, Field(ge=1, le=256)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 600.0
    first_text_seconds: Annotated[float, Field(gt=0)] = 120.0

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """US dollars by the prices given here; None where one of them is not."""
        if self.usd_per_million_input is None or self.usd_per_million_output is None:
            return None
        return (input_tokens * self.usd_per_million_input + output_tokens * self.usd_per_million_output) / 1_000_000


class OpenLlm(Protocol):
    """Opens the model of a name. Makes no call."""

    def __call__(self, name: str, options: ModelOptions, key: str | None) -> Llm:
        """`name` is `PROVIDER:MODEL`. Raises `UserError`, `EnvironmentError_` for what is known to be wrong before a call."""
        ...
