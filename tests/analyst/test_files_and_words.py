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


TASKS = """
openapi: 3.0.3
info: {title: Tasks, version: 1.0.0}
paths:
  /tasks:
    post:
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/NewTask'}}}}
      responses: {'201': {description: made, content: {application/json: {schema: {$ref: '#/components/schemas/Task'}}}}}
  /tasks/{id}/complete:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    post: {responses: {'200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Task'}}}}}}
components:
  schemas:
    NewTask: {type: object, required: [title], properties: {title: {type: string}}}
    Task:
      type: object
      required: [id, title, done]
      properties: {id: {type: integer}, title: {type: string}, done: {type: boolean}}
"""


def test_a_flag_that_a_file_answers_and_a_sentence_sets_is_false_at_first() -> None:
    text = "Completing a task sets it done; a done task can't be completed again."
    play = Play(spec_of(text, SourceFile(name="api.yaml", text=TASKS)))
    task = play.post("/tasks", {"title": "wash"})
    assert task["done"] is False
    assert play.post(f"/tasks/{task['id']}/complete", status=200)["done"] is True
    play.post(f"/tasks/{task['id']}/complete", status=409)


def test_an_action_marks_moves_and_records() -> None:
    text = (
        "Cars have a plate, a done flag and a status (available, rented, in repair). "
        "Renting a car sets its status to rented and records the rental date. Returning a car makes it available again. "
        "Finishing a car marks it as done."
    )
    assert all(r.understood for r in frd_of(text).requirements)
    play = Play(spec_of(text))
    car = f"/cars/{play.post('/cars', {'plate': 'A 1'})['id']}"
    play.post(f"{car}/return", status=409)
    rented = play.post(f"{car}/rent", status=200)
    assert (rented["status"], rented["rental_date"] is not None) == ("rented", True)
    assert play.post(f"{car}/return", status=200)["status"] == "available"
    assert play.post(f"{car}/finish", status=200)["done"] is True


OWNED = """
CREATE TABLE customers (id serial PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (id serial PRIMARY KEY, note text NOT NULL, customer_id int NOT NULL REFERENCES customers (id));
"""


def test_who_sees_only_their_own_rows_of_a_table_makes_none_for_others() -> None:
    play = Play(spec_of("Customers log in and see only their own orders.", SourceFile(name="shop.sql", text=OWNED)))
    one, ada = play.sign_up("ada", plural="customers")
    two, bob = play.sign_up("bob", plural="customers")
    order = play.post("/orders", {"note": "mine"}, by=ada)
    assert order["customer_id"] == one
    assert play.post("/orders", {"note": "for you", "customer_id": two}, by=ada)["customer_id"] == one
    play.get(f"/orders/{order['id']}", 404, by=bob)
    play.call("DELETE", f"/orders/{order['id']}", status=204, by=ada)


SHOP = """
CREATE TABLE customers (id serial PRIMARY KEY, email text NOT NULL UNIQUE, password_hash text NOT NULL, role text NOT NULL
  DEFAULT 'customer' CHECK (role IN ('customer', 'manager')));
CREATE TABLE orders (id serial PRIMARY KEY, note text NOT NULL, customer_id int NOT NULL REFERENCES customers (id),
  status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'paid', 'shipped', 'cancelled')));
CREATE TABLE order_items (order_id int NOT NULL REFERENCES orders (id) ON DELETE CASCADE, line int NOT NULL, PRIMARY KEY (order_id, line));
"""


def test_a_role_of_a_table_is_granted_and_no_value_that_accounts_give_themselves() -> None:
    play = Play(spec_of("Only managers ship orders.", SourceFile(name="shop.sql", text=SHOP)))
    _, ada = play.sign_up("ada", plural="customers")
    _, max_ = play.sign_up("max", "manager", plural="customers")
    eve = {"email": "eve@example.org", "password": "correct-horse", "role": "manager"}
    assert play.post("/auth/register", eve, by={})["roles"] == []
    order = play.post("/orders", {"note": "two", "customer_id": 1}, by=ada)
    play.post(f"/orders/{order['id']}/ship", status=403, by=ada)
    assert play.post(f"/orders/{order['id']}/ship", status=200, by=max_)["status"] == "shipped"


def test_listed_states_that_no_sentence_reaches_are_reached_by_assumed_actions_and_asked_about() -> None:
    text = "Customers see only their own orders. An order can be cancelled until it is shipped."
    given = SourceFile(name="shop.sql", text=SHOP)
    frd = frd_of(text, given)
    assert any("Who may pay or ship an order" in q for q in frd.open_questions)
    moves = {n: o.transition for n, o in spec_of(text, given).entities["order"].operations.items() if o.transition}
    assert {n: (m.from_states, m.to) for n, m in moves.items() if m} == {
        "cancel": (("new", "paid"), "cancelled"),
        "pay": (("new",), "paid"),
        "ship": (("new", "paid"), "shipped"),
    }
    play = Play(spec_of(text, given))
    _, ada = play.sign_up("ada", plural="customers")
    order = play.post("/orders", {"note": "two"}, by=ada)
    play.post(f"/orders/{order['id']}/pay", status=403, by=ada)


def test_parts_of_hidden_rows_are_hidden_with_them() -> None:
    play = Play(spec_of("Customers see only their own orders.", SourceFile(name="shop.sql", text=SHOP)))
    _, ada = play.sign_up("ada", plural="customers")
    _, bob = play.sign_up("bob", plural="customers")
    order = play.post("/orders", {"note": "mine"}, by=ada)
    item = play.post("/order-items", {"order_id": order["id"], "line": 1}, by=ada)
    play.get(f"/order-items/{item['id']}", 404, by=bob)
    play.post("/order-items", {"order_id": order["id"], "line": 2}, 422, by=bob)
    assert play.get("/order-items", by=bob)["total"] == 0


VISITS = """erDiagram
  OWNER ||--o{ PET : has
  PET ||--o{ VISIT : gets
  OWNER { string email UK }
  PET { string name }
  VISIT { date day }
"""


def test_whose_a_row_is_follows_from_what_it_belongs_to() -> None:
    play = Play(spec_of("Owners log in and see only their own pets and visits.", SourceFile(name="vet.mmd", text=VISITS)))
    assert "owner" not in play.model.spec.entities["visit"].fields
    _, ada = play.sign_up("ada", plural="owners")
    _, bob = play.sign_up("bob", plural="owners")
    pet = play.post("/pets", {"name": "Rex"}, by=ada)
    visit = play.post("/visits", {"day": "2030-01-01", "pet_id": pet["id"]}, by=ada)
    play.get(f"/visits/{visit['id']}", 404, by=bob)
    play.post("/visits", {"day": "2030-01-01", "pet_id": pet["id"]}, 422, by=bob)


def test_two_kinds_of_rows_cannot_both_sign_in_and_it_is_said() -> None:
    text = "erDiagram\n  TEACHER { string email UK }\n  STUDENT { string email UK }\n"
    frd = frd_of("Teachers and students sign in.", SourceFile(name="school.mmd", text=text))
    assert not frd.requirements[0].understood and any("one kind" in q for q in frd.open_questions)


def test_what_a_file_names_with_two_words_is_no_second_thing_of_one_word() -> None:
    text = "CREATE TABLE leave_requests (id serial PRIMARY KEY, day date NOT NULL);"
    spec = spec_of("Employees log in and see only their own leave requests.", SourceFile(name="hr.sql", text=text))
    assert "leave" not in spec.entities


STOCK = """
CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL, quantity int NOT NULL DEFAULT 0);
CREATE TABLE movements (id serial PRIMARY KEY, item_id int NOT NULL REFERENCES items (id),
  kind text NOT NULL CHECK (kind IN ('in', 'out', 'adjust')), amount int NOT NULL CHECK (amount > 0));
"""


def test_movements_change_what_a_file_counts_with_the_fields_that_it_has() -> None:
    text = "Movements change the quantity of the item. Stock can never become negative."
    given = SourceFile(name="stock.sql", text=STOCK)
    assert [r.reason for r in frd_of(text, given).requirements if not r.understood] == ["understood except for «adjust»"]
    play = Play(spec_of(text, given))
    item = play.post("/items", {"name": "nail"})["id"]
    play.post("/movements", {"item_id": item, "kind": "in", "amount": 5})
    play.post("/movements", {"item_id": item, "kind": "out", "amount": 6}, 409)
    play.post("/movements", {"item_id": item, "kind": "out", "amount": 2})
    assert play.get(f"/items/{item}")["quantity"] == 3


WORK_STATES = """
CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL UNIQUE, password_hash text NOT NULL);
CREATE TABLE posts (id serial PRIMARY KEY, title text NOT NULL, author_id int NOT NULL REFERENCES users (id),
  status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published')), published_at timestamptz);
"""


def test_authors_are_whoever_writes_and_a_moment_is_kept_by_the_action_of_its_name() -> None:
    play = Play(spec_of("Only the author may publish a post.", SourceFile(name="blog.sql", text=WORK_STATES)))
    one, ada = play.sign_up("ada")
    two, bob = play.sign_up("bob")
    post = play.post("/posts", {"title": "Hello", "author_id": two}, by=ada)
    assert (post["author_id"], post["published_at"]) == (one, None)
    play.post(f"/posts/{post['id']}/publish", status=403, by=bob)
    assert play.post(f"/posts/{post['id']}/publish", status=200, by=ada)["published_at"] is not None


def test_only_shipped_orders_are_returned_where_a_schema_leaves_that_open() -> None:
    text = (
        "type Order { id: ID! note: String! status: Status! }\nenum Status { NEW SHIPPED RETURNED }\n"
        "type Mutation { returnOrder(id: ID!): Order! }"
    )
    spec = spec_of("Only shipped orders can be returned.", SourceFile(name="shop.graphql", text=text))
    move = spec.entities["order"].operations["return"].transition
    assert move and move.from_states == ("shipped",)


SHORT_NAMES = """
CREATE TABLE tbl_inv (id serial PRIMARY KEY, inv_no text NOT NULL, amt numeric(10,2) NOT NULL, paid boolean NOT NULL DEFAULT false);
COMMENT ON TABLE tbl_inv IS 'Invoices';
COMMENT ON COLUMN tbl_inv.amt IS 'net value';
CREATE TABLE order_lines (id serial PRIMARY KEY, qty int NOT NULL);
"""


def test_tables_and_columns_are_spoken_of_by_their_comments_and_by_what_they_are_short_for() -> None:
    text = (
        "A paid invoice can't be changed. The net value of an invoice is at least 1. List invoices by number. "
        "The quantity of an order line is at least 1."
    )
    given = SourceFile(name="erp.sql", text=SHORT_NAMES)
    assert all(r.understood for r in frd_of(text, given).requirements)
    spec = spec_of(text, given)
    assert set(spec.entities) == {"tbl_inv", "order_line"} and spec.entities["order_line"].fields["qty"].min == 1
    play = Play(spec)
    play.post("/tbl-invs", {"inv_no": "1", "amt": 0}, 422)
    paid = play.post("/tbl-invs", {"inv_no": "1", "amt": 2, "paid": True})
    play.call("PATCH", f"/tbl-invs/{paid['id']}", {"inv_no": "2"}, 409)


FORUM = """
CREATE TABLE members (id serial PRIMARY KEY, nick text NOT NULL UNIQUE, mail text NOT NULL UNIQUE, pw_hash bytea NOT NULL);
CREATE TABLE threads (id serial PRIMARY KEY, title text NOT NULL);
"""


def test_people_sign_in_with_what_the_sentence_names_or_the_file_has() -> None:
    given = SourceFile(name="forum.sql", text=FORUM)
    for text, identifier in (("Members log in with their nick.", "nick"), ("Members log in.", "mail")):
        spec = spec_of(text, given)
        assert spec.auth and spec.auth.identifier == identifier
        assert set(spec.entities["member"].fields) == {"nick", "mail"}


HOTEL = "erDiagram\n  GUEST ||--o{ STAY : makes\n  GUEST { string email UK }\n  STAY { date day }\n"


def test_people_of_a_file_who_log_in_are_the_accounts_beside_roles_too() -> None:
    text = "Guests log in and see only their own stays. Only staff delete stays."
    spec = spec_of(text, SourceFile(name="hotel.mmd", text=HOTEL))
    assert spec.auth and spec.auth.entity == "guest" and "user" not in spec.entities
    assert spec.entities["stay"].fields["guest"].default == "actor"


DEALS = """
@startuml
entity User { 
* email : varchar(80)
}
entity Account {
* name : varchar(80)
}
entity Deal {
* title : varchar(80)
}
User ||--o{ Account : owns
Account ||--o{ Deal
@enduml
"""


def test_who_owns_what_a_row_belongs_to_may_change_it() -> None:
    text = "Users sign in. Only the user of an account may change its deals."
    spec = spec_of(text, SourceFile(name="crm.puml", text=DEALS))
    assert spec.entities["deal"].operations["update"].access.allow == "self.account.user == actor"
    assert "user" not in spec.entities["deal"].fields
