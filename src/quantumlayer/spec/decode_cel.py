"""From the decoded CEL messages to typed `expression` trees, with the null check that CEL itself leaves to run time."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

from quantumlayer.spec.expression import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Expr,
    Kind,
    ListOf,
    Literal_,
    Select,
    Type,
    Unary,
    Variable,
)
from quantumlayer.spec.functions import OVERLOADS

BOOL, INT, STRING = Type("bool"), Type("int"), Type("string")
NULL = Type("null", nullable=True)
_BINARY = {f"_{op}_": op for op in ("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||")} | {"@in": "in"}
_NULLABLE = {o.name for o in OVERLOADS if o.nullable}
_RESULTS: dict[str, Type] = {
    **dict.fromkeys(("size", "int", "floor", "ceil", "days_between", "weekday"), INT),
    **dict.fromkeys(("getHours", "getMinutes", "getSeconds", "getFullYear", "getMonth"), INT),
    **dict.fromkeys(("contains", "startsWith", "endsWith", "matches"), BOOL),
    **dict.fromkeys(("string", "lower", "upper", "trim", "month", "random_code", "slug"), STRING),
    **{name: Type("duration") for name in ("days", "hours", "minutes", "duration")},
    **{name: Type("datetime") for name in ("timestamp", "start_of", "hour")},
    **{name: Type("decimal") for name in ("double", "hours_between", "avg")},
    "date": Type("date"),
}
Facts = frozenset[str]
UnitSignature = tuple[tuple[Kind, ...], Type]


class MemberLike(Protocol):
    """A field of a message as the builder needs it."""

    @property
    def type(self) -> Type: ...

    @property
    def relation(self) -> Any: ...


class Builder:
    """Builds one expression. `facts` are the paths known not to be null where the builder stands."""

    def __init__(
        self,
        messages: Mapping[str, Mapping[str, MemberLike]],
        variables: dict[str, Type],
        fail: Callable[[str, int], Exception],
        units: Mapping[str, UnitSignature] = {},
        meant: Mapping[str, str] = {},
    ) -> None:
        self.messages, self.variables, self.fail, self.units = messages, variables, fail, units
        self.meant = meant

    def build(self, node: Any, facts: Facts = frozenset()) -> Expr:
        match node.WhichOneof("kind"):
            case "const_expr":
                return self._constant(node)
            case "ident_expr":
                name = self._name(node)
                return Variable(name, _narrow(self.variables[name], name, facts))
            case "select_expr":
                return self._select(node, facts)
            case "call_expr":
                return self._call(node, facts)
            case "list_expr":
                items = tuple(self._solid(e, facts) for e in node.list_expr.elements)
                return ListOf(items, Type("list", element=items[0].type if items else Type("dyn")))
            case "comprehension_expr":
                return self._comprehension(node, facts)
            case kind:
                raise self.fail(f"{kind} is not supported", node.id)

    def _name(self, node: Any) -> str:
        name = node.ident_expr.name.lstrip(".")
        return self.meant.get(name, name)

    def _solid(self, node: Any, facts: Facts) -> Expr:
        built = self.build(node, facts)
        if built.type.nullable:
            raise self.fail(
                f"{path(built) or 'this value'} may be null here: guard it with "
                f"`{path(built) or 'x'} == null || …` or `{path(built) or 'x'} != null && …`",
                node.id,
            )
        return built

    def _constant(self, node: Any) -> Expr:
        match node.const_expr.WhichOneof("kind"):
            case "bool_value":
                return Literal_(node.const_expr.bool_value, BOOL)
            case "int64_value":
                return Literal_(node.const_expr.int64_value, INT)
            case "double_value":
                return Literal_(Decimal(repr(node.const_expr.double_value)), Type("decimal"))
            case "string_value":
                return Literal_(node.const_expr.string_value, STRING)
            case "null_value":
                return Literal_(None, NULL)
            case kind:
                raise self.fail(f"{kind} is not supported", node.id)

    def _select(self, node: Any, facts: Facts) -> Expr:
        if node.select_expr.test_only:
            raise self.fail("has() is not supported: compare with null", node.id)
        operand = self._solid(node.select_expr.operand, facts)
        member = self.messages[operand.type.entity or ""][node.select_expr.field]
        built = Select(operand, node.select_expr.field, member.type, member.relation)
        return replace(built, type=_narrow(built.type, path(built), facts))

    def _call(self, node: Any, facts: Facts) -> Expr:
        call = node.call_expr
        name, args = call.function, ([call.target] if call.HasField("target") else []) + list(call.args)
        if name == "_?_:_":
            return self._conditional(args, facts)
        if name in ("!_", "-_"):
            operand = self._solid(args[0], facts)
            return Unary("!" if name == "!_" else "-", operand, operand.type)
        if name in ("_&&_", "_||_"):
            left = self._solid(args[0], facts)
            right = self._solid(args[1], facts | (truths(left) if name == "_&&_" else falsehoods(left)))
            return Binary(_BINARY[name], left, right, BOOL)
        if name in _BINARY:
            return self._binary(_BINARY[name], args, node.id, facts)
        if name == "_[_]":
            raise self.fail("indexing is not supported", node.id)
        return self._function(name, args, node.id, facts)

    def _conditional(self, args: list[Any], facts: Facts) -> Expr:
        test = self._solid(args[0], facts)
        then, otherwise = self.build(args[1], facts | truths(test)), self.build(args[2], facts | falsehoods(test))
        then, otherwise = _same_number(then, otherwise)
        self._not_mixed(then, otherwise, args[2].id)
        main = otherwise if then.type.kind == "null" else then
        nullable = then.type.nullable or otherwise.type.nullable
        return Conditional(test, then, otherwise, replace(main.type, nullable=nullable))

    def _binary(self, op: str, args: list[Any], node_id: int, facts: Facts) -> Expr:
        build = self.build if op in ("==", "!=") else self._solid
        left, right = build(args[0], facts), build(args[1], facts)
        left, right = _same_number(left, right)
        if op != "-":
            self._not_mixed(left, right, node_id)
        if op in ("+", "-", "*", "/", "%"):
            return Binary(op, left, right, _arithmetic(op, left.type, right.type))
        return Binary(op, left, right, BOOL)

    def _not_mixed(self, left: Expr, right: Expr, node_id: int) -> None:
        if {left.type.kind, right.type.kind} == {"date", "datetime"}:
            raise self.fail("a date and a datetime meet: write date(x) or start_of(x)", node_id)

    def _function(self, name: str, args: list[Any], node_id: int, facts: Facts) -> Expr:
        built = tuple(self._solid(a, facts) for a in args)
        first = built[0].type if built else Type("dyn")
        if name == "least" or name == "greatest":
            built = _same_number(*built)
            self._not_mixed(built[0], built[1], args[1].id)
            result = built[0].type
        elif name in ("sum", "min", "max"):
            result = first.element or Type("dyn")
        elif name in ("round", "abs") or name == "double" and first.kind == "number":
            result = first
        elif name == "avg":
            result = first.element if first.element and first.element.kind == "number" else Type("decimal")
        elif name in self.units:
            built, result = self._unit(name, built, args)
        elif name in _RESULTS:
            result = _RESULTS[name]
        else:
            raise self.fail(f"the function {name} is not supported", node_id)
        call = Call(name, built, replace(result, nullable=name in _NULLABLE and len(args) == 1))
        return replace(call, type=_narrow(call.type, path(call), facts))

    def _unit(self, name: str, built: tuple[Expr, ...], args: list[Any]) -> tuple[tuple[Expr, ...], Type]:
        kinds, result = self.units[name]
        given = []
        for expr, kind, node in zip(built, kinds, args, strict=True):
            expr = _as_number(expr) if (kind, expr.type.kind) == ("number", "decimal") else expr
            if expr.type.kind != kind:
                raise self.fail(f"the unit {name} takes a {kind} here, this is a {expr.type}", node.id)
            given.append(expr)
        return tuple(given), result

    def _comprehension(self, node: Any, facts: Facts) -> Expr:
        fold = node.comprehension_expr
        source = self._solid(fold.iter_range, facts)
        facts = frozenset(fact for fact in facts if not re.search(rf"\b{fold.iter_var}\b", fact))
        if isinstance(source, Comprehension) and source.macro == "filter":
            kept = (re.sub(rf"\b{source.variable}\b", fold.iter_var, fact) for fact in truths(source.body))
            facts |= frozenset(fact for fact in kept if fact)
        variables = {**self.variables, fold.iter_var: source.type.element or Type("dyn")}
        inner = Builder(self.messages, variables, self.fail, self.units, self.meant)
        step = fold.loop_step.call_expr
        shape = (fold.accu_init.WhichOneof("kind"), step.function)
        if shape == ("const_expr", "_||_") or shape == ("const_expr", "_&&_"):
            body = inner._solid(step.args[1], facts)
            return Comprehension("exists" if step.function == "_||_" else "all", source, fold.iter_var, body, BOOL)
        if shape == ("list_expr", "_+_"):
            body = inner._solid(step.args[1].list_expr.elements[0], facts)
            return Comprehension("map", source, fold.iter_var, body, Type("list", element=body.type))
        if shape == ("list_expr", "_?_:_"):
            return self._filter(inner, source, fold, step, facts)
        raise self.fail("this macro is not supported: use filter, map, exists or all", node.id)

    def _filter(self, inner: "Builder", source: Expr, fold: Any, step: Any, facts: Facts) -> Expr:
        test = inner._solid(step.args[0], facts)
        kept = Comprehension("filter", source, fold.iter_var, test, source.type)
        element = step.args[1].call_expr.args[1].list_expr.elements[0]
        if element.WhichOneof("kind") == "ident_expr" and element.ident_expr.name == fold.iter_var:
            return kept
        body = inner._solid(element, facts | truths(test))
        return Comprehension("map", kept, fold.iter_var, body, Type("list", element=body.type))


def path(expr: Expr) -> str:
    """What a null check is about, as text: `self.member.name`, `max(self.bids.map(b, b.amount))`. Empty if not fixed."""
    match expr:
        case Variable(name=name):
            return name
        case Literal_(value=value):
            return repr(value)
        case Select(operand=operand, field=field):
            return _text("{}." + field, operand)
        case Unary(op=op, operand=operand):
            return _text(op + "{}", operand)
        case Binary(op=op, left=left, right=right):
            return _text("({} " + op + " {})", left, right)
        case Call(function=function, args=args) if function != "random_code":
            return _text(f"{function}({', '.join('{}' for _ in args)})", *args)
        case Comprehension(macro=macro, source=source, variable=variable, body=body):
            return _text("{}." + f"{macro}({variable}, {{}})", source, body)
        case _:
            return ""


def _text(template: str, *parts: Expr) -> str:
    texts = [path(part) for part in parts]
    return template.format(*texts) if all(texts) else ""


def truths(expr: Expr) -> Facts:
    """The paths that are not null where `expr` is true."""
    match expr:
        case Binary(op="!=", left=left, right=Literal_(value=None)) | Binary(op="!=", left=Literal_(value=None), right=left):
            return frozenset({path(left)} - {""})
        case Binary(op="&&", left=left, right=right):
            return truths(left) | truths(right)
        case Unary(op="!", operand=operand):
            return falsehoods(operand)
        case _:
            return frozenset()


def falsehoods(expr: Expr) -> Facts:
    """The paths that are not null where `expr` is false."""
    match expr:
        case Binary(op="==", left=left, right=Literal_(value=None)) | Binary(op="==", left=Literal_(value=None), right=left):
            return frozenset({path(left)} - {""})
        case Binary(op="||", left=left, right=right):
            return falsehoods(left) | falsehoods(right)
        case Unary(op="!", operand=operand):
            return truths(operand)
        case _:
            return frozenset()


def _narrow(type_: Type, name: str, facts: Facts) -> Type:
    return replace(type_, nullable=False) if name in facts else type_


def _same_number(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """Exact decimals meet binary numbers as numbers."""
    if left.type.kind == "number" and right.type.kind == "decimal":
        return left, _as_number(right)
    if left.type.kind == "decimal" and right.type.kind == "number":
        return _as_number(left), right
    return left, right


def _as_number(expr: Expr) -> Expr:
    number = replace(expr.type, kind="number")
    return replace(expr, type=number) if isinstance(expr, Literal_) else Call("to_number", (expr,), number)


def _arithmetic(op: str, left: Type, right: Type) -> Type:
    if op == "-" and left.kind in ("date", "datetime") and right.kind in ("date", "datetime"):
        return Type("duration")
    if left.kind == "duration" and right.kind in ("date", "datetime"):
        return right
    return left
