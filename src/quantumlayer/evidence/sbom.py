"""The software bill of materials: CycloneDX 1.6, held against its strict schema before anybody sees it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from quantumlayer import __version__
from quantumlayer.errors import Bug
from quantumlayer.evidence.pypi import Pin

DEVELOPMENT = ("dev", "test", "lint")


def to_sbom(name: str, pins: Sequence[Pin], licences: Mapping[str, str | None], purl_type: str) -> str:
    """JSON text for the application `name`, the same for equal inputs. Raises `Bug` when the strict schema refuses it."""
    components = [_component(pin, licences.get(f"{pin.name}=={pin.version}"), purl_type) for pin in pins]
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


def _component(pin: Pin, licence: str | None, purl_type: str) -> dict[str, Any]:
    purl = f"pkg:{purl_type}/{pin.name}@{pin.version}"
    development = any(word in PurePosixPath(pin.path).stem.lower() for word in DEVELOPMENT)
    made: dict[str, Any] = {
        "type": "library",
        "name": pin.name,
        "version": pin.version,
        "purl": purl,
        "bom-ref": purl,
        "scope": "excluded" if development else "required",
    }
    if licence:
        made["licenses"] = [{"expression": licence}]
    if len(pin.sha256) == 1:  # several are those of alternative files, of which one is installed
        made["hashes"] = [{"alg": "SHA-256", "content": pin.sha256[0]}]
    return made


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
