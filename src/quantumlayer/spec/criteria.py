"""Spec → acceptance criteria (Given/When/Then) for each requirement, in plain English, and the glossary."""

from dataclasses import dataclass, field

from quantumlayer.spec.analyst.words import an, participle
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.frd import Criterion, Term
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.routes import Route, routes
from quantumlayer.spec.say import say
from quantumlayer.spec.values import Access, Entity, Field, Report, Spec

_DONE = {"create": "created", "read": "read", "list": "listed", "update": "changed", "delete": "deleted"}
_TYPES = {
    "string": "a text", "text": "a long text", "integer": "a whole number", "number": "a number", "decimal": "an amount", "boolean": "yes or no",
    "date": "a date", "time": "a time of day", "datetime": "a date and time", "strings": "a list of texts",
}  # fmt: skip
_ACCOUNT = {"register": "somebody registers", "login": "somebody logs in", "logout": "somebody logs out", "me": "somebody asks who is signed in", "set_roles": "the roles of an account are set"}  # fmt: skip
_FORMATS = {"email": "an e-mail address", "url": "a web address", "isbn": "an ISBN", "phone": "a phone number", "slug": "a slug", "alphanumeric": "letters and digits", "uuid": "a UUID", "ipv4": "an IP address", "color": "a colour", "license_plate": "a license plate", "segment": "a text without a slash"}  # fmt: skip


def criteria_of(spec: Spec) -> dict[str, tuple[Criterion, ...]]:
    """Criteria by requirement id, in the order of the spec. The spec must be a checked one."""
    writer = _Writer(spec, Compiled(spec))
    for name, entity in spec.entities.items():
        writer.entity(name, entity)
    for route in routes(spec):
        writer.route(route)
    writer.crud()
    shared = {r: c for r, c in writer.shared.items() if r not in writer.found}
    return {r: tuple(dict.fromkeys(c)) for r, c in {**writer.found, **shared}.items()}


@dataclass
class _Writer:
    spec: Spec
    compiled: Compiled
    found: dict[str, list[Criterion]] = field(default_factory=dict)
    shared: dict[str, list[Criterion]] = field(default_factory=dict)
    plain: dict[tuple[tuple[str, ...], str, str], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.assumed = {r.id for r in self.spec.requirements if r.assumption}

    def add(self, satisfies: tuple[str, ...], given: str, when: str, then: str, *, everywhere: bool = False) -> None:
        """What is built on an assumption stands there, and elsewhere only where nothing else would, or where it is said so."""
        assumed = [s for s in satisfies if s in self.assumed]
        criterion = Criterion(given=given, when=when, then=then)
        for requirement in satisfies:
            place = self.shared if assumed and requirement not in assumed and not everywhere else self.found
            place.setdefault(requirement, []).append(criterion)

    def entity(self, name: str, entity: Entity) -> None:
        label = an(name)
        self._fields(name, entity)
        for index, unique in enumerate(entity.unique):
            same = " and ".join(n.replace("_", " ") for n in unique.fields)
            where = self.compiled.unique_where(name, index)
            given = f"{label} with a certain {same}" + (f", of which this holds: {say(where, name)}" if where else "")
            self.add(unique.satisfies, given, f"another {_label(name)} with the same {same} is sent", "it is refused (409)")
        for key, rule in entity.rules.items():
            done = " or ".join(_DONE[o] for o in rule.on)
            self.add(
                rule.satisfies,
                f"{label} of which this would not hold: {say(self.compiled.rule(name, key), name)}",
                f"it is {done}",
                f"it is refused ({rule.status}, «{rule.message}») and nothing changes",
            )
        account = self.spec.auth is not None and self.spec.auth.entity == name
        absent = [_DONE[o] for o in ("update", "delete") if o not in entity.operations and not account]
        if absent:
            self.add(entity.satisfies, "any caller", f"{an(name)} is to be {' or '.join(absent)}", "it is refused (405)")
        if entity.state:
            then = f"its {entity.state.field} is {_label(entity.state.initial)}"
            self.add(entity.state.satisfies, f"a new {_label(name)}", "it is read", then)
        if visible := self.compiled.visible(name):
            satisfies = next(
                (entity.operations[o].satisfies for o in ("read", "list") if o in entity.operations), entity.satisfies
            )
            given = f"{label} of which this does not hold for the caller: {say(visible, name)}"
            self.add(satisfies, given, "the caller lists or reads it", "it is not there: absent from lists, 404 elsewhere")

    def _fields(self, name: str, entity: Entity) -> None:
        """One criterion for all plain values of an entity that a requirement asks for; one for each computed value."""
        by: dict[tuple[str, ...], list[str]] = {}
        for key, one in entity.fields.items():
            words = wire_name(key, one).replace("_", " ")
            value, default = self.compiled.value(name, key), self.compiled.default(name, key)
            if value is not None:
                self.add(one.satisfies, f"{an(name)}", "it is read", f"its {words} is {say(value, name)}")
            elif one.writable == "never":
                then = f"its {words} is {say(default, name) if default else 'empty'}, whatever was sent"
                self.add(one.satisfies, f"a new {_label(name)}", "it is created", then)
            else:
                by.setdefault(one.satisfies, []).append(f"{words} ({_described(one, say(default, name) if default else '')})")
        for satisfies, described in by.items():
            then = f"these values are kept: {'; '.join(described)}. Anything else is refused (422)"
            self.add(satisfies, f"the values of {an(name)}", "it is created or changed with them", then)

    def route(self, route: Route) -> None:
        operation, entity = route.operation, self.spec.entities.get(route.entity or "")
        name = route.entity or ""
        given = self._caller(route.access, name, route.name)
        call = f"{route.method} {route.path}"
        outcome = self._outcome(route, entity)
        if operation is not None and route.name in _DONE and not outcome:
            self.plain.setdefault((route.satisfies, name, given), []).append(f"{_DONE[route.name]} ({call})")
        elif route.report:
            self.add(route.satisfies, given, f"the report is asked for ({call})", self._report(route.name, route.report))
        elif operation is not None and entity is not None:
            row = (
                f"{an(name)} is {participle(route.name) if '_' not in route.name else 'handled: ' + _label(route.name)}"
                if route.name not in _DONE
                else f"{entity.plural.replace('_', ' ')} are {_DONE[route.name]}"
                if route.name == "list"
                else f"{an(name)} is {_DONE[route.name]}"
            )
            if route.kind == "list" and route.name != "list":
                row = f"the {_label(route.name)} {entity.plural.replace('_', ' ')} are listed"
            moved = operation.transition is not None
            self.add(route.satisfies, given, f"{row} ({call})", outcome or f"it is done ({route.status})", everywhere=moved)
        else:
            done = _ACCOUNT.get(route.name)
            self.add(route.satisfies, given, f"{done} ({call})" if done else call, f"it is done ({route.status})")
        for key, guard in (operation.guards if operation else {}).items():
            test = (
                self.compiled.guard(name, route.name, key)
                if ("entities", name, "operations", route.name, "guards", key, "check") in self.compiled.expressions
                else None
            )
            given = f"{an(name)} of which this does not hold: {say(test, name)}" if test is not None else f"«{guard.message}»"
            self.add(guard.satisfies, given, call, f"it is refused ({guard.status}, «{guard.message}») and nothing changes")

    def crud(self) -> None:
        """What can simply be done, in one criterion for each kind of caller."""
        for (satisfies, name, given), calls in self.plain.items():
            gone = [c for c in calls if c.startswith("deleted")]
            then = "it is gone" if gone == calls else "the answer shows it" + ("; once deleted it is gone" if gone else "")
            self.add(satisfies, given, f"{an(name)} is {_and(calls)}", then)

    def _caller(self, access: Access, name: str, operation: str) -> str:
        if access.anonymous:
            return "any caller"
        if access.roles:
            return f"a caller with the role {' or '.join(_label(r) for r in access.roles)}"
        test = self.compiled.allow(name, operation) if access.allow else None
        return f"a signed-in caller, provided that {say(test, name)}" if test is not None else "a signed-in caller"

    def _outcome(self, route: Route, entity: Entity | None) -> str:
        operation, name = route.operation, route.entity or ""
        if operation is None or entity is None:
            return ""
        parts = []
        if operation.transition and entity.state:
            before = " or ".join(_label(s) for s in operation.transition.from_states)
            parts.append(
                f"its {entity.state.field} becomes {_label(operation.transition.to)}; it is refused (409) unless it was {before}"
            )
        for effect in self.compiled.effects(name, route.name):
            target = "" if effect.target is None else say(effect.target, name)
            what = "its" if target in ("", f"this {_label(name)}") else f"{target}'s"
            parts += (
                [f"{what} {_label(key)} becomes {say(value, name)}" for key, value in effect.set.items()]
                if effect.kind != "create"
                else [f"{an(effect.entity)} is made"]
            )
        if operation.filters:
            parts.append(
                "only those with the asked " + _and([_label(n) for n in dict.fromkeys(f.field for f in operation.filters)])
            )
        if operation.default_sort:
            parts.append("they come in the order of " + _and([_order(s) for s in operation.default_sort]))
        if operation.search:
            parts.append("a search text (`q`) is looked for in " + _and([_label(s) for s in operation.search]))
        if where := self.compiled.where(name, route.name):
            parts.append(f"there are those of which this holds: {say(where, name)}")
        if redirect := self.compiled.redirect(name, route.name):
            parts.append(f"the caller is redirected to {say(redirect, name)}")
        return "; ".join(parts)

    def _report(self, key: str, report: Report) -> str:
        compiled, name = self.compiled.report(key), report.entity
        shown = [
            f"{_label(n)} ({say(e, name)})"
            for n, e in {**compiled.measures, **compiled.columns}.items()
            if not n.endswith("_id") and say(e, name) != f"its {_label(n)}"
        ]
        columns = [_label(n) for n, e in compiled.columns.items() if say(e, name) == f"its {_label(n)}"]
        per = (
            f"for each {_and([_label(n).removesuffix(' id') for n in compiled.group_by])}"
            if compiled.group_by
            else f"for each {_label(name)}"
            if compiled.columns
            else "over all"
        )
        where = (
            f", of the {self.spec.entities[name].plural.replace('_', ' ')} of which this holds: {say(compiled.where, name)}"
            if compiled.where
            else ""
        )
        return f"it shows {per} {_and([*columns, *shown])}{where}"


def _described(one: Field, default: str) -> str:
    if one.type == "enum":
        said = ["one of " + ", ".join(one.values)]
    elif one.type in ("reference", "references"):
        said = [
            f"{'an' if str(one.to)[0] in 'aeiou' else 'an existing'} {'existing ' if str(one.to)[0] in 'aeiou' else ''}{_label(str(one.to))}"
            if one.type == "reference"
            else f"existing {_label(str(one.to))} rows"
        ]
    else:
        said = [_FORMATS.get(one.format or "", _TYPES.get(one.type, one.type))]
    bounds = (
        ("above" if one.exclusive_min else "at least", one.min),
        ("below" if one.exclusive_max else "at most", one.max),
        ("in steps of", one.step),
        ("like", one.pattern),
        ("with at least", _characters(one.min_length)),
        ("with at most", _characters(one.max_length)),
    )
    said += [
        f"{word} {value:g}" if isinstance(value, float) else f"{word} {value}" for word, value in bounds if value is not None
    ]
    said += [f"at least {one.min_items}"] if one.min_items else []
    said += [f"at most {one.max_items}"] if one.max_items else []
    said += ["unique"] if one.unique else []
    said += [f"{default} if missing" if default else "required" if one.required else "may be left out"]
    return ", ".join(said)


def _characters(count: int | None) -> str | None:
    return None if count is None else f"{count} characters"


def _order(key: str) -> str:
    name = _label(key.removeprefix("-"))
    return (
        f"{name}, {'last' if key.startswith('-') else 'first'} ones first"
        if name == "created at"
        else f"{name}{' descending' if key.startswith('-') else ''}"
    )


def _label(name: str) -> str:
    return name.replace("_", " ")


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "nothing"


def glossary_of(spec: Spec) -> tuple[Term, ...]:
    """What the request's nouns and roles mean here."""
    terms = [
        Term(
            term=_label(name),
            meaning="a record with " + (_and([_label(n) for n in entity.fields]) if entity.fields else "no values of its own"),
        )
        for name, entity in spec.entities.items()
    ]
    terms += [Term(term=_label(role), meaning="a role that an administrator grants") for role in spec.roles if role != "admin"]
    terms += [Term(term="admin", meaning="the role of those who grant roles")] if "admin" in spec.roles else []
    return tuple(terms)
