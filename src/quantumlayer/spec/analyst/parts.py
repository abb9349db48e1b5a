"""Rows of a file that belong to hidden rows: they are hidden with what they belong to."""

import re

from quantumlayer.spec.analyst.world import EntityDraft, World


def hide_parts(world: World) -> None:
    """Let rows that must refer to a row which not everybody sees be seen by those only who see it."""
    for _ in world.entities:
        found = [(e, n, p) for e in world.entities.values() if (found := _hidden(e, world)) for n, p in [found]]
        if not found:
            return
        for entity, name, parent in found:
            tests = [re.sub(r"\bself\.", f"self.{name}.", test) for test in parent.visible]
            own = [f"actor != null && self.{entity.owner} == actor"] if entity.owner else []
            entity.visible += [*tests, *own]
            theirs = f" and by their {entity.owner}" if own else ""
            told = f"{entity.plural.capitalize()} are seen by those who see the {parent.name} that they belong to{theirs}."
            marker = world.assume(told.replace("_", " "))
            known = entity.operation("list")
            entity.update("list", satisfies=tuple(dict.fromkeys([*known.satisfies, marker])))


_MAKERS = ("author", "owner", "creator", "created_by", "uploader", "submitter", "poster")


def name_makers(entity: EntityDraft, world: World) -> None:
    """The author that a file wants of a row is whoever creates it: nobody writes in another's name."""
    if not entity.declared or entity.exact or entity.owner or not world.auth or "password" not in world.auth.methods:
        return
    made = [n for n, f in entity.fields.items() if n in _MAKERS and f.type == "reference" and f.to == world.account]
    if len(made) == 1 and entity.fields[made[0]].required and entity.fields[made[0]].writable == "always":
        world.made_by(entity, made[0])
        told = f"The {made[0]} of {entity.plural} is whoever creates them.".replace("_", " ")
        entity.fields[made[0]] = entity.fields[made[0]].model_copy(
            update={"satisfies": (*entity.fields[made[0]].satisfies, world.assume(told))}
        )


def _hidden(entity: EntityDraft, world: World) -> tuple[str, EntityDraft] | None:
    """The reference to a hidden row, where it is the one thing that the entity must belong to."""
    if (
        entity.visible
        or entity.exact
        or not entity.declared
        or world.is_account(entity)
        or entity.public_when
        or entity.seen_by_all
    ):
        return None
    for name, field in entity.fields.items():
        parent = world.entities.get(field.to or "") if field.type == "reference" and field.required else None
        if parent is not None and parent is not entity and parent.declared and any("== actor" in t for t in parent.visible):
            return name, parent
    return None
