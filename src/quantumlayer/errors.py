"""One tree of errors. An error carries data and a hint that names the mend; it does no I/O."""

from typing import Any, ClassVar


class QuantumLayerError(Exception):
    """Base of all errors. `hint` tells the user what to do; `data` holds facts for machines."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data = data


class UserError(QuantumLayerError):
    """Bad usage or bad input: the caller can mend it."""

    exit_code: ClassVar[int] = 2


class EnvironmentError_(QuantumLayerError):
    """A sandbox, toolchain or service is missing or broken on this machine."""

    exit_code: ClassVar[int] = 4


class Bug(QuantumLayerError):
    """A broken promise inside QuantumLayer itself."""

    exit_code: ClassVar[int] = 1


class LlmUnavailable(EnvironmentError_):
    """A language model did not answer: busy, down, too slow or cut off. `data["retry_after"]`: seconds it asked us to wait."""


class BudgetExceeded(QuantumLayerError):
    """The next call to a model would take more tokens or money than allowed; it was not made. The run ends partial.

    `data`: `limit` ("run tokens", "run money", "organisation tokens", "organisation money"), `allowed`, `spent`, `wanted`.
    """

    exit_code: ClassVar[int] = 3
