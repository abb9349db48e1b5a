"""The loop of every author: it ends, it ends for the right reason, and it never keeps what is worse."""

import copy
import itertools

import pytest
from gateways import gateway
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumlayer.answer.files import read_file
from quantumlayer.answer.values import Wanted
from quantumlayer.author.asking import ask_whole
from quantumlayer.author.strive import Strive
from quantumlayer.author.values import Bounds, Failed, Progress, Trial
from quantumlayer.errors import BudgetExceeded, LlmUnavailable
from quantumlayer.ports.llm import Answer, Prompt

WANTED = Wanted("app/x.py", "python")
CHECKS = ("a", "b", "c")


def code(*passing):
    return f"```python\nPASSES = {sorted(passing)}\n```"


async def checking(content):
    """Each check passes where the file names it."""
    passed = frozenset(name for name in CHECKS if f'"{name}"' in content.decode().replace("'", '"'))
    return Trial(content, passed, tuple(Failed(name, f"{name} is wrong") for name in CHECKS if name not in passed))


def strive(the_gateway, **options):
    prompts = []

    def asking(current, wrong):
        prompts.append((current and current.made.decode(), wrong and wrong.message))
        return Prompt("system", f"write {wrong.message if wrong else 'it'}")

    options = {"bounds": Bounds(attempts=4), **options}
    made = Strive("the unit x", the_gateway, "coder", asking, lambda a, c: read_file(a, WANTED), checking, **options)
    return made, prompts


async def test_it_ends_when_all_checks_pass():
    made, prompts = strive(gateway(code("a"), "no code here, sorry", code(*CHECKS)))
    found = await made.run()
    assert found.broken is None and found.attempts == 3 and found.models == ("scripted:model",)
    assert prompts[1][1] == "b is wrong" and "fenced" in prompts[2][1]


async def test_what_stays_broken_names_the_unit_the_check_the_error_and_the_attempts():
    made, _ = strive(gateway(code("a"), code("b"), code("a", "b"), code("c")))
    found = await made.run()
    assert found.broken is not None
    assert (found.broken.subject, found.broken.check, found.broken.attempts) == ("the unit x", "c", 4)
    assert found.broken.stop == "attempts" and "c is wrong" in str(found.broken)
    assert found.best is not None and found.best.passed == {"a", "b"}


async def test_the_same_answer_again_and_again_ends_it():
    made, _ = strive(gateway(code("a"), endless=True), bounds=Bounds(attempts=50))
    found = await made.run()
    assert found.broken is not None and found.broken.stop == "loop" and found.attempts == 3


async def test_the_same_error_again_and_again_ends_it():
    answers = (code("a") + f"\nattempt {n}" for n in itertools.count())
    made, _ = strive(gateway(*itertools.islice(answers, 9)), bounds=Bounds(attempts=50))
    assert (await made.run()).broken.stop == "loop"


@pytest.mark.parametrize(
    ("bounds", "stop"),
    [
        (Bounds(attempts=9, tokens=1), "tokens"),
        (Bounds(attempts=9, seconds=0), "time"),
    ],
)
async def test_bounds(bounds, stop):
    made, _ = strive(gateway(code("a"), code("b"), code("c")), bounds=bounds)
    found = await made.run()
    assert found.broken.stop == stop and found.attempts == 1 and found.best.passed == {"a"}


async def test_money_is_a_bound():
    answers = [Answer(code(n), "stop", "m", 1, 1, 0.3) for n in CHECKS]
    made, _ = strive(gateway(*answers), bounds=Bounds(attempts=9, usd=0.5))
    found = await made.run()
    assert found.broken.stop == "money" and found.attempts == 2


async def test_an_exceeded_budget_keeps_what_is_there():
    made, _ = strive(gateway(code("a"), BudgetExceeded("the run has used 10 of 10 tokens")))
    found = await made.run()
    assert found.broken.stop == "budget" and found.best.passed == {"a"}


async def test_a_model_that_is_down_is_told_as_such():
    made, _ = strive(gateway(LlmUnavailable("down")))
    with pytest.raises(LlmUnavailable):
        await made.run()


async def test_the_last_attempt_goes_to_the_stronger_model():
    made, _ = strive(gateway(code("a"), code("b"), code("c"), strong=[code(*CHECKS)]))
    found = await made.run()
    assert found.broken is None and found.models == ("scripted:model", "scripted:strong")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from(CHECKS)), min_size=1, max_size=6))
async def test_a_strict_author_never_breaks_what_passed(steps):
    made, prompts = strive(gateway(*(code(*s) for s in steps)), strict=True, bounds=Bounds(attempts=len(steps)))
    start = await checking(b'["a"]')
    found = await made.run(start)
    assert found.best.passed >= {"a"}
    shown = [set(filter(lambda c: f'"{c}"' in (p[0] or "").replace("'", '"'), CHECKS)) for p in prompts]
    assert all(first <= second for first, second in itertools.pairwise(shown))


class Killed(Exception):
    """The process is gone."""


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sets(st.sampled_from(CHECKS)), min_size=5, max_size=5),
    st.lists(st.integers(1, 4), max_size=3),
    st.sampled_from([{"strict": True}, {"rank": lambda trial: len(trial.passed)}]),
)
async def test_who_is_killed_goes_on_and_asks_for_nothing_twice(steps, lives, how):
    """Killed after so many notes in each of its lives, the loop asks as often, and ends, as one that was left alone."""
    lines = [code(*step) + f"\n{number}" for number, step in enumerate(steps)]
    whole, _ = strive(gateway(*lines), **how, bounds=Bounds(attempts=5))
    wanted = await whole.run(await checking(b'["a"]'))

    the_gateway, since = gateway(*lines), None
    for notes in (*lives, 1000):
        left = itertools.count(notes, -1)

        async def keep(progress, left=left):
            nonlocal since
            since = copy.deepcopy(progress)
            if next(left) == 1:
                raise Killed

        made, _ = strive(the_gateway, **how, keep=keep, bounds=Bounds(attempts=5))
        try:
            found = await made.run(await checking(b'["a"]'), since)
            break
        except Killed:
            continue
    assert found == wanted and len(the_gateway.llm.prompts) == wanted.attempts
    assert [p.text for p in the_gateway.llm.prompts] == [p.text for p in whole.gateway.llm.prompts]


async def test_what_was_used_before_it_was_killed_counts():
    since = Progress(attempts=1, tokens=59_999, wrong=Failed("a", "a is wrong"), best=await checking(b'["b"]'))
    made, _ = strive(gateway(code("b")), bounds=Bounds(attempts=9))
    found = await made.run(since=since)
    assert found.broken.stop == "tokens" and found.attempts == 2
    made, _ = strive(gateway(code("b")), bounds=Bounds(attempts=9))
    found = await made.run(since=Progress(attempts=3, seconds=1e6, wrong=Failed("a", "a is wrong")))
    assert found.broken.stop == "time" and found.attempts == 4


async def test_an_answer_in_circles_is_not_gone_on_with():
    cut = Answer("```python\nX = 1\n" + "X = X + 1  # and\n" * 60, "length", "m", 1, 1)
    the_gateway = gateway(cut, "never asked for")
    assert (await ask_whole(the_gateway, "coder", Prompt("s", "t"))).finish == "length"
    assert len(the_gateway.llm.prompts) == 1


async def test_a_cut_answer_is_continued():
    whole = code(*CHECKS)
    first = Answer(whole[:20], "length", "m", 1, 1)
    answer = await ask_whole(gateway(first, whole[20:]), "coder", Prompt("s", "t"))
    assert answer.text == whole and answer.finish == "stop"


async def test_a_continuation_that_opens_the_block_again_is_joined():
    cut = Answer("```python\nX = (1,", "length", "m", 1, 1)
    answer = await ask_whole(gateway(cut, "```python\n 2)\n```"), "coder", Prompt("s", "t"))
    assert read_file(answer, WANTED) == b"X = (1, 2)\n"


def ranked(*lines, attempts=6):
    rank = lambda trial: len(trial.passed)  # noqa: E731
    return strive(gateway(*lines), rank=rank, bounds=Bounds(attempts=attempts))


async def test_of_many_drawn_the_best_is_gone_on_from_and_the_others_start_anew():
    made, prompts = ranked(code("a", "b"), code("c"), code("b"), code(), code(*CHECKS))
    found = await made.run()
    assert found.broken is None and found.attempts == 5
    best = "PASSES = ['a', 'b']\n"
    assert [prompt[0] for prompt in prompts] == [None, None, best, None, None]
    assert {prompt[1] for prompt in prompts} == {None, "c is wrong"}


async def test_each_of_many_is_asked_less_strictly_and_otherwise():
    made, _ = ranked(code("a"), code("b"), code("c"), code("a", "b"), attempts=4)
    found = await made.run()
    asked = made.gateway.llm.prompts
    warmth = [prompt.temperature for prompt in asked]
    assert warmth == sorted(set(warmth)) and warmth[0] == 0 and len({prompt.seed for prompt in asked}) == 4
    assert found.broken.attempts == 4 and found.best.passed == {"a", "b"}


async def test_what_was_refused_is_told_even_where_many_are_drawn():
    made, prompts = ranked("no code", "no code either", code(*CHECKS))
    assert (await made.run()).broken is None and all("fenced" in prompt[1] for prompt in prompts[1:])
