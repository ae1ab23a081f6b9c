"""Does text read off a picture look as if it identified a person? Rules in ``identify.toml``, each with its examples.

Made for lines of optical character recognition: case, blanks and look-alike letters (``lD`` for ``ID``) are loose.
A finding is a reason to ask a person, never a proof; no finding is no proof of the opposite either.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from covidct.errors import CovidctError

KINDS = ("name", "birth", "identifier", "institution", "date", "contact")
MAX_CHARS = 2_000


@dataclass(frozen=True)
class Finding:
    """Part of a text that may identify a person: ``texts[index][start:end]``, and the rule that says so."""

    index: int
    start: int
    end: int
    kind: str
    rule: str


@dataclass(frozen=True)
class Rule:
    """One block of ``identify.toml``; ``words`` and ``given`` ask that the group ``name`` holds name-like words."""

    rule_id: str
    kind: str
    pattern: re.Pattern[str]
    words: bool
    given: bool
    find: tuple[str, ...]
    passes: tuple[str, ...]

    def search(self, text: str) -> re.Match[str] | None:
        """The first place in ``text`` where the rule holds."""
        for match in self.pattern.finditer(text):
            if self._name_like(match):
                return match
        return None

    def _name_like(self, match: re.Match[str]) -> bool:
        if not (self.words or self.given):
            return True
        words = [w.casefold() for w in re.findall(r"[^\W\d_]{2,}", match["name"])]
        if any(word in _vocabulary("terms") for word in words):
            return False
        return self.words or any(word in _vocabulary("given_names") for word in words)


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """The rules of ``identify.toml`` in their order; raises ``CovidctError`` where the file is broken."""
    try:
        blocks = tomllib.loads(files("covidct.captions").joinpath("identify.toml").read_text(encoding="utf-8"))["rule"]
        return tuple(_rule(block) for block in blocks)
    except (tomllib.TOMLDecodeError, KeyError, re.error) as error:
        raise CovidctError(f"captions/identify.toml cannot be read: {error}; mend that block") from error


def _rule(block: dict[str, object]) -> Rule:
    pattern = re.compile(str(block["pattern"]), re.IGNORECASE)
    if block["kind"] not in KINDS:
        raise CovidctError(f"captions/identify.toml, rule {block['id']}: kind must be one of {', '.join(KINDS)}")
    return Rule(
        str(block["id"]),
        str(block["kind"]),
        pattern,
        bool(block.get("words")),
        bool(block.get("given")),
        tuple(block["find"]),  # type: ignore[arg-type]
        tuple(block["pass"]),  # type: ignore[arg-type]
    )


@lru_cache(maxsize=2)
def _vocabulary(key: str) -> frozenset[str]:
    words = tomllib.loads(files("covidct.captions").joinpath("names.toml").read_text(encoding="utf-8"))[key]
    return frozenset(word.casefold() for line in words for word in line.split())


def identifying(texts: Sequence[str]) -> list[Finding]:
    """What in ``texts`` (lines read off one picture) may identify a person, in order of text and rule.

    A date of a day counts too: with the hospital it leads to the visit. Only the first 2,000 characters of a
    text are read. Raises ``CovidctError`` where the rule file is broken.
    """
    found: list[Finding] = []
    for index, text in enumerate(texts):
        for rule in rules():
            if match := rule.search(text[:MAX_CHARS]):
                found.append(Finding(index, match.start(), match.end(), rule.kind, rule.rule_id))
    return found
