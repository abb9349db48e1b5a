"""The operations of an OpenAPI file as operations of entities, each with the exposure that gives it the file's form."""

from dataclasses import dataclass, field
from typing import Any

from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.openapi.behaviour import behaviour, settled, unstored
from quantumlayer.spec.importers.openapi.entities import Maker
from quantumlayer.spec.importers.openapi.fields import scalar
from quantumlayer.spec.importers.openapi.lists import Lists, listing, own_rows
from quantumlayer.spec.importers.openapi.operations import Op, Shape, entity_name
from quantumlayer.spec.importers.openapi.pages import page_members
from quantumlayer.spec.importers.openapi.people import People
from quantumlayer.spec.importers.openapi.resources import Resource, Toggle
from quantumlayer.spec.importers.openapi.untold import only_in
from quantumlayer.spec.importers.tables import identifier, snaked
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.surface import TOTAL
from quantumlayer.spec.values import Access, Bound, Effect, Exposure, Field, Paging, Report

ALL = Paging(usual=2**31 - 1, most=2**31 - 1)


@dataclass
class Exposer:
    """`pending` are the operations whose behaviour nothing has told yet: (entity, operation) → note."""

    maker: Maker
    exposures: list[Exposure] = field(default_factory=list)
    hidden: set[tuple[str, str]] = field(default_factory=set)
    pending: dict[tuple[str, str], str] = field(default_factory=dict)
    unshown: set[tuple[str, str]] = field(default_factory=set)

    @property
    def by(self) -> str:
        """The requirement that the file stands for."""
        return self.maker.by

    def expose(self, operations: list[Op]) -> None:
        """Everything, in the order of the file."""
        maker, lists = self.maker, Lists(self.maker)
        if maker.accounts:
            self._people(maker.accounts)
        for resource in maker.known.values():
            for op in resource.operations:
                self._crud(resource, resource, op, lists)
            for view in resource.views:
                for op in view.operations:
                    self._crud(resource, view, op, lists)
            for owner in (resource, *resource.views):
                for toggle in owner.toggles:
                    self._toggle(resource, owner, toggle)
        for op in operations:
            if not op.used:
                self._other(op, lists)

    # templates

    def template(self, resource: Resource, shape: Shape) -> Any:
        """A row of the resource in the shape; what has no counterpart is left out and noted."""
        found = {}
        for key, node in shape.properties.items():
            member = resource.members.get(key)
            if self.maker.document.schema(node).get("writeOnly"):
                self.unshown.add((resource.name, key))
                continue
            if member is None or member == "password":
                self.maker.note(f"the member {key} of {resource.plural} is not in the answers")
                continue
            found[key] = member
        beside, untold = page_members(shape.beside)
        for key in untold:
            self.maker.note(f"lists of {resource.plural} do not tell {key}")
        return shape.wrapped(found, beside)

    def _whole(self, resource: Resource) -> Any:
        """A row with all that the file names of it, for answers that the file does not describe."""
        left_out = {key for name, key in self.unshown if name == resource.name}
        kept = {k: v for k, v in resource.members.items() if v not in ("password", "$token", "id") and k not in left_out}
        return {"id": "id"} | kept

    def accepted(self, resource: Resource, op: Op, *, create: bool, own: bool = False) -> Any:
        """What of the body is taken; `own` says that it is about the caller's account, whose password it may change."""
        if op.body.kind != "row":
            return {} if op.declared_body else None
        found = {}
        fields = self.maker.drafts[resource.name].fields
        for key in op.body.properties:
            member = resource.members.get(key)
            for name in _named(member):
                known = next((f for n, f in fields.items() if wire_name(n, f) == name), None)
                if known is not None and (
                    known.writable == "never" or known.value or (known.writable == "create" and not create)
                ):
                    member = None
            if member == "password" and not create and not own:
                self.maker.note(f"{op.title} does not change the password")
                continue
            named = self.maker.drafts[resource.name].id
            given = create and named is not None and named.writable != "never"
            if member in (None, "$token", "created_at", "updated_at") or (member == "id" and not given):
                continue
            found[key] = member
        return op.body.wrapped(found)

    # accounts

    def _people(self, accounts: People) -> None:
        resource, roles = self.maker.known[accounts.entity], accounts.roles
        draft = self.maker.drafts[accounts.entity]
        for name, does in (
            ("register", "auth.register"),
            ("login", "auth.login"),
            ("me", "auth.me"),
            ("logout", "auth.logout"),
        ):
            if name in roles:
                op = roles[name]
                answers = self.template(resource, op.answer) if op.answer.kind == "row" else None
                accepts = self.accepted(resource, op, create=True)
                self._add(op, does, accepts=accepts if op.declared_body else None, answers=answers)
        if "change" in roles:
            op = roles["change"]
            accepts = self.accepted(resource, op, create=False, own=True)
            draft.update(
                "update",
                access=Access(allow="self == actor"),
                password="password" in _named(accepts),
                description=op.summary,
                satisfies=(self.by,),
            )
            answers = self.template(resource, op.answer) if op.answer.kind == "row" else None
            self._add(op, f"{accounts.entity}.update", caller=True, accepts=accepts, answers=answers)
        if "leave" in roles:
            op = roles["leave"]
            draft.update("delete", access=Access(allow="self == actor"), description=op.summary, satisfies=(self.by,))
            self._add(op, f"{accounts.entity}.delete", caller=True)

    # rows

    def _crud(self, resource: Resource, owner: Resource, op: Op, lists: "Lists") -> None:
        on_row = op.chain[-1][1] is not None
        kind = {
            ("GET", False): "list",
            ("POST", False): "create",
            ("GET", True): "read",
            ("PUT", True): "update",
            ("PATCH", True): "update",
            ("DELETE", True): "delete",
        }.get((op.method, on_row))
        if kind is None or (kind == "list" and op.answer.kind not in ("rows", "none")):
            self.maker.note(f"{op.title} is not reading or writing one row")
            return
        draft = self.maker.drafts[resource.name]
        name = kind if owner is resource else owner.name if kind == "read" else f"{owner.name}_{kind}"
        if kind == "list":
            name, query, pages = lists.add(resource, draft, name, op, own_rows(self.maker, draft, op))
            self._access(draft, name, op)
            answers = (
                self.template(resource, op.answer)
                if op.answer.kind == "rows"
                else {"items": [self._whole(resource)], "total": TOTAL}
            )
            self._add(
                op, f"{resource.name}.{name}", bind=self._bind(op, resource, owner), query=query, pages=pages, answers=answers
            )
            return
        self._declare(draft, name, kind, owner, op)
        accepts = self.accepted(resource, op, create=kind == "create") if kind in ("create", "update") else None
        answers = self.template(resource, op.answer) if op.answer.kind == "row" and kind != "delete" else None
        if kind == "read" and op.answer.kind == "none":
            answers = self._whole(resource)
        if kind == "delete" and op.answer.kind == "row":
            self.maker.note(f"{op.title} answers nothing, since the row is gone")
        self._add(op, f"{resource.name}.{name}", bind=self._bind(op, resource, owner), accepts=accepts, answers=answers)

    def _declare(self, draft: EntityDraft, name: str, kind: str, owner: Resource, op: Op) -> None:
        known = draft.operations.get(name)
        changes: dict[str, Any] = {"description": op.summary, "satisfies": (self.by,)}
        if kind != "create" and owner.key:
            changes["by"] = owner.key
        if name != kind:
            changes |= {"kind": kind, "path": f"/{owner.plural.replace('_', '-')}/{{{owner.key or 'id'}}}"}
        if known is None:
            draft.update(name, **changes)
        self._access(draft, name, op)

    def _access(self, draft: EntityDraft, name: str, op: Op) -> None:
        if op.signed_in and draft.operation(name).access.anonymous and self.maker.result.world.auth:
            draft.update(name, access=Access(sign_in=True))

    def _bind(self, op: Op, resource: Resource | None, owner: Resource | None) -> dict[str, Bound]:
        """What the parameters of the path stand for; operations that find the rows are added where they are missing."""
        found: dict[str, Bound] = {}
        keyed = op.chain[-1][1] is not None
        parents = op.chain[:-1] if keyed or resource else op.chain
        for word, parameter in parents:
            parent = self._resource(word)
            if parameter is None or parent is None:
                continue
            member = next((n for n in (parent.name,) if resource and n in self.maker.drafts[resource.name].fields), None)
            by = parent.key or "id"
            self._findable(parent.name, by)
            found[parameter] = Bound(entity=parent.name, by=by, member=f"{member}_id" if member else None)
        if keyed and owner and op.chain[-1][1]:
            found[op.chain[-1][1]] = Bound()
            if any(b.member for b in found.values()) and resource:
                self._findable(resource.name, owner.key or "id")
        return found

    def _resource(self, word: str) -> Resource | None:
        name = entity_name(word)
        for resource in self.maker.known.values():
            if resource.name == name or any(view.name == name for view in resource.views):
                return resource
        return None

    def _findable(self, entity: str, by: str) -> None:
        """An operation that reads a row by this field, hidden where the file has none."""
        draft = self.maker.drafts[entity]
        if any((o.kind or n) == "read" and o.by == by for n, o in draft.operations.items()):
            return
        name = "read" if "read" not in draft.operations else f"read_by_{by}"
        place = (
            {}
            if name == "read"
            else {"kind": "read", "path": f"/{draft.plural.replace('_', '-')}/by-{by.replace('_', '-')}/{{{by}}}"}
        )
        draft.update(name, by=by, satisfies=(self.by,), **place)
        self.hidden.add((entity, name))

    def _toggle(self, resource: Resource, owner: Resource, toggle: Toggle) -> None:
        draft = self.maker.drafts[resource.name]
        holders = f"self.{toggle.field}"
        changes = (
            (toggle.verb, toggle.on, f"actor in {holders} ? {holders} : {holders} + [actor]"),
            (f"un{toggle.verb}", toggle.off, f"{holders}.filter(u, u != actor)"),
        )
        for name, op, value in changes:
            key = owner.key or "id"
            draft.update(
                name,
                kind="action",
                method=op.method,
                by=key,
                path=f"/{owner.plural.replace('_', '-')}/{{{key}}}/{identifier(op.last).replace('_', '-')}",
                access=Access(sign_in=True),
                effects=(Effect(set={toggle.field: value}),),
                description=op.summary,
                satisfies=(self.by,),
            )
            answers = self.template(resource, op.answer) if op.answer.kind == "row" else None
            self._add(op, f"{resource.name}.{name}", bind={op.above[1] or "": Bound()}, answers=answers)

    # what is left

    def _other(self, op: Op, lists: "Lists") -> None:
        """A report of texts, a named list, or an action on a row; else it is noted."""
        if op.method == "GET" and op.answer.kind == "texts" and self._texts(op):
            return
        if op.method == "GET" and op.answer.kind == "rows" and self._named_list(op, lists):
            return
        if op.method != "GET" and op.chain[-1][1] is None and op.above[1] and self._action(op):
            return
        self.maker.note(f"{op.title} is not reading or writing one row")

    def _texts(self, op: Op) -> bool:
        """All different items of a list field: `/tags` of `tagList`."""
        wanted = entity_name(op.last)
        for resource in self.maker.known.values():
            for name, known in self.maker.drafts[resource.name].fields.items():
                if known.type == "strings" and wanted in {entity_name(w) for w in (name, *name.split("_"))}:
                    report = Report(
                        entity=resource.name,
                        each=name,
                        group_by={wanted: "each"},
                        measures={"count": "size(rows)"},
                        paging=ALL,
                        access=Access(sign_in=op.signed_in),
                        description=op.summary,
                        satisfies=(self.by,),
                    )
                    self.maker.result.world.reports[identifier(op.last)] = report
                    self._add(op, f"report.{identifier(op.last)}", answers=op.answer.wrapped(wanted))
                    return True
        return False

    def _named_list(self, op: Op, lists: "Lists") -> bool:
        component = op.answer.component
        resource = self._resource(op.chain[0][0]) or next(
            (r for r in self.maker.known.values() if component in r.components), None
        )
        if resource is None or any(key for _, key in op.chain):
            return False
        draft = self.maker.drafts[resource.name]
        where = listing(self.maker, resource, draft, op)
        if where is None:
            return False
        name, query, pages = lists.add(resource, draft, identifier(op.last), op, where)
        self._access(draft, name, op)
        self._add(op, f"{resource.name}.{name}", query=query, pages=pages, answers=self.template(resource, op.answer))
        return True

    def _action(self, op: Op) -> bool:
        resource = self._resource(op.above[0])
        if resource is None or len(op.chain) > 2:
            return False
        draft, name = self.maker.drafts[resource.name], snaked(op.last)
        if name in draft.operations or not name:
            return False
        inputs: dict[str, Field] = {}
        for key, node in op.body.properties.items():
            made = scalar(self.maker.document, node, required=key in op.body.schema.get("required", ()), by=self.by)
            if made is not None and made.type != "strings":
                inputs[identifier(key)] = made
        key = resource.key or "id"
        draft.update(
            name,
            kind="action",
            method=op.method,
            by=key,
            path=f"/{draft.plural.replace('_', '-')}/{{{key}}}/{name.replace('_', '-')}",
            input=inputs,
            description=op.summary,
            satisfies=(self.by,),
            **behaviour(draft, name, inputs, op.text, self.by),
        )
        move = draft.operations[name].transition
        if move and not only_in(op.text, move.from_states) and len(move.from_states) > 1:
            told = f"One may {name} {draft.plural} that are {' or '.join(move.from_states)}."
            self.maker.result.world.assume(told.replace("_", " "))
        for unread in unstored(draft, name, inputs):
            self.maker.note(f"what {op.title} does with {unread} is not said")
        self._access(draft, name, op)
        alike = op.answer.kind == "row" and len(set(op.answer.properties) & set(resource.members)) * 2 > len(
            op.answer.properties
        )
        answers = self.template(resource, op.answer) if alike else None
        accepts = op.body.wrapped({k: identifier(k) for k in op.body.properties if identifier(k) in inputs}) if inputs else None
        self._add(op, f"{resource.name}.{name}", bind={op.above[1] or "": Bound()}, accepts=accepts, answers=answers)
        if not settled(draft.operations[name]):
            self.pending[resource.name, name] = f"what {op.title} changes is not said"
        return True

    def _add(self, op: Op, does: str, **members: Any) -> None:
        given = {k: v for k, v in members.items() if v is not None}
        self.exposures.append(
            Exposure(
                method=op.method,
                path=op.path,
                does=does,
                status=op.status,
                description=op.summary,
                satisfies=(self.by,),
                **given,
            )
        )


def _named(member: Any) -> list[str]:
    if isinstance(member, dict):
        return [name for inner in member.values() for name in _named(inner)]
    return [member] if isinstance(member, str) else []
