"""One judgement for each panel, made once from everything known: a label, or a refusal with its reason.

Main path: ``judge`` asks ``REFUSALS`` in their order; then ``agree`` compares the panels of one patient. What is
refused keeps the label that the words suggest, for the person who decides; it never enters a release unseen.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from covidct.captions.letters import INFERRED, NOWHERE, Placed
from covidct.captions.ways import NEGATIVE, NOT_A_SCAN, POSITIVE, UNCLEAR, Verdict, Way
from covidct.curate.ways import qualifies, way_of
from covidct.imaging.triage import RELEASE_SCORE
from covidct.profiles import current
from covidct.records import Decision, Figure, Panel

CLASSES = (POSITIVE, NEGATIVE)


@dataclass(frozen=True)
class Limits:
    """What a panel must be to enter a release that nobody looked at."""

    kind_score: float = RELEASE_SCORE
    """Score of triage from which on a panel is what it is taken for."""
    side: int = 64
    """Pixels of the shorter side: 745 of the 746 published slices have more, tick labels of charts have 33."""
    pair_score: float = 0.5
    """How sure the pair of caption and picture is, where they stand on two pages."""


LIMITS = Limits()
UNPROVEN = "way-unproven"
"""Refused for a release, and labelled all the same: a person's look makes it enter."""
HEALED = re.compile(
    r"\b(?:complete(?:ly)?|full(?:y)?|total(?:ly)?|entire(?:ly)?) (?:\w+ )?"
    r"(?:regress|resol|absor|clear(?:ed|ance|ing)|recover|remission|disappear)|\b(?:returned to normal|normali[sz])",
    re.IGNORECASE,
)
UNSURE_PAIRS = frozenset({"by-order", "by-order-unequal"})
"""Caption and picture were only counted off against each other."""


@dataclass(frozen=True)
class Seen:
    """All that is known of one panel."""

    figure: Figure
    panel: Panel
    verdict: Verdict
    """What the words say of it."""
    placed: Placed = NOWHERE
    classes_differ: bool = False
    """Do the caption's panels have different labels?"""
    kind: Decision | None = None
    patient: Decision | None = None
    own_names: bool = False
    """Do the panel's own words name the disease as there?"""
    paper_names: bool = False
    """Does the title or the abstract of its paper?"""
    older: bool = False
    """Is its paper older than the disease?"""
    findings_only: bool = False
    """Do the caption's letters tell of findings, and nothing of one person or of a time?"""
    second: str = ""
    """Label of a second reader whose quotation stood in the text; empty where none was asked."""

    @property
    def way(self) -> str:
        """The way to what the words say."""
        return way_of(self.verdict, own_names=self.own_names, paper_names=self.paper_names, older=self.older)

    @property
    def candidate(self) -> bool:
        """Would a release take it?"""
        return self.panel.kind == current().picture

    @property
    def sure_of_kind(self) -> bool:
        """Do its pixels say plainly that it is a slice of the lungs, or did a person?"""
        by_hand = self.kind is not None and self.kind.by.startswith("curator:")
        return self.candidate and (by_hand or (self.kind is not None and (self.kind.score or 0) >= LIMITS.kind_score))

    @property
    def person(self) -> str:
        """The patient's id where the text tells this one from others, else "".

        An assumed patient proves nothing, nor does a sex alone: two men are two.
        """
        evidence = self.patient.evidence if self.patient is not None else {}
        known = evidence.get("age") is not None or bool(evidence.get("case")) or evidence.get("rule") in ONE_PERSON
        return self.panel.patient_id if known and evidence.get("rule") in TOLD else ""


UNTOLD = frozenset({"not-told-apart", "perhaps-several"})
"""Rules of the patients' step that put several people, perhaps, under one id."""
ASSUMED = "one-a-figure"
"""Rule of the patients' step where nobody is told of."""
TOLD = frozenset({"panel-text", "printed", "caption", "mention", "series", "same-patient", "one-case-paper"})
"""Rules of the patients' step that rest on words about a person."""
ONE_PERSON = frozenset({"same-patient", "one-case-paper"})
"""Those of them that say that it is one person."""


@dataclass(frozen=True)
class Judgement:
    """``label`` is what counts. Where ``refused`` gives a reason it is ``unclear`` and ``suggested`` is the words'
    label; only a refusal for want of proof (``way-unproven``) leaves the label, and keeps the panel out of releases."""

    seen: Seen
    label: str
    way: str
    refused: str = ""
    why: str = ""
    suggested: str = ""
    gain: float = field(default=0.0, compare=False)
    """How many panels a person's answer here would settle, weighted by how sure the rest is."""

    @property
    def accepted(self) -> bool:
        """Does it enter a release unseen?"""
        return self.seen.candidate and not self.refused and self.label in CLASSES


def judge(seen: Seen) -> Judgement:
    """The judgement on one panel by itself."""
    way, label = seen.way, seen.verdict.label
    if seen.second and seen.second == label and not qualifies(way):
        way = f"{way}+second"  # a way of its own, with a precision of its own once somebody has measured it
    if way == NOT_A_SCAN:
        label = UNCLEAR if seen.sure_of_kind else NOT_A_SCAN
    for refusal in REFUSALS:
        if (label in CLASSES or refusal.always) and refusal.fires(seen):
            return Judgement(seen, UNCLEAR, way, refusal.name, refusal.why, label)
    if seen.candidate and label in CLASSES and not qualifies(way):
        return Judgement(seen, label, way, UNPROVEN, f"labels by {way} were not measured to be right often enough")
    return Judgement(seen, label, way)


@dataclass(frozen=True)
class Refusal:
    """A named reason against a label. ``always``: said also where the words gave none."""

    name: str
    why: str
    fires: Callable[[Seen], bool]
    always: bool = False


def _pair_unsure(seen: Seen) -> bool:
    pair, score = seen.figure.pair, seen.figure.pair_score
    return pair in UNSURE_PAIRS or (pair == "next-page" and score < LIMITS.pair_score)


def _letter_inferred(seen: Seen) -> bool:
    return seen.classes_differ and seen.placed.by == INFERRED


def _not_a_scan(seen: Seen) -> bool:
    return seen.way == NOT_A_SCAN and seen.sure_of_kind


def _disease_named_too(seen: Seen) -> bool:
    return seen.candidate and seen.verdict.label == NEGATIVE and seen.own_names


def _older(seen: Seen) -> bool:
    return seen.older and (seen.verdict.label == POSITIVE or seen.own_names or seen.paper_names)


def _healed(seen: Seen) -> bool:
    return seen.verdict.source != "caption" and HEALED.search(seen.figure.caption) is not None


def _second_differs(seen: Seen) -> bool:
    return seen.second in CLASSES and seen.verdict.label in CLASSES and seen.second != seen.verdict.label


def _kind_unsure(seen: Seen) -> bool:
    return seen.candidate and not seen.sure_of_kind


def _tiny(seen: Seen) -> bool:
    return seen.candidate and 0 < min(seen.panel.width, seen.panel.height) < LIMITS.side


def _coloured(seen: Seen) -> bool:
    return seen.candidate and seen.kind is not None and seen.kind.evidence.get("rule") == "coloured"


def _patient_unsure(seen: Seen) -> bool:
    rule = seen.patient.evidence.get("rule") if seen.patient is not None else None
    return seen.candidate and (rule in UNTOLD or (rule == ASSUMED and seen.findings_only))


REFUSALS = (
    Refusal("pair-unsure", "caption and picture were only counted off against each other", _pair_unsure),
    Refusal("letter-inferred", "the letter was inferred, and the caption's panels have different labels",
            _letter_inferred),
    Refusal("not-a-scan", "the words speak of no scan, the pixels are one", _not_a_scan, always=True),
    Refusal("older-than-the-disease", "its paper is dated before the disease that it names: which is wrong?", _older),
    Refusal("second-reader-differs", "a second reader says otherwise", _second_differs),
    Refusal("disease-named-too", "its own words name the disease and something else", _disease_named_too),
    Refusal("healed", "its caption tells that the lungs have healed, only the text around names a disease", _healed),
    Refusal("tiny", "too few pixels", _tiny),
    Refusal("coloured", "coloured where CT is grey", _coloured),
    Refusal("kind-unsure", "not plainly a slice of the lungs", _kind_unsure),
    Refusal("patient-unsure", "several patients that the text does not tell apart", _patient_unsure),
)  # fmt: skip
"""Asked in this order. What speaks against any label comes first, then what only a release minds."""


def agree(judged: Iterable[Judgement]) -> list[Judgement]:
    """The same judgements after those on one person were compared.

    One person does not have and not have the disease without a date between: such labels are refused. What says
    nothing by itself follows a person who is proven ill (way ``same-patient``).
    """
    every = list(judged)
    people: dict[str, list[Judgement]] = {}
    for one in every:
        if one.seen.person:
            people.setdefault(one.seen.person, []).append(one)
    contradicting = {name for name, own in people.items() if _contradict(own)}
    ill = {name for name, own in people.items() if any(_proves(one) for one in own)} - contradicting
    return _one_figure_each([_compared(one, contradicting, ill) for one in every])


def _one_figure_each(every: Sequence[Judgement]) -> list[Judgement]:
    """Of people of one age and sex who may be one or two, the figure with most panels to accept comes in alone:
    whoever they are, its panels are of one person. A paper that tells of nobody else is about one.
    """
    people: dict[str, list[Judgement]] = {}
    for one in every:
        if one.seen.person and one.seen.candidate and not one.refused and one.label in CLASSES:
            people.setdefault(one.seen.person, []).append(one)
    several = len({one.seen.person for one in every} - {""}) > 1
    unsure = {name: own for name, own in people.items() if several and _perhaps_two(own)}
    first = {name: _most_panels(own) for name, own in unsure.items()}
    return [_unless_other(one, first.get(one.seen.person, "")) for one in every]


def _most_panels(own: Sequence[Judgement]) -> str:
    return Counter(one.seen.figure.figure_id for one in own).most_common(1)[0][0]


def _unless_other(one: Judgement, first: str) -> Judgement:
    if not first or one.seen.figure.figure_id == first or one.refused or one.label not in CLASSES:
        return one
    why = "people of one age and sex whom two figures tell of in different words; the panels of the other figure count"
    return replace(one, label=UNCLEAR, refused="patient-unsure", why=why, suggested=one.label)


def _perhaps_two(own: Sequence[Judgement]) -> bool:
    """Is a person known by age and sex alone told of anew, in other words, in another figure?"""
    introductions = {one.seen.figure.figure_id: words for one in own if (words := _introduction(one))}
    return any(not (a.startswith(b) or b.startswith(a)) for a, b in itertools.combinations(introductions.values(), 2))


def _introduction(one: Judgement) -> str:
    """The words that tell of the person, from the age on; "" for a case with a number."""
    evidence = one.seen.patient.evidence if one.seen.patient else {}
    age, text = evidence.get("age"), str(evidence.get("text", ""))
    if evidence.get("case") or evidence.get("rule") in ONE_PERSON or not isinstance(age, int | float):
        return ""
    found = re.search(rf"\b{age:g}\b.*", text)
    return re.sub(r"\W+", " ", found[0]).strip().casefold() if found else ""


def _contradict(own: Sequence[Judgement]) -> bool:
    labels = {one.suggested or one.label for one in own} & set(CLASSES)
    return len(labels) > 1 and not _apart_in_time(own)


def _apart_in_time(own: Sequence[Judgement]) -> bool:
    """Does every panel with a label have a date or day, and no date both labels?"""
    times: Mapping[str, set[str]] = {label: set() for label in CLASSES}
    for one in own:
        label = one.suggested or one.label
        if label in CLASSES:
            when = _when(one)
            if not when:
                return False
            times[label] |= when
    return times[POSITIVE].isdisjoint(times[NEGATIVE])


def _when(one: Judgement) -> set[str]:
    evidence = one.seen.patient.evidence if one.seen.patient else {}
    return {str(date) for date in evidence.get("dates", ())} | {str(day) for day in evidence.get("days", ())}


def _proves(one: Judgement) -> bool:
    return one.label == POSITIVE and not one.refused and qualifies(one.way)


def _compared(one: Judgement, contradicting: set[str], ill: set[str]) -> Judgement:
    person = one.seen.person
    if person in contradicting and (one.suggested or one.label) in CLASSES:
        why = f"the panels of {person} contradict each other"
        return replace(one, label=UNCLEAR, refused="contradiction", why=why, suggested=one.suggested or one.label)
    if person in ill and one.way == "nothing-named" and one.label == UNCLEAR and not one.refused:
        verdict = Verdict(POSITIVE, Way.SAME_PATIENT, person)
        return judge(replace(one.seen, verdict=verdict))
    return one


def weighed(judged: Sequence[Judgement]) -> list[Judgement]:
    """With what a decision would win: the panels of its figure that wait for the same answer."""
    waiting: dict[tuple[str, str], int] = {}
    for one in judged:
        if one.seen.candidate and not one.accepted:
            key = (one.seen.figure.figure_id, one.refused or one.way)
            waiting[key] = waiting.get(key, 0) + 1
    return [replace(one, gain=_gain(one, waiting)) for one in judged]


def _gain(one: Judgement, waiting: Mapping[tuple[str, str], int]) -> float:
    count = waiting.get((one.seen.figure.figure_id, one.refused or one.way), 0)
    sure = one.seen.kind.score if one.seen.kind is not None else None
    return round(count * (sure or 0.5), 3) if one.seen.candidate and not one.accepted else 0.0
