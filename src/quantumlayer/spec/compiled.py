"""Every CEL text of a spec as a typed tree, in one place.

    compiled = Compiled(spec)
    compiled.rule("loan", "max_open")              -> Expr
    compiled.default("loan", "due_date")           -> Expr | None
    compiled.value("loan", "fine")                 -> Expr | None
    compiled.unique_where("loan", 0)               -> Expr | None     index into Entity.unique
    compiled.visible("post")                       -> Expr | None
    compiled.guard("booking", "cancel", "in_time") -> Expr            entity, operation, guard
    compiled.allow("booking", "cancel")            -> Expr | None
    compiled.where("loan", "overdue")              -> Expr | None
    compiled.redirect("link", "visit")             -> Expr | None
    compiled.input_default("loan", "extend", "by") -> Expr | None
    compiled.effects("loan", "return")             -> tuple[CompiledEffect, ...]
    compiled.report("below_reorder_level")         -> CompiledReport
    compiled.at("entities", "loan", "rules", "max_open", "check")     any text by its path in the spec

Variables in scope (`now`, `today` are always there but in `unique[].where`; `actor` only where the spec has `auth`):

| place | variables |
|---|---|
| field `default` | `self` (earlier fields), `actor` (nullable unless every way to create the row wants a caller) |
| input `default` | `actor` |
| field `value` | `self`, `actor` nullable |
| rule `check` | `self` |
| `unique[].where` | `self`, its own stored fields only |
| `visible` | `self`, `actor` nullable |
| `allow` | `actor` not null, `input`, `self` on a row and for create |
| guard, effect, `redirect` | `input`, `actor`, `self` on a row and for create |
| list `where`, report `where` | `self`, `input`, `actor` |
| report `group_by`, `columns` | `self`, `input`, `actor`, `each` where declared; `measures`: `rows`, `input`, `actor` |

`actor` is nullable where the operation's access lets anonymous callers in. What a guard has established not to be null
(`input.to != null`) need not be checked again in later guards and effects. An effect whose `update` or `delete` is null does
nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from quantumlayer.spec.cel import CLOCK, CelError, Dialect, input_message, row
from quantumlayer.spec.decode_cel import Facts, path, truths
from quantumlayer.spec.expression import Call, Conditional, Expr, Literal_, Select, Type, Variable, walk
from quantumlayer.spec.fits import SCALARS, misfit
from quantumlayer.spec.problems import Path, Problem, SpecError, nearest
from quantumlayer.spec.routes import kind_of
from quantumlayer.spec.values import Access, Effect, Entity, Field, Operation, Report, Spec

Scope = dict[str, Type]
_UNSTORED = ("id", "created_at", "updated_at")
_WRITTEN_ONLY = {"random_code": "would change at each evaluation", "slug": "is computed once, when a row is written"}


@dataclass(frozen=True)
class CompiledEffect:
    """One effect. `entity` is what is created, updated or deleted; `target` names the row, None for `create`.

    `target` may be nullable: the effect does nothing where it is null. `set` is in the spec's order.
    """

    kind: str
    entity: str
    target: Expr | None
    set: dict[str, Expr]


@dataclass(frozen=True)
class CompiledReport:
    """The expressions of a report, by column."""

    allow: Expr | None
    where: Expr | None
    group_by: dict[str, Expr]
    measures: dict[str, Expr]
    columns: dict[str, Expr]


class Compiled:
    """All expressions of a spec. Raises `SpecError` where one does not compile (`check.checked` finds the rest)."""

    def __init__(self, spec: Spec) -> None:
        walker = Walker(spec)
        walker.run()
        if walker.problems:
            raise SpecError(walker.problems)
        self.spec = spec
        self.messages = walker.dialect.messages
        self.expressions: dict[Path, Expr] = walker.found

    def at(self, *place: str | int) -> Expr | None:
        """The expression whose text stands at this path of the spec."""
        return self.expressions.get(place)

    def rule(self, entity: str, name: str) -> Expr:
        """The check of a rule."""
        return self.expressions["entities", entity, "rules", name, "check"]

    def default(self, entity: str, field: str) -> Expr | None:
        """The default of a field."""
        return self.at("entities", entity, "fields", field, "default")

    def value(self, entity: str, field: str) -> Expr | None:
        """The value of a derived field."""
        return self.at("entities", entity, "fields", field, "value")

    def unique_where(self, entity: str, index: int) -> Expr | None:
        """The condition of `Entity.unique[index]`."""
        return self.at("entities", entity, "unique", index, "where")

    def visible(self, entity: str) -> Expr | None:
        """Which rows a caller may see."""
        return self.at("entities", entity, "visible")

    def guard(self, entity: str, operation: str, name: str) -> Expr:
        """The check of a guard."""
        return self.expressions["entities", entity, "operations", operation, "guards", name, "check"]

    def allow(self, entity: str, operation: str) -> Expr | None:
        """The condition on the caller."""
        return self.at("entities", entity, "operations", operation, "access", "allow")

    def where(self, entity: str, operation: str) -> Expr | None:
        """The restriction of a list."""
        return self.at("entities", entity, "operations", operation, "where")

    def redirect(self, entity: str, operation: str) -> Expr | None:
        """Where an operation redirects to."""
        return self.at("entities", entity, "operations", operation, "redirect")

    def input_default(self, entity: str, operation: str, name: str) -> Expr | None:
        """The default of an operation's input."""
        return self.at("entities", entity, "operations", operation, "input", name, "default")

    def effects(self, entity: str, operation: str) -> tuple[CompiledEffect, ...]:
        """The effects of an operation, in order."""
        declared = self.spec.entities[entity].operations[operation].effects
        base: Path = ("entities", entity, "operations", operation, "effects")
        return tuple(self._effect(effect, (*base, index)) for index, effect in enumerate(declared))

    def _effect(self, effect: Effect, base: Path) -> CompiledEffect:
        values = {name: self.expressions[(*base, "set", name)] for name in effect.set}
        if effect.create:
            return CompiledEffect("create", effect.create, None, values)
        kind = "delete" if effect.delete else "update"
        target = self.expressions[(*base, kind)]
        return CompiledEffect(kind, target.type.entity or "", target, values)

    def report(self, name: str) -> CompiledReport:
        """The expressions of a report."""
        report, base = self.spec.reports[name], ("reports", name)

        def columns(member: str, declared: dict[str, str]) -> dict[str, Expr]:
            return {key: self.expressions[(*base, member, key)] for key in declared}

        return CompiledReport(
            self.at(*base, "access", "allow"),
            self.at(*base, "where"),
            columns("group_by", report.group_by),
            columns("measures", report.measures),
            columns("columns", report.columns),
        )


class Walker:
    """Visits every CEL text of a spec whose relations hold together; gathers trees in `found` and mistakes in `problems`."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.dialect = Dialect(spec)
        self.found: dict[Path, Expr] = {}
        self.problems: list[Problem] = []
        self._made_by_anyone = _made_by_anyone(spec)

    def run(self) -> None:
        """Visit everything once."""
        for name, entity in self.spec.entities.items():
            self._entity(name, entity)
        for name, report in self.spec.reports.items():
            self._report(name, report)

    def _compile(self, place: Path, text: str, variables: Scope, facts: Facts = frozenset()) -> Expr | None:
        try:
            expr = self.dialect.compile(text, variables, facts)
        except CelError as error:
            hint = error.hint or self._hint(error, variables)
            self.problems.append(Problem(place, error.reason, hint, error.line, error.column))
            return None
        if place[-1] != "default" and "set" not in place:
            units = dict.fromkeys(self.spec.units, "is a unit, whose answer is stored when a row is written")
            for function, reason in {**_WRITTEN_ONLY, **units}.items():
                if any(_calls(expr, function)):
                    self._problem(place, f"{function}() {reason}", "use it in a default or in an effect's set")
        self.found[place] = expr
        return expr

    def _problem(self, place: Path, message: str, hint: str = "") -> None:
        self.problems.append(Problem(place, message, hint))

    def _hint(self, error: CelError, variables: Scope) -> str:
        if found := error.match(r"undeclared reference to '(\w+)'"):
            if found[1] == "actor":
                return "the spec has no auth" if not self.spec.auth else "actor is not known here: use a guard or access.allow"
            return nearest(found[1], variables)
        if found := error.match(r"undefined field '(\w+)' not found in struct 'spec\.(\w+)'"):
            return nearest(found[1], self.dialect.messages[found[2]])
        return ""

    def _bool(self, place: Path, text: str | None, variables: Scope, facts: Facts = frozenset()) -> Expr | None:
        expr = self._compile(place, text, variables, facts) if text is not None else None
        if expr and (expr.type.kind != "bool" or expr.type.nullable):
            self._problem(place, f"a condition must be true or false, this is a {expr.type}")
        return expr

    def _field(self, place: Path, text: str, variables: Scope, field: Field | None, facts: Facts = frozenset()) -> None:
        expr = self._compile(place, text, variables, facts)
        if expr and field and (problem := misfit(expr, field)):
            hint = "set required: false, or write `x == null ? … : x`" if "null" in problem else ""
            self._problem(place, problem, hint)

    def _actor(self, *, nullable: bool) -> Scope:
        known = self.spec.auth and self.spec.auth.entity in self.spec.entities
        return {"actor": row(self.spec.auth.entity, nullable=nullable)} if self.spec.auth and known else {}

    # entities

    def _entity(self, name: str, entity: Entity) -> None:
        base, own = ("entities", name), {"self": row(name), **CLOCK}
        creator = self._actor(nullable=name in self._made_by_anyone)
        for key, field in entity.fields.items():
            if field.default is not None:
                place = (*base, "fields", key, "default")
                self._field(place, field.default, {**own, **creator}, field)
                self._only_earlier(place, entity, key)
            if field.value is not None:
                self._field((*base, "fields", key, "value"), field.value, {**own, **self._actor(nullable=True)}, field)
        for index, unique in enumerate(entity.unique):
            place = (*base, "unique", index, "where")
            self._bool(place, unique.where, {"self": row(name)})
            self._only_stored(place, entity)
        for key, rule in entity.rules.items():
            self._bool((*base, "rules", key, "check"), rule.check, own)
        self._bool((*base, "visible"), entity.visible, {**own, **self._actor(nullable=True)})
        for key, operation in entity.operations.items():
            self._operation(name, key, operation)

    def _only_earlier(self, place: Path, entity: Entity, field: str) -> None:
        names = list(entity.fields)
        known = {n for n in names[: names.index(field)] if entity.fields[n].value is None}
        known |= {entity.state.field} if entity.state else set()
        for name in _own_members(self.found.get(place)):
            if name not in known:
                self._problem(place, f"self.{name} is not known yet when this default is evaluated", _move_hint(name, entity))

    def _only_stored(self, place: Path, entity: Entity) -> None:
        expr = self.found.get(place)
        stored = {n for n, f in entity.fields.items() if f.value is None and f.type not in ("strings", "references")}
        stored |= {entity.state.field} if entity.state else set()
        for name in _own_members(expr):
            if name not in stored:
                self._problem(place, f"self.{name} is not stored in the row: a unique condition may use its own fields only")
        if expr and any(isinstance(e, Select) and not isinstance(e.operand, Variable) for e in walk(expr)):
            self._problem(place, "a unique condition may not look at other rows")

    def _operation(self, name: str, key: str, operation: Operation) -> None:
        base: Path = ("entities", name, "operations", key)
        kind = kind_of(key, operation)
        for field_name, field in operation.input.items():
            if field.default is not None:
                scope = {**CLOCK, **self._actor(nullable=operation.access.anonymous)}
                self._field((*base, "input", field_name, "default"), field.default, scope, field)
        inputs = {"input": Type("record", entity=input_message(name, key)), **CLOCK}
        has_self = kind == "create" or "{" in (operation.path or ("{" if kind != "list" else ""))
        scope = {**inputs, **({"self": row(name)} if has_self else {})}
        self._unstored(self._allow(base, operation.access, scope), (*base, "access", "allow"), kind)
        scope = {**scope, **self._actor(nullable=operation.access.anonymous)}
        facts: Facts = frozenset()
        for guard_name, guard in operation.guards.items():
            place = (*base, "guards", guard_name, "check")
            expr = self._bool(place, guard.check, scope, facts)
            self._unstored(expr, place, kind)
            facts |= truths(expr) if expr else frozenset()
        changed = {field for effect in operation.effects for field in effect.set}
        facts = frozenset(fact for fact in facts if fact.rpartition(".")[2] not in changed)
        for index, effect in enumerate(operation.effects):
            self._effect((*base, "effects", index), effect, scope, facts)
        if operation.redirect is not None:
            expr = self._compile((*base, "redirect"), operation.redirect, scope, facts)
            if expr and (expr.type.kind != "string" or expr.type.nullable):
                self._problem((*base, "redirect"), f"a redirect must be a URL as a string, this is a {expr.type}")
        self._bool((*base, "where"), operation.where, {**scope, "self": row(name)})

    def _allow(self, base: Path, access: Access, scope: Scope) -> Expr | None:
        return self._bool((*base, "access", "allow"), access.allow, {**scope, **self._actor(nullable=False)})

    def _unstored(self, expr: Expr | None, place: Path, kind: str) -> None:
        for name in _own_members(expr) if kind == "create" else ():
            if name in _UNSTORED:
                self._problem(place, f"the new row has no {name} yet", "use now, or a rule, which sees the stored row")

    def _effect(self, base: Path, effect: Effect, scope: Scope, facts: Facts) -> None:
        if effect.create:
            self._set(base, effect, effect.create, scope, facts)
            return
        member = "delete" if effect.delete else "update"
        target = self._compile((*base, member), effect.delete or effect.update, scope, facts)
        if not target:
            return
        if target.type.kind != "entity" or not target.type.entity:
            self._problem((*base, member), f"`{member}` must name one row, this is a {target.type}")
        elif member == "update":
            self._set(base, effect, target.type.entity, scope, facts | _not_null_with(target))

    def _set(self, base: Path, effect: Effect, entity: str, scope: Scope, facts: Facts) -> None:
        fields = self.spec.entities[entity].fields if entity in self.spec.entities else {}
        for name, text in effect.set.items():
            self._field((*base, "set", name), text, scope, fields.get(name), facts)

    # reports

    def _report(self, name: str, report: Report) -> None:
        base: Path = ("reports", name)
        if report.entity not in self.spec.entities:
            return
        inputs = {"input": Type("record", entity=input_message("report", name)), **CLOCK}
        actor = self._actor(nullable=report.access.anonymous)
        for key, field in report.input.items():
            if field.default is not None:
                self._field((*base, "input", key, "default"), field.default, {**CLOCK, **actor}, field)
        self._allow(base, report.access, inputs)
        item = {"each": Type("string")} if report.each else {}
        own = {"self": row(report.entity), **item, **inputs, **actor}
        self._bool((*base, "where"), report.where, own)
        rows = {"rows": Type("list", element=row(report.entity)), **inputs, **actor}
        for member, texts, scope in (
            ("group_by", report.group_by, own),
            ("measures", report.measures, rows),
            ("columns", report.columns, own),
        ):
            for key, text in texts.items():
                self._column((*base, member, key), text, scope)

    def _column(self, place: Path, text: str, scope: Scope) -> None:
        expr = self._compile(place, text, scope)
        if expr and expr.type.kind not in SCALARS:
            hint = "name one of its fields, for instance its id" if expr.type.kind == "entity" else ""
            self._problem(place, f"a column must be a single value, this is a {expr.type}", hint)


def _calls(expr: Expr, function: str) -> Iterator[Call]:
    return (e for e in walk(expr) if isinstance(e, Call) and e.function == function)


def _own_members(expr: Expr | None) -> Iterator[str]:
    """The members of `self` that an expression selects."""
    for part in walk(expr) if expr else ():
        if isinstance(part, Select) and isinstance(part.operand, Variable) and part.operand.name == "self":
            yield part.field


def _move_hint(name: str, entity: Entity) -> str:
    return f"move {name} before it" if name in entity.fields and entity.fields[name].value is None else ""


def _not_null_with(target: Expr) -> Facts:
    """What is not null where an effect's nullable target is not: the target itself, and the test that chose it."""
    if isinstance(target, Conditional) and isinstance(target.otherwise, Literal_) and target.otherwise.value is None:
        return truths(target.test) | _not_null_with(target.then)
    return frozenset({path(target)} - {""})


def _made_by_anyone(spec: Spec) -> frozenset[str]:
    """The entities of which somebody anonymous can make a row, directly, by an effect or by registering."""
    made = {spec.auth.entity} if spec.auth else set()
    for name, entity in spec.entities.items():
        for key, operation in entity.operations.items():
            if operation.access.anonymous:
                made |= {effect.create for effect in operation.effects if effect.create}
                made |= {name} if kind_of(key, operation) == "create" else set()
    return frozenset(made)
