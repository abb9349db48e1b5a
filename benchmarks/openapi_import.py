"""How long an OpenAPI file of 500 paths takes to become a specification, against reading its YAML alone.

python benchmarks/openapi_import.py [PATHS]
"""

import sys
import time

from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
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
    """Print the seconds of each step."""
    paths = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    text = document(paths)
    print(f"{paths} paths, {len(text) / 1000:.0f} kB")
    began = time.perf_counter()
    load.__wrapped__("things.yaml", text)
    reading = time.perf_counter() - began
    print(f"reading the YAML           {reading:6.2f} s")
    began = time.perf_counter()
    import_openapi("things.yaml", text)
    importing = time.perf_counter() - began
    print(f"importing the file         {importing:6.2f} s ({importing / reading:.1f} × reading it)")
    brief = enhance(Request(text="", files=(SourceFile(name="things.yaml", text=text),)))
    began = time.perf_counter()
    draft_spec(draft_frd(brief))
    whole = time.perf_counter() - began
    print(f"file to checked spec       {whole:6.2f} s ({whole / reading:.1f} × reading it)")


if __name__ == "__main__":
    main()
