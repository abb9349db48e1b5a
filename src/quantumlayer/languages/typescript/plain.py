"""Prints typed expressions as plain TypeScript over loaded rows; what needs other rows becomes an awaited query."""

from abc import ABC, abstractmethod

from quantumlayer.blueprint.view.names import lower_camel
from quantumlayer.blueprint.view.scope import Collection, Context, Loaded, Record, Scope, Stored, collection
from quantumlayer.errors import Bug
from quantumlayer.languages.typescript.expressions import (
    AND,
    ATOM,
    COMPARE,
    EQUAL,
    LEVELS,
    MULTIPLY,
    OR,
    SECONDS,
    TERNARY,
    UNARY,
    Identity,
    Printed,
    constant,
    expanded,
    null_tests,
    tightened,
)
from quantumlayer.languages.typescript.text import quoted
from quantumlayer.languages.typescript.units import alias
from quantumlayer.spec.decode_cel import path
from quantumlayer.spec.duration import seconds_text
from quantumlayer.spec.expression import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Expr,
    ListOf,
    Literal_,
    Select,
    Unary,
    Variable,
)

_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_EXACT = {
    "+": "plus", "-": "minus", "*": "times", "/": "div", "%": "mod", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "==": "eq",
}  # fmt: skip


class Plain:
    """The printer."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.queries: QueryPrinter | None = None
        self._tested: frozenset[str] = frozenset()

    def __call__(self, expr: Expr, scope: Scope) -> str:
        """The expression as text, without outer parentheses."""
        before, self._tested = self._tested, self._tested | null_tests(expr)
        try:
            return self.print(expr, scope)[0]
        finally:
            self._tested = before

    def negated(self, expr: Expr, scope: Scope) -> str:
        """The text of the condition's opposite, fit to stand behind `&&`."""
        before, self._tested = self._tested, self._tested | null_tests(expr)
        try:
            text, level = self._negated(expr, scope)
        finally:
            self._tested = before
        return text if level > OR else f"({text})"

    def tight(self, expr: Expr, scope: Scope, level: int = ATOM) -> str:
        """The expression as text, in parentheses where it binds looser than `level`."""
        return tightened(self.print(expr, scope), level)

    def print(self, expr: Expr, scope: Scope) -> Printed:
        """The text and how tightly it binds."""
        if isinstance(expr, Select) and isinstance(held := scope.get(path(expr)), Loaded):
            return held.text, ATOM
        expr = expanded(self.context, expr)
        match expr:
            case Literal_():
                return constant(expr)
            case Variable(name=name):
                return self._variable(expr, scope[name], name)
            case Select():
                return self._select(expr, scope)
            case Unary(op="!"):
                return self._negated(expr.operand, scope)
            case Unary(operand=operand) if operand.type.kind == "decimal":
                return f"{self.tight(operand, scope)}.neg()", ATOM
            case Unary(operand=operand):
                return f"-{self.tight(operand, scope, ATOM)}", UNARY
            case Binary():
                return self._binary(expr, scope)
            case Conditional(test=test, then=then, otherwise=otherwise):
                test_text = self.tight(test, scope, OR)
                return f"{test_text} ? {self.tight(then, scope, OR)} : {self.tight(otherwise, scope, OR)}", TERNARY
            case Call():
                return self._call(expr, scope)
            case ListOf(items=items):
                return f"[{', '.join(self._element(item, scope) for item in items)}]", ATOM
            case Comprehension():
                return self._comprehension(expr, scope)
        raise Bug(f"cannot print {type(expr).__name__}")

    def _variable(self, expr: Variable, binding: object, name: str) -> Printed:
        if isinstance(binding, Identity):
            return f"await ctx.get({self._table(expr.type.entity or '')}, {binding.text})", UNARY
        if isinstance(binding, Loaded):
            return binding.text, ATOM
        raise Bug(f"{name} is not loaded here")

    def _table(self, entity: str) -> str:
        return quoted(self.context.names[entity].table)

    def _element(self, expr: Expr, scope: Scope) -> str:
        return self.identity(expr, scope) if expr.type.kind == "entity" else self(expr, scope)

    # rows and their members

    def _select(self, expr: Select, scope: Scope) -> Printed:
        if isinstance(expr.operand, Variable) and isinstance(record := scope.get(expr.operand.name), Record):
            return record.fields[expr.field], ATOM
        if expr.type.kind == "list":
            return self._list(expr, scope)
        if expr.type.kind == "entity":
            return self._row(expr, scope)
        if expr.field == "id":
            return self.identity(expr.operand, scope), ATOM
        text = f"{self.tight(expr.operand, scope)}.{self.column(expr)}"
        return self._known(expr, text), ATOM

    def _known(self, expr: Select, text: str) -> str:
        """Marks what the checker knows not to be null, unless the same expression tests it, which the compiler sees itself."""
        declared = self.context.declared(expr.operand.type.entity or "", expr.field)
        if declared is None or declared.required or expr.type.nullable or path(expr) in self._tested:
            return text
        return f"{self.context.helper('known')}({text})"

    def _list(self, expr: Select, scope: Scope) -> Printed:
        declared = self.context.declared(expr.operand.type.entity or "", expr.field)
        if declared is None and expr.field == "roles":
            return f"{self.tight(expr.operand, scope)}.roles", ATOM
        return self.query.rows(collection(expr), scope), UNARY

    def column(self, expr: Select) -> str:
        """The property of a row."""
        names = self.context.names[expr.operand.type.entity or ""].fields.get(expr.field)
        return names.column if names else expr.field

    def _row(self, expr: Select, scope: Scope) -> Printed:
        method = "maybe" if expr.type.nullable else "get"
        key = self._known(expr, self._key(expr, scope))
        return f"await ctx.{method}({self._table(expr.type.entity or '')}, {key})", UNARY

    def _key(self, expr: Select, scope: Scope) -> str:
        return f"{self.tight(expr.operand, scope)}.{self.column(expr)}"

    def identity(self, expr: Expr, scope: Scope) -> str:
        """The id of a row-valued expression; `null` where there is none."""
        if isinstance(expr, Literal_):
            return "null"
        held = (
            scope.get(path(expr)) if isinstance(expr, Select) else scope.get(expr.name) if isinstance(expr, Variable) else None
        )
        if isinstance(held, Identity):
            return held.text
        if isinstance(expr, Conditional):
            then, otherwise = self.identity(expr.then, scope), self.identity(expr.otherwise, scope)
            return f"({self.tight(expr.test, scope, OR)} ? {then} : {otherwise})"
        own = isinstance(expr, Select) and not isinstance(held, Loaded)
        if isinstance(expr, Select) and own:
            if isinstance(expr.operand, Variable) and isinstance(record := scope.get(expr.operand.name), Record):
                text = record.fields[expr.field]
                return f"({text}?.id ?? null)" if expr.type.nullable else f"{text}.id"
            return self._key(expr, scope)
        text = self.tight(expr, scope)
        return f"({text}?.id ?? null)" if expr.type.nullable else f"{text}.id"

    # operators

    def _negated(self, operand: Expr, scope: Scope) -> Printed:
        if isinstance(operand, Unary) and operand.op == "!":
            return self.print(operand.operand, scope)
        if isinstance(operand, Binary) and operand.op in _OPPOSITE:
            opposite = Binary(_OPPOSITE[operand.op], operand.left, operand.right, operand.type)
            return self._binary(opposite, scope)
        return f"!{self.tight(operand, scope, UNARY)}", UNARY

    def _binary(self, expr: Binary, scope: Scope) -> Printed:
        op, left, right = expr.op, expr.left, expr.right
        if op in ("==", "!="):
            return self._equality(op, left, right, scope)
        if op == "in":
            return self._membership(left, right, scope)
        if op == "+" and expr.type.kind == "list":
            return f"[...{self.tight(left, scope, UNARY)}, ...{self.tight(right, scope, UNARY)}]", ATOM
        kinds = {left.type.kind, right.type.kind}
        if "decimal" in kinds and op in _EXACT:
            return f"{self.tight(left, scope)}.{_EXACT[op]}({self(right, scope)})", ATOM
        if kinds & {"date", "datetime"} and op in ("+", "-"):
            return self._shifted(op, left, right, scope)
        if op == "/" and left.type.kind == "int":
            return f"Math.trunc({self.tight(left, scope, MULTIPLY)} / {self.tight(right, scope, UNARY)})", ATOM
        level = LEVELS.get(op, COMPARE)
        second = level + (level not in (AND, OR))
        return f"{self.tight(left, scope, level)} {op} {self.tight(right, scope, second)}", level

    def _equality(self, op: str, left: Expr, right: Expr, scope: Scope) -> Printed:
        if isinstance(left, Literal_):
            left, right = right, left
        if isinstance(right, Literal_) and isinstance(right.value, bool) and not left.type.nullable:
            wanted = (op == "==") == right.value
            return self.print(left, scope) if wanted else self._negated(left, scope)
        if left.type.kind == "entity" or right.type.kind == "entity":
            return f"{self._side(left, right, scope)} {op}= {self._side(right, left, scope)}", EQUAL
        if "decimal" in (left.type.kind, right.type.kind) and not (isinstance(right, Literal_) and right.value is None):
            return self._exactly_equal(op, left, right, scope)
        return f"{self.tight(left, scope, COMPARE)} {op}= {self.tight(right, scope, COMPARE)}", EQUAL

    def _side(self, expr: Expr, other: Expr, scope: Scope) -> str:
        """A side of a comparison of rows: its id, or the row itself where it is only asked whether there is one."""
        null = isinstance(other, Literal_) and other.value is None
        if null and not isinstance(expr, Literal_):
            held = scope.get(path(expr)) if isinstance(expr, (Select, Variable)) else None
            if self._given(expr, scope) or (isinstance(held, Loaded) and not isinstance(held, Identity)):
                return self.tight(expr, scope, COMPARE)
        return self.identity(expr, scope)

    def _given(self, expr: Expr, scope: Scope) -> bool:
        """Whether it is a member of the input."""
        if not isinstance(expr, Select) or not isinstance(expr.operand, Variable):
            return False
        return isinstance(scope.get(expr.operand.name), Record)

    def _exactly_equal(self, op: str, left: Expr, right: Expr, scope: Scope) -> Printed:
        if left.type.nullable or right.type.nullable:
            text = f"{self.context.helper('same')}({self(left, scope)}, {self(right, scope)})"
        else:
            text = f"{self.tight(left, scope)}.eq({self(right, scope)})"
        return (text, ATOM) if op == "==" else (f"!{text}", UNARY)

    def _membership(self, left: Expr, right: Expr, scope: Scope) -> Printed:
        if self.is_query(right, scope):
            return self.query.contains(left, collection(right), scope)
        return f"{self.tight(right, scope)}.includes({self._element(left, scope)})", ATOM

    def _shifted(self, op: str, left: Expr, right: Expr, scope: Scope) -> Printed:
        if left.type.kind == "duration":
            left, right = right, left
        if right.type.kind != "duration":
            return f"{self.context.helper('secondsBetween')}({self(right, scope)}, {self(left, scope)})", ATOM
        text, level = self.print(right, scope)
        amount = text if op == "+" else f"-{tightened((text, level), ATOM)}"
        whole = isinstance(right, Call) and right.function == "days" and isinstance(right.args[0], Literal_)
        if left.type.kind == "date" and whole and isinstance(right, Call) and isinstance(right.args[0], Literal_):
            days = right.args[0].value
            return f"{self.context.helper('addDays')}({self(left, scope)}, {days if op == '+' else f'-{days}'})", ATOM
        helper = "addSecondsToDay" if left.type.kind == "date" else "addSeconds"
        return f"{self.context.helper(helper)}({self(left, scope)}, {amount})", ATOM

    # lists

    def is_query(self, expr: Expr, scope: Scope) -> bool:
        """Whether the items of a list are rows or values that only the database has."""
        base = collection(expr).base
        if not isinstance(base, Select) or base.type.kind != "list":
            return False
        if isinstance(base.operand, Variable) and isinstance(scope.get(base.operand.name), Record):
            return False
        return base.relation == "inverse" or self.context.declared(base.operand.type.entity or "", base.field) is not None

    def _comprehension(self, expr: Comprehension, scope: Scope) -> Printed:
        queried = self.is_query(expr.source, scope)
        if expr.macro in ("exists", "all") and queried:
            return self.query.quantified(expr, scope)
        if queried:
            return self.query.rows(collection(expr), scope), UNARY
        name, inner = self._item(expr, scope)
        method = {"exists": "some", "all": "every", "filter": "filter", "map": "map"}[expr.macro]
        return f"{self.tight(expr.source, scope)}.{method}(({name}) => {self._element(expr.body, inner)})", ATOM

    def _item(self, expr: Comprehension, scope: Scope) -> tuple[str, Scope]:
        taken = {binding.text for binding in scope.values() if isinstance(binding, (Loaded, Stored))}
        name = lower_camel(expr.variable)
        name = name if len(name) > 2 and name not in taken else f"{name}Item"
        rows = expr.source.type.element is not None and expr.source.type.element.kind == "entity"
        return name, {**scope, expr.variable: Identity(name) if rows else Loaded(name)}

    # functions

    def _call(self, expr: Call, scope: Scope) -> Printed:
        function, args = expr.function, expr.args
        if function in self.context.spec.units:
            return f"{alias(function)}({', '.join(self(arg, scope) for arg in args)})", ATOM
        if args and args[0].type.kind == "list" and function in ("size", "sum", "avg", "min", "max"):
            return self._aggregate(expr, scope)
        if function in SECONDS:
            return self._seconds(function, args[0], scope)
        if function == "duration":
            return seconds_text(args[0]), ATOM
        found = self._number(expr, scope) or self._text(expr, scope)
        if found:
            return found
        texts = [self(arg, scope) for arg in args]
        if function == "date" and args[0].type.kind == "date":
            return texts[0], ATOM
        return f"{self.context.helper(_HELPERS.get(function, function))}({', '.join(texts)})", ATOM

    def _seconds(self, function: str, amount: Expr, scope: Scope) -> Printed:
        factor = SECONDS[function]
        if isinstance(amount, Literal_) and isinstance(amount.value, int):
            return str(amount.value * factor), ATOM if amount.value >= 0 else UNARY
        return f"{self.tight(amount, scope, MULTIPLY)} * {factor}", MULTIPLY

    def _number(self, expr: Call, scope: Scope) -> Printed | None:
        function, first = expr.function, expr.args[0]
        exact = first.type.kind == "decimal"
        if function == "double":
            if exact or expr.type.kind == "number":
                return self.print(first, scope)
            return f"new Decimal({self(first, scope)})", ATOM
        if function == "to_number":
            return (f"{self.tight(first, scope)}.toNumber()", ATOM) if exact else self.print(first, scope)
        if function == "hours_between":
            text = f"{self.context.helper('hoursBetween')}({self(first, scope)}, {self(expr.args[1], scope)})"
            return (f"{text}.toNumber()" if expr.type.kind == "number" else text), ATOM
        if function in ("floor", "ceil", "int"):
            name = {"int": "trunc"}.get(function, function)
            if first.type.kind == "int":
                return self.print(first, scope)
            return (f"{self.tight(first, scope)}.{name}().toNumber()" if exact else f"Math.{name}({self(first, scope)})"), ATOM
        if function == "abs":
            return (f"{self.tight(first, scope)}.abs()" if exact else f"Math.abs({self(first, scope)})"), ATOM
        if function == "round" and exact:
            return f"{self.tight(first, scope)}.toDecimalPlaces({self(expr.args[1], scope)})", ATOM
        if function in ("least", "greatest") and first.type.kind in ("int", "number", "decimal"):
            name = "min" if function == "least" else "max"
            texts = ", ".join(self(arg, scope) for arg in expr.args)
            return f"{'Decimal' if expr.type.kind == 'decimal' else 'Math'}.{name}({texts})", ATOM
        return None

    def _text(self, expr: Call, scope: Scope) -> Printed | None:
        function, first = expr.function, expr.args[0]
        if first.type.kind != "string":
            return None
        subject = self.tight(first, scope)
        if function in _TEXT_METHODS:
            return f"{subject}.{_TEXT_METHODS[function]}({', '.join(self(arg, scope) for arg in expr.args[1:])})", ATOM
        if function == "size":
            return f"[...{self(first, scope)}].length", ATOM
        if function == "matches":
            return f'new RegExp({self(expr.args[1], scope)}, "u").test({self(first, scope)})', ATOM
        return self.print(first, scope) if function == "string" else None

    def _aggregate(self, expr: Call, scope: Scope) -> Printed:
        function, source = expr.function, expr.args[0]
        if self.is_query(source, scope):
            return self.query.aggregate(expr, scope), UNARY
        if function == "size":
            return f"{self.tight(source, scope)}.length", ATOM
        helper = {"sum": "total", "avg": "average", "min": "smallest", "max": "largest"}[function]
        exact = "Exact" if function == "sum" and expr.type.kind == "decimal" else ""
        return f"{self.context.helper(helper + exact)}({self(source, scope)})", ATOM

    @property
    def query(self) -> "QueryPrinter":
        """The printer of what needs the database."""
        if self.queries is None:
            raise Bug("this expression needs a query, but no query printer is at hand")
        return self.queries


class QueryPrinter(ABC):
    """What plain printing asks of a query layer: expressions over rows that are not loaded."""

    @abstractmethod
    def rows(self, parts: Collection, scope: Scope) -> str:
        """The ids of rows, or what is taken of them, as an awaited array."""

    @abstractmethod
    def contains(self, item: Expr, parts: Collection, scope: Scope) -> Printed:
        """Whether an item is among them."""

    @abstractmethod
    def quantified(self, expr: Comprehension, scope: Scope) -> Printed:
        """`exists` and `all`."""

    @abstractmethod
    def aggregate(self, expr: Call, scope: Scope) -> str:
        """`size`, `sum`, `avg`, `min`, `max`."""


_TEXT_METHODS = {
    "startsWith": "startsWith", "endsWith": "endsWith", "contains": "includes", "lower": "toLowerCase", "upper": "toUpperCase",
    "trim": "trim",
}  # fmt: skip
_HELPERS = {
    "round": "roundHalfUp", "string": "textOf", "days_between": "daysBetween", "random_code": "randomCode", "date": "dateOf",
    "start_of": "startOf", "hour": "hourOf", "month": "monthOf", "weekday": "weekdayOf", "slug": "slugOf",
    "timestamp": "instantOf", "least": "earlier", "greatest": "later",
}  # fmt: skip
