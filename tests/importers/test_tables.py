"""SQL of three dialects as their tools dump it, diagrams and samples: all they declare is in the spec, or unmet."""

import pytest

from quantumlayer.errors import UserError
from quantumlayer.pipeline.intake import admitted
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.values import Spec

PG_DUMP = """
SET statement_timeout = 0;
CREATE TYPE public.mood AS ENUM ('sad', 'it''s ok');
CREATE TABLE public.users (id integer NOT NULL, email character varying(120) NOT NULL,
    mood public.mood DEFAULT 'sad'::public.mood NOT NULL, created_at timestamp with time zone DEFAULT now() NOT NULL);
CREATE SEQUENCE public.users_id_seq AS integer START WITH 1;
ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;
CREATE TABLE public.messages (id bigint NOT NULL, sender_id integer NOT NULL, recipient_id integer NOT NULL, body text NOT NULL,
    amount numeric(10,2) DEFAULT 0.00 NOT NULL, meta jsonb, CONSTRAINT positive CHECK ((amount >= (0)::numeric)));
CREATE VIEW public.loud AS SELECT body FROM public.messages;
ALTER TABLE ONLY public.users ALTER COLUMN id SET DEFAULT nextval('public.users_id_seq'::regclass);
ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.users ADD CONSTRAINT users_email_key UNIQUE (email);
CREATE UNIQUE INDEX one_each ON public.messages USING btree (sender_id, body);
ALTER TABLE ONLY public.messages ADD CONSTRAINT a FOREIGN KEY (sender_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.messages ADD CONSTRAINT b FOREIGN KEY (recipient_id) REFERENCES public.users(id);
"""
MYSQL_DUMP = """
/*!40101 SET NAMES utf8 */;
DROP TABLE IF EXISTS `country`;
CREATE TABLE `country` (`code` char(2) NOT NULL, `name` varchar(80) NOT NULL DEFAULT '', PRIMARY KEY (`code`)) ENGINE=InnoDB;
CREATE TABLE `city` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT, `countryCode` char(2) NOT NULL, `name` varchar(80) NOT NULL,
  `population` int unsigned DEFAULT NULL COMMENT 'people', `capital` tinyint(1) NOT NULL DEFAULT '0',
  `kind` enum('big','small') NOT NULL DEFAULT 'small',
  PRIMARY KEY (`id`), UNIQUE KEY `uq` (`name`,`countryCode`), KEY `ix` (`countryCode`),
  CONSTRAINT `fk` FOREIGN KEY (`countryCode`) REFERENCES `country` (`code`) ON DELETE RESTRICT
) ENGINE=InnoDB AUTO_INCREMENT=42 DEFAULT CHARSET=utf8mb4;
"""
SQLITE_DUMP = """
PRAGMA foreign_keys=ON;
BEGIN TRANSACTION;
CREATE TABLE books (isbn TEXT PRIMARY KEY, title TEXT NOT NULL CHECK (length(title) > 0),
  year INT CHECK (year BETWEEN 1400 AND 2100)) STRICT;
CREATE TABLE tags(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE);
CREATE TABLE book_tags (isbn TEXT REFERENCES books(isbn), tag_id INTEGER REFERENCES tags(id),
  PRIMARY KEY (isbn, tag_id)) WITHOUT ROWID;
INSERT INTO tags VALUES(1,'x;y');
COMMIT;
"""


def read(name: str, text: str, sentence: str = "") -> Spec:
    return checked(draft_spec(draft_frd(enhance(Request(text=sentence, files=(SourceFile(name=name, text=text),))))))


def unmet(spec: Spec) -> list[str]:
    return [r.text for r in spec.requirements if not r.understood]


def test_a_dump_of_postgresql_with_its_constraints_behind_the_tables() -> None:
    spec = read("dump.sql", PG_DUMP)
    user, message = spec.entities["user"], spec.entities["message"]
    assert (user.fields["mood"].values, user.fields["mood"].default) == (("sad", "it's ok"), "'sad'")
    assert user.fields["email"].unique and "id" not in user.fields
    assert (message.fields["sender"].to, message.fields["sender"].on_delete) == ("user", "cascade")
    assert message.fields["recipient"].inverse and message.fields["amount"].min == 0
    assert [u.fields for u in message.unique] == [("sender", "body")]
    assert len(unmet(spec)) == 2 and "jsonb" in " ".join(unmet(spec)) and "loud" in " ".join(unmet(spec))


def test_a_dump_of_mysql() -> None:
    spec = read("dump.sql", MYSQL_DUMP)
    country, city = spec.entities["country"], spec.entities["city"]
    assert country.id and (country.id.type, country.id.max_length, country.id.required) == ("string", 2, True)
    assert country.fields["name"].min_length == 0, "the default itself is empty"
    assert city.fields["country"].to == "country" and city.unique[0].fields == ("name", "country")
    assert (city.fields["population"].min, city.fields["population"].required) == (0, False)
    assert (city.fields["capital"].type, city.fields["capital"].default) == ("boolean", "false")
    assert city.fields["kind"].values == ("big", "small") and not unmet(spec)


def test_a_dump_of_sqlite() -> None:
    book = read("dump.sql", SQLITE_DUMP).entities["book"]
    assert book.id and book.id.required and book.fields["tags"].to == "tag"
    assert book.fields["title"].min_length == 1 and (book.fields["year"].min, book.fields["year"].max) == (1400, 2100)


@pytest.mark.parametrize(
    ("column", "kind", "required", "writable"),
    [
        ("id uuid PRIMARY KEY DEFAULT gen_random_uuid()", "string", False, "never"),
        ("id uuid PRIMARY KEY", "string", False, "always"),
        ("sku varchar(20) PRIMARY KEY", "string", True, "always"),
        ("id text PRIMARY KEY", "string", False, "always"),
        ("number bigint PRIMARY KEY", "integer", True, "always"),
        ("number bigserial PRIMARY KEY", None, None, None),
        ("id integer PRIMARY KEY", None, None, None),
        ("id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", None, None, None),
    ],
)
def test_a_primary_key_is_what_rows_are_named_by(column: str, kind: str | None, required: bool, writable: str) -> None:
    spec = read("a.sql", f"CREATE TABLE part ({column}, name text NOT NULL);")
    key = spec.entities["part"].id
    assert (key and key.type, key and key.required, key and key.writable) == (kind, required, writable) and not unmet(spec)


def test_a_dump_that_fills_a_key_behind_the_table() -> None:
    text = "CREATE TABLE part (number bigint NOT NULL, name text);\nALTER TABLE part ADD PRIMARY KEY (number);\n"
    assert read("a.sql", text).entities["part"].id is not None
    text += "ALTER TABLE ONLY public.part ALTER COLUMN number SET DEFAULT nextval('s'::regclass);"
    assert read("a.sql", text).entities["part"].id is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.graphql", "scalar UUID\ntype Part { id: UUID! name: String! }"),
        ("a.mmd", "erDiagram\n  PART { uuid id PK\n string name }"),
        ("part.csv", "id,name\n8f14e45f-ceea-467f-a8ee-1b2c3d4e5f60,Screw\n"),
    ],
)
def test_keys_of_diagrams_schemas_and_samples(name: str, text: str) -> None:
    key = read(name, text).entities["part"].id
    assert key and (key.type, key.format, key.required) == ("string", "uuid", False)


def test_a_key_to_a_table_that_is_not_there_is_unmet() -> None:
    spec = read("a.sql", "CREATE TABLE a (id int primary key, name text, b_id int references missing(id));")
    assert list(spec.entities) == ["a"] and "missing" in unmet(spec)[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT 1;\n\nCREATE TABEL x (id int);", r"a\.sql:3: 'CREATE TABEL x'"),
        ("CREATE TABLE a (id int);\nCREATE TABLE b (\n  id int what is this\n);", r"a\.sql:3"),
        ("CREATE TABLE a (name text DEFAULT 'open);", "never ends"),
    ],
)
def test_what_no_dialect_reads_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as caught:
        read("a.sql", text)
    assert caught.value.hint


def test_plantuml_with_enumerations_types_with_sizes_methods_and_humps() -> None:
    text = """@startuml
enum Status { OPEN, CLOSED }
enum Kind {
  BIG
  SMALL
}
entity "Book" as book {
  * id : number <<generated>>
  --
  * title : text
  isbn : varchar(13)
}
class LoanLine {
  +borrowedOn: Date
  status: Status
  kind: Kind
  close(now)
}
book "1" <-- "*" LoanLine
@enduml"""
    spec = read("x.puml", text)
    line = spec.entities["loan_line"]
    assert list(spec.entities["book"].fields) == ["title", "isbn"]
    assert line.fields["borrowed_on"].type == "date" and line.fields["book"].to == "book"
    assert (line.fields["status"].values, line.fields["kind"].values) == (("OPEN", "CLOSED"), ("BIG", "SMALL"))


def test_a_mermaid_block_may_end_on_the_line_of_its_last_field() -> None:
    spec = read("x.mmd", "erDiagram\n  A ||--o{ B : has\n  A { string name\n    int size }\n  B { date day }\n")
    assert list(spec.entities["a"].fields) == ["name", "size"] and spec.entities["b"].fields["a"].to == "a"


def test_a_sample_as_europeans_write_it() -> None:
    item = read("items.csv", "name;price;new\nFoo;3,50;yes\nBar;4,00;no\n").entities["item"]
    assert [f.type for f in item.fields.values()] == ["string", "decimal", "boolean"]


def test_names_that_expressions_reserve_get_a_tail() -> None:
    spec = read(
        "x.sql",
        "CREATE TABLE package (id int primary key, function text);"
        "CREATE TABLE stop (id int, package_id int references package(id));",
    )
    assert list(spec.entities["package_record"].fields) == ["function_value"]
    assert spec.entities["stop"].fields["package_value"].to == "package_record"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shop.sql", SQLITE_DUMP),
        ("shop.mmd", "erDiagram\n  TAG ||--o{ BOOK : has\n  BOOK { string title\n int year }\n TAG { string name }\n"),
        ("shop.puml", "@startuml\nclass Book {\n title: String\n year: int\n}\n@enduml"),
        ("shop.graphql", "type Book { id: ID! title: String! year: Int! }"),
        ("books.csv", "title,year\nDune,1965\n"),
    ],
)
def test_a_sentence_adds_rules_to_every_kind_of_file(name: str, text: str) -> None:
    spec = read(name, text, "Titles are unique. The year must be at least 1500. List books filtered by year, newest first.")
    book = spec.entities["book"]
    assert book.fields["title"].unique and book.fields["year"].min == 1500
    assert [f.field for f in book.operations["list"].filters] == ["year"]
    assert book.operations["list"].default_sort == ("-created_at",)
    assert not unmet(spec)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.mmd", "erDiagram\n  BOOK { string title }\n"),
        ("x.puml", "@startuml\nclass Book {\n title: String\n}\n@enduml"),
        ("x.graphql", "type Book { title: String! }"),
        ("books.csv", "title\nDune\n"),
        ("x.txt", "CREATE TABLE books (id int, title text not null);"),
    ],
)
def test_a_schema_may_be_of_any_kind(name: str, text: str) -> None:
    file = SourceFile(name=name, text=text, kind="sql")
    spec = draft_spec(draft_frd(enhance(Request(text="", files=(file,)))))
    assert list(spec.entities["book"].fields) == ["title"]


async def test_a_stack_that_cannot_name_rows_by_keys_refuses_before_a_run() -> None:
    files = (SourceFile(name="a.sql", text="CREATE TABLE part (id uuid PRIMARY KEY, name text NOT NULL);"),)
    assert (await admitted(Request(text="", files=files, stack="python/fastapi"))).stack == "python/fastapi"
    with pytest.raises(UserError, match="names rows by numbers") as caught:
        await admitted(Request(text="", files=files, stack="go/chi"))
    assert "python/fastapi" in caught.value.hint


def test_keys_of_several_files_are_kept() -> None:
    spec = checked(
        draft_spec(
            draft_frd(
                enhance(
                    Request(
                        text="",
                        files=(
                            SourceFile(name="a.sql", text="CREATE TABLE part (sku text PRIMARY KEY, name text NOT NULL);"),
                            SourceFile(name="b.sql", text="CREATE TABLE bin (id uuid PRIMARY KEY, label text NOT NULL);"),
                        ),
                    )
                )
            )
        )
    )
    assert spec.entities["part"].id and spec.entities["bin"].id


async def test_an_api_description_that_names_rows_by_uuid_is_refused_before_a_run_where_the_stack_numbers_them() -> None:
    key = "{type: string, format: uuid, readOnly: true}"
    thing = f"{{type: object, required: [id, name], properties: {{id: {key}, name: {{type: string}}}}}}"
    text = f"""openapi: 3.1.0
info: {{title: Things, version: '1'}}
paths:
  /things:
    post:
      requestBody: {{content: {{application/json: {{schema: {thing}}}}}}}
      responses: {{'201': {{description: made, content: {{application/json: {{schema: {thing}}}}}}}}}
  /things/{{id}}:
    get:
      parameters: [{{name: id, in: path, required: true, schema: {{type: string, format: uuid}}}}]
      responses: {{'200': {{description: one, content: {{application/json: {{schema: {thing}}}}}}}}}
"""
    files = (SourceFile(name="api.yaml", text=text, kind="openapi"),)
    assert (await admitted(Request(text="", files=files, stack="python/fastapi"))).stack == "python/fastapi"
    with pytest.raises(UserError, match="names rows by numbers") as caught:
        await admitted(Request(text="", files=files, stack="python/litestar"))
    assert "python/fastapi" in caught.value.hint
