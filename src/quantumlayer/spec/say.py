"""Expressions in plain English, for documents that people sign: exact, never shorter than the truth."""

from decimal import Decimal

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

_COMPARED = {
    "==": "is",
    "!=": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
    "in": "is one of",
}
_TIMED = {"<": "is before", "<=": "is not after", ">": "is after", ">=": "is not before"}
_COMPUTED = {"+": "plus", "-": "minus", "*": "times", "/": "divided by", "%": "modulo"}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_UNITS = {"days": "day", "hours": "hour", "minutes": "minute"}
_OF_LIST = {"sum": "the sum of", "avg": "the average of", "min": "the lowest of", "max": "the highest of"}
_OF_TWO = {"least": "the smaller of", "greatest": "the larger of"}


def say(expr: Expr, label: str) -> str:
    """The words for an expression about a row that is called `label`, as in `loan`."""
    return _Speaker(label).say(expr)


class _Speaker:
    def __init__(self, label: str) -> None:
        self.label = label.replace("_", " ")
        self.bound: list[str] = []

    def say(self, expr: Expr) -> str:
        match expr:
            case Literal_(value=value):
                return _literal(value)
            case Variable(name=name):
                return self._variable(name)
            case Select(operand=operand, field=field):
                return self._select(operand, field.replace("_", " "))
            case Unary(op="-", operand=operand):
                return f"minus {self.say(operand)}"
            case Unary(operand=operand):
                return self._denied(operand)
            case Binary():
                return self._binary(expr)
            case Conditional(test=test, then=then, otherwise=otherwise):
                return f"{self.say(then)} if {self.say(test)}, else {self.say(otherwise)}"
            case ListOf(items=items):
                return _listed([self.say(i) for i in items], "or")
            case Call():
                return self._call(expr)
            case Comprehension():
                return self._comprehension(expr)

    def _variable(self, name: str) -> str:
        known = {"self": f"this {self.label}", "actor": "the caller", "now": "now", "today": "today", "rows": "the rows"}
        return known.get(name, "it" if name in self.bound else name)

    def _select(self, operand: Expr, field: str) -> str:
        if isinstance(operand, Variable):
            if operand.name in self.bound:
                return field
            if operand.name == "self":
                return f"this {self.label}'s {field}" if self.bound else f"its {field}"
            if operand.name == "input":
                return f"the given {field}"
        owner = self.say(operand)
        return f"{owner}{chr(39) if owner.endswith('s') else chr(39) + 's'} {field}"

    def _binary(self, expr: Binary) -> str:
        if expr.op in ("&&", "||"):
            return self._joined(expr)
        if (
            expr.op == "in"
            and isinstance(expr.left, Literal_)
            and isinstance(expr.right, Select)
            and expr.right.field == "roles"
        ):
            return f"{self.say(expr.right.operand)} has the role {_literal(expr.left.value)}"
        if expr.op in _COMPUTED:
            return f"{self._factor(expr.left, expr.op)} {_COMPUTED[expr.op]} {self._factor(expr.right, expr.op)}"
        if isinstance(expr.right, Literal_) and expr.right.value is None:
            if isinstance(expr.left, Variable) and expr.left.name == "actor":
                return "nobody is signed in" if expr.op == "==" else "somebody is signed in"
            return f"{self.say(expr.left)} is {'empty' if expr.op == '==' else 'given'}"
        timed = expr.left.type.kind in ("date", "datetime") and expr.op in _TIMED
        words = _TIMED[expr.op] if timed else _COMPARED[expr.op]
        return f"{self.say(expr.left)} {words} {self.say(expr.right)}"

    def _factor(self, expr: Expr, op: str) -> str:
        text = self.say(expr)
        chosen = isinstance(expr, Conditional) or (isinstance(expr, Call) and expr.function in _OF_TWO)
        loose = chosen or (op in "*/%-" and isinstance(expr, Binary) and expr.op in "+-")
        return f"({text})" if loose else text

    def _joined(self, expr: Binary) -> str:
        word = " and " if expr.op == "&&" else " or "

        def part(inner: Expr) -> str:
            mixed = isinstance(inner, Binary) and inner.op in ("&&", "||") and inner.op != expr.op
            return f"({self.say(inner)})" if mixed or isinstance(inner, Conditional) else self.say(inner)

        return part(expr.left) + word + part(expr.right)

    def _denied(self, expr: Expr) -> str:
        if isinstance(expr, Binary) and expr.op in _OPPOSITE:
            return self._binary(Binary(_OPPOSITE[expr.op], expr.left, expr.right, expr.type))
        if isinstance(expr, Comprehension) and expr.macro == "exists":
            return "there is no " + self._comprehension(expr).removeprefix("there is one of ")
        if isinstance(expr, Select):
            return f"{self.say(expr)} is not set"
        return f"it is not so that {self.say(expr)}"

    def _call(self, expr: Call) -> str:
        name = expr.function
        args = [f"({self.say(a)})" if isinstance(a, Conditional) else self.say(a) for a in expr.args]
        if name in _UNITS:
            return f"{args[0]} {_UNITS[name]}{'' if args[0] == '1' else 's'}"
        if name == "size":
            return f"the number of {args[0]}"
        if name in _OF_LIST and len(args) == 1:
            return f"{_OF_LIST[name]} {args[0]}"
        if name in _OF_TWO:
            return f"{_OF_TWO[name]} {args[0]} and {args[1]}"
        simple = {
            "double": "{0}",
            "int": "{0}",
            "string": "{0}",
            "date": "the day of {0}",
            "start_of": "the beginning of {0}",
            "hour": "the hour of {0}",
            "month": "the month of {0}",
            "weekday": "the weekday of {0}",
            "floor": "{0} rounded down",
            "ceil": "{0} rounded up",
            "abs": "the size of {0}",
            "round": "{0} rounded to {1} places",
            "days_between": "the days from {0} to {1}",
            "hours_between": "the hours from {0} to {1}",
            "random_code": "a random code of {0} letters and digits",
            "slug": "{0} as a slug",
            "lower": "{0} in lower case",
            "upper": "{0} in upper case",
            "trim": "{0} without outer white space",
            "contains": "{0} contains {1}",
            "startsWith": "{0} starts with {1}",
            "endsWith": "{0} ends with {1}",
            "matches": "{0} matches {1}",
        }
        return simple[name].format(*args) if name in simple else f"{name}({', '.join(args)})"

    def _comprehension(self, expr: Comprehension) -> str:
        source = self.say(expr.source)
        self.bound.append(expr.variable)
        body = self.say(expr.body)
        self.bound.pop()
        if expr.macro == "map":
            return f"the {body} of {source}"
        if expr.macro == "filter":
            return (
                f"{source} whose {body}"
                if body.split(" ")[0] not in ("it", "this", "now", "today")
                else f"{source} where {body}"
            )
        if expr.macro == "exists":
            return f"there is one of {source} where {body}"
        return f"for all of {source}, {body}"


def _literal(value: bool | int | str | Decimal | None) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value).replace("_", " ") if isinstance(value, str) else str(value)


def _listed(words: list[str], joiner: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joiner} {words[-1]}" if words else "nothing"
