"""What routes are called in documents."""

from pathlib import Path

from quantumlayer.spec.routes import routes
from quantumlayer.spec.summary import summary
from quantumlayer.spec.yaml_form import load_spec

SPECS = Path(__file__).parents[1] / "specs"


def summaries(name: str) -> set[str]:
    spec = load_spec((SPECS / f"{name}.yaml").read_bytes(), name)
    return {summary(route, spec) for route in routes(spec)}


def test_routes_are_called_what_a_person_would_say():
    assert summaries("library") >= {"Create a loan", "List books", "Show an author", "Return a loan", "Report loans by member"}
    assert summaries("blog") >= {"Register an account", "Log in", "Log out"}


def test_descriptions_of_the_spec_come_first():
    spec = load_spec((SPECS / "library.yaml").read_bytes(), "library")
    route = next(r for r in routes(spec) if r.operation)
    described = route.operation.model_copy(update={"description": "Lends it out."})
    assert summary(type(route)(**{**vars(route), "operation": described}), spec) == "Lends it out"
