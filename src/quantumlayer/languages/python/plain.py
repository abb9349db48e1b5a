"""Prints typed expressions as plain Python over loaded rows. Rows of an inverse relation are counted and found by queries."""

from abc import ABC, abstractmethod
from decimal import Decimal

from quantumlayer.blueprint.view.scope import Collection, Context, Loaded, Record, Scope, Stored, collection
from quantumlayer.errors import Bug
from quantumlayer.languages.python.text import literal
from quantumlayer.languages.python.units import alias
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

_OR, _AND, _NOT, _COMPARE, _ADD, _MULTIPLY, _UNARY, _ATOM = range(1, 9)
_LEVELS = {"||": _OR, "&&": _AND, "+": _ADD, "-": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "%": _MULTIPLY}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_WORDS = {"||": "or", "&&": "and"}
Printed = tuple[str, int]


class Plain:
    """The printer. `session` is the text of the database session in the printed code."""

    def __init__(self, context: Context, session: str = "ctx.session") -> None:
        self.context, self.session = context, session
        self.queries: QueryPrinter | None = None

    def __call__(self, expr: Expr, scope: Scope) -> str:
        """The expression as text, without outer parentheses."""
        return self._print(expr, scope)[0]

    def tight(self, expr: Expr, scope: Scope, level: int = _ATOM) -> str:
        """The expression as text, in parentheses where it binds looser than `level`."""
        text, found = self._print(expr, scope)
        return text if found >= level else f"({text})"

    def _print(self, expr: Expr, scope: Scope) -> Printed:
        if isinstance(expr, Select) and isinstance(held := scope.get(path(expr)), Loaded):
            return held.text, _ATOM
        expr = self.context.expanded(expr)
        match expr:
            case Literal_():
                return _constant(expr)
            case Variable(name=name):
                binding = scope[name]
                if isinstance(binding, Loaded):
                    return binding.text, _ATOM
                raise Bug(f"{name} is not loaded here")
            case Select():
                return self._select(expr, scope), _ATOM
            case Unary(op="!"):
                return self._negated(expr.operand, scope)
            case Unary(operand=operand):
                return f"-{self.tight(operand, scope, _UNARY)}", _UNARY
            case Binary():
                return self._binary(expr, scope)
            case Conditional(test=test, then=then, otherwise=otherwise):
                parts = [self.tight(part, scope, _OR) for part in (then, test, otherwise)]
                return f"{parts[0]} if {parts[1]} else {parts[2]}", 0
            case Call():
                return self._call(expr, scope)
            case ListOf(items=items):
                return f"[{', '.join(self(item, scope) for item in items)}]", _ATOM
            case Comprehension():
                return self._comprehension(expr, scope)
        raise Bug(f"cannot print {type(expr).__name__}")

    def _select(self, expr: Select, scope: Scope) -> str:
        if isinstance(expr.operand, Variable) and isinstance(record := scope.get(expr.operand.name), Record):
            return record.fields[expr.field]
        if expr.relation == "inverse":
            return self._queries().rows(collection(expr), scope, self.session)
        entity = expr.operand.type.entity or ""
        names = self.context.names[entity].fields.get(expr.field)
        return f"{self.tight(expr.operand, scope)}.{names.attribute if names else expr.field}"

    def _negated(self, operand: Expr, scope: Scope) -> Printed:
        if isinstance(operand, Binary) and operand.op in ("==", "!=", "in"):
            opposite = {"==": "!=", "!=": "==", "in": "not in"}[operand.op]
            if opposite != "not in":
                return self._binary(Binary(opposite, operand.left, operand.right, operand.type), scope)
            if not self._is_query(operand.right):
                left, right = (self.tight(part, scope, _ADD) for part in (operand.left, operand.right))
                return f"{left} not in {right}", _COMPARE
        if isinstance(operand, Binary) and operand.op in _OPPOSITE:
            return self._binary(Binary(_OPPOSITE[operand.op], operand.left, operand.right, operand.type), scope)
        text = self.tight(operand, scope, _NOT)
        return (text.removeprefix("not "), _NOT) if text.startswith("not ") else (f"not {text}", _NOT)

    def negated(self, expr: Expr, scope: Scope) -> str:
        """The text of the condition's opposite, fit to stand behind `and`."""
        text, level = self._negated(expr, scope)
        return text if level > _OR or not isinstance(expr, Binary | Unary) else f"({text})"

    def _binary(self, expr: Binary, scope: Scope) -> Printed:
        op, left, right = expr.op, expr.left, expr.right
        if op in ("==", "!=") and isinstance(left, Literal_) and left.value is None:
            left, right = right, left
        if op in ("==", "!=") and isinstance(right, Literal_) and (right.value is None or isinstance(right.value, bool)):
            return self._compared_with_constant(op, left, right.value, scope)
        if op == "in" and self._is_query(right):
            return self._queries().contains(left, collection(right), scope, self.session), _ATOM
        if op in ("/", "%") and left.type.kind == "int":
            helper = self.context.helper("quotient" if op == "/" else "remainder")
            return f"{helper}({self(left, scope)}, {self(right, scope)})", _ATOM
        level = _LEVELS.get(op, _COMPARE)
        first = self.tight(left, scope, level + (level == _COMPARE))
        second = self.tight(right, scope, level + (level not in (_AND, _OR)))
        return f"{first} {_WORDS.get(op, op)} {second}", level

    def _compared_with_constant(self, op: str, left: Expr, value: object, scope: Scope) -> Printed:
        if value is None:
            return f"{self.tight(left, scope, _ADD)} {'is' if op == '==' else 'is not'} None", _COMPARE
        if left.type.nullable:
            return f"{self.tight(left, scope, _ADD)} {'is' if op == '==' else 'is not'} {value}", _COMPARE
        wanted = (op == "==") == value
        return self._print(left, scope) if wanted else self._negated(left, scope)

    def _is_query(self, expr: Expr) -> bool:
        base = collection(expr).base
        return isinstance(base, Select) and base.relation == "inverse"

    def _comprehension(self, expr: Comprehension, scope: Scope) -> Printed:
        if expr.macro in ("exists", "all"):
            if self._is_query(expr.source):
                return self._queries().quantified(expr, scope, self.session)
            parts = collection(expr.source)
            if parts.taken is None:
                name, inner = self._item(expr.variable, scope)
                kept = self._conditions(parts, name, inner)
                word = "any" if expr.macro == "exists" else "all"
                return f"{word}({self(expr.body, inner)} for {name} in {self.tight(parts.base, scope)}{kept})", _ATOM
        return f"[{self._items(expr, scope)}]", _ATOM

    def _items(self, expr: Expr, scope: Scope) -> str:
        """`x.amount for x in rows if x.open`, without brackets."""
        parts = collection(expr)
        if self._is_query(expr):
            return f"item for item in {self._queries().rows(parts, scope, self.session)}"
        name, inner = self._item(parts.variable or "item", scope)
        taken = self(parts.taken, inner) if parts.taken else name
        return f"{taken} for {name} in {self.tight(parts.base, scope)}{self._conditions(parts, name, inner)}"

    def _item(self, variable: str, scope: Scope) -> tuple[str, Scope]:
        taken = {binding.text for binding in scope.values() if isinstance(binding, (Loaded, Stored))}
        name = variable if len(variable) > 2 and variable not in taken else f"{variable}_item"
        return name, {**scope, variable: Loaded(name)}

    def _conditions(self, parts: Collection, name: str, inner: Scope) -> str:
        inner = {**inner, parts.variable: Loaded(name)} if parts.variable else inner
        return "".join(f" if {self.tight(condition, inner, _OR)}" for condition in parts.kept)

    def _call(self, expr: Call, scope: Scope) -> Printed:
        function, args = expr.function, expr.args
        if function in self.context.spec.units:
            return f"{alias(function)}({', '.join(self(arg, scope) for arg in args)})", _ATOM
        if args and args[0].type.kind == "list" and function in ("size", "sum", "avg", "min", "max"):
            return self._aggregate(expr, scope)
        if function in ("days", "hours", "minutes"):
            return f"dt.timedelta({function}={self(args[0], scope)})", _ATOM
        texts = [self(arg, scope) for arg in args]
        if function in _METHODS:
            return _METHODS[function].format(self.tight(args[0], scope), *texts[1:]), _ATOM
        if function in _LOOSE:
            text, level = _LOOSE[function]
            return text.format(*(self.tight(arg, scope, _ADD) for arg in args)), level
        if function in _FUNCTIONS:
            return _FUNCTIONS[function].format(*texts), _ATOM
        if function == "double":
            return (texts[0], _ATOM) if args[0].type.kind in ("number", "decimal") else (f"Decimal({texts[0]})", _ATOM)
        if function == "date":
            return (texts[0], _ATOM) if args[0].type.kind == "date" else (f"{self.tight(args[0], scope)}.date()", _ATOM)
        if function == "duration":
            return f"dt.timedelta(seconds={seconds_text(args[0])})", _ATOM
        if function == "string" and args[0].type.kind in ("string", "int"):
            return f"str({texts[0]})", _ATOM
        return f"{self.context.helper(_HELPERS.get(function, function))}({', '.join(texts)})", _ATOM

    def _aggregate(self, expr: Call, scope: Scope) -> Printed:
        function, source = expr.function, expr.args[0]
        if self._is_query(source):
            return self._queries().aggregate(expr, scope, self.session), _ATOM
        parts = collection(source)
        if function == "size" and not parts.kept:
            return f"len({self(parts.base, scope)})", _ATOM
        items = self._items(source, scope)
        if function == "size":
            return f"sum(1 {items[items.index(' for ') + 1 :]})", _ATOM
        if function == "sum":
            zero = ", Decimal(0)" if expr.type.kind == "decimal" else ", 0.0" if expr.type.kind == "number" else ""
            return (f"sum(({items}){zero})" if zero else f"sum({items})"), _ATOM
        if function == "avg":
            return f"{self.context.helper('average')}([{items}])", _ATOM
        return f"{function}(({items}), default=None)", _ATOM

    def _queries(self) -> "QueryPrinter":
        if self.queries is None:
            raise Bug("this expression needs a query, but no query printer is at hand")
        return self.queries


class QueryPrinter(ABC):
    """What plain printing asks of a query layer: expressions over rows that are not loaded."""

    @abstractmethod
    def rows(self, parts: Collection, scope: Scope, session: str) -> str:
        """All rows, or what is taken of them, as a sequence."""

    @abstractmethod
    def contains(self, item: Expr, parts: Collection, scope: Scope, session: str) -> str:
        """Whether an item is among them."""

    @abstractmethod
    def quantified(self, expr: Comprehension, scope: Scope, session: str) -> Printed:
        """`exists` and `all`."""

    @abstractmethod
    def aggregate(self, expr: Call, scope: Scope, session: str) -> str:
        """`size`, `sum`, `avg`, `min`, `max`."""


_METHODS = {
    "startsWith": "{0}.startswith({1})",
    "endsWith": "{0}.endswith({1})",
    "lower": "{0}.lower()",
    "upper": "{0}.upper()",
    "trim": "{0}.strip()",
    "weekday": "{0}.isoweekday()",
    "month": '{0}.strftime("%Y-%m")',
    "hour": "{0}.replace(minute=0, second=0, microsecond=0)",
    "getHours": "{0}.hour",
    "getMinutes": "{0}.minute",
    "getSeconds": "{0}.second",
    "getFullYear": "{0}.year",
}
_HELPERS = {"round": "round_half_up", "string": "text_of"}
_LOOSE = {"contains": ("{1} in {0}", _COMPARE), "getMonth": ("{0}.month - 1", _ADD)}
_FUNCTIONS = {
    "size": "len({0})",
    "matches": "re.search({1}, {0}) is not None",
    "int": "int({0})",
    "to_number": "float({0})",
    "floor": "math.floor({0})",
    "ceil": "math.ceil({0})",
    "abs": "abs({0})",
    "least": "min({0}, {1})",
    "greatest": "max({0}, {1})",
    "start_of": "dt.datetime.combine({0}, dt.time(), dt.UTC)",
    "timestamp": "dt.datetime.fromisoformat({0})",
}


def _constant(expr: Literal_) -> Printed:
    value = expr.value
    if isinstance(value, Decimal) and expr.type.kind == "number":
        return repr(float(value)), _ATOM
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and abs(value) < 10**15
        return (f"Decimal({int(value)})" if whole else f'Decimal("{value}")'), _ATOM
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return str(value), _UNARY
    return literal(value), _ATOM
