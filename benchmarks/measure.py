"""Every scorer of ../shared/score whose data are there, in one table: the figures that closing notes quote.

    python benchmarks/measure.py [NAME…]      names: figures jats subcaptions captions panels triage mask dedup

Scratch files go to .measure/. A scorer that cannot run is a row that says so, and the exit code is 1.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared"
DATA, SCORE, TRUTH = SHARED / "data", SHARED / "score", SHARED / "data" / "truth"
SCRATCH = REPO / ".measure"

Scores = dict[str, float]
TARGETS: dict[str, dict[str, str]] = {
    "figures": {"figures_f1_iou70": ">= 0.95", "pairs_f1_iou70": ">= 0.93", "pairs_whole_caption_f1_iou70": ">= 0.88"},
    "jats": {"labels_found": ">= 0.95", "right_number": ">= 0.9", "right_order": ">= 0.9", "whole_caption": ">= 0.92"},
    "subcaptions": {"letters_f1": ">= 0.95", "text_token_f1": ">= 0.9"},
    "captions": {"macro_f1": ">= 0.9", "negatives_called_positive": "at most one", "panel_accuracy": ""},
    "captions with context": {"macro_f1": "above without", "negatives_called_positive": "", "panel_accuracy": ""},
    "panels": {"f1": ">= 0.95", "f1_iou90": ">= 0.9", "exact_count": ">= 0.9", "label_accuracy": ">= 0.9"},
    "triage": {"recall": ">= 0.95", "precision": ">= 0.93", "kind_accuracy": ">= 0.85"},
    "mask": {
        "overlay_covered": ">= 0.95",
        "clean_masked": "<= 0.015",
        "ssim_in_region": ">= 0.9 of the oracle's",
        "ssim_of_oracle": "",
        "pixels_changed_outside_mask": "0",
        "masked_on_clean_slices": "<= 0.002",
    },
    "dedup": {"recall": ">= 0.97", "precision": ">= 0.97"},
}


class Failed(Exception):
    """A command that a scorer needs did not end well."""


def python(*words: str, accepted: tuple[int, ...] = (0,)) -> str:
    """Run this Python with ``words``; gives standard output, or raises with the last words of standard error."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    if done.returncode not in accepted:
        raise Failed(f"{' '.join(words[:4])} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout


def tool(*words: str, to: Path | None = None) -> None:
    """Run covidct; exit codes 0 and 3 (some items failed) both leave results."""
    text = python("-m", "covidct", *words, accepted=(0, 3))
    if to is not None:
        to.write_text(text, encoding="utf-8")


def scorer(name: str, *words: str) -> Scores:
    """Run one scorer, keep what it prints, and read the JSON line it ends with."""
    text = python(str(SCORE / name), *words)
    (SCRATCH / f"{Path(name).stem}.log").write_text(text, encoding="utf-8")
    scores: Scores = json.loads(text.strip().splitlines()[-1])
    return scores


def figures_of(folder: Path, name: str) -> str:
    """Harvest a folder of PDFs into a fresh workspace; gives the path of its table of figures."""
    workspace, table = fresh(f"{name}-workspace"), SCRATCH / f"{name}.csv"
    tool("harvest", "--from", str(folder), "--no-jats", "-w", str(workspace))
    tool("show", "figures", "--csv", "-w", str(workspace), to=table)
    return str(table)


def fresh(name: str) -> Path:
    """A scratch folder without left-overs of another run: they would count."""
    folder = SCRATCH / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def figures() -> Scores:
    """Figures, labels and captions of real PDFs against boxes drawn by hand."""
    return scorer("figures.py", str(TRUTH / "figures.json"), figures_of(DATA / "pdfs", "figures"), "--errors")


def jats() -> Scores:
    """Labels and captions against the JATS of the same articles."""
    return scorer("jats.py", str(DATA / "jats"), figures_of(DATA / "jats", "jats"))


def asked(name: str, truth: Path, step: str, *options: str) -> Scores:
    """Scorers on text: questions without answers to a CSV, covidct's answers back."""
    questions, answers = SCRATCH / f"{name}.csv", SCRATCH / f"{name}.json"
    python(str(SCORE / f"{name}.py"), str(truth), "--csv", str(questions), *options)
    tool("curate", step, "--csv", str(questions), "--json", *options, to=answers)
    return scorer(f"{name}.py", str(truth), str(answers), *options)


def subcaptions() -> Scores:
    """Captions cut into the texts of their panels."""
    return asked("subcaptions", TRUTH / "subcaptions.json", "split-caption")


def captions() -> Scores:
    """Labels from captions alone."""
    return asked("captions", TRUTH / "captions.csv", "label")


def captions_with_context() -> Scores:
    """Labels where the text about the figure may be read, too."""
    return asked("captions", TRUTH / "captions.csv", "label", "--with-context")


def panels() -> Scores:
    """Panel boxes of real CT figures."""
    answers = SCRATCH / "panels.json"
    tool("curate", "split-figure", *files(TRUTH / "panels" / "images"), "--json", to=answers)
    return scorer("panels.py", str(TRUTH / "panels" / "panels.json"), str(answers))


def triage() -> Scores:
    """Is it a CT, and of what kind."""
    answers = SCRATCH / "triage.json"
    tool("curate", "triage", *files(TRUTH / "triage" / "images"), "--json", to=answers)
    return scorer("triage.py", str(TRUTH / "triage" / "triage.csv"), str(answers))


def mask() -> Scores:
    """Overlays drawn on clean slices."""
    drawn = fresh("mask")
    python(str(SCORE / "mask.py"), "draw", str(DATA / "luna16-slices"), str(drawn))
    for part in ("marked", "clean"):
        out, answers = fresh(f"masked-{part}"), SCRATCH / f"mask-{part}.json"
        tool("curate", "mask", *files(drawn / part), "--out", str(out), "--json", to=answers)
    return scorer("mask.py", "score", str(drawn), str(SCRATCH / "mask-marked.json"), str(SCRATCH / "mask-clean.json"))


def dedup() -> Scores:
    """Planted near-duplicates among distinct slices."""
    drawn, answers = fresh("dedup"), SCRATCH / "dedup.json"
    python(str(SCORE / "dedup.py"), "draw", str(DATA / "luna16-slices"), str(drawn))
    tool("curate", "dedup", *files(drawn / "images"), "--json", to=answers)
    return scorer("dedup.py", "score", str(drawn), str(answers))


def files(folder: Path) -> list[str]:
    """The files of a folder, by name."""
    return [str(path) for path in sorted(folder.iterdir()) if path.is_file()]


SCORERS: dict[str, tuple[Callable[[], Scores], Path]] = {
    "figures": (figures, TRUTH / "figures.json"),
    "jats": (jats, DATA / "jats"),
    "subcaptions": (subcaptions, TRUTH / "subcaptions.json"),
    "captions": (captions, TRUTH / "captions.csv"),
    "captions with context": (captions_with_context, TRUTH / "captions.csv"),
    "panels": (panels, TRUTH / "panels"),
    "triage": (triage, TRUTH / "triage"),
    "mask": (mask, DATA / "luna16-slices"),
    "dedup": (dedup, DATA / "luna16-slices"),
}


def measure(name: str) -> bool:
    """Run one scorer and print its rows; False when it could not run."""
    run, needs = SCORERS[name]
    if not needs.exists():
        print(f"{name:<23}no data here ({needs.name})")
        return True
    begun = time.perf_counter()
    try:
        scores = run()
    except Failed as error:
        print(f"{name:<23}FAILED {error}")
        return False
    for key, target in TARGETS[name].items():
        print(f"{name:<23}{key:<31}{scores[key]:>9}   {target}".rstrip())
    print(f"{name:<23}{'seconds':<31}{time.perf_counter() - begun:>9.1f}", flush=True)
    return True


def main(wanted: list[str]) -> int:
    """Print one row a figure: scorer, measure, value, target, seconds."""
    SCRATCH.mkdir(exist_ok=True)
    print(f"{'scorer':<23}{'measure':<31}{'value':>9}   target")
    chosen = [name for name in SCORERS if not wanted or name.split()[0] in wanted]
    failed = [name for name in chosen if not measure(name)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
