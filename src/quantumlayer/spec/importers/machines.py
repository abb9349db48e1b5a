"""State diagrams of Mermaid and PlantUML → the machine of one entity; what of them is no move between states is told."""

import re
from dataclasses import dataclass, field
from functools import partial

from quantumlayer.spec.analyst.world import World, action_for_state, ensure_states, transition
from quantumlayer.spec.importers.members import constant_of
from quantumlayer.spec.importers.tables import Import, ImportError_, identifier, snaked
from quantumlayer.spec.values import Guard

_NODE = r"\[\*\]|\[H\*?\]|[\w.-]+"
_ARROW = re.compile(rf"^(?P<a>{_NODE})\s*(?:-+(?:\[[^\]]*\]-*)?(?:(?:up|down|left|right|u|d|l|r)-+)?>|-+(?:\w+-+)?>)\s*(?P<b>{_NODE})(?::::\w+)?\s*(?::\s*(?P<label>.+))?$")  # fmt: skip
_STATE = re.compile(r"^state\s+(?:\"(?P<q>[^\"]+)\"(?:\s+as\s+(?P<as>[\w.-]+))?|(?P<n>[\w.-]+)(?:\s+as\s+\"(?P<q2>[^\"]+)\")?)\s*(?P<kind><<[\w ]+>>|\[\[[\w ]+\]\])?\s*(?:#\S+)?\s*(?::\s*(?P<note>.+?))?\s*(?P<open>\{)?$")  # fmt: skip
_SAID = re.compile(r"^(?P<n>[\w.-]+)\s*:\s*(?P<t>.+)$")
# A name that only draws: what stands beside it is meant.
_DRAWN = re.compile(r"[a-z]{1,2}\d*|[a-z]+_?\d+|[A-Z]{1,2}\d*", re.I)
_BY_ITSELF = re.compile(
    r"\b\d+ ?(?:s|min|h|sec\w*|minutes?|hours?|days?|weeks?|months?)\b|\btime-?out\b|\bexpir|\bdeadline\b", re.I
)
_LABEL = re.compile(r"^(?P<event>[^\[/]*?)\s*(?:\[(?P<guard>[^\]]*)\])?\s*(?:/\s*(?P<effect>.*))?$")


@dataclass
class _Composite:
    """What stands inside a state: its states, where it begins, and which of them end it."""

    name: str
    inner: list[str] = field(default_factory=list)
    start: str = ""
    ends: list[str] = field(default_factory=list)


@dataclass
class _Machine:
    file: str
    result: Import
    labels: dict[str, str] = field(default_factory=dict)
    composites: dict[str, _Composite] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    passing: set[str] = field(default_factory=set)
    arrows: list[tuple[str, str, str]] = field(default_factory=list)
    guards: list[tuple[str, str, str, str]] = field(default_factory=list)
    start: str = ""

    def unmet(self, text: str) -> None:
        if text not in self.result.unmet:
            self.result.unmet.append(text)


def import_states(name: str, lines: list[tuple[int, str]], by: str) -> Import:
    """The machine of a diagram. Its entity is named by the one state around all others, else by the file. Raises `ImportError_`."""
    result = Import()
    machine = _Machine(name, result)
    _read(machine, lines)
    # One state around everything is what the diagram is about.
    tops = [n for n in machine.composites if n not in machine.parents]
    whole = tops[0] if len(tops) == 1 and _around_all(machine, tops[0]) else None
    moves = _moves(machine, whole)
    if not moves:
        at = lines[0][0] if lines else None
        raise ImportError_(name, at, "no transition between two states was found", "write FROM --> TO : action")
    stem = re.sub(r"\.\w+$", "", name.rsplit("/", 1)[-1])
    label = re.sub(r"[-_ ]?(?:states?|status|machine|diagram|lifecycle|life|workflow|flow)\b", "", stem.replace("_", " ").replace("-", " "), flags=re.I).strip()  # fmt: skip
    draft = result.entity(machine.labels.get(whole, whole) if whole else label or "item", by)
    start = machine.composites[whole].start if whole else machine.start
    initial = _named(machine, _entered(machine, start)) if start else moves[0][0]
    ensure_states(draft, initial, [s for a, b, _ in moves for s in (a, b)], by)
    for source, target, said in moves:
        action = _action(machine, said, source, target)
        known = draft.operations.get(action)
        if known and known.transition and known.transition.to != target:
            action = f"{action}_{target}"
        transition(draft, action, [source], target, by)
    for note, condition, source, action in machine.guards:
        result.world.later.append(partial(_guard, result.world, draft.name, note, condition, source, action, by))
    return result


_COMPARED = re.compile(r"(?P<f>[A-Za-z][\w ]*?)\s*(?P<o><=|>=|<>|!=|==|<|>|=)\s*(?P<v>[\w.-]+)")


def _guard(world: World, name: str, note: str, condition: str, source: str, action: str, by: str) -> None:
    """Once all fields are known: a comparison of one of them with a value is a guard of the move."""
    draft = next(
        (e for e in world.entities.values() if e.state and action in e.operations and e.operations[action].transition), None
    )
    draft = world.entities.get(name, draft)
    told = _COMPARED.fullmatch(condition.strip())
    field_name = identifier(told["f"]) if told else ""
    if draft is None or draft.state is None or told is None or field_name not in draft.fields or action not in draft.operations:
        return
    compared = draft.fields[field_name]
    value = constant_of(told["v"], compared)
    operator = {"=": "==", "<>": "!="}.get(told["o"], told["o"])
    if value is None or compared.type not in ("integer", "number", "decimal") and operator not in ("==", "!="):
        return
    empty = "" if compared.required else f"self.{field_name} == null || "
    check = f"self.{draft.state.field} != '{source}' || {empty}self.{field_name} {operator} {value}"
    guard = Guard(check=check, message=f"only possible if {condition.strip()}"[:200], satisfies=(by,))
    draft.guard(action, f"{source}_{field_name}"[:60], guard)
    world.settled.add(note[:1].upper() + note[1:])


def _read(machine: _Machine, lines: list[tuple[int, str]]) -> None:
    stack: list[tuple[str, int]] = []
    within = ""
    for number, line in lines:
        here = stack[-1][0] if stack else ""
        if within:
            # The lines of a note.
            if re.match(r"end ?note\b", line, re.I):
                within = ""
            else:
                machine.unmet(f"the note on {within} («{line[:200]}») is not carried over")
        elif note := re.match(
            r"note\s+(?:left|right|top|bottom|over)(?:\s+of)?\s+(?P<s>[\w.-]+)\s*(?::\s*(?P<t>.+))?$", line, re.I
        ):
            within = "" if note["t"] else note["s"]
            if note["t"]:
                machine.unmet(f"the note on {note['s']} («{note['t'][:200]}») is not carried over")
        elif re.match(r"note\b", line, re.I):
            machine.unmet(f"the note «{line[4:].strip()[:200]}» is not carried over")
            within = "" if re.search(r"\"|:", line) else "the diagram"
        elif line in ("--", "||"):
            machine.unmet(f"that several states of {here or 'the diagram'} hold at the same time has no counterpart")
        elif line == "}":
            if not stack:
                raise ImportError_(machine.file, number, "} without an opening {", "remove it, or open the state above")
            stack.pop()
        elif found := _ARROW.match(line):
            _arrow(machine, found, here)
        elif state := _STATE.match(line):
            _state(machine, state, here, stack, number)
        elif said := _SAID.match(line):
            _describe(machine, said["n"], said["t"], here)
        elif not re.fullmatch(r"[\w.-]+", line):
            raise ImportError_(machine.file, number, f"{line[:60]!r} is no transition", "write FROM --> TO : action")
    if stack:
        raise ImportError_(machine.file, stack[-1][1], f"the block of {stack[-1][0]} is not closed", "add the missing }")


def _state(machine: _Machine, found: re.Match[str], here: str, stack: list[tuple[str, int]], number: int) -> None:
    label = found["q"] or found["q2"] or ""
    name = found["as"] or found["n"] or re.sub(r"\W+", "_", label)
    if label and (found["q"] and not found["as"] or _DRAWN.fullmatch(name) or found["open"]):
        machine.labels[name] = label
    _inside(machine, name, here)
    if found["kind"] and re.search(r"choice|fork|join|entrypoint|exitpoint", found["kind"], re.I):
        machine.passing.add(name)
        if re.search(r"fork|join", found["kind"], re.I):
            machine.unmet(f"that moves through {name} happen at the same time has no counterpart")
    if found["note"]:
        _describe(machine, name, found["note"], here)
    if found["open"]:
        machine.composites.setdefault(name, _Composite(name))
        stack.append((name, number))


def _describe(machine: _Machine, name: str, text: str, here: str) -> None:
    """`s1 : Waiting for payment` names a state; what else is said of one is told."""
    _inside(machine, name, here)
    if _DRAWN.fullmatch(name) and name not in machine.labels and len(text.split()) < 6:
        machine.labels[name] = text
    else:
        machine.unmet(f"the note on {name} («{text[:200]}») is not carried over")


def _inside(machine: _Machine, name: str, here: str) -> None:
    if here and name not in machine.parents and name not in ("[*]", here):
        machine.parents[name] = here
        machine.composites[here].inner.append(name)


def _arrow(machine: _Machine, found: re.Match[str], here: str) -> None:
    source, target, label = found["a"], found["b"], (found["label"] or "").strip()
    for name in (source, target):
        if name.startswith("[H"):
            machine.unmet("that a state is entered where it was left has no counterpart")
            return
        _inside(machine, name, here)
    if source == "[*]":
        if here:
            machine.composites[here].start = machine.composites[here].start or target
        else:
            machine.start = machine.start or target
    elif target == "[*]":
        if here:
            machine.composites[here].ends.append(source)
    else:
        machine.arrows.append((source, target, label))


def _around_all(machine: _Machine, whole: str) -> bool:
    return all(whole not in (a, b) and machine.parents.get(a) and machine.parents.get(b) for a, b, _ in machine.arrows)


def _entered(machine: _Machine, name: str) -> str:
    """The state that is entered with a state: where its inside begins."""
    seen: set[str] = set()
    while name in machine.composites and name not in seen:
        seen.add(name)
        inside = machine.composites[name]
        first = inside.start or next(iter(inside.inner), "")
        if not first:
            return name
        name = first
    return name


def _left(machine: _Machine, name: str) -> list[str]:
    """The states from which a state is left: those that end its inside, else all inside it."""
    inside = machine.composites.get(name)
    if inside is None or not inside.inner:
        return [name]
    if inside.ends and len(inside.ends) < len(inside.inner):
        ends = " or ".join(_named(machine, s) for s in inside.ends)
        machine.result.world.assume(
            f"{_named(machine, name)} is left from {ends} only, where its inside ends.".replace("_", " ")
        )
    return [s for inner in inside.ends or inside.inner for s in _left(machine, inner) if inner != name]


def _moves(machine: _Machine, whole: str | None) -> list[tuple[str, str, str]]:
    """(state, state, what is said), without composites and without what is only passed through."""
    found: list[tuple[str, str, str]] = []
    for source, target, label in machine.arrows:
        if source in machine.passing or whole in (source, target):
            continue
        for end, said in _through(machine, target, label, frozenset()):
            found += [(_named(machine, s), _named(machine, _entered(machine, end)), said) for s in _left(machine, source)]
    return found


def _through(machine: _Machine, target: str, label: str, seen: frozenset[str]) -> list[tuple[str, str]]:
    """Where a move to a choice ends, by each of its branches."""
    if target not in machine.passing or target in seen:
        return [(target, label)]
    ways = [(b, said) for a, b, said in machine.arrows if a == target]
    for _, said in ways:
        if said:
            machine.unmet(f"the condition «{said[:200]}» after {target} is not carried over")
    return [end for b, _ in ways for end in _through(machine, b, label, seen | {target})]


def _named(machine: _Machine, state: str) -> str:
    return identifier(machine.labels.get(state, state))


def _action(machine: _Machine, label: str, source: str, target: str) -> str:
    """The action that a label names: `event [condition] / effect`."""
    told = _LABEL.match(label)
    event = (told["event"] if told else label).strip()
    move = f"from {source} to {target}".replace("_", " ")
    if told and told["guard"]:
        note = f"the condition «{told['guard'][:200]}» of the move {move}"
        machine.unmet(note)
        machine.guards.append((note, told["guard"], source, snaked(event) or action_for_state(target)))
    if told and told["effect"]:
        machine.unmet(f"«{told['effect'][:200]}» of the move {move}")
    event = re.sub(r"\(.*\)", "", event).strip()
    if _BY_ITSELF.search(event):
        machine.unmet(f"that «{event}» happens by itself on the move {move} has no counterpart")
    return snaked(event) or action_for_state(target)
