"""How rows are named: by a number of the application's own, by a UUID that it makes, or by what clients give.

`Entity.id` is None for the first. Else it is a field: `writable: never` says that the application makes it (a UUID of version
7, so that later rows sort after earlier ones), anything else that whoever creates the row gives it, and, where it is not
`required`, that the application makes one for those who do not.
"""

import re

from quantumlayer.spec.values import Entity, Field

NUMBER = Field(type="integer", min=1, writable="never")
# Ids that no row has.
NOBODY, NOBODY_TEXT = 999_999_999, "ffffffff-ffff-4fff-8fff-ffffffffffff"
UUID_LENGTH = 36
_MADE = re.compile(r"00000000-0000-7000-8000-[0-9a-f]{12}")


def id_field(entity: Entity) -> Field:
    """What an id of the entity is."""
    return entity.id or NUMBER


def textual(entity: Entity) -> bool:
    """Whether its ids are texts."""
    return entity.id is not None and entity.id.type == "string"


def makes_texts(entity: Entity) -> bool:
    """Whether the application makes its ids as texts, always or where nobody gives one."""
    return entity.id is not None and entity.id.type == "string" and (entity.id.writable == "never" or not entity.id.required)


def uuid_fits(key: Field) -> bool:
    """Whether the application can make ids of this kind."""
    long_enough = (key.max_length or UUID_LENGTH) >= UUID_LENGTH >= (key.min_length or 0)
    return key.type == "string" and key.pattern is None and key.format in (None, "uuid") and long_enough


def given_id(entity: Entity) -> Field | None:
    """The id as a member of the body that creates a row, fit for a path; None where clients do not give it."""
    given = entity.id
    if given is None or given.writable == "never":
        return None
    changes: dict[str, object] = {"unique": True, "writable": "create"}
    if given.type == "string":
        free = given.pattern is None and given.format is None
        changes |= {"min_length": given.min_length or 1, "format": "segment" if free else given.format}
    return given.model_copy(update=changes)


def given_fields(entity: Entity) -> dict[str, Field]:
    """The members that the body of a create may hold, by name: the id where clients give it, then the writable fields."""
    given = given_id(entity)
    found = {name: field for name, field in entity.fields.items() if field.writable != "never" and field.value is None}
    return {"id": given, **found} if given else found


def made_id(entity: Entity, number: int) -> int | str:
    """The id that the reference model gives to the row that is made as the `number`-th, from 1: in that order, too, as text."""
    return f"00000000-0000-7000-8000-{number:012x}" if textual(entity) else number


def is_made(value: object) -> bool:
    """Whether the reference model made this id, and an application makes another in its place."""
    return isinstance(value, int) or (isinstance(value, str) and _MADE.fullmatch(value) is not None)
