"""Rows shared with others."""

import re
from typing import Any

from quantumlayer.spec.analyst.access import restrict
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.words import snake
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field, Rule, Unique


@rule
def others_look(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`everybody else can just look`: what a role was given to do with the rows, nobody else does, nor changes them."""
    target = entity(world, m, "e") or world.find(world.topic)
    if target is None or world.auth is None:
        return None
    granted = [n for n in ("create", "update", "delete") if target.operation(n).access.roles]
    roles = {role for n in granted for role in target.operation(n).access.roles}
    if len(roles) != 1:
        return None
    for name in ("create", "update", "delete"):
        restrict(world, target, name, clause.id, role=next(iter(roles)))
    return True


@rule
def shared(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a note can be shared with other users as read-only or editable`"""
    target = entity(world, m, "e")
    if target is None or world.auth is None:
        return None
    owner = target.owner or world.own(target, clause.id)
    share = world.add(f"{target.name} share".replace("_", " "), clause.id)
    share.event_of = "share"
    person = world.auth.entity
    share.fields[target.name] = Field(
        type="reference", to=target.name, writable="create", on_delete="cascade", inverse="shares", satisfies=(clause.id,)
    )
    share.fields["user"] = Field(
        type="reference", to=person, writable="create", inverse=f"{target.name}_shares", satisfies=(clause.id,)
    )
    share.rules["not_with_owner"] = _not_with_owner(target, owner, clause.id)
    from_unique(share, (target.name, "user"), clause.id)
    modes = [
        snake(x)
        for x in re.split(r",| or | and ", plain(m["modes"] or "").replace("access", "").replace("permission", ""))
        if x.strip()
    ]
    editable = [x for x in modes if re.match(r"edit|write|read_write|full|modif", x)]
    if modes:
        share.fields["permission"] = Field(type="enum", values=tuple(modes), satisfies=(clause.id,))
    mine = "x.user == actor"
    target.visible.append(f"actor != null && self.shares.exists(x, {mine})")
    if f"actor != null && self.{owner} == actor" not in target.visible:
        target.visible.append(f"actor != null && self.{owner} == actor")
    if editable:
        restrict(
            world,
            target,
            "update",
            clause.id,
            allow=f"self.{owner} == actor || self.shares.exists(x, {mine} && x.permission == '{editable[0]}')",
        )
    restrict(world, share, "create", clause.id, allow=f"self.{target.name}.{owner} == actor")
    marker = world.assume(
        f"The {owner.replace('_', ' ')} of a {target.name.replace('_', ' ')} shares it, changes what a share permits and takes it back."
    )
    for name in ("update", "delete"):
        restrict(world, share, name, marker, allow=f"self.{target.name}.{owner} == actor")
    share.visible.append(f"actor != null && (self.user == actor || self.{target.name}.{owner} == actor)")
    return True


def _not_with_owner(target: EntityDraft, owner: str, by: str) -> Any:
    from_rule = {
        "check": f"self.user != self.{target.name}.{owner}",
        "message": f"a {target.name.replace('_', ' ')} is shared with others, not with its {owner}",
        "status": 422,
        "satisfies": (by,),
    }
    return Rule(**from_rule)  # type: ignore[arg-type]


def from_unique(target: EntityDraft, fields: tuple[str, ...], by: str) -> None:
    """No two rows alike in these fields."""
    target.unique.append(Unique(fields=fields, satisfies=(by,)))
