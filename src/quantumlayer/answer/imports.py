"""The modules that a source file imports, read from its syntax tree. Never executed."""

from collections.abc import Iterator
from functools import cache

from tree_sitter import Parser, Query, QueryCursor

from quantumlayer.evidence.grammars import grammar

_QUERIES = {
    "python": """
        (import_statement name: (dotted_name) @module)
        (import_statement name: (aliased_import name: (dotted_name) @module))
        (import_from_statement module_name: (dotted_name) @module)
        (import_from_statement module_name: (relative_import) @module)
        (future_import_statement "__future__" @module)
    """,
    "go": "(import_spec path: (interpreted_string_literal) @module) (import_spec path: (raw_string_literal) @module)",
    "typescript": """
        (import_statement source: (string) @module)
        (export_statement source: (string) @module)
        (import_require_clause source: (string) @module)
        (call_expression function: (import) arguments: (arguments (_) @module))
        (call_expression function: (identifier) @f arguments: (arguments (_) @module) (#eq? @f "require"))
    """,
}
_QUERIES["tsx"] = _QUERIES["typescript"]
_QUERIES["javascript"] = _QUERIES["typescript"].replace("(import_require_clause source: (string) @module)", "")


@cache
def _query(name: str) -> Query | None:
    return Query(grammar(name), _QUERIES[name]) if name in _QUERIES else None


def imported(name: str, content: bytes) -> Iterator[tuple[str, int, int]] | None:
    """Every imported module as written, without quotes, with its line and column; None for a grammar that we cannot read so."""
    query = _query(name)
    if query is None:
        return None
    nodes = QueryCursor(query).captures(Parser(grammar(name)).parse(content).root_node).get("module", [])
    return (
        (
            (node.text or b"").decode(errors="replace").replace(" ", "").strip("\"'`"),
            node.start_point[0] + 1,
            node.start_point[1] + 1,
        )
        for node in sorted(nodes, key=lambda n: n.start_byte)
    )
