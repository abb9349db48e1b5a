"""What every importer fills: entities with fields in the making, and the errors that name file, line and mend."""

import re
import unicodedata
from dataclasses import dataclass, field

from quantumlayer.errors import UserError
from quantumlayer.spec.analyst.fields import type_of
from quantumlayer.spec.analyst.words import free, singular, snake
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.ids import uuid_fits
from quantumlayer.spec.values import Auth, Field


class ImportError_(UserError):
    """A file that cannot be read. `line` counts from 1."""

    def __init__(self, file: str, line: int | None, message: str, hint: str) -> None:
        where = f"{file}:{line}" if line else file
        super().__init__(f"{where}: {message}", hint=hint, file=file, line=line)


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def identifier(name: object) -> str:
    """A name of a file as the spec writes it: `LineItem`, `line-item` → `line_item`; words that expressions reserve get a tail."""
    return free(snaked(name), "value")


def snaked(name: object) -> str:
    """A name in lower snake case, humps divided: `publishEvent` → `publish_event`."""
    return snake(_HUMP.sub("_", _visible(str(name))))


def said(text: str | None) -> str:
    """What a file says of one of its parts, on one line, without what no reader sees."""
    return " ".join(_visible(text or "").split())[:MOST_SAID]


def _visible(text: str) -> str:
    """Without control characters and marks of direction."""
    return "".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn"))


MOST_SAID = 500
FILLED = "the application fills"


@dataclass
class Import:
    """What a file declares: drafts of entities in a world, and what of it could not be carried over."""

    world: World = field(default_factory=World)
    unmet: list[str] = field(default_factory=list)

    def pend(self, note: str, entity: EntityDraft, name: str) -> None:
        """What is unmet unless the request tells what an operation of the entity does, or what fills a field of it."""
        if note not in self.unmet:
            self.unmet.append(note)
        self.world.pending[note[:1].upper() + note[1:]] = (entity.name, name)

    def unfilled(self, entity: EntityDraft, field: str) -> None:
        """A field that nobody gives, and of which the file does not say what it holds."""
        self.pend(f"{FILLED} the {field} of {entity.plural}".replace("_", " "), entity, field)

    def entity(self, name: str, by: str) -> EntityDraft:
        """The entity of a table, class or type, made where it is new."""
        draft = self.world.add(singular(snaked(name)).replace("_", " "), by)
        draft.declared = True
        return draft


def key_of(draft: EntityDraft, column: str, field: Field, result: Import, *, made: bool = False) -> Field | None:
    """The id of an entity whose key is such a column; `made` says that the database makes it. None: a number it makes.

    A key named after nothing but the row (`id`, `uuid`, `order_id`) is taken to be made where nobody gives it.
    """
    rows, plain = (
        draft.plural.replace("_", " "),
        column in ("id", "uuid", "guid", "key", f"{draft.name}_id", f"{draft.name}_uuid"),
    )
    if field.type == "integer":
        if made or plain:
            if not plain:
                result.world.assume(f"The key {column} of {rows} is their id, a number that the application makes.")
            return None
        key = Field(type="integer", min=field.min, max=field.max, satisfies=field.satisfies)
    else:
        key = field.model_copy(
            update={"type": "string", "required": True, "unique": False, "default": None, "writable": "always"}
        )
        fits = uuid_fits(key)
        if fits and (made or plain or key.format == "uuid"):
            key = key.model_copy(update={"required": False, "writable": "never" if made else "always"})
    if column != "id":
        result.world.assume(f"The key {column} of {rows} is their id.")
    if not made and not key.required:
        result.world.assume(f"The application makes an id for {rows} where nobody gives one.")
    return key


_SIGNED_IN_BY = ("email", "username", "user_name", "login", "mail", "e_mail", "nick", "nickname", "handle")


def let_sign_in(draft: EntityDraft, told: str, result: Import, by: str) -> None:
    """The draft's rows are those who sign in, which is `told` by something of the file."""
    if result.world.account:
        return
    result.world.account = draft.name
    identified = next((n for n in _SIGNED_IN_BY if n in draft.fields), "email")
    rows = draft.plural.replace("_", " ")
    marker = result.world.assume(f"{rows.capitalize()} sign in: {told}.")
    result.world.auth = Auth(entity=draft.name, identifier=identified, satisfies=(by, marker))


_SCALARS = {"int": "integer", "integer": "integer", "bigint": "integer", "long": "integer", "smallint": "integer", "short": "integer", "number": "number", "float": "number", "double": "number", "real": "number", "decimal": "decimal", "numeric": "decimal", "money": "decimal", "bool": "boolean", "boolean": "boolean", "date": "date", "datetime": "datetime", "timestamp": "datetime", "timestamptz": "datetime", "instant": "datetime", "time": "time", "text": "text", "string": "string", "varchar": "string", "char": "string", "str": "string", "uuid": "string", "id": "string", "localdate": "date", "localdatetime": "datetime", "bigdecimal": "decimal", "blob": None, "bytes": None, "json": None}  # fmt: skip


def scalar_field(name: str, kind: str, *, required: bool, unique: bool, by: str) -> Field | None:
    """A field of a diagram's or schema's type; None where the type has no counterpart."""
    base = kind.lower().split("(")[0].strip("[]! ")
    if base not in _SCALARS or _SCALARS[base] is None:
        return None
    found = _SCALARS[base]
    format_ = type_of(snaked(name))[1] if found == "string" else None
    format_ = "uuid" if base == "uuid" else format_
    if kind.strip().startswith("[") or kind.strip().endswith("[]"):
        return Field(type="strings", satisfies=(by,)) if found == "string" else None
    return Field(type=found, required=required, unique=unique, format=format_, satisfies=(by,))  # type: ignore[arg-type]
