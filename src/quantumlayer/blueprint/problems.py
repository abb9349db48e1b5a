"""What is wrong with a blueprint folder."""

from pathlib import Path

from quantumlayer.errors import UserError


class BlueprintError(UserError):
    """A blueprint folder that cannot be used. `data` holds path and line."""

    def __init__(self, message: str, path: Path, line: int = 1, hint: str = "") -> None:
        super().__init__(f"{path}:{line}: {message}", hint=hint, path=str(path), line=line)
