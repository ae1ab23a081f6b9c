"""Which DOI is the document's own: proved by place and wording, read whole over line ends, agreeing between places.

Most DOIs on a page are of other papers. Each place where a DOI stands is judged by named rules; a proof has a weight,
the DOI with the most weight is the document's own, and where two DOIs weigh the same neither is. Publishers' practice:
Crossref's display guidelines (https://www.crossref.org/display-guidelines/), XMP's ``prism:doi`` (PRISM 3.0).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from covidct.harvest.extract.page import Line, Page

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>|,;]*[^\s\"<>|.,;:\]}]", re.I)
_BEGUN = re.compile(r"10\.\d{4,9}/[^\s\"<>|,;]*$", re.I)
"""A DOI that reaches the end of its line."""
_REST = re.compile(r"[^\s\"<>|,;]*[^\s\"<>|.,;:\]}]")
_MARK = re.compile(
    r"(?:\bdoi\s*:?\s*)?(?:(?:https?:\s*//)?(?:dx\.)?doi\.org/\s*|\S*/doi/(?:abs/|full/)?)$|\bdoi\s*:?\s*$", re.I
)
_RELATION = re.compile(
    r"\b(comment(ary)? (on|to)|comments? on|re:|repl(y|ies) to|repl(y|ies):|response to|corresponds to the article|"
    r"correction (to|for)|corrected (article|version)|corrigendum|errat(um|a)|retract(ion|ed)|expression of concern"
    r"|refer(s|ring)? to|related (article|paper|work|content)s?|linked (article|comment)|companion|see (also|article)"
    r"|editorial (on|to|for)|in response|this (letter|comment|correction) |cites:|preprint of|review of"
    r"|published (version|article) (is|at|of)|supplement(ary|al)? (data|material|file|information)s?)",
    re.I,
)
"""Words that say: this DOI is of another document."""
_PROSE = re.compile(
    r"\b(as|shown?|shows|see|by|was|were|is|are|we|from|with|before|previous(ly)?|reported|described|according"
    r"|available|accessed|at|data(set)?|code|deposited|cf|e\.g|ref(erence)?s?|et al)\b|\[\d|\(\d{1,3}\)",
    re.I,
)
_CITE_ME = re.compile(
    r"^\W*((how )?to cite|(please )?cite (this|as)|(suggested |recommended )?citation\b|cit(a|er|ar|ación)\b"
    r"|zitier|pour citer|c[oó]mo citar|引用本文|article doi|doi of (this|the) )",
    re.I,
)
_IMPRINT = re.compile(
    r"©|copyright|author\(s\)|\bissn\b|received|accepted|reuse guidelines|rights reserved|first release", re.I
)
"""What stands about an article in its publisher's small print."""
_REFERENCES = re.compile(r"^\W*(\d+\W+)?(references?|bibliography|literature( cited)?|参考文献)\W*$", re.I)
_NUMBERED = re.compile(r"^\s*(?:[\[(]?\d{1,3}[\].)]\s*\D|\d{1,3}\s+[A-Z][\w'’-]+,?\s+[A-Z]{1,3}\b)")
"""An entry of a list of references, or a footnote that cites: "[3] Doe", "3. Doe", "3 Doe A"."""
_NOTICE = re.compile(r"\b(bio|med)rxiv preprint\b", re.I)
_LICENCE = re.compile(r"\bCC[ -]BY(?:[ -](?:NC|ND|SA)\b)*(?: \d\.\d)?|https?:\S*creativecommons\S*", re.I)
"""A licence beside a DOI: its "BY" is no preposition."""
_VERSION = re.compile(r"(?<=\d)[.v]\d{1,2}$")
"""F1000's and openRxiv's versions of one document."""
_TAGGED = (
    re.compile(r"(?:prism:doi|prism:url|dc:identifier|pdfx:doi|crossmark:DOI)\b[^<]{0,200}?(10\.\d{4,9}/[^<\s\"]+)"),
    re.compile(r"<dc:identifier>\s*(?:<[^>]{0,200}>\s*){0,4}(?:doi:)?\s*(10\.\d{4,9}/[^<\s\"]+)"),
)
"""Where XMP holds the DOI of its own file."""
_YEAR = re.compile(r"\b(19|20)\d\d\b")


@dataclass(frozen=True)
class Rules:
    """Thresholds of this stage."""

    pages: int = 2
    """Pages on which a title block may stand: some publishers put a cover before it."""
    margin: float = 0.1
    """Share of the page's height at its top and bottom where running heads stand."""
    pitch: float = 1.75
    """Distance of two lines of one paragraph, in font sizes: double spacing is 2.3, a title's lines 1.2."""
    beside: float = 3.0
    """Above a DOI, so many font sizes are searched for words that say whose it is."""
    side: float = 0.08
    """Share of the page's width at its left and right where stamps stand."""
    step: float = 0.5
    """Least distance of two lines of one paragraph, in font sizes."""
    size: float = 0.6
    """Points by which the font sizes of one paragraph may differ."""
    paragraph: int = 40
    """Lines of a paragraph that are looked through."""
    above: int = 5
    """Lines of a title and its authors."""
    tail: int = 8
    """Words behind or before a DOI in a line that is about itself: a journal, a date, a copyright."""
    enough: float = 1.0
    """Weight that makes a DOI the document's own: one place that says so."""
    strong: float = 2.0
    """Weight from which a DOI stands without the title's agreement."""


RULES = Rules()


@dataclass(frozen=True)
class OwnDoi:
    """The DOI, lower case, the weight of its proofs and their names; empty where none is proved."""

    doi: str = ""
    weight: float = 0.0
    proofs: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Proof:
    doi: str
    rule: str
    weight: float


def own_doi(pages: Sequence[Page], metadata: Mapping[str, object], xmp: str) -> OwnDoi:
    """The document's own DOI; empty where nothing proves one, or two are proved alike."""
    proofs = [*_stated(metadata, xmp), *_in_margins(pages), *_in_title_block(pages[: RULES.pages])]
    weights: dict[str, float] = defaultdict(float)
    for proof in proofs:
        weights[proof.doi] += proof.weight
    for short in sorted(weights, key=len):
        longer = [doi for doi in weights if _is_cut_from(short, doi) or _is_earlier(short, doi)]
        if len(longer) == 1:
            weights[longer[0]] += weights.pop(short)
    best = sorted(weights.items(), key=lambda item: -item[1])[:2]
    if not best or best[0][1] < RULES.enough or (len(best) == 2 and best[0][1] == best[1][1]):
        return OwnDoi()
    doi, weight = best[0]
    return OwnDoi(doi, weight, tuple(sorted({p.rule for p in proofs if p.doi == doi})))


def _is_cut_from(short: str, doi: str) -> bool:
    """Whether ``short`` is what a line end left of ``doi``."""
    return doi != short and doi.startswith(short) and not _VERSION.fullmatch(doi[len(short) :])


def _is_earlier(doi: str, other: str) -> bool:
    """Whether ``other`` is a later version of ``doi``."""
    old, new = _VERSION.search(doi), _VERSION.search(other)
    same = old is not None and new is not None and doi[: old.start()] == other[: new.start()]
    return bool(same and old and new and int(old.group()[1:]) < int(new.group()[1:]))


def _clean(doi: str) -> str:
    doi = doi.lower().rstrip(".,;:")
    while doi.endswith(")") and doi.count(")") > doi.count("("):
        doi = doi[:-1].rstrip(".,;:")
    return "" if "/(issn)" in doi or not re.search(r"/.*\d", doi) else doi


def _stated(metadata: Mapping[str, object], xmp: str) -> Iterator[_Proof]:
    """DOIs in the file's own description."""
    tagged = [doi for pattern in _TAGGED for doi in pattern.findall(xmp)]
    description = " \n".join(str(metadata.get(name) or "") for name in ("subject", "title", "keywords"))
    if not _RELATION.search(description):
        tagged += [found.group() for found in _DOI.finditer(description)]
    for doi in sorted({_clean(doi) for doi in tagged} - {""}):
        yield _Proof(doi, "metadata", 2.0)


def _in_margins(pages: Sequence[Page]) -> Iterator[_Proof]:
    """DOIs of running heads and feet on two pages or more, and of the preprint servers' notice."""
    found: dict[str, set[int]] = defaultdict(set)
    noticed: set[str] = set()
    for page in pages:
        lines = [line for line in (*page.furniture, *page.lines) if _in_margin(page, line)]
        notice = any(_NOTICE.search(line.text) for line in lines)
        for line in lines:
            if _RELATION.search(line.text) or not _inked(line):
                continue
            for doi in _dois(line.text):
                found[doi].add(page.number)
                if notice and (line in page.furniture or _NOTICE.search(line.text)):
                    noticed.add(doi)
    yield from (_Proof(doi, "running-head", 2.0) for doi, numbers in sorted(found.items()) if len(numbers) > 1)
    yield from (_Proof(doi, "notice", 2.0) for doi in sorted(noticed))


def _dois(text: str) -> list[str]:
    return [doi for doi in (_clean(found.group()) for found in _DOI.finditer(text)) if doi]


def _inked(line: Line) -> bool:
    return any(span.inked for span in line.spans if span.text.strip())


def _in_margin(page: Page, line: Line) -> bool:
    x0, y0, x1, y1 = line.box
    flat = y1 < RULES.margin * page.height or y0 > (1 - RULES.margin) * page.height
    return flat or bool(line.way) or x1 < RULES.side * page.width or x0 > (1 - RULES.side) * page.width


def _in_title_block(pages: Sequence[Page]) -> Iterator[_Proof]:
    """DOIs on the first pages in lines that are about the document itself."""
    for page in pages:
        lines = [line for line in (*page.lines, *page.furniture) if line.way == 0 and _inked(line)]
        lines.sort(key=lambda line: (line.box[1], line.box[0]))
        for line in lines:
            for at, variants in _readings(line, lines):
                rule = _own_words(page, line, at, lines)
                for doi, share in variants if rule else ():
                    yield _Proof(doi, rule, share)


def _readings(line: Line, lines: Sequence[Line]) -> Iterator[tuple[int, list[tuple[str, float]]]]:
    """Each DOI of a line: where it begins, and how it may read with the share of belief in each reading."""
    for found in _DOI.finditer(line.text + " "):
        alone = _clean(found.group())
        whole = _over_line_end(line, lines) if _BEGUN.search(line.text.rstrip(), found.start()) else ""
        yield found.start(), [(doi, share) for doi, share in ((whole, 1.0), (alone, 0.5 if whole else 1.0)) if doi]
    if (begun := _BEGUN.search(line.text.rstrip())) and not _DOI.search(line.text, begun.start()):
        whole = _over_line_end(line, lines)
        yield begun.start(), [(whole, 1.0)] if whole else []


def _over_line_end(line: Line, lines: Sequence[Line]) -> str:
    """A DOI that breaks at the end of ``line``, with its rest from the line below; empty where it does not break.

    It breaks where its last character cannot end a DOI, or the next line begins with one that cannot begin a word.
    The next line's first word must look like a piece of a DOI: a digit in it, no sentence.
    """
    below = _below(line, lines)
    begun = _BEGUN.search(line.text.rstrip())
    rest = _REST.match(below.text.lstrip()) if below else None
    if begun is None or rest is None:
        return ""
    first, more = begun.group(), rest.group()
    broken = first[-1] in "-./_" or more[0] in "-./_"
    fits = re.search(r"\d", more) and not re.match(r"(https?:|doi:|\d{4}$|10\.\d{4})", more, re.I)
    return _clean(first + more) if broken and fits else ""


def _close(a: Line, b: Line) -> bool:
    """Whether ``b`` may be the line under ``a`` in one paragraph."""
    high, size = b.box[1] - a.box[1], max(a.size, b.size)
    level = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    return RULES.step * size < high < RULES.pitch * size and level > 0 and abs(a.size - b.size) < RULES.size


def _below(line: Line, lines: Sequence[Line]) -> Line | None:
    found = [other for other in lines if _close(line, other)]
    return min(found, key=lambda o: (o.box[1], abs(o.box[0] - line.box[0])), default=None)


def _above(line: Line, lines: Sequence[Line]) -> Line | None:
    found = [other for other in lines if _close(other, line)]
    return max(found, key=lambda o: (o.box[1], -abs(o.box[0] - line.box[0])), default=None)


def _paragraph(line: Line, lines: Sequence[Line]) -> list[Line]:
    """The lines from the paragraph's first to ``line``."""
    found = [line]
    while (above := _above(found[0], lines)) is not None and len(found) < RULES.paragraph:
        found.insert(0, above)
    return found


def _own_words(page: Page, line: Line, at: int, lines: Sequence[Line]) -> str:
    """The rule by which the DOI at ``at`` in ``line`` is the document's own; empty where none says so."""
    lead = _paragraph(line, lines)[:-1]
    before, behind = _MARK.sub("", line.text[:at]), _LICENCE.sub("", re.sub(r"^\S*", "", line.text[at:]))
    leading = " ".join([*(x.text for x in lead), before])
    near = [o for o in lines if o not in lead and _shortly_above(o, line)]
    beside = [o for o in lines if 0 <= line.box[1] - o.box[1] < RULES.beside * line.size]
    if any(_CITE_ME.match(text) for text in (before, *(x.text for x in (*lead, *beside)))):
        return "citation"
    if any(_RELATION.search(text) for text in (leading, behind, *(o.text for o in near))):
        return ""
    if _after_references(line, lines) or _NUMBERED.match(leading):
        return ""
    if _NOTICE.match(before.strip()):
        return "notice"
    if not _about_itself(before, behind):
        return ""
    if not lead or (not before.strip() and not _PROSE.search(leading) and _at_top(line, lines)):
        return "title-block"
    small_print = not before.strip(" :|") and _IMPRINT.search(" ".join(x.text for x in lead[-3:]))
    short_head = not before.strip() and len(lead) < 3 and line.box[3] < RULES.margin * page.height
    return "imprint" if small_print else "short-head" if short_head else ""


def _shortly_above(other: Line, line: Line) -> bool:
    level = min(other.box[2], line.box[2]) - max(other.box[0], line.box[0])
    return 0 < line.box[1] - other.box[1] < RULES.beside * line.size and level > 0


def _about_itself(before: str, behind: str) -> bool:
    """Whether a line says no more than a DOI, its journal and its date."""
    short = len(before.split()) <= RULES.tail and len(behind.split()) <= RULES.tail
    journal = not re.search(r"\w", before) or bool(_YEAR.search(before)) or before.rstrip().endswith("|")
    return short and journal and not _PROSE.search(before) and not _PROSE.search(behind)


def _at_top(line: Line, lines: Sequence[Line]) -> bool:
    """Whether only a title and authors stand above."""
    return sum(o.box[1] < line.box[1] - 1 for o in lines) <= RULES.above


def _after_references(line: Line, lines: Iterable[Line]) -> bool:
    return any(_REFERENCES.match(o.text) and o.box[1] < line.box[1] and o.box[0] < line.box[2] for o in lines)
