"""States that are listed and that nothing leads to: the actions that move rows there, as assumptions."""

from quantumlayer.spec.analyst.access import restrict
from quantumlayer.spec.analyst.words import an, participle
from quantumlayer.spec.analyst.world import NEGATIVE, EntityDraft, World, action_for_state, effect, transition

# What whoever owns a row does with it, where nothing else is said.
OWNERS_ACTIONS = ("submit", "publish", "unpublish", "withdraw", "cancel", "archive", "complete")


def reach_states(world: World) -> None:
    """Let every listed state be reached, from those listed before it, in the order of a row's life."""
    for entity in world.entities.values():
        if entity.state and entity.exact:
            _ask(entity, world)
        elif entity.state and entity.listed:
            _reach(entity, world)


def _ask(entity: EntityDraft, world: World) -> None:
    """A file that lists all operations leaves states that none of them leads to."""
    assert entity.state
    reached = {o.transition.to for o in entity.operations.values() if o.transition} | {entity.state.initial}
    missing = [s for s in entity.state.states if s not in reached and not _set_to(entity, s)]
    if missing:
        world.ask(f"What makes {an(entity.name)} {' or '.join(missing)}? No operation of the file does.".replace("_", " "))


def _reach(entity: EntityDraft, world: World) -> None:
    assert entity.state
    reached = {o.transition.to for o in entity.operations.values() if o.transition} | {entity.state.initial}
    reached |= {_set_to(entity, state) for state in entity.listed}
    missing = [s for s in entity.listed if s not in reached]
    made = []
    for state in missing:
        sources = [s for s in entity.before(state) if s not in NEGATIVE] or [entity.state.initial]
        name = action_for_state(state)
        if name in entity.operations or name in entity.forbidden:
            continue
        marker = world.assume(f"{an(entity.name).capitalize()} becomes {state} by the action {name}.".replace("_", " "))
        transition(entity, name, sources, state, marker)
        made.append(name)
        if name == "reject" and "approve" in entity.operations:
            # Whoever approves rejects.
            continue
        if world.auth and entity.owner and name not in OWNERS_ACTIONS:
            # Nobody says of their own order that it is paid.
            restrict(world, entity, name, marker, role="admin")
    if made:
        listed = " or ".join(made).replace("_", " ")
        world.ask(f"Who may {listed} {an(entity.name)}, and when?".replace("_", " "))


_CLOCKS = {"datetime": "now", "date": "today"}


def stamp_moves(world: World) -> None:
    """`published_at` of a file is when the row was published: what moves a row there keeps the time."""
    for entity in world.entities.values():
        for name, operation in list(entity.operations.items()):
            if not entity.declared or operation.transition is None or operation.effects:
                continue
            done = {participle(name), operation.transition.to}
            for field_name, field in list(entity.fields.items()):
                stem, _, tail = field_name.rpartition("_")
                free = field.type in _CLOCKS and not field.required and field.default is None and field.writable == "always"
                if not free or stem not in done or tail not in ("at", "on", "date"):
                    continue
                told = f"The {field_name} of {an(entity.name)} is when it is {participle(name)}.".replace("_", " ")
                effect(entity, name, {field_name: _CLOCKS[field.type]}, world.assume(told))
                entity.fields[field_name] = field.model_copy(update={"writable": "never"})


def _set_to(entity: EntityDraft, state: str) -> str:
    """The state, where the effect of an operation sets it."""
    assert entity.state
    values = [e.set.get(entity.state.field, "") for o in entity.operations.values() for e in o.effects]
    return state if f"'{state}'" in " ".join(values) else ""
