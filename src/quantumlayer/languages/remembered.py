"""What a formatter made of a file before: most files of a project are the same in every project."""

from collections.abc import Callable, Hashable, Mapping
from threading import Lock

MOST = 4000


class Remembered:
    """A formatter of many files at once that is asked for those alone that it has not seen.

    What it makes of a file must hang on its path, its content and `context` only. Safe to call from several threads.
    """

    def __init__(self, lay_out: Callable[..., Mapping[str, bytes]]) -> None:
        self._lay_out = lay_out
        self._known: dict[Hashable, bytes] = {}
        self._lock = Lock()

    def __call__(self, files: Mapping[str, bytes], *context: Hashable) -> dict[str, bytes]:
        """The same files, laid out. `context` is passed on. Raises what the formatter raises; then nothing is remembered."""
        known = {path: self._known.get((path, content, context)) for path, content in files.items()}
        if missing := {path: files[path] for path, found in known.items() if found is None}:
            made = self._lay_out(missing, *context)
            known |= made
            with self._lock:
                if len(self._known) + len(made) > MOST:
                    self._known.clear()
                self._known.update({(path, missing[path], context): content for path, content in made.items()})
        return {path: found for path, found in known.items() if found is not None}
