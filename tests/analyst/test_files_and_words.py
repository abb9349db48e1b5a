"""What a file declares and what a sentence adds to it are about the same things."""

from analyst_play import Play, frd_of, spec_of

from quantumlayer.request.values import SourceFile

ORDERS = """
CREATE TABLE `orders` (
  `id` int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  `note` varchar(80) NOT NULL,
  `status` enum('open','paid','shipped') NOT NULL DEFAULT 'open'
);
"""
WORK = "stateDiagram-v2\n[*] --> open\nopen --> in_progress: start\nin_progress --> done: finish\nin_progress --> open: stop\n"
MATCHES = "erDiagram\nTEAM {\n string name UK\n}\nMATCH {\n date day\n}\nMATCH }o--|| TEAM : home\nMATCH }o--|| TEAM : away\n"


def test_actions_of_a_sentence_move_rows_between_the_states_of_a_column() -> None:
    play = Play(spec_of("An order can be paid. A paid order can be shipped.", SourceFile(name="shop.sql", text=ORDERS)))
    order = play.post("/orders", {"note": "two"})
    assert order["status"] == "open"
    play.post(f"/orders/{order['id']}/ship", status=409)
    assert play.post(f"/orders/{order['id']}/pay", status=200)["status"] == "paid"
    play.post(f"/orders/{order['id']}/pay", status=409)
    assert play.post(f"/orders/{order['id']}/ship", status=200)["status"] == "shipped"


def test_a_state_diagram_without_a_name_is_about_the_thing_that_the_sentence_is_about() -> None:
    given = SourceFile(name="st.mmd", text=WORK)
    spec = spec_of("Tickets have a title. Only agents start and finish tickets.", given)
    ticket = spec.entities["ticket"]
    assert "st" not in spec.entities
    assert ticket.state and ticket.state.states == ("open", "in_progress", "done")
    assert {n: o.access.roles for n, o in ticket.operations.items() if o.transition} == {
        "start": ("agent",),
        "finish": ("agent",),
        "stop": (),
    }


def test_a_state_diagram_with_the_name_of_something_spoken_of_stays_its_own() -> None:
    spec = spec_of("Invoices have an amount. Tickets have a title.", SourceFile(name="ticket.mmd", text=WORK))
    assert spec.entities["ticket"].state and not spec.entities["invoice"].state


def test_two_relations_of_a_pair_are_named_by_their_labels() -> None:
    spec = spec_of("A team may not play against itself.", SourceFile(name="er.mmd", text=MATCHES))
    assert {n for n, f in spec.entities["match"].fields.items() if f.type == "reference"} == {"home", "away"}
    play = Play(spec)
    team = play.post("/teams", {"name": "Reds"})["id"]
    play.post("/matches", {"day": "2030-01-01", "home": team, "away": team}, status=422)


def test_listed_states_are_gone_through_in_their_order() -> None:
    text = "Tickets have a title and a status (open, in progress, done, cancelled). A ticket can be started, finished and cancelled."
    moves = {n: o.transition for n, o in spec_of(text).entities["ticket"].operations.items() if o.transition}
    assert all(r.understood for r in frd_of(text).requirements)
    assert {n: (m.from_states, m.to) for n, m in moves.items() if m} == {
        "start": (("open",), "in_progress"),
        "finish": (("open", "in_progress"), "done"),
        "cancel": (("open", "in_progress"), "cancelled"),
    }
