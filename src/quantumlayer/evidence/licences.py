"""Licences as SPDX expressions: read from what metadata says, or recognised by the words of a licence file."""

import re
from functools import cache

from license_expression import ExpressionError, Licensing, get_spdx_licensing

LONGEST = 200
_ALIASES = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "mit license": "MIT",
}
_SENTENCES = (
    ("AGPL-3.0-only", ("gnu affero general public license version 3",)),
    ("LGPL-3.0-only", ("gnu lesser general public license version 3",)),
    ("GPL-3.0-only", ("gnu general public license version 3",)),
    ("GPL-2.0-only", ("gnu general public license version 2",)),
    ("MPL-2.0", ("mozilla public license version 2.0",)),
    ("Apache-2.0", ("apache license version 2.0",)),
    ("0BSD", ("permission to use, copy, modify, and/or distribute this software for any purpose with or without fee",)),
    ("ISC", ("permission to use, copy, modify, and/or distribute this software", "above copyright notice and this permission")),
    ("ISC", ("permission to use, copy, modify, and distribute this software", "above copyright notice and this permission")),
    ("MIT", ("permission is hereby granted, free of charge, to any person obtaining a copy", "shall be included in")),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "neither the name")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms", "binary form must reproduce")),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    ("CC0-1.0", ("cc0 1.0 universal",)),
)


def spdx(text: str) -> str | None:
    """The expression in its normal form; None for anything that SPDX does not know."""
    if not text or len(text) >= LONGEST:
        return None
    try:
        return str(_licensing().parse(_ALIASES.get(text.strip().lower(), text), validate=True))
    except (ExpressionError, TypeError, AttributeError):
        return None


def recognised(licence_file: str) -> str | None:
    """The identifier of a licence by its own words; None where they are those of none of the common ones."""
    words = " ".join(re.sub(r"[^a-z0-9.,/ ]+", " ", licence_file.lower()).split()).replace(
        "license, version", "license version"
    )
    found = (name for name, sentences in _SENTENCES if all(sentence in words for sentence in sentences))
    return next(found, None)


@cache
def _licensing() -> Licensing:
    return get_spdx_licensing()
