"""Printing in the terms of a view: defaults, inputs, conversions, each noted under the module where it will stand."""

from dataclasses import dataclass

from quantumlayer.blueprint.view.dialect import Dialect, PlainPrinter, QueryPrinter
from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.names import FieldNames
from quantumlayer.blueprint.view.scope import Context, Scope
from quantumlayer.spec.expression import Expr, Variable, walk
from quantumlayer.spec.values import Field, Spec


@dataclass(frozen=True)
class Printing:
    """A spec, its dialect, and both printers over one context."""

    spec: Spec
    dialect: Dialect
    context: Context
    plain: PlainPrinter
    query: QueryPrinter

    @classmethod
    def of(cls, spec: Spec, dialect: Dialect) -> "Printing":
        """For a checked spec."""
        context = Context.of(spec, dialect.naming)
        return cls(spec, dialect, context, *dialect.printers(context))

    def at(self, module: str) -> None:
        """What is printed next stands in this module."""
        self.context.module = module

    def converted(self, expr: Expr, field: Field, scope: Scope) -> str:
        """The text of an expression whose value is stored in a field."""
        return self.dialect.converted(self.plain(expr, scope), expr, field)

    def default(self, expr: Expr | None, field: Field, scope: Scope) -> tuple[str | None, str | None]:
        """The text of a constant default, or else of a computed one."""
        if expr is None:
            return None, None
        if self.dialect.constant(expr, field):
            return self.plain(expr, scope), None
        return None, self.converted(expr, field, scope)

    def target_where(self, field: Field) -> str:
        """The condition under which the caller sees what a reference leads to; empty where everybody does."""
        target = self.spec.entities.get(field.to or "")
        return self.dialect.sees(self.context.names[field.to or ""]) if target and target.visible else ""

    def input(self, name: str, field: Field, names: FieldNames, default: Expr | None, local: str, scope: Scope) -> FieldView:
        """An input of an operation or report, held by the variable `local` where it is looked up or computed."""
        constant, computed = self.default(default, field, scope)
        return self.dialect.field_type(
            name,
            field,
            names,
            self.context.names[field.to] if field.to else None,
            refers=self.spec.entities[field.to].id if field.to else None,
            default=constant,
            default_from=computed,
            local=local,
            target_where=self.target_where(field),
        )


def mentions(expr: Expr, name: str) -> bool:
    """Whether a variable is in it."""
    return any(isinstance(part, Variable) and part.name == name for part in walk(expr))


def ids(requirements: tuple[str, ...]) -> str:
    """Requirement ids as they stand in a comment."""
    return ", ".join(requirements)
