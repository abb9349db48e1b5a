"""Files that are something else than they should be: the message names file, line and mend."""

import pytest

from quantumlayer.errors import UserError
from quantumlayer.request.values import SourceFile
from quantumlayer.spec.importers.read import read_file


@pytest.mark.parametrize(
    ("name", "text", "told", "hint"),
    [
        (
            "a.sql",
            "CREATE TABLE [dbo].[Users]([Id] [int] IDENTITY(1,1) NOT NULL)\nGO\n",
            r"a\.sql:1: .*near '\['",
            "SQL Server",
        ),
        ("a.puml", "@startuml\nAlice -> Bob: hi\n@enduml", r"a\.puml:2", "class, entity or state"),
        ("a.puml", "@startuml\nactor User\nUser -> (Log in)\n@enduml", r"a\.puml:2: 'actor User'", "class, entity or state"),
        ("a.puml", "@startuml\nstart\n:do it;\nstop\n@enduml", r"a\.puml:2", "class, entity or state"),
        ("a.mmd", "erDiagram\n  A { string }\n", r"a\.mmd:2: 'string'", "type name"),
        ("a.mmd", "sequenceDiagram\n  A->>B: hi\n", r"a\.mmd:1: 'sequenceDiagram'", "erDiagram"),
    ],
)
def test_what_it_is_instead_is_told(name: str, text: str, told: str, hint: str) -> None:
    with pytest.raises(UserError, match=told) as caught:
        read_file(SourceFile(name=name, text=text), "R1")
    assert hint in (caught.value.hint or "")
    assert "Token" not in str(caught.value)


def test_what_no_reader_sees_is_no_part_of_names_and_descriptions() -> None:
    text = "CREATE TABLE t (id int PRIMARY KEY, na\u202eme text NOT NULL);\nCOMMENT ON TABLE t IS 'all\x07 of\u202e\n them';"
    draft = read_file(SourceFile(name="t.sql", text=text), "R1").world.entities["t"]
    assert list(draft.fields) == ["name"] and draft.description == "all of them"
