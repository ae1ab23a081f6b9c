"""``--query``: words, ``"phrases"``, ``prefix*``, AND, OR, NOT and brackets, on title and abstract.

Words side by side mean AND. Case does not count; dashes of all kinds are alike; ``*``, like an empty
query, takes every paper.
"""

import re
from collections.abc import Callable

from covidct.errors import UsageError
from covidct.profiles import current

Predicate = Callable[[str], bool]
_TOKENS = re.compile(r'\s*(?:(\()|(\))|"([^"]*)"|([^\s()"]+))')
_DASHES = re.compile("[‐-―−_]")
_BLANKS = re.compile(r"\s+")


def plain(text: str) -> str:
    """Lower case, one kind of dash, single blanks."""
    return _BLANKS.sub(" ", _DASHES.sub("-", text.lower()))


def _pattern(term: str) -> str:
    stem = plain(term).strip()
    tail = "" if stem.endswith("*") else r"(?!\w)"
    words = [re.escape(word) for word in re.split(r"[ -]", stem.rstrip("*")) if word]
    return r"(?<!\w)" + "[ -]?".join(words) + tail


class _Parser:
    """Recursive descent; leaves are collected into one expression where they are joined by OR alone."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKENS.match(text, at)
            if not found:
                raise UsageError(f"--query: a quotation mark is left open in {text!r}")
            at = found.end()
            kind = ("(", ")", "phrase", "word")[found.lastindex - 1 if found.lastindex else 0]
            self.tokens.append((kind, found.group(found.lastindex or 0)))
        self.at = 0

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def _is(self, word: str) -> bool:
        return self._peek() == ("word", word)

    def parse(self) -> Predicate:
        result = self._any()
        if self._peek()[0] != "end":
            raise UsageError(f"--query: a bracket too many in {self.text!r}")
        return result

    def _any(self) -> Predicate:
        parts = [self._all()]
        while self._is("OR"):
            self.at += 1
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else _either(parts)

    def _all(self) -> Predicate:
        parts = [self._not()]
        while self._peek()[0] not in ("end", ")") and not self._is("OR"):
            if self._is("AND"):
                self.at += 1
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda text: all(part(text) for part in parts)

    def _not(self) -> Predicate:
        if self._is("NOT"):
            self.at += 1
            inner = self._not()
            return lambda text: not inner(text)
        return self._leaf()

    def _leaf(self) -> Predicate:
        kind, value = self._peek()
        self.at += 1
        if kind == "(":
            inner = self._any()
            if self._peek()[0] != ")":
                raise UsageError(f"--query: a bracket is left open in {self.text!r}")
            self.at += 1
            return inner
        if kind not in ("word", "phrase") or (kind == "word" and value in ("AND", "OR")) or not value.strip(" *"):
            raise UsageError(f"--query: a word is missing in {self.text!r}")
        return _Term(_pattern(value))


class _Term:
    """One word or phrase."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.search = re.compile(pattern).search

    def __call__(self, text: str) -> bool:
        return self.search(text) is not None


def _either(parts: list[Predicate]) -> Predicate:
    terms = [part for part in parts if isinstance(part, _Term)]
    others = [part for part in parts if not isinstance(part, _Term)]
    joined = [_Term("|".join(f"(?:{term.pattern})" for term in terms))] if terms else []
    every: list[Predicate] = [*joined, *others]
    return every[0] if len(every) == 1 else lambda text: any(part(text) for part in every)


def compile_query(text: str | None) -> Predicate:
    """A predicate on ``plain`` text; ``None`` means the profile's; ``UsageError`` on a query that makes no sense."""
    if text is None:
        text = current().query
    if text.strip() in ("", "*"):
        return lambda _: True
    return _Parser(text).parse()
