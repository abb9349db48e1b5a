"""Links between classes or entities of diagrams → references."""

import re
from dataclasses import dataclass

from quantumlayer.spec.analyst.words import participle, verb_base
from quantumlayer.spec.importers.members import Body
from quantumlayer.spec.importers.tables import Import, identifier
from quantumlayer.spec.values import Field

_NAME = r"(?:\"[^\"]+\"|[\w.-]+?)"
_ER = re.compile(rf"^(?P<a>{_NAME})\s+(?P<left>\|o|\|\||\}}o|\}}\|)\s*(?:-+|\.+)(?:\w+-+)?\s*(?P<right>o\||\|\||o\{{|\|\{{)\s+(?P<b>{_NAME})\s*(?::\s*(?P<label>.*))?$")  # fmt: skip
_WORDS = {"one or zero": "0..1", "zero or one": "0..1", "only one": "1", "one or more": "1..*", "one or many": "1..*", "many(1)": "1..*", "1+": "1..*", "zero or more": "0..*", "zero or many": "0..*", "many(0)": "0..*", "0+": "0..*", "one": "1", "1": "1"}  # fmt: skip
_SAID = "|".join(re.escape(w) for w in sorted(_WORDS, key=len, reverse=True))
_SPOKEN = re.compile(rf"^(?P<a>{_NAME})\s+(?P<left>{_SAID})\s+(?:optionally\s+)?to\s+(?P<right>{_SAID})\s+(?P<b>{_NAME})\s*(?::\s*(?P<label>.*))?$", re.I)  # fmt: skip
_ENDS = {"|o": "0..1", "||": "1", "}o": "0..*", "}|": "1..*", "o|": "0..1", "o{": "0..*", "|{": "1..*"}
_LINE = re.compile(r"^(?P<a>\"[^\"]+\"|[\w.]+(?:::\w+)?)\s*(?:\"(?P<left>[^\"]*)\"\s*)?(?P<start><\|?|\*|o|\+|#|x|\}|\^|\|>)?(?P<body>[-.]+(?:\[[^\]]*\])?(?:up|down|left|right|u|d|l|r)?[-.]*)(?P<end>\|?>|\*|o(?=[\s\"])|\+|#|x(?=[\s\"])|\{|\^|<\|)?\s*(?:\"(?P<right>[^\"]*)\"\s*)?(?P<b>\"[^\"]+\"|[\w.]+(?:::\w+)?)\s*(?::\s*(?P<label>.*))?$")  # fmt: skip


@dataclass(frozen=True)
class Link:
    """`near` and `far` say how many of the left and of the right there are; None: nothing is said. `kind`: what the line is."""

    left: str
    right: str
    near: str | None
    far: str | None
    label: str = ""
    kind: str = "association"


def er_link(line: str) -> Link | None:
    """A relation of an ER diagram, in signs or words."""
    if found := _ER.match(line):
        near, far = _ENDS[found["left"]], _ENDS[found["right"]]
    elif found := _SPOKEN.match(line):
        near, far = _WORDS[found["left"].lower()], _WORDS[found["right"].lower()]
    else:
        return None
    return Link(found["a"].strip('"'), found["b"].strip('"'), near, far, (found["label"] or "").strip().strip('"'))


def class_link(line: str) -> Link | None:
    """A line between two classes."""
    found = _LINE.match(line)
    if found is None or len(re.sub(r"\[.*\]|[a-z]", "", found["body"])) < 1:
        return None
    left, right = found["a"].strip('"'), found["b"].strip('"')
    start, end, label = (
        found["start"] or "",
        found["end"] or "",
        re.sub(r"\s*[<>]\s*$|^\s*[<>]\s*", "", found["label"] or "").strip().strip('"'),
    )
    near, far = found["left"], found["right"]
    if start in ("<|", "^", "|>") or end in ("|>", "^", "<|"):
        child, parent = (right, left) if start in ("<|", "^") else (left, right)
        return Link(child, parent, None, None, label, "inherits")
    if start in ("*", "o", "+", "#") or end in ("*", "o", "+", "#"):
        whole_left = start in ("*", "o", "+", "#")
        whole, part = (left, right) if whole_left else (right, left)
        of_whole, of_part = (near, far) if whole_left else (far, near)
        kind = "composition" if "*" in (start, end) else "aggregation"
        return Link(whole, part, of_whole or "1", of_part or "*", label, kind)
    if "." in found["body"] and (start or end) and near is None and far is None:
        user, used = (right, left) if start == "<" else (left, right)
        return Link(user, used, None, None, label, "uses")
    if near is None and far is None and (end == ">") != (start == "<"):
        # What an arrow goes to is known by what it comes from.
        holder, held = (left, right) if end == ">" else (right, left)
        return Link(holder, held, "*", "1", label)
    if near is None or far is None:
        return Link(left, right, near or ("*" if far and not _many(far) else "1"), far or "*", label)
    return Link(left, right, near, far, label)


def _many(count: str) -> bool:
    return "*" in count or bool(re.search(r"\b(?:n|m|many)\b", count, re.I)) or bool(re.search(r"\.\.\s*(?:[2-9]|\d\d)", count))


def _least(count: str | None) -> int:
    told = re.match(r"\s*(\d+)", count or "")
    return int(told[1]) if told else 0


def relate(link: Link, left: Body, right: Body, result: Import, by: str, *, named: bool) -> None:
    """Let one of the two refer to the other. `named`: two entities with several relations, which their labels tell apart."""
    many_a, many_b = _many(link.near or "1"), _many(link.far or "*")
    a, b = left.draft, right.draft
    if many_a and many_b:
        _list(link, left, right, result, by, named)
        return
    if many_b or many_a:
        child, parent, near_parent, near_child = (b, a, link.near, link.far) if many_b else (a, b, link.far, link.near)
    else:
        # Of two that have one of the other, the one that must have it names it.
        mine = _least(link.near or "1") == 0 and _least(link.far or "1") == 1
        child, parent, near_parent, near_child = (a, b, link.far, link.near) if mine else (b, a, link.near, link.far)
    optional = (near_parent or "1").strip().startswith("0")
    again = child.reference_to(parent.name) is not None
    from_left = child is a and (child is not b or many_a or not many_b)
    name = _reference_name(link, child is parent, again, parent.name, named, from_left)
    if name in child.fields:
        name = f"parent_{parent.name}" if child is parent else f"{name}_{parent.name}"
    one_to_one = not many_a and not many_b
    if _least(near_child) >= 1 and not one_to_one and link.kind == "association":
        rows, of = child.plural.replace("_", " "), parent.plural.replace("_", " ")
        result.world.assume(
            f"That {of} have at least one of their {rows} is not enforced, since they are made one after the other."
        )
    whole = link.kind == "composition"
    child.fields[name] = Field(
        type="reference",
        to=parent.name,
        required=not optional and child is not parent,
        unique=one_to_one,
        inverse=f"{child.plural}_as_{name}" if child is parent or child.reference_to(parent.name) else None,
        on_delete="cascade" if whole else "restrict",
        satisfies=(by,),
    )


def _reference_name(link: Link, itself: bool, again: bool, parent: str, named: bool, from_left: bool) -> str:
    """The name of the parent, or what tells several of them apart: a noun as it is, `supervises` as `supervised_by`.

    A label is read from the left: where what refers stands there, it says what it does itself.
    """
    label = identifier(link.label) if link.label else ""
    if not label or not (named or itself or again):
        return parent
    words = label.split("_")
    verb = verb_base(words[0]) if words[0].endswith("s") else None
    if verb and len(words) == 1 and not from_left:
        return f"{participle(verb)}_by"
    return label


def _list(link: Link, left: Body, right: Body, result: Import, by: str, named: bool) -> None:
    a, b = left.draft, right.draft
    label = identifier(link.label) if link.label else ""
    name = label if label and (named or a is b) else b.plural
    if name in a.fields:
        name = f"{label or 'other'}_{b.plural}"
    least = 1 if _least(link.far) >= 1 else None
    clash = a is b or a.reference_list_to(b.name) or a.reference_to(b.name)
    a.fields[name] = Field(
        type="references",
        to=b.name,
        required=bool(least),
        min_items=least,
        inverse=f"{a.plural}_as_{name}" if clash else None,
        satisfies=(by,),
    )
    if _least(link.near) >= 1:
        rows, of = a.plural.replace("_", " "), b.plural.replace("_", " ")
        result.world.assume(f"That {of} have at least one of {rows} is not enforced.")
