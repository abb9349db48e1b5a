"""Which row of the application is which row of the model: ids, and values that both sides draw at random."""

from collections.abc import Hashable
from typing import Any


class Identities:
    """A one-to-one map per kind (an entity's name, or `entity.field` of a random value). Learned from paired answers."""

    def __init__(self) -> None:
        self._to_app: dict[tuple[str, Hashable], Any] = {}
        self._to_model: dict[tuple[str, Hashable], Any] = {}

    def bind(self, kind: str, model: Any, app: Any) -> bool:
        """Whether the two are, or may from now on be, the same thing."""
        if not isinstance(model, Hashable) or not isinstance(app, Hashable):
            return False
        known_app, known_model = self._to_app.get((kind, model)), self._to_model.get((kind, app))
        if known_app is None and known_model is None:
            if app is None:
                return False
            self._to_app[kind, model], self._to_model[kind, app] = app, model
            return True
        return known_app == app and known_model == model

    def app(self, kind: str, model: Any) -> Any:
        """The application's value; the model's own where nothing is known (an id that no row has)."""
        return self._to_app.get((kind, model), model)

    def known(self, kind: str, app: Any) -> bool:
        """Whether a value of the application belongs to a row that this judge made."""
        return isinstance(app, Hashable) and (kind, app) in self._to_model
