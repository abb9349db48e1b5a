import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator


async def test_the_document_is_valid_complete_and_has_an_example_for_every_operation(api):
    document = (await api.http.get("/api/v1/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()
    operations = {(m, p): o for p, item in document["paths"].items() for m, o in item.items()}
    assert len(operations) >= 30 and len({o["operationId"] for o in operations.values()}) == len(operations)
    schemas = document["components"]["schemas"]

    def shown(media):
        name = media.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
        return "example" in media or "examples" in schemas.get(name, {})

    for where, operation in operations.items():
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert shown(media), where
        for status, response in operation["responses"].items():
            for kind, media in response.get("content", {}).items():
                bytes_ = kind == "*/*" or media.get("schema", {}).get("format") == "binary"
                assert bytes_ or shown(media), (where, status, kind)
                assert int(status) < 400 or kind == "application/problem+json" or where == ("get", "/ready"), (where, status)


async def test_examples_of_requests_are_accepted(live):
    document = (await live.http.get("/api/v1/openapi.json")).json()
    schemas = document["components"]["schemas"]
    for path, status in (("/api/v1/runs", 201), ("/api/v1/spec/mock", 200)):
        body = schemas[{"/api/v1/runs": "NewRun", "/api/v1/spec/mock": "MockRequest"}[path]]["examples"][0]
        assert (await live.http.post(path, json=body)).status_code == status
    content = document["paths"]["/api/v1/spec/check"]["post"]["requestBody"]["content"]
    for kind, media in content.items():
        example = media["example"]
        text = example if isinstance(example, str) else json.dumps(example)
        answer = await live.http.post("/api/v1/spec/check", content=text, headers={"content-type": kind})
        assert answer.status_code == 200, answer.text


@pytest.mark.matrix
def test_our_own_api_holds_against_schemathesis(ql_server, tmp_path):
    _, port = ql_server("--requests", "", "--creations", "")
    words = ["run", f"http://127.0.0.1:{port}/api/v1/openapi.json", "--checks", "all", "--max-examples", "30", "--seed", "1"]
    # Judging starts processes and is covered elsewhere; the stream of a running run does not end.
    words += [
        "--exclude-path",
        "/api/v1/judgements",
        "--exclude-checks",
        "unsupported_method,ignored_auth,positive_data_acceptance",
    ]
    found = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), *words, "--no-color", "--workers", "1"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert found.returncode == 0, found.stdout[-8000:]
