"""Words and their forms: lexicon lookups, singulars and plurals, verb bases, numbers, names, near misses."""

import gzip
import re
import tomllib
from functools import lru_cache
from importlib import resources

from quantumlayer.spec.check_fields import RESERVED
from quantumlayer.spec.naming import singular as naming_singular

LEXICON = tomllib.loads(resources.files("quantumlayer.spec.analyst").joinpath("lexicon.toml").read_text("utf-8"))
_IRREGULAR_PLURALS = {"people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot", "criteria": "criterion", "series": "series", "movies": "movie", "cookies": "cookie", "pies": "pie", "ties": "tie", "staff": "staff", "courses": "course", "houses": "house", "warehouses": "warehouse", "leases": "lease", "nurses": "nurse", "expenses": "expense", "licenses": "license", "licences": "licence", "purchases": "purchase", "releases": "release", "responses": "response", "exercises": "exercise", "phases": "phase", "horses": "horse", "cases": "case", "bases": "base", "databases": "database", "sizes": "size", "prizes": "prize", "quizzes": "quiz", "axes": "axis", "analyses": "analysis", "diagnoses": "diagnosis", "knives": "knife", "shelves": "shelf", "lives": "life", "caches": "cache", "premises": "premises", "invoices": "invoice", "devices": "device", "gases": "gas", "buses": "bus", "statuses": "status", "addresses": "address", "classes": "class", "courses_": "course", "pauses": "pause", "verses": "verse", "causes": "cause", "clauses": "clause", "purposes": "purpose", "vases": "vase", "doses": "dose", "roses": "rose", "noses": "nose", "mazes": "maze", "sneezes": "sneeze", "bronzes": "bronze", "menus": "menu", "gurus": "guru"}  # fmt: skip
_UNCOUNTABLE = set(LEXICON["nouns"]["uncountable"].split())


class Kinds(frozenset[str]):
    """Nouns of a kind; what is composed with one is of the kind too: a `team_lead` is a `lead`."""

    def __contains__(self, word: object) -> bool:
        return super().__contains__(word) or (isinstance(word, str) and super().__contains__(word.rpartition("_")[2]))


def words_of(section: str, key: str = "words") -> frozenset[str]:
    """The words of a list in the lexicon."""
    return frozenset(LEXICON[section][key].split())


PEOPLE = Kinds(words_of("people"))
ROLES = Kinds(words_of("people", "roles"))
ABSTRACT = words_of("abstract")
RECORDS = words_of("nouns", "records")
KNOWN_ADJECTIVES = frozenset(
    ["indeed", "hundred", "detailed", "limited", "advanced", "integrated", "dedicated", "unlimited", "sacred", "naked"]
)
VERBS = words_of("verbs", "regular") | set(LEXICON["irregular_verbs"].values())


def singular(noun: str) -> str:
    """The singular of the last word of a noun, spaces or underscores kept."""
    head, sep, last = re.match(r"^(.*?)([ _-]?)([^ _-]*)$", noun).groups()  # type: ignore[union-attr]
    if last in _UNCOUNTABLE:
        return noun
    return head + sep + _IRREGULAR_PLURALS.get(last, naming_singular(last) if len(last) > 3 else last)


def plural(noun: str) -> str:
    """The plural of the last word of a noun in the singular."""
    head, sep, last = re.match(r"^(.*?)([ _-]?)([^ _-]*)$", noun).groups()  # type: ignore[union-attr]
    for many, one in _IRREGULAR_PLURALS.items():
        if one == last:
            return head + sep + many
    if last in _UNCOUNTABLE or (last.endswith("s") and not last.endswith(("ss", "us", "is"))):
        return noun
    if re.search(r"[^aeiou]y$", last):
        return head + sep + last[:-1] + "ies"
    if last.endswith(("s", "x", "z", "ch", "sh")):
        return head + sep + last + "es"
    return head + sep + last + "s"


def is_plural(noun: str) -> bool:
    """Whether the last word is a plural."""
    last = re.split(r"[ _-]", noun)[-1]
    return singular(last) != last


@lru_cache(maxsize=4096)
def verb_base(word: str) -> str | None:
    """The base of a verb form that the lexicon knows: `returning` → `return`."""
    word = word.lower()
    if word in VERBS:
        return word
    if base := LEXICON["irregular_verbs"].get(word):
        return base
    return next((stem for stem in _stems(word) if stem in VERBS), None) or _unlisted_verb(word)


@lru_cache(maxsize=4096)
def _unlisted_verb(word: str) -> str | None:
    """The base of a past participle whose verb the lexicon lacks, where the dictionary has all forms of that verb."""
    if not word.endswith("ed") or len(word) < 6 or word in KNOWN_ADJECTIVES:
        return None
    for base in (s for s in _stems(word) if len(s) > 3):
        doubled = base + base[-1]
        if known_english(base) and any(known_english(f"{b}ing") for b in (base, base.removesuffix("e"), doubled)):
            return base
    return None


def _stems(word: str) -> list[str]:
    stems = []
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word[: -len(ending)]
            stems += [stem, stem + "e"]
            if len(stem) > 2 and stem[-1] == stem[-2]:
                stems.append(stem[:-1])
            if stem.endswith("i"):
                stems.append(stem[:-1] + "y")
    return stems


def participle(base: str) -> str:
    """The past participle: `return` → `returned`, `submit` → `submitted`."""
    for form, verb in LEXICON["irregular_verbs"].items():
        if verb == base and form not in ("wrote", "took", "became", "goes", "was", "is", "are", "has"):
            return form
    if base.endswith("e"):
        return base + "d"
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ied"
    doubled = (
        "ship",
        "stop",
        "submit",
        "admit",
        "drop",
        "tag",
        "ban",
        "pin",
        "plan",
        "log",
        "cancel",
        "tip",
        "refer",
        "grab",
        "scan",
        "fund_",
    )
    return base + (base[-1] if base in doubled else "") + "ed"


def an(noun: str) -> str:
    """The noun with its indefinite article."""
    noun = noun.replace("_", " ")
    return f"{'an' if noun[0] in 'aeiou' and not noun.startswith(('user', 'uni', 'one')) else 'a'} {noun}"


def number(text: str) -> int | float | None:
    """`5`, `1,000`, `2.50`, `five`, `a dozen`, `10k`, `50%`; None otherwise."""
    word = text.strip().lower().removeprefix("a ").removesuffix("%").lstrip("$€£").strip()
    if word in LEXICON["numbers"]:
        return LEXICON["numbers"][word]
    if re.fullmatch(r"-?\d+(?:,\d{3})*(?:\.\d+)?k?", word):
        value = float(word.rstrip("k").replace(",", "")) * (1000 if word.endswith("k") else 1)
        return int(value) if value.is_integer() and "." not in word else value
    return None


def snake(text: str) -> str:
    """A name as the spec wants it; empty where nothing is left of the text."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower().replace("'s", "").replace("'", "")).strip("_")
    if name and not name[0].isalpha():
        name = f"n_{name}"
    return name[:60].strip("_")


def free(name: str, tail: str) -> str:
    """The name, with a tail where expressions reserve it: a `package` is a `package_record`."""
    return f"{name}_{tail}" if name in RESERVED else name


def value_name(text: str) -> str:
    """An enum value: codes such as `EUR` stay, words become lower snake case."""
    text = text.strip().strip("\"'`.")
    return (
        text
        if re.fullmatch(r"[A-Z0-9]{2,6}[+-]?|[A-Z0-9][+-]", text)
        else (re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_"))
    )


def expand(text: str) -> str:
    """Contractions written out."""
    for short, long in LEXICON["contractions"].items():
        text = re.sub(rf"\b{short}\b", long, text, flags=re.I)
    return text


@lru_cache(maxsize=1)
def _dictionary() -> frozenset[bytes]:
    """The words of pyspellchecker's English list, as they stand in its file: reading them as JSON takes three times as long."""
    packed = resources.files("spellchecker").joinpath("resources/en.json.gz").read_bytes()
    return frozenset(gzip.decompress(packed).split(b'"')[1::2])


def known_english(word: str) -> bool:
    """Whether the dictionary has the word."""
    return word.lower().encode() in _dictionary()


def near(word: str, vocabulary: frozenset[str]) -> str | None:
    """The one known word that an unknown English word is a slip of (one edit, or two swapped letters)."""
    low = word.lower()
    if len(low) < 5 or not low.isalpha() or low in vocabulary:
        return None
    close = [known for known in vocabulary if abs(len(known) - len(low)) <= 1 and len(known) >= 4 and one_edit(low, known)]
    if not close or known_english(low):
        return None
    return min(close, key=lambda known: (known[0] != low[0], abs(len(known) - len(low)), known))


def one_edit(a: str, b: str) -> bool:
    """Whether one letter more, less or other, or two swapped, makes one word of the other."""
    if len(a) == len(b):
        differing = [i for i in range(len(a)) if a[i] != b[i]]
        swapped = (
            len(differing) == 2
            and differing[1] == differing[0] + 1
            and a[differing[0]] == b[differing[1]]
            and a[differing[1]] == b[differing[0]]
        )
        return len(differing) == 1 or swapped
    if len(a) > len(b):
        a, b = b, a
    return any(a == b[:i] + b[i + 1 :] for i in range(len(b)))
