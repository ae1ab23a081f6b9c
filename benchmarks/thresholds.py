"""What a change of each threshold does to the development scores: python benchmarks/thresholds.py [STAGE…] [--step 0.2]

Every number of the threshold dataclasses of extract, panels and triage is made smaller and larger by ``--step``, one
at a time, and its stage is scored again on ../shared: figures with their whole caption (F1 at an overlap of 0.7),
panels (F1 at an overlap of 0.75, real and drawn figures), triage (F1 of what enters a release unseen). A row a
threshold: its value and the changes of the score. Development data only: no estimate of scores on new papers.
"""

import argparse
import dataclasses
import importlib
import importlib.util
import json
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from drawn.agreement import agreement
from drawn.figures import LAYOUTS, compose
from drawn.prints import draw_phantom, printed_set

from covidct.pictures import open_picture

SHARED = Path(__file__).resolve().parents[2] / "shared"
TRUTH = SHARED / "data" / "truth"
DRAWN = 60
"""Drawn figures beside the real ones, every layout in turn."""
Score = Callable[[], float]


def extract() -> Score:
    """F1 of figures with label and whole caption."""
    from covidct.harvest.extract.analyse import analyse, prepare_library
    from covidct.harvest.extract.results import Limits

    prepare_library()
    scorer, truth = _scorer("figures"), json.loads((TRUTH / "figures.json").read_text())
    pdfs = sorted(pdf for pdf in (SHARED / "data" / "pdfs").rglob("*.pdf") if pdf.stem in truth)

    def score() -> float:
        found = {}
        with tempfile.TemporaryDirectory() as out:
            for pdf in pdfs:
                figures = [f for f in analyse(pdf, Path(out), Limits()).figures if f.box is not None]
                found[pdf.stem] = [
                    {"label": f.label, "page": f.page, "box": f.box, "caption": f.caption} for f in figures
                ]
        counts, _, _ = scorer.score(truth, found, 0.7)
        return float(scorer.prf(counts["full"], counts["pred"], counts["truth"])[2])

    return score


def panels() -> Score:
    """F1 of panels."""
    from covidct.imaging.panels.split import split

    folder = TRUTH / "panels"
    truth = json.loads((folder / "panels.json").read_text())
    known = [
        (open_picture(folder / "images" / name), [(p["label"], tuple(p["box"])) for p in entry["panels"]])
        for name, entry in truth.items()
    ]
    rng = np.random.default_rng(0)
    slices = printed_set(rng, [draw_phantom(rng) for _ in range(30)], 30)
    for number in range(DRAWN):
        made = compose(np.random.default_rng((0, number)), slices, list(LAYOUTS)[number % len(LAYOUTS)])
        known.append((made.image, [(p.label, p.box) for p in made.panels]))
    return lambda: agreement((told, [(p.label, p.box) for p in split(image).panels]) for image, told in known).f1


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


def thresholds(place: str) -> Iterator[tuple[str, Any, str]]:
    """(module and name, object, field) of every number in the threshold dataclasses of a module or a package."""
    package = importlib.import_module(place)
    below = pkgutil.iter_modules(getattr(package, "__path__", ()), f"{place}.")
    for module in [
        package,
        *(importlib.import_module(found.name) for found in below if not found.name.endswith("child")),
    ]:
        for name, value in vars(module).items():
            own = type(value).__module__ == module.__name__ and dataclasses.is_dataclass(value) and name.isupper()
            if own and not isinstance(value, type):
                numbers = [f.name for f in dataclasses.fields(value) if type(getattr(value, f.name)) in (int, float)]
                yield from ((f"{module.__name__.rsplit('.', 1)[-1]}.{name}", value, field) for field in numbers)


def scored_with(held: Any, field: str, number: float, score: Score) -> float:
    """The score while ``field`` of the dataclass ``held``, which modules share, is ``number``."""
    before = getattr(held, field)
    object.__setattr__(held, field, type(before)(round(number) if isinstance(before, int) else number))
    try:
        return score()
    finally:
        object.__setattr__(held, field, before)


def main() -> None:
    """Print a table: threshold, value, score as it is, changes of the score below and above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", nargs="*", choices=[*STAGES, []], help="default: all")
    parser.add_argument("--step", type=float, default=0.2, help="change of a threshold, as a share of it")
    words = parser.parse_args()
    for stage in words.stage or STAGES:
        make, place = STAGES[stage]
        score = make()
        base = score()
        print(
            f"{stage:<32}{'value':>10}{f'-{words.step:.0%}':>10}{f'+{words.step:.0%}':>10}   score {base:.3f}",
            flush=True,
        )
        for where, held, field in thresholds(place):
            value = getattr(held, field)
            less, more = (scored_with(held, field, value * (1 + sign * words.step), score) for sign in (-1, 1))
            print(f"{where + '.' + field:<32}{value:>10g}{less - base:>+10.3f}{more - base:>+10.3f}", flush=True)


def _scorer(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, SHARED / "score" / f"{name}.py")
    if spec is None or spec.loader is None:
        sys.exit(f"{SHARED}/score has no {name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
