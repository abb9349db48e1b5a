"""A column of the accounts that says which role each has: where roles decide, it is the roles that they are granted."""

from quantumlayer.spec.analyst.words import snake
from quantumlayer.spec.analyst.world import World

_ROLES = ("role", "roles", "user_role", "account_role", "role_name")


def grant_columns(world: World) -> None:
    """Take such columns as the roles. A role that rows named themselves would be no protection."""
    account = world.entities.get(world.account or "")
    if account is None or not world.auth or not world.roles or account.guarded:
        return
    rows = account.plural.replace("_", " ")
    for name in _ROLES:
        field = account.fields.get(name)
        if field is None or field.type not in ("enum", "string", "text", "strings"):
            continue
        values = [snake(v) for v in field.values]
        del account.fields[name]
        marker = world.assume(
            f"The {name.replace('_', ' ')} of {rows} is granted by administrators, and is no value that they give."
        )
        _satisfy(world, (*field.satisfies, marker))
        for value in values:
            if value and value not in ("user", account.name):
                world.roles.setdefault(value, list(field.satisfies))
    for role in list(world.roles) + ["admin"]:
        flag = account.fields.get(f"is_{role}") or account.fields.get(role)
        name = f"is_{role}" if f"is_{role}" in account.fields else role
        if flag is not None and flag.type == "boolean":
            del account.fields[name]
            marker = world.assume(
                f"Whether {rows} have the role {role} ({name}) is granted by administrators.".replace("_", " ")
            )
            _satisfy(world, (*flag.satisfies, marker))


def _satisfy(world: World, requirements: tuple[str, ...]) -> None:
    assert world.auth
    satisfies = tuple(dict.fromkeys([*world.auth.satisfies, *requirements]))
    world.auth = world.auth.model_copy(update={"satisfies": satisfies})
