"""Models behind an API, through pydantic-ai. One adapter for all its providers."""

import contextlib
import importlib.util
from collections.abc import Callable
from typing import Any, cast

from genai_prices import Usage, calc_price
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import ContentFilterError
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, infer_model
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.providers import Provider, infer_provider_class
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.llms.estimate import estimated_tokens
from quantumlayer.llms.failures import explain, unavailable
from quantumlayer.llms.prompted import with_schema_in_words
from quantumlayer.ports.llm import Answer, Finish, OnText, Prompt
from quantumlayer.ports.llm_options import ModelOptions, Structured

TOOL = "answer"
FINISHES: dict[str | None, Finish] = {"length": "length", "content_filter": "refused"}
# What a provider's class takes besides its key, by the option that gives it.
PARAMETERS = {
    "azure": {"base_url": "azure_endpoint", "api_version": "api_version"},
    "bedrock": {"base_url": "base_url", "region": "region_name"},
    "cohere": {},
    "openrouter": {},
}
ADDRESS = {"base_url": "base_url"}
# The libraries that the extra `models` brings.
EXTRAS = {"bedrock": "boto3", "cohere": "cohere", "groq": "groq", "mistral": "mistralai"}


class HostedLlm:
    """A model of pydantic-ai behind our port. `key` is only used to take it out of what providers say.

    `stops` where the server is known to take texts at which to stop: those for models that think refuse a call with them.
    """

    def __init__(self, name: str, model: Model, options: ModelOptions, key: str | None = None, *, stops: bool = False) -> None:
        self.name, self._stops = name, stops
        self._model, self._options, self._key = model, options, key
        self.context_tokens: int | None = options.context_tokens or model.profile.get("context_window")
        self._structured = options.structured or _best_structure(model)
        self._held = contextlib.AsyncExitStack()
        self._opened = False

    def tokens(self, prompt: Prompt) -> int:
        """An estimate: the tokenizers of providers are not at hand."""
        return estimated_tokens(prompt)

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """By the options, else by the price list that pydantic-ai brings."""
        own = self._options.price(input_tokens, output_tokens)
        if own is not None:
            return own
        usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        try:
            return float(calc_price(usage, self._model.model_name, provider_id=self._model.system).total_price)
        except (LookupError, ValueError):
            return None

    async def ask(self, prompt: Prompt, on_text: OnText | None = None) -> Answer:
        """As `ports.llm.Llm` says."""
        if prompt.schema is not None and self._structured == "prompt":
            prompt = with_schema_in_words(prompt)
        settings = self._settings(prompt)
        try:
            if not self._opened:
                self._opened = True
                await self._held.enter_async_context(self._model)
            if on_text is None:
                parameters = self._parameters(prompt)
                response = await model_request(
                    self._model, _messages(prompt), model_settings=settings, model_request_parameters=parameters
                )
            else:
                response = await self._stream(prompt, settings, on_text)
            return self._answer(response, streamed=on_text is not None)
        except ContentFilterError:
            return Answer("", "refused", self.name, 0, 0, 0.0)
        except Exception as error:
            raise explain(error, self.name, self._options, self._key) from None

    async def close(self) -> None:
        """Closes the connections."""
        await self._held.aclose()

    def _settings(self, prompt: Prompt) -> ModelSettings:
        # Retries are the gateway's alone: two layers of them multiply.
        settings = ModelSettings(
            max_tokens=prompt.max_tokens,
            temperature=prompt.temperature,
            max_retries=0,
            request_timeout=self._options.timeout_seconds,
            first_event_timeout=self._options.first_text_seconds,
        )
        if prompt.seed is not None:
            settings["seed"] = prompt.seed
        if prompt.stop and self._stops:
            settings["stop_sequences"] = list(prompt.stop)
        return settings

    def _parameters(self, prompt: Prompt) -> ModelRequestParameters:
        if prompt.schema is None or self._structured == "prompt":
            return ModelRequestParameters()
        schema = dict(prompt.schema)
        if self._structured == "native":
            return ModelRequestParameters(
                output_mode="native", output_object=OutputObjectDefinition(json_schema=schema, name=TOOL)
            )
        tool = ToolDefinition(name=TOOL, description="Give the answer.", parameters_json_schema=schema, kind="output")
        return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)

    async def _stream(self, prompt: Prompt, settings: ModelSettings, on_text: OnText) -> ModelResponse:
        parameters = self._parameters(prompt)
        opened = model_request_stream(
            self._model, _messages(prompt), model_settings=settings, model_request_parameters=parameters
        )
        async with opened as stream:
            async for event in stream:
                if text := _text_of(event):
                    await on_text(text)
            return stream.get()

    def _answer(self, response: ModelResponse, *, streamed: bool) -> Answer:
        finish = response.finish_reason
        if finish == "error" or not response.parts or (streamed and not _ended(response)):
            raise unavailable(f"the answer of {self.name} broke off")
        calls = [
            part.args_as_json_str() for part in response.parts if isinstance(part, ToolCallPart) and part.tool_name == TOOL
        ]
        text = calls[0] if calls else "".join(part.content for part in response.parts if isinstance(part, TextPart))
        tokens_in, tokens_out = response.usage.input_tokens, response.usage.output_tokens
        cost = self._cost(response, tokens_in, tokens_out)
        return Answer(text, FINISHES.get(finish, "stop"), self.name, tokens_in, tokens_out, cost)

    def _cost(self, response: ModelResponse, input_tokens: int, output_tokens: int) -> float | None:
        if self._options.price(0, 0) is not None:
            return self._options.price(input_tokens, output_tokens)
        try:
            return float(response.cost().total_price)
        except (LookupError, ValueError, AssertionError):
            return self.price(input_tokens, output_tokens)


def open_hosted(name: str, options: ModelOptions, key: str | None) -> HostedLlm:
    """The model of one of pydantic-ai's providers, as `OpenLlm` says."""
    provider = name.partition(":")[0]
    needed = EXTRAS.get(provider)
    if needed and importlib.util.find_spec(needed) is None:
        raise EnvironmentError_(f"{name} needs the package {needed}", hint="install it: pip install 'quantumlayer[models]'")
    try:
        return HostedLlm(name, infer_model(name, lambda _: _provider(provider, options, key)), options, key)
    except (UserError, EnvironmentError_):
        raise
    except Exception as error:
        raise explain(error, name, options, key) from None


def _provider(provider: str, options: ModelOptions, key: str | None) -> Provider[Any]:
    names = PARAMETERS.get(provider, ADDRESS)
    given = {"base_url": options.base_url, "region": options.region, "api_version": options.api_version}
    odd = [option for option, value in given.items() if value is not None and option not in names]
    if odd:
        raise UserError(
            f"{provider} takes no {odd[0]}", hint=f"remove {odd[0]}, or use openai-compatible:MODEL with a base_url"
        )
    arguments = {names[option]: value for option, value in given.items() if value is not None}
    kind = cast(Callable[..., Provider[Any]], infer_provider_class(provider))
    return kind(api_key=key, **arguments)


def _best_structure(model: Model) -> Structured:
    if model.profile.get("supports_json_schema_output", False):
        return "native"
    return "tool" if model.profile.get("supports_tools", True) else "prompt"


def _messages(prompt: Prompt) -> list[ModelMessage]:
    messages: list[ModelMessage] = []
    system: list[Any] = [SystemPromptPart(content=prompt.system)] if prompt.system else []
    for turn in prompt.earlier:
        if turn.speaker == "user":
            messages.append(ModelRequest(parts=[*system, UserPromptPart(content=turn.text)]))
            system = []
        else:
            messages.append(ModelResponse(parts=[TextPart(content=turn.text)]))
    images = [BinaryContent(data=image.data, media_type=image.media_type) for image in prompt.images]
    content: Any = [prompt.text, *images] if images else prompt.text
    return [*messages, ModelRequest(parts=[*system, UserPromptPart(content=content)])]


def _ended(response: ModelResponse) -> bool:
    """Whether the server itself said why it ended; pydantic-ai supposes "stop" where a stream just ends."""
    return response.finish_reason not in (None, "stop") or "finish_reason" in (response.provider_details or {})


def _text_of(event: object) -> str:
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartStartEvent(part=ToolCallPart() as part):
            return part.args if isinstance(part.args, str) else ""
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
        case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=str(text))):
            return text
    return ""
