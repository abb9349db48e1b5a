"""The documentation stage: pages that follow from the specification, so that they cannot contradict the application."""

from collections.abc import Iterator

from quantumlayer.evidence.api_reference import api_reference
from quantumlayer.evidence.markdown import block, code, table, text
from quantumlayer.files.values import FileTree, tree
from quantumlayer.plan.values import Plan
from quantumlayer.spec.frd import Frd
from quantumlayer.spec.routes import ADMIN, routes
from quantumlayer.spec.values import Entity, Field, Spec


def document(spec: Spec, frd: Frd | None, plan: Plan) -> FileTree:
    """API reference, architecture, requirements and runbook, below `docs/`."""
    return tree(
        {
            "docs/api.md": api_reference(spec),
            "docs/architecture.md": architecture(spec, plan),
            "docs/requirements.md": requirements(spec, frd),
            "docs/runbook.md": runbook(spec),
        }
    )


def architecture(spec: Spec, plan: Plan) -> str:
    """Components, the data model as an entity relationship diagram, every state machine, and how a request is answered."""
    parts = [f"# {text(spec.name)}: architecture\n"]
    if spec.description:
        parts.append(f"{text(spec.description)}\n")
    parts.append(f"Stack {code(plan.stack)}, written by {code(plan.author)}.\n")
    if plan.components:
        rows = [(code(component.path), text(component.purpose)) for component in plan.components]
        parts += ["## Components\n", table(("Where", "What for"), rows)]
    parts += ["## Data model\n", block("mermaid", "\n".join(_entities(spec)))]
    machines = {name: entity for name, entity in spec.entities.items() if entity.state}
    if machines:
        parts.append("## States\n")
    for name, entity in machines.items():
        parts += [f"### {text(name)}\n", block("mermaid", "\n".join(_states(entity)))]
    parts += ["## Rules\n", _rules(spec), "## How a request is answered\n", _LIFE]
    return "\n".join(parts)


_LIFE = """1. The body is parsed (400), the caller identified (401) and the role checked (403).
2. Parameters and members are validated (422).
3. In one transaction: the row is found (404), access is decided (403), the state and the guards are checked (409), the change
   is made, uniqueness and references are checked (409), then the rules of every changed row.
4. A refusal rolls everything back. Rules therefore hold under concurrent requests too.
"""


def _entities(spec: Spec) -> Iterator[str]:
    yield "erDiagram"
    for name, entity in spec.entities.items():
        yield f'    e_{name}["{name}"] {{'
        yield "        integer id PK"
        for key, field in entity.fields.items():
            if field.type not in ("reference", "references"):
                yield f"        {field.type} {key}{' UK' if field.unique else ''}"
        if entity.state:
            yield f"        state {entity.state.field}"
        yield "    }"
    for name, entity in spec.entities.items():
        for key, field in entity.fields.items():
            if field.to and field.value is None:
                yield f'    e_{name} {_cardinality(field)} e_{field.to} : "{key}"'


def _cardinality(field: Field) -> str:
    if field.type == "references":
        return "}o--o{"
    many = "|o" if field.unique else "}o"
    return f"{many}--{'||' if field.required else 'o|'}"


def _states(entity: Entity) -> Iterator[str]:
    machine = entity.state
    assert machine is not None
    yield "stateDiagram-v2"
    for state in machine.states:
        yield f'    state "{state}" as s_{state}'
    yield f"    [*] --> s_{machine.initial}"
    for name, operation in entity.operations.items():
        if operation.transition:
            for state in operation.transition.from_states:
                yield f"    s_{state} --> s_{operation.transition.to}: {name}"


def _rules(spec: Spec) -> str:
    rows = []
    for name, entity in spec.entities.items():
        rows += [
            (code(name), text(r.message), code(r.check), str(r.status), _links(r.satisfies)) for r in entity.rules.values()
        ]
        for unique in entity.unique:
            only = f" where {code(unique.where)}" if unique.where else ""
            rows.append((code(name), "unique", f"{code(', '.join(unique.fields))}{only}", "409", _links(unique.satisfies)))
        for key, field in entity.fields.items():
            if field.unique:
                rows.append((code(name), "unique", code(key), "409", _links(field.satisfies)))
        for key, operation in entity.operations.items():
            for guard in operation.guards.values():
                where = f"{code(name)} {code(key)}"
                rows.append((where, text(guard.message), code(guard.check), str(guard.status), _links(guard.satisfies)))
    return (
        table(("Where", "Rule", "Condition", "Else", "Requirements"), rows) if rows else "There are none beyond field types.\n"
    )


def _links(ids: tuple[str, ...]) -> str:
    return ", ".join(f"[{text(r)}](requirements.md)" for r in ids)


def requirements(spec: Spec, frd: Frd | None) -> str:
    """Every requirement and what in the specification satisfies it. What the checks found is in the capsule's evidence."""
    parts = [f"# {text(spec.name)}: requirements\n"]
    if frd and frd.introduction:
        parts.append(f"{text(frd.introduction)}\n")
    parts.append(
        "Whether a requirement is met, and by which checks, is evidence of a run: see `evidence/requirements.json` in the "
        "capsule.\n"
    )
    found = dict(_satisfied(spec))
    rows = [
        (text(r.id), text(r.text), _kind(r.understood, r.assumption, r.reason), ", ".join(found.get(r.id, [])) or "nothing")
        for r in spec.requirements
    ]
    parts.append(table(("Id", "Requirement", "Kind", "Satisfied by"), rows) if rows else "The specification names none.\n")
    for requirement in frd.requirements if frd else ():
        if requirement.criteria:
            parts.append(f"## {text(requirement.id)}\n")
            parts += [f"- Given {text(c.given)}, when {text(c.when)}, then {text(c.then)}" for c in requirement.criteria]
            parts.append("")
    for heading, lines in _lists(frd):
        parts += [f"## {heading}\n", *(f"- {text(line)}" for line in lines), ""]
    return "\n".join(parts)


def _lists(frd: Frd | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    named = (frd.non_functional, frd.assumptions, frd.open_questions) if frd else ((), (), ())
    for heading, lines in zip(("Non-functional targets", "Assumptions", "Open questions"), named, strict=True):
        if lines:
            yield heading, lines


def _kind(understood: bool, assumption: bool, reason: str) -> str:
    if not understood:
        return f"**not understood**{': ' + text(reason) if reason else ''}"
    return "assumption" if assumption else "requested"


def _satisfied(spec: Spec) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for label, ids in _elements(spec):
        for requirement in ids:
            found.setdefault(requirement, []).append(label)
    yield from ((requirement, list(dict.fromkeys(labels))) for requirement, labels in found.items())


def _elements(spec: Spec) -> Iterator[tuple[str, tuple[str, ...]]]:
    if spec.auth:
        yield "authentication", spec.auth.satisfies
    for route in routes(spec):
        yield code(f"{route.method} {route.path}"), route.satisfies
    for name, entity in spec.entities.items():
        yield code(name), entity.satisfies
        for key, field in entity.fields.items():
            yield code(f"{name}.{key}"), field.satisfies
        for key, rule in entity.rules.items():
            yield f"rule {code(f'{name}.{key}')}", rule.satisfies
        for unique in entity.unique:
            yield f"unique {code(f'{name}: ' + ', '.join(unique.fields))}", unique.satisfies
        if entity.state:
            yield f"states of {code(name)}", entity.state.satisfies
        for key, operation in entity.operations.items():
            for guard, value in operation.guards.items():
                yield f"guard {code(f'{name}.{key}.{guard}')}", value.satisfies


def runbook(spec: Spec) -> str:
    """How to start, watch, back up and mend the application. Holds for every stack that follows the HTTP contract."""
    variables = [
        ("`PORT`", "where to listen", "8000"),
        ("`HOST`", "the address to bind", "0.0.0.0"),
        ("`DATABASE_URL`", "`sqlite:///file.db` or `postgresql://user:<password>@host/db`", "`sqlite:///app.db`"),
        ("`CLOCK_OFFSET_SECONDS`", "seconds added to the clock, for trials only; logged as a warning", "0"),
    ]
    if spec.roles:
        variables.append(
            (f"`{ADMIN.upper()}_IDENTIFIER`, `{ADMIN.upper()}_PASSWORD`", "the first administrator, made at start", "none")
        )
    return "\n".join(
        (
            f"# {text(spec.name)}: runbook\n",
            "## Start and stop\n",
            "`make setup` installs, `make run` migrates the database and serves. SIGTERM finishes running requests, then ends "
            "with 0.\n",
            table(("Variable", "Meaning", "Default"), variables),
            "## Watch\n",
            "- `GET /health` answers 200 once the database answers, else 503: use it for readiness.\n"
            "- `GET /metrics` is for Prometheus.\n"
            "- Logs are JSON on stdout, one line a request: method, path, status, milliseconds.\n"
            f"- The target is a 99th percentile of {spec.latency_p99_ms} ms.\n",
            "## Back up and restore\n",
            '- SQLite: `sqlite3 app.db ".backup copy.db"` while it runs; to restore, stop, put the copy in place, start.\n'
            '- PostgreSQL: `pg_dump --format=custom "$DATABASE_URL" > copy.dump`; to restore, '
            '`pg_restore --clean --dbname "$DATABASE_URL" copy.dump`.\n',
            "## When something is wrong\n",
            table(
                ("Sign", "Likely cause", "Do"),
                [
                    ("503 at `/health`", "the database does not answer", "check `DATABASE_URL` and the database's own log"),
                    ("500 answers", "a defect", "find the request in the log; the answer tells no details on purpose"),
                    ("it ends at start", "a migration failed, or the port is taken", "the last log line names it"),
                    (
                        "many 409",
                        "rules refuse what clients try",
                        "read `detail`; see the rules in [architecture](architecture.md)",
                    ),
                ],
            ),
        )
    )
