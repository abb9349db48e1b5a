"""What providers' failures mean: worth another try, or for a person to mend. No key is ever repeated."""

import difflib

from pydantic_ai import exceptions as theirs
from pydantic_ai.models import known_model_names

from quantumlayer.errors import EnvironmentError_, LlmUnavailable, QuantumLayerError, UserError
from quantumlayer.gateway.hygiene import Cleaner
from quantumlayer.llms.keys import variables
from quantumlayer.ports.llm import PromptTooLarge
from quantumlayer.ports.llm_options import ModelOptions

TRANSIENT = (
    theirs.ModelRateLimitError,
    theirs.ModelUnavailableError,
    theirs.ModelServerError,
    theirs.ModelConnectionError,
    theirs.ModelRequestTimeout,
)
SCHEMA_WORDS = ("json_schema", "response_format", "responseschema", "response_schema", "output_config", "structured output")
LONGEST = 400


def explain(error: Exception, name: str, options: ModelOptions, key: str | None) -> QuantumLayerError:
    """The failure of a call to the model `name` as one of ours."""
    if isinstance(error, QuantumLayerError):
        return error
    said = Cleaner((key,) if key else ()).text(_text(error))[:LONGEST]
    provider = name.partition(":")[0]
    if isinstance(error, theirs.ModelAuthenticationError):
        where = " or ".join(variables(provider, options.key_variable)) or "the credentials"
        return EnvironmentError_(f"{name} refuses our key: {said}", hint=f"check {where}, and that it may use this model")
    if isinstance(error, theirs.ModelNotFoundError):
        return UserError(f"{provider} knows no model {name.partition(':')[2]!r}: {said}", hint=_nearest(name, error))
    if isinstance(error, theirs.ModelContextWindowExceededError):
        return PromptTooLarge(
            f"the prompt does not fit into {name}: {said}",
            hint="name a model with a larger context window for this role, or split the request",
        )
    if isinstance(error, theirs.ModelQuotaExceededError):
        return EnvironmentError_(f"the account at {provider} is exhausted: {said}", hint="check its plan and billing")
    if isinstance(error, TRANSIENT):
        return unavailable(f"{name} does not answer: {said}", error.retry_after)
    if isinstance(error, theirs.ModelRequestRejectedError | theirs.UserError):
        return _rejected(name, said)
    if isinstance(error, theirs.ModelHTTPError) and 400 <= error.status_code < 500 and error.status_code not in (408, 409, 425):
        return _rejected(name, said)
    wait = error.retry_after if isinstance(error, theirs.ModelAPIError) else None
    return unavailable(f"what {name} sent cannot be read: {said}", wait)


def unavailable(message: str, retry_after: float | None = None) -> LlmUnavailable:
    """The error that is worth another try."""
    return LlmUnavailable(message, hint="it is tried again by itself; see `ql model list`", retry_after=retry_after)


def _rejected(name: str, said: str) -> UserError:
    if any(word in said.lower() for word in SCHEMA_WORDS):
        return UserError(
            f"{name} has no structured output of its own: {said}",
            hint=f'set [models."{name}"] structured = "tool" (or "prompt") in models.toml, and try it: ql model test {name}',
        )
    return UserError(f"{name} rejects the request: {said}", hint=f"try it alone: ql model test {name}")


def _text(error: Exception) -> str:
    if isinstance(error, theirs.ModelHTTPError):
        detail = error.body if isinstance(error.body, str) else _message_in(error.body)
        return f"status {error.status_code}{': ' if detail else ''}{detail}"
    if isinstance(error, theirs.AgentRunError):
        return error.message
    return f"{type(error).__name__}: {error}"


def _message_in(body: object) -> str:
    if isinstance(body, list):
        body = body[0] if body else None
    if not isinstance(body, dict):
        return ""
    inner = body.get("error", body)
    found = inner.get("message") if isinstance(inner, dict) else inner
    return str(found or body)


def _nearest(name: str, error: theirs.ModelNotFoundError) -> str:
    suggested = getattr(error, "suggested_model_id", None)
    near = [suggested] if suggested else nearest_models(name)
    known = f"did you mean {', '.join(near)}? " if near else ""
    return f"{known}name another: ql model add PROVIDER:MODEL. A wrong base_url answers like this too"


def nearest_models(name: str) -> list[str]:
    """Up to three known models of the provider whose names are alike."""
    prefix = name.partition(":")[0] + ":"
    return difflib.get_close_matches(
        name, [known for known in known_model_names() if known.startswith(prefix)], n=3, cutoff=0.5
    )
