"""What a change of each threshold does to the development scores: python benchmarks/thresholds.py [STAGE…]

Every number of the threshold dataclasses of extract, panels and triage is made smaller and larger, one at a time
(``--less 0.8 --more 1.25``), and its stage is scored again on ../shared: figures with their whole caption (F1 at an
overlap of 0.7), panels (mean of F1 at 0.75 and 0.9, exact counts and letters, real and drawn figures), triage (F1 of
what enters a release unseen). A row a threshold: its value and the changes of the score; last those that change
nothing. Development data only: no estimate of scores on new papers.
"""

import argparse
import copy
import dataclasses
import hashlib
import importlib
import importlib.util
import json
import pickle
import pkgutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mixed_figures
import numpy as np
from drawn.agreement import agreement

from covidct.pictures import open_picture

SHARED = Path(__file__).resolve().parents[2] / "shared"
TRUTH = SHARED / "data" / "truth"
NOT_SCORED = ("child", "doi", "stages")
"""Ends of modules that have no part in the score: the child process, the document's own DOI, drawings for people."""
Score = Callable[[], tuple[float, list[Any]]]
"""The score of a stage, and what it found in each paper or picture."""


def extract() -> Score:
    """F1 of figures with label and whole caption; boxes as they are before blank margins are cut off."""
    import pymupdf

    from covidct.harvest.extract import analyse, figures, page, strokes, unseen
    from covidct.harvest.extract.results import Limits
    from covidct.harvest.extract.tally import Tally

    analyse.prepare_library()
    scorer, truth = _scorer("figures"), json.loads((TRUTH / "figures.json").read_text())
    found = sorted((SHARED / "data" / "pdfs").rglob("*.pdf"))
    documents = {pdf.stem: pymupdf.open(pdf) for pdf in found if pdf.stem in truth}
    reading, kept = [copy.copy(module.LIMITS) for module in (page, strokes, unseen)], {}
    figures.render = lambda listing, on, figure, most: figures.Picture(np.zeros((1, 1, 3)), on.to_page(figure.box))
    figures.write = lambda pixels, target: (1, 1)
    figures.Work.listing = lambda self, number: None

    def pages(name: str) -> Any:
        """As they were read before, while no threshold of reading differs."""
        same = reading == [page.LIMITS, strokes.LIMITS, unseen.LIMITS]
        if not same or name not in kept:
            sources = [(source, source.get_displaylist()) for source in documents[name]]
            read = [analyse._read(*one, number, Tally()) for number, one in enumerate(sources, 1)]
            if not same:
                return read
            kept[name] = pickle.dumps(read)
        return pickle.loads(kept[name])  # noqa: S301  written above

    def figures_of(name: str) -> list[dict[str, Any]]:
        tally = Tally()
        work = analyse.lay_out(documents[name], pages(name), tally)
        analyse._find(work, tally)
        figures.write_figures(work, Path(), Limits(), tally)
        return [{"label": f.label, "page": f.page, "box": f.box, "caption": f.caption} for f in work.figures]

    def score() -> tuple[float, list[Any]]:
        found = {name: figures_of(name) for name in documents}
        counts, _, _ = scorer.score(truth, found, 0.7)
        return float(scorer.prf(counts["full"], counts["pred"], counts["truth"])[2]), list(found.values())

    return score


def panels() -> Score:
    """Mean of F1 at two overlaps, exact counts and letters, on real figures and on those of ``mixed_figures.py``."""
    from covidct.imaging.panels import charts, choose, cutting, second
    from covidct.imaging.panels.glyphs import LIMITS
    from covidct.imaging.panels.split import split

    known = []
    for folder in (TRUTH / "panels", TRUTH / "panels2"):
        for name, entry in json.loads((folder / "panels.json").read_text()).items():
            if entry.get("doubtful") is not True:
                told = [(p.get("label", ""), tuple(p["box"])) for p in entry["panels"]]
                known.append((open_picture(folder / "images" / name), told))
    mixed_figures.SLICES.extend(sorted((SHARED / "data" / "luna16-slices").glob("*.jpg"))[1::8])
    for number, make in enumerate(mixed_figures.KINDS):
        image, told = make(np.random.default_rng((0, number)))
        known.append((np.asarray(image), told))
    # What no threshold changes is worked out once: the forests, triage, and reading while its own limits stand.
    for module, name in ((cutting, "weigh"), (charts, "triage"), (choose, "triage"),
                         (second, "triage"), (choose, "triage_all"), (cutting, "characters")):  # fmt: skip
        setattr(module, name, remembered(getattr(module, name), LIMITS))

    def score() -> tuple[float, list[Any]]:
        cut = [[(p.label, p.box) for p in split(image).panels] for image, _ in known]
        found = agreement((told, panels) for (_, told), panels in zip(known, cut, strict=True))
        return (found.f1 + found.f1_tight + found.exact + found.letters) / 4, cut

    return score


def remembered(work: Callable[..., Any], held: Any) -> Callable[..., Any]:
    """``work`` on pictures, done once for each (and each state of ``held``)."""
    known: dict[Any, Any] = {}

    def again(pictures: Any, *rest: Any) -> Any:
        listed = pictures if isinstance(pictures, list) else [pictures]
        key = (*((p.shape, hashlib.sha256(np.ascontiguousarray(p)).digest()) for p in listed), rest, hash(held))
        if key not in known:
            known[key] = work(pictures, *rest)
        return known[key]

    return again


def triage() -> Score:
    """F1 of the CT slices of the lung that would enter a release unseen."""
    import csv

    from covidct.imaging.triage import RELEASE_SCORE, triage_all

    with (TRUTH / "triage" / "triage.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    images = [open_picture(TRUTH / "triage" / "images" / row["file"]) for row in rows]

    def score() -> tuple[float, list[Any]]:
        found = [v.kind == "ct_axial_lung" and v.score >= RELEASE_SCORE for v in triage_all(images)]
        true = [row["label"] == "ct_axial_lung" for row in rows]
        return 2 * sum(map(min, found, true)) / max(1, sum(found) + sum(true)), found

    return score


STAGES: dict[str, tuple[Callable[[], Score], str]] = {
    "extract": (extract, "covidct.harvest.extract"),
    "panels": (panels, "covidct.imaging.panels"),
    "triage": (triage, "covidct.imaging.triage"),
}


def thresholds(place: str) -> Iterator[tuple[str, Any, str, int | None]]:
    """(module, object, field, position in it or None) of every number in the threshold dataclasses of a package."""
    package = importlib.import_module(place)
    below = [found.name for found in pkgutil.iter_modules(getattr(package, "__path__", ()), f"{place}.")]
    for module in [package, *(importlib.import_module(name) for name in below if not name.endswith(NOT_SCORED))]:
        for name, value in vars(module).items():
            own = type(value).__module__ == module.__name__ and dataclasses.is_dataclass(value) and name.isupper()
            if own and not isinstance(value, type):
                for field in dataclasses.fields(value):
                    for index in _numbers(getattr(value, field.name)):
                        yield f"{module.__name__.rsplit('.', 1)[-1]}.{name}", value, field.name, index


def _numbers(value: Any) -> list[int | None]:
    if type(value) in (int, float):
        return [None]
    return [n for n, one in enumerate(value) if type(one) in (int, float)] if isinstance(value, tuple) else []


def changed(value: Any, index: int | None, factor: float) -> Any:
    """A threshold, or one number of it, times ``factor``; whole numbers change by one at least."""
    if index is not None:
        return (*value[:index], changed(value[index], None, factor), *value[index + 1 :])
    if isinstance(value, int):
        return max(round(value * factor), value + 1) if factor > 1 else min(round(value * factor), value - 1)
    return value * factor


def scored_with(held: Any, field: str, value: Any, score: Score) -> tuple[float, list[Any]]:
    """The score while ``field`` of the dataclass ``held``, which modules share, is ``value``."""
    before = getattr(held, field)
    object.__setattr__(held, field, value)
    try:
        return score()
    finally:
        object.__setattr__(held, field, before)


def main() -> None:
    """Print a table: threshold, value, changes of the score below and above, how many papers or pictures change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", nargs="*", choices=[*STAGES, []], help="default: all")
    parser.add_argument("--less", type=float, default=0.8, help="factor of the smaller value")
    parser.add_argument("--more", type=float, default=1.25, help="factor of the larger value")
    parser.add_argument("--part", default="0/1", help="K/N: every Nth threshold from the Kth, for runs side by side")
    words = parser.parse_args()
    part, parts = map(int, words.part.split("/"))
    for stage in words.stage or STAGES:
        make, place = STAGES[stage]
        score = make()
        base, before = score()
        print(
            f"{stage:<36}{'value':>10}{words.less:>9g}x{words.more:>9g}x{'changed':>9}   score {base:.3f}", flush=True
        )
        still = []
        for where, held, field, index in list(thresholds(place))[part::parts]:
            value, name = getattr(held, field), f"{where}.{field}" + ("" if index is None else f"[{index}]")
            factors = (words.less, words.more)
            (less, low), (more, high) = (scored_with(held, field, changed(value, index, f), score) for f in factors)
            other = sum(a != b or a != c for a, b, c in zip(before, low, high, strict=True))
            number = value if index is None else value[index]
            print(f"{name:<36}{number:>10g}{less - base:>+10.4f}{more - base:>+10.4f}{other:>9}", flush=True)
            still += [] if other else [name]
        print(f"{len(still)} change nothing in {len(before)} papers or pictures: {', '.join(still)}", flush=True)


def _scorer(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, SHARED / "score" / f"{name}.py")
    if spec is None or spec.loader is None:
        sys.exit(f"{SHARED}/score has no {name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
