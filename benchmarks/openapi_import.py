"""How long an OpenAPI file of 500 paths takes to become a specification, against reading its YAML alone.

python benchmarks/openapi_import.py [PATHS]
"""

import sys
import time
from collections.abc import Callable

from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.importers.openapi import import_openapi
from quantumlayer.spec.importers.openapi.document import load

THING = "content: {{application/json: {{schema: {{$ref: '#/components/schemas/Thing{n}'}}}}}}"
LISTED = "content: {{application/json: {{schema: {{type: array, items: {{$ref: '#/components/schemas/Thing{n}'}}}}}}}}"
COLLECTION = """  /things{n}s:
    get: {{responses: {{'200': {{description: some, LISTED}}}}}}
    post: {{requestBody: {{THING}}, responses: {{'201': {{description: made, THING}}}}}}
  /things{n}s/{{id}}:
    get: {{responses: {{'200': {{description: one, THING}}}}}}
    delete: {{responses: {{'204': {{description: gone}}}}}}
""".replace("THING", THING).replace("LISTED", LISTED)
SCHEMA = (
    "    Thing{n}: {{type: object, required: [name], properties: {{id: {{type: integer}}, "
    "name: {{type: string, maxLength: 50}}, "
    "size: {{type: integer, minimum: 0}}, kind: {{type: string, enum: [a, b]}}}}}}\n"
)


def document(paths: int) -> str:
    """A file with that many paths, two for each resource."""
    numbers = range(paths // 2)
    head = "openapi: 3.0.3\ninfo: {title: Things, version: '1'}\npaths:\n" + "".join(COLLECTION.format(n=n) for n in numbers)
    return head + "components:\n  schemas:\n" + "".join(SCHEMA.format(n=n) for n in numbers)


def main() -> None:
    """Print the seconds of each step, on the clock and on the processor (which others on the machine change less)."""
    paths = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    text = document(paths)
    print(f"{paths} paths, {len(text) / 1000:.0f} kB")
    reading = took("reading the YAML", lambda: load.__wrapped__("things.yaml", text))
    load.cache_clear()
    took("importing the file", lambda: import_openapi("things.yaml", text), reading)
    load.cache_clear()
    request = Request(text="", files=(SourceFile(name="things.yaml", text=text),))
    took("request to checked spec", lambda: checked(draft_spec(draft_frd(enhance(request)))), reading)


def took(what: str, step: Callable[[], object], reading: float | None = None) -> float:
    """Runs a step, prints its times and returns the processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    step()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    ratio = f", {processor / reading:.1f} × reading it" if reading else ""
    print(f"{what:26} {wall:6.2f} s, {processor:.2f} s of the processor{ratio}")
    return processor


if __name__ == "__main__":
    main()
