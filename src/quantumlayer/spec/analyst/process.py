"""Processes with a shape of their own: stock movements, transfers of money, links that redirect, things that expire."""

import re
from functools import partial
from typing import Any

from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.moved import move_stock
from quantumlayer.spec.analyst.words import snake
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Effect, Field, Guard, Report, Rule

_RESERVED = ("auth", "docs", "health", "metrics", "redoc")


# --- stock ------------------------------------------------------------------------------------------------------------------


@rule
def movements(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`stock movements (in, out, transfer) change the quantity`"""
    moves = entity(world, m, "e")
    product = next(
        (e for e in world.entities.values() if e.name in ("product", "item", "article", "part", "material", "good")), None
    )
    if moves is None or product is None or product is moves:
        return None
    if moves.declared and moves.fields:
        return move_stock(moves, product, clause.id)
    place = next(
        (e for e in world.entities.values() if e.name.split("_")[-1] in ("warehouse", "location", "store", "depot", "shelf")),
        None,
    )
    kinds = [snake(k) for k in re.split(r",| and | or |/", plain(m.groupdict().get("kinds") or "in, out")) if k.strip()]
    moves.event_of = "move"
    moves.satisfies.append(clause.id)
    world.topic = moves.name
    by = (clause.id,)
    moves.fields["product" if product.name == "product" else product.name] = Field(
        type="reference", to=product.name, satisfies=by
    )
    moves.fields["type"] = Field(type="enum", values=tuple(kinds), satisfies=by)
    moves.fields["quantity"] = Field(type="integer", min=1, satisfies=by)
    if place is not None:
        _places(moves, place, kinds, by)
    rows = f"self.{moves.plural}"
    into, out = [k for k in kinds if k.startswith("in")], [k for k in kinds if k.startswith("out")]
    product.fields["quantity"] = Field(type="integer", value=f"{_sum(rows, into)} - {_sum(rows, out)}", satisfies=by)
    _never_negative(moves, product, place, kinds, clause.id, world)
    return True


def _sum(rows: str, kinds: list[str], more: str = "") -> str:
    test = " || ".join(f"x.type == '{k}'" for k in kinds)
    return f"sum({rows}.filter(x, {f'({test})' if len(kinds) > 1 and more else test}{more}).map(x, x.quantity))"


def _places(moves: EntityDraft, place: EntityDraft, kinds: list[str], by: tuple[str, ...]) -> None:
    moves.fields[place.name] = Field(type="reference", to=place.name, inverse=moves.plural, satisfies=by)
    if "transfer" not in kinds:
        return
    moves.fields[f"to_{place.name}"] = Field(
        type="reference", to=place.name, required=False, inverse=f"incoming_{moves.plural}", satisfies=by
    )
    there = f"self.to_{place.name}"
    moves.rule(
        "transfer_has_destination",
        Rule(
            check=f"self.type == 'transfer' ? {there} != null : {there} == null",
            message=f"a transfer, and nothing else, names the {place.name} it goes to",
            status=422,
            satisfies=by,
        ),
    )
    moves.rule(
        "transfer_elsewhere",
        Rule(
            check=f"{there} == null || {there} != self.{place.name}",
            message=f"a transfer goes to another {place.name}",
            status=422,
            satisfies=by,
        ),
    )


def _never_negative(
    moves: EntityDraft, product: EntityDraft, place: EntityDraft | None, kinds: list[str], by: str, world: World
) -> None:
    into, out = [k for k in kinds if k.startswith("in")], [k for k in kinds if k.startswith("out")]
    rows = f"self.{product.name}.{moves.plural}"
    if place is None:
        check = f"self.{product.name}.quantity >= 0"
    else:
        here, there = f" && x.{place.name} == self.{place.name}", f"x.to_{place.name}"
        check = f"{_sum(rows, into, here)} - {_sum(rows, [*out, *(['transfer'] if 'transfer' in kinds else [])], here)}"
        if "transfer" in kinds:
            check += f" + sum({rows}.filter(x, {there} != null && {there} == self.{place.name}).map(x, x.quantity))"
        check = f"{check} >= 0"
    marker = world.assume(
        "Stock is counted for each warehouse, from its movements." if place else "Stock is counted from its movements."
    )
    moves.rule("stock_not_negative", Rule(check=check, message="stock cannot become negative", satisfies=(by, marker)))


@rule
def never_negative(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`stock can never become negative`"""
    for target in world.entities.values():
        for rule_ in ("stock_not_negative", "funds_sufficient", "balance_not_negative"):
            if rule_ in target.rules:
                known = target.rules[rule_]
                target.rules[rule_] = known.model_copy(update={"satisfies": (*known.satisfies, clause.id)})
                return True
    lowered = [
        (u.satisfies, e)
        for e in world.entities.values()
        for o in e.operations.values()
        for u in (o,)
        if any(x.update for x in o.effects)
    ]
    if m.groupdict().get("f") is None:
        for _, event in lowered:
            event.satisfies.append(clause.id)
        return bool(lowered) or None
    words = plain(m["f"]).lower()
    for target in world.entities.values():
        name = known_field(target, words) or ("quantity" if "stock" in words and "quantity" in target.fields else None)
        if name in target.fields and target.fields[name].type in ("integer", "decimal", "number"):
            field = target.fields[name]
            target.fields[name] = field.model_copy(update={"min": 0, "satisfies": (*field.satisfies, clause.id)})
            zero = "0" if field.type == "integer" else "0.0"
            target.rule(
                f"{name}_not_negative",
                Rule(
                    check=f"self.{name} >= {zero}",
                    message=f"{name.replace('_', ' ')} cannot become negative",
                    satisfies=(clause.id,),
                ),
            )
            return True
    return None


# --- money ------------------------------------------------------------------------------------------------------------------


@rule
def transfers(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a transfer moves an amount between two accounts of the same currency`"""
    groups = m.groupdict()
    account = entity(world, m, "a")
    move = entity(world, m, "t") if groups.get("t") else world.add("transfer", clause.id)
    if account is None or move is None:
        return None
    by = (clause.id,)
    move.event_of = "transfer"
    world.topic = move.name
    source, target = f"from_{account.name}", f"to_{account.name}"
    move.fields[source] = Field(type="reference", to=account.name, inverse=f"outgoing_{move.plural}", satisfies=by)
    move.fields[target] = Field(type="reference", to=account.name, inverse=f"incoming_{move.plural}", satisfies=by)
    move.fields["amount"] = Field(type="decimal", places=2, min=0, exclusive_min=True, satisfies=by)
    move.rule(
        "different_accounts",
        Rule(
            check=f"self.{source} != self.{target}",
            message=f"a {move.name} needs two different {account.plural}",
            status=422,
            satisfies=by,
        ),
    )
    same = known_field(account, groups["same"]) if groups.get("same") else None
    if same:
        move.rule(
            f"same_{same}",
            Rule(
                check=f"self.{source}.{same} == self.{target}.{same}",
                message=f"both {account.plural} must have the same {same}",
                status=409,
                satisfies=by,
            ),
        )
    marker = world.assume(f"Each {account.name} is opened with a balance of its own, 0 unless given.")
    account.fields.setdefault(
        "opening_balance", Field(type="decimal", places=2, min=0, writable="create", default="0.0", satisfies=(*by, marker))
    )
    incoming, outgoing = (f"sum(self.{side}_{move.plural}.map(t, t.amount))" for side in ("incoming", "outgoing"))
    account.fields["balance"] = Field(
        type="decimal", places=2, value=f"self.opening_balance + {incoming} - {outgoing}", satisfies=by
    )
    if "currency" in account.fields and account.fields["currency"].writable == "always":
        account.fields["currency"] = account.fields["currency"].model_copy(update={"writable": "create"})
    return True


@rule
def sufficient(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`is refused when funds are insufficient`"""
    for move in world.entities.values():
        source = next(
            (
                n
                for n, f in move.fields.items()
                if f.type == "reference"
                and (n.startswith("from_") or move.reference_to(f.to or "") == n)
                and f.to
                and "balance" in world.entities[f.to].fields
            ),
            None,
        )
        if source is not None:
            move.rule(
                "funds_sufficient",
                Rule(check=f"self.{source}.balance >= 0.0", message="funds are insufficient", satisfies=(clause.id,)),
            )
            return True
    return None


@rule
def statement(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`an account's statement lists its transfers with the running balance`"""
    move = next((e for e in world.entities.values() if e.event_of == "transfer"), None)
    if move is None:
        return None
    source = next(n for n in move.fields if n.startswith("from_"))
    account = str(move.fields[source].to)
    target = f"to_{account}"
    until = "filter(t, t.id <= self.id).map(t, t.amount)"
    world.reports["statement"] = Report(
        entity=move.name,
        input={account: Field(type="reference", to=account, satisfies=(clause.id,))},
        where=f"self.{source} == input.{account} || self.{target} == input.{account}",
        columns={
            f"{move.name}_id": "self.id",
            "booked_at": "self.created_at",
            "amount": f"self.{target} == input.{account} ? self.amount : -self.amount",
            "balance": f"input.{account}.opening_balance + sum(input.{account}.incoming_{move.plural}.{until}) - sum(input.{account}.outgoing_{move.plural}.{until})",
        },
        sort=(f"{move.name}_id",),
        satisfies=(clause.id,),
    )
    return True


@rule
def atomic(clause: Clause, world: World, m: Any) -> bool | str | None:
    """Every operation of a generated application is one transaction."""
    target = world.find(world.topic) or next(iter(world.entities.values()), None)
    if target is None:
        return None
    target.satisfies.append(clause.id)
    return True


# --- links ------------------------------------------------------------------------------------------------------------------


@rule
def redirects(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`visiting a code redirects and counts the click`"""
    target = next((e for e in world.entities.values() if any(f.format == "url" for f in e.fields.values())), None)
    if target is None:
        return None
    url = next(n for n, f in target.fields.items() if f.format == "url")
    named = known_field(target, plain(m["f"]))
    key = (
        named
        if named and target.fields[named].unique
        else next((n for n, f in target.fields.items() if f.unique and f.type == "string"), None)
    )
    if key is None:
        return None
    effects: tuple[Effect, ...] = ()
    if more := m["more"]:
        counter = snake(re.sub(r"^\w+ (?:the |each |every |its |their )?(?:number of )?", "", plain(more)))
        counter = {"click": "clicks", "visit": "visits", "clicks": "clicks", "visits": "visits"}.get(counter)
        if counter is None:
            return None
        target.fields[counter] = Field(type="integer", writable="never", default="0", satisfies=(clause.id,))
        effects = (Effect(set={counter: f"self.{counter} + 1"}),)
    world.later.append(partial(_reserve, target, key, world))
    target.update(
        "visit", kind="read", path=f"/{{{key}}}", by=key, redirect=f"self.{url}", effects=effects, satisfies=(clause.id,)
    )
    return True


def _reserve(target: EntityDraft, key: str, world: World) -> None:
    """Paths that the application has itself cannot be reached as codes."""
    taken = [e.plural for e in world.entities.values() if e.plural.isalnum()]
    extra = ["reports"] if world.reports else []
    words: list[str] = sorted([*_RESERVED, *taken, *extra])
    marker = world.assume(f"The words {', '.join(words)} are no {key}, since the application uses them itself.")
    check = f"!(self.{key} in [{', '.join(repr(w) for w in words)}])"
    target.rule(f"{key}_not_reserved", Rule(check=check, message=f"this {key} is reserved", status=422, satisfies=(marker,)))


@rule
def expires(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`links may expire`"""
    target = entity(world, m, "e")
    if target is None:
        return None
    optional = (m["m"] or "may") in ("may", "can", "might")
    target.fields["expires_at"] = Field(type="datetime", required=not optional, satisfies=(clause.id,))
    check = "self.expires_at == null || now < self.expires_at" if optional else "now < self.expires_at"
    used = [n for n, o in target.operations.items() if o.redirect]
    for name in used:
        target.guard(
            name,
            "not_expired",
            Guard(check=check, message=f"this {target.name.replace('_', ' ')} has expired", status=410, satisfies=(clause.id,)),
        )
    if not used:
        world.ask(f"What must not be possible any more once a {target.name.replace('_', ' ')} has expired?")
    return True


@rule
def stored_in(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`products stored in warehouses`"""
    target, place = entity(world, m, "e") or world.find(world.topic), world.find(m["w"].replace("_", " "))
    if target is None or place is None or target is place:
        return None
    world.stored[target.name] = (place.name, clause.id)
    return True


def settle_places(world: World) -> None:
    """Where stock moves between places, movements say what is where; else each thing has its place."""
    for name, (place, by) in world.stored.items():
        moved = any(e.event_of == "move" for e in world.entities.values())
        if not moved:
            world.link(world.entities[name], world.entities[place], by)
