"""The configuration of models as a value: who is asked in which role, and how patiently."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from quantumlayer.account.values import Budget
from quantumlayer.ports.llm import ROLES, NoModel, Role
from quantumlayer.ports.llm_options import ModelOptions

NAME = r"^[a-z][a-z0-9-]*:\S+$"
ModelName = Annotated[str, StringConstraints(pattern=NAME, max_length=300)]
Names = Annotated[tuple[ModelName, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
# What a run's own `--model` is asked for; pictures and vectors need models of their own kind.
TEXT_ROLES: tuple[Role, ...] = ("analyst", "coder", "reviewer")
ONE_AT_A_TIME = ("local",)


class Transport(BaseModel):
    """How patiently models are asked.

    `attempts` are the calls to one model before the next is asked; `patience_seconds` is the longest wait between two of
    them: who asks us to wait longer is left for the next. After `breaker_failures` failures in a row a model is left alone
    for `breaker_seconds`. `concurrency` bounds the calls under way by provider, in each process.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    first_wait_seconds: Annotated[float, Field(ge=0)] = 1.0
    patience_seconds: Annotated[float, Field(ge=0)] = 60.0
    breaker_failures: Annotated[int, Field(ge=1)] = 5
    breaker_seconds: Annotated[float, Field(gt=0)] = 30.0
    concurrency: Mapping[str, Annotated[int, Field(ge=1)]] = {}

    def limit(self, provider: str) -> int:
        """How many calls to the provider may be under way in this process."""
        return self.concurrency.get(provider, 1 if provider in ONE_AT_A_TIME else 4)


class RunBudget(BaseModel):
    """What one run may spend on models."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    run_tokens: Annotated[int, Field(ge=0)] | None = None
    run_usd: Annotated[float, Field(ge=0)] | None = None

    @property
    def budget(self) -> Budget:
        """The same as a budget."""
        return Budget(tokens=self.run_tokens, usd=self.run_usd)


class ModelsConfig(BaseModel):
    """`models.toml`. A role or route names one model or several in the order in which they are asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    roles: Mapping[Role, Names] = {}
    routes: Mapping[str, Mapping[Role, Names]] = {}
    last_attempt: Mapping[Role, ModelName] = {}
    models: Mapping[ModelName, ModelOptions] = {}
    transport: Transport = Transport()
    budget: RunBudget = RunBudget()

    def names(self, role: Role, language: str | None = None) -> tuple[str, ...]:
        """The models to ask, in order; none where none is named."""
        return self.routes.get(language or "", {}).get(role) or self.roles.get(role, ())

    def options(self, name: str) -> ModelOptions:
        """What is configured of the model."""
        return self.models.get(name, ModelOptions())

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every model that is named anywhere, each once."""
        named = [self.roles, self.last_attempt and {r: (n,) for r, n in self.last_attempt.items()}, *self.routes.values()]
        return tuple(dict.fromkeys([*self.models, *(name for names in named for found in names.values() for name in found)]))

    def with_model(self, names: tuple[str, ...]) -> "ModelsConfig":
        """The same with these models for all roles that write and read text, whatever the language."""
        routes = {
            language: {role: found for role, found in roles.items() if role not in TEXT_ROLES}
            for language, roles in self.routes.items()
        }
        return self.model_copy(update={"roles": {**self.roles, **dict.fromkeys(TEXT_ROLES, names)}, "routes": routes})

    def with_roles(self, names: Mapping[Role, tuple[str, ...]]) -> "ModelsConfig":
        """The same with other models for some roles."""
        return self.model_copy(update={"roles": {**self.roles, **names}})


def provider_of(name: str) -> str:
    """The part before the colon."""
    return name.partition(":")[0]


def read_config(data: Mapping[str, Any]) -> ModelsConfig:
    """The value of parsed TOML. Raises `pydantic.ValidationError`."""
    return ModelsConfig.model_validate(data)


__all__ = ["NAME", "ROLES", "TEXT_ROLES", "ModelsConfig", "RunBudget", "Transport", "provider_of", "read_config"]


def no_model(role: Role, language: str | None) -> NoModel:
    """The error of a role that nobody has."""
    return NoModel(
        f"no model is named for the role {role}",
        hint=f"name one: ql model add PROVIDER:MODEL --role {role}",
        role=role,
        language=language,
    )
