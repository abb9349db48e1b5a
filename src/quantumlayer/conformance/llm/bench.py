"""What a trial works with: a model under test, and a hand on the server behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from quantumlayer.conformance.llm.wire import Scene, Wire
from quantumlayer.conformance.trials import NotTried
from quantumlayer.ports.llm import Llm
from quantumlayer.ports.llm_options import ModelOptions

KEY = "sk-conformance-0123456789abcdef"


@dataclass
class Bench:
    """`open_model` opens a fresh model with these options and that key. `wire` is the server that it asks.

    An adapter without a server has no `wire`: what only a server can do to it is not tried. `real` says that the model thinks
    for itself, so that only the form of its answers can be judged. `deviations` are trials by name that are not tried, with
    the reason.
    """

    open_model: Callable[[ModelOptions, str], Llm]
    wire: Wire | None = None
    real: bool = False
    deviations: Mapping[str, str] = field(default_factory=dict)

    def open(self, timeout_seconds: float = 60.0, key: str = KEY) -> Llm:
        """A model that gives up after that time."""
        return self.open_model(ModelOptions(timeout_seconds=timeout_seconds, first_text_seconds=timeout_seconds), key)

    def play(self, *scenes: Scene) -> Wire:
        """Tells the server what to do with the next requests. Raises `NotTried` where there is no server."""
        if self.wire is None:
            raise NotTried("this model has no server that could do so")
        self.wire.play(*scenes)
        return self.wire

    def say(self, text: str, cut: bool = False) -> None:
        """Lets the model say the text; a model that thinks for itself says what it likes."""
        if self.wire is not None:
            self.wire.play(Scene(text=text, cut=cut))
