"""Resources as entities: their fields, keys, relations, who owns them, and what callers toggle."""

from dataclasses import dataclass, field
from typing import Any

from quantumlayer.spec.analyst.words import plural
from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.openapi.document import Document, Json
from quantumlayer.spec.importers.openapi.fields import check_bounds, scalar, type_of
from quantumlayer.spec.importers.openapi.identity import identity, names_row
from quantumlayer.spec.importers.openapi.operations import Shape
from quantumlayer.spec.importers.openapi.people import SECRETS, TOKENS, People
from quantumlayer.spec.importers.openapi.relations import (
    NATURAL,
    begin,
    made_by_signed,
    natural_key,
    of_parent,
    own,
    referred,
    relation,
)
from quantumlayer.spec.importers.openapi.resources import Member, Resource, system_member
from quantumlayer.spec.importers.openapi.untold import unheld
from quantumlayer.spec.importers.tables import Import, identifier
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.values import Field, StateMachine

_TITLES = ("title", "name", "subject", "headline", "label")
# What answers about accounts say beside the fields of these.
_OF_SESSIONS = ("roles", "token_type", "expires_in", "refresh_token")
# Names of rows that say nothing of them, unlike those made of their titles (`slug`, `code`).
_MUTE = frozenset(
    ("tracking", "token", "reference", "ref", "serial", "voucher", "coupon", "confirmation", "pnr", "barcode", "invite")
)
_COUNTS = ("count", "total", "number", "num")
_STATES = ("status", "state")


@dataclass
class Maker:
    """What making entities needs to know. `notes` are told once each."""

    document: Document
    result: Import
    by: str
    known: dict[str, Resource]
    accounts: People | None
    drafts: dict[str, EntityDraft] = field(default_factory=dict)
    _coded: dict[str, set[str]] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """What could not be carried over."""
        if text not in self.result.unmet:
            self.result.unmet.append(text)

    def make(self) -> None:
        """Drafts of all resources, then their fields."""
        for resource in self.known.values():
            draft = self.result.entity(resource.name.replace("_", " "), self.by)
            draft.plural, draft.exact = resource.plural, True
            self.drafts[resource.name] = draft
        shown = {r.name: {identifier(k) for s in self._shapes(r) for k in s.properties} for r in self.known.values()}
        self._coded = {name: coded for name, members in shown.items() if (coded := members & NATURAL)}
        for resource in self.known.values():
            self._toggles(resource)
        for resource in self.known.values():
            self._parents(resource)
        for resource in self.known.values():
            self._identity(resource)
        for resource in self.known.values():
            self._fields(resource)
            self._key(resource)
        for resource in self.known.values():
            for shape in self._shapes(resource):
                self._embedded(resource, shape)
        for resource in self.known.values():
            always = {identifier(k) for s in self._shapes(resource) for k in s.schema.get("required", ())}
            begin(self.drafts[resource.name], resource, always, self.result, self.by)

    # relations

    def _parents(self, resource: Resource) -> None:
        draft = self.drafts[resource.name]
        for parent in resource.parents:
            if parent in self.drafts:
                # Who answers 409 to a delete keeps what has parts.
                kept = any(409 in op.refusals for op in self.known[parent].of("DELETE", on_row=True))
                draft.fields[parent] = Field(
                    type="reference",
                    to=parent,
                    writable="create",
                    on_delete="restrict" if kept else "cascade",
                    satisfies=(self.by,),
                )

    def _toggles(self, resource: Resource) -> None:
        """Who has it on is a set of accounts that no answer shows."""
        for owner in (resource, *resource.views):
            for toggle in owner.toggles:
                assert self.accounts is not None
                draft = self.drafts[resource.name]
                draft.fields[toggle.field] = Field(
                    type="references",
                    to=self.accounts.entity,
                    inverse=f"{toggle.verb}_{resource.plural}",
                    required=False,
                    writable="never",
                    shown=False,
                    on_delete="set_null",
                    satisfies=(self.by,),
                )

    # fields

    def _shapes(self, resource: Resource) -> list[Shape]:
        """The shapes in which rows are answered, the fullest first."""
        found = [*resource.shown, *(s for view in resource.views for s in view.shown)]
        if self.accounts and resource.name == self.accounts.entity:
            found = [*(op.answer for op in self.accounts.shown), *found]
        return found

    def _given(self, resource: Resource) -> tuple[list[Shape], list[Shape]]:
        """The shapes in which rows are made and changed."""
        made = [op.body for op in resource.creates if op.body.kind == "row"]
        changed = [op.body for op in resource.updates if op.body.kind == "row"]
        if self.accounts and resource.name == self.accounts.entity:
            roles = self.accounts.roles
            made += [roles["register"].body] if "register" in roles else []
            changed += [roles["change"].body] if "change" in roles else []
        return made, changed

    def _identity(self, resource: Resource) -> None:
        made, _ = self._given(resource)
        found = identity(self.document, resource, self._shapes(resource), made, self.by)
        if found is None:
            return
        resource.members[found.member], self.drafts[resource.name].id = "id", found.id
        if found.unmet:
            self.note(found.unmet)

    def _fields(self, resource: Resource) -> None:
        made, changed = self._given(resource)
        creates = {k: n for s in made for k, n in s.properties.items()}
        updates = {k: n for s in changed for k, n in s.properties.items()}
        needed = {k for s in made for k in s.schema.get("required", ())}
        nodes: Json = {}
        for shape in self._shapes(resource):
            for key, node in shape.properties.items():
                nodes.setdefault(key, node)
        nodes |= creates
        nodes = {
            **{k: v for k, v in nodes.items() if k in creates},
            **nodes,
            **{k: v for k, v in updates.items() if k not in nodes},
        }
        for key, node in nodes.items():
            schema = self.document.schema(node)
            self._member(resource, Member(key, node, schema, key in creates, key in updates, key in needed, bool(changed)))
        self._unset(resource)

    def _unset(self, resource: Resource) -> None:
        """A flag that answers always carry and that no body sets is false until something else sets it."""
        fields = self.drafts[resource.name].fields
        for name in {identifier(k) for s in self._shapes(resource) for k in s.schema.get("required", ())} & set(fields):
            field = fields[name]
            if field.type == "boolean" and field.writable == "never" and field.default is None and field.value is None:
                fields[name] = field.model_copy(update={"default": "false", "required": True})

    def _member(self, resource: Resource, member: Member) -> None:
        if not (self._elsewhere(resource, member) or self._relates(resource, member)):
            self._valued(resource, member)

    def _elsewhere(self, resource: Resource, member: Member) -> bool:
        """Whether it is no field of its own: part of signing in, kept by every row, counted, or of the row above."""
        key, name, schema = member.key, member.name, member.schema
        draft, members = self.drafts[resource.name], resource.members
        is_account = bool(self.accounts and resource.name == self.accounts.entity)
        if is_account and name == "password" and any(schema.get(k) for k in ("minLength", "maxLength", "pattern")):
            self.note(f"the length or form of passwords of {resource.plural} is the application's own")
        if not name or (is_account and name in SECRETS):
            members[key] = "$token" if name in TOKENS else "password"
        elif system := system_member(name, schema):
            members[key] = system
        elif key in members:
            pass
        elif is_account and name in _OF_SESSIONS:
            self.note(f"the member {key} of {resource.plural} is left out: roles and sessions are the application's own matter")
        elif not member.accepted and (value := self._counted(resource, name, schema)):
            draft.fields[name] = Field(type=value[0], value=value[1], satisfies=(self.by,))  # type: ignore[arg-type]
            members[key] = name
        elif not member.accepted and (above := of_parent(self.drafts, self.known, resource, name)):
            kind = "integer" if type_of(schema)[0] == "integer" else "string"
            draft.fields[name] = Field(type=kind, value=f"self.{above}.{name}", satisfies=(self.by,))  # type: ignore[arg-type]
            members[key] = name
        else:
            return False
        return True

    def _relates(self, resource: Resource, member: Member) -> bool:
        """Whether it names other rows."""
        name, schema, draft = member.name, member.schema, self.drafts[resource.name]
        required = member.needed and member.made
        if target := referred(self.drafts, schema) or self._named(name, schema):
            label = name.removesuffix("_id")
            resource.members[member.key] = f"{label}_id"
            account = self.accounts.entity if self.accounts else ""
            if label in resource.parents and label in draft.fields:
                # What stands in the path names the row above.
                return True
            if target == account and not member.accepted and self._always(resource, member) and made_by_signed(resource):
                own(self.drafts, account, resource, label, schema, self.by)
                return True
            draft.fields[label] = Field(
                type="reference",
                to=target,
                required=required,
                unique=bool(schema.get("x-unique")),
                writable=member.writable,
                satisfies=(self.by,),
                **relation(self.drafts, resource, target, label, schema, required=required),
            )
            return True
        if target := self._named_many(draft, name, schema):
            label = plural(name.removesuffix("_ids"))
            told = relation(self.drafts, resource, target, label, schema, required=False)
            many = Field(
                type="references", to=target, required=required, writable=member.writable, satisfies=(self.by,), **told
            )
            draft.fields[label], resource.members[member.key] = many, wire_name(label, many)
            return True
        if schema["properties"] and not self._row_of(schema, member.node):
            resource.members[member.key] = self._flattened(resource, name, schema, member.made, member.changed, member.needed)
        return bool(schema["properties"])

    def _valued(self, resource: Resource, member: Member) -> None:
        """A field of its own."""
        key, name, schema, draft = member.key, member.name, member.schema, self.drafts[resource.name]
        found = scalar(self.document, member.node, required=member.needed and member.made, by=self.by)
        if found is None:
            self.note(
                f"the member {key} of {resource.plural} is a list of objects or a mixture of types, which has no counterpart"
            )
            return
        if schema.get("pattern") and found.type in ("string", "text") and found.pattern is None:
            self.note(f"the pattern of {key} of {resource.plural} means something else in every language, and is not held")
        for word in unheld(self.document, member.node):
            self.note(f"the {word} of {key} of {resource.plural} is not held")
        if natural := natural_key(self._coded, resource, name):
            self.note(f"that {key} of {resource.plural} names one of {self.known[natural].plural} is not held")
        if schema.get("x-unique") and found.type not in ("boolean", "strings"):
            found = found.model_copy(update={"unique": True})
        check_bounds(self.document, f"{key} of {resource.plural}", key, found)
        resource.members[key] = name
        draft.fields[name] = self._placed(
            resource, name, found, member.accepted, member.made, member.changed, member.changeable
        )
        if draft.state and draft.state.field == name:
            del draft.fields[name]

    def _placed(
        self, resource: Resource, name: str, found: Field, accepted: bool, made: bool, changed: bool, changeable: bool
    ) -> Field:
        """Who writes the field, by where the file has it."""
        draft = self.drafts[resource.name]
        if (
            found.type == "enum"
            and name in _STATES
            and not accepted
            and all(v.isidentifier() and v.islower() for v in found.values)
        ):
            draft.state = StateMachine(field=name, initial=found.values[0], states=found.values, satisfies=(self.by,))
        if not accepted:
            return found.model_copy(update={"writable": "never", "required": found.default is not None})
        if made and not changed and changeable:
            return found.model_copy(update={"writable": "create"})
        return found if made else found.model_copy(update={"required": False})

    def _named(self, name: str, schema: Json) -> str | None:
        """The entity that `author_id` names."""
        if not name.endswith("_id") or type_of(schema)[0] not in ("integer", "string"):
            return None
        base = name.removesuffix("_id")
        return base if base in self.drafts else next((n for n in self.drafts if n.endswith(f"_{base}")), None)

    def _named_many(self, draft: EntityDraft, name: str, schema: Json) -> str | None:
        """The entity whose rows `author_ids` names."""
        base = name.removesuffix("_ids")
        if (named := referred(self.drafts, schema, many=True)) and plural(base) not in draft.fields:
            return named
        if base == name or type_of(schema)[0] != "array" or plural(base) in draft.fields:
            return None
        return self._named(f"{base}_id", self.document.schema(schema.get("items") or {}))

    def _counted(self, resource: Resource, name: str, schema: Json) -> tuple[str, str] | None:
        """What a member tells of toggles and of rows that refer here: `favorited`, `favorites_count`, `comment_count`."""
        kind = type_of(schema)[0]
        toggles = [t for owner in (resource, *resource.views) for t in owner.toggles]
        for toggle in toggles:
            if toggle.marks(name) and kind == "boolean":
                return "boolean", f"actor != null && actor in self.{toggle.field}"
            if toggle.marks(name) and kind == "integer":
                return "integer", f"size(self.{toggle.field})"
        words = name.split("_")
        if kind == "integer" and any(w in _COUNTS for w in words):
            rest = [w.rstrip("s") for w in words if w not in (*_COUNTS, "of")]
            for child in self.known.values():
                if resource.name in child.parents and child.name.split("_") == rest:
                    return "integer", f"size(self.{child.plural})"
        return None

    def _flattened(
        self, resource: Resource, name: str, schema: Json, made: bool, changed: bool, needed: bool
    ) -> dict[str, Any]:
        """An object inside a row becomes fields of the row: `address.city` → address_city."""
        found: dict[str, Any] = {}
        draft = self.drafts[resource.name]
        for key, node in schema["properties"].items():
            inner = f"{name}_{identifier(key)}"
            field_ = scalar(self.document, node, required=needed and made and key in schema["required"], by=self.by)
            if field_ is None:
                self.note(f"the member {key} of {name} of {resource.plural} has no counterpart")
                continue
            draft.fields[inner] = self._placed(resource, inner, field_, made or changed, made, changed, False)
            found[key] = inner
        return found

    def _key(self, resource: Resource) -> None:
        """What the parameter of the row's path names: a unique field, else the id."""
        draft = self.drafts[resource.name]
        for owner in (resource, *resource.views):
            name = identifier(owner.parameter or "")
            known = draft.fields.get(name)
            if known is None or known.type not in ("string", "text", "integer") or known.value:
                continue
            known = short(known)
            owner.key = name
            changes: dict[str, Any] = {"unique": True, "required": True}
            if known.writable == "never" and known.default is None:
                if known.format == "uuid" or names_row(name):
                    self.note(f"nothing says how the {name} by which paths name {resource.plural} is made")
                    owner.key = None
                    continue
                title = next((n for n in (*_TITLES, *draft.fields) if n in draft.fields and draft.fields[n].type in ("string", "text") and draft.fields[n].required and n != name), None)  # fmt: skip
                if title is None or known.type != "string":
                    owner.key = None
                    continue
                mute = bool(_MUTE & set(name.split("_"))) or known.pattern is not None and name != "slug"
                changes["default"] = "random_code(10)" if mute else f"slug(self.{title})"
                if mute:
                    known = known.model_copy(update={"pattern": None})
                    self.note(f"how the {name} of {resource.plural} is made is not said: it is a random code")
                ordered = {n: f for n, f in draft.fields.items() if n != name}
                draft.fields = ordered
            draft.fields[name] = known.model_copy(update=changes)

    # embedded rows

    def _row_of(self, schema: Json, node: Any) -> Resource | None:
        """The resource whose row an object inside another row is."""
        component = self.document.component(node)
        names = {identifier(k) for k in schema["properties"]}
        for resource in self.known.values():
            if component and component in resource.components:
                return resource
        for resource in self.known.values():
            own = {identifier(k) for shape in self._shapes(resource) for k in shape.properties}
            if len(names) > 1 and names <= own and component is None:
                return resource
        return None

    def _embedded(self, resource: Resource, shape: Shape) -> None:
        """A row inside a row: a reference, and what is shown of the other row."""
        draft = self.drafts[resource.name]
        for key, node in shape.properties.items():
            schema, name = self.document.schema(node), identifier(key)
            target = self._row_of(schema, node) if schema["properties"] else None
            if target is None or key in resource.members:
                continue
            label = self._reference(resource, name, target)
            if label is None:
                self.note(f"nothing says which {target.name} the {name} of {resource.plural} is")
                continue
            inner: dict[str, Any] = {}
            for part in schema["properties"]:
                member = target.members.get(part)
                if not isinstance(member, str) or member.startswith("$"):
                    continue
                inner[part] = self._shown(draft, label, target, member)
            resource.members[key] = {k: v for k, v in inner.items() if v}

    def _always(self, resource: Resource, member: Member) -> bool:
        """Whether every row has the member, and no other is the owner's."""
        needed = any(member.key in shape.schema.get("required", ()) for shape in self._shapes(resource))
        return needed and not type_of(member.schema)[1] and self.drafts[resource.name].owner is None

    def _reference(self, resource: Resource, name: str, target: Resource) -> str | None:
        draft = self.drafts[resource.name]
        for label in (name, f"{name}_id"):
            if label in draft.fields and draft.fields[label].to == target.name:
                return label
        only = [n for n, f in draft.fields.items() if f.type == "reference" and f.to == target.name]
        if len(only) == 1:
            return only[0]
        if self.accounts and target.name == self.accounts.entity and made_by_signed(resource):
            own(self.drafts, self.accounts.entity, resource, name, {}, self.by)
            return name
        return None

    def _shown(self, draft: EntityDraft, label: str, target: Resource, member: str) -> str | None:
        """A derived field that shows a member of the row referred to."""
        if member == "id":
            return f"{label}_id"
        source = self.drafts[target.name].fields.get(member)
        if source is None or source.type in ("strings", "reference", "references"):
            return None
        name = f"{label}_{member}"
        kept = {k: getattr(source, k) for k in ("type", "required", "places", "values") if k in source.model_fields_set}
        draft.fields[name] = Field(**kept, value=f"self.{label}.{member}", satisfies=(self.by,))
        return name


def short(known: Field) -> Field:
    """A text that identifies a row."""
    return known.model_copy(update={"type": "string"}) if known.type == "text" else known
