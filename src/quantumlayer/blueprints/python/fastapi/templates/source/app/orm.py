"""The base of all tables, and column types that mean the same on SQLite and PostgreSQL."""

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Float, Integer, MetaData, Numeric, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

WHOLE_DIGITS = 12

CONVENTION = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[dt.datetime]):
    """A moment in UTC. SQLite has no time zones, so it keeps the UTC wall clock."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Exact(TypeDecorator[Decimal]):
    """An exact decimal. SQLite has none: it keeps the double whose shortest form is the decimal, exact to 15 digits."""

    impl = Numeric
    cache_ok = True

    def __init__(self, places: int | None = None) -> None:
        super().__init__(WHOLE_DIGITS + places if places is not None else None, places)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Float(53) if dialect.name == "sqlite" else super().load_dialect_impl(dialect)

    def process_bind_param(self, value: Decimal | float | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return float(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(repr(value) if isinstance(value, float) else value)


def short_text(length: int) -> String:
    """Text of limited length, compared by code point on every database."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def long_text() -> Text:
    """Text of any length, compared by code point on every database."""
    return Text().with_variant(Text(collation="C"), "postgresql")


RowId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Base of every table's class."""

    metadata = MetaData(naming_convention=CONVENTION)


class Stamped(Base):
    """What every resource has: when it was made and last changed."""

    __abstract__ = True

    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    updated_at: Mapped[dt.datetime] = mapped_column(Instant)


class Row(Stamped):
    """A resource that is named by a number of the database's own."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
