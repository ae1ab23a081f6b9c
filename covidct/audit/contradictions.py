"""Labels that their own captions or titles contradict.

Only what a text says outright counts: another disease that stands for itself, a control or healthy person, an animal,
COVID-19 denied; or, for a negative, COVID-19 said. A negative test alone, a photograph beside the scan, or a second
disease of a patient with COVID-19 is no contradiction.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from covidct.audit.captions import Text
from covidct.audit.findings import Finding, finding
from covidct.captions.labels import label_caption
from covidct.captions.ways import NEGATIVE, OTHER_DISEASES, Verdict, Way
from covidct.files import sha256_bytes
from covidct.records import NEGATIVE_CLASS, POSITIVE_CLASS

_NAME = (
    r"(?:(?:novel\s+)?corona\s?virus(?:\s+(?:disease|pneumonia))?(?:[\s-]*2019)?|covid(?:[\s-]*19)?|sars-?cov-?2"
    r"|2019[\s-]*n?-?cov|\bncp\b)"
)
_COVID = re.compile(_NAME, re.IGNORECASE)
_AGAINST = r"(?:and|or|versus|vs\.?|from|compared (?:with|to))"
_SET_AGAINST = re.compile(
    rf"\b{_AGAINST}\s+(?:the\s+)?{_NAME}|{_NAME}(?:\s+(?:pneumonia|infection))?\s+{_AGAINST}\s+(?!after|before)",
    re.IGNORECASE,
)
_ONE_PANEL = re.compile(r"(?:(?<=[.;:])|(?<=\d))\s*\(?([A-Z])(?:\)|,|\.|:)\s*(?=[A-Z0-9])")
_SUBJECT_NEGATIVE = re.compile(r"\b[a-z]{4,}-negative\b")


@dataclass(frozen=True)
class Contradiction:
    """One image whose text says otherwise than its label; ``place`` = offsets in the text of ``source``."""

    image: str
    rule: str
    source: str
    place: tuple[int, int]
    digest: str


Rule = Callable[[str, str], Verdict | None]


def own_text(caption: str) -> tuple[str, str]:
    """(what is said of all panels, what is said of this one) for a caption that holds a single panel letter."""
    marks = list(_ONE_PANEL.finditer(caption))
    if len(marks) != 1:
        return caption, ""
    return caption[: marks[0].start()].strip(), caption[marks[0].end() :].strip()


def _outright(caption: str, title: str) -> Verdict | None:
    """The caption as a whole, or all of its panels that say anything, name another disease, a control, an animal."""
    labels = label_caption(caption)
    verdicts = [verdict for verdict in labels.panels.values() if verdict.label != "unclear"] or [labels.figure]
    return verdicts[0] if all(_stands(verdict) for verdict in verdicts) else None


def _contrast(caption: str, title: str) -> Verdict | None:
    """The heading sets COVID-19 against another disease, and this panel's own text names the other one."""
    heading, own = own_text(caption)
    if not own or not _SET_AGAINST.search(heading) or _COVID.search(own):
        return None
    other = label_caption(_COVID.sub("", heading)).figure
    verdict = label_caption(own).figure
    named = other.way in OTHER_DISEASES and verdict.way in OTHER_DISEASES
    return verdict if named and verdict.label == NEGATIVE else None


def _title(caption: str, title: str) -> Verdict | None:
    """The title is about another disease, COVID-19 stands neither in it nor in the caption."""
    if not title or _COVID.search(title) or _COVID.search(caption):
        return None
    verdict = label_caption(title).figure
    about = verdict.way in OTHER_DISEASES and not verdict.besides
    return verdict if verdict.label == NEGATIVE and about else None


def _affirmed(caption: str, title: str) -> Verdict | None:
    """The caption says that the person has COVID-19, and this panel's own text does not say otherwise."""
    if _contrast(caption, title) is not None:
        return None
    labels = label_caption(caption)
    verdicts = list(labels.panels.values()) or [labels.figure]
    return verdicts[0] if all(v.label == "positive" for v in verdicts) else None


AGAINST_COVID: Mapping[str, Rule] = {"caption": _outright, "panel": _contrast, "title": _title}
AGAINST_NEGATIVE: Mapping[str, Rule] = {"caption": _affirmed}


def contradictions(images: pd.DataFrame, texts: Mapping[str, Text]) -> list[Contradiction]:
    """Every image whose label its caption or title contradicts, by the first rule that says so."""
    found = []
    known: dict[tuple[str, Text], Contradiction | None] = {}
    for image, label in zip(images["image_id"], images["label"], strict=True):
        text = texts.get(image)
        if text is None:
            continue
        if (label, text) not in known:
            known[label, text] = _contradiction(label, text)
        hit = known[label, text]
        if hit is not None:
            found.append(Contradiction(image, hit.rule, hit.source, hit.place, hit.digest))
    return found


def contradiction_findings(found: Sequence[Contradiction], images: pd.DataFrame) -> Iterator[Finding]:
    """One finding for each text that contradicts, with all images it stands under."""
    papers = dict(zip(images["image_id"], images["paper_id"], strict=True))
    labels = dict(zip(images["image_id"], images["label"], strict=True))
    by_text: dict[tuple[str, str], list[Contradiction]] = defaultdict(list)
    for one in found:
        by_text[one.digest, labels[one.image]].append(one)
    for (digest, label), same in sorted(by_text.items()):
        first = same[0]
        text = (
            f"labelled {label}, but the {first.source} says otherwise: rule {first.rule}, "
            f"characters {first.place[0]} to {first.place[1]}, text sha256 {digest}"
        )
        action = "read the text; correct the label, or take the images out"
        names = [one.image for one in same]
        yield finding("label-contradicted", "error", text, action, names, [papers[name] for name in names])


def _contradiction(label: str, text: Text) -> Contradiction | None:
    rules = {POSITIVE_CLASS: AGAINST_COVID, NEGATIVE_CLASS: AGAINST_NEGATIVE}.get(label, {})
    for name, rule in rules.items():
        verdict = rule(text.caption, text.title) if text.caption or name == "title" else None
        if verdict is not None:
            source = text.title if name == "title" else text.caption
            digest = sha256_bytes(source.encode())[:16]
            return Contradiction(
                "", f"{name}/{verdict.rule}", "title" if name == "title" else "caption", verdict.span, digest
            )
    return None


def _stands(verdict: Verdict) -> bool:
    """Whether a negative verdict on a caption says outright that this is no COVID-19."""
    if verdict.label != NEGATIVE:
        return False
    if verdict.way in _OUTRIGHT:
        return True
    if verdict.way in OTHER_DISEASES:
        return not verdict.besides
    named = verdict.way is Way.DENIED and verdict.term.startswith(("disease-name", "disease-agent"))
    return named and not _SUBJECT_NEGATIVE.search(verdict.evidence)


_OUTRIGHT = frozenset({Way.FINAL_DIAGNOSIS, Way.ANIMAL, Way.OTHER_CLASS, Way.HEALTHY})
