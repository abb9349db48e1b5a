"""Rows in memory: immutable dicts in tables, an undo log for refused requests, indexes built when first needed."""

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]
Key = tuple[str, ...]
RowId = int | str


class Table:
    """The rows of one entity by id. Rows are replaced, never changed in place."""

    __slots__ = ("indexes", "next_id", "rows")

    def __init__(self, rows: dict[RowId, Row] | None = None, next_id: int = 1) -> None:
        self.rows = rows or {}
        self.next_id = next_id
        self.indexes: dict[Key, dict[Any, set[Any]]] = {}

    def ids_with(self, fields: Key, values: Any) -> set[Any]:
        """The ids of the rows whose `fields` have these values; a many-valued single field has each of its values."""
        index = self.indexes.get(fields)
        if index is None:
            index = self.indexes[fields] = {}
            for row in self.rows.values():
                for value in _values(fields, row):
                    index.setdefault(value, set()).add(row["id"])
        return index.get(values, _NOTHING)

    def replace(self, old: Row | None, new: Row | None) -> None:
        """Put `new` in the place of `old`; either may be absent."""
        for fields, index in self.indexes.items():
            if old is not None:
                for value in _values(fields, old):
                    index[value].discard(old["id"])
            if new is not None:
                for value in _values(fields, new):
                    index.setdefault(value, set()).add(new["id"])
        if new is not None:
            self.rows[new["id"]] = new
        elif old is not None:
            del self.rows[old["id"]]


class Store:
    """All tables. `put` and `remove` are undone by `rollback` until the next `begin`."""

    __slots__ = ("_log", "tables")

    def __init__(self, tables: dict[str, Table]) -> None:
        self.tables = tables
        self._log: list[tuple[str, Row | None, Row | None]] = []

    def copy(self) -> "Store":
        """An independent store with the same rows."""
        return Store({name: Table(dict(table.rows), table.next_id) for name, table in self.tables.items()})

    def begin(self) -> None:
        """Start a transaction: what was done before stays."""
        self._log.clear()

    def rollback(self) -> None:
        """Undo everything since `begin`."""
        while self._log:
            entity, old, new = self._log.pop()
            self.tables[entity].replace(new, old)
            if old is None and new is not None:
                self.tables[entity].next_id -= 1

    def new_number(self, entity: str) -> int:
        """The number of the row of an entity that is made next. Each row that is put for the first time takes one."""
        table = self.tables[entity]
        table.next_id += 1
        return table.next_id - 1

    def put(self, entity: str, row: Row) -> None:
        """Store a new or changed row."""
        table = self.tables[entity]
        old = table.rows.get(row["id"])
        table.replace(old, row)
        self._log.append((entity, old, row))

    def remove(self, entity: str, row_id: RowId) -> None:
        """Delete a row."""
        old = self.tables[entity].rows[row_id]
        self.tables[entity].replace(old, None)
        self._log.append((entity, old, None))

    def row(self, entity: str, row_id: RowId | None) -> Row | None:
        """The row, None if there is none."""
        return self.tables[entity].rows.get(row_id) if row_id is not None else None

    def many(self, entity: str, ids: Iterable[RowId]) -> list[Row]:
        """The rows with these ids."""
        rows = self.tables[entity].rows
        return [rows[i] for i in ids]

    def referring(self, entity: str, field: str, row_id: RowId | None) -> list[Row]:
        """The rows of `entity` whose (many-valued) reference `field` names the row, by id."""
        if row_id is None:
            return []
        table = self.tables[entity]
        return [table.rows[i] for i in sorted(table.ids_with((field,), row_id))]


_NOTHING: set[Any] = set()


def _values(fields: Key, row: Row) -> Iterable[Any]:
    """The keys under which an index knows a row: one, or each item where the only field is many-valued."""
    values = [row[field] for field in fields]
    if len(values) > 1:
        return (tuple(values),)
    return values[0] if isinstance(values[0], tuple) else values
