"""draw.io files: tables, classes, states, packed and plain, and hostile ones."""

import base64
import zlib
from urllib.parse import quote

import pytest

from quantumlayer.request.values import SourceFile
from quantumlayer.spec.importers.read import kind_of, read_file
from quantumlayer.spec.importers.tables import ImportError_


def cell(id_, value="", style="", parent="1", **more):
    attributes = "".join(f' {name}="{text}"' for name, text in more.items())
    return f'<mxCell id="{id_}" value="{value}" style="{style}" parent="{parent}"{attributes}/>'


def row(id_, table, key, text):
    style = "shape=partialRectangle;html=1;"
    return (
        cell(id_, "", "shape=tableRow;horizontal=0;", table, vertex="1")
        + cell(f"{id_}k", key, style, id_, vertex="1")
        + cell(f"{id_}t", text, style, id_, vertex="1")
    )


def model(*cells):
    return f'<mxGraphModel dx="1"><root><mxCell id="0"/><mxCell id="1" parent="0"/>{"".join(cells)}</root></mxGraphModel>'


def packed(text):
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(squeezer.compress(quote(text).encode()) + squeezer.flush()).decode()


def file(*pages, name="shop.drawio"):
    inner = "".join(f'<diagram id="{n}" name="{title}">{page}</diagram>' for n, (title, page) in enumerate(pages))
    return SourceFile(name=name, text=f'<?xml version="1.0"?><mxfile host="app.diagrams.net">{inner}</mxfile>')


TABLES = model(
    cell("t1", "&lt;b&gt;Customer&lt;/b&gt;", "shape=table;startSize=30;html=1;", vertex="1"),
    row("t1a", "t1", "PK", "customer_id"),
    row("t1b", "t1", "UK", "email: varchar(100)"),
    row("t1c", "t1", "", "decimal(10,2) credit"),
    cell("t2", "Order", "shape=table;startSize=30;html=1;", vertex="1"),
    row("t2a", "t2", "PK", "id int"),
    row("t2b", "t2", "FK", "customer_id int"),
    row("t2c", "t2", "", "ordered on: date"),
    row("t2d", "t2", "", "&amp;#8594; see the manual!"),
    cell(
        "e1",
        "",
        "edgeStyle=entityRelationEdgeStyle;startArrow=ERmandOne;endArrow=ERzeroToMany;",
        edge="1",
        source="t1a",
        target="t2b",
    ),
)
CLASSES = model(
    cell("c1", "Author", "swimlane;fontStyle=0;childLayout=stackLayout;", vertex="1"),
    cell("c1a", "+ name: string", "text;html=1;", "c1", vertex="1"),
    cell("c1b", "+ write(text): void", "text;html=1;", "c1", vertex="1"),
    cell("c2", "Book&lt;hr&gt;title: string&lt;br&gt;pages: int", "rounded=0;html=1;", vertex="1"),
    cell("e1", "writes", "endArrow=open;", edge="1", source="c1", target="c2"),
)
STATES = model(
    cell("s0", "", "ellipse;shape=startState;", vertex="1"),
    cell("s1", "Draft", "rounded=1;html=1;", vertex="1"),
    cell("s2", "In Review", "rounded=1;html=1;", vertex="1"),
    cell("s3", "Published", "rounded=1;html=1;", vertex="1"),
    cell("a0", "", "edgeStyle=none;", edge="1", source="s0", target="s1"),
    cell("a1", "submit", "", edge="1", source="s1", target="s2"),
    cell("a2", "", "", edge="1", source="s2", target="s3"),
    cell("a2l", "publish", "edgeLabel;", "a2", vertex="1"),
)


@pytest.mark.parametrize("pack", [str, packed])
def test_tables_become_entities_with_relations(pack):
    given = file(("Page-1", pack(TABLES)))
    assert kind_of(given) == "drawio"
    found = read_file(given, "R1")
    entities = found.world.entities
    assert set(entities) == {"customer", "order"}
    assert set(entities["customer"].fields) == {"email", "credit"} and entities["customer"].fields["email"].unique
    assert entities["customer"].fields["credit"].type == "decimal"
    assert {"ordered_on", "customer"} == set(entities["order"].fields) and entities["order"].fields["ordered_on"].type == "date"
    assert entities["order"].fields["customer"].to == "customer" and entities["order"].fields["customer"].required
    assert any("see the manual" in note for note in found.unmet)


def test_classes_as_lists_and_as_one_shape():
    found = read_file(SourceFile(name="model.xml", text=CLASSES), "R1").world.entities
    assert set(found["author"].fields) == {"name"}
    assert {"title", "pages"} <= set(found["book"].fields) and found["book"].fields["pages"].type == "integer"
    assert found["book"].fields["author"].to == "author"


def test_states_are_named_by_their_page_and_pages_add_up():
    found = read_file(file(("Article states", packed(STATES)), ("Page-2", CLASSES), ("Notes", model())), "R1")
    assert {"article", "author", "book"} <= set(found.world.entities)
    article = found.world.entities["article"]
    assert article.state is not None and {"submit", "publish"} <= set(article.operations)
    assert any("page 3" in note for note in found.unmet)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><mxfile>&b;</mxfile>'
FILE_READER = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><mxfile>&a;</mxfile>'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BOMB, "no diagram needs"),
        (FILE_READER, "no diagram needs"),
        ("<mxfile><diagram", "no XML"),
        ("<svg/>", "no draw.io file"),
        ("<mxfile/>", "no table"),
        ('<mxfile><diagram name="p">%%%</diagram></mxfile>', "damaged"),
        (f'<mxfile><diagram name="p">{base64.b64encode(b"no deflate").decode()}</diagram></mxfile>', "damaged"),
        (f'<mxfile><diagram name="p">{packed(BOMB)}</diagram></mxfile>', "no diagram needs"),
        (f'<mxfile><diagram name="p">{packed(" " * 10_000_000)}</diagram></mxfile>', "more than 20 MB"),
        (model(cell("e", "", "", edge="1", source="nowhere", target="e")), "no table"),
        (model(cell("x", "Loop", "shape=table;", "x", vertex="1")).replace("Loop", ""), "no table"),
    ],
)
def test_hostile_files_are_refused_with_their_mend(text, told):
    with pytest.raises(ImportError_, match=told) as refused:
        read_file(SourceFile(name="board.drawio", text=text), "R1")
    assert "board.drawio" in refused.value.message and refused.value.hint
