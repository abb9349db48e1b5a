"""Any server that speaks OpenAI's chat protocol: vLLM, LM Studio, a gateway of one's own."""

from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from quantumlayer.errors import UserError
from quantumlayer.llms.hosted import HostedLlm
from quantumlayer.ports.llm_options import ModelOptions

# What most of these servers can; `structured` in the options overrules it.
PROFILE = OpenAIModelProfile(
    supports_json_schema_output=True,
    openai_supports_strict_tool_definition=False,
    openai_chat_supports_max_completion_tokens=False,
)
NO_KEY = "no-key"


def open_compatible(name: str, options: ModelOptions, key: str | None) -> HostedLlm:
    """The model `NAME` of the server at `base_url`, as `OpenLlm` says."""
    if not options.base_url:
        raise UserError(f"{name} needs the address of its server", hint=f"ql model add {name} --base-url http://HOST:PORT/v1")
    return HostedLlm(name, chat_model(name.partition(":")[2], options.base_url, key), options, key)


def chat_model(model: str, base_url: str, key: str | None) -> OpenAIChatModel:
    """A model of pydantic-ai at that address."""
    provider = OpenAICompatibleProvider("openai-compatible", base_url=base_url, api_key=key or NO_KEY, profile=PROFILE)
    return OpenAIChatModel(model, provider=provider)
