"""What a careful reader adds: the operations nobody mentions, fields of bare entities, accounts. Each is marked as assumed."""

import re

from quantumlayer.spec.analyst.access import restrict, sees
from quantumlayer.spec.analyst.accounts import account_fields
from quantumlayer.spec.analyst.granted import grant_columns
from quantumlayer.spec.analyst.parts import hide_parts, name_makers
from quantumlayer.spec.analyst.process import settle_places
from quantumlayer.spec.analyst.unreached import OWNERS_ACTIONS, reach_states, stamp_moves
from quantumlayer.spec.analyst.words import an, words_of
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.ids import uuid_fits
from quantumlayer.spec.values import CRUD, Access, Entity, Field, Guard, Operation, Spec

_DONE = {"create": "created", "read": "read", "list": "listed", "update": "changed", "delete": "deleted"}
_TITLED, _TEXTUAL = words_of("defaults", "title"), words_of("defaults", "text")


def settle(world: World) -> None:
    """Once all behaviour is read and before lists and reports are: places, bare entities, and what had to wait."""
    settle_places(world)
    for entity in list(world.entities.values()):
        _bare(entity, world)
    reach_states(world)
    stamp_moves(world)
    for wait in world.later:
        wait()


def complete(world: World) -> None:
    """Fill what is missing so that the application can be used as described."""
    if world.auth:
        account_fields(world.entities[world.auth.entity], world)
        grant_columns(world)
    for entity in list(world.entities.values()):
        name_makers(entity, world)
        _chosen_owner(entity, world)
        _seers(entity, world)
    hide_parts(world)
    for entity in list(world.entities.values()):
        _seers(entity, world)
        _operations(entity, world)
    for name, report in world.reports.items():
        # Whoever may not list the rows may not have them counted either.
        if report.access.anonymous:
            world.reports[name] = report.model_copy(update={"access": world.entities[report.entity].operation("list").access})
    plain = [p for p in world.actors if not world.is_role(p) and p not in world.roles]
    if plain and world.auth:
        names = " or ".join(dict.fromkeys(an(p) for p in plain))
        world.assume(f"Whoever is signed in may act as {names}; these are no roles that are granted.")
    if world.roles and world.auth:
        world.assume("The first administrator is configured when the application starts and grants the roles.")


def _seers(entity: EntityDraft, world: World) -> None:
    """`employees see only their own, managers list expenses`: a role that reads what others see their own of sees all, and so
    does one that acts on rows of others: what is hidden cannot be approved."""
    if not any("== actor" in test for test in entity.visible):
        return
    label = entity.plural.replace("_", " ")
    for name, operation in list(entity.operations.items()):
        if name in ("read", "list") or operation.kind == "list":
            continue
        access = operation.access
        for role in (*access.roles, *re.findall(r"'(\w+)' in actor\.roles", access.allow or "")):
            if sees(role) not in entity.visible:
                entity.visible.append(sees(role))
                marker = world.assume(f"Whoever has the role {role} sees all {label}, since the role acts on them.")
                entity.update("list", satisfies=(*entity.operation("list").satisfies, marker))
    for name in ("read", "list"):
        access = entity.operation(name).access
        if access.roles and not access.allow:
            entity.visible += [role_sees for r in access.roles if (role_sees := sees(r)) not in entity.visible]
            entity.update(name, access=Access(sign_in=True))


def _chosen_owner(entity: EntityDraft, world: World) -> None:
    """`receptionists create appointments, dentists see only their own`: whoever creates a row for another says whose it is."""
    creators = set(entity.operation("create").access.roles)
    owner = entity.fields.get(entity.owner or "")
    if owner is None or owner.default != "actor" or not creators or not entity.seen_by_own or creators & entity.seen_by_own:
        return
    marker = world.assume(f"Whoever creates {an(entity.name)} says whose it is.")
    changes = {"default": None, "writable": "always", "satisfies": (*owner.satisfies, marker)}
    entity.fields[str(entity.owner)] = owner.model_copy(update=changes)
    entity.chosen_owner = True


def _listing(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _bare(entity: EntityDraft, world: World) -> None:
    plain = [
        n
        for n, f in entity.fields.items()
        if f.type not in ("reference", "references", "boolean") and f.value is None and f.writable != "never"
    ]
    if (
        plain
        or entity.event_of
        or entity.declared
        and any(f.type not in ("reference", "references", "boolean") for f in entity.fields.values())
        or any(f.type in ("reference", "references") for f in entity.fields.values())
        and _is_event(entity)
    ):
        return
    if world.is_account(entity) and world.auth and "password" in world.auth.methods:
        return
    label = entity.name.replace("_", " ")
    last = entity.name.split("_")[-1]
    name, kind = ("title", "string") if last in _TITLED else ("text", "text") if last in _TEXTUAL else ("name", "string")
    marker = world.assume(f"Each {label} has a {name}.")
    entity.fields = {name: Field(type=kind, satisfies=(*entity.satisfies[:1], marker)), **entity.fields}  # type: ignore[arg-type]


def _is_event(entity: EntityDraft) -> bool:
    return bool(
        entity.closed_by
        or entity.state
        or entity.name.split("_")[-1]
        in (
            "loan",
            "booking",
            "ticket",
            "order",
            "registration",
            "enrollment",
            "enrolment",
            "reservation",
            "subscription",
            "membership",
            "purchase",
            "rental",
            "vote",
            "bid",
            "like",
            "follow",
            "attendance",
            "checkin",
            "transfer",
            "share",
        )
    )


def _operations(entity: EntityDraft, world: World) -> None:
    """Create, read, list, update and delete, except where that would open a hole in a process with rules."""
    if world.is_account(entity):
        if not entity.guarded:
            _account_operations(entity, world)
        return
    label = entity.plural.replace("_", " ")
    if entity.exact:
        if world.auth:
            _protect(entity, world)
        return
    process = bool(entity.event_of) or entity.closed_by is not None
    skipped: list[str] = []
    skipped = [n for n in CRUD if n in entity.forbidden]
    if process:
        skipped = [n for n in ("update", "delete") if n not in entity.operations or n in entity.forbidden]
        if skipped and not entity.forbidden:
            text = f"{label.capitalize()} are neither edited nor deleted, so that their history stays true."
            entity.satisfies.append(world.assume(text))
    elif "cancel" in entity.operations and "delete" not in entity.operations and "delete" not in entity.forbidden:
        skipped.append("delete")
        entity.satisfies.append(world.assume(f"{label.capitalize()} are cancelled, not deleted."))
    marker = world.assume(f"{label.capitalize()} can be {_listing([_DONE[n] for n in CRUD if n not in skipped])}.")
    ordered: dict[str, Operation] = {}
    for name in CRUD:
        if name in skipped:
            entity.operations.pop(name, None)
            continue
        known = entity.operation(name)
        ordered[name] = known if known.satisfies else known.model_copy(update={"satisfies": (*entity.satisfies[:1], marker)})
    entity.operations = ordered | {k: v for k, v in entity.operations.items() if k not in ordered}
    _close_holes(entity, world)
    if world.auth:
        _protect(entity, world)


def _close_holes(entity: EntityDraft, world: World) -> None:
    """A change must not get around the time limit of an action."""
    _settle_approval(entity, world)
    cancel = entity.operations.get("cancel")
    if cancel and "in_time" in cancel.guards and "update" in entity.operations:
        marker = world.assume(
            f"{entity.plural.replace('_', ' ').capitalize()} can be changed only as long as they can be cancelled."
        )
        guard = cancel.guards["in_time"]
        entity.guard("update", "in_time", guard.model_copy(update={"satisfies": (*guard.satisfies, marker)}))
        if entity.state and cancel.transition:
            states = " || ".join(f"self.{entity.state.field} == '{s}'" for s in cancel.transition.from_states)
            entity.guard(
                "update",
                "not_cancelled",
                Guard(
                    check=states, message=f"a cancelled {entity.name.replace('_', ' ')} cannot be changed", satisfies=(marker,)
                ),
            )


def _settle_approval(entity: EntityDraft, world: World) -> None:
    """Whoever approves also rejects; what waits for approval is not changed behind the approver's back."""
    approve, reject = entity.operations.get("approve"), entity.operations.get("reject")
    if approve is None or approve.transition is None or entity.state is None:
        return
    label = entity.name.replace("_", " ")
    if reject and reject.access.anonymous and not approve.access.anonymous:
        marker = world.assume(f"Whoever may approve {an(label)} may reject it.")
        entity.update("reject", access=approve.access, satisfies=tuple(dict.fromkeys([*reject.satisfies, marker])))
    if entity.state.initial in ("draft", "open", "pending", "submitted", "requested"):
        marker = world.assume(f"{an(label).capitalize()} is changed or deleted only while it is {entity.state.initial}.")
        check = f"self.{entity.state.field} == '{entity.state.initial}'"
        for name in ("update", "delete"):
            if name in entity.operations:
                entity.guard(
                    name,
                    f"still_{entity.state.initial}",
                    Guard(
                        check=check, message=f"only possible while the {label} is {entity.state.initial}", satisfies=(marker,)
                    ),
                )


def _protect(entity: EntityDraft, world: World) -> None:
    """Where people sign in: writing needs an account, and rows that someone owns are changed by that one."""
    assert world.auth
    for name, operation in list(entity.operations.items()):
        kind = operation.kind or name
        owned = name in ("update", "delete") and entity.owner and not entity.chosen_owner
        if not operation.access.anonymous and not (owned and operation.access == Access(sign_in=True)):
            continue
        if owned and entity.owner:
            marker = world.assume(f"Only its {entity.owner.replace('_', ' ')} changes or deletes {an(entity.name)}.")
            restrict(world, entity, name, marker, owner=entity.owner)
        elif entity.guarded or kind in ("read", "list") and (_public(entity) or _part_of_public(entity, world)):
            continue
        elif kind not in CRUD and entity.owner and name in OWNERS_ACTIONS:
            marker = world.assume(f"Only its {entity.owner.replace('_', ' ')} may {name.replace('_', ' ')} {an(entity.name)}.")
            restrict(world, entity, name, marker, owner=entity.owner)
        elif operation.redirect is None:
            entity.update(name, access=Access(sign_in=True))
    if not entity.guarded and not _public(entity) and not entity.visible and not _part_of_public(entity, world):
        world.assume(f"Everyone who is signed in sees all {entity.plural.replace('_', ' ')}, and nobody else does.")


def _part_of_public(entity: EntityDraft, world: World) -> bool:
    """What hangs on something public is public too, unless it has visibility of its own."""
    parents = [
        world.entities[f.to] for f in entity.fields.values() if f.type == "reference" and f.to and f.on_delete == "cascade"
    ]
    return not entity.visible and any(_public(p) for p in parents)


def _public(entity: EntityDraft) -> bool:
    return entity.public_when is not None


def _account_operations(entity: EntityDraft, world: World) -> None:
    assert world.auth
    if world.auth.methods == ("api_key",):
        marker = world.assume(f"Creating a {entity.name.replace('_', ' ')} answers its API key once; everybody may create one.")
        for name in ("create", "read", "list"):
            if not entity.operation(name).satisfies:
                entity.update(name, satisfies=(*world.auth.satisfies, marker))
        return
    for name in ("read", "list"):
        known = entity.operation(name)
        if known.access.anonymous:
            entity.update(name, access=Access(sign_in=True), satisfies=known.satisfies or world.auth.satisfies[:1])
    for name in [n for n in ("create", "update", "delete") if n in entity.operations and entity.operations[n].access.anonymous]:
        del entity.operations[name]


def _id(draft: EntityDraft, world: World) -> Field | None:
    """What names its rows. A row that an operation makes on its way has an id that nobody gives."""
    made = any(e.create == draft.name for d in world.entities.values() for o in d.operations.values() for e in o.effects)
    if draft.id is None or draft.id.writable == "never" or not draft.id.required or not made:
        return draft.id
    rows = draft.plural.replace("_", " ")
    world.assume(f"Ids of {rows} that operations make are made by the application.")
    return draft.id.model_copy(update={"required": False}) if uuid_fits(draft.id) else None


def to_spec(world: World, description: str) -> Spec:
    """The drafts as a spec, before requirement ids replace the markers of assumptions."""
    entities = {}
    for name, draft in world.entities.items():
        entities[name] = Entity(
            plural=draft.plural,
            description=draft.description,
            id=_id(draft, world),
            fields=draft.fields,
            unique=tuple(dict.fromkeys(draft.unique)),
            rules=draft.rules,
            state=draft.state,
            visible=" || ".join(dict.fromkeys(draft.visible)) if draft.visible else None,
            operations=draft.operations,
            satisfies=tuple(dict.fromkeys(draft.satisfies)),
        )
    roles = tuple(dict.fromkeys(["admin", *world.roles])) if world.roles else ()
    return Spec.model_construct(
        name=world.name, description=description, roles=roles, auth=world.auth, entities=entities, reports=world.reports
    )
