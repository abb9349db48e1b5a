"""Prints typed expressions in SQLAlchemy's query layer: conditions, derived values and aggregates for the database."""

from quantumlayer.blueprint.view.scope import (
    Collection,
    Context,
    Group,
    Link,
    Loaded,
    Record,
    Scalar,
    Scope,
    Stored,
    collection,
    variables,
)
from quantumlayer.errors import Bug
from quantumlayer.languages.python.plain import Plain, Printed, QueryPrinter
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

_COMPARE, _ADD, _MULTIPLY, _ATOM = 4, 5, 6, 8
_LEVELS = {"+": _ADD, "-": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "%": _MULTIPLY}
_FUNCTIONS = {"lower": "func.lower", "upper": "func.upper", "trim": "func.trim", "abs": "func.abs", "size": "func.length"}
_PARTS = {"date", "month", "weekday", "hour", "start_of", "getHours", "getMinutes", "getSeconds", "getFullYear", "getMonth"}


class Query(QueryPrinter):
    """The printer. `plain` prints the parts that are loaded values; both share one context."""

    def __init__(self, context: Context, plain: Plain) -> None:
        self.context, self.plain = context, plain
        plain.queries = self

    def __call__(self, expr: Expr, scope: Scope) -> str:
        """A SQL expression; what is loaded becomes a bound parameter."""
        return self._print(expr, scope)[0]

    def condition(self, expr: Expr, scope: Scope) -> str:
        """A boolean SQL expression for `where`."""
        if not self.is_stored(expr, scope):
            return f"true() if {self.plain(expr, scope)} else false()"
        return self(expr, scope)

    def conditions(self, expr: Expr, scope: Scope) -> list[str]:
        """The arguments of `where`, one for each part of a conjunction."""
        if isinstance(expr, Binary) and expr.op == "&&" and self._both_stored(expr, scope):
            return [*self.conditions(expr.left, scope), *self.conditions(expr.right, scope)]
        return [self.condition(expr, scope)]

    def tight(self, expr: Expr, scope: Scope, level: int = _ATOM) -> str:
        """In parentheses where it binds looser than `level`."""
        if not self.is_stored(expr, scope):
            return self.plain.tight(expr, scope, level)
        text, found = self._print(expr, scope)
        return text if found >= level else f"({text})"

    def is_stored(self, expr: Expr, scope: Scope) -> bool:
        """Whether the value depends on a row of the query, so that the database must compute it."""
        return any(isinstance(scope.get(v.name), (Stored, Scalar, Group)) for v in variables(self._deep(expr)))

    def _deep(self, expr: Expr) -> Expr:
        return self.context.expanded(expr)

    def _both_stored(self, expr: Binary, scope: Scope) -> bool:
        return self.is_stored(expr.left, scope) and self.is_stored(expr.right, scope)

    def _print(self, expr: Expr, scope: Scope) -> Printed:
        expr = self.context.expanded(expr)
        if not self.is_stored(expr, scope):
            if expr.type.kind == "duration":
                return f"({self.plain(expr, scope)}).total_seconds()", _ATOM
            return self.plain(expr, scope), 0
        match expr:
            case Variable(name=name):
                return self._variable(name, scope), _ATOM
            case Select():
                return self._select(expr, scope), _ATOM
            case Unary(op="!"):
                return f"not_({self.condition(expr.operand, scope)})", _ATOM
            case Unary(operand=operand):
                return f"-{self.tight(operand, scope)}", _MULTIPLY
            case Binary():
                return self._binary(expr, scope)
            case Conditional(test=test, then=then, otherwise=otherwise):
                return self._conditional(test, then, otherwise, scope), _ATOM
            case Call():
                return self._call(expr, scope)
            case Comprehension():
                return self._comprehension(expr, scope), _ATOM
        raise Bug(f"cannot print {type(expr).__name__} as a query")

    def _variable(self, name: str, scope: Scope) -> str:
        binding = scope[name]
        if isinstance(binding, Stored):
            return f"{binding.text}.id"
        if isinstance(binding, (Scalar, Loaded)):
            return binding.text
        raise Bug(f"{name} is no single value here")

    def _conditional(self, test: Expr, then: Expr, otherwise: Expr, scope: Scope) -> str:
        if not self.is_stored(test, scope):
            return f"({self(then, scope)} if {self.plain(test, scope)} else {self(otherwise, scope)})"
        branches = [self.value(part, scope) for part in (then, otherwise)]
        return f"case(({self.condition(test, scope)}, {branches[0]}), else_={branches[1]})"

    def value(self, expr: Expr, scope: Scope) -> str:
        """A SQL expression to be selected or compared with, constants included."""
        if isinstance(expr, Literal_) and expr.value is not None:
            return f"literal({self.plain(expr, scope)})"
        return "null()" if isinstance(expr, Literal_) else self(expr, scope)

    def _select(self, expr: Select, scope: Scope) -> str:
        operand, key = expr.operand, expr.field
        if isinstance(operand, Variable) and isinstance(record := scope.get(operand.name), Record):
            return record.fields[key]
        if expr.type.kind == "list":
            raise Bug(f"the list {key} is no single value")
        entity = operand.type.entity or ""
        if key == "id":
            return self.row_id(operand, scope)
        if isinstance(operand, Variable) and isinstance(stored := scope[operand.name], Stored):
            return f"{stored.text}.{self._key(entity, key)}"
        cls = self.context.source(entity, scope)
        source = self.row_id(operand, scope)
        column = f"{cls}.{self._key(entity, key)}"
        return f"select({column}).where({cls}.id == {source}){self._correlated(scope, expr)}.scalar_subquery()"

    def _key(self, entity: str, name: str) -> str:
        names = self.context.names[entity].fields.get(name)
        return names.key if names else name

    def row_id(self, expr: Expr, scope: Scope) -> str:
        """The id of a row-valued expression."""
        expr = self.context.expanded(expr)
        if isinstance(expr, Literal_):
            return "None"
        if not self.is_stored(expr, scope):
            text = self.plain.tight(expr, scope)
            return f"({text}.id if {text} is not None else None)" if expr.type.nullable else f"{text}.id"
        if isinstance(expr, Conditional):
            then, otherwise = self.row_id(expr.then, scope), self.row_id(expr.otherwise, scope)
            return f"case(({self.condition(expr.test, scope)}, {then}), else_={otherwise})"
        return self(expr, scope)

    def _correlated(self, scope: Scope, *exprs: Expr) -> str:
        """Says which rows of the enclosing queries a subquery means. Without it only the nearest query is looked at."""
        used = {v.name for expr in exprs for v in variables(self.context.expanded(expr))}
        bound = [b for name, b in scope.items() if name in used and isinstance(b, (Stored, Group, Scalar))]
        classes = [b.text.partition(".")[0] for b in bound]
        return f".correlate({', '.join(dict.fromkeys(classes))})" if classes else ""

    def _binary(self, expr: Binary, scope: Scope) -> Printed:
        op, left, right = expr.op, expr.left, expr.right
        if op in ("&&", "||"):
            return self._logical(expr, scope), _ATOM
        if op in ("==", "!="):
            return self._equality(op, left, right, scope)
        if op == "in":
            return self._membership(left, right, scope), _ATOM
        if left.type.kind in ("date", "datetime", "duration") and op in ("+", "-"):
            return self._shifted(op, left, right, scope), _ATOM
        if op == "/" and left.type.kind == "int":
            op = "//"
        level = _LEVELS.get(expr.op, _COMPARE)
        first = self.tight(left, scope, level + (level == _COMPARE))
        return f"{first} {op} {self.tight(right, scope, level + 1)}", level

    def _logical(self, expr: Binary, scope: Scope) -> str:
        conjunction = expr.op == "&&"
        for test, rest in ((expr.left, expr.right), (expr.right, expr.left)):
            if not self.is_stored(test, scope):
                other = self.condition(rest, scope)
                then, otherwise = (other, "false()") if conjunction else ("true()", other)
                return f"({then} if {self.plain(test, scope)} else {otherwise})"
        parts = self._flattened(expr, expr.op, scope)
        return f"{'and_' if conjunction else 'or_'}({', '.join(parts)})"

    def _flattened(self, expr: Expr, op: str, scope: Scope) -> list[str]:
        if isinstance(expr, Binary) and expr.op == op and self._both_stored(expr, scope):
            return [*self._flattened(expr.left, op, scope), *self._flattened(expr.right, op, scope)]
        return [self.condition(expr, scope)]

    def _equality(self, op: str, left: Expr, right: Expr, scope: Scope) -> Printed:
        if not self.is_stored(left, scope):
            left, right = right, left
        if isinstance(right, Literal_) and (right.value is None or isinstance(right.value, bool)):
            subject = self.row_id(left, scope) if left.type.kind == "entity" else self.tight(left, scope)
            return f"{subject}.{'is_' if op == '==' else 'is_not'}({right.value})", _ATOM
        if left.type.kind == "entity":
            first, second = self.row_id(left, scope), self.row_id(right, scope)
        else:
            first, second = self.tight(left, scope, _ADD), self.tight(right, scope, _ADD)
        if left.type.nullable or right.type.nullable:
            return f"{first}.{'is_not_distinct_from' if op == '==' else 'is_distinct_from'}({second})", _ATOM
        return f"{first} {op} {second}", _COMPARE

    def _membership(self, left: Expr, right: Expr, scope: Scope) -> str:
        if isinstance(right, ListOf):
            return f"{self.tight(left, scope)}.in_({self.plain(right, scope)})"
        parts = collection(right)
        if isinstance(parts.base, Select) and self.is_stored(parts.base, scope):
            return self._exists(left, parts, scope)
        return f"{self.tight(left, scope)}.in_({self.plain(right, scope)})"

    def _shifted(self, op: str, left: Expr, right: Expr, scope: Scope) -> str:
        if left.type.kind == "duration":
            if right.type.kind == "duration":
                return f"({self(left, scope)} {op} {self(right, scope)})"
            left, right = right, left
        if right.type.kind != "duration":
            return f"{self.context.helper('seconds_between')}({self(right, scope)}, {self(left, scope)})"
        amount = f"-({self._seconds(right, scope)})" if op == "-" else self._seconds(right, scope)
        helper = "add_days" if left.type.kind == "date" else "add_seconds"
        return f"{self.context.helper(helper)}({self(left, scope)}, {amount})"

    def _seconds(self, expr: Expr, scope: Scope) -> str:
        if isinstance(expr, Call) and expr.function in ("days", "hours", "minutes"):
            factor = {"days": 86400, "hours": 3600, "minutes": 60}[expr.function]
            amount = expr.args[0]
            if isinstance(amount, Literal_) and isinstance(amount.value, int):
                return str(amount.value * factor)
            return f"{self.tight(amount, scope, _MULTIPLY)} * {factor}"
        if isinstance(expr, Call) and expr.function == "duration":
            return seconds_text(expr.args[0])
        return self(expr, scope)

    def _call(self, expr: Call, scope: Scope) -> Printed:
        function, args = expr.function, expr.args
        if args and args[0].type.kind == "list" and function in ("size", "sum", "avg", "min", "max"):
            return self._aggregate(expr, scope), _ATOM
        if function in ("days", "hours", "minutes", "duration"):
            return self._seconds(expr, scope), _MULTIPLY
        if function in ("double", "to_number"):
            return self._converted(expr, scope), _ATOM
        texts = [self(arg, scope) for arg in args]
        if function in _FUNCTIONS:
            return f"{_FUNCTIONS[function]}({texts[0]})", _ATOM
        if function in ("least", "greatest"):
            return f"{self.context.helper(f'{function}_of')}({', '.join(texts)})", _ATOM
        if function == "matches":
            return f"{self.tight(args[0], scope)}.regexp_match({texts[1]})", _ATOM
        if function in ("contains", "startsWith", "endsWith"):
            return f"{self.context.helper(function.lower())}({', '.join(texts)})", _ATOM
        if function == "hours_between":
            return f"{self.context.helper('seconds_between')}({', '.join(texts)}) / 3600.0", _MULTIPLY
        if function == "date" and args[0].type.kind == "date":
            return texts[0], _ATOM
        if function == "days_between":
            helper = "days_apart" if args[0].type.kind == "date" else "whole_days_apart"
            return f"{self.context.helper(helper)}({', '.join(texts)})", _ATOM
        if function == "string":
            return f"cast({texts[0]}, String)", _ATOM
        if function == "int":
            return f"cast({self.context.helper('truncated')}({texts[0]}), BigInteger)", _ATOM
        if function in _PARTS or function in ("round", "floor", "ceil"):
            return f"{self.context.helper(f'{function}_of'.lower())}({', '.join(texts)})", _ATOM
        raise Bug(f"the function {function} has no form in a query")

    def _converted(self, expr: Call, scope: Scope) -> str:
        wanted = "Float" if expr.function == "to_number" or expr.type.kind == "number" else "Exact"
        return f"cast({self(expr.args[0], scope)}, {wanted})"

    # collections

    def _opened(self, parts: Collection, scope: Scope) -> tuple[str, list[str], Scope]:
        """What to select from, the conditions that link it to its owner, and the scope of its items."""
        base = parts.base
        if not isinstance(base, Select):
            raise Bug("only relations can be queried")
        operand = base.operand
        link = self.context.link(operand.type.entity or "", base.field)
        owner = self.row_id(operand, scope)
        variable = parts.variable or "item"
        if link.kind == "strings":
            cls = self.context.association(link.owner, link.name)
            return cls, [f"{cls}.owner_id == {owner}"], {**scope, variable: Scalar(f"{cls}.value")}
        entity = base.type.element.entity if base.type.element else None
        cls = self.context.source(entity or "", scope)
        return cls, self._linked(link, cls, owner), {**scope, variable: Stored(cls, entity or "")}

    def _linked(self, link: Link, cls: str, owner: str) -> list[str]:
        if link.kind == "inverse_reference":
            return [f"{cls}.{self.context.names[link.owner].fields[link.name].key} == {owner}"]
        table = self.context.association(link.owner, link.name)
        mine, other = ("owner_id", "target_id") if link.kind == "references" else ("target_id", "owner_id")
        return [f"{table}.c.{mine} == {owner}", f"{cls}.id == {table}.c.{other}"]

    def _where(self, conditions: list[str]) -> str:
        return f".where({', '.join(conditions)})"

    def _kept(self, parts: Collection, inner: Scope) -> list[str]:
        return [text for condition in parts.kept for text in self.conditions(condition, inner)]

    def _taken(self, parts: Collection, inner: Scope, source: str) -> str:
        if parts.taken is not None:
            return self.row_id(parts.taken, inner) if parts.taken.type.kind == "entity" else self(parts.taken, inner)
        binding = inner[parts.variable or "item"]
        return binding.text if isinstance(binding, Scalar) else f"{source}.id"

    def _exists(self, item: Expr, parts: Collection, scope: Scope) -> str:
        source, linked, inner = self._opened(parts, scope)
        wanted = self.row_id(item, scope) if item.type.kind == "entity" else self.tight(item, scope, _ADD)
        match = f"{self._taken(parts, inner, source)} == {wanted}"
        correlated = self._correlated(scope, item, parts.base, *parts.kept, *([parts.taken] if parts.taken else []))
        return f"select({source}.id){self._where([*linked, *self._kept(parts, inner), match])}{correlated}.exists()"

    def _comprehension(self, expr: Comprehension, scope: Scope) -> str:
        if expr.macro not in ("exists", "all"):
            raise Bug("a list is no single value")
        group = self._group(expr.source, scope)
        if group:
            return self._grouped_quantifier(expr, scope)
        source, conditions = self._quantifier_parts(expr, scope)
        found = f"select({source}.id){self._where(conditions)}{self._correlated(scope, expr)}.exists()"
        return found if expr.macro == "exists" else f"not_({found})"

    def _quantifier_parts(self, expr: Comprehension, scope: Scope) -> tuple[str, list[str]]:
        parts = collection(expr.source)
        named = Collection(parts.base, parts.variable or expr.variable, parts.kept, parts.taken)
        source, linked, inner = self._opened(named, scope)
        inner = {**inner, expr.variable: inner[named.variable]}
        body = self.conditions(expr.body, inner) if expr.macro == "exists" else [f"not_({self.condition(expr.body, inner)})"]
        return source, [*linked, *self._kept(named, inner), *body]

    def _aggregate(self, expr: Call, scope: Scope) -> str:
        source = expr.args[0]
        if self._group(source, scope):
            return self._grouped(expr, scope)
        parts = collection(source)
        table, linked, inner = self._opened(parts, scope)
        value = self._measure(expr, parts, inner, table)
        conditions = self._where([*linked, *self._kept(parts, inner)])
        return f"select({value}){conditions}{self._correlated(scope, source)}.scalar_subquery()"

    def _measure(self, expr: Call, parts: Collection, inner: Scope, table: str) -> str:
        if expr.function == "size":
            return f"func.count({table}.id)"
        taken = self._taken(parts, inner, table)
        if expr.function == "sum":
            total = f"func.sum({taken})"
            return f"func.coalesce({self._exact(total, expr)}, 0)"
        if expr.function == "avg":
            return self._exact(f"func.avg({taken})", expr)
        return f"func.{expr.function}({taken})"

    def _exact(self, text: str, expr: Call) -> str:
        return f"{self.context.helper('exact')}({text})" if expr.type.kind == "decimal" else text

    # groups of a report

    def _group(self, source: Expr, scope: Scope) -> Group | None:
        base = collection(source).base
        binding = scope.get(base.name) if isinstance(base, Variable) else None
        return binding if isinstance(binding, Group) else None

    def _grouped(self, expr: Call, scope: Scope) -> str:
        parts = collection(expr.args[0])
        group = self._group(expr.args[0], scope)
        if group is None:
            raise Bug("no group here")
        inner = {**scope, parts.variable or "item": Stored(group.text, group.entity)}
        value = self._measure(expr, parts, inner, group.text)
        kept = self._kept(parts, inner)
        if not kept:
            return value
        aggregate = value.removeprefix("func.coalesce(").removesuffix(", 0)") if expr.function == "sum" else value
        chosen = self._filtered(aggregate, kept)
        return f"func.coalesce({chosen}, 0)" if expr.function == "sum" else chosen

    def _filtered(self, aggregate: str, kept: list[str]) -> str:
        if aggregate.startswith("exact("):
            return f"exact({aggregate.removeprefix('exact(').removesuffix(')')}.filter({', '.join(kept)}))"
        return f"{aggregate}.filter({', '.join(kept)})"

    def _grouped_quantifier(self, expr: Comprehension, scope: Scope) -> str:
        parts, group = collection(expr.source), self._group(expr.source, scope)
        if group is None:
            raise Bug("no group here")
        inner = {**scope, (parts.variable or expr.variable): Stored(group.text, group.entity)}
        inner[expr.variable] = Stored(group.text, group.entity)
        body = self.condition(expr.body, inner)
        body = body if expr.macro == "exists" else f"not_({body})"
        counted = f"func.count({group.text}.id).filter({', '.join([*self._kept(parts, inner), body])})"
        return f"{counted} > 0" if expr.macro == "exists" else f"{counted} == 0"

    # what plain code asks

    def rows(self, parts: Collection, scope: Scope, session: str) -> str:
        source, linked, inner = self._opened(parts, scope)
        taken = source if parts.taken is None else self._taken(parts, inner, source)
        return f"{session}.scalars(select({taken}){self._where([*linked, *self._kept(parts, inner)])}).all()"

    def contains(self, item: Expr, parts: Collection, scope: Scope, session: str) -> str:
        source, linked, inner = self._opened(parts, scope)
        wanted = self.row_id(item, scope) if item.type.kind == "entity" else self.plain(item, scope)
        match = f"{self._taken(parts, inner, source)} == {wanted}"
        conditions = [f"{source}.id", *linked, *self._kept(parts, inner), match]
        return f"{self.context.helper('exists')}({session}, {', '.join(conditions)})"

    def quantified(self, expr: Comprehension, scope: Scope, session: str) -> Printed:
        source, conditions = self._quantifier_parts(expr, scope)
        text = f"{self.context.helper('exists')}({session}, {', '.join([f'{source}.id', *conditions])})"
        return (text, _ATOM) if expr.macro == "exists" else (f"not {text}", 3)

    def aggregate(self, expr: Call, scope: Scope, session: str) -> str:
        parts = collection(expr.args[0])
        source, linked, inner = self._opened(parts, scope)
        conditions = [*linked, *self._kept(parts, inner)]
        if expr.function == "size":
            return f"{self.context.helper('count')}({session}, {', '.join([f'{source}.id', *conditions])})"
        value = self._measure(expr, parts, inner, source)
        fetch = "scalar_one"
        return f"{session}.execute(select({value}){self._where(conditions)}).{fetch}()"
