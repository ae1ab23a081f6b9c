"""A stretch of text as it is asked for a label: its mentions, and whether it speaks of a scan or of something else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from covidct.captions.reading import Mention, clean, read
from covidct.captions.rules import fold_lower
from covidct.captions.subjects import ONE_PERSON, without_body
from covidct.captions.text import Span


@dataclass(frozen=True)
class Reading:
    """The mentions of a stretch of text, with the questions that decisions ask of them."""

    mentions: Sequence[Mention]
    about_scan: bool | None
    """True: it speaks of a scan; False: of something that is no scan; None: it does not say."""
    text: str = ""
    caption: str = ""
    """The whole of which ``text`` is a part."""
    words: int = 0
    extent: Span = (0, 0)
    """From the first word to the last."""
    subject: Span | None = None
    """The first words, where they name nothing that a scan shows."""

    def having(self, means: str, *statuses: str) -> list[Mention]:
        return [m for m in self.mentions if m.means == means and (not statuses or m.status in statuses)]

    @property
    def false_positive(self) -> bool:
        return any(m.rule == "false-positive" for m in self.mentions)


def about_disease(mention: Mention) -> bool:
    """Whether the disease is named as a subject: a pandemic, a ward."""
    return mention.means == "topic" and mention.rule == "disease-as-topic"


def reading_of(text: str, spans: Sequence[Span], own_panel: bool = False) -> Reading:
    """The mentions of ``text[spans]`` and what the first words say that it shows."""
    mentions = read(text, spans)
    cleaned = clean(text)
    places = [m.span() for start, end in spans for m in _WORD.finditer(cleaned, start, end)]
    extent = (places[0][0], places[-1][1]) if places else (0, 0)
    own = " ".join(text[start:end] for start, end in spans)
    subject = without_body(cleaned, spans, mentions, _scans(mentions))
    if subject and not _about_disease_at_all(mentions) and (own_panel or _body_anywhere(own, mentions, subject)):
        subject = None
    if not own_panel and _GOES_ON.search(text, 0, extent[0] + 1):
        subject = None
    if _counted(own, mentions):
        subject = subject or extent
    about_scan = False if subject else _about_scan(mentions, fold_lower(cleaned))
    return Reading(mentions, about_scan, own, text, len(places), extent, subject)


_GOES_ON = re.compile(r"\)\s*[a-z]$")
"""``Before (A) and after (B) treatment``: what follows a letter within its sentence is not what a caption is about."""


def _about_disease_at_all(mentions: Sequence[Mention]) -> bool:
    return any(m.means in ("disease", "infected", "test", "suspect") or about_disease(m) for m in mentions)


def _body_anywhere(text: str, mentions: Sequence[Mention], subject: Span) -> bool:
    """Whether a caption that names no COVID-19 may show a body: a scan, an organ, one person, a process seen on one."""
    process = any(m.means == "process" and subject[0] <= m.start < subject[1] for m in mentions)
    organ = any(m.rule == "organ-of-a-scan" for m in mentions) or ONE_PERSON.search(fold_lower(text)) is not None
    return organ or bool(_scans(mentions)) or (process and any(m.means == "shown" for m in mentions))


_SHOWS = re.compile(
    r"\b(?:images?|imaging|axial|coronal|sagittal|slices?|windows?|radiographs?|shows?|showed|showing|reveal\w*"
    r"|demonstrat\w*|arrow\w*|images|views?|overla\w+)\b"
)


_SHARE = re.compile(r"\d\s?%")
_RELATION = re.compile(r"\W*(?:[a-d]\W+)?(?:correlations?|relationships?|associations?|agreement|regression)\b")
"""The first words of a chart, whatever it was counted on."""
_PEOPLE = re.compile(r"\b(?:patients|cases|subjects|children|adults|men|women|participants)\b", re.IGNORECASE)


def _counted(text: str, mentions: Sequence[Mention]) -> bool:
    """``CT findings stratified by week; numbers are percentages``: statistics, where no picture is spoken of."""
    folded = fold_lower(text)
    counted = any(m.rule == "statistics" for m in mentions) or _RELATION.match(folded) is not None
    counted = counted or (len(_SHARE.findall(text)) > 1 and _PEOPLE.search(text) is not None)
    return counted and _SHOWS.search(folded) is None and ONE_PERSON.search(folded) is None


def _scans(mentions: Sequence[Mention]) -> list[Mention]:
    """Mentions of a scan or of what is seen on one, without numbers made from scans."""
    numbers = [m for m in mentions if m.rule == "scan-as-number" or m.means == "noscan"]
    return [m for m in mentions if m.means == "scan" and not any(n.start < m.end and m.start < n.end for n in numbers)]


_WORD = re.compile(r"[A-Za-z]{2,}")


_BESIDE_SCANS = ("photograph", "laboratory-picture")
"""Pictures that stand beside a scan in one figure: "Photograph of the rash and chest CT"."""


def _said_in_passing(cue: Mention, cues: Sequence[Mention], folded: str) -> bool:
    """``Flow chart. Of 90 patients 60 had a chest CT``: a sentence that tells of scans and shows none."""
    return cue.means == "scan" and cue.sentence != cues[0].sentence and _SHOWS.search(folded, *cue.sentence) is None


_PICTURES = re.compile(r"\b(?:images|axial|coronal|slices?|sections?|radiographs?)\b")
_WORD_BEFORE = re.compile(r"[a-z]{2}")


def _begins_with_a_chart(cue: Mention, folded: str) -> bool:
    """``Plots of lung volumes on CT``: the first word of a caption, and no picture in its sentence."""
    first = cue.rule in ("chart", "statistics") and _WORD_BEFORE.search(folded, cue.sentence[0], cue.start) is None
    return first and _PICTURES.search(folded, *cue.sentence) is None


def _about_scan(mentions: Sequence[Mention], folded: str) -> bool | None:
    """Whether the first words of the sentences speak of a scan or of something else."""
    cues = [m for m in mentions if m.means in ("scan", "noscan", "vague") or m.rule == "scan-as-number"]
    if cues and cues[0].means == "noscan":
        if _begins_with_a_chart(cues[0], folded):
            return False
        cues = [m for m in cues if not _said_in_passing(m, cues, folded)]
    firsts = {m.sentence: m.means for m in reversed(cues)}
    kinds = list(firsts.values())
    if not kinds:
        return None
    scans = [m for m in _scans(mentions) if m.rule == "scan"]
    if kinds[0] == "noscan" and cues[0].rule in _BESIDE_SCANS and any(m.sentence == cues[0].sentence for m in scans):
        return True
    if kinds[0] in ("noscan", "topic") and "scan" not in kinds[1:]:
        return bool(scans) and not any(m.means == "noscan" for m in cues)
    if "noscan" in kinds and "scan" not in kinds:
        return False
    if all(kind == "vague" for kind in kinds):
        return bool(scans)
    return True if "scan" in kinds else bool(scans)
