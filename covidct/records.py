"""The nouns of covidct: paper, figure, panel, image, decision (see DESIGN, "The nouns")."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1; origin top left. PDF points on a page, pixels in a figure."""

POSITIVE_CLASS = "covid"
NEGATIVE_CLASS = "non-covid"
CLASSES = (NEGATIVE_CLASS, POSITIVE_CLASS)
"""Index 1 is the positive class, everywhere."""

SPLITS = ("train", "val", "test")

TRIAGE_KINDS = (
    "ct_axial_lung",
    "ct_other",
    "compound_with_ct",
    "xray",
    "pet",
    "chart_or_diagram",
    "microscopy",
    "photo",
    "logo",
    "other",
)
CT_KINDS = frozenset({"ct_axial_lung", "ct_other", "compound_with_ct"})
CAPTION_LABELS = ("positive", "negative", "unclear")


class PaperStatus(StrEnum):
    """Where a paper stands; ``reason`` says why."""

    LISTED = "listed"
    """Metadata known, nothing fetched yet."""
    MISSING = "missing"
    """Every source refused or failed: a person may download it (``show papers --missing``)."""
    FETCHED = "fetched"
    EXTRACTED = "extracted"
    FAILED = "failed"
    """The document is here and cannot be read."""
    WITHDRAWN = "withdrawn"
    FORGOTTEN = "forgotten"
    """A tombstone: bytes and text are purged."""


@dataclass(frozen=True)
class Paper:
    """One article, newest version known; ``source`` is the id prefix (``medrxiv``, ``pmc``, ``medpix``, ``file``…)."""

    paper_id: str
    source: str
    doi: str = ""
    version: int = 1
    versions: tuple[int, ...] = ()
    title: str = ""
    abstract: str = ""
    date: str = ""
    server: str = ""
    category: str = ""
    licence: str = ""
    url: str = ""
    jats_url: str = ""
    status: PaperStatus = PaperStatus.LISTED
    reason: str = ""
    source_file: str = ""
    sha256: str = ""
    """Of the PDF; empty where there is none."""
    jats_sha256: str = ""


@dataclass(frozen=True)
class Figure:
    """One printed figure. ``page`` counts from 1; ``page`` and ``box`` are None where only JATS knows the figure."""

    figure_id: str
    paper_id: str
    source_file: str = ""
    label: str = ""
    page: int | None = None
    box: Box | None = None
    caption: str = ""
    caption_page: int | None = None
    mentions: tuple[str, ...] = ()
    """Sentences of the text that mention it."""
    paragraphs: tuple[str, ...] = ()
    """The whole paragraphs that they stand in, as far as the text could be cut into paragraphs."""
    kind: str = ""
    file: str = ""
    """Path of the picture below the workspace's folder, POSIX; content-addressed."""
    width: int = 0
    height: int = 0
    sha256: str = ""
    licence: str = ""
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """How the figure came to be: rule names and scores."""
    pair: str = ""
    """How caption and picture came together (``same-page``, ``by-order-unequal``…); empty where it was not noted."""
    pair_score: float = 0.0


@dataclass(frozen=True)
class Panel:
    """One picture inside a figure; ``box`` in figure pixels. Label fields hold the decision in force."""

    panel_id: str
    figure_id: str
    panel_label: str = ""
    box: Box = (0, 0, 0, 0)
    sub_caption: str = ""
    kind: str = ""
    score: float = 0.0
    label: str = ""
    label_by: str = ""
    label_evidence: str = ""
    patient_id: str = ""
    file: str = ""
    width: int = 0
    height: int = 0
    sha256: str = ""
    letter_by: str = "none"
    """``read`` off the picture, ``inferred`` from the run of its neighbours or the caption, or ``none``."""


@dataclass(frozen=True)
class Dropped:
    """Something that a step saw and left out: what, why, where (``page`` from 1, ``box`` in that step's units)."""

    what: str
    """A short name: a printed label such as ``Figure 2``, or a kind of thing."""
    reason: str
    page: int | None = None
    box: Box | None = None
    rule: str = ""
    """Name of the rule that left it out."""


@dataclass(frozen=True)
class Anchor:
    """What was looked at when a decision was made: it must never be applied to anything else."""

    paper_id: str
    version: int
    page: int | None
    box: Box | None
    """Of the figure on its page, PDF points."""
    panel_box: Box | None
    """Of the panel in its figure, as fractions of the figure's width and height."""
    pixel_hash: str
    """SHA-256 of the decoded picture's mode, size and pixels."""


@dataclass(frozen=True)
class Decision:
    """One choice by a rule (``rule:NAME@VERSION``) or a person (``curator:NAME``), never changed once written."""

    entity: str
    """``paper``, ``figure``, ``panel`` or ``pair``."""
    entity_id: str
    field: str
    value: Any
    """Any JSON value."""
    by: str
    why: str = ""
    """One line a curator understands."""
    score: float | None = None
    """How sure, 0 to 1, where the rule can say."""
    evidence: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Rule id, offsets, boxes: what a page needs to show the reason."""
    anchor: Anchor | None = None
    seconds: float = 0.0
    undoes: int | None = None
    decision_id: int = 0
    """Position in the journal; 0 until written."""
    at: str = ""
    """UTC, ISO 8601; set when written."""
