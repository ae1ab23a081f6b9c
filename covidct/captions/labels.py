"""Positive, negative or unclear: what a caption says of the profile's disease, as a whole and panel by panel.

The way a caption goes: text → statements (``subcaptions``: of each panel, of all) → the diseases that are named, each
with its status and role (``reading``) → whose they are (this module: the panel's own person, the person before, all)
→ a verdict with the way to it (``decisions``, ``ways``). The paper's rule: sub-caption first, then the caption, then
the text that mentions the figure, then the title.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from covidct.captions.cues import persons
from covidct.captions.decisions import AFFIRMED, ANIMAL, NAMED, OTHERS, decide, first_of, verdict_of
from covidct.captions.pictures import Reading, about_disease, reading_of
from covidct.captions.reading import of_a_relative
from covidct.captions.rules import Role
from covidct.captions.subcaptions import Split, split_caption
from covidct.captions.text import plain, sentences, spaced
from covidct.captions.ways import (
    NEGATIVE,
    NOT_A_SCAN,
    NOTHING,
    OTHER_DISEASES,
    POSITIVE,
    UNCLEAR,
    Labels,
    Verdict,
    Way,
)


def label_caption(text: str) -> Labels:
    """Labels from the caption alone; an empty caption is unclear."""
    readable, places = spaced(text)
    if readable == text:
        return _labels(text)
    labels = _labels(readable)
    panels = {letter: _placed(verdict, places, text) for letter, verdict in labels.panels.items()}
    return Labels(_placed(labels.figure, places, text), panels)


def _placed(verdict: Verdict, places: Sequence[int], text: str) -> Verdict:
    """``verdict`` on a text with blanks put in, with its span in the text as given."""
    start, end = verdict.span
    if start == end:
        return verdict
    return shown(text, replace(verdict, span=(places[start], places[end - 1] + 1)), verdict.source)


def _labels(text: str) -> Labels:
    split = split_caption(text)
    if not split.spans:
        return Labels(shown(text, _of_places(split) or _of_cases(text) or _of_text(text)).of_figure(), {})
    panels = _Panels(text, split).verdicts()
    figure = _whole(panels, reading_of(text, split.shared_spans)).of_figure()
    return Labels(shown(text, figure), {letter: shown(text, v) for letter, v in panels.items()})


def shown(text: str, verdict: Verdict, source: str = "caption") -> Verdict:
    """``verdict`` with the words that it rests on."""
    start, end = verdict.span
    return replace(verdict, evidence=" ".join(text[start:end].split()), source=source)


def _of_text(text: str) -> Verdict:
    return decide(reading_of(text, [(0, len(text))]))


def _of_cases(text: str) -> Verdict | None:
    """``Patient 3 (COVID-19 negative) and patient 4 (COVID-19 positive)``: whose picture it is, no letter says."""
    starts = sorted(person.span[0] for person in persons(text) if person.case)
    if len(starts) < _PERSONS:
        return None
    decided = [decide(reading_of(text, [span])) for span in zip(starts, [*starts[1:], len(text)], strict=True)]
    return _differ(decided)


def _differ(decided: Sequence[Verdict]) -> Verdict | None:
    """Where one is positive and one negative, nobody knows of the whole."""
    if {POSITIVE, NEGATIVE} <= {verdict.label for verdict in decided}:
        other = next(v for v in decided if v.label == NEGATIVE)
        return Verdict(UNCLEAR, Way.PLACES_DIFFER, other.term, other.span)
    return None


def _of_places(split: Split) -> Verdict | None:
    """``(left) … (right)`` with different classes: which picture is which, no letter says."""
    if not split.places:
        return None
    readings = {place: reading_of(split.text, [span], own_panel=True) for place, span in split.places.items()}
    decided = {place: _class_of(r) or decide(replace(r, about_scan=True)) for place, r in readings.items()}
    return _differ(list(decided.values()))


@dataclass(frozen=True)
class _Known:
    """What a panel is read with: the text of all, whether the caption has classes, whether panels name the disease
    themselves, the person of the panel before.
    """

    shared: Reading
    contrast: bool
    apart: bool
    carried: Verdict | None


class _Panels:
    """The panels of one caption while their verdicts are found."""

    def __init__(self, text: str, split: Split) -> None:
        self.text, self.split = text, split
        self.shared = reading_of(text, split.shared_spans)
        own = {letter: reading_of(text, spans, own_panel=True) for letter, spans in split.spans.items()}
        self.readings = {letter: _seen_with(reading, self.shared) for letter, reading in own.items()}
        named = any(_names_the_disease(r) for r in (*own.values(), self.shared))
        self.apart = any(decide(r).label == POSITIVE for r in own.values())
        self.contrast = named or self.apart

    def verdicts(self) -> dict[str, Verdict]:
        """Its own text first, then what is said of all, then the person of the panel before."""
        panels: dict[str, Verdict] = {}
        carried: Verdict | None = None
        met: set[tuple[float | None, str]] = set()
        otherwise = self._of_sentence() or next(
            (v for r in self.readings.values() if (v := first_of(r, [ANIMAL]))), None
        )
        for letter, reading in self.readings.items():
            people = {
                (p.age, p.case) for p in persons(self.text, self.split.spans[letter]) if p.age is not None or p.case
            }
            another = people - met or of_a_relative(self.text, self.split.spans[letter])
            before = None if another else carried or otherwise
            met |= people
            panels[letter] = _panel(reading, _Known(self.shared, self.contrast, self.apart, before))
            carried = _carried(reading, panels[letter], carried)
        others = sum(_tells_of_another(self.text, r) for r in self.readings.values())
        return _of_the_patient(panels, self.readings) if max(len(met), others) < _PERSONS else panels

    def _of_sentence(self) -> Verdict | None:
        """``Sarcoidosis before (A) and after treatment (B)``: what one panel names holds for the silent ones."""
        if self.split.style != "after" or len(sentences(plain(self.text))) != 1:
            return None
        decided = {v.label: v for r in self.readings.values() if (v := decide(r)).way not in _OF_NOBODY}
        return next(iter(decided.values())) if len(decided) == 1 else None


_OF_NOBODY = frozenset({Way.NOTHING_NAMED, Way.NOT_A_SCAN})
_PERSONS = 2
_SAME_PERSON = frozenset({"he", "she", "his", "her", "patient", "patient's"})


def _tells_of_another(text: str, reading: Reading) -> bool:
    return any(text[m.start : m.end].lower() not in _SAME_PERSON for m in reading.having("person"))


def _of_the_patient(panels: dict[str, Verdict], readings: Mapping[str, Reading]) -> dict[str, Verdict]:
    """``(A) Chest film. (B) CT with a lung abscess``: what one panel tells of the only patient holds for the others;
    so does ``(A) Photograph of a man with histoplasmosis``.
    """
    of_photographs = [decide(replace(r, about_scan=True)) for r in readings.values() if r.having("person")]
    decided = [v for v in (*panels.values(), *of_photographs) if v.way in _OF_A_PATIENT]
    if not decided or any(v.label == POSITIVE for v in panels.values()):
        return panels
    return {letter: decided[0].moved(2) if v.way is Way.NOTHING_NAMED else v for letter, v in panels.items()}


_OF_A_PATIENT = OTHER_DISEASES | {Way.DENIED, Way.FALSE_POSITIVE}


def _seen_with(reading: Reading, title: Reading) -> Reading:
    """A panel that does not say what it is is what the title says; a drawing stays one though a scan is mentioned."""
    if title.about_scan and reading.subject and not (reading.having("noscan") or reading.having("vague")):
        return replace(reading, about_scan=True, subject=None)
    if reading.about_scan is None or (title.about_scan is False and _starts_without_scan(reading)):
        return replace(reading, about_scan=title.about_scan)
    return reading


def _starts_without_scan(reading: Reading) -> bool:
    cues = [m for m in reading.mentions if m.means in ("scan", "noscan", "vague")]
    return not cues or cues[0].means != "scan"


def _names_the_disease(reading: Reading) -> bool:
    """In any manner: then "normal" and "pneumonia" on panels are the other classes."""
    return any(m.means == "disease" or about_disease(m) for m in reading.mentions)


def _panel(reading: Reading, known: _Known) -> Verdict:
    """The verdict on one panel: the first text that says something firm of it."""
    own = decide(reading)
    of_all = decide(replace(known.shared, about_scan=True if reading.about_scan else known.shared.about_scan))
    if _of_one_of_them(of_all, known.shared) or _WITHOUT.search(reading.text):
        of_all = Verdict(UNCLEAR, Way.PANELS_DIFFER, of_all.term, of_all.span)
    if _firm(own) and not _gives_way(own, of_all, reading, known):
        return own
    if known.contrast and of_all.way not in _SAID_OF_ALL and (other := _class_of(reading)):
        return other
    if of_all.way is not Way.NOTHING_NAMED and (own.way is Way.NOTHING_NAMED or of_all.label == POSITIVE):
        return of_all.moved()
    if own.way is not Way.NOTHING_NAMED:
        return own
    return known.carried or NOTHING


def _of_one_of_them(of_all: Verdict, shared: Reading) -> bool:
    """``Imaging of heart failure and COVID-19``: a title of two diseases does not say which a panel shows."""
    return of_all.way is Way.NAMED and _names_another(shared) and _JOINED.search(shared.text) is not None


_WITHOUT = re.compile(r"\bwithout\s*$", re.IGNORECASE)
"""``Embolism without (A) and with (B) COVID-19``: what is said of all is not said of this one."""


def _names_another(shared: Reading) -> bool:
    """Another disease than what this one looks like or brings: ``typical lesions and embolism`` is of one person."""
    verdict = first_of(shared, OTHERS)
    others = shared.having("rival", "plain") + shared.having("other", "plain")
    return verdict is not None and any(m.role in (Role.DIAGNOSIS, Role.COMORBIDITY) for m in others)


_JOINED = re.compile(r"\b(?:and|or|versus|vs|from|between|differ\w*)\b", re.IGNORECASE)


_SAID_OF_ALL = frozenset({Way.SAID, Way.PROVEN})


def _firm(own: Verdict) -> bool:
    """Not mere travel or contact: what is said of all panels outweighs that."""
    doubt = ("+perhaps", "+cannot", "suspected-case", "test")
    return own.way is not Way.NOTHING_NAMED and (own.label != UNCLEAR or any(word in own.rule for word in doubt))


def _gives_way(own: Verdict, of_all: Verdict, reading: Reading, known: _Known) -> bool:
    """A title's disease holds for a panel that names a pattern, a complication or what the patient had before.

    Not where the title sets one disease against another, nor where other panels name the disease for themselves and
    this one tells of a person.
    """
    if own.way not in OTHER_DISEASES or not own.besides:
        return False
    if of_all.label == POSITIVE:
        another = known.apart and reading.having("person") and "same" not in reading.text
        return not another and not _names_another(known.shared) and not _set_against(known.shared.text + reading.text)
    return False


_AGAINST = re.compile(
    r"\b(?:versus|vs|compar(?:ed|ison|ing)|differential|mimic\w*|differ\w*|distinguish\w*|beside|control\w*)\b",
    re.IGNORECASE,
)


def _set_against(text: str) -> bool:
    """Whether ``text`` sets one disease against another."""
    return _AGAINST.search(text) is not None


_CLASS_WORDS = 5
_VIRAL_WORDS = 3
"""``Viral pneumonia`` alone beside a panel of the disease is another class; in a sentence it is how the scan looks."""


def _class_of(reading: Reading) -> Verdict | None:
    """A panel whose few words name another class: "normal", "pneumonia"."""
    classes = reading.having("class") if reading.words <= _CLASS_WORDS else []
    if reading.words <= _VIRAL_WORDS:
        classes += [m for m in reading.having("suspect") if m.rule == "unnamed-virus"]
    return verdict_of(Way.OTHER_CLASS, classes[0]) if classes else None


def _carried(reading: Reading, verdict: Verdict, carried: Verdict | None) -> Verdict | None:
    """The person a panel tells of goes on through the panels after it, until another person comes."""
    if not reading.having("person"):
        return carried
    of_scan = verdict if verdict.label == POSITIVE else first_of(reading, [*AFFIRMED, NAMED])
    return of_scan.moved(3) if of_scan else None


def _whole(panels: Mapping[str, Verdict], shared: Reading) -> Verdict:
    """One positive panel makes the figure positive; else one unclear panel leaves it unclear, but for pictures that
    are no scans.
    """
    for label in (POSITIVE, UNCLEAR, NEGATIVE, NOT_A_SCAN):
        having = [v for v in panels.values() if v.label == label]
        if having:
            best = max(having, key=lambda v: v.score)
            return _of_shared(best, shared) if label == UNCLEAR else best
    return NOTHING


def _of_shared(best: Verdict, shared: Reading) -> Verdict:
    verdict = decide(shared)
    return verdict if verdict.label == UNCLEAR and verdict.way is not Way.NOTHING_NAMED else best
