"""The rule table ``rules.toml`` made ready: words a clinician writes become patterns here.

The writing of words is told at the head of the table. Patterns run on text folded to lower case without accents,
character by character, so that every match is a span of the text as given.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any

from covidct import profiles
from covidct.captions.text import lower, plain
from covidct.errors import CovidctError
from covidct.profiles import Profile

MEANINGS = frozenset(
    "disease infected test suspect other rival healthy class animal person"  # noqa: SIM905
    " scan noscan vague topic shown process new acute".split()
)
EFFECTS = frozenset(
    "negated uncertain compared contact topic elsewhere history affirmed final result-positive result-negative".split()  # noqa: SIM905
)


class Role(StrEnum):
    """What a named disease is to the person in the picture."""

    DIAGNOSIS = "diagnosis"
    """Why the picture was made; would explain it without the profile's disease."""
    PATTERN = "pattern"
    """How the picture looks, whatever the cause (organizing pneumonia, bronchiectasis)."""
    COMPLICATION = "complication"
    """What the profile's disease may bring (embolism, pneumothorax, a second infection)."""
    COMORBIDITY = "comorbidity"
    """What the person may have besides, or had before."""
    DIFFERENTIAL = "differential"
    LITERATURE = "literature"


@dataclass(frozen=True)
class Term:
    """A ``[[term]]``: words that name something; ``case`` asks for the letters as written."""

    rule_id: str
    means: str
    pattern: re.Pattern[str]
    case: bool
    yes: tuple[str, ...]
    no: tuple[str, ...]
    role: Role


@dataclass(frozen=True)
class Modifier:
    """A ``[[modifier]]``: words that change what a term within ``reach`` words means."""

    rule_id: str
    makes: str
    acts: str
    reach: int
    on: frozenset[str]
    unless: frozenset[str]
    pattern: re.Pattern[str]
    yes: tuple[str, ...]
    no: tuple[str, ...]


@dataclass(frozen=True)
class Boilerplate:
    """A ``[[boilerplate]]``: text that is not the authors' words about the figure."""

    rule_id: str
    pattern: re.Pattern[str]
    yes: tuple[str, ...]
    no: tuple[str, ...]


@dataclass(frozen=True)
class RuleTable:
    """All rules; ``stops`` ends the reach of a modifier."""

    terms: tuple[Term, ...]
    modifiers: tuple[Modifier, ...]
    boilerplate: tuple[Boilerplate, ...]
    stops: re.Pattern[str]


def fold(text: str) -> str:
    """``text`` with plain hyphens and quotes and without accents, case kept, each character at its offset."""
    return "".join(_base(char) for char in plain(text))


def _base(char: str) -> str:
    if char < "\u00c0" or char > "\u024f":
        return char
    base = unicodedata.normalize("NFD", char)[0]
    return base if base.isascii() else char


def fold_lower(text: str) -> str:
    """``fold`` in lower case."""
    return lower(fold(text))


_WRITTEN = {
    "[": "(?:",
    "]": ")?",
    "(": "(?:",
    "*": "[A-Za-z0-9]*",
    "#": r"\d+",
    "-": r"[\s-]?",
    " ": r"[\s-]++",
}
"""Runs of blanks are taken whole (``++``): shared out among words that may be missing, 100 hyphens took seconds."""


_BEGIN, _END = "(?<![A-Za-z0-9_])", "(?![A-Za-z0-9_])"


def to_pattern(words: str) -> str:
    """The regular expression for ``words`` as a clinician writes them (head of ``rules.toml``)."""
    words = words.replace("(-)", "\x02").replace("(+)", "\x03").replace(" ... ... ", "\x04").replace(" ... ", "\x00")
    words = words.replace("] ", "]\x01")
    made = "".join(_WRITTEN.get(char, char if char in ")|\x00\x01\x02\x03\x04" else re.escape(char)) for char in words)
    made = made.replace("\x00", r"(?:[\s-]++[^\s;.-]++){0,4}?[\s-]++").replace("\x01", r"[\s-]*+")
    made = made.replace("\x04", r"(?:[\s-]++[^\s;.-]++){0,8}?[\s-]++")
    made = made.replace("\x02", r"\(\s?-(?:\s?ve)?\s?\)").replace("\x03", r"\(\s?\+(?:\s?ve)?\s?\)")
    return f"{_BEGIN}{made}{_END}"


def _compiled(words: Iterable[str], names: Mapping[str, str], case: bool = False) -> re.Pattern[str]:
    filled = [_filled(word, names) for word in words]
    folded = [fold(word) if case else fold_lower(word) for word in filled]
    return re.compile(_either(sorted(set(folded), key=len, reverse=True)))


def _either(words: Iterable[str]) -> str:
    """One pattern for all ``words``; the boundary is asked for once, not once a word."""
    words = list(words)
    marks = [to_pattern(word).removeprefix(_BEGIN).removesuffix(_END) for word in words if word in _MARKS]
    if not words:
        return _NOTHING
    inner = [to_pattern(word).removeprefix(_BEGIN).removesuffix(_END) for word in words if word not in _MARKS]
    return "|".join([*marks, f"{_BEGIN}(?:{'|'.join(inner)}){_END}"])


_NOTHING = "(?!)"
"""Matches nowhere."""
_MARKS = ("?", "(+)", "(-)")
"""Need no blank before or behind."""


def _filled(words: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        words = words.replace(f"{{{name}}}", value)
    return words


def rule_table() -> RuleTable:
    """The table shipped with covidct, with the words of the profile in force."""
    return _table_of(profiles.current())


@lru_cache(maxsize=4)
def _table_of(profile: Profile) -> RuleTable:
    toml = files("covidct.captions").joinpath("rules.toml").read_text(encoding="utf-8")
    _known_rules(tomllib.loads(toml), profile)
    return read_rules(toml, profile)


def read_rules(toml: str, profile: Profile | None = None) -> RuleTable:
    """Rules from the text of a table, with a profile's words; ``CovidctError`` names the rule that is broken."""
    profile = profile or profiles.current()
    try:
        table = tomllib.loads(toml)
        names = {name: f"({value})" for name, value in profile.names.items()}
        stops = _either(fold_lower(word) for word in table["stops"]["words"])
        marks = "".join(re.escape(mark) for mark in table["stops"]["marks"])
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise CovidctError(f"the caption rules cannot be read: {error}") from error
    return RuleTable(
        tuple(_guarded(_term, _worded(block, profile), names) for block in table["term"]),
        tuple(_guarded(_modifier, _worded(block, profile), names) for block in table.get("modifier", ())),
        tuple(_guarded(_boilerplate, block, names) for block in [*table.get("boilerplate", ()), *profile.boilerplate]),
        re.compile(f"[{marks}]|{stops}"),
    )


_ALL = "*"
"""Takes every word of a rule away."""


def _worded(block: dict[str, Any], profile: Profile) -> dict[str, Any]:
    """``block`` with the profile's words put in and taken out."""
    without = set(profile.without.get(block.get("id", ""), ()))
    more = profile.words.get(block.get("id", ""), ())
    if not without and not more:
        return block
    own = [] if _ALL in without else [word for word in block["words"] if word not in without]
    return {**block, "words": own + list(more)}


def _known_rules(table: dict[str, Any], profile: Profile) -> None:
    ids = {block.get("id") for block in [*table["term"], *table.get("modifier", ())]}
    strange = sorted({*profile.words, *profile.without} - ids)
    if strange:
        raise CovidctError(f"profile {profile.name}: there is no caption rule {', '.join(strange)}; see rules.toml")


def _guarded(make: Any, block: dict[str, Any], names: Mapping[str, str]) -> Any:
    try:
        return make(block, names)
    except (KeyError, re.error, ValueError) as error:
        raise CovidctError(f"caption rule {block.get('id', '?')!r} is broken: {error}; mend it") from error


def _term(block: dict[str, Any], names: Mapping[str, str]) -> Term:
    _known(block["means"], MEANINGS)
    case = bool(block.get("case"))
    pattern = _compiled(block["words"], names, case)
    role = Role(block.get("role", Role.DIAGNOSIS))
    return Term(block["id"], block["means"], pattern, case, tuple(block["yes"]), tuple(block["no"]), role)


def _modifier(block: dict[str, Any], names: Mapping[str, str]) -> Modifier:
    _known(block["makes"], EFFECTS)
    _known(block["acts"], frozenset({"forward", "backward", "both"}))
    return Modifier(
        block["id"],
        block["makes"],
        block["acts"],
        int(block["reach"]),
        frozenset(block.get("on", MEANINGS)),
        frozenset(block.get("unless", ())),
        _compiled(block["words"], names),
        tuple(block["yes"]),
        tuple(block["no"]),
    )


def _boilerplate(block: dict[str, Any], _names: Mapping[str, str]) -> Boilerplate:
    return Boilerplate(block["id"], re.compile(block["pattern"]), tuple(block["yes"]), tuple(block["no"]))


def _known(value: str, allowed: frozenset[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(sorted(allowed))}")
