"""Scenarios: language-neutral acceptance checks, as data. Derived from the spec alone; the judge plays them over HTTP,
blueprints print them as unit tests of their language.

Placeholders may stand anywhere in `query`, `body` and `expect`, as an object with one key:
`{"$ref": "loan1.id"}` a member of a saved answer, or deeper (`loans1.items.0.id`); an account's alias saves its registration;
`{"$now": 90000}` the clock when the scenario starts plus seconds, RFC 3339 UTC in whole seconds; `{"$today": -3}` the UTC date
when it starts plus days; `{"$any": true}` (only in `expect`) anything. `expect` is a subset: members and list items that it
names must be there and equal (numbers within 1e-9 relative, instants as instants, `$now` within 5 seconds because the server
has a clock of its own); lists must have equal length. Each scenario starts from an empty database.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Json = Any


class Value(BaseModel):
    """Base of the values here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Value):
    """One call, or `parallel` calls at once: identical, or with the bodies `variants`, one for each.

    Paths hold captures: `/loans/{loan1.id}/return`. `actor` is the alias of an account (see `Scenario.accounts`), None for
    anonymous. `advance` moves the clock forward by that many seconds before the call. `raw_body` sends text as it is. `status`
    is the expected one; with `parallel` > 1 `statuses` lists them all, sorted. `save` names the answer's body. `expect` None
    means the body is not looked at.
    """

    method: str
    path: str
    actor: str | None = None
    query: dict[str, Json] = {}
    body: Json = None
    raw_body: str | None = None
    headers: dict[str, str] = {}
    advance: int = 0
    parallel: int = 1
    variants: tuple[Json, ...] = ()
    status: int = 200
    statuses: tuple[int, ...] = ()
    expect: Json = None
    save: str | None = None
    note: str = ""

    @property
    def calls(self) -> tuple["Step", ...]:
        """The calls of this step, one by one."""
        if self.parallel == 1:
            return (self,)
        alone = self.model_copy(update={"parallel": 1, "variants": (), "statuses": (), "save": None})
        return tuple(alone.model_copy(update={"body": body}) for body in self.variants or (self.body,) * self.parallel)


class Account(Value):
    """An account to be registered (or, with role admin, the configured administrator) before the steps. `roles` are granted."""

    alias: str
    registration: dict[str, Json]
    roles: tuple[str, ...] = ()


class Scenario(Value):
    """A check: `goal` says what it reaches (`rule:loan.max_open`, `state:booking.cancel`), `requirements` what it proves.

    `entity` is the one whose paths its last step calls, None for accounts, reports and the like.
    """

    id: str
    title: str
    goal: str
    entity: str | None = None
    level: Literal["acceptance", "concurrency", "time"] = "acceptance"
    requirements: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()
    steps: tuple[Step, ...]
