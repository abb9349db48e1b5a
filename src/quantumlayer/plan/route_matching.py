"""Which route a call goes to, with real values or captures in its path."""

from collections.abc import Iterable

from quantumlayer.spec.routes import Route


def route_of(routes: Iterable[Route], method: str, path: str) -> Route | None:
    """The route that serves the call, None where the spec has none."""
    parts = path.split("/")
    for route in routes:
        wanted = route.path.split("/")
        if route.method == method and len(wanted) == len(parts) and all(map(_fits, wanted, parts)):
            return route
    return None


def _fits(wanted: str, got: str) -> bool:
    return wanted == got or (wanted.startswith("{") and got != "")
