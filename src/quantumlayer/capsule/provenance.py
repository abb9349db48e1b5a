"""Who made the capsule from what: an in-toto statement with SLSA provenance in a signed DSSE envelope."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance  # pyright: ignore[reportAttributeAccessIssue]
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import STATEMENT_TYPE_URI, Statement
from securesystemslib.dsse import Envelope

from quantumlayer.capsule.keys import PublicKey, Signer
from quantumlayer.capsule.values import Manifest

PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:quantumlayer:build:generate:1"


def canonical(value: Any) -> bytes:
    """JSON with sorted members and no white space; equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def statement(manifest: Manifest, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The in-toto statement: every file is a subject, the specification, blueprint and lock are the materials."""
    subjects = [
        {"name": path, "digest": {"sha256": hashlib.sha256(content).hexdigest()}} for path, content in sorted(files.items())
    ]
    materials = [{"name": "specification", "digest": {"sha256": manifest.spec_digest}}]
    if manifest.blueprint:
        blueprint = manifest.blueprint
        materials.append({"name": f"blueprint/{blueprint.id}@{blueprint.version}", "digest": {"sha256": blueprint.digest}})
    if manifest.lock_digest:
        materials.append({"name": "lock", "digest": {"sha256": manifest.lock_digest}})
    parameters = {"stack": manifest.stack, "author": manifest.author, "model": manifest.model}
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {name: value for name, value in parameters.items() if value},
            "internalParameters": manifest.model_dump(mode="json", include={"commands"}),
            "resolvedDependencies": materials,
        },
        "runDetails": {
            "builder": {"id": "urn:quantumlayer:builder", "version": {"quantumlayer": manifest.producer}},
            "metadata": {"invocationId": manifest.run},
        },
    }
    made = {"_type": STATEMENT_TYPE_URI, "subject": subjects, "predicateType": PREDICATE_TYPE, "predicate": predicate}
    validate(made)
    return made


def validate(made: Mapping[str, Any]) -> None:
    """Raises `ValueError` unless it is an in-toto v1 statement with SLSA v1 provenance, to the letter of their schemas."""
    if made.get("_type") != STATEMENT_TYPE_URI or made.get("predicateType") != PREDICATE_TYPE:
        raise ValueError("not an in-toto v1 statement with SLSA v1 provenance")
    subjects = [ResourceDescriptor(name=s["name"], digest=s["digest"]).pb for s in made["subject"]]
    Statement(subjects, PREDICATE_TYPE, dict(made["predicate"])).validate()
    json_format.ParseDict(dict(made["predicate"]), Provenance())


def sign(made: Mapping[str, Any], signer: Signer) -> bytes:
    """The statement in a DSSE envelope, as one line."""
    envelope = Envelope(canonical(made), PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return canonical(envelope.to_dict()) + b"\n"


def opened(line: bytes, key: PublicKey) -> dict[str, Any]:
    """The statement in a line that `sign` wrote with this key.

    Raises:
        ValueError, KeyError: not such a line.
        securesystemslib.exceptions.VerificationError: signed by another key, or altered.
    """
    envelope = Envelope.from_dict(json.loads(line))
    if canonical(envelope.to_dict()) + b"\n" != line or envelope.payload_type != PAYLOAD_TYPE:
        raise ValueError("not one DSSE envelope in the form that we write")
    envelope.verify([key], 1)
    made = json.loads(envelope.payload)
    validate(made)
    return made
