"""The executable specification: what an application must do, as one frozen, typed value.

Rules and computed values are CEL (https://github.com/google/cel-spec) text; `quantumlayer.spec.check` type-checks them.
Every element names the requirements it satisfies, so that evidence can be traced back to the request.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, StringConstraints
from pydantic import Field as Attribute

from quantumlayer.spec.ascii_names import ascii_identifiers, ascii_name, distinct

SPEC_VERSION = 1
SYSTEM_FIELDS = ("id", "created_at", "updated_at")
CRUD = ("create", "read", "list", "update", "delete")

State = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=200)]
Name = Annotated[State, BeforeValidator(ascii_name)]
RequirementId = Annotated[str, StringConstraints(pattern=r"^R[1-9][0-9]*$")]
Cel = Annotated[str, BeforeValidator(ascii_identifiers), StringConstraints(min_length=1, max_length=4000)]
SortKey = Annotated[str, BeforeValidator(ascii_identifiers)]
Path = Annotated[str, BeforeValidator(ascii_identifiers)]
Role = Name
FieldType = Literal[
    "string",
    "text",
    "integer",
    "number",
    "decimal",
    "boolean",
    "date",
    "time",
    "datetime",
    "enum",
    "strings",
    "reference",
    "references",
]
UnitType = Literal["string", "integer", "number", "decimal", "boolean", "date"]
FieldFormat = Literal[
    "email",
    "url",
    "slug",
    "isbn",
    "phone",
    "uuid",
    "ipv4",
    "color",
    "license_plate",
    "alphanumeric",
    "segment",
]
Writable = Literal["always", "create", "never"]
OnDelete = Literal["restrict", "cascade", "set_null"]
OperationKind = Literal["create", "read", "list", "update", "delete", "action"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
RuleStatus = Literal[403, 409, 410, 422]
Part = TypeVar("Part")
Named = Annotated[dict[Name, Part], BeforeValidator(distinct)]


class Value(BaseModel):
    """Base of all parts: frozen, and strict about unknown members."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Requirement(Value):
    """One numbered statement of the request. `understood` is false where no spec element could express it."""

    id: RequirementId
    text: str
    understood: bool = True
    assumption: bool = False
    reason: str = ""


class Field(Value):
    """A field of an entity, or an input of an operation or report.

    `default` (CEL over `actor`, `now`, `today`, and for stored rows the other fields of `self`) fills an omitted value.
    `value` (CEL over `self`, nullable `actor`, `now`, `today`) makes the field derived: computed at each read, for whoever
    reads, never stored or accepted. `writable`: "create" accepts it at creation only, "never" leaves it to defaults and
    effects. `shown: false` (of `references` that only effects write) keeps it out of answers.
    """

    type: FieldType
    required: bool = True
    unique: bool = False
    writable: Writable = "always"
    shown: bool = True
    default: Cel | None = None
    value: Cel | None = None
    description: str = ""
    satisfies: tuple[RequirementId, ...] = ()
    # strings and text
    min_length: int | None = Attribute(default=None, ge=0)
    max_length: int | None = Attribute(default=None, ge=1)
    pattern: str | None = None
    format: FieldFormat | None = None
    # integer, number, decimal; `places` is the number of decimal places
    min: int | float | None = None
    max: int | float | None = None
    exclusive_min: bool = False
    exclusive_max: bool = False
    step: int | float | None = Attribute(default=None, gt=0)
    places: int | None = Attribute(default=None, ge=0, le=8)
    # enum
    values: tuple[str, ...] = ()
    # reference (to one) and references (many-to-many)
    to: Name | None = None
    inverse: Name | None = None
    on_delete: OnDelete = "restrict"
    # strings: `sorted` keeps them in alphabetical order
    sorted: bool = False
    # strings and references
    min_items: int | None = Attribute(default=None, ge=0)
    max_items: int | None = Attribute(default=None, ge=1)


class Unique(Value):
    """No two rows (of those where `where` holds) share the values of `fields`; a violation answers 409."""

    fields: tuple[Name, ...] = Attribute(min_length=1)
    where: Cel | None = None
    satisfies: tuple[RequirementId, ...] = ()


class Rule(Value):
    """A condition that must hold. `check` is boolean CEL; when false the request is refused with `status`."""

    check: Cel
    message: str
    status: RuleStatus = 409
    on: tuple[Literal["create", "update"], ...] = ("create", "update")
    satisfies: tuple[RequirementId, ...] = ()


class Guard(Value):
    """A condition on one operation, evaluated before its effects, over `self`, `input`, `actor`, `now`, `today`."""

    check: Cel
    message: str
    status: RuleStatus = 409
    satisfies: tuple[RequirementId, ...] = ()


class StateMachine(Value):
    """The states of an entity. The field is an implicit enum, set to `initial`, changed only by transitions."""

    field: Name = "status"
    initial: State
    states: tuple[State, ...] = Attribute(min_length=1)
    satisfies: tuple[RequirementId, ...] = ()


class Transition(Value):
    """Allowed in the states `from_states`; leaves the row in `to`. Another state answers 409."""

    from_states: tuple[State, ...] = Attribute(alias="from", min_length=1)
    to: State


class Effect(Value):
    """One change made by an operation, in the order given and in the operation's transaction.

    Exactly one of: `create` (entity name; `set` gives its fields), `delete` (CEL naming a row),
    or neither: `set` assigns fields of the row that `update` names. Values are CEL over `self`, `input`, `actor`, `now`.
    """

    update: Cel = "self"
    create: Name | None = None
    delete: Cel | None = None
    set: Named[Cel] = {}


class Filter(Value):
    """A query parameter of a list: `eq`, or a bound of a range (`gte`, `lte`)."""

    field: Name
    op: Literal["eq", "gte", "lte"] = "eq"


class Access(Value):
    """Who may call. Anonymous callers get 401 where any of the three is set; others 403 where one fails.

    `roles`: one of them is needed. `allow`: CEL over `actor` (never null here), `self` and `input`.
    """

    sign_in: bool = False
    roles: tuple[Role, ...] = ()
    allow: Cel | None = None

    @property
    def anonymous(self) -> bool:
        return not (self.sign_in or self.roles or self.allow)


class Paging(Value):
    """How many items a list answers: `usual` where `limit` is not sent, never more than `most`."""

    usual: int = Attribute(default=50, ge=1, le=2**31 - 1)
    most: int = Attribute(default=100, ge=1, le=2**31 - 1)


class Operation(Value):
    """An HTTP operation of an entity. `kind` defaults to the operation's name where that is a CRUD verb, else action.

    `password` says that an update of accounts also takes a new password.
    """

    kind: OperationKind | None = None
    method: Method | None = None
    path: Path | None = None
    by: Name = "id"
    access: Access = Access()
    password: bool = False
    input: Named[Field] = {}
    guards: Named[Guard] = {}
    transition: Transition | None = None
    effects: tuple[Effect, ...] = ()
    redirect: Cel | None = None
    # lists
    where: Cel | None = None
    filters: tuple[Filter, ...] = ()
    sort: tuple[Name, ...] = ()
    default_sort: tuple[SortKey, ...] = ()
    search: tuple[Name, ...] = ()
    paging: Paging = Paging()
    description: str = ""
    satisfies: tuple[RequirementId, ...] = ()


class Entity(Value):
    """A kind of row. `visible` (CEL over `self` and nullable `actor`) hides rows: absent from lists, 404 elsewhere.

    `id` says what names a row where that is not a number of the application's own: a field of type `string` (or `integer`, for
    numbers that clients give), which the application makes if it is `writable: never` and whoever creates the row gives if not.
    """

    plural: Name
    description: str = ""
    id: Field | None = None
    fields: Named[Field] = {}
    unique: tuple[Unique, ...] = ()
    rules: Named[Rule] = {}
    state: StateMachine | None = None
    visible: Cel | None = None
    operations: Named[Operation] = {}
    satisfies: tuple[RequirementId, ...] = ()


class Auth(Value):
    """Authentication. `entity` is whoever acts (`actor`); `identifier` its unique field used to log in."""

    entity: Name
    methods: tuple[Literal["password", "api_key"], ...] = ("password",)
    identifier: Name = "email"
    registration: bool = True
    token_hours: int = Attribute(default=24, ge=1)
    satisfies: tuple[RequirementId, ...] = ()


class Report(Value):
    """A read-only table.

    `each` names a `strings` field: there is one row for each of its items, which the expressions see as `each`.
    Grouped: `group_by` (CEL over `self`) and `measures` (CEL over `rows`, the rows of a group); without groups, one item over
    all. Else `columns` (CEL over `self`) gives one item per row of the entity. `where` (CEL over `self`) restricts the rows.
    All of them see `input` and `actor` too.
    """

    entity: Name
    path: Path | None = None
    access: Access = Access()
    input: Named[Field] = {}
    each: Name | None = None
    where: Cel | None = None
    group_by: Named[Cel] = {}
    measures: Named[Cel] = {}
    columns: Named[Cel] = {}
    sort: tuple[SortKey, ...] = ()
    paging: Paging = Paging()
    description: str = ""
    satisfies: tuple[RequirementId, ...] = ()


class Bound(Value):
    """What a parameter in a path of the surface stands for.

    Without `entity` it is the key of the operation's own row. Else it names a row of `entity` by its field `by`: the row's id
    is what `member` of the operation's body or query holds, and a row of the operation must refer to it there.
    """

    entity: Name | None = None
    by: Name = "id"
    member: Name | None = None


class Refusal(Value):
    """How the surface refuses: its status, and its JSON body as a template; None stands for an empty body.

    In the template `$detail` is what went wrong, `$messages` a list of it (one for each field), `$status` and `$title` the
    rest.
    """

    status: int
    body: JsonValue = None


class Pages(Value):
    """Pages of a list by their number: the parameter `page` counts them from `first`."""

    page: str
    first: Literal[0, 1] = 1


class Exposure(Value):
    """One operation as clients see it. `does` names what stands behind it: `article.create`, `report.tags`, `auth.login`.

    Templates are JSON in which a text names a member of the operation's own body, row or item; a list with one element stands
    for all items, `$total` for their number, `$token` for the caller's token. `$limit`, `$offset`, `$page`, `$pages` (how many
    there are), `$more` (whether another follows), `$first`, `$last`, `$next` and `$previous` (numbers, null at the ends) tell
    of the page that a list answers. `caller` says that the row is whoever calls; `bind` and `query` say what the parameters of
    path and query stand for, `pages` that a list is read by the number of its page.
    """

    method: Method
    path: str
    does: str
    caller: bool = False
    bind: dict[str, Bound] = {}
    query: dict[str, str] = {}
    pages: Pages | None = None
    accepts: JsonValue = None
    status: int = 200
    answers: JsonValue = None
    description: str = ""
    satisfies: tuple[RequirementId, ...] = ()


class Surface(Value):
    """The HTTP surface where it is not the conventional one: what an imported API description says.

    `base` stands in front of every path. `scheme` precedes the token in `Authorization`. `refusals` holds a form for each
    status of the convention that is refused otherwise here; the others are problem details.
    """

    base: str = ""
    scheme: str = "Bearer"
    refusals: dict[int, Refusal] = {}
    exposures: tuple[Exposure, ...] = ()


class Example(Value):
    """One answer of a unit that is known: `given` by the names of its input."""

    given: dict[Name, str | bool | int | float]
    answer: str | bool | int | float


class Unit(Value):
    """A pure function that expressions cannot say, to be written by a language model. Its examples are what is known of it.

    It may be called in the default of a field and in an effect's `set`, where its answer is stored as it is.
    """

    description: str = Attribute(min_length=1, max_length=4000)
    input: dict[Name, UnitType] = Attribute(min_length=1, max_length=12)
    returns: UnitType
    examples: tuple[Example, ...] = Attribute(min_length=1, max_length=100)
    satisfies: tuple[RequirementId, ...] = ()


class Spec(Value):
    """A whole application. `quantumlayer.spec.check.checked` must accept it before anything else uses it."""

    version: Literal[1] = SPEC_VERSION
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    description: str = ""
    requirements: tuple[Requirement, ...] = ()
    roles: tuple[Role, ...] = ()
    auth: Auth | None = None
    entities: Named[Entity] = Attribute(min_length=1)
    reports: Named[Report] = {}
    units: Named[Unit] = {}
    surface: Surface | None = None
    latency_p99_ms: int = Attribute(default=500, ge=1)
