"""Tree-sitter grammars by language, all in one wheel: nothing is fetched when a file is parsed."""

from functools import cache
from pathlib import PurePosixPath

from tree_sitter import Language as Grammar
from tree_sitter_language_pack import get_language

from quantumlayer.errors import EnvironmentError_

# The grammars of these follow one dialect of several, or lag behind the language: only a stack's own sources are held to them.
LOOSE = frozenset({"cmake", "dockerfile", "fortran", "graphql", "make", "perl", "sql", "verilog"})
SUFFIXES: dict[str, tuple[str, ...]] = {
    "ada": (".adb", ".ads"),
    "bash": (".sh", ".bash"),
    "c": (".c", ".h"),
    "clojure": (".clj", ".cljs"),
    "cmake": (".cmake",),
    "cpp": (".cpp", ".cc", ".cxx", ".hpp"),
    "csharp": (".cs",),
    "css": (".css",),
    "d": (".d",),
    "dart": (".dart",),
    "dockerfile": ("Dockerfile",),
    "elixir": (".ex", ".exs"),
    "elm": (".elm",),
    "erlang": (".erl", ".hrl"),
    "fortran": (".f90", ".f95"),
    "fsharp": (".fs", ".fsx"),
    "gleam": (".gleam",),
    "go": (".go",),
    "gomod": ("go.mod",),
    "graphql": (".graphql", ".gql"),
    "groovy": (".groovy", ".gradle"),
    "haskell": (".hs",),
    "hcl": (".hcl", ".tf"),
    "html": (".html",),
    "java": (".java",),
    "javascript": (".js", ".mjs", ".cjs", ".jsx"),
    "json": (".json",),
    "julia": (".jl",),
    "kotlin": (".kt", ".kts"),
    "lua": (".lua",),
    "make": ("Makefile", ".mk"),
    "nim": (".nim",),
    "nix": (".nix",),
    "objc": (".m",),
    "ocaml": (".ml",),
    "pascal": (".pas",),
    "perl": (".pl", ".pm"),
    "php": (".php",),
    "powershell": (".ps1",),
    "prisma": (".prisma",),
    "proto": (".proto",),
    "python": (".py", ".pyi"),
    "r": (".r", ".R"),
    "rego": (".rego",),
    "ruby": (".rb",),
    "rust": (".rs",),
    "scala": (".scala",),
    "scss": (".scss",),
    "solidity": (".sol",),
    "sql": (".sql",),
    "svelte": (".svelte",),
    "swift": (".swift",),
    "toml": (".toml",),
    "tsx": (".tsx",),
    "typescript": (".ts", ".mts", ".cts"),
    "verilog": (".v", ".sv"),
    "vue": (".vue",),
    "xml": (".xml",),
    "yaml": (".yaml", ".yml"),
    "zig": (".zig",),
}
_BY_ENDING = {ending: name for name, endings in SUFFIXES.items() for ending in endings}


def language_of(path: str) -> str | None:
    """The name of the grammar for a file, by its name or suffix; None where none is known."""
    pure = PurePosixPath(path)
    return _BY_ENDING.get(pure.name) or _BY_ENDING.get(pure.suffix)


@cache
def grammar(name: str) -> Grammar:
    """Raises `EnvironmentError_` where there is no such grammar."""
    try:
        return get_language(name)  # type: ignore[arg-type]
    except Exception as error:  # the package raises its own kinds, and LookupError
        hint = f"one of: {', '.join(SUFFIXES)}"
        raise EnvironmentError_(f"there is no Tree-sitter grammar {name!r}: {error}", hint=hint) from error
