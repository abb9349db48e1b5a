"""Which row of the application is which row of the model: ids, and values that both sides draw at random."""

from collections.abc import Callable, Hashable
from typing import Any


class Identities:
    """A one-to-one map per kind (an entity's name, or `entity.field` of a random value). Learned from paired answers.

    `alive(kind, model)` says whether a row still exists: an application may give the id of a deleted row to a new one.
    """

    def __init__(self, alive: Callable[[str, Any], bool] = lambda kind, model: True) -> None:
        self._alive = alive
        self._to_app: dict[tuple[str, Hashable], Any] = {}
        self._to_model: dict[tuple[str, Hashable], Any] = {}

    def bind(self, kind: str, model: Any, app: Any) -> bool:
        """Whether the two are, or may from now on be, the same thing."""
        if not isinstance(model, Hashable) or not isinstance(app, Hashable):
            return False
        known_app, known_model = self._to_app.get((kind, model)), self._to_model.get((kind, app))
        if known_app is None and (known_model is None or not self._alive(kind, known_model)):
            if app is None:
                return False
            self._to_app.pop((kind, known_model), None)
            self._to_app[kind, model], self._to_model[kind, app] = app, model
            return True
        return known_app == app and known_model == model

    def app(self, kind: str, model: Any) -> Any:
        """The application's value; the model's own where nothing is known (an id that no row has)."""
        return self._to_app.get((kind, model), model)

    def model(self, kind: str, app: Any) -> Any:
        """The model's value; the application's own where nothing is known."""
        return self._to_model.get((kind, app), app) if isinstance(app, Hashable) else app

    def known(self, kind: str, app: Any) -> bool:
        """Whether a value of the application belongs to a row that this judge made."""
        return isinstance(app, Hashable) and (kind, app) in self._to_model
