"""States that every state before the end may turn into: `…, or rejected at any point`, `can be cancelled at any time`."""

import re

from quantumlayer.spec.analyst.words import snake
from quantumlayer.spec.analyst.world import EntityDraft, World, action_for_state, ended_states, ensure_states, transition

AT_ANY = r"(?:at|from|in|during) (?:any|every) (?:given )?(?:point|time|stage|state|status|moment|step|phase)(?: in time| of the process)?|any ?time|whenever"
_BESIDE = re.compile(
    rf"(?:,? (?:and|or|but) |, )(?:(?:(?:it |they )?(?:(?:can|may|might) )?(?:also |instead )?(?:be|is|are|gets?) (?P<s>[a-z]+(?:(?:, | or |, or )[a-z]+)*))"
    rf"|(?P<one>[a-z]+)) (?:{AT_ANY})$"
)


def beside(path: str) -> tuple[str, list[str]]:
    """The words of a path in lower case without the states that it may turn into anywhere, and these."""
    found = _BESIDE.search(path)
    if found is None:
        return path, []
    return path[: found.start()], [snake(s) for s in re.split(r", or | or |, ", found["s"] or found["one"])]


def from_anywhere(world: World, target: EntityDraft, state: str, by: str, action: str | None = None) -> None:
    """A transition from every state that is not final, once all states are known."""
    assert target.state is not None
    ensure_states(target, target.state.initial, [state], by)
    name = action or action_for_state(state)
    transition(target, name, [target.state.initial], state, by)

    def widen() -> None:
        if target.state:
            final = {state, *ended_states(target)}
            transition(target, name, [s for s in target.state.states if s not in final], state, by)

    world.later.append(widen)
