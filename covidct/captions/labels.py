"""Positive, negative or unclear: what a caption says about COVID-19, as a whole and panel by panel.

The paper's rule: sub-caption first, then the caption, then the text that mentions the figure, then the title. A
person in the picture has COVID-19: positive. Another disease, a negative test, a healthy person, an animal, or no
scan at all: negative. Nothing, or suspicion only: unclear. COVID is the positive class.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from covidct.captions.cues import persons
from covidct.captions.pictures import Reading, about_covid, reading_of
from covidct.captions.reading import Mention
from covidct.captions.rules import fold_lower
from covidct.captions.subcaptions import split_caption
from covidct.captions.subjects import ONE_PERSON
from covidct.captions.text import Span, plain, sentences

POSITIVE, NEGATIVE, UNCLEAR = "positive", "negative", "unclear"


@dataclass(frozen=True)
class Verdict:
    """A label with the rule that gave it and the span of the text that it rests on.

    ``rule`` is ``decision:term`` (``named:covid-name``); ``source`` says which text the span belongs to:
    ``caption``, ``context`` (what mentions the figure), ``title`` or ``abstract``; ``score`` from 0 to 1 is how sure
    such a rule is.
    """

    label: str
    rule: str
    score: float
    span: Span = (0, 0)
    source: str = "caption"
    evidence: str = ""


@dataclass(frozen=True)
class Labels:
    """The verdict on a figure, and on each panel by its letter as printed."""

    figure: Verdict
    panels: Mapping[str, Verdict]


NOTHING = Verdict(UNCLEAR, "nothing-named", 0.3)


def affirmed(reading: Reading) -> Verdict | None:
    """A person has COVID-19: named and not taken back, or a test says so."""
    named = reading.having("covid", "affirmed", "history")
    proven = reading.having("test", "affirmed") + reading.having("infected", "plain", "affirmed", "history")
    if reading.false_positive:
        named, proven = [m for m in named if not m.tested], []
    if named:
        return _verdict(POSITIVE, "said", named[0], 0.95)
    if proven:
        return _verdict(POSITIVE, "proven", proven[0], 0.85)
    return None


def named(reading: Reading) -> Verdict | None:
    """COVID-19 simply named, where nothing else says that it is not meant."""
    named = reading.having("covid", "plain")
    if not named or reading.false_positive:
        return None
    return _verdict(POSITIVE, "named", named[0], 0.8)


def _no_scan(reading: Reading) -> Verdict | None:
    """A chart, slide, drawing or photograph."""
    if reading.about_scan is not False:
        return None
    picture = reading.having("noscan") + reading.having("vague")
    if not picture and ONE_PERSON.search(fold_lower(reading.text)) is None and affirmed(reading):
        picture = [m for m in reading.mentions if m.rule == "scan-as-number"]
    if picture:
        return _verdict(NEGATIVE, "no-scan", picture[0], 0.85)
    return Verdict(NEGATIVE, "no-scan:subject", 0.6, reading.subject) if reading.subject else None


def _no_picture(reading: Reading) -> Verdict | None:
    """A sentence without a word of the clinic, the body, a picture or a person: drawings and statistics."""
    speaks = reading.about_scan is not None or any(m.means in _SPEAK_OF_PEOPLE for m in reading.mentions)
    speaks = speaks or bool(reading.having("covid", "uncertain"))
    if speaks or reading.words < _SENTENCE_WORDS:
        return None
    return Verdict(NEGATIVE, "no-scan:no-picture-named", 0.5, reading.extent)


_SPEAK_OF_PEOPLE = ("clinic", "person", "class", "suspect")
_SENTENCE_WORDS = 7
"""Fewer may be all that a caption says of a scan ("Case 2 before and after")."""


def _virus_itself(reading: Reading) -> Verdict | None:
    """``SARS-CoV-2 isolated in 2020``: the virus by its own name, and no word of a person, a scan or an illness."""
    speaks = reading.about_scan is not None or reading.words < _VIRUS_WORDS
    if speaks or any(m.means in (*_SPEAK_OF_PEOPLE, "shown", "process", "infected", "test") for m in reading.mentions):
        return None
    viruses = [m for m in reading.having("covid", "plain") if m.rule == "covid-virus"]
    others = [m for m in reading.having("covid") if m not in viruses]
    return _verdict(NEGATIVE, "no-scan", viruses[0], 0.5) if viruses and not others else None


_VIRUS_WORDS = 4


def _animal(reading: Reading) -> Verdict | None:
    animals = reading.having("animal")
    return _verdict(NEGATIVE, "animal", animals[0], 0.9) if animals and not reading.having("person") else None


def _unseen(reading: Reading) -> Verdict | None:
    """A person has COVID-19, but no word tells that the picture is a scan, or of the chest."""
    said = affirmed(reading) if reading.about_scan is None and reading.words >= _SENTENCE_WORDS else None
    if said is None or any(m.means in ("clinic", "class", "other", "rival") for m in reading.mentions):
        return None
    before = [m for m in reading.mentions if m.end <= said.span[0]]
    if said.span[0] - reading.extent[0] < _SUBJECT_CHARS or any(m.means == "person" for m in before):
        return None
    return replace(said, label=UNCLEAR, rule=said.rule.replace(":", "-of-whom:", 1), score=0.4)


_SUBJECT_CHARS = 8
"""Room before the patient for a word that says what the picture shows: "Survival of patients with COVID-19"."""


def final(reading: Reading) -> Verdict | None:
    """Another disease as the final diagnosis, COVID-19 nowhere affirmed by a test."""
    final = [m for m in reading.having("other") + reading.having("rival") if m.final]
    return _verdict(NEGATIVE, "final-diagnosis", final[0], 0.9) if final else None


def _false_positive(reading: Reading) -> Verdict | None:
    wrong = [m for m in reading.mentions if m.rule == "false-positive"]
    return _verdict(NEGATIVE, "false-positive", wrong[0], 0.8) if wrong else None


def _negated(reading: Reading) -> Verdict | None:
    """The test negative. A scan without signs of "viral pneumonia" says nothing about the patient."""
    denied = reading.having("test", "negated")
    denied += [m for m in reading.having("suspect", "negated") if m.rule != "unnamed-virus"]
    return _verdict(NEGATIVE, "denied", denied[0], 0.85) if denied else None


def _diagnosed(reading: Reading) -> Verdict | None:
    """Another disease said to be there, in so many words."""
    others = [m for means in ("rival", "other") for m in reading.having(means, "affirmed")]
    return _verdict(NEGATIVE, "other-disease", others[0], 0.85) if others else None


def other_disease(reading: Reading) -> Verdict | None:
    """Another disease named, and COVID-19 not under suspicion."""
    others = [m for means in ("rival", "other") for m in reading.having(means, "plain")]
    return _verdict(NEGATIVE, "other-disease", others[0], 0.8) if others else None


def _likely_other(reading: Reading) -> Verdict | None:
    """Another disease thought likely; oedema and heart failure are signs that COVID-19 gives as well."""
    others = [
        m for means in ("rival", "other") for m in reading.having(means, "uncertain") if m.rule != "vessels-heart"
    ]
    return _verdict(NEGATIVE, "likely-other", others[0], 0.6) if others else None


def _healthy(reading: Reading) -> Verdict | None:
    healthy = reading.having("healthy", "plain", "affirmed")
    return _verdict(NEGATIVE, "healthy", healthy[0], 0.8) if healthy else None


def _suspected(reading: Reading) -> Verdict | None:
    """COVID-19 under suspicion: outweighs an unnamed test's negative result and diseases the patient has besides."""
    doubtful = reading.having("covid", "uncertain") + [
        m for m in reading.having("suspect") if m.rule != "unnamed-virus"
    ]
    if reading.having("test", "negated"):
        explained = [m for m in reading.having("other", "plain", "affirmed") if m.rule != "cancer"]
        if explained or reading.having("rival", "plain", "affirmed"):
            return None
        doubtful += (
            reading.having("test", "uncertain") + reading.having("covid", "contact") + reading.having("test", "contact")
        )
    return _verdict(UNCLEAR, "suspected", doubtful[0], 0.6) if doubtful else None


def refuted(reading: Reading) -> Verdict | None:
    """COVID-19 itself denied, or its own test negative."""
    denied = reading.having("covid", "negated") + reading.having("infected", "negated")
    denied += [m for m in reading.having("test", "negated") if m.rule == "test-named"]
    return _verdict(NEGATIVE, "denied", denied[0], 0.85) if denied else None


def _hinted(reading: Reading) -> Verdict | None:
    """A viral pneumonia, a contact, a look-alike: nothing to hold on to."""
    hints = (
        reading.having("suspect") + reading.having("covid", "contact", "compared") + reading.having("test", "uncertain")
    )
    hints += reading.having("infected", "contact", "uncertain")
    return _verdict(UNCLEAR, "suspected", hints[0], 0.5) if hints else None


Decision = Callable[[Reading], Verdict | None]
DECISIONS: tuple[Decision, ...] = (
    _no_scan,
    _animal,
    _unseen,
    affirmed,
    final,
    _false_positive,
    _no_picture,
    _virus_itself,
    named,
    refuted,
    _diagnosed,
    _suspected,
    _negated,
    other_disease,
    _likely_other,
    _healthy,
    _hinted,
)
"""Asked in this order; the first that answers decides."""


def _verdict(label: str, decision: str, mention: Mention, score: float) -> Verdict:
    rule = f"{decision}:{mention.rule}" + (f"+{mention.by}" if mention.by else "")
    return Verdict(label, rule, score, mention.span)


def decide(reading: Reading) -> Verdict:
    """The verdict on one stretch of text."""
    for decision in DECISIONS:
        if verdict := decision(reading):
            return verdict
    return NOTHING


def label_caption(text: str) -> Labels:
    """Labels from the caption alone; an empty caption is unclear."""
    split = split_caption(text)
    if not split.spans:
        return Labels(shown(text, decide(reading_of(text, [(0, len(text))]))), {})
    shared = reading_of(text, split.shared_spans)
    about_scan = shared.about_scan
    panels: dict[str, Verdict] = {}
    readings = {letter: reading_of(text, spans, own_panel=True) for letter, spans in split.spans.items()}
    contrast = any(decide(r).label == POSITIVE for r in readings.values()) or bool(_anywhere(readings, shared))
    carried: Verdict | None = None
    told_of: set[tuple[float | None, str]] = set()
    animal = next((v for r in readings.values() if (v := _animal(r))), None)
    in_sentence = _of_sentence(text, readings) if split.style == "after" else None
    for letter, reading in readings.items():
        reading = _seen_with(reading, about_scan)
        people = {(p.age, p.case) for p in persons(text, split.spans[letter]) if p.age is not None or p.case}
        new_person = bool(people - told_of)
        told_of |= people
        panels[letter] = _panel(reading, shared, contrast, None if new_person else carried or in_sentence or animal)
        carried = _carried(reading, panels[letter], carried)
    if len(told_of) < _PERSONS and sum(_tells_of_another(text, r) for r in readings.values()) < _PERSONS:
        panels = _of_the_patient(panels)
    return Labels(shown(text, _whole(panels, shared)), {letter: shown(text, v) for letter, v in panels.items()})


_PERSONS = 2
_SAME_PERSON = frozenset({"he", "she", "his", "her", "patient", "patient's"})


def _tells_of_another(text: str, reading: Reading) -> bool:
    return any(text[m.start : m.end].lower() not in _SAME_PERSON for m in reading.having("person"))


def _of_the_patient(panels: dict[str, Verdict]) -> dict[str, Verdict]:
    """``(A) Chest film. (B) CT with a lung abscess``: what one panel tells of the only patient holds for the others."""
    told = [v for v in panels.values() if v.rule.split(":")[0] in _OF_A_PATIENT]
    if not told or any(v.label == POSITIVE for v in panels.values()):
        return panels
    best = replace(told[0], score=told[0].score - 0.1)
    return {letter: best if v.rule == NOTHING.rule else v for letter, v in panels.items()}


_OF_A_PATIENT = ("denied", "other-disease", "final-diagnosis", "false-positive")


def _of_sentence(text: str, readings: Mapping[str, Reading]) -> Verdict | None:
    """``Sarcoidosis before (A) and after treatment (B)``: what one panel names holds for those that name nothing."""
    told = {verdict.label: verdict for r in readings.values() if _of_person(verdict := decide(r))}
    one_sentence = len(sentences(plain(text))) == 1
    return next(iter(told.values())) if len(told) == 1 and one_sentence else None


def _of_person(verdict: Verdict) -> bool:
    return verdict.rule != NOTHING.rule and not verdict.rule.startswith("no-scan:")


def _seen_with(reading: Reading, title_about_scan: bool | None) -> Reading:
    """A panel that does not say what it is is what the title says; a drawing stays one though a scan is mentioned."""
    if title_about_scan and reading.subject and not (reading.having("noscan") or reading.having("vague")):
        return replace(reading, about_scan=True, subject=None)
    if reading.about_scan is None or (title_about_scan is False and _starts_without_scan(reading)):
        return replace(reading, about_scan=title_about_scan)
    return reading


def _starts_without_scan(reading: Reading) -> bool:
    cues = [m for m in reading.mentions if m.means in ("scan", "noscan", "vague")]
    return not cues or cues[0].means != "scan"


def _anywhere(readings: Mapping[str, Reading], shared: Reading) -> list[Mention]:
    """Mentions of COVID-19 in any manner: then "normal" and "pneumonia" on panels are the other classes."""
    return [m for r in [*readings.values(), shared] for m in r.mentions if m.means == "covid" or about_covid(m)]


def _panel(reading: Reading, shared: Reading, contrast: bool, carried: Verdict | None) -> Verdict:
    """Its own text first; what is said of all, where its own says nothing; then the person of the panel before."""
    own = decide(reading)
    another = bool(reading.having("person")) and "same" not in reading.text and not _of_several(shared)
    if own.rule != NOTHING.rule and not (_hint(own) or (_weak(own) and not another)):
        return own
    of_all = decide(replace(shared, about_scan=True if reading.about_scan else shared.about_scan))
    if contrast and not of_all.rule.startswith(("said:", "proven:")) and (class_named := _class(reading)):
        return class_named
    if of_all.rule != NOTHING.rule and (own.rule == NOTHING.rule or of_all.label == POSITIVE):
        return replace(of_all, score=of_all.score - 0.05)
    if own.rule != NOTHING.rule:
        return own
    return carried or NOTHING


def _hint(verdict: Verdict) -> bool:
    """Travel or contact, no doubt in so many words: what is said of all panels outweighs it."""
    doubt = ("+perhaps", "+cannot", ":suspected-case", ":test")
    return verdict.label == UNCLEAR and not any(word in verdict.rule for word in doubt)


def _weak(verdict: Verdict) -> bool:
    """Another disease that a COVID-19 patient may have as well."""
    return verdict.rule.startswith("other-disease:") and not stands_in(verdict)


def stands_in(verdict: Verdict) -> bool:
    """Whether the disease of ``verdict`` would explain a pneumonia without COVID-19."""
    return verdict.rule.split(":")[1].startswith(_STANDS_IN)


_STANDS_IN = ("other-virus", "sars-2003", "bacteria", "fungi", "interstitial")


_SEVERAL = re.compile(r"\b(?:patients|cases|men|women|children|infants|adults|subjects|individuals)\b", re.IGNORECASE)


def _of_several(shared: Reading) -> bool:
    """``CT of patients with COVID-19``: the persons of the panels are those patients, whatever else they have."""
    return _SEVERAL.search(shared.text) is not None and bool(shared.having("covid", "affirmed"))


_CLASS_WORDS = 5
_VIRAL_WORDS = 3
"""``Viral pneumonia`` alone beside a panel of COVID-19 is another class; in a sentence it is how the scan looks."""


def _class(reading: Reading) -> Verdict | None:
    """A panel whose few words name another class: "normal", "pneumonia"."""
    classes = reading.having("class") if reading.words <= _CLASS_WORDS else []
    if reading.words <= _VIRAL_WORDS:
        classes += [m for m in reading.having("suspect") if m.rule == "unnamed-virus"]
    return _verdict(NEGATIVE, "other-class", classes[0], 0.75) if classes else None


def _carried(reading: Reading, verdict: Verdict, carried: Verdict | None) -> Verdict | None:
    """The person a panel tells of goes on through the panels after it, until another person comes."""
    if not reading.having("person"):
        return carried
    said = verdict if verdict.label == POSITIVE else affirmed(reading) or named(reading)
    return replace(said, score=said.score - 0.15) if said else None


def _whole(panels: Mapping[str, Verdict], shared: Reading) -> Verdict:
    """One positive panel makes the figure positive; it is negative where all panels are."""
    verdicts = list(panels.values())
    for label in (POSITIVE, UNCLEAR):
        having = [v for v in verdicts if v.label == label]
        if having:
            best = max(having, key=lambda v: v.score)
            return _of_shared(best, shared) if label == UNCLEAR else best
    return max(verdicts, key=lambda v: v.score)


def _of_shared(best: Verdict, shared: Reading) -> Verdict:
    verdict = decide(shared)
    return verdict if verdict.label == UNCLEAR and verdict.rule != NOTHING.rule else best


def shown(text: str, verdict: Verdict, source: str = "caption") -> Verdict:
    """``verdict`` with the words that it rests on."""
    start, end = verdict.span
    return replace(verdict, evidence=" ".join(text[start:end].split()), source=source)
