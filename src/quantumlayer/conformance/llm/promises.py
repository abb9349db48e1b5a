"""The promises of a model's adapter, each tried on a real one."""

import asyncio
import json
import time
from collections.abc import Callable

from quantumlayer.conformance.llm.bench import KEY, Bench
from quantumlayer.conformance.llm.wire import Kind, Scene
from quantumlayer.conformance.trials import NotTried, Trial, expect
from quantumlayer.errors import EnvironmentError_, LlmUnavailable, QuantumLayerError, UserError
from quantumlayer.ports.llm import Answer, Llm, Prompt, PromptTooLarge, Turn

PROMPT = Prompt("You answer briefly.", "How are things?", max_tokens=64)
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ADA = '{"name": "Ada", "age": 36}'
SHORT = 0.4
SLACK = 3.0


async def answers(bench: Bench) -> None:
    """The text, why it ended, which model said it and how many tokens that took."""
    bench.say("All is well.")
    model = bench.open()
    answer = await _ask(model, PROMPT)
    expect(bool(answer.text), "the answer has no text")
    expect(bench.real or answer.text == "All is well.", f"the text came as {answer.text!r}")
    expect(answer.finish in ("stop", "length"), f"it ended with {answer.finish!r}")
    expect(answer.model == model.name and ":" in model.name, f"{model.name!r} says that {answer.model!r} answered")
    expect(answer.input_tokens > 0 and answer.output_tokens > 0, "the tokens are not counted")
    expect(answer.cost_usd is None or answer.cost_usd >= 0, f"it costs {answer.cost_usd}")


async def follows_schema(bench: Bench) -> None:
    """With a schema the text is JSON of that shape, whole and streamed."""
    for streamed in (False, True):
        bench.say(ADA)
        prompt = Prompt("", "Describe a person.", schema=SCHEMA, max_tokens=128)
        answer = await _ask(bench.open(), prompt, [] if streamed else None)
        found = json.loads(answer.text)
        expect(set(found) == {"name", "age"} and isinstance(found["age"], int), f"the answer is {answer.text!r}")


async def streams(bench: Bench) -> None:
    """`on_text` hears the text in order, and together it is the answer."""
    bench.say("One two three four five six.")
    heard: list[str] = []
    answer = await _ask(bench.open(), PROMPT, heard)
    expect("".join(heard) == answer.text and bool(answer.text), f"heard {heard}, answered {answer.text!r}")
    expect(len(heard) > 1, "the text came in one piece")


async def tells_cut(bench: Bench) -> None:
    """An answer that reached its limit says so, whole and streamed."""
    for heard in (None, []):
        bench.say("Once upon a", cut=True)
        story = Prompt("", "Tell a very long story.", max_tokens=5)
        answer = await _ask(bench.open(), story, heard)
        expect(answer.finish == "length", f"an answer that was cut ended with {answer.finish!r}")


async def sees_what_was_said(bench: Bench) -> None:
    """System, earlier turns and text arrive in that order."""
    wire = bench.play(Scene(text="Yes."))
    earlier = (Turn("user", "first-question"), Turn("model", "first-answer"))
    await _ask(bench.open(), Prompt("the-system", "second-question", earlier=earlier, max_tokens=32))
    sent = json.dumps(wire.requests[0].body)
    places = [sent.find(word) for word in ("first-question", "first-answer", "second-question")]
    expect("the-system" in sent and -1 not in places and places == sorted(places), f"sent was {sent[:500]}")


async def asks_once(bench: Bench) -> None:
    """One call is one request, whatever comes of it: who tries again is the gateway."""
    kinds: tuple[Kind, ...] = ("busy", "broken", "overloaded", "html", "reset")
    for kind in kinds:
        wire = bench.play(Scene(kind))
        await _failure(bench.open(timeout_seconds=SLACK), None)
        expect(len(wire.requests) == 1, f"{kind}: {len(wire.requests)} requests were made")


async def says_busy(bench: Bench) -> None:
    """429 is worth another try, after the time that the server names."""
    bench.play(Scene("busy", retry_after=17))
    error = await _unavailable(bench, None)
    expect(error.data.get("retry_after") == 17, f"the server asked for 17 s, told is {error.data.get('retry_after')}")


async def survives_servers(bench: Bench) -> None:
    """Errors, nonsense and broken connections are worth another try, whole and streamed."""
    kinds: tuple[Kind, ...] = ("broken", "overloaded", "reset", "cut", "html", "bad_json", "empty")
    for kind in kinds:
        for heard in (None, []):
            bench.play(Scene(kind))
            await _unavailable(bench, heard, kind)


async def gives_up_in_time(bench: Bench) -> None:
    """A server that hangs or drips is left when the time is up, whole and streamed."""
    kinds: tuple[Kind, ...] = ("hang", "drip")
    for kind in kinds:
        for heard in (None, []):
            bench.play(Scene(kind))
            began = time.monotonic()
            await _unavailable(bench, heard, kind, timeout=SHORT)
            took = time.monotonic() - began
            expect(took < SHORT + SLACK, f"{kind}: gave up after {took:.1f} s instead of {SHORT:g} s")


async def stops_when_cancelled(bench: Bench) -> None:
    """Cancelling the task ends the call, and the server sees the connection go; whole and streamed."""
    for heard in (None, []):
        wire = bench.play(Scene("hang" if heard is None else "drip"))
        call = asyncio.create_task(_ask(bench.open(), PROMPT, heard))
        await _until(wire.arrived)
        call.cancel()
        await asyncio.wait({call}, timeout=SLACK)
        expect(call.cancelled(), "the call went on")
        await _until(wire.left)


async def tells_wrong_key(bench: Bench) -> None:
    """A refused key is for a person to mend, and shown to nobody."""
    bench.play(Scene("wrong_key"))
    error = await _failure(bench.open(), None)
    expect(isinstance(error, EnvironmentError_) and not isinstance(error, LlmUnavailable), f"told as {type(error).__name__}")
    expect(bool(error.hint), "nothing tells how to mend it")


async def tells_no_money(bench: Bench) -> None:
    """An exhausted account is not worth another try."""
    bench.play(Scene("no_money"))
    error = await _failure(bench.open(), None)
    expect(
        isinstance(error, EnvironmentError_) and not isinstance(error, LlmUnavailable),
        f"told as {type(error).__name__}: {error}",
    )


async def tells_unknown_model(bench: Bench) -> None:
    """A model that is not there is the user's to mend."""
    bench.play(Scene("no_such_model"))
    error = await _failure(bench.open(), None)
    expect(isinstance(error, UserError) and bool(error.hint), f"told as {type(error).__name__}: {error}")


async def tells_too_large(bench: Bench) -> None:
    """A prompt that the server finds too long is told as such."""
    bench.play(Scene("too_large"))
    error = await _failure(bench.open(), None)
    expect(isinstance(error, PromptTooLarge), f"told as {type(error).__name__}: {error}")


async def keeps_keys(bench: Bench) -> None:
    """A key is in nothing that is shown: the model, its errors, their causes; it goes where keys go and not into the body."""
    wire = bench.play(Scene())
    model = bench.open()
    await _ask(model, PROMPT)
    expect(KEY in json.dumps(wire.requests[0].headers) or KEY in wire.requests[0].path, "the key did not arrive")
    expect(KEY not in json.dumps(wire.requests[0].body), "the key is in the prompt")
    expect(KEY not in repr(model) + str(model), "the model shows its key")
    kinds: tuple[Kind, ...] = ("wrong_key", "broken", "html", "reset")
    for kind in kinds:
        bench.play(Scene(kind))
        error: BaseException | None = await _failure(bench.open(timeout_seconds=SLACK), None)
        while error is not None:
            expect(KEY not in f"{error!r} {error} {getattr(error, 'data', '')}", f"{kind}: the error shows the key")
            error = error.__cause__


async def many_at_once(bench: Bench) -> None:
    """One model answers several callers at the same time, each with its own text."""
    if bench.real:
        raise NotTried("a model that thinks takes too long for many")
    bench.say("All is well.")
    model = bench.open()
    answers = await asyncio.gather(*(model.ask(PROMPT) for _ in range(8)))
    await model.close()
    expect({answer.text for answer in answers} == {"All is well."}, f"{answers}")


async def counts_and_closes(bench: Bench) -> None:
    """Longer prompts have more tokens, none has less than none, and closing twice is no mistake."""
    model = bench.open()
    short, long = model.tokens(PROMPT), model.tokens(Prompt("", "word " * 4000))
    expect(0 < short < long, f"a short prompt has {short} tokens, a long one {long}")
    price = model.price(1000, 1000)
    expect(price is None or price >= 0, f"a thousand tokens cost {price}")
    await model.close()
    await model.close()


TRIALS = tuple(
    Trial(run.__name__, (run.__doc__ or "").split("\n")[0].rstrip("."), run)
    for run in (
        answers,
        follows_schema,
        streams,
        tells_cut,
        sees_what_was_said,
        asks_once,
        says_busy,
        survives_servers,
        gives_up_in_time,
        stops_when_cancelled,
        tells_wrong_key,
        tells_no_money,
        tells_unknown_model,
        tells_too_large,
        keeps_keys,
        many_at_once,
        counts_and_closes,
    )
)


async def _ask(model: Llm, prompt: Prompt, heard: list[str] | None = None) -> Answer:
    async def hear(text: str) -> None:
        if heard is not None:
            heard.append(text)

    try:
        return await model.ask(prompt, None if heard is None else hear)
    finally:
        await model.close()


async def _failure(model: Llm, heard: list[str] | None) -> QuantumLayerError:
    try:
        answer = await _ask(model, PROMPT, heard)
    except QuantumLayerError as error:
        return error
    raise AssertionError(f"it answered {answer}")


async def _unavailable(bench: Bench, heard: list[str] | None, kind: str = "", timeout: float = 30.0) -> LlmUnavailable:
    how = "streamed" if heard is not None else "whole"
    try:
        error = await _failure(bench.open(timeout_seconds=timeout), heard)
    except AssertionError as answered:
        raise AssertionError(f"{kind}, {how}: {answered}") from None
    expect(isinstance(error, LlmUnavailable), f"{kind}, {how}: told as {type(error).__name__}: {error}")
    return error  # type: ignore[return-value]


async def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SLACK
    while not holds():
        expect(time.monotonic() < deadline, "the server never saw it")
        await asyncio.sleep(0.01)
