"""Which licence a text is, by the sentences that only it has."""

import re

_SIGNS = (
    ("Apache-2.0", ("Apache License", "Version 2.0")),
    ("MPL-2.0", ("Mozilla Public License", "2.0")),
    ("AGPL-3.0-only", ("GNU AFFERO GENERAL PUBLIC LICENSE",)),
    ("LGPL-3.0-only", ("GNU LESSER GENERAL PUBLIC LICENSE", "Version 3")),
    ("GPL-3.0-only", ("GNU GENERAL PUBLIC LICENSE", "Version 3")),
    ("GPL-2.0-only", ("GNU GENERAL PUBLIC LICENSE", "Version 2")),
    ("MIT", ("Permission is hereby granted, free of charge", "THE SOFTWARE IS PROVIDED")),
    ("ISC", ("Permission to use, copy, modify, and", "distribute this software")),
    ("BSD-3-Clause", ("Redistribution and use in source and binary forms", "Neither the name")),
    ("BSD-3-Clause", ("Redistribution and use in source and binary forms", "endorse or promote")),
    ("BSD-2-Clause", ("Redistribution and use in source and binary forms",)),
    ("Unlicense", ("This is free and unencumbered software",)),
)  # fmt: skip


def licence_of(text: str) -> str | None:
    """The SPDX identifier, None where the text is not known."""
    flat = re.sub(r"\s+", " ", text)
    return next((name for name, signs in _SIGNS if all(sign.lower() in flat.lower() for sign in signs)), None)
