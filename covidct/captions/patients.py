"""Which panels of a paper show the same patient, as far as its captions and text say.

Inside a paper a case number, or age and sex together, is one patient; "the same patient" leads to the figure it
names or to the one before; a series goes on until another person comes. What the text does not tell apart stays one
patient: too large a group loses data, too small a one leaks a patient into the test set.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from covidct.captions.courses import Course, course_of
from covidct.captions.cues import Moment, Person, moments, persons
from covidct.captions.letters import Lettered, assigned
from covidct.captions.markers import chain, letters
from covidct.captions.rules import fold_lower
from covidct.captions.standing import Box, by_places
from covidct.captions.subcaptions import Split, split_caption
from covidct.captions.text import Span, plain


@dataclass(frozen=True)
class FigureText:
    """What one figure says: printed label, caption, mentions in the text, and its panels as (id, letter)."""

    figure_id: str
    label: str
    caption: str
    mentions: tuple[str, ...] = ()
    panels: tuple[tuple[str, str] | Lettered, ...] = ()
    boxes: tuple[Box, ...] = ()
    """Of the panels, in their order; none where nobody knows."""
    printed: Mapping[str, Person] = field(default_factory=dict)
    """Whom the picture itself names, by panel id."""


@dataclass(frozen=True)
class Patient:
    """Who a panel shows: ``key`` is equal for the same patient in one paper; ``score`` from 0 to 1."""

    key: str
    rule: str
    score: float
    person: Person | None = None
    moments: tuple[Moment, ...] = ()
    text: str = ""
    """The words that told it."""


@dataclass
class _Panel:
    panel_id: str
    figure: int
    letter: str
    person: Person | None = None
    rule: str = ""
    text: str = ""
    moments: tuple[Moment, ...] = ()
    same_as: tuple[int, str] | None = None
    fresh: bool = False
    course: Course = field(default_factory=Course)
    number: int = 0
    """Counts the persons of one age and sex whose courses differ, or of whom the text says that they are others."""
    who: str = ""
    """``mother``, ``twin 2``: who of several people its own words say that it is."""


_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_COUNTS |= {"dos": 2, "tres": 3, "due": 2, "deux": 2, "dois": 2, "both": 2}
_NUMBERS = "two|three|four|five|six|seven|eight|nine|ten|both|dos|tres|due|deux|dois"
_PEOPLE = r"(?:patients|cases|men|women|children|infants|pacientes|pazienti|boys|girls|adults|individuals|subjects)\b"
_COUNTED = re.compile(rf"\b(?P<n>{_NUMBERS}|\d{{1,2}}) (?:[a-z0-9-]+ ){{0,3}}?{_PEOPLE}")
_SEVERAL = re.compile(rf"\b{_PEOPLE}")
_SOMEBODY = "(?:patient|case|man|woman|child|boy|girl|individual|infant|subject|person|twin)"
_OTHER = re.compile(rf"\b(?:another|a different|a second|a third|other|different) (?:[a-z0-9-]+ ){{0,3}}?{_SOMEBODY}")
_NTH = ("first", "second", "third", "fourth", "fifth")
_WHO = re.compile(
    rf"\b(?:(?:{'|'.join(_NTH)}) (?:patient|case)|twin [12ab]|grandmother|grandfather|mother|father|son|daughter"
    r"|brother|sister|wife|husband|aunt|uncle)\b"
)
_FIGURE = r"(?:figures?|figs?)\.?\s?(?P<figure>s?\d{1,3})\s?(?P<letter>[a-z])?\b"
_SAME = re.compile(
    rf"\b(?:same {_SOMEBODY}|mism[oa] paciente|mesm[oa] paciente|stesso paziente|meme patient)"
    rf"(?:[^.;]{{0,40}}?\b{_FIGURE})?"
)
_AS_FIGURE = re.compile(rf"\b(?:patient|case) (?:shown |depicted |presented |described )?(?:in|of|from) {_FIGURE}")
_ONE_CASE = re.compile(
    r"\b(?:case report|a (?:[a-z-]+ ){0,3}case\b|(?:first|single|one) (?:[a-z-]+ )?case\b|in an? (?:[a-z0-9-]+ ){0,4}?"
    r"(?:patient|man|woman|child|boy|girl|infant|neonate|newborn|recipient|adult|adolescent)\b)"
)
_MANY_CASES = re.compile(r"\b(?:case series|cases|patients|two|three|four|five|cohort|retrospective|series of)\b")


def patients_of_paper(figures: Sequence[FigureText], title: str = "", abstract: str = "") -> dict[str, Patient]:
    """The patient of every panel, by panel id."""
    panels = [panel for number, figure in enumerate(figures) for panel in _panels(number, figure, figures)]
    single = _one_case(title, abstract)
    book = _Book(panels)
    return {panel.panel_id: _patient(panel, book, figures, single) for panel in panels}


def _one_case(title: str, abstract: str) -> bool:
    """Whether title or abstract say that the paper is about one patient."""
    plain_title = fold_lower(title)
    if _MANY_CASES.search(plain_title):
        return False
    return (
        _ONE_CASE.search(plain_title) is not None
        or re.search(r"\bwe (?:report|describe|present) (?:a|an|one) ", fold_lower(abstract)) is not None
    )


def _panels(number: int, figure: FigureText, figures: Sequence[FigureText]) -> list[_Panel]:
    split = split_caption(figure.caption)
    lettered = assigned([Lettered(*panel) for panel in figure.panels], list(split.spans))
    made = [_read_panel(number, panel_id, lettered[panel_id].letter, split) for panel_id in lettered]
    _from_case_headings(made, split)
    _from_places(made, split, figure.boxes)
    _from_print(made, figure.printed)
    _from_shared(made, split)
    _from_mentions(made, figure)
    _follow(made, split)
    for panel in made:
        panel.same_as = _reference(panel, number, split, figures)
        spans = split.spans.get(panel.letter, ()) or ((0, len(split.text)),)
        panel.course = course_of(" ".join(split.text[start:end] for start, end in spans), panel.moments)
    return made


def _read_panel(number: int, panel_id: str, letter: str, split: Split) -> _Panel:
    spans = split.spans.get(letter, ())
    own = _telling(persons(split.text, spans)) if spans and not _all_alike(split) else []
    panel = _Panel(panel_id, number, letter, moments=tuple(moments(split.text, spans)) if spans else ())
    if len(own) == 1:
        panel.person, panel.rule, panel.text = own[0], "panel-text", _words(split.text, own[0].span)
    folded = [fold_lower(split.text[start:end]) for start, end in spans]
    panel.fresh = any(_OTHER.search(text) for text in folded)
    names = {name for text in folded for name in _WHO.findall(text)} if not _all_alike(split) else set()
    panel.who = names.pop() if len(names) == 1 else ""
    return panel


_CASE_HEADING = re.compile(
    r"(?:^|[.;:]\s+)(?P<who>(?:(?:case|patient)\s?(?:no\.?\s?)?(?:\d{1,2}|[a-h]|i{1,3}|iv|v)"
    r"|(?:first|second|third|fourth|fifth) (?:case|patient))(?:\s?\([^()]{3,40}\))?)\s?[:.,-]?\s+"
    r"(?=\(?[a-z]\s?(?:[),.:-]|and\b))",
    re.IGNORECASE,
)


def _from_case_headings(panels: Sequence[_Panel], split: Split) -> None:
    """``Case 1: (a) admission, (b) discharge. Case 2: (c) …``: a heading holds for the letters up to the next one."""
    found = [(m.end("who"), _numbered(m["who"])) for m in _CASE_HEADING.finditer(plain(split.text))]
    headings = [(end, people[0]) for end, people in found if people]
    starts = {letter: min(start for start, _ in spans) for letter, spans in split.spans.items() if spans}
    owners = {letter: [person for end, person in headings if end <= at] for letter, at in starts.items()}
    if len({person.case for _, person in headings}) < 2 or not all(owners.values()):
        return
    for panel in panels:
        if panel.letter in owners:
            person = owners[panel.letter][-1]
            panel.person, panel.rule, panel.text = person, "panel-text", f"case {person.case}"


def _numbered(words: str) -> list[Person]:
    """The person of ``Case 2`` or ``Second patient``."""
    nth = words.split()[0].lower()
    return [Person(None, "", str(_NTH.index(nth) + 1), (0, 0))] if nth in _NTH else persons(words)


def _from_places(panels: Sequence[_Panel], split: Split, boxes: Sequence[Box]) -> None:
    """``Upper row: a man of 45 years``, where the places part the panels."""
    if not split.places or len(boxes) != len(panels):
        return
    for panel, span in zip(panels, by_places(split.places, boxes), strict=True):
        own = _telling(persons(split.text, [span])) if span is not None else []
        if len(own) == 1:
            panel.person, panel.rule, panel.text = own[0], "panel-text", _words(split.text, own[0].span)


def _from_print(panels: Sequence[_Panel], printed: Mapping[str, Person]) -> None:
    """The person named over a column or before a row, where the panel's own text tells of no age or number."""
    for panel in panels:
        person = printed.get(panel.panel_id)
        known = panel.person is not None and (panel.person.age is not None or panel.person.case)
        if person is not None and not known:
            panel.person, panel.rule = person, "printed"
            panel.text = f"case {person.case}" if person.case else f"age {person.age:g}"


def _all_alike(split: Split) -> bool:
    """Whether the letters stand together before one text, which is then the text of all."""
    return len(split.spans) > 1 and len(set(split.spans.values())) == 1


def _telling(found: Sequence[Person]) -> list[Person]:
    """Persons with age or number where there are any; else those of whom only the sex is told."""
    strong = [person for person in found if person.age is not None or person.case]
    return strong or list(found)


def _words(text: str, span: Span) -> str:
    start, end = max(0, span[0] - 25), min(len(text), span[1] + 25)
    return " ".join(text[start:end].split())


def _from_shared(panels: Sequence[_Panel], split: Split) -> None:
    """One person told of for all panels is the person of each that has none; several go by order where it is said."""
    spans = split.shared_spans if split.spans and not _all_alike(split) else ((0, len(split.text)),)
    shared = _telling(persons(split.text, spans))
    when = tuple(moments(split.text, spans))
    several = _respectively(split, shared)
    for panel in panels:
        person = several.get(panel.letter) or (shared[0] if len(shared) == 1 else None)
        if panel.person is None and person is not None and not panel.fresh:
            panel.person, panel.rule, panel.text = person, "caption", _words(split.text, person.span)
        panel.moments = panel.moments or when


def _respectively(split: Split, shared: Sequence[Person]) -> dict[str, Person]:
    if "respectively" not in split.text or not split.spans:
        return {}
    readable = plain(split.text)
    markers = chain(readable)
    together = [
        letters(part) for m in markers for part in re.split(r"\band\b", readable[m.start : m.end].strip(" ,.:()"))
    ]
    for printed in ([m.labels for m in markers], together, [(letter,) for letter in split.spans]):
        if len(printed) == len(shared):
            return _paired(printed, shared)
    return {}


def _paired(printed: Sequence[tuple[str, ...]], shared: Sequence[Person]) -> dict[str, Person]:
    return {letter: person for own, person in zip(printed, shared, strict=True) for letter in own}


def _from_mentions(panels: Sequence[_Panel], figure: FigureText) -> None:
    """The sentence of the text that mentions the figure, where the caption tells of nobody."""
    if any(panel.person for panel in panels) or _several(figure.caption):
        return
    described = {
        (p.age, p.sex, p.case): p for m in figure.mentions for p in _telling(persons(m)) if p.age is not None or p.case
    }
    if len(described) == 1:
        person = next(iter(described.values()))
        for panel in panels:
            panel.person, panel.rule = person, "mention"


def _follow(panels: Sequence[_Panel], split: Split) -> None:
    """A panel that tells of nobody goes on with the person of the panel before, in a series."""
    before: _Panel | None = None
    for panel in panels:
        if panel.person is None and before is not None and before.rule in ("panel-text", "series") and not panel.fresh:
            panel.person, panel.rule, panel.text = before.person, "series", before.text
        before = panel


def _reference(panel: _Panel, number: int, split: Split, figures: Sequence[FigureText]) -> tuple[int, str] | None:
    """Figure number in the list, and letter, that "the same patient" leads to."""
    own = " ".join(split.text[start:end] for start, end in split.spans.get(panel.letter, ()))
    shared = " ".join(split.text[start:end] for start, end in split.shared_spans)
    for text, here in ((own, True), (shared, False)):
        folded = fold_lower(text)
        match = _AS_FIGURE.search(folded) or _SAME.search(folded)
        if match is None:
            continue
        if match["figure"]:
            named = _figure_named(match["figure"], figures)
            return None if named is None else (named, match["letter"] or "")
        return (number, "before") if here else (number - 1, "") if number > 0 else None
    return None


def _figure_named(number: str, figures: Sequence[FigureText]) -> int | None:
    for position, figure in enumerate(figures):
        found = re.search(r"(s?\d{1,3})\s*$", fold_lower(figure.label))
        if found and found[1] == number:
            return position
    return None


def _several(caption: str) -> int:
    """How many patients a caption speaks of: 0 one or nothing said, -1 some, else the number."""
    folded = fold_lower(caption)
    if match := _COUNTED.search(folded):
        return _COUNTS.get(match["n"]) or int(match["n"])
    return -1 if _SEVERAL.search(folded) else 0


class _Book:
    """All panels of a paper, to look up who was told of where."""

    def __init__(self, panels: Sequence[_Panel]) -> None:
        self.panels = panels
        self._tell_apart()
        self.people = {panel.person for panel in panels if panel.person is not None}
        self.cases: dict[tuple[float, str], set[str]] = {}
        self.sexes: dict[float, set[str]] = {}
        for person in self.people:
            if person.age is None:
                continue
            if person.case:
                self.cases.setdefault((person.age, person.sex), set()).add(person.case)
            if person.sex:
                self.sexes.setdefault(person.age, set()).add(person.sex)
        self.places = {panel.panel_id: place for place, panel in enumerate(panels)}

    def _tell_apart(self) -> None:
        """Number the persons of one age and sex, without case numbers, whose courses contradict each other."""
        met: dict[tuple[float, str], list[Course]] = {}
        before = 0
        for panel in self.panels:
            person = panel.person
            if person is None or person.age is None or person.case or panel.same_as is not None:
                continue
            courses = met.setdefault((person.age, person.sex), [])
            fits = [n for n, course in enumerate(courses) if not course.contradicts(panel.course)]
            panel.number = next(
                (n for n in fits if not panel.fresh and (panel.rule != "series" or n == before)), len(courses)
            )
            before = panel.number
            if panel.number == len(courses):
                courses.append(panel.course)
            else:
                courses[panel.number] = courses[panel.number].joined(panel.course)

    def key_of(self, panel: _Panel) -> str:
        """The key of the person a panel tells of; a sex alone is somebody of its own within a figure."""
        if who := self._one_of_several(panel):
            return who
        if panel.person is None:
            return ""
        key = self.key(panel.person)
        if key and panel.number and not key.startswith("case "):
            return f"{key} course {panel.number + 1}"
        if not key and panel.person.sex and len(self._sexes_in(panel.figure)) > 1:
            return f"figure {panel.figure} {panel.person.sex}"
        return key

    def _one_of_several(self, panel: _Panel) -> str:
        """``(A) Mother, 31 years. (B) Her son. (C) Mother, later``: words that tell a figure's people apart."""
        here = [other for other in self.panels if other.figure == panel.figure and other.who]
        if not panel.who or len({other.who for other in here}) < 2:
            return ""
        own = (other.person for other in here if other.who == panel.who and other.rule == "panel-text")
        described = (key for person in own if person is not None and (key := self.key(person)))
        return next(described, f"figure {panel.figure} {panel.who}")

    def _sexes_in(self, figure: int) -> set[str]:
        people = (panel.person for panel in self.panels if panel.figure == figure)
        return {person.sex for person in people if person is not None and person.sex}

    def key(self, person: Person) -> str:
        """A case number; else age and sex, by way of a case that has them or of a person told of more fully."""
        if person.case:
            return f"case {person.case}"
        if person.age is None:
            described = self._by_sex.get(person.sex, set())
            return next(iter(described)) if len(described) == 1 else ""
        numbers = self.cases.get((person.age, person.sex), set())
        if len(numbers) == 1:
            return f"case {next(iter(numbers))}"
        sexes = self.sexes.get(person.age, set())
        sex = person.sex or (next(iter(sexes)) if len(sexes) == 1 else "")
        return f"age {person.age:g} {sex}".strip()

    @cached_property
    def _by_sex(self) -> dict[str, set[str]]:
        """Sex alone names somebody only where one such person is told of in the paper."""
        fuller: dict[str, set[str]] = {}
        for person in self.people:
            if person.age is not None or person.case:
                fuller.setdefault(person.sex, set()).add(self.key(person))
        return fuller

    @cached_property
    def known(self) -> set[str]:
        """Every patient that the paper tells of."""
        return {key for person in self.people if (key := self.key(person))}

    def at(self, figure: int, letter: str) -> list[_Panel]:
        here = [panel for panel in self.panels if panel.figure == figure]
        lettered = [panel for panel in here if letter and panel.letter.casefold() == letter]
        return lettered or here

    def before(self, panel: _Panel) -> list[_Panel]:
        position = self.places[panel.panel_id]
        return list(self.panels[position - 1 : position]) if position else []


_MAX_STEPS = 20
_SCORES = {
    "panel-text": 0.9,
    "printed": 0.85,
    "caption": 0.85,
    "series": 0.75,
    "mention": 0.7,
    "same-patient": 0.8,
    "one-case-paper": 0.7,
}


def _patient(panel: _Panel, book: _Book, figures: Sequence[FigureText], single: bool, steps: int = 0) -> Patient:
    known = book.known
    if panel.same_as is not None and steps < _MAX_STEPS:
        figure, letter = panel.same_as
        leads_to = book.before(panel) if letter == "before" else book.at(figure, letter)
        others = [other for other in leads_to if other is not panel]
        if others:
            found = _patient(others[0], book, figures, single, steps + 1)
            return Patient(
                found.key, "same-patient", min(found.score, _SCORES["same-patient"]), found.person, panel.moments
            )
    if key := book.key_of(panel):
        rule = panel.rule or "panel-text"
        return Patient(key, rule, _SCORES[rule], panel.person, panel.moments, panel.text or panel.who)
    if single and len(known) <= 1 and not panel.fresh:
        return Patient(next(iter(known), "the patient"), "one-case-paper", 0.7, panel.person, panel.moments)
    return _untold(panel, book, figures[panel.figure])


def _untold(panel: _Panel, book: _Book, figure: FigureText) -> Patient:
    """Nobody is told of: one patient a figure, or one a panel where their numbers agree."""
    several = _several(figure.caption)
    here = len([other for other in book.panels if other.figure == panel.figure])
    name = f"figure {figure.figure_id}"
    if panel.fresh or (several > 1 and several == here):
        return Patient(f"{name} {panel.letter or panel.panel_id}", "one-a-panel", 0.6, panel.person, panel.moments)
    if several:
        rule = "not-told-apart" if several > 0 or here == 1 else "perhaps-several"
        return Patient(name, rule, 0.3, None, panel.moments)
    return Patient(name, "one-a-figure", 0.5, panel.person, panel.moments)


def describe(patient: Patient) -> Mapping[str, object]:
    """The cues as plain values, for a decision's evidence."""
    person = patient.person
    return {
        "rule": patient.rule,
        "age": None if person is None else person.age,
        "sex": "" if person is None else person.sex,
        "case": "" if person is None else person.case,
        "dates": [m.date for m in patient.moments if m.date],
        "days": [{"day": m.day, "event": m.event} for m in patient.moments if m.day is not None],
        "text": patient.text,
    }
