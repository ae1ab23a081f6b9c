"""What the text around a figure adds where its caption does not decide: mentions, title, abstract, date.

The paper's order: sub-caption, caption, the sentences that mention the figure, title, abstract. Statements about
many people, about relatives or about the literature say nothing of this picture and do not count.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from covidct.captions.labels import (
    NEGATIVE,
    NOTHING,
    POSITIVE,
    UNCLEAR,
    Labels,
    Verdict,
    affirmed,
    decide,
    final,
    label_caption,
    named,
    other_disease,
    refuted,
    shown,
    stands_in,
)
from covidct.captions.pictures import Reading, reading_of
from covidct.captions.reading import Mention, read
from covidct.captions.text import sentences

FIRST_CASES = "2019-12"
"""No paper published before this month shows COVID-19."""


def label_with_context(text: str, context: str) -> Labels:
    """``label_caption``, and where that is unclear, what ``context`` adds: text about the figure, then a line
    ``title: …`` where there is one.
    """
    found = _TITLE.search(context)
    body, title = (context[: found.start()], found["title"]) if found else (context, "")
    return label_figure(text, [body], title)


def label_figure(
    caption: str, mentions: Sequence[str] = (), title: str = "", abstract: str = "", published: str = ""
) -> Labels:
    """Sub-caption, caption, sentences that mention the figure, title, abstract: the first that decides holds.

    A caption that speaks of mere suspicion, or of a disease that a COVID-19 patient may have as well, gives way only
    to a finding about the patient. ``published`` is the
    paper's date (``2014-05-01``, ``2014`` or empty): what was printed before COVID-19 was known cannot show it.
    """
    if not caption.strip() and any(mention.strip() for mention in mentions):
        return _as_context(label_caption("\n".join(mentions)))
    labels = label_caption(caption)
    if labels.figure.label != UNCLEAR:
        return _besides(labels, "\n".join(mentions))
    found = _about_patient("\n".join(mentions), "context") or _about_patient(abstract, "abstract", 0.35)
    if found is None and not labels.figure.rule.startswith("suspected:"):
        found = _about_paper(title)
    found = found or _before_covid(published)
    if found is None or (found.label == NEGATIVE and labels.figure.rule.startswith("suspected:covid")):
        return labels
    panels = {letter: found if v.rule == NOTHING.rule else v for letter, v in labels.panels.items()}
    return Labels(found, panels)


def _besides(labels: Labels, body: str) -> Labels:
    """``CT with a pulmonary embolism``, of a patient who, says the text, tested positive for SARS-CoV-2."""
    own = labels.figure
    if not own.rule.startswith("other-disease:"):
        return labels
    found = _about_patient(body, "context")
    if found is None or found.label != POSITIVE or (stands_in(own) and not _together(body, own.rule)):
        return labels
    panels = {k: found if v.rule.startswith("other-disease:") else v for k, v in labels.panels.items()}
    return Labels(found, panels)


def _together(body: str, rule: str) -> bool:
    """Whether a sentence about one person says that COVID-19 is there and names what ``rule`` names."""
    term = rule.split(":")[1].split("+")[0]
    both = [t.mentions for t in _told(body) if t.of_one and any(m.rule == term for m in t.mentions)]
    return any(affirmed(Reading(mentions, True)) is not None for mentions in both)


def _as_context(labels: Labels) -> Labels:
    """Verdicts of a text that stands in for a missing caption."""
    panels = {letter: replace(v, source="context", score=v.score - 0.1) for letter, v in labels.panels.items()}
    return Labels(replace(labels.figure, source="context", score=labels.figure.score - 0.1), panels)


_TITLE = re.compile(r"(?im)(?:^|\n|\.\s)title:\s*(?P<title>.+)$")
_MANY = re.compile(
    r"\b(?:\d+(?:\.\d+)?\s?%|patients|cases|studies|reported|literature|cohort|authors|et al)\b", re.IGNORECASE
)
_ALL_OF_THEM = re.compile(
    r"\b(?:all|both|each) (?:of )?(?:our|the|these|his|her)? ?(?:\w+ )?(?:patients|cases)\b", re.IGNORECASE
)
_OTHERS_WORK = re.compile(
    r"\b(?:studies|reported|literature|authors|et al|reviews?|according to|often|usually|commonly|frequently|typically"
    r"|generally|may|can|should)\b|%",
    re.IGNORECASE,
)
_CITES_FIGURE = re.compile(r"\bfig(?:s|ures?)?\b\.?\s?s?\d", re.IGNORECASE)


@dataclass(frozen=True)
class _Told:
    """A sentence of the text: its mentions, whether it names the figure, whether it tells of one person."""

    mentions: Sequence[Mention]
    of_figure: bool
    of_one: bool

    def count(self) -> list[Mention]:
        """The mentions that say something of the person in the figure."""
        if not self.of_one and not self.of_figure:
            return []
        return [m for m in self.mentions if (m.status != "history" or m.means == "covid") and self._of_somebody(m)]

    def shown_with(self) -> list[Mention]:
        """COVID-19 simply named with a person where the figure is cited: ``Fig. 2 shows a COVID-19 patient``."""
        if not self.of_figure or not any(m.means == "person" for m in self.mentions):
            return []
        return [m for m in self.mentions if m.means == "covid"]

    def _of_somebody(self, mention: Mention) -> bool:
        if not self.of_one:
            return mention.status == "affirmed" and any(m.means == "person" for m in self.mentions)
        told = (
            mention.tested
            or mention.rule == "covid-diagnosis"
            or (mention.final and mention.means != "covid")
            or mention.by == "no-after"
        )
        return told or any(m.means == "person" for m in self.mentions)


def _told(text: str) -> list[_Told]:
    found = []
    for start, end in sentences(text):
        sentence = text[start:end]
        cites = _CITES_FIGURE.search(sentence) is not None and _OTHERS_WORK.search(sentence) is None
        of_one = _MANY.search(sentence) is None or _ALL_OF_THEM.search(sentence) is not None
        found.append(_Told(read(text, [(start, end)]), cites, of_one))
    return found


def _about_patient(text: str, source: str, less: float = 0.25) -> Verdict | None:
    """What ``text`` says of the person in the figure."""
    told = _told(text)
    mentions = [m for sentence in told for m in sentence.count()]
    reading = Reading(mentions, True)
    covid = Reading([m for m in mentions if m.means == "covid"], True)
    shown_with = Reading([m for sentence in told for m in sentence.shown_with()], True)
    diagnosed = Reading([m for m in covid.mentions if m.rule == "covid-diagnosis"], True)
    said = affirmed(reading) or named(diagnosed) or final(reading) or refuted(covid) or named(shown_with)
    said = said or _instead(told, reading) or _of_animals(told)
    return shown(text, replace(said, score=said.score - less), source) if said else None


def _instead(told: Sequence[_Told], reading: Reading) -> Verdict | None:
    """Another germ named beside a negative test for SARS-CoV-2; the test alone may have missed it."""
    tests = [m for m in reading.having("test", "negated") if m.rule == "test-named"]
    germs = [m for sentence in told if sentence.of_one for m in sentence.mentions if m.means == "rival"]
    named_germs = [m for m in germs if m.status in ("plain", "affirmed")]
    if not tests or not named_germs:
        return None
    return Verdict(NEGATIVE, f"other-disease:{named_germs[0].rule}", 0.8, named_germs[0].span)


def _of_animals(told: Sequence[_Told]) -> Verdict | None:
    """A text that tells of animals and of no person."""
    mentions = [m for sentence in told for m in sentence.mentions]
    if any(m.means == "person" for m in mentions):
        return None
    animals = [m for m in mentions if m.means == "animal"]
    return Verdict(NEGATIVE, f"animal:{animals[0].rule}", 0.8, animals[0].span) if animals else None


def _about_paper(title: str) -> Verdict | None:
    reading = replace(reading_of(title, [(0, len(title))]), about_scan=True, subject=None)
    verdict = decide(reading)
    several = verdict.label == POSITIVE and other_disease(reading)
    if verdict.label == UNCLEAR or several:
        return None
    return shown(title, replace(verdict, score=verdict.score - 0.3), "title")


def _before_covid(published: str) -> Verdict | None:
    if not re.match(r"(?:19|20)\d\d", published) or published[: len(FIRST_CASES)] >= FIRST_CASES[: len(published)]:
        return None
    return Verdict(NEGATIVE, "before-covid:published", 0.7, (0, len(published)), "published", published)
