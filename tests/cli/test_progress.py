"""What is shown while a run goes on, on a terminal and in a log."""

import io
from datetime import UTC, datetime

from rich.console import Console

from quantumlayer.cli.progress import Board, Lines
from quantumlayer.stores.values import Event

CALL = {
    "model": "scripted:model",
    "role": "coder",
    "outcome": "answered",
    "input_tokens": 900,
    "output_tokens": 100,
    "cost_usd": 0.25,
}
TOLD = (
    ("run_started", {"title": "A to-do API"}),
    ("stage_started", {"stage": "frd"}),
    ("model_call", CALL),
    ("model_call", CALL | {"cost_usd": None}),
    ("stage_finished", {"stage": "frd", "status": "passed", "seconds": 0.1, "reason": "", "drops": {}}),
    ("awaiting", {"document": "frd", "until": "2026-01-01T00:00:00Z"}),
)


def events(*more):
    told = (*TOLD, *more)
    return [Event(run="r", number=n, at=datetime.now(UTC), kind=kind, data=data) for n, (kind, data) in enumerate(told, 1)]


def drawn(board):
    console = Console(file=io.StringIO(), width=120)
    console.print(board._table())
    return console.file.getvalue()


def test_a_terminal_shows_stages_costs_and_what_is_waited_for():
    board = Board(Console(file=io.StringIO(), force_terminal=True, width=120))
    with board:
        for event in events():
            board.show(event)
        with board.paused():
            assert not board._live.is_started
        shown = drawn(board)
        assert "2 calls, 2,000 tokens, $0.2500 and what has no known price" in shown and "ql pending r" in shown
        board.show(events(("decided", {"act": "approved", "document": "frd", "after": "0" * 64, "by": "ada"}))[-1])
        assert "ql pending r" not in drawn(board)


def test_a_log_has_a_line_for_each_of_them():
    lines = []
    with Lines(lambda line, **_: lines.append(line)) as log:
        for event in events(("decided", {"act": "approved", "document": "frd", "after": "0" * 64, "by": "ada"})):
            log.show(event)
    assert "answered  scripted:model, coder: 1,000 tokens, $0.2500" in lines[1] and "price unknown" in lines[2]
    assert "ql pending r" in lines[4] and "approved  frd 000000000000 ada" in lines[5]
