"""What expression variables stand for in printed code."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from quantumlayer.blueprint.view.names import EntityNames, Naming, name_all
from quantumlayer.errors import Bug
from quantumlayer.spec.cel import inverse_name
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.expression import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Expr,
    ListOf,
    Select,
    Unary,
    Variable,
)
from quantumlayer.spec.values import Field, Spec


@dataclass(frozen=True)
class Loaded:
    """A value that exists in the program, reached by `text`."""

    text: str


@dataclass(frozen=True)
class Record:
    """The input of an operation: a printed expression for every field."""

    fields: dict[str, str]


@dataclass(frozen=True)
class Stored:
    """A row inside a query: `text` is its source (a model class, a table) or an alias of it."""

    text: str
    entity: str


@dataclass(frozen=True)
class Scalar:
    """A value inside a query, such as an item of a list of strings."""

    text: str


@dataclass(frozen=True)
class Group:
    """All rows of a group, inside a grouped query."""

    text: str
    entity: str


Binding = Loaded | Record | Stored | Scalar | Group
Scope = dict[str, Binding]


@dataclass(frozen=True)
class Collection:
    """A list expression taken apart: where rows come from, what keeps them, what is taken of each."""

    base: Expr
    variable: str
    kept: tuple[Expr, ...]
    taken: Expr | None


@dataclass(frozen=True)
class Link:
    """How the rows of a relation are reached: `entity`'s `field` refers to the other side."""

    kind: str
    owner: str
    name: str


@dataclass
class Context:
    """Everything that printing needs to know of a spec; collects the helpers and aliases that printed code uses."""

    spec: Spec
    compiled: Compiled
    naming: Naming
    names: dict[str, EntityNames]
    helpers: set[str] = field(default_factory=set)
    aliases: dict[str, dict[str, str]] = field(default_factory=dict)
    module: str = ""

    @classmethod
    def of(cls, spec: Spec, naming: Naming) -> "Context":
        """A context for a checked spec."""
        return cls(spec, Compiled(spec), naming, name_all(spec, naming))

    def helper(self, name: str) -> str:
        """The name of a helper function, noted as used."""
        self.helpers.add(name)
        return name

    def declared(self, entity: str, name: str) -> Field | None:
        """The declared field; None for system and state fields."""
        return self.spec.entities[entity].fields.get(name)

    def source(self, entity: str, scope: Scope) -> str:
        """Where a query finds rows of the entity: a model class or table, or an alias where an outer query has it already."""
        source = self.naming.source(self.names[entity])
        taken = {binding.text for binding in scope.values() if isinstance(binding, (Stored, Group))}
        if source not in taken:
            return source
        number = 1
        while (alias := self.naming.alias(source, number)) in taken:
            number += 1
        self.aliases.setdefault(self.module, {})[alias] = source
        return alias

    def association(self, entity: str, name: str) -> str:
        """The type or table that holds a `strings` or `references` field."""
        declared = self.spec.entities[entity].fields[name]
        return self.naming.association(declared.type, self.names[entity], name)

    def link(self, entity: str, name: str) -> Link:
        """The relation behind a list-valued member."""
        declared = self.spec.entities[entity].fields.get(name)
        if declared and declared.type in ("strings", "references"):
            return Link(declared.type, entity, name)
        for other, definition in self.spec.entities.items():
            for key, candidate in definition.fields.items():
                related = candidate.to == entity and candidate.type in ("reference", "references")
                if related and inverse_name(other, self.spec, candidate) == name:
                    return Link(f"inverse_{candidate.type}", other, key)
        raise Bug(f"{entity}.{name} is no relation")

    def expanded(self, expr: Expr) -> Expr:
        """Derived fields replaced by what they are computed from."""
        if isinstance(expr, Select) and expr.operand.type.kind == "entity" and expr.operand.type.entity:
            value = self.compiled.value(expr.operand.type.entity, expr.field)
            if value is not None:
                return substitute(value, "self", expr.operand, set())
        return expr


def collection(expr: Expr) -> Collection:
    """Takes nested `filter` and `map` apart. A filter after a map is applied to what the map takes."""
    if not (isinstance(expr, Comprehension) and expr.macro in ("filter", "map")):
        return Collection(expr, "", (), None)
    inner = collection(expr.source)
    variable = inner.variable or expr.variable
    item = inner.taken or Variable(variable, expr.source.type.element or expr.source.type)
    body = expr.body if expr.variable == variable and not inner.taken else substitute(expr.body, expr.variable, item, set())
    if expr.macro == "filter":
        return Collection(inner.base, variable, (*inner.kept, body), inner.taken)
    return Collection(inner.base, variable, inner.kept, body)


def substitute(expr: Expr, name: str, value: Expr, bound: set[str]) -> Expr:
    """`expr` with the variable replaced; variables bound inside are renamed so that they capture nothing."""
    match expr:
        case Variable(name=found) if found == name:
            return value
        case Select(operand=operand, field=key, type=type_, relation=relation):
            return Select(substitute(operand, name, value, bound), key, type_, relation)
        case Unary(op=op, operand=operand, type=type_):
            return Unary(op, substitute(operand, name, value, bound), type_)
        case Binary(op=op, left=left, right=right, type=type_):
            return Binary(op, substitute(left, name, value, bound), substitute(right, name, value, bound), type_)
        case Conditional(test=test, then=then, otherwise=otherwise, type=type_):
            first, second, third = (substitute(part, name, value, bound) for part in (test, then, otherwise))
            return Conditional(first, second, third, type_)
        case Call(function=function, args=args, type=type_):
            return Call(function, tuple(substitute(arg, name, value, bound) for arg in args), type_)
        case ListOf(items=items, type=type_):
            return ListOf(tuple(substitute(item, name, value, bound) for item in items), type_)
        case Comprehension(macro=macro, source=source, variable=variable, body=body, type=type_):
            source = substitute(source, name, value, bound)
            if variable == name:
                return Comprehension(macro, source, variable, body, type_)
            taken = {v.name for v in variables(value)}
            fresh = variable
            while fresh in taken:
                fresh += "_"
            if fresh != variable:
                body = substitute(body, variable, Variable(fresh, source.type.element or source.type), bound)
            return Comprehension(macro, source, fresh, substitute(body, name, value, bound), type_)
        case _:
            return expr


def variables(expr: Expr) -> Iterator[Variable]:
    """Every variable in an expression, bound ones included."""
    match expr:
        case Variable():
            yield expr
        case Select(operand=operand) | Unary(operand=operand):
            yield from variables(operand)
        case Binary(left=left, right=right):
            yield from variables(left)
            yield from variables(right)
        case Conditional(test=test, then=then, otherwise=otherwise):
            for part in (test, then, otherwise):
                yield from variables(part)
        case Call(args=args):
            for arg in args:
                yield from variables(arg)
        case ListOf(items=items):
            for item in items:
                yield from variables(item)
        case Comprehension(source=source, body=body):
            yield from variables(source)
            yield from variables(body)
