"""What a request carries, read and checked: body, query, path parameter."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.ids import id_field
from quantumlayer.spec.model.codec import Invalid
from quantumlayer.spec.model.evaluate import Variables
from quantumlayer.spec.model.http_errors import Refusal
from quantumlayer.spec.model.prepared import EntityPlan, FieldPlan, Prepared
from quantumlayer.spec.model.store import Row, Store
from quantumlayer.spec.values import Paging

Errors = list[tuple[str, str]]
MAX_OFFSET = 2**53 - 1


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def read_body(request: HttpRequest, *, needed: bool) -> dict[str, Any]:
    """The members of a JSON object; floats are exact decimals. Nothing sent counts as `{}` where nothing is needed."""
    if not request.body.strip() and not needed:
        return {}
    try:
        body = _JSON.decode(request.body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not valid JSON.", "malformed") from None
    if not isinstance(body, dict):
        raise Refusal(400, "The body must be a JSON object.", "malformed")
    return body


def wanted(plan: FieldPlan) -> bool:
    """Whether a request must carry the field."""
    return plan.field.required and plan.default is None


class Reader:
    """Reads values for one caller, gathering errors."""

    def __init__(self, prepared: Prepared, store: Store, variables: Variables) -> None:
        self.prepared, self.store, self.variables = prepared, store, variables
        self.errors: Errors = []

    def body(self, plans: Iterable[FieldPlan], body: Mapping[str, Any], *, partial: bool = False) -> Row:
        """The values that are sent; without `partial`, what is wanted must be there."""
        found: Row = {}
        for plan in plans:
            if plan.wire not in body:
                if not partial and wanted(plan):
                    self.errors.append((plan.wire, "is required"))
            elif body[plan.wire] is None:
                if plan.field.required:
                    self.errors.append((plan.wire, "must not be null"))
                else:
                    found[plan.name] = plan.empty
            else:
                self._value(found, plan, plan.parse, body[plan.wire])
        return found

    def query(self, plans: Iterable[FieldPlan], query: Mapping[str, str]) -> Row:
        """The inputs of a GET, from its query."""
        found: Row = {}
        for plan in plans:
            if plan.wire in query:
                self._value(found, plan, plan.parse_query, query[plan.wire])
            elif wanted(plan):
                self.errors.append((plan.wire, "is required"))
        return found

    def _value(self, found: Row, plan: FieldPlan, parse: Any, raw: Any) -> None:
        try:
            value = parse(raw)
        except Invalid as error:
            self.errors.append((plan.wire, str(error)))
            return
        problem = plan.check(value) or self._unknown(plan, value)
        if problem:
            self.errors.append((plan.wire, problem))
        else:
            found[plan.name] = value

    def _unknown(self, plan: FieldPlan, value: Any) -> str:
        if plan.field.type not in ("reference", "references") or plan.field.to is None:
            return ""
        ids = value if isinstance(value, tuple) else (value,)
        missing = [str(i) for i in ids if not self.sees(plan.field.to, self.store.row(plan.field.to, i))]
        return f"names {plan.field.to} {', '.join(missing)}, which does not exist" if missing else ""

    def sees(self, entity: str, row: Row | None) -> bool:
        """Whether there is such a row and the caller may see it."""
        visible = self.prepared.entities[entity].visible
        return row is not None and (visible is None or visible({**self.variables, "self": row}))

    def filled(self, inputs: Mapping[str, FieldPlan], given: Row) -> Row:
        """Inputs with the defaults of what is not sent."""
        return {
            name: given[name] if name in given else plan.store(plan.default(self.variables)) if plan.default else plan.empty
            for name, plan in inputs.items()
        }

    def page(self, query: Mapping[str, str], paging: Paging) -> tuple[int, int]:
        """`limit` and `offset`."""
        values = []
        bounds = {"limit": (1, paging.most, paging.usual), "offset": (0, MAX_OFFSET, 0)}
        for name, (least, most, default) in bounds.items():
            text = query.get(name)
            value = default
            if text is not None:
                digits = text.removeprefix("-")
                value = int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 17 else None
                if value is None or not least <= value <= most:
                    self.errors.append((name, f"must be an integer between {least} and {most}"))
            values.append(value)
        return values[0], values[1]


def row_key(entity: EntityPlan, by: str, raw: str) -> Any:
    """The value of a path parameter that names a row by one of its fields, None where no row can have it."""
    text, plan = unquote(raw, errors="replace"), entity.fields.get(by)
    kind = id_field(entity.entity).type if by == "id" else plan.field.type if plan else ""
    if kind == "integer":
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 and text == str(int(text)) else None
    try:
        return plan.parse(text) if plan else text
    except Invalid:
        return None
