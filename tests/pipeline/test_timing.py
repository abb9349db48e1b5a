from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.cli.timing import show_timing
from quantumlayer.pipeline.timing import timing
from quantumlayer.stores.values import Event

START = datetime(2026, 1, 1, tzinfo=UTC)


def told(*entries):
    return [
        Event(run="r", number=number, at=START + timedelta(seconds=at), kind=kind, data=data)
        for number, (at, kind, data) in enumerate(entries, 1)
    ]


def stages(*spans):
    facts = []
    for name, begin, end in spans:
        facts += [(begin, "stage_started", {"stage": name}), (end, "stage_finished", {"stage": name, "status": "passed"})]
    return told((0, "run_started", {}), *sorted(facts, key=lambda fact: fact[0]))


def test_queue_idle_time_and_the_stages_that_the_end_waited_for():
    found = timing("r", stages(("enhance", 2, 3), ("code", 3, 5), ("test plan", 3, 9), ("capsule", 10, 12)))
    assert (found.total, found.queued, found.idle) == (12, 2, 1)
    assert found.critical == ("enhance", "test plan", "capsule")
    assert [(s.stage, s.seconds) for s in found.spans] == [("enhance", 1), ("code", 2), ("test plan", 6), ("capsule", 2)]


def test_only_the_last_execution_counts_and_a_running_stage_lasts_until_the_last_event():
    events = told(
        (0, "run_started", {}),
        (1, "stage_started", {"stage": "enhance"}),
        (50, "run_started", {}),
        (51, "stage_started", {"stage": "code"}),
        (53, "log", {"message": "…"}),
    )
    found = timing("r", events)
    assert [(s.stage, s.begin, s.end, s.status) for s in found.spans] == [("code", 1, 3, "running")]


def test_a_run_that_has_told_nothing_has_no_timing():
    assert timing("r", []).spans == () and timing("r", told((0, "run_started", {}))).critical == ()


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), max_size=12))
def test_the_critical_path_never_overlaps_and_ends_with_the_run(given_spans):
    found = timing("r", stages(*((f"s{i}", b, b + length) for i, (b, length) in enumerate(given_spans))))
    spans = {span.stage: span for span in found.spans}
    path = [spans[name] for name in found.critical]
    assert all(a.end <= b.begin for a, b in zip(path, path[1:], strict=False))
    assert 0 <= found.idle + found.queued <= found.total + 1e-6
    if spans:
        assert path[-1].end == max(span.end for span in found.spans)


def test_it_is_plotted_for_the_terminal_and_as_a_page(capsys, tmp_path):
    events = stages(("<script>", 0, 1), ("code", 1, 5))
    show_timing("r", events, False, None)
    plotted = capsys.readouterr().out
    assert "code" in plotted and "█" in plotted and "5.00 s in all" in plotted
    show_timing("r", events, False, tmp_path / "t.html")
    page = (tmp_path / "t.html").read_text()
    assert "&lt;script&gt;" in page and "<script>" not in page and page.count("<rect") == 2 and "http" not in page
