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
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mixed_figures
import numpy as np
from drawn.agreement import agreement

from covidct.pictures import open_picture

SHARED = Path(__file__).resolve().parents[2] / "shared"
TRUTH = SHARED / "data" / "truth"
PAGES = 20
"""Papers with more are left out of the sweep of extract."""
NOT_SCORED = ("child", "doi", "stages")
"""Ends of modules that have no part in the score: the child process, the document's own DOI, drawings for people."""
Score = Callable[[], float]


def extract() -> Score:
    """F1 of figures with label and whole caption, on the papers of at most ``PAGES`` pages, drawn small."""
    import pymupdf

    from covidct.harvest.extract import analyse as stages
    from covidct.harvest.extract import page, strokes, unseen
    from covidct.harvest.extract.results import Limits

    stages.prepare_library()
    scorer, truth = _scorer("figures"), json.loads((TRUTH / "figures.json").read_text())
    pdfs = [pdf for pdf in sorted((SHARED / "data" / "pdfs").rglob("*.pdf")) if pdf.stem in truth]
    pdfs = [pdf for pdf in pdfs if pymupdf.open(pdf).page_count <= PAGES]
    truth = {pdf.stem: truth[pdf.stem] for pdf in pdfs}
    reading = [copy.copy(module.LIMITS) for module in (page, strokes, unseen)]
    read, kept = stages._read, {}

    def read_once(source: Any, listing: Any, number: int, tally: Any) -> Any:
        """A page as it was read before, while no threshold of reading differs."""
        if reading != [page.LIMITS, strokes.LIMITS, unseen.LIMITS]:
            return read(source, listing, number, tally)
        place = (source.parent.name, number)
        if place not in kept:
            kept[place] = pickle.dumps(read(source, listing, number, tally))
        return pickle.loads(kept[place])  # noqa: S301  written above

    stages._read = read_once

    def score() -> float:
        found = {}
        with tempfile.TemporaryDirectory() as out:
            for pdf in pdfs:
                got = stages.analyse(pdf, Path(out), Limits(picture_megapixels=0.1)).figures
                known = [figure for figure in got if figure.box is not None]
                found[pdf.stem] = [
                    {"label": f.label, "page": f.page, "box": f.box, "caption": f.caption} for f in known
                ]
        counts, _, _ = scorer.score(truth, found, 0.7)
        return float(scorer.prf(counts["full"], counts["pred"], counts["truth"])[2])

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
    for number, make in enumerate(mixed_figures.KINDS * 2):
        image, told = make(np.random.default_rng((0, number)))
        known.append((np.asarray(image), told))
    # What no threshold changes is worked out once: the forests, triage, and reading while its own limits stand.
    for module, name in ((cutting, "weigh"), (second, "weigh"), (charts, "triage"), (choose, "triage"),
                         (second, "triage"), (choose, "triage_all"), (cutting, "characters")):  # fmt: skip
        setattr(module, name, remembered(getattr(module, name), LIMITS))

    def score() -> float:
        found = agreement((told, [(p.label, p.box) for p in split(image).panels]) for image, told in known)
        return (found.f1 + found.f1_tight + found.exact + found.letters) / 4

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

    def score() -> float:
        found = [v.kind == "ct_axial_lung" and v.score >= RELEASE_SCORE for v in triage_all(images)]
        true = [row["label"] == "ct_axial_lung" for row in rows]
        return 2 * sum(map(min, found, true)) / max(1, sum(found) + sum(true))

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


def scored_with(held: Any, field: str, value: Any, score: Score) -> float:
    """The score while ``field`` of the dataclass ``held``, which modules share, is ``value``."""
    before = getattr(held, field)
    object.__setattr__(held, field, value)
    try:
        return score()
    finally:
        object.__setattr__(held, field, before)


def main() -> None:
    """Print a table: threshold, value, changes of the score below and above, and which change nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", nargs="*", choices=[*STAGES, []], help="default: all")
    parser.add_argument("--less", type=float, default=0.8, help="factor of the smaller value")
    parser.add_argument("--more", type=float, default=1.25, help="factor of the larger value")
    words = parser.parse_args()
    for stage in words.stage or STAGES:
        make, place = STAGES[stage]
        score = make()
        base = score()
        print(f"{stage:<36}{'value':>10}{words.less:>9g}x{words.more:>9g}x   score {base:.3f}", flush=True)
        still = []
        for where, held, field, index in thresholds(place):
            value = getattr(held, field)
            factors = (words.less, words.more)
            less, more = (scored_with(held, field, changed(value, index, f), score) - base for f in factors)
            name = f"{where}.{field}" + ("" if index is None else f"[{index}]")
            print(f"{name:<36}{value if index is None else value[index]:>10g}{less:>+10.4f}{more:>+10.4f}", flush=True)
            still += [name] if not less and not more else []
        print(f"{len(still)} change nothing on these sets: {', '.join(still)}", flush=True)


def _scorer(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, SHARED / "score" / f"{name}.py")
    if spec is None or spec.loader is None:
        sys.exit(f"{SHARED}/score has no {name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
