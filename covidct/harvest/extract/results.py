"""What an extraction hands back, and the limits it runs under; plain values that travel as JSON."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from covidct.records import Box
from covidct.records import Dropped as Dropped

if TYPE_CHECKING:
    from covidct.harvest.articles import Article


@dataclass(frozen=True)
class Limits:
    """What one paper may cost."""

    seconds: float = 120
    """Wall clock per paper; the child is killed after it."""
    memory_mb: int = 2048
    """Address space of a child beyond what it needs to start."""
    file_mb: int = 512
    """Largest PDF that is opened."""
    pages: int = 2000
    """Pages read of one paper; the rest is dropped with a reason."""
    figures: int = 500
    picture_megapixels: int = 60
    """A larger picture is stored at a lower resolution."""
    papers_per_child: int = 100
    """After so many papers a child is replaced."""


@dataclass(frozen=True)
class ExtractedFigure:
    """One printed figure. ``page`` from 1; ``box`` in points of the page as shown, origin top left, without caption."""

    label: str
    page: int | None
    box: Box | None
    caption: str
    caption_page: int | None
    mentions: tuple[str, ...]
    paragraphs: tuple[str, ...]
    kind: str
    """``raster``, ``vector`` or ``mixed``."""
    picture: Path
    """A PNG that holds what the page shows inside ``box``, nothing more."""
    width: int
    height: int
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Rule names and scores: how the figure came to be."""


@dataclass(frozen=True)
class Extraction:
    """All that was found in one PDF; ``ok`` is False where it could not be read, and ``reason`` says why."""

    ok: bool
    reason: str = ""
    doi: str = ""
    """The document's own, as printed, with the version where one is printed (see doi.py)."""
    doi_weight: float = 0.0
    """Of the proofs that it is its own; from ``doi.RULES.strong`` on it stands without the title's agreement."""
    head: str = ""
    """The beginning of its text, for looking up a known title."""
    title: str = ""
    abstract: str = ""
    """As its first pages print it; empty where they do not plainly."""
    licence: str = ""
    """Code of the printed notice, such as ``cc-by-nc-nd-4.0``; empty where none is printed."""
    pages: int = 0
    figures: tuple[ExtractedFigure, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    rules: Mapping[str, int] = field(default_factory=dict)
    """How often each named rule fired."""
    doubts: tuple[str, ...] = ()
    """Why figures may be there that could not be seen (see doubts.py)."""
    spoken_of: tuple[str, ...] = ()
    """Numbers of figures that the running text speaks of."""
    article: Optional["Article"] = None
    """What the JATS or the saved page beside the PDF says: it is parsed in the child only."""
    article_reason: str = ""
    """Why it cannot be used."""
    seconds: float = 0.0


def to_json(extraction: Extraction) -> dict[str, Any]:
    """``extraction`` as JSON values; pictures as file names."""
    value = dataclasses.asdict(extraction)
    for figure in value["figures"]:
        figure["picture"] = Path(figure["picture"]).name
    return value


def from_json(value: Mapping[str, Any], folder: Path) -> Extraction:
    """The inverse of ``to_json``; pictures are looked for in ``folder`` and nowhere else."""
    figures = tuple(_figure(item, folder) for item in value["figures"])
    dropped = tuple(Dropped(**{**item, "box": _box(item["box"])}) for item in value["dropped"])
    lists = {name: tuple(map(str, value[name])) for name in ("doubts", "spoken_of")}
    article = None if value["article"] is None else _article(value["article"])
    return Extraction(**{**value, **lists, "figures": figures, "dropped": dropped, "article": article})


def _article(item: Mapping[str, Any]) -> "Article":
    from covidct.harvest.articles import article_from_json

    return article_from_json(item)


def _figure(item: Mapping[str, Any], folder: Path) -> ExtractedFigure:
    changes = {
        "picture": folder / Path(item["picture"]).name,
        "box": _box(item["box"]),
        "mentions": tuple(item["mentions"]),
        "paragraphs": tuple(item["paragraphs"]),
    }
    return ExtractedFigure(**{**item, **changes})


def _box(value: Any) -> Box | None:
    return None if value is None else (float(value[0]), float(value[1]), float(value[2]), float(value[3]))
