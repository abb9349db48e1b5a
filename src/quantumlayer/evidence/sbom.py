"""The software bill of materials: CycloneDX 1.6, held against its strict schema before anybody sees it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from quantumlayer import __version__
from quantumlayer.errors import Bug
from quantumlayer.ports.ecosystem import Ecosystem, Pin

ALGORITHMS = {"sha256": "SHA-256", "sha512": "SHA-512"}


def to_sbom(name: str, pins: Sequence[Pin], licences: Mapping[str, str | None], ecosystem: Ecosystem | None) -> str:
    """JSON text for the application `name`, the same for equal inputs. Raises `Bug` when the strict schema refuses it."""
    components = [_component(pin, licences.get(pin.key), ecosystem.purl(pin)) for pin in pins] if ecosystem else []
    content = {
        "metadata": {
            "component": {"type": "application", "name": name, "bom-ref": "application"},
            "tools": {"components": [{"type": "application", "name": "quantumlayer", "version": __version__}]},
        },
        "components": components,
        "dependencies": [{"ref": "application", "dependsOn": [c["bom-ref"] for c in components]}],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    text = _text({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "serialNumber": serial.urn, **content})
    if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise Bug(f"the SBOM does not fit CycloneDX 1.6: {problem}")
    return text


def _component(pin: Pin, licence: str | None, purl: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library",
        "name": pin.name,
        "version": pin.version,
        "purl": purl,
        "bom-ref": purl,
        "scope": "excluded" if pin.development else "required",
    }
    if licence:
        made["licenses"] = [{"expression": licence}]
    if len(pin.hashes) == 1:  # several are those of alternative files, of which one is installed
        algorithm, _, digest = pin.hashes[0].partition(":")
        if algorithm in ALGORITHMS:
            made["hashes"] = [{"alg": ALGORITHMS[algorithm], "content": digest}]
    return made


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
