"""The formats of text fields, as regular expressions that must match the whole value, the same for every stack.

Written in the subset that RE2, PCRE, ECMAScript and Python agree on: no look-around, no back-references, ASCII classes only.
"""

from quantumlayer.spec.values import FieldFormat

FORMATS: dict[FieldFormat, str] = {
    "email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
    "url": r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][!-~]*)?",
    "slug": r"[a-z0-9]+(-[a-z0-9]+)*",
    "isbn": r"(97[89][- ]?)?([0-9][- ]?){9}[0-9Xx]",
    "phone": r"\+?[0-9][0-9 ()./-]{4,24}",
    "uuid": r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "ipv4": r"((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])",
    "color": r"#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})",
    "license_plate": r"[A-Z0-9]([A-Z0-9 -]{0,10}[A-Z0-9])?",
    "alphanumeric": r"[A-Za-z0-9]+",
    # A part of a path: no slash, no control characters, neither `.` nor `..`.
    "segment": r"([^/.\x00-\x1f]|\.[^/.\x00-\x1f]|\.\.[^/\x00-\x1f])[^/\x00-\x1f]*",
}
