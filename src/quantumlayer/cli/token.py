"""`ql token`: who may call the API."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.inputs import parse_ttl
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.errors import UserError
from quantumlayer.stores.access import SCOPES, Access, Scope, Token
from quantumlayer.stores.home import default_home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import Owner

token_app = typer.Typer(add_completion=False, no_args_is_help=True, help="Create, list, revoke tokens of the API.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@token_app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom or what it is for.")],
    scope: Annotated[list[str], typer.Option(help="read, write, judge; may be given several times.")] = ["read", "write"],  # noqa: B006
    ttl: Annotated[str | None, typer.Option(help="Until when: 12h, 30d. Without it: until it is revoked.")] = None,
    organisation: Annotated[str, typer.Option(help="Whose runs it sees.")] = "local",
    project: Annotated[str, typer.Option(help="Whose runs it sees.")] = "default",
    json: Json = False,
) -> None:
    """Make a token. It is shown this once; only its hash is kept."""
    if not name.strip() or len(name) > 100:
        raise UserError("a token needs a name of at most 100 characters", hint="ql token create laptop")
    expires = datetime.now(UTC) + parse_ttl(ttl) if ttl else None
    owner = Owner(organisation=organisation, project=project, creator=name)
    token, secret = run(_with(lambda access: access.create(name, _scopes(scope), owner, expires)))
    if json:
        print_data(_data(token) | {"token": secret})
    else:
        print(secret)


@token_app.command("list")
def list_(json: Json = False) -> None:
    """List tokens, newest first. Their secrets are stored nowhere."""
    found = run(_with(lambda access: access.all()))
    if json:
        print_data([_data(token) for token in found])
        return
    rows = [(t.id, t.name, _state(t), ", ".join(t.scopes), f"{t.created_at:%Y-%m-%d %H:%M}", _project(t)) for t in found]
    print_table(
        ("token", "name", "", "may", "created (UTC)", "project"), rows, "no tokens; make one with: ql token create NAME"
    )


@token_app.command()
def revoke(token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id or its name.")]) -> None:
    """End a token; within a second it opens nothing any more."""
    print(f"{run(_with(lambda access: access.revoke(token))).name} is revoked")


async def _with(act: Any) -> Any:
    metadata = Metadata(default_home().database)
    await metadata.prepare()
    try:
        return await act(Access(metadata))
    finally:
        await metadata.close()


def _scopes(names: list[str]) -> tuple[Scope, ...]:
    unknown = set(names) - set(SCOPES)
    if unknown:
        raise UserError(f"there is no scope {sorted(unknown)[0]!r}", hint=f"choose from: {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in names)


def _state(token: Token) -> str:
    return "ok" if token.live else "revoked" if token.revoked_at else "expired"


def _project(token: Token) -> str:
    return f"{token.owner.organisation}/{token.owner.project}"


def _data(token: Token) -> dict[str, Any]:
    return token.model_dump(mode="json") | {"live": token.live}
