"""The stages by name, in the order of the design's table, with the time each may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """`seconds` is the longest that one attempt may take, `attempts` how often a lost worker's attempt is started anew."""

    name: str
    seconds: int = 60
    attempts: int = 5


ENHANCE = Stage("enhance")
FRD = Stage("frd")
REQUIREMENTS = Stage("requirements")
STRUCTURE = Stage("structure")
CODE = Stage("code")
SEMANTIC = Stage("semantic", seconds=180)
DEPENDENCIES = Stage("dependencies", seconds=600)
TEST_PLAN = Stage("test plan", seconds=180)
TEST_CODE = Stage("test code", seconds=180)
SECURITY = Stage("security", seconds=600)
PERFORMANCE = Stage("performance", seconds=600)
DOCUMENTATION = Stage("documentation")
INFRASTRUCTURE = Stage("infrastructure", seconds=180)
VALIDATION = Stage("sandbox validation", seconds=1800)
REPAIR = Stage("repair", seconds=1800)
CAPSULE = Stage("capsule", seconds=180)
PREVIEW = Stage("preview", seconds=300)
DEPLOY = Stage("deploy", seconds=1800)

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
