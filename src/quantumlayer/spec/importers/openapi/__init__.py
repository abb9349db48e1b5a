"""OpenAPI 3.0 / 3.1 (YAML or JSON) → entities and operations, and the surface that keeps the file's own form.

Paths, members, parameters, statuses and refusals are the file's. What stands behind them is found by general rules: collections
and their rows, rows beneath rows, who signs in, what callers toggle, lists and their filters. Whatever has no counterpart is told.
"""

from quantumlayer.spec.importers.openapi.document import Document
from quantumlayer.spec.importers.openapi.entities import Maker, short
from quantumlayer.spec.importers.openapi.exposures import Exposer
from quantumlayer.spec.importers.openapi.finish import Finisher
from quantumlayer.spec.importers.openapi.operations import Op, base_path, ignored, operations
from quantumlayer.spec.importers.openapi.people import People, people, scheme
from quantumlayer.spec.importers.openapi.refusals import refusals
from quantumlayer.spec.importers.openapi.resources import resources
from quantumlayer.spec.importers.openapi.untold import unsaid
from quantumlayer.spec.importers.tables import Import
from quantumlayer.spec.values import Auth, Surface


def import_openapi(name: str, text: str, by: str = "R1") -> Import:
    """What a document declares. Raises `ImportError_` for what cannot be read, naming file, line and mend."""
    document = Document.read(name, text)
    document.check_references()
    result, found = Import(), operations(document)
    result.world.name = str((document.data.get("info") or {}).get("title") or "Application")[:200]
    kind = scheme(document) if any(op.signed_in for op in found) else None
    accounts = people(found) if kind is None or kind[0] == "password" else None
    known = resources(found, accounts)
    if not known:
        raise document.error(
            "no path looks like a collection of a resource", "declare collections such as /orders and /orders/{id}", "paths"
        )
    maker = Maker(document, result, by, known, accounts)
    maker.make()
    _sign_in(result, accounts, kind, found, by)
    exposer = Exposer(maker)
    exposer.expose(found)
    for told in unsaid(document, found):
        maker.note(told)
    for operation in ignored(document):
        maker.note(f"{operation} is left out: its method is not carried over")
    surface = Surface(
        base=base_path(document),
        scheme=kind[1] if kind and kind[0] == "password" else "Bearer",
        refusals=refusals(document, found),
        exposures=tuple(exposer.exposures),
    )
    result.world.finish = Finisher(surface, frozenset(exposer.hidden), frozenset(exposer.pending), accounts is not None)
    result.world.pending |= {note[:1].upper() + note[1:]: place for place, note in exposer.pending.items()}
    result.unmet += exposer.pending.values()
    return result


def _sign_in(result: Import, accounts: People | None, kind: tuple[str, str] | None, found: list[Op], by: str) -> None:
    world = result.world
    if kind is None and accounts is None:
        return
    entity = accounts.entity if accounts else (world.find("user") or world.add("user", by)).name
    world.account = entity
    if accounts and accounts.identifier in world.entities[entity].fields:
        fields = world.entities[entity].fields
        fields[accounts.identifier] = short(fields[accounts.identifier]).model_copy(update={"unique": True, "required": True})
    method = "api_key" if kind and kind[0] == "api_key" and not accounts else "password"
    registration = accounts is None or "register" in accounts.roles
    world.auth = Auth(
        entity=entity,
        methods=(method,),
        identifier=accounts.identifier if accounts else "email",
        registration=registration,
        satisfies=(by,),
    )
    world.auth_cues.append(by)
    for draft in world.entities.values():
        draft.guarded = True
    if not registration:
        result.unmet.append("nobody can register by the file, so that nobody could log in")
