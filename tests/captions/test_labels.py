"""Labels of made-up captions, phenomenon by phenomenon; evidence that is a span; never a positive from a denial."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from covidct.captions.labels import Labels, label_caption, label_with_context

SIGNS = {"+": "positive", "-": "negative", "?": "unclear"}


@dataclass(frozen=True)
class Case:
    phenomenon: str
    label: str
    panels: dict[str, str]
    text: str


def _cases() -> list[Case]:
    cases, phenomenon = [], ""
    for line in (Path(__file__).parent / "own_captions.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            phenomenon = line[3:]
        elif match := re.match(r"([+?-]) (?:\{(.*?)\} )?\|(.*)", line):
            panels = dict(pair.split(":") for pair in match[2].split(",")) if match[2] else {}
            cases.append(Case(phenomenon, SIGNS[match[1]], panels, match[3].strip()))
    return cases


CASES = _cases()


def test_there_are_enough_captions_of_every_phenomenon() -> None:
    assert len(CASES) >= 150
    assert len({case.phenomenon for case in CASES}) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.phenomenon}: {case.text[:60]}")
def test_own_caption(case: Case) -> None:
    labels = label_caption(case.text)
    assert labels.figure.label == case.label, labels.figure
    assert {letter: labels.panels[letter].label for letter in case.panels} == case.panels
    _evidence_is_a_span(case.text, labels)


def _evidence_is_a_span(text: str, labels: Labels) -> None:
    for verdict in (labels.figure, *labels.panels.values()):
        start, end = verdict.span
        assert verdict.evidence == " ".join(text[start:end].split())
        assert verdict.rule and 0 < verdict.score <= 1
        assert bool(verdict.evidence) == (verdict.rule != "nothing-named")
