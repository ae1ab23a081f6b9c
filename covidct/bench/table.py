"""``covidct bench --table N``: a whole table of the paper, its figures in the next column."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from covidct.bench import inputs, training
from covidct.bench.beside import Audited, audited
from covidct.bench.options import BenchOptions
from covidct.bench.reporting import render, side_by_side
from covidct.errors import CovidctError
from covidct.files import write_text
from covidct.intervals import interval_text
from covidct.models import MODELS, paper_parameters
from covidct.records import CLASSES, SPLITS
from covidct.release.read import Release
from covidct.train import evaluate as evaluation
from covidct.train import report_tables, results, tables
from covidct.train.finished import finished
from covidct.train.report_tables import Cells, Table

Facts = list[dict[str, Any]]
NONE = Table("", [], [])


@dataclass(frozen=True)
class Made:
    """A table of the paper: for a person, as data, and its rows that could not be run."""

    table: Table
    rows: Facts
    failed: Facts
    between: Table
    """The pairs that the paper compares; without lines where they were not run."""


def paper_table(number: int, options: BenchOptions) -> Made:
    """Make table ``number`` and leave it in ``options.out``; ``failed`` names rows that could not be run, and why."""
    out: Path = options.out or Path("runs") / f"table-{number}"
    failed: Facts = []
    between = NONE
    if number == 1:
        table, data = split_counts(inputs.the_release(options))
    elif number == 2:
        table, data = parameter_counts()
    else:
        beside = audited(options) if options.baselines else Audited([], [], {})
        table, data, failed = runs(number, options, out, beside.shortcuts)
        between = differences(number, options)
        _report([table, between], number, options, out, beside)
    results.write_json(out / "table.json", {"title": table.title, "rows": data, "failed": failed, "notes": table.notes})
    write_text(out / "table.md", "\n".join(one.markdown() for one in (table, between) if one.lines))
    return Made(table, data, failed, between)


def _rows_folder(options: BenchOptions) -> Path:
    """Where the runs of rows lie: beside the tables, so that tables share the rows that they have in common."""
    return options.out or Path("runs") / f"rows-{options.protocol}"


def differences(number: int, options: BenchOptions) -> Table:
    """The pairs of rows that the paper compares, on the same test images, with Holm's correction."""
    images = inputs.the_release(options).images
    groups = dict(zip(images["image_id"], images["group_id"], strict=True))
    folder = _rows_folder(options)
    found = {}
    for first, second in tables.compared(tables.rows(number, options.model)):
        sides = folder / first.slug, folder / second.slug
        if all((side / results.SUMMARY).is_file() for side in sides):
            name = f"{second.model}: {second.kind} − {first.kind}"
            found[name] = {"auc": evaluation.compare(*sides, "auc", groups)}
    return report_tables.differences(found)


def _report(shown: Sequence[Table], number: int, options: BenchOptions, out: Path, beside: Audited) -> None:
    """The table as a page, its runs' curves and maps side by side below."""
    folders = [_rows_folder(options) / row.slug for row in tables.rows(number, options.model)]
    done = [finished(folder, options.model) for folder in folders if (folder / results.SUMMARY).is_file()]
    if done and options.report:
        side_by_side(done, options, beside, out, shown[0].title, shown)
    else:
        render(out, title=shown[0].title, subtitle=inputs.the_release(options).title, tables=shown)


def split_counts(release: Release) -> tuple[Table, Facts]:
    """Table I: patients and images by class and split, ours and the paper's."""
    images = release.images
    lines, data = [], []
    for what in ("patients", "images"):
        for place in (1, 0):
            label = release.classes[place]
            column = "patient_id" if what == "patients" else "image_id"
            chosen = images[images["label"] == label]
            ours = [int(chosen[chosen["split"] == split][column].nunique()) for split in SPLITS]
            paper = tables.COUNTS[what, CLASSES[place]]
            lines.append([f"# {what}", label, *(f"{o} ({p})" for o, p in zip(ours, paper, strict=True))])
            data.append({"what": what, "class": label, "ours": ours, "paper": list(paper)})
    notes = [f"{release.title}; the paper's figure in brackets"]
    return Table("Table I: data set split", ["", "class", *SPLITS], lines, notes), data


def parameter_counts() -> tuple[Table, Facts]:
    """Table II: parameters of each network, ours and the paper's, and with the two outputs that are trained."""
    lines, data = [], []
    for name, paper in tables.PARAMETERS.items():
        ours = paper_parameters(name)
        lines.append([MODELS[name].title, f"{ours:,}", f"{paper:,}", "same" if ours == paper else "DIFFERS"])
        data.append({"model": name, "ours": ours, "paper": paper})
    notes = ["counted as the paper counts: 1000 outputs for the ImageNet networks, 2 for CRNet"]
    return Table("Table II: parameters", ["network", "ours", "paper", ""], lines, notes), data


def runs(
    number: int, options: BenchOptions, out: Path, shortcuts: Facts
) -> tuple[Table, list[dict[str, Any]], list[dict[str, str]]]:
    """Tables III to VII: every row is a run in a folder of its own; rows that cannot be run say why."""
    chosen, folder = tables.rows(number, options.model), _rows_folder(options)
    data: Facts = []
    failed: Facts = []
    for row in chosen:
        own: dict[str, Any] = {"model": row.model, "method": row.method, "init": row.init or None, "freeze": row.freeze}
        try:
            found = training.execute(inputs.request(replace(options, **own, out=folder / row.slug)))
            data.append({"row": row.title, "paper": vars(row.paper), "ours": found["metrics"]})
        except CovidctError as error:
            data.append({"row": row.title, "paper": vars(row.paper), "ours": None, "why": str(error)})
            if not (row.model == "crnet" and row.method == "transfer"):
                failed.append({"row": row.title, "error": str(error)})
    _collect(out, [folder / row.slug for row in chosen])
    head = ["", *(f"{name} (paper)" for name in ("accuracy", "F1", "AUC")), "AUC 95 %", "gap"]
    lines = [_line(one) for one in data] + [[*report_tables.shortcut_cells(one), ""] for one in shortcuts]
    notes = sorted({row.note for row in chosen if row.note})
    notes += ["n/a: " + one["row"] + ": " + one["why"] for one in data if one["ours"] is None]
    notes.append("shortcut rows never see anatomy: a score that does not beat them shows nothing about the disease")
    title = f"Table {['III', 'IV', 'V', 'VI', 'VII'][number - 3]}"
    return Table(title, head, lines, notes), [*data, *({"row": s["name"], "ours": s} for s in shortcuts)], failed


def _line(one: Mapping[str, Any]) -> Cells:
    paper, ours = one["paper"], one["ours"]
    if ours is None:
        return [one["row"], *(f"n/a ({paper[name]:.2f})" for name in ("accuracy", "f1", "auc")), "", ""]
    cells = [f"{ours[name]['mean']:.3f} ({paper[name]:.2f})" for name in ("accuracy", "f1", "auc")]
    area = ours["auc"]
    return [one["row"], *cells, interval_text(area), f"{area['mean'] - paper['auc']:+.3f}"]


def _collect(out: Path, folders: Iterable[Path]) -> None:
    """All rows' results.csv as one."""
    tables_found = [(folder / results.RESULTS) for folder in folders if (folder / results.RESULTS).is_file()]
    texts = [path.read_text(encoding="utf-8").splitlines() for path in tables_found]
    if texts:
        lines = [texts[0][0], *(line for text in texts for line in text[1:])]
        write_text(out / results.RESULTS, "\n".join(lines) + "\n")
