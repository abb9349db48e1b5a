"""Queries, mutations and subscriptions of a GraphQL schema: which are reading and writing of rows, which are actions of them."""

import re

from graphql import DirectiveNode, FieldDefinitionNode, print_ast

from quantumlayer.spec.analyst.behave import EVENT_VERBS
from quantumlayer.spec.analyst.words import PEOPLE, participle
from quantumlayer.spec.analyst.world import NEGATIVE, EntityDraft, World, adopt_states, effect, transition
from quantumlayer.spec.importers.graphql_directives import SILENT
from quantumlayer.spec.importers.graphql_document import Schema, constant, plain_kind
from quantumlayer.spec.importers.graphql_inputs import CHANGES, CREATES, arguments_of, creates
from quantumlayer.spec.importers.tables import Import, identifier, let_sign_in, snaked
from quantumlayer.spec.values import Access, Field, Filter

_PLAIN = {
    **dict.fromkeys(CREATES, "create"),
    **dict.fromkeys(CHANGES, "update"),
    **dict.fromkeys(("delete", "remove", "destroy"), "delete"),
}
_READS = ("get", "list", "all", "find", "fetch", "load", "my")
_PAGES = frozenset(("first", "last", "after", "before", "limit", "offset", "skip", "take", "page", "page_size", "per_page", "cursor", "pagination", "size"))  # fmt: skip
_SEARCHES = frozenset(("search", "query", "q", "text", "term", "search_term", "keyword"))
_CALLER = frozenset(("me", "viewer", "current_user", "whoami", "my_profile", "self"))


def add_operations(schema: Schema, entities: dict[str, EntityDraft], result: Import, by: str) -> None:
    """Give the drafts what the schema's operations ask for; what has no counterpart is unmet."""
    for node in schema.roots.get("query", ()):
        _query(schema, entities, node, result, by)
    for node in schema.roots.get("mutation", ()):
        _mutation(schema, entities, node, result, by)
    for node in schema.roots.get("subscription", ()):
        result.unmet.append(f"the subscription {node.name.value} is not carried over")


def _directed(
    draft: EntityDraft,
    operation: str,
    node: FieldDefinitionNode,
    entities: dict[str, EntityDraft],
    result: Import,
    by: str,
) -> None:
    """`@auth(requires: ADMIN)` of an operation: only that role may; other directives are told."""
    for directive in node.directives or ():
        roles = _roles(directive)
        people = next((e for e in entities.values() if e.name in PEOPLE and "email" in e.fields), None)
        if roles and people is not None:
            let_sign_in(people, f"@{directive.name.value} asks who calls", result, by)
        if roles and result.world.auth is not None:
            for role in roles:
                result.world.roles.setdefault(role, []).append(by)
            draft.update(operation, access=Access(roles=roles), satisfies=(*draft.operation(operation).satisfies, by))
        elif directive.name.value not in SILENT:
            result.unmet.append(f"{print_ast(directive)} of {node.name.value} is not carried over")


def _roles(directive: DirectiveNode) -> tuple[str, ...]:
    """The roles that a directive such as `@auth(requires: ADMIN)`, `@hasRole(roles: [ADMIN])` names."""
    if not re.search(r"auth|role|require|allow|permission", directive.name.value, re.I):
        return ()
    told = [constant(a.value) for a in directive.arguments or () if re.search(r"role|require|has|allow", a.name.value, re.I)]
    named = [v for one in told for v in (one if isinstance(one, list) else [one])]
    return tuple(identifier(v) for v in named if isinstance(v, str) and re.fullmatch(r"\w+", v))


def _divided(name: str, world: World) -> tuple[str, EntityDraft | None]:
    """`publishEvent` → publish, the event; the whole name and None where it ends with no kind of rows."""
    words = snaked(name).split("_")
    for start in range(len(words)):
        found = world.entities.get(identifier("_".join(words[start:]))) or world.find("_".join(words[start:]).replace("_", " "))
        if found is not None and (found.declared or start == 0):
            return "_".join(words[:start]), found
    return "_".join(words), None


def _query(schema: Schema, entities: dict[str, EntityDraft], node: FieldDefinitionNode, result: Import, by: str) -> None:
    kind, name = schema.kind(node.type), snaked(node.name.value)
    draft = entities.get(kind.name)
    if draft is None:
        result.unmet.append(f"the query {node.name.value} is more than reading one kind of rows")
        return
    if name in _CALLER:
        let_sign_in(draft, f"the query {node.name.value} answers whoever asks", result, by)
        return
    stem = re.sub(r"_by_\w+$|_connection$", "", name)
    verb, named = _divided(stem, result.world)
    if named is not draft or (verb and verb not in _READS):
        result.unmet.append(f"which {draft.plural.replace('_', ' ')} the query {node.name.value} answers is not said")
        return
    unknown = [a for n, a in arguments_of(schema, node).items() if not _asked(draft, identifier(n), kind.many, by)]
    for argument in unknown:
        if identifier(argument.name.value) in _PAGES:
            result.world.assume("Lists are paged by limit and offset, not by cursors.")
            continue
        result.unmet.append(f"what the query {node.name.value} does with {argument.name.value} has no counterpart")


def _asked(draft: EntityDraft, name: str, many: bool, by: str) -> bool:
    """Whether an argument of a query is one of reading the rows."""
    if name in ("id", f"{draft.name}_id") or (not many and draft.id is not None and name in ("key", "code")):
        return True
    stem = name.removesuffix("_ids").removesuffix("_id")
    field, operator = next((n for n in (name, stem) if n in draft.fields), None), "eq"
    bound = re.fullmatch(r"(?:(min|max)_(\w+)|(\w+?)_(min|max|from|to|gte|lte|after|before|since|until))", name)
    if field is None and bound:
        word, field = (bound[1] or bound[4]), (bound[2] or bound[3])
        operator = "gte" if word in ("min", "from", "gte", "after", "since") else "lte"
    if field is None and many and name in ("from", "to", "since", "until"):
        dates = draft.dates()
        field = dates[0] if len(dates) == 1 else next((n for n in dates if n.startswith("start")), None)
        operator = "gte" if name in ("from", "since") else "lte"
    known = draft.operation("list")
    satisfies = tuple(dict.fromkeys([*known.satisfies, by]))
    if name in _SEARCHES and many:
        texts = tuple(n for n, f in draft.fields.items() if f.type in ("string", "text") and f.value is None)
        draft.update("list", search=texts, satisfies=satisfies)
        return bool(texts)
    if field is None or field not in draft.fields or draft.fields[field].type == "text":
        return False
    wanted = Filter(field=field, op=operator)  # type: ignore[arg-type]
    if wanted not in known.filters:
        draft.update("list", filters=(*known.filters, wanted), satisfies=satisfies)
    return True


def _mutation(schema: Schema, entities: dict[str, EntityDraft], node: FieldDefinitionNode, result: Import, by: str) -> None:
    world, answered = result.world, entities.get(schema.kind(node.type).name)
    verb, named = _divided(node.name.value, world)
    draft, given = named or answered, {identifier(n): a for n, a in arguments_of(schema, node).items()}
    people = next((e for e in entities.values() if e.name in PEOPLE and "email" in e.fields), None)
    if "password" in given and (account := answered or people):
        let_sign_in(account, f"the mutation {node.name.value} takes their password", result, by)
        return
    if draft is None or not verb:
        result.unmet.append(f"what the mutation {node.name.value} does is not said")
        return
    own = {"id", f"{draft.name}_id"} & set(given)
    plain = named is not None and _PLAIN.get(verb)
    if plain or (answered is draft and creates(schema, schema.kind(node.type).name, node)):
        _directed(draft, str(plain or "create"), node, entities, result, by)
        if not plain:
            world.assume(f"{node.name.value} creates {draft.plural.replace('_', ' ')}.")
            draft.event_of = verb if verb in EVENT_VERBS else draft.event_of
        for argument in given.values():
            if plain_kind(argument.type).name in schema.inputs:
                told = f"that {node.name.value} takes {argument.name.value} together with the row has no counterpart"
                result.unmet.append(told)
        return
    if not own and named is not None and (other := next((e for e in entities.values() if f"{e.name}_id" in given), None)):
        draft, verb = other, snaked(node.name.value)
    asked = {n: _input(draft, n, plain_kind(a.type).required) for n, a in given.items() if n not in {*own, f"{draft.name}_id", "client_mutation_id"}}  # fmt: skip
    _directed(draft, verb, node, entities, result, by)
    if not _moves(draft, verb, by, result):
        result.pend(f"what the mutation {node.name.value} changes is not said", draft, verb)
    taken = {n: f for n, f in asked.items() if f is not None}
    for name in (n for n in asked if n not in taken):
        result.unmet.append(f"what the mutation {node.name.value} does with {name.replace('_', ' ')} is not said")
    if taken and verb in draft.operations:
        known = draft.operation(verb)
        effect(draft, verb, {n: f"input.{n}" for n in taken if n in draft.fields}, by)
        draft.update(verb, input={**known.input, **taken})


def _input(draft: EntityDraft, name: str, required: bool) -> Field | None:
    """What an action takes that a field of the row keeps."""
    field = draft.fields.get(name)
    if field is None or field.type in ("reference", "references", "strings"):
        return None
    kept = {"required": required, "unique": False, "writable": "always", "default": None}
    return field.model_copy(update=kept)


def _moves(draft: EntityDraft, verb: str, by: str, result: Import) -> bool:
    """Whether a verb leads to a value that the file lists (`cancel` → cancelled), or sets a yes or no (`archive` → archived)."""
    base = verb.split("_")[0]
    states = {participle(base), participle(base).replace("cancelled", "canceled"), base, f"{base}d", f"{base}ed"}
    listing = [n for n in ("status", "state") if n in draft.fields and draft.fields[n].type == "enum"]
    if listing and {v.lower() for v in draft.fields[listing[0]].values} & states:
        adopt_states(draft, by)
    if draft.state and (found := next((s for s in draft.state.states if s in states), None)):
        earlier = [s for s in draft.before(found) if s not in NEGATIVE] or [s for s in draft.state.states if s != found]
        transition(draft, verb, earlier, found, by)
        if len(earlier) > 1:
            result.world.assume(f"One may {verb} {draft.plural} that are {' or '.join(earlier)}.".replace("_", " "))
        return True
    flag = next((n for n in states if n in draft.fields and draft.fields[n].type == "boolean"), None)
    if flag:
        effect(draft, verb, {flag: "true"}, by)
    return flag is not None
