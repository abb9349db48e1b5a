"""`ql model`: which models may be asked, whether they answer, and what they may cost."""

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from quantumlayer.account.values import Budget, Spent
from quantumlayer.catalog.model_file import change, with_model, without_model
from quantumlayer.catalog.models import LOCAL, check_name, fetch_model, load_models, open_model, problem_of
from quantumlayer.cli.failures import run, tell
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.errors import QuantumLayerError, UserError
from quantumlayer.gateway.breakers import Circuit
from quantumlayer.gateway.config import TEXT_ROLES, ModelsConfig
from quantumlayer.gateway.probe import Finding, probe
from quantumlayer.llms.gguf import check_digest, check_gguf
from quantumlayer.ports.llm import ROLES, Role
from quantumlayer.ports.llm_options import ModelOptions, Structured
from quantumlayer.stores.home import default_home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.spending import SqlBook, SqlCircuits
from quantumlayer.stores.values import Owner

model_app = typer.Typer(add_completion=False, no_args_is_help=True, help="The language models that may be asked.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SIGNS = {"passed": "✓", "failed": "✗", "not_run": "–"}


@model_app.command("list")
def list_(json: Json = False) -> None:
    """Every configured model: its roles, its key, and whether it is left alone for failures."""
    config = load_models(default_home().root)
    circuits = {circuit.model: circuit for circuit in run(_circuits())}
    found = [_entry(config, name, circuits.get(name, Circuit(name))) for name in config.all_names]
    if json:
        print_data(found)
        return
    rows = [(e["model"], ", ".join(e["roles"]), e["ready"], e["breaker"]["state"], e["reason"]) for e in found]
    print_table(("model", "roles", "ready", "breaker", ""), rows, "no models; name one with: ql model add PROVIDER:MODEL")


@model_app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="PROVIDER:MODEL, or `local` for a file.")],
    path: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="Of a local model: its GGUF file.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="analyst, coder, reviewer, vision, embedder; several.")] = None,
    language: Annotated[str | None, typer.Option(help="Only for sources in this language.")] = None,
    first: Annotated[bool, typer.Option("--first", help="Ask it before the others, not after them.")] = False,
    hub: Annotated[str | None, typer.Option(metavar="OWNER/REPO/FILE", help="Fetch a local model from the hub.")] = None,
    sha256: Annotated[str | None, typer.Option(help="What the file's digest must be.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Where its server is.")] = None,
    key_variable: Annotated[str | None, typer.Option(help="The variable that holds its key.")] = None,
    context_tokens: Annotated[int | None, typer.Option(min=256, help="How much it holds, prompt and answer.")] = None,
    structured: Annotated[str | None, typer.Option(help="native, tool or prompt: how it is held to a schema.")] = None,
    json: Json = False,
) -> None:
    """Name a model for roles (analyst, coder and reviewer where none is given). Nothing is called; keys are not stored."""
    roles = _roles(role)
    home = default_home()
    if name == LOCAL or name.startswith(f"{LOCAL}:"):
        name, path, sha256 = _local(name, path, hub, sha256, home.root / "models")
    elif path is not None:
        raise UserError(f"{name} has no file", hint="a file is given for a local model: ql model add local PATH.gguf")
    check_name(name)
    options = ModelOptions(
        path=path,
        sha256=sha256,
        base_url=base_url,
        key_variable=key_variable,
        context_tokens=context_tokens,
        structured=_structured(structured),
    )
    config = change(home.root, partial(with_model, name=name, options=options, roles=roles, language=language, first=first))
    if json:
        print_data(_entry(config, name, Circuit(name)))
        return
    print(f"{name} is asked as {', '.join(roles)}; try it: ql model test {name}")
    if (problem := problem_of(config, name)) is not None:
        print(f"note: {problem.message}; {problem.hint}", file=sys.stderr)


@model_app.command()
def remove(name: Annotated[str, typer.Argument(metavar="MODEL", help="As `ql model list` shows it.")]) -> None:
    """Ask a model no more. Its file, if it has one, stays."""
    change(default_home().root, partial(without_model, name=name))
    print(f"{name} is not asked any more")


@model_app.command()
def test(
    names: Annotated[list[str] | None, typer.Argument(metavar="[MODEL]…", help="All that are configured, without one.")] = None,
    json: Json = False,
) -> None:
    """Really ask: a plain answer, one that follows a schema, one that is streamed. Costs a few hundred tokens."""
    config = load_models(default_home().root)
    chosen = names or list(config.all_names)
    if not chosen:
        raise UserError("there is no model to try", hint="name one with: ql model add PROVIDER:MODEL")
    found = run(_probe_all(config, chosen, quiet=json))
    if json:
        print_data([{"model": name, **asdict(finding)} for name, finding, _ in found])
    problems = [error for _, _, error in found if error is not None]
    for error in problems[:1]:
        tell(error.message, error.hint)
        raise typer.Exit(error.exit_code)


@model_app.command()
def budget(
    tokens: Annotated[str | None, typer.Option(help="Tokens a month, or `none`.")] = None,
    usd: Annotated[str | None, typer.Option(help="US dollars a month, or `none`.")] = None,
    organisation: Annotated[str, typer.Option(help="Whose.")] = Owner().organisation,
    json: Json = False,
) -> None:
    """Show what an organisation's calls took this month; set what they may take. A run's own budget is in models.toml."""
    allowed, spent = run(_budget(organisation, tokens, usd))
    if json:
        print_data({"organisation": organisation, "budget": allowed.model_dump(), "spent": spent.model_dump()})
        return
    limits = (
        "no limit" if allowed.tokens is None else f"{allowed.tokens:,}",
        "no limit" if allowed.usd is None else f"${allowed.usd:g}",
    )
    row = (organisation, f"{spent.tokens:,}", limits[0], f"${spent.usd or 0:.4f}", limits[1])
    print_table(("organisation", "tokens", "of", "money", "of"), [row], "")


def _entry(config: ModelsConfig, name: str, circuit: Circuit) -> dict[str, Any]:
    problem = problem_of(config, name)
    roles = [role for role in ROLES if name in config.names(role)]
    routes = [
        f"{language}:{role}" for language, found in config.routes.items() for role, names in found.items() if name in names
    ]
    last = [f"last {role}" for role, found in config.last_attempt.items() if found == name]
    breaker = {"state": circuit.state, "failures": circuit.failures, "opened_at": circuit.opened_at}
    options = config.options(name).model_dump(mode="json", exclude_defaults=True)
    return {
        "model": name,
        "roles": [*roles, *routes, *last],
        "ready": "no" if problem else "yes",
        "reason": problem.message if problem else "",
        "hint": problem.hint if problem else "",
        "breaker": breaker,
        "options": options,
    }


def _roles(given: list[str] | None) -> tuple[Role, ...]:
    unknown = set(given or []) - set(ROLES)
    if unknown:
        raise UserError(f"there is no role {sorted(unknown)[0]!r}", hint=f"choose from: {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in given) if given else TEXT_ROLES


def _structured(given: str | None) -> Structured | None:
    if given not in (None, "native", "tool", "prompt"):
        raise UserError(f"{given!r} is no way to hold a model to a schema", hint="choose from: native, tool, prompt")
    return cast(Structured | None, given)


def _local(name: str, path: Path | None, hub: str | None, sha256: str | None, folder: Path) -> tuple[str, Path, str | None]:
    if (path is None) == (hub is None):
        raise UserError("a local model needs its file", hint="ql model add local PATH.gguf, or --hub OWNER/REPO/FILE.gguf")
    if hub is not None:
        path, sha256 = fetch_model(hub, folder, sha256)
    assert path is not None
    found = check_gguf(path).absolute()
    if hub is None and sha256 is not None:
        check_digest(found, sha256)
    return (f"{LOCAL}:{found.stem}" if name == LOCAL else name), found, sha256


async def _circuits() -> list[Circuit]:
    metadata = Metadata(default_home().database)
    await metadata.prepare()
    try:
        return list(await SqlCircuits(metadata.database).all())
    finally:
        await metadata.close()


async def _probe_all(
    config: ModelsConfig, names: list[str], *, quiet: bool
) -> list[tuple[str, Finding, QuantumLayerError | None]]:
    found = []
    for name in names:
        async for finding, error in probe(partial(open_model, config, name)):
            found.append((name, finding, error))
            if not quiet:
                print(f"{SIGNS[finding.status]} {name} {finding.what}{': ' if finding.said else ''}{finding.said}", flush=True)
    return found


async def _budget(organisation: str, tokens: str | None, usd: str | None) -> tuple[Budget, Spent]:
    metadata = Metadata(default_home().database)
    await metadata.prepare()
    try:
        book = SqlBook(metadata.database)
        if tokens is not None or usd is not None:
            before = await book.budget(organisation)
            changed = Budget(
                tokens=before.tokens if tokens is None else _number(tokens, int),
                usd=before.usd if usd is None else _number(usd, float),
            )
            await book.limit(organisation, changed, Owner(organisation=organisation))
        return await book.budget(organisation), await book.spent(organisation)
    finally:
        await metadata.close()


def _number(text: str, kind: type) -> Any:
    if text == "none":
        return None
    try:
        found = kind(text.replace(",", "").lstrip("$"))
    except ValueError:
        found = -1
    if not 0 <= found < float("inf"):
        raise UserError(f"{text!r} is no limit", hint="give a number from 0, or `none` for no limit")
    return found
