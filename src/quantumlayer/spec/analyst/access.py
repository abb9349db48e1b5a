"""Who may: roles, owners, visibility."""

from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Guard


def restrict(
    world: World,
    target: EntityDraft,
    operation: str,
    by: str,
    *,
    role: str | None = None,
    owner: str | None = None,
    allow: str | None = None,
) -> None:
    """Let only one who has the role, or is the owner, call an operation; several callers of it are alternatives."""
    if role:
        world.roles.setdefault(role, []).append(by)
    known = target.operation(operation)
    access = known.access
    test = allow or (f"self.{owner} == actor" if owner else None)
    if owner and (field := target.fields.get(owner)) and not field.required:
        test = f"self.{owner} != null && self.{owner} == actor"
    if role and not test and not access.allow:
        access = access.model_copy(update={"roles": tuple(dict.fromkeys([*access.roles, role]))})
    else:
        alternatives = [
            a
            for a in (
                access.allow,
                *(f"'{r}' in actor.roles" for r in access.roles),
                test,
                f"'{role}' in actor.roles" if role else None,
            )
            if a
        ]
        access = access.model_copy(update={"allow": " || ".join(dict.fromkeys(alternatives)), "roles": ()})
    target.update(operation, access=access, satisfies=tuple(dict.fromkeys([*known.satisfies, by])))


def sees(role: str) -> str:
    """That whoever calls has the role, as one of the ways to see a row."""
    return f"actor != null && '{role}' in actor.roles"


def require(target: EntityDraft, operation: str, by: str, check: str, name: str, message: str) -> None:
    """A further condition on whoever calls, on top of what is asked of them already."""
    target.guard(operation, name, Guard(check=check, message=message, status=403, satisfies=(by,)))
