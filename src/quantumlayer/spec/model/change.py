"""What a request changes: rows made, updated, deleted, then held to constraints, uniqueness and rules."""

from typing import Any

from quantumlayer.spec.ids import made_id
from quantumlayer.spec.model.evaluate import Variables
from quantumlayer.spec.model.http_errors import Refusal
from quantumlayer.spec.model.prepared import EffectPlan, EntityPlan, Prepared, UniquePlan
from quantumlayer.spec.model.store import Row, RowId, Store

_CONFLICT = "The request conflicts with the current state."


class Change:
    """The writes of one request. `variables` are those of its expressions; `self` and `actor` follow the writes."""

    def __init__(self, prepared: Prepared, store: Store, variables: Variables, entity: str) -> None:
        self.prepared, self.store, self.variables, self.entity = prepared, store, variables, entity
        self.touched: dict[tuple[str, RowId], str] = {}
        self.computed: list[tuple[str, RowId, str]] = []

    def new_row(self, plan: EntityPlan, given: Row) -> Row:
        """A row, not stored yet: what is given, then defaults in the order of the fields."""
        now = self.variables["now"]
        row: Row = {"id": None, "created_at": now, "updated_at": now, **given}
        if plan.entity.state:
            row[plan.entity.state.field] = plan.entity.state.initial
        spec = self.prepared.spec
        if spec.auth and spec.auth.entity == plan.name and spec.roles:
            row["roles"] = ()
        scope = {**self.variables, "self": row}
        for name, field in plan.fields.items():
            if name not in row:
                row[name] = field.store(field.default(scope)) if field.default else field.empty
        return row

    def insert(self, plan: EntityPlan, row: Row, given: Row) -> Row:
        """Store a new row; what is not in `given` was computed and is checked at the end. Raises `Refusal`: the id is taken."""
        made = made_id(plan.entity, self.store.new_number(plan.name))
        row = {**row, "id": made if given.get("id") is None else given["id"]}
        if self.store.row(plan.name, row["id"]) is not None:
            raise Refusal(409, f"Another {plan.name} has this id.", f"unique:{plan.name}.id")
        self.store.put(plan.name, row)
        self.touched[plan.name, row["id"]] = "create"
        self.computed += [
            (plan.name, row["id"], name) for name, field in plan.fields.items() if field.default and name not in given
        ]
        return row

    def update(self, entity: str, row: Row, changes: Row) -> Row:
        """Replace values of a stored row."""
        row = {**row, **changes, "updated_at": self.variables["now"]}
        self.store.put(entity, row)
        self.touched.setdefault((entity, row["id"]), "update")
        self._follow(entity, row)
        return row

    def _follow(self, entity: str, row: Row) -> None:
        variables, auth = self.variables, self.prepared.spec.auth
        current = variables.get("self")
        if entity == self.entity and current is not None and current["id"] == row["id"]:
            variables["self"] = row
        actor = variables.get("actor")
        if auth and entity == auth.entity and actor is not None and actor["id"] == row["id"]:
            variables["actor"] = row

    def apply(self, effect: EffectPlan) -> None:
        """One effect. Its values are all computed before any is written."""
        if effect.kind == "create":
            plan = self.prepared.entities[effect.entity]
            given = {name: plan.fields[name].store(closure(self.variables)) for name, closure in effect.set.items()}
            row = self.insert(plan, self.new_row(plan, given), given)
            self.computed += [(plan.name, row["id"], name) for name in given]
            return
        assert effect.target is not None
        row = effect.target(self.variables)
        if row is None:
            return
        if effect.kind == "delete":
            self.delete(effect.entity, row)
            return
        plan = self.prepared.entities[effect.entity]
        changes = {name: plan.fields[name].store(closure(self.variables)) for name, closure in effect.set.items()}
        self.update(effect.entity, row, changes)
        self.computed += [(effect.entity, row["id"], name) for name in changes]

    def delete(self, entity: str, row: Row) -> None:
        """Delete a row and what its `on_delete` takes along. Refused where a row that stays restricts it."""
        doomed = self._doomed(entity, row["id"])
        cleared: dict[tuple[str, RowId], Row] = {}
        for target, target_id in doomed:
            for other, key, field in self.prepared.referrers[target]:
                for referring in self.store.referring(other, key, target_id):
                    if (other, referring["id"]) in doomed:
                        continue
                    if field.on_delete == "restrict":
                        raise Refusal(409, f"Other rows refer to this {target}.", f"restrict:{target}")
                    changed = cleared.get((other, referring["id"]), referring)
                    value = changed[key]
                    rest = tuple(i for i in value if i != target_id) if isinstance(value, tuple) else None
                    cleared[other, referring["id"]] = {**changed, key: rest}
        for (other, _), changed in cleared.items():
            self.store.put(other, changed)
            self._follow(other, changed)
        for target, target_id in doomed:
            self.store.remove(target, target_id)
            self.touched.pop((target, target_id), None)

    def _doomed(self, entity: str, row_id: RowId) -> dict[tuple[str, RowId], None]:
        """The row and everything that goes with it by `cascade`."""
        doomed: dict[tuple[str, RowId], None] = {(entity, row_id): None}
        waiting = [(entity, row_id)]
        while waiting:
            target, target_id = waiting.pop()
            for other, key, field in self.prepared.referrers[target]:
                if field.on_delete == "cascade":
                    for referring in self.store.referring(other, key, target_id):
                        if (other, referring["id"]) not in doomed:
                            doomed[other, referring["id"]] = None
                            waiting.append((other, referring["id"]))
        return doomed

    def finish(self) -> None:
        """Constraints of computed values, then uniqueness, then rules, of every row made or updated, in that order."""
        for entity, row_id, name in self.computed:
            row = self.store.row(entity, row_id)
            field = self.prepared.entities[entity].fields[name]
            if row is not None and row[name] is not None and (problem := field.check(row[name])):
                raise Refusal(409, f"{field.wire} {problem}", f"validation:{field.wire}")
        for entity, row_id in self.touched:
            plan = self.prepared.entities[entity]
            row = self.store.tables[entity].rows[row_id]
            for unique in plan.uniques:
                self._unique(entity, unique, row)
        for (entity, row_id), how in self.touched.items():
            self._rules(self.prepared.entities[entity], self.store.tables[entity].rows[row_id], how)

    def _rules(self, plan: EntityPlan, row: Row, how: str) -> None:
        if plan.rules:
            scope = self._scope(row)
            for rule, check, cause in plan.rules:
                if how in rule.on and not check(scope):
                    errors = (("", rule.message),) if rule.status == 422 else ()
                    raise Refusal(rule.status, rule.message, cause, errors)

    def _unique(self, entity: str, unique: UniquePlan, row: Row) -> None:
        values: Any = tuple(row[field] for field in unique.key)
        if None in values or (unique.where and not unique.where(self._scope(row))):
            return
        table = self.store.tables[entity]
        for other in table.ids_with(unique.key, values if len(values) > 1 else values[0]):
            if other != row["id"] and (unique.where is None or unique.where(self._scope(table.rows[other]))):
                fields = unique.cause.partition(".")[2].replace("+", " and ")
                raise Refusal(409, f"Another {entity} has this {fields}.", unique.cause)

    def _scope(self, row: Row) -> Variables:
        variables = self.variables
        return {
            "self": row,
            "db": self.store,
            "now": variables["now"],
            "today": variables["today"],
            "actor": variables.get("actor"),
        }
