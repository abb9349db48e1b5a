"""What `checked` finds: every kind of mistake, each at its place, all of them at once."""

from typing import Any

import pytest

from quantumlayer.spec.check import checked
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.problems import SpecError
from quantumlayer.spec.values import Spec


def task_spec(**changes: Any) -> dict[str, Any]:
    """A small valid spec; `changes` replace members by their dotted path with `__` between the parts."""
    spec: dict[str, Any] = {
        "name": "Tasks",
        "requirements": [{"id": "R1", "text": "Tasks have owners."}],
        "roles": ["boss"],
        "auth": {"entity": "person"},
        "entities": {
            "person": {"plural": "people", "fields": {"email": {"type": "string", "unique": True}}, "operations": {"list": {}}},
            "task": {
                "plural": "tasks",
                "fields": {
                    "title": {"type": "string"},
                    "owner": {"type": "reference", "to": "person"},
                    "due": {"type": "date", "required": False},
                    "hours": {"type": "decimal", "default": "1.5"},
                    "tags": {"type": "strings"},
                },
                "state": {"initial": "open", "states": ["open", "done"]},
                "operations": {"create": {}, "list": {}, "finish": {"transition": {"from": ["open"], "to": "done"}}},
            },
        },
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        part = spec
        for key in parents:
            part = part.setdefault(key, {})
        part[last] = value
    return spec


TASK = "entities__task__"
FIELD = f"{TASK}fields__"
OPERATION = f"{TASK}operations__"


def mistakes(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        checked(Spec.model_validate(task_spec(**changes)))
    return [(problem.where, problem.message) for problem in caught.value.problems]


def test_a_sound_spec_passes_and_comes_back_unchanged() -> None:
    spec = Spec.model_validate(task_spec())
    assert checked(spec) is spec


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        ({f"{FIELD}owner": {"type": "reference", "to": "persn"}}, ".fields.owner.to", "no entity «persn»"),
        ({f"{FIELD}id": {"type": "string"}}, ".fields.id", "taken"),
        ({f"{FIELD}status": {"type": "string"}}, ".fields.status", "taken"),
        ({"entities__person__fields__password": {"type": "string"}}, "entities.person.fields.password", "taken"),
        ({f"{FIELD}owner_id": {"type": "integer"}}, ".fields.owner", "stands for two fields"),
        ({f"{FIELD}in": {"type": "integer"}}, ".fields.in", "reserved word"),
        ({f"{FIELD}helper": {"type": "reference", "to": "person"}}, ".fields.helper", "inverse «tasks» clashes"),
        ({f"{FIELD}all": {"type": "references", "to": "person", "on_delete": "cascade"}}, ".fields.all.on_delete", "cascade"),
        ({f"{FIELD}title": {"type": "string", "min": 1}}, ".fields.title.min", "does not fit"),
        ({f"{FIELD}title": {"type": "string", "pattern": "("}}, ".fields.title.pattern", "not valid"),
        ({f"{FIELD}title": {"type": "string", "pattern": "(?!x)"}}, ".fields.title.pattern", "not portable"),
        ({f"{FIELD}n": {"type": "integer", "min": 3, "max": 2}}, ".fields.n.min", "above max"),
        ({f"{FIELD}n": {"type": "integer", "min": 0.5}}, ".fields.n.min", "whole number"),
        ({f"{FIELD}e": {"type": "enum"}}, ".fields.e", "needs `values`"),
        ({f"{FIELD}e": {"type": "enum", "values": ["a", "a"]}}, ".fields.e.values", "distinct"),
        ({f"{FIELD}e": {"type": "enum", "values": ["a"], "default": "'b'"}}, ".fields.e.default", "not one of a"),
        ({f"{FIELD}t": {"type": "time", "default": "'25:00'"}}, ".fields.t.default", "not a time"),
        ({f"{FIELD}n": {"type": "integer", "default": "'1'"}}, ".fields.n.default", "cannot take"),
        ({f"{FIELD}n": {"type": "date", "default": "self.due"}}, ".fields.n.default", "may be null"),
        ({f"{FIELD}title": {"type": "string", "default": "string(self.hours)"}}, ".fields.title.default", "not known"),
        ({f"{FIELD}n": {"type": "integer", "writable": "never"}}, ".fields.n", "nobody can give"),
        ({f"{FIELD}a": {"type": "integer", "value": "self.b"}, f"{FIELD}b": {"type": "integer", "value": "self.a"}},
         ".fields.a.value", "computed from itself"),
        ({f"{TASK}unique": [{"fields": ["nix"]}]}, ".unique[0].fields", "not a stored field"),
        ({f"{TASK}unique": [{"fields": ["title"], "where": "self.owner.email == 'x'"}]}, ".unique[0].where", "other rows"),
        ({f"{TASK}rules__r": {"check": "self.title", "message": "m"}}, ".rules.r.check", "true or false"),
        ({f"{TASK}rules__r": {"check": "self.due > today", "message": "m"}}, ".rules.r.check", "may be null"),
        ({f"{TASK}rules__r": {"check": "self.owner == actor", "message": "m"}}, ".rules.r.check", "actor"),
        ({f"{TASK}rules__r": {"check": "self.hours > 1.0", "message": "m", "satisfies": ["R2"]}}, ".rules.r.satisfies", "R2"),
        ({f"{TASK}state": {"initial": "opn", "states": ["open", "done"]}}, ".state.initial", "no state «opn»"),
        ({f"{OPERATION}finish": {"transition": {"from": ["x"], "to": "done"}}}, "@finish.transition", "no state «x»"),
        ({f"{OPERATION}list": {"filters": [{"field": "titel"}]}}, "@list.filters[0]", "no field «titel»"),
        ({f"{OPERATION}list": {"filters": [{"field": "title", "op": "gte"}]}}, "@list.filters[0]", "no range"),
        ({f"{OPERATION}list": {"sort": ["tags"]}}, "@list.sort[0]", "cannot sort"),
        ({f"{OPERATION}list": {"search": ["hours"]}}, "@list.search[0]", "cannot search"),
        ({f"{OPERATION}list": {"where": "self.hours"}}, "@list.where", "true or false"),
        ({f"{OPERATION}create": {"sort": ["title"]}}, "@create.sort", "does not fit the kind create"),
        ({f"{OPERATION}create": {"access": {"roles": ["bos"]}}}, "@create.access.roles", "not declared"),
        ({f"{OPERATION}create": {"access": {"allow": "self.id == 1"}}}, "@create.access.allow", "no id yet"),
        ({f"{OPERATION}end": {"path": "/tasks/{id}/finish"}}, "@end", "is taken"),
        ({f"{OPERATION}end": {"path": "/tasks/{nr}/end"}}, "@end.path", "not a path"),
        ({f"{OPERATION}read": {"by": "title"}}, "@read.by", "unique"),
        ({f"{OPERATION}end": {"redirect": "1"}}, "@end.redirect", "URL"),
        ({f"{OPERATION}end": {"effects": [{"set": {"titel": "'x'"}}]}}, "@end.effects[0].set.titel", "no field"),
        ({f"{OPERATION}end": {"effects": [{"set": {"status": "'done'"}}]}}, "@end.effects[0].set.status", "transitions"),
        ({f"{OPERATION}end": {"effects": [{"set": {"title": "1"}}]}}, "@end.effects[0].set.title", "cannot take"),
        ({f"{OPERATION}end": {"effects": [{"update": "self.title", "set": {}}]}}, "@end.effects[0]", "changes nothing"),
        ({f"{OPERATION}end": {"effects": [{"update": "1", "set": {"title": "'x'"}}]}}, "@end.effects[0].update", "one row"),
        ({f"{OPERATION}end": {"effects": [{"create": "task", "set": {}}]}}, "@end.effects[0].set", "«title»"),
        ({f"{OPERATION}end": {"effects": [{"create": "person", "set": {"email": "'x'"}}]}},
         "@end.effects[0].create", "accounts"),
        ({"auth": {"entity": "person", "identifier": "mail"}}, "auth.identifier", "no field «mail»"),
        ({"auth": {"entity": "nobody"}}, "auth.entity", "no entity «nobody»"),
        ({"auth": {"entity": "person", "methods": ["api_key"]}}, "roles", "roles need"),
        ({"entities__person__plural": "tasks"}, ".plural", "more than once"),
        ({"reports__r": {"entity": "task", "columns": {"o": "self.owner"}}}, "reports.r.columns.o", "single value"),
        ({"reports__r": {"entity": "task", "columns": {"o": "self.title"}, "sort": ["p"]}}, "reports.r.sort[0]", "no column"),
        ({"reports__r": {"entity": "task"}}, "reports.r", "measures"),
        ({"reports__r": {"entity": "tsk", "columns": {"o": "self.title"}}}, "reports.r.entity", "no entity"),
        ({f"{FIELD}code": {"type": "string", "value": "random_code(4)"}}, ".fields.code.value", "would change"),
    ],
)  # fmt: skip
def test_each_mistake_is_found_at_its_place(changes: dict[str, Any], where: str, message: str) -> None:
    where = where.replace("@", ".operations.") if where.startswith("@") else where
    where = f"entities.task{where}" if where.startswith(".") else where
    found = mistakes(**changes)
    assert [text for place, text in found if place == where and message in text], found


def test_all_mistakes_are_reported_at_once_with_hints_and_positions_in_the_expressions() -> None:
    changes = {
        f"{TASK}rules__a": {"check": "true &&\n self.titel == 'x'", "message": "m"},
        f"{TASK}rules__b": {"check": "1 +", "message": "m"},
        f"{OPERATION}list": {"sort": ["titel"]},
    }
    with pytest.raises(SpecError) as caught:
        checked(Spec.model_validate(task_spec(**changes)))
    by_place = {problem.where: problem for problem in caught.value.problems}
    assert set(by_place) == {
        "entities.task.rules.a.check",
        "entities.task.rules.b.check",
        "entities.task.operations.list.sort[0]",
    }
    first = by_place["entities.task.rules.a.check"]
    assert (first.line, first.column) == (2, 6)
    assert "title" in first.hint
    assert "did you mean title" in by_place["entities.task.operations.list.sort[0]"].hint
    assert caught.value.exit_code == 2


def test_expressions_are_compiled_by_place() -> None:
    spec = task_spec(**{f"{OPERATION}end": {"effects": [{"update": "self.owner", "set": {"email": "'x'"}}]}})
    compiled = Compiled(checked(Spec.model_validate(spec)))
    default = compiled.default("task", "hours")
    assert default is not None and default.type.kind == "decimal"
    assert compiled.at("entities", "task", "fields", "hours", "default") is default
    (effect,) = compiled.effects("task", "end")
    assert (effect.kind, effect.entity, list(effect.set)) == ("update", "person", ["email"])


def test_a_guard_spares_later_expressions_the_null_check() -> None:
    end = {
        "guards": {
            "dated": {"check": "self.due != null", "message": "m"},
            "late": {"check": "self.due < today", "message": "m"},
        },
        "effects": [{"set": {"title": "string(self.due)"}}],
    }
    assert checked(Spec.model_validate(task_spec(**{f"{OPERATION}end": end})))
    end["effects"] = [{"set": {"due": "null"}}, {"set": {"title": "string(self.due)"}}]
    assert ("entities.task.operations.end.effects[1].set.title") in {place for place, _ in mistakes(**{f"{OPERATION}end": end})}
