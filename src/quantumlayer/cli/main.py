"""The command `ql`. Commands are imported when they are called, so that `ql --help` is instant."""

import gc
import importlib
import logging
import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from quantumlayer import __version__
from quantumlayer.cli.failures import explain
from quantumlayer.stores.home import DATABASE, DROPS
from quantumlayer.telemetry.switch import flush

COMMANDS = {
    "generate": "From a request to a verified, running application.",
    "up": "Run the service in the foreground: Temporal, workers, preview proxy, API.",
    "down": "Stop the service. Unfinished runs go on at the next start.",
    "runs": "List runs, newest first.",
    "show": "Show how a run went.",
    "drops": "List the artifacts of a run, or print one.",
    "diff": "Compare two artifacts.",
    "pending": "Show what waits for a person: questions, and documents to be approved.",
    "answer": "Answer open questions of a run; its requirements are drafted anew.",
    "edit": "Put another version of the document that waits in its place.",
    "approve": "Approve the document that waits; the run goes on.",
    "reject": "Reject the document that waits; the run ends.",
    "cancel": "Stop a run.",
    "resume": "Follow a run to its end; starts the service where it died, and takes up what a mended fault had stopped.",
    "rollback": "Make an earlier artifact current again and redo what depends on it.",
    "spec": "Check a specification, serve it, print its JSON Schema.",
    "verify": "Check a capsule: signature, digests, evidence.",
    "judge": "Hold any running application against a specification.",
    "stacks": "Every stack, and whether this machine can verify it.",
    "doctor": "What is installed, what is missing, and the command that mends it.",
    "sandbox": "Try to break out of the sandbox.",
    "blueprint": "Check stacks, plant faults in them, and make new ones.",
    "gc": "Delete old runs with all they made, replaced versions, unused caches.",
    "quota": "Show how much an organisation's drops take; set how much they may take.",
    "preview": "List, extend, stop running previews; read their logs.",
    "server": "Serve the REST API alone.",
    "worker": "Carry out stages alone.",
    "proxy": "Serve previews alone.",
    "model": "The language models that may be asked: name, list, try, budget.",
    "token": "Create, list, revoke tokens of the API.",
}
HOMES = {
    **dict.fromkeys(("runs", "show"), "runs"),
    **dict.fromkeys(("cancel", "resume", "rollback"), "control"),
    **dict.fromkeys(("pending", "answer", "edit", "approve", "reject"), "agreement"),
    **dict.fromkeys(("drops", "diff"), "drops"),
    **dict.fromkeys(("up", "down"), "service"),
    **dict.fromkeys(("verify", "judge"), "evidence"),
    **dict.fromkeys(("stacks", "doctor"), "machine"),
}


class LazyGroup(TyperGroup):
    """Knows the names and the short help of its commands; imports the module `cli/NAME.py` (see `HOMES`) of the one called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names that help shows."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in that has a name and a help text."""
        text = COMMANDS.get(cmd_name)
        return None if text is None else TyperCommand(cmd_name, help=text)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself."""
        self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}
        name, found, rest = super().resolve_command(ctx, args)
        return (name, load_command(name), rest) if found is not None and name is not None else (name, found, rest)


class TextCommand(TyperCommand):
    """Takes an argument that begins like an option and holds a space for text, as in a request that is a list: "- tasks …"."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Such arguments go last, behind the mark that ends the options."""
        texts = [] if "--" in args else [arg for arg in args if arg.startswith("-") and len(arg.partition("=")[0].split()) > 1]
        return super().parse_args(ctx, [*(arg for arg in args if arg not in texts), *(["--", *texts] if texts else [])])


def load_command(name: str) -> Any:
    """The command of that name from its module, which has a Typer application `NAME_app` or a function of the name."""
    # Imports leave hardly any garbage; looking for it takes a fifth of a worker's start.
    gc.disable()
    module = importlib.import_module(f"quantumlayer.cli.{HOMES.get(name, name)}")
    gc.freeze()
    gc.enable()
    nested = getattr(module, f"{name}_app", None)
    if not isinstance(nested, typer.Typer):
        nested = typer.Typer(add_completion=False)
        nested.command(name, cls=TextCommand, help=COMMANDS[name])(getattr(module, name))
    return get_command(nested)


app = typer.Typer(cls=LazyGroup, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ql {__version__}")
        raise typer.Exit


@app.callback()
def ql(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    database: str = typer.Option("", metavar="URL", help=f"The metadata database: postgresql://… or a file. Also ${DATABASE}."),
    drops: str = typer.Option("", metavar="URL", help=f"Where drops are kept: s3://BUCKET/PREFIX or a folder. Also ${DROPS}."),
) -> None:
    """From a request in plain language to a verified, packaged, running application."""
    # The environment, because the service that a command may start must use the same stores.
    os.environ.update({name: value for name, value in ((DATABASE, database), (DROPS, drops)) if value})


def main() -> NoReturn:
    """The entry point. Every error is one message with its mend, never a trace."""
    logging.basicConfig(level=logging.ERROR)
    try:
        app(prog_name="ql")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except Exception as error:
        code = explain(error)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 1
    flush()
    # Temporal's runtime threads can abort an interpreter that shuts down in the usual way.
    os._exit(code)


if __name__ == "__main__":
    main()
