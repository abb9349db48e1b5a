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
            entity.visible += tests
            told = f"{entity.plural.capitalize()} are seen by those who see the {parent.name} that they belong to."
            marker = world.assume(told.replace("_", " "))
            known = entity.operation("list")
            entity.update("list", satisfies=tuple(dict.fromkeys([*known.satisfies, marker])))


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
