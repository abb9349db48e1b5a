"""The stages by name, in the order of the design's table, with the time each may take."""

import math
import os
from dataclasses import dataclass

# An attempt of which nothing was heard for so long is given to another worker: its machine is gone, or stands still. A busy one
# is silent for some seconds. That a worker died is seen at once, see `duty`.
SILENCE_SECONDS = 20.0
QUEUE, HEAVY_QUEUE = "quantumlayer", "quantumlayer.heavy"


@dataclass(frozen=True)
class Stage:
    """`seconds` is the longest that one attempt may take, `attempts` how often a lost worker's attempt is started anew.

    A `heavy` one takes a processor for itself or runs compilers, tests or scanners in sandboxes: a machine does a few of them
    at once, the others wait. Of those that wait, the lowest `priority` (1 to 5, as Temporal has them) goes first: what is
    nearer to the end, so that many runs end one after the other and not all of them at the last.
    """

    name: str
    priority: int
    seconds: int = 60
    attempts: int = 5
    heavy: bool = False

    @property
    def queue(self) -> str:
        """Where workers look for it."""
        return HEAVY_QUEUE if self.heavy else QUEUE


ENHANCE = Stage("enhance", 5)
FRD = Stage("frd", 5)
REQUIREMENTS = Stage("requirements", 5)
STRUCTURE = Stage("structure", 5)
CODE = Stage("code", 5, seconds=3600, heavy=True)
SEMANTIC = Stage("semantic", 3, seconds=180, heavy=True)
DEPENDENCIES = Stage("dependencies", 4, seconds=600, heavy=True)
TEST_PLAN = Stage("test plan", 5, seconds=180, heavy=True)
TEST_CODE = Stage("test code", 4, seconds=180)
SECURITY = Stage("security", 4, seconds=600, heavy=True)
PERFORMANCE = Stage("performance", 2, seconds=600, heavy=True)
DOCUMENTATION = Stage("documentation", 4)
INFRASTRUCTURE = Stage("infrastructure", 4, seconds=180)
VALIDATION = Stage("sandbox validation", 3, seconds=1800, heavy=True)
REPAIR = Stage("repair", 2, seconds=7200, heavy=True)
CAPSULE = Stage("capsule", 1, seconds=180)
PREVIEW = Stage("preview", 1, seconds=300)
DEPLOY = Stage("deploy", 1, seconds=1800)
# Not in the table: its opinion changes nothing, and without a reviewer there is none.
REVIEW = Stage("review", 2, seconds=1800, heavy=True)

STAGES = (
    ENHANCE,
    FRD,
    REQUIREMENTS,
    STRUCTURE,
    CODE,
    SEMANTIC,
    DEPENDENCIES,
    TEST_PLAN,
    TEST_CODE,
    SECURITY,
    PERFORMANCE,
    DOCUMENTATION,
    INFRASTRUCTURE,
    VALIDATION,
    REPAIR,
    CAPSULE,
    PREVIEW,
    DEPLOY,
)
NAMES = tuple(stage.name for stage in STAGES)


def heavy_at_once(workers: int = 1, whole: int | None = None) -> int:
    """How many heavy stages one of so many workers of a machine does at once, so that together they do about `whole`.

    Two more than the machine has processors where that is not given: each waits for files and answers now and then.
    """
    return math.ceil((whole or (os.cpu_count() or 1) + 2) / workers)
