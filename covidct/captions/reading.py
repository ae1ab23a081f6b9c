"""What a text names, and what the words around each name make of it (after ConText: Harkema et al., 2009).

A term is read with the modifiers that reach it inside its sentence. The reading is a value; what follows from it for
a label is decided in ``labels``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from covidct.captions.rules import Modifier, Role, RuleTable, fold, fold_lower, rule_table
from covidct.captions.text import Span, sentences

MAX_CHARS = 20_000
MAX_SENTENCE = 3_000
"""Longer ones, which are no prose, are read in parts: the work grows with the square of a sentence."""


@dataclass(frozen=True)
class Mention:
    """A term at ``start:end`` with what its surroundings make of it.

    ``status``: affirmed, plain (named, nothing said about it), negated, uncertain, compared, contact, topic,
    history, elsewhere, or none (a test without a result). ``span`` covers the modifiers too: the evidence.
    """

    start: int
    end: int
    means: str
    rule: str
    status: str
    by: str
    span: Span
    sentence: Span
    final: bool = False
    tested: bool = False
    """Affirmed or negated by a test's result."""
    own_role: Role = Role.DIAGNOSIS
    """Of the term itself, whatever stands around it."""

    @property
    def role(self) -> Role:
        """What the disease is to the person: as the words around it say, else as the table says of the term."""
        return _ROLES.get(self.status, self.own_role)


_ROLES = {
    "history": Role.COMORBIDITY,
    "uncertain": Role.DIFFERENTIAL,
    "compared": Role.LITERATURE,
    "topic": Role.LITERATURE,
}


@dataclass(frozen=True)
class _Found:
    start: int
    end: int
    rule: str
    kind: str
    role: Role = Role.DIAGNOSIS


@dataclass(frozen=True)
class _Acting:
    start: int
    end: int
    modifier: Modifier
    distance: int


def clean(text: str, table: RuleTable | None = None) -> str:
    """``text`` with publisher's notices and credits blanked out, every other character at its offset."""
    for rule in (table or rule_table()).boilerplate:
        text = rule.pattern.sub(lambda match: " " * len(match[0]), text)
    return text


def read(text: str, spans: Sequence[Span] | None = None, table: RuleTable | None = None) -> list[Mention]:
    """All mentions in ``spans`` of ``text`` (all of it by default), in order."""
    table = table or rule_table()
    text = clean(text[:MAX_CHARS], table)
    cased, folded = fold(text), fold_lower(text)
    mentions: list[Mention] = []
    for start, end in spans if spans is not None else [(0, len(text))]:
        for low, high in sentences(cased, start, min(end, len(text))):
            for part in _parts(folded, low, high):
                mentions += _Sentence(cased, folded, part, table).mentions()
    return mentions


def _parts(text: str, low: int, high: int) -> Iterator[Span]:
    """``low:high`` in parts of at most ``MAX_SENTENCE`` characters, cut at a comma where there is one."""
    while high - low > MAX_SENTENCE:
        comma = text.rfind(",", low, low + MAX_SENTENCE)
        cut = comma + 1 if comma > low else low + MAX_SENTENCE
        yield low, cut
        low = cut
    yield low, high


_WORD = re.compile(r"[A-Za-z0-9]+|[\u4e00-\u9fff]{1,2}")
_JOINT = re.compile(r"\b(?:and|y|e|et|und)\b|,|/")
_THING_IN = re.compile(
    r"\b(?!(?:evidence|signs?|findings?|features?|manifestations?|appearances?|proof|traces?|history|suspicion"
    r"|suggestion|indication|criteria|patterns?|symptoms?|diagnos[ie]s|cases?|patients?|persons?|people|members?|contacts?"
    r"|exposures?|ct|cts|scans?|imaging|tests?|results?|swabs?|pcr|keeping|line|favou?r|family|known)\b)"
    r"(?:[a-z]+(?:s|ion|ment|fact|act|ness|ity|ance|ence|ema|sis|oma|pathy|ism|us|thorax|fever|oxygen)|contrast|fever)"
    r"(?:\s\w+){0,3}?\s(?:of|from|in|on|among|to|through|supplying)\s(?!keeping|line|favou?r)"
)
"""``No pleural effusion on CT in``: the denial ends with its thing; not ``no evidence of``."""
_LIST = re.compile(
    r"(?:[\s,/&()-]|\b(?:and|or|nor|virus(?:es)?|infections?|[a-d]|were|was|are|all|both|also|each|tests?|results?|pcr"
    r"|rt-pcr|antigens?|antibod(?:y|ies)|came|back|repeatedly|y|e|et|fueron|foram|todos|todas)\b)*"
)
"""What stands between the names of a list: ``SARS-CoV-2, influenza A/B and RSV were all negative``."""
_VERB = re.compile(r"\b(?:was|were|is|are|came back|returned|became|turned)\s(?:\w+\s){0,2}(?:positive|negative)$")
_ITS_TEST = re.compile(
    r",\s*(?:an? )?(?:initial(?:ly)? |first )?(?:negative|positive)\s+(?:\w+\s+){0,2}"
    r"(?:swabs?|tests?|pcr|rt-pcr|results?|antigen|serology)\b"
)
"""``COVID-19, negative first swab``: the result is the swab's."""
_GERM_TEST = re.compile(r"[\s-]*(?:pneumoniae|jirovecii|virus|dna|rna|specific|serum|urinary|pleural)?[\s-]*")
_OF_WHOM = re.compile(r":|\b(?:in|of) (?:an?|the|this|our) (?:[a-z0-9-]+ ){0,4}with\b")
"""``Mimics of COVID-19: sarcoidosis``, ``misread as cancer in a man with COVID-19``: the likeness ends here."""
_ASIDE = re.compile(r",?\s(?:[a-z0-9]+\s){0,2}(?:hours?|days?|weeks?|months?) later(?=,|\s?\()")
"""``whose second test, two days later, was positive``; ``repeat PCR two days later (+)``."""
_LONGEST_WORD = 40
"""Characters; what is further away than so many of these is out of reach without counting words."""
_HEAD_CHARS = 4
_RELATIVE = re.compile(r"(?:his|her|their|whose|the patient's)\b")
_ANOTHER = re.compile(r"\b(?:and|y|e|et|with|after|following|despite|until)\b")
_PICTURE_OF = re.compile(r"\b(?:ct|hrct|scans?|images?|radiographs?|slices?|tomogra\w+) (?:of|from) (?:the )?$")
_STRENGTH = (
    "contact compared elsewhere negated result-negative uncertain topic history final affirmed result-positive".split()  # noqa: SIM905
)
SOMEBODY = "somebody-else"
"""Whose results are not the patient's."""
SHIELD = "result-of-something-else"
"""Acts on nothing: its longer words keep a result from being taken for a test's."""
_DISEASES = frozenset({"disease", "infected", "suspect", "other", "rival", "test"})
_OVERLAPPING = ("scan", "person", "shown", "process", "new", "acute")
"""Say what a picture may be; they leave the names that they overlap as they are."""
_CASES = frozenset({"infected", "suspect"})
"""``contact with a confirmed case of``: a case is nothing of its own."""
_COVERED = {"result-positive": "affirmed", "result-negative": "negated", "final": "affirmed"}


class _Sentence:
    """One sentence while its mentions are read."""

    def __init__(self, cased: str, folded: str, span: Span, table: RuleTable) -> None:
        self.cased, self.folded, self.span, self.table = cased, folded, span, table
        self.terms = self._terms()
        self.kinds = {term.kind for term in self.terms}
        self.modifiers = self._modifiers()
        self.others = [place for place, modifier in self.modifiers if modifier.rule_id == SOMEBODY]

    def _terms(self) -> list[_Found]:
        found = []
        for term in self.table.terms:
            text = self.cased if term.case else self.folded
            found += [
                _Found(m.start(), m.end(), term.rule_id, term.means, term.role)
                for m in self._finditer(term.pattern, text)
            ]
        picture = [f for f in found if f.kind in _OVERLAPPING]
        return sorted(_longest([f for f in found if f not in picture]) + picture, key=lambda f: f.start)

    def _modifiers(self) -> list[tuple[_Found, Modifier]]:
        terms = [t for t in self.terms if t.kind not in (*_OVERLAPPING, "class")]
        found = {
            _Found(m.start(), m.end(), modifier.rule_id, modifier.makes): modifier
            for modifier in self.table.modifiers
            for m in self._finditer(modifier.pattern, self.folded)
            if not any(t.start <= m.start() and m.end() <= t.end for t in terms)
            and not any(m.start() < t.start < m.end() < t.end for t in terms if t.kind == "test")
            and not (modifier.rule_id == SHIELD and self._hyphened(m.start()))
            and not (modifier.rule_id == SOMEBODY and _pictured(self.folded, self.span[0], m.start()))
        }
        return [(place, found[place]) for place in _longest_by_reach(found)]

    def _hyphened(self, start: int) -> bool:
        """``COVID-19-negative CT``: what stands right behind the name is its own result."""
        return any(t.kind == "disease" and self.folded[t.end : start] in ("-", " ") for t in self.terms)

    def _finditer(self, pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
        return [m for m in pattern.finditer(text, *self.span) if m.end() > m.start()]

    def mentions(self) -> list[Mention]:
        return [self._mention(term) for term in self.terms]

    def _mention(self, term: _Found) -> Mention:
        acting = [a for place, modifier in self.modifiers if (a := self._acts(place, modifier, term))]
        acting = self._less_overruled(acting, term)
        if term.kind == "test":
            return self._test(term, acting)
        acting = [a for a in acting if not a.modifier.makes.startswith("result") or self._takes_result(a, term)]
        if term.kind == "disease":
            acting = self._less_of_another_test(acting, term)
        if not acting:
            return self._made(term, "plain", [])
        best = min(acting, key=lambda a: _STRENGTH.index(a.modifier.makes))
        return self._made(term, best.modifier.makes, [best])

    def _takes_result(self, acting: _Acting, term: _Found) -> bool:
        """COVID-19 takes any; another germ only a "negative" behind its name: ``Mycoplasma antibody was negative``."""
        absent = term.kind == "rival" and acting.modifier.makes == "result-negative" and acting.start >= term.end
        return absent or term.kind in ("disease", "infected")

    def _made(self, term: _Found, makes: str, acting: Sequence[_Acting]) -> Mention:
        low = min([term.start, *(a.start for a in acting)])
        high = max([term.end, *(a.end for a in acting)])
        by = acting[0].modifier.rule_id if acting else ""
        status = _COVERED.get(makes, makes)
        tested = makes.startswith("result") or term.kind == "test"
        return Mention(
            term.start,
            term.end,
            term.kind,
            term.rule,
            status,
            by,
            (low, high),
            self.span,
            makes == "final",
            tested,
            term.role,
        )

    def _test(self, term: _Found, acting: Sequence[_Acting]) -> Mention:
        """A test says something only with a result, and nothing about COVID-19 where another germ is named alone."""
        acting = [a for a in self._less_of_another_test(acting, term) if not self._own_clause(a, term)]
        others = any(t.kind == "rival" for t in self.terms) and not any(t.kind == "disease" for t in self.terms)
        named = term.rule == "test-named"
        if denied := [a for a in acting if a.modifier.makes == "negated" and self._right_before(a, term)]:
            return self._made(term, "negated", denied[:1])
        others = others or (not named and self._of_a_germ(term))
        for makes in ("contact", "topic", "result-positive", "history", "result-negative", "negated", "uncertain"):
            hits = [a for a in acting if self._tells(a, makes, named)]
            if hits and (named or not others):
                return self._made(term, makes, hits[:1])
        return self._made(term, "none", [])

    def _right_before(self, acting: _Acting, term: _Found) -> bool:
        """``parvovirus DNA, but not SARS-CoV-2 RNA, was detected``: the result is the other's."""
        return re.fullmatch(r"not ", self.folded[acting.start : term.start]) is not None

    def _of_a_germ(self, term: _Found) -> bool:
        """``Mycoplasma IgM was positive``: the test is of the germ named right before it."""
        return any(
            t.kind == "rival" and t.end <= term.start and _GERM_TEST.fullmatch(self.folded, t.end, term.start)
            for t in self.terms
        )

    def _own_clause(self, acting: _Acting, term: _Found) -> bool:
        """``exposed to patients with COVID-19, nucleic acid positive``: behind the comma it is the patient's own."""
        if acting.modifier.rule_id != SOMEBODY or acting.end > term.start or term.rule == "test-named":
            return False
        between = self.folded[acting.end : term.start]
        return "," in between

    def _less_of_another_test(self, acting: Sequence[_Acting], term: _Found) -> list[_Acting]:
        """``Dengue NS1 was positive, SARS-CoV-2 PCR negative``: a result right behind the name is its own."""
        own = [a for a in acting if a.modifier.makes.startswith("result") and term.end <= a.start and a.distance <= 2]
        if not any("," not in self.folded[term.end : a.start] for a in own):
            return list(acting)
        return [a for a in acting if a.end > term.start or "," not in self.folded[a.end : term.start]]

    def _tells(self, acting: _Acting, makes: str, named: bool) -> bool:
        if not named:
            return acting.modifier.makes == makes and not self._for_something(acting)
        if makes == "result-positive" and acting.modifier.makes == "affirmed":
            return "positiv" in self.folded[acting.start : acting.end]
        return acting.modifier.makes == makes

    def _for_something(self, acting: _Acting) -> bool:
        """``positive for influenza``: the result is told of what follows, not of the test."""
        return re.match(r"\s*(?:for|to|para|per|pour)\b", self.folded[acting.end : acting.end + 8]) is not None

    def _acts(self, place: _Found, modifier: Modifier, term: _Found) -> _Acting | None:
        apart = max(term.start - place.end, place.start - term.end)
        if term.kind not in modifier.on or apart > (modifier.reach + 1) * _LONGEST_WORD:
            return None
        if modifier.unless & self.kinds:
            return None
        if place.end <= term.start and modifier.acts in ("forward", "both"):
            between = (place.end, term.start)
        elif term.end <= place.start and modifier.acts in ("backward", "both"):
            between = (term.end, place.start)
        else:
            return None
        words = len(_WORD.findall(self.folded, *between))
        if words > modifier.reach or self._stopped(between, place, modifier, term):
            return None
        return _Acting(place.start, place.end, modifier, words)

    def _other_thing(self, between: Span) -> bool:
        """``COVID-19 and a negative CT``: behind a joint a result is told of something else."""
        return _ANOTHER.search(self.folded, *between) is not None

    def _stopped(self, between: Span, place: _Found, modifier: Modifier, term: _Found) -> bool:
        if self.table.stops.search(_ASIDE.sub("", self.folded[between[0] : between[1] + 2])[:-2]):
            return True
        if modifier.makes == "compared" and _OF_WHOM.search(self.folded, *between):
            return True
        if modifier.makes.startswith("result"):
            return self._of_something_else(between, modifier, term) or self._of_the_next(between, place, term)
        if modifier.makes == "negated" and modifier.acts == "forward" and _THING_IN.search(self.folded, *between):
            return True
        if modifier.makes in ("negated", "history") and modifier.reach <= 7:
            comma = self.folded.rfind(",", *between)
            return comma >= 0 and not re.match(r",\s*(?:or|nor|o|ou|ni)\b", self.folded[comma : comma + 8])
        return False

    def _of_something_else(self, between: Span, modifier: Modifier, term: _Found) -> bool:
        """Whether a result is another's: of a relative, of a test named after it, of a disease between."""
        if any(between[0] <= m.start and m.end <= between[1] for m in self.others):
            return True
        if between[1] == term.start and self._told_before(between):
            return True
        if between[0] == term.end and _ITS_TEST.match(self.folded, term.end):
            return True
        inside = [t for t in self.terms if between[0] <= t.start < between[1] and t.kind in _DISEASES]
        if inside:
            return not self._one_list(between, inside)
        behind = modifier.acts == "both" and between[0] == term.end
        return behind and term.kind == "disease" and self._other_thing(between)

    def _of_the_next(self, between: Span, place: _Found, term: _Found) -> bool:
        """``negative SARS-CoV-2 PCR and positive Mycoplasma IgM``: behind a joint a result is of the name after it."""
        if between[0] != term.end or _JOINT.search(self.folded, *between) is None:
            return False
        return any(0 <= t.start - place.end <= 1 and t.kind in _DISEASES for t in self.terms)

    def _told_before(self, between: Span) -> bool:
        """``The galactomannan was positive, SARS-CoV-2 PCR …``: a result with a verb is of what stands before it."""
        comma = self.folded[between[0] : between[1]].lstrip().startswith(",")
        return comma and _VERB.search(self.folded, self.span[0], between[0]) is not None

    def _one_list(self, between: Span, inside: Sequence[_Found]) -> bool:
        rest = list(self.folded[slice(*between)])
        for term in inside:
            rest[term.start - between[0] : term.end - between[0]] = " " * (term.end - term.start)
        return _LIST.fullmatch("".join(rest)) is not None

    def _less_overruled(self, acting: Sequence[_Acting], term: _Found) -> list[_Acting]:
        """``negative for influenza and positive for X``: a nearer yes behind a joint ends what stood before it."""
        yes = [
            a for a in acting if a.modifier.makes in ("affirmed", "final", "result-positive") and a.end <= term.start
        ]
        if not yes:
            return list(acting)
        nearest = max(yes, key=lambda a: a.start)
        return [a for a in acting if a.end > nearest.start or self._is_subject(a) or not self._joined(a, nearest)]

    def _is_subject(self, acting: _Acting) -> bool:
        """``Her son, who lived with her, was diagnosed with …``: a relative at the head of a sentence is who has it."""
        if acting.modifier.rule_id != SOMEBODY or acting.start > self.span[0] + _HEAD_CHARS:
            return False
        relative = _RELATIVE.match(self.folded, acting.start)
        return relative is not None

    def _joined(self, before: _Acting, yes: _Acting) -> bool:
        named = any(before.end <= t.start < yes.start and t.kind in _DISEASES - _CASES for t in self.terms)
        return named or _JOINT.search(self.folded, before.end, yes.start) is not None


def of_a_relative(text: str, spans: Sequence[Span]) -> bool:
    """Whether ``text[spans]`` says that the picture is of somebody beside the patient: ``CT of her husband``."""
    others = next(m.pattern for m in rule_table().modifiers if m.rule_id == SOMEBODY)
    parts = [fold_lower(text[low:high]) for low, high in spans]
    return any(_pictured(part, 0, m.start()) for part in parts for m in others.finditer(part))


def _pictured(folded: str, low: int, start: int) -> bool:
    """Whether the words from ``start`` on name who is in the picture."""
    return _PICTURE_OF.search(folded, max(low, start - _LONGEST_WORD), start) is not None


def _longest(found: Sequence[_Found]) -> list[_Found]:
    """``found`` without those that overlap a longer one."""
    kept: list[_Found] = []
    for item in sorted(found, key=lambda f: (f.start - f.end, f.start)):
        if all(item.end <= other.start or item.start >= other.end for other in kept):
            kept.append(item)
    return kept


def _longest_by_reach(found: dict[_Found, Modifier]) -> list[_Found]:
    """Longest first; where two rules hold at one place both stay (``negative for`` reaches near and far)."""
    kept: list[_Found] = []
    for item in sorted(found, key=lambda f: (f.start - f.end, f.start)):
        same = [o for o in kept if (o.start, o.end) == (item.start, item.end)]
        if same or all(item.end <= other.start or item.start >= other.end for other in kept):
            kept.append(item)
    return kept
