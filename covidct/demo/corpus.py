"""A small corpus that the program draws itself: papers with CT-like figures, their truth written down beside them.

The same seed gives the same bytes. Every person, finding and sentence is made up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covidct.demo.drawing import Arrow, FigurePicture, chart_bars, compose
from covidct.imaging.phantoms import phantom
from covidct.records import Box

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class MadePanel:
    """A CT panel that was drawn: letter, place (fractions of the figure), and what its caption says."""

    letter: str
    place: Box
    label: str
    """``positive``, ``negative`` or ``unclear``."""


@dataclass(frozen=True)
class MadeFigure:
    """A figure with its caption and truth; ``bars`` instead of a picture makes a vector chart."""

    label: str
    caption: str
    picture: FigurePicture | None
    bars: tuple[float, ...] = ()
    panels: tuple[MadePanel, ...] = ()


@dataclass(frozen=True)
class MadePaper:
    """A paper as the made-up server lists and serves it."""

    doi: str
    date: str
    title: str
    abstract: str
    licence: str
    body: tuple[str, ...]
    figures: tuple[MadeFigure, ...]


def make_papers(count: int, seed: int) -> list[MadePaper]:
    """``count`` papers, all kinds in turn, dated inside the window 2020-01-19 to 2020-03-25."""
    return [_paper(number, np.random.default_rng([seed, number])) for number in range(count)]


def _paper(number: int, rng: np.random.Generator) -> MadePaper:
    title, abstract, figures = KINDS[number % len(KINDS)](rng)
    month, day = (2, number % 28 + 1) if number % 2 else (3, number % 25 + 1)
    body = tuple(_mention(figure, rng) for figure in figures)
    return MadePaper(
        doi=f"10.1101/2020.{month:02d}.{day:02d}.{20020000 + number:08d}",
        date=f"2020-{month:02d}-{day:02d}",
        title=title,
        abstract=abstract,
        licence="cc_by" if number % 3 else "cc0",
        body=body,
        figures=tuple(figures),
    )


def _mention(figure: MadeFigure, rng: np.random.Generator) -> str:
    lead = rng.choice(["Imaging was reviewed by two readers.", "All data were collected at one centre."])
    return f"{lead} The findings are shown in {figure.label.rstrip('.')} and were stable between the two readings."


def _person(rng: np.random.Generator) -> str:
    return f"{rng.integers(28, 84)}-year-old {rng.choice(['woman', 'man'])}"


def _slices(rng: np.random.Generator, lesions: list[bool]) -> list[Grey]:
    return [phantom(rng, size=int(rng.choice([224, 256])), lesion=lesion) for lesion in lesions]


def _arrow(rng: np.random.Generator) -> Arrow | None:
    if rng.random() < 0.4:
        return None
    x, y, angle = (float(v) for v in rng.uniform([0.3, 0.3, 0.0], [0.7, 0.7, 6.28]))
    return Arrow(x, y, angle)


def _ct_figure(
    rng: np.random.Generator,
    number: int,
    caption: str,
    labels: list[str],
    lesions: list[bool],
    columns: int,
) -> MadeFigure:
    slices = _slices(rng, lesions)
    letters = [chr(ord("A") + i) for i in range(len(slices))] if len(slices) > 1 else [""]
    dark = bool(rng.random() < 0.4)
    picture = compose(slices, letters, columns, gutter=int(rng.integers(4, 12)), dark=dark, arrow=_arrow(rng))
    panels = tuple(
        MadePanel(letter, place, label) for letter, place, label in zip(letters, picture.places, labels, strict=True)
    )
    return MadeFigure(f"Figure {number}.", caption, picture, panels=panels)


def _chart_figure(rng: np.random.Generator, number: int) -> MadeFigure:
    caption = "Days from the first symptom to admission. Bars give the number of patients in each class."
    return MadeFigure(f"Figure {number}.", caption, None, bars=chart_bars(rng))


def _case_report(rng: np.random.Generator) -> tuple[str, str, list[MadeFigure]]:
    who = _person(rng)
    caption = (
        f"Axial chest CT of a {who} with COVID-19 confirmed by RT-PCR on day {rng.integers(3, 12)} of illness, "
        "showing ground-glass opacities in both lower lobes."
    )
    figures = [_ct_figure(rng, 1, caption, ["positive"], [True], 1), _chart_figure(rng, 2)]
    return f"Chest CT findings in a {who} with COVID-19", "We report one patient with COVID-19.", figures


def _follow_up(rng: np.random.Generator) -> tuple[str, str, list[MadeFigure]]:
    who, days = _person(rng), sorted(int(d) for d in rng.choice(range(1, 30), 4, replace=False))
    parts = ". ".join(f"({letter}) Day {day} after onset" for letter, day in zip("ABCD", days, strict=True))
    caption = f"Serial chest CT of a {who} with laboratory-confirmed SARS-CoV-2 infection. {parts}."
    figure = _ct_figure(rng, 1, caption, ["positive"] * 4, [True] * 4, 2)
    return "Temporal changes of COVID-19 pneumonia on CT", "Serial scans of a patient with COVID-19.", [figure]


def _controls(rng: np.random.Generator) -> tuple[str, str, list[MadeFigure]]:
    who = _person(rng)
    first = f"Axial CT of a {who} with bacterial pneumonia caused by Streptococcus pneumoniae; RT-PCR was negative."
    second = (
        "CT scans of two patients without COVID-19. (A) Pulmonary tuberculosis. (B) Normal lungs of a healthy control."
    )
    figures = [
        _ct_figure(rng, 1, first, ["negative"], [bool(rng.random() < 0.5)], 1),
        _ct_figure(rng, 2, second, ["negative", "negative"], [True, False], 2),
    ]
    return "Bacterial pneumonia and its mimics on chest CT", "Patients without COVID-19 were studied.", figures


def _contrast(rng: np.random.Generator) -> tuple[str, str, list[MadeFigure]]:
    caption = (
        f"(A) A {_person(rng)} with COVID-19 pneumonia. (B) A {_person(rng)} with influenza pneumonia who tested "
        f"negative for SARS-CoV-2. (C) A {_person(rng)} with COVID-19 pneumonia and consolidation."
    )
    figure = _ct_figure(rng, 1, caption, ["positive", "negative", "positive"], [True, False, True], 3)
    return "COVID-19 versus influenza on chest CT", "We compare two kinds of viral pneumonia.", [figure]


def _suspected(rng: np.random.Generator) -> tuple[str, str, list[MadeFigure]]:
    caption = f"Axial chest CT of a {_person(rng)} with suspected viral pneumonia. The test result is pending."
    figures = [_ct_figure(rng, 1, caption, ["unclear"], [True], 1), _chart_figure(rng, 2)]
    return "Early imaging of patients with fever", "Patients with fever were scanned on admission.", figures


def _normal_lungs(rng: np.random.Generator) -> tuple[str, str, list[MadeFigure]]:
    caption = (
        "Chest CT of four healthy volunteers without lung disease, read as normal. (A) Volunteer 1. (B) Volunteer 2. "
        "(C) Volunteer 3. (D) Volunteer 4."
    )
    figure = _ct_figure(rng, 1, caption, ["negative"] * 4, [False] * 4, 2)
    return "Reference values of lung density on CT", "Healthy volunteers were scanned at low dose.", [figure]


KINDS: tuple[Callable[[np.random.Generator], tuple[str, str, list[MadeFigure]]], ...] = (
    _case_report,
    _controls,
    _follow_up,
    _normal_lungs,
    _contrast,
    _suspected,
)


def truth_of(papers: list[MadePaper], boxes: dict[tuple[str, str], tuple[int, Box]]) -> list[dict[str, Any]]:
    """What the demo is scored against: figures with page and box (points), panels with letter, place and label."""
    rows = []
    for paper in papers:
        for figure in paper.figures:
            page, box = boxes[paper.doi, figure.label]
            rows.append(
                {
                    "doi": paper.doi,
                    "label": figure.label,
                    "page": page,
                    "box": list(box),
                    "caption": figure.caption,
                    "panels": [{"letter": p.letter, "place": list(p.place), "label": p.label} for p in figure.panels],
                }
            )
    return rows
