"""What providers' servers say on the wire, as their public references write it: whole answers, streams, errors."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TOOL = "answer"
Body = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """What the model says: its text, in pieces where it is streamed, and why it ended. `tool` where it must call one."""

    text: str
    cut: bool = False
    tool: bool = False
    tokens_in: int = 11
    tokens_out: int = 7

    @property
    def pieces(self) -> list[str]:
        """The text in pieces of a few characters."""
        return [self.text[start : start + 5] for start in range(0, len(self.text), 5)]


@dataclass(frozen=True)
class Protocol:
    """One way to speak. `ends` are the ends of the paths it listens at; `streams` tells whether a request asks for pieces."""

    name: str
    ends: tuple[str, ...]
    whole: Callable[[Said], Body]
    events: Callable[[Said], Iterator[bytes]]
    error: Callable[[str, str], Body]
    streams: Callable[[str, Body], bool] = lambda path, body: bool(body.get("stream"))


def _line(data: Mapping[str, Any], event: str = "") -> bytes:
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


# --- OpenAI, chat completions -----------------------------------------------------------------------------------------


def _chat_usage(said: Said) -> Body:
    return {
        "prompt_tokens": said.tokens_in,
        "completion_tokens": said.tokens_out,
        "total_tokens": said.tokens_in + said.tokens_out,
    }


def _chat_call(text: str) -> Body:
    return {"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": text}}


def _chat_finish(said: Said) -> str:
    return "length" if said.cut else "tool_calls" if said.tool else "stop"


def _chat_whole(said: Said) -> Body:
    message: Body = {"role": "assistant", "content": None if said.tool else said.text}
    if said.tool:
        message["tool_calls"] = [_chat_call(said.text)]
    choice = {"index": 0, "message": message, "finish_reason": _chat_finish(said)}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000, "model": "wire-model"}
    return {**head, "choices": [choice], "usage": _chat_usage(said)}


def _chat_events(said: Said) -> Iterator[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "wire-model"}

    def chunk(delta: Body, finish: str | None = None) -> bytes:
        return _line({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": None if said.tool else ""})
    if said.tool:
        yield chunk({"tool_calls": [{"index": 0, **_chat_call(said.text)}]})
    for piece in [] if said.tool else said.pieces:
        yield chunk({"content": piece})
    yield chunk({}, _chat_finish(said))
    yield _line({**head, "choices": [], "usage": _chat_usage(said)})
    yield b"data: [DONE]\n\n"


def _openai_error(message: str, code: str) -> Body:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


# --- OpenAI, responses ------------------------------------------------------------------------------------------------


def _response(said: Said, status: str) -> Body:
    part = {"type": "output_text", "text": said.text, "annotations": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    call = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": TOOL, "arguments": said.text}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": status,
        "model": "wire-model",
        "output": [] if status == "in_progress" else [{**call, "status": "completed"} if said.tool else message],
        "incomplete_details": {"reason": "max_output_tokens"} if said.cut and status != "in_progress" else None,
        "error": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 0.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": said.tokens_in,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": said.tokens_out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": said.tokens_in + said.tokens_out,
        },
    }


def _responses_whole(said: Said) -> Body:
    return _response(said, "incomplete" if said.cut else "completed")


def _responses_events(said: Said) -> Iterator[bytes]:
    numbers = iter(range(10_000))

    def event(kind: str, **data: Any) -> bytes:
        return _line({"type": kind, "sequence_number": next(numbers), **data}, kind)

    whole = _responses_whole(said)
    item = whole["output"][0]
    begun = {**item, "status": "in_progress", **({"arguments": ""} if said.tool else {"content": []})}
    yield event("response.created", response=_response(said, "in_progress"))
    yield event("response.output_item.added", output_index=0, item=begun)
    where = {"item_id": item["id"], "output_index": 0}
    if said.tool:
        for piece in said.pieces:
            yield event("response.function_call_arguments.delta", **where, delta=piece)
        yield event("response.function_call_arguments.done", **where, arguments=said.text, name=TOOL)
    else:
        blank = {"type": "output_text", "text": "", "annotations": []}
        yield event("response.content_part.added", **where, content_index=0, part=blank)
        for piece in said.pieces:
            yield event("response.output_text.delta", **where, content_index=0, delta=piece, logprobs=[])
        yield event("response.output_text.done", **where, content_index=0, text=said.text, logprobs=[])
    yield event("response.output_item.done", output_index=0, item=item)
    yield event("response.incomplete" if said.cut else "response.completed", response=whole)


# --- Anthropic --------------------------------------------------------------------------------------------------------


def _anthropic_stop(said: Said) -> str:
    return "max_tokens" if said.cut else "tool_use" if said.tool else "end_turn"


def _anthropic_whole(said: Said) -> Body:
    tool = {"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": json.loads(said.text) if said.tool else {}}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "wire-model",
        "content": [tool if said.tool else {"type": "text", "text": said.text}],
        "stop_reason": _anthropic_stop(said),
        "stop_sequence": None,
        "usage": {"input_tokens": said.tokens_in, "output_tokens": said.tokens_out},
    }


def _anthropic_events(said: Said) -> Iterator[bytes]:
    def event(kind: str, **data: Any) -> bytes:
        return _line({"type": kind, **data}, kind)

    whole = _anthropic_whole(said)
    yield event("message_start", message={**whole, "content": [], "stop_reason": None})
    block = {**whole["content"][0], **({"input": {}} if said.tool else {"text": ""})}
    yield event("content_block_start", index=0, content_block=block)
    for piece in said.pieces:
        delta = {"type": "input_json_delta", "partial_json": piece} if said.tool else {"type": "text_delta", "text": piece}
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    stop = {"stop_reason": _anthropic_stop(said), "stop_sequence": None}
    yield event("message_delta", delta=stop, usage={"output_tokens": said.tokens_out})
    yield event("message_stop")


def _anthropic_error(message: str, code: str) -> Body:
    return {"type": "error", "error": {"type": code, "message": message}}


# --- Google -----------------------------------------------------------------------------------------------------------


def _google_chunk(said: Said, text: str, last: bool) -> Body:
    part: Body = {"functionCall": {"name": TOOL, "args": json.loads(said.text)}} if said.tool else {"text": text}
    candidate: Body = {"content": {"role": "model", "parts": [part]}, "index": 0}
    if last:
        candidate["finishReason"] = "MAX_TOKENS" if said.cut else "STOP"
    total = said.tokens_in + said.tokens_out
    usage = {"promptTokenCount": said.tokens_in, "candidatesTokenCount": said.tokens_out, "totalTokenCount": total}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "wire-model", "responseId": "r1"}


def _google_whole(said: Said) -> Body:
    return _google_chunk(said, said.text, True)


def _google_events(said: Said) -> Iterator[bytes]:
    pieces = [""] if said.tool else said.pieces
    for number, piece in enumerate(pieces):
        yield _line(_google_chunk(said, piece, number == len(pieces) - 1))


def _google_error(message: str, code: str) -> Body:
    numbers = {"RESOURCE_EXHAUSTED": 429, "INTERNAL": 500, "UNAUTHENTICATED": 401, "NOT_FOUND": 404}
    return {"error": {"code": numbers.get(code, 400), "message": message, "status": code}}


OPENAI_CHAT = Protocol("openai-chat", ("/chat/completions",), _chat_whole, _chat_events, _openai_error)
OPENAI_RESPONSES = Protocol("openai-responses", ("/responses",), _responses_whole, _responses_events, _openai_error)
ANTHROPIC = Protocol("anthropic", ("/messages",), _anthropic_whole, _anthropic_events, _anthropic_error)
GOOGLE = Protocol(
    "google",
    (":generateContent", ":streamGenerateContent"),
    _google_whole,
    _google_events,
    _google_error,
    lambda path, body: path.endswith(":streamGenerateContent"),
)
PROTOCOLS = (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC, GOOGLE)
# The words for one trouble in each protocol: (status, code, message).
TROUBLES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "busy": {
        "openai": (429, "rate_limit_exceeded"),
        "anthropic": (429, "rate_limit_error"),
        "google": (429, "RESOURCE_EXHAUSTED"),
    },
    "broken": {"openai": (500, "server_error"), "anthropic": (500, "api_error"), "google": (500, "INTERNAL")},
    "overloaded": {"openai": (503, "overloaded"), "anthropic": (529, "overloaded_error"), "google": (503, "UNAVAILABLE")},
    "wrong_key": {
        "openai": (401, "invalid_api_key"),
        "anthropic": (401, "authentication_error"),
        "google": (401, "UNAUTHENTICATED"),
    },
    "no_such_model": {"openai": (404, "model_not_found"), "anthropic": (404, "not_found_error"), "google": (404, "NOT_FOUND")},
    "too_large": {
        "openai": (400, "context_length_exceeded"),
        "anthropic": (400, "invalid_request_error"),
        "google": (400, "INVALID_ARGUMENT"),
    },
    "no_money": {
        "openai": (429, "insufficient_quota"),
        "anthropic": (402, "billing_error"),
        "google": (402, "FAILED_PRECONDITION"),
    },
}
MESSAGES: Mapping[str, Mapping[str, str]] = {
    "too_large": {
        "openai": "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens.",
        "anthropic": "prompt is too long: 5000 tokens > 4096 maximum",
        "google": "The input token count (5000) exceeds the maximum number of tokens allowed (4096).",
    }
}
