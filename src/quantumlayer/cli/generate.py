"""`ql generate`: from a request to a verified, running application."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from quantumlayer.catalog.blueprints import remember
from quantumlayer.cli.failures import run
from quantumlayer.cli.follow import asker, open_desk, start_and_follow
from quantumlayer.cli.inputs import checked_out, checked_patience, parse_ttl, read_pictures, read_request
from quantumlayer.cli.options import Folders, checked_folder
from quantumlayer.cli.outcome import print_json, print_outcome
from quantumlayer.cli.sources import write_out
from quantumlayer.delivery.values import checked_ttl
from quantumlayer.pipeline.intake import admitted, chosen_author, configured_vision, require_models, reviewed
from quantumlayer.pipeline.values import Finished
from quantumlayer.request.values import FileKind, Request
from quantumlayer.server.service import prepare
from quantumlayer.stores.home import default_home
from quantumlayer.stores.space import check_space


@dataclass(frozen=True)
class Wanted:
    """The options that are not part of the request."""

    out: Path | None
    preview: bool
    ttl: int
    json: bool
    patience: int | None
    ask: bool


def generate(
    prompt: Annotated[str | None, typer.Argument(help="What to build, in plain English.", show_default=False)] = None,
    file: Annotated[list[Path], typer.Option(help="A request as text, or a specification as YAML; - is standard input.")] = [],  # noqa: B006
    openapi: Annotated[list[Path], typer.Option(help="An OpenAPI 3 file: its paths and shapes win.")] = [],  # noqa: B006
    schema: Annotated[list[Path], typer.Option(help="A database schema as SQL.")] = [],  # noqa: B006
    image: Annotated[list[Path], typer.Option(help="A picture of what to build (needs a language model).")] = [],  # noqa: B006
    stack: Annotated[str | None, typer.Option(help="LANGUAGE/FRAMEWORK; `ql stacks` lists them.")] = None,
    blueprints: Folders = [],  # noqa: B006
    author: Annotated[str | None, typer.Option(help="Who writes the code: blueprint, auto or model.")] = None,
    model: Annotated[str | None, typer.Option(help="The language model to use.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the sources into this new or empty folder.")] = None,
    preview: Annotated[bool, typer.Option(help="Leave the application running behind an address.")] = True,
    ttl: Annotated[str, typer.Option(help="How long the preview lives: 90s, 15m, 1h, 2d.")] = "1h",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Go on with the assumptions that were made, without asking.")
    ] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Ask what is open, and let requirements and specification be approved.")
    ] = False,
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="Somebody else answers: with ql answer, approve and reject, or by the API.")
    ] = False,
    answer_within: Annotated[str, typer.Option(help="How long an interactive run waits for each decision.")] = "1h",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and no progress.")] = False,
) -> None:
    """From a request to a verified, running application."""
    patience = checked_patience(answer_within, interactive=interactive, elsewhere=elsewhere, yes=yes)
    if image:
        configured_vision(default_home().root, image[0].name)
    writer = chosen_author(author, model, default_home().root)
    for folder in blueprints:
        remember(default_home().root, checked_folder(folder))
    typed: dict[FileKind, list[Path]] = {"openapi": openapi, "sql": schema}
    pictures = run(read_pictures(image)) if image else []
    request = read_request(prompt, file, typed, pictures, stack=stack, author=writer, model=model)
    wanted = Wanted(
        out=checked_out(out) if out else None,
        preview=preview,
        ttl=int(checked_ttl(parse_ttl(ttl)).total_seconds()),
        json=json,
        patience=patience,
        ask=interactive and not elsewhere,
    )
    finished = run(_generate(request, wanted))
    print_json(finished) if json else print_outcome(finished)
    raise typer.Exit(finished.exit_code)


async def _generate(request: Request, wanted: Wanted) -> Finished:
    request = await admitted(request)
    home = default_home()
    author = chosen_author(request.author, request.model, home.root)
    await require_models(author, request, home.root)
    prepare(home)
    check_space(home.root)
    desk = await open_desk()
    added = await desk.runs.add(
        request,
        stack=request.stack or "",
        author=author,
        preview=wanted.preview,
        ttl=wanted.ttl,
        patience=wanted.patience,
        review=reviewed(author, request.model, home.root),
    )
    finished = await start_and_follow(desk, added, quiet=wanted.json, ask=asker(desk, added) if wanted.ask else None)
    if wanted.out is not None:
        finished = await write_out(desk, finished, wanted.out)
    await desk.metadata.close()
    return finished
