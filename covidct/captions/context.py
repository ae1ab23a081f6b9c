"""What the text around a figure adds where its caption does not decide: mentions, title, abstract, date.

The paper's order: sub-caption, caption, the paragraphs and sentences that mention the figure, title, abstract.
Statements about many people, about relatives or about the literature say nothing of this picture and do not count.
"""

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from covidct.captions.decisions import AFFIRMED, FINAL, NAMED, OTHERS, REFUTED, decide, first_of, verdict_of
from covidct.captions.labels import label_caption, shown
from covidct.captions.pictures import Reading, reading_of
from covidct.captions.reading import Mention, read
from covidct.captions.text import Span, sentences
from covidct.captions.ways import NEGATIVE, OTHER_DISEASES, POSITIVE, UNCLEAR, Labels, Verdict, Way, label_of
from covidct.profiles import current


def label_with_context(text: str, context: str) -> Labels:
    """``label_caption``, and where that is unclear, what ``context`` adds: text about the figure, then a line
    ``title: …`` where there is one.
    """
    found = _TITLE.search(context)
    body, title = (context[: found.start()], found["title"]) if found else (context, "")
    return label_figure(text, [body], title)


def label_figure(
    caption: str,
    mentions: Sequence[str] = (),
    title: str = "",
    abstract: str = "",
    published: str = "",
    paragraphs: Sequence[str] = (),
) -> Labels:
    """Sub-caption, caption, what mentions the figure, title, abstract: the first that decides holds.

    ``mentions`` are the sentences that mention the figure, ``paragraphs`` the paragraphs that they stand in.

    A caption that speaks of mere suspicion, or of a disease that a COVID-19 patient may have as well, gives way only
    to a finding about the patient. ``published`` is the
    paper's date (``2014-05-01``, ``2014`` or empty): what was printed before COVID-19 was known cannot show it.
    """
    if not caption.strip() and any(mention.strip() for mention in mentions):
        return _as_context(label_caption("\n".join(mentions)))
    labels, body = label_caption(caption), "\n".join(mentions)
    if labels.figure.label != UNCLEAR:
        return _besides(labels, body, paragraphs, (title, abstract))
    found = _around(body, paragraphs) or _about_patient(abstract, "abstract")
    if found is None and labels.figure.way is not Way.SUSPECTED:
        found = _about_paper(title)
    found = found or _before_outbreak(published)
    if found is None or (found.label == NEGATIVE and _suspects_the_disease(labels.figure)):
        return labels
    panels = {letter: found if v.way is Way.NOTHING_NAMED else v for letter, v in labels.panels.items()}
    return Labels(labels.figure if labels.figure.way in _NOT_FOR_ALL else found, panels)


_NOT_FOR_ALL = frozenset({Way.NOT_A_SCAN, Way.PLACES_DIFFER})
"""Verdicts on a figure that nothing around it changes."""


def _suspects_the_disease(verdict: Verdict) -> bool:
    return verdict.way is Way.SUSPECTED and verdict.term.startswith("disease")


def _around(body: str, paragraphs: Sequence[str]) -> Verdict | None:
    """What the text around says: whole paragraphs only where they state the disease of the person, for they tell of
    first tests, of relatives and of other germs as well; else the sentences of ``body``."""
    found = _about_patient("\n".join(paragraphs), "paragraph")
    return found if found is not None and found.way in (Way.SAID, Way.PROVEN) else _about_patient(body, "context")


def _besides(labels: Labels, body: str, paragraphs: Sequence[str], paper: tuple[str, str]) -> Labels:
    """``CT with a pulmonary embolism``, of a patient who, says the text, tested positive; or in a paper about the
    disease: what it brings, or how it looks, is no other disease.
    """
    own = labels.figure
    if own.way not in OTHER_DISEASES:
        return labels
    found = _around(body, paragraphs)
    if found is not None and (found.label != POSITIVE or not (own.besides or _together(body, own.term))):
        found = None
    if found is None and own.besides and own.way is not Way.FINAL_DIAGNOSIS:
        found = _of_paper(*paper, body)
    if found is None:
        return labels
    panels = {k: found if v.way in OTHER_DISEASES and v.besides else v for k, v in labels.panels.items()}
    return Labels(found, panels)


def _of_paper(title: str, abstract: str, body: str) -> Verdict | None:
    """The title's disease; where a title of two diseases, the abstract or the text names it, nobody knows."""
    if about := _about_paper(title):
        return about if about.label == POSITIVE else None
    for source, text in (("title", title), ("abstract", abstract), ("context", body)):
        named = [m for m in read(text) if m.means == "disease" and m.status not in ("negated", "topic")]
        if named:
            return shown(text, verdict_of(Way.SUSPECTED, named[0]), source)
    return None


def _together(body: str, rule: str) -> bool:
    """Whether a sentence about one person says that the disease is there and names what ``rule`` names."""
    term = rule.split("+")[0]
    both = [t.mentions for t in _parts(body) if t.of_one and any(m.rule == term for m in t.mentions)]
    return any(first_of(Reading(mentions, True), AFFIRMED) is not None for mentions in both)


def _as_context(labels: Labels) -> Labels:
    """Verdicts of a text that stands in for a missing caption."""
    panels = {letter: replace(v.moved(2), source="context") for letter, v in labels.panels.items()}
    return Labels(replace(labels.figure.moved(2), source="context"), panels)


_TITLE = re.compile(r"(?im)(?:^|\n|\.\s)title:\s*(?P<title>.+)$")
_MANY = re.compile(
    r"\b(?:\d+(?:\.\d+)?\s?%|patients|cases|studies|reported|literature|cohort|authors|et al|women|men|children|infants"
    r"|neonates|newborns|adults|individuals|people|persons|subjects|donors)\b",
    re.IGNORECASE,
)
_ALL_OF_THEM = re.compile(
    r"\b(?:all|both|each) (?:of )?(?:our|the|these|his|her)? ?(?:\w+ )?(?:patients|cases)\b", re.IGNORECASE
)
_OTHERS_WORK = re.compile(
    r"\b(?:studies|reported|literature|authors|et al|reviews?|according to|often|usually|commonly|frequently|typically"
    r"|generally|may|can|should|susceptib\w+|mechanisms?|pathogenesis|hypothes\w+)\b|%",
    re.IGNORECASE,
)
_CITES_FIGURE = re.compile(r"\bfig(?:s|ures?)?\b\.?\s?s?\d", re.IGNORECASE)


@dataclass(frozen=True)
class _Part:
    """A sentence of the text: its mentions, whether it names the figure, whether it tells of one person."""

    mentions: Sequence[Mention]
    of_figure: bool
    of_one: bool

    def count(self) -> list[Mention]:
        """The mentions that say something of the person in the figure."""
        if not self.of_one and not self.of_figure:
            return []
        return [m for m in self.mentions if (m.status != "history" or m.means == "disease") and self._of_somebody(m)]

    def shown_with(self) -> list[Mention]:
        """COVID-19 simply named with a person where the figure is cited: ``Fig. 2 shows a COVID-19 patient``."""
        if not self.of_figure or not any(m.means == "person" for m in self.mentions):
            return []
        return [m for m in self.mentions if m.means == "disease"]

    def _of_somebody(self, mention: Mention) -> bool:
        if not self.of_one:
            return mention.status == "affirmed" and any(m.means == "person" for m in self.mentions)
        parts = (
            mention.tested
            or mention.rule == _DIAGNOSIS
            or (mention.final and mention.means != "disease")
            or mention.by == "no-after"
        )
        return parts or any(m.means == "person" for m in self.mentions)


def _parts(text: str) -> list[_Part]:
    found = []
    spans = sentences(text)
    read_in: dict[Span, list[Mention]] = {span: [] for span in spans}
    starts = [start for start, _ in spans]
    for mention in read(text, spans):
        read_in[spans[bisect.bisect_right(starts, mention.start) - 1]].append(mention)
    for start, end in spans:
        sentence = text[start:end]
        cites = _CITES_FIGURE.search(sentence) is not None and _OTHERS_WORK.search(sentence) is None
        of_one = _MANY.search(sentence) is None or _ALL_OF_THEM.search(sentence) is not None
        found.append(_Part(read_in[start, end], cites, of_one))
    return found


def _about_patient(text: str, source: str) -> Verdict | None:
    """What ``text`` says of the person in the figure."""
    parts = _parts(text)
    reading = Reading([m for sentence in parts for m in sentence.count()], True)
    disease = Reading(reading.having("disease"), True)
    shown_with = Reading([m for sentence in parts for m in sentence.shown_with()], True)
    diagnosed = Reading([m for m in disease.mentions if m.rule == _DIAGNOSIS], True)
    tries = ((reading, AFFIRMED), (diagnosed, [NAMED]), (reading, [FINAL]), (disease, [REFUTED]), (shown_with, [NAMED]))
    chosen = next((v for of, rules in tries if (v := first_of(of, rules))), None)
    chosen = chosen or _instead(parts, reading) or _of_animals(parts)
    return shown(text, chosen.moved(_STEPS[source]), source) if chosen else None


_DIAGNOSIS = "disease-diagnosis"
_STEPS = {"paragraph": 5, "context": 5, "abstract": 7, "title": 6}


def _instead(parts: Sequence[_Part], reading: Reading) -> Verdict | None:
    """Another germ named beside a negative test for the disease; the test alone may have missed it."""
    tests = [m for m in reading.having("test", "negated") if m.rule == "test-named"]
    germs = [m for sentence in parts if sentence.of_one for m in sentence.mentions if m.means == "rival"]
    named_germs = [m for m in germs if m.status in ("plain", "affirmed")]
    return verdict_of(Way.OTHER_DISEASE, named_germs[0]) if tests and named_germs else None


def _of_animals(parts: Sequence[_Part]) -> Verdict | None:
    """A text that tells of animals and of no person."""
    mentions = [m for sentence in parts for m in sentence.mentions]
    if any(m.means == "person" for m in mentions):
        return None
    animals = [m for m in mentions if m.means == "animal"]
    return verdict_of(Way.ANIMAL, animals[0]) if animals else None


def _about_paper(title: str) -> Verdict | None:
    reading = replace(reading_of(title, [(0, len(title))]), about_scan=True, subject=None)
    verdict = decide(reading)
    several = verdict.label == POSITIVE and first_of(reading, OTHERS)
    if verdict.label not in (POSITIVE, NEGATIVE) or several:
        return None
    return shown(title, verdict.moved(_STEPS["title"]), "title")


def older_than_the_disease(published: str) -> bool:
    """Was a paper of this date (``2014-05-01``, ``2014``) printed before the profile's disease was known?"""
    first = current().first_cases
    dated = re.match(r"(?:19|20)\d\d", published) is not None
    return bool(first) and dated and published[: len(first)] < first[: len(published)]


def _before_outbreak(published: str) -> Verdict | None:
    if not older_than_the_disease(published):
        return None
    way = Way.BEFORE_OUTBREAK
    return Verdict(label_of(way), way, "published", (0, len(published)), "published", published)
