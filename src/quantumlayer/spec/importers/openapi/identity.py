"""What rows are named by, according to an OpenAPI file: numbers or texts, made by the server or given by clients."""

from dataclasses import dataclass

from quantumlayer.spec.ids import uuid_fits
from quantumlayer.spec.importers.openapi.document import Document
from quantumlayer.spec.importers.openapi.fields import scalar, type_of
from quantumlayer.spec.importers.openapi.operations import Shape
from quantumlayer.spec.importers.openapi.resources import Resource
from quantumlayer.spec.importers.tables import identifier
from quantumlayer.spec.values import Field

_UNFIT = "ids of {} that the application makes are UUIDs, which the file's form of ids does not allow"


@dataclass(frozen=True)
class Identity:
    """`member` names rows; `id` is its form, None for numbers of the application; `unmet` is what could not be carried over."""

    member: str
    id: Field | None = None
    unmet: str = ""


def identity(document: Document, resource: Resource, shown: list[Shape], made: list[Shape], by: str) -> Identity | None:
    """What names a resource's rows: `id`, else what paths call by it where the server makes that; None where nothing does.

    `shown` are the shapes in which rows are answered, `made` those in which they are created.
    """
    answered = {k: n for shape in shown for k, n in shape.properties.items()}
    creates = {k: n for s in made for k, n in s.properties.items() if not document.schema(n).get("readOnly")}
    nodes = {**answered, **creates}
    parameters = {identifier(owner.parameter or "") for owner in (resource, *resource.views)}
    key = next((k for k in nodes if identifier(k) == "id"), None) or next(
        (k for k in nodes if identifier(k) in parameters and k not in creates and names_row(identifier(k))), None
    )
    if key is None:
        return None
    given = key in creates
    needed = given and any(key in shape.schema.get("required", ()) for shape in made)
    kind, said = type_of(document.schema(nodes[key]))[0], scalar(document, nodes[key], required=True, by=by)
    if kind == "integer":
        low, high = (said.min, said.max) if said else (None, None)
        return Identity(key, Field(type="integer", min=low, max=high, satisfies=(by,)) if needed else None)
    if said is None or said.type not in ("string", "text"):
        return Identity(key, unmet=f"rows of {resource.plural} are named by whole numbers, the file wants {kind}")
    form = Field(
        type="string",
        min_length=said.min_length,
        max_length=said.max_length,
        pattern=said.pattern,
        format=said.format,
        satisfies=(by,),
    )
    if needed:
        return Identity(key, form)
    unmet = "" if uuid_fits(form) else _UNFIT.format(resource.plural)
    form = Field(type="string", satisfies=(by,)) if unmet else form
    return Identity(key, form.model_copy(update={"required": False, "writable": "always" if given else "never"}), unmet)


def names_row(name: str) -> bool:
    """Whether a member names its row by nothing but a key: `order_id`, `uuid`."""
    return name.split("_")[-1] in ("id", "uuid", "guid", "key", "number", "no")
