"""``covidct manifest validate|stats``: commands that read releases and change nothing."""

import dataclasses
from pathlib import Path
from typing import Any

import click

from covidct.commands.options import json_option, print_json, worker_count
from covidct.errors import ExitCode
from covidct.tables import say


@click.command()
@click.argument("release")
@click.option("--images", type=click.Path(path_type=Path), help="Also check every picture below this folder.")
@click.option("--workers", type=click.IntRange(1), help="Worker processes (default: CPU count).")
@json_option
def validate(release: str, images: Path | None, workers: int | None, as_json: bool) -> int:
    """Check RELEASE (folder, archive or URL): all faults at once; exit code 4 where there are any."""
    from covidct.release.read.validate import validate_release

    faults = validate_release(release, images, worker_count(workers))
    if as_json:
        print_json([dataclasses.asdict(fault) for fault in faults])
    else:
        for fault in faults:
            say(str(fault))
        say(f"{release}: {len(faults)} faults" if faults else f"{release}: valid")
    return ExitCode.PROBLEMS_FOUND if faults else ExitCode.COMPLETE


@click.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Releases under ./manifests and those that ship with covidct: their names work wherever a release is asked for."""
    from covidct.release.read.release import read_meta
    from covidct.release.read.shipped import releases
    from covidct.tables import print_table, terminal_width

    rows = []
    for folder in releases():
        meta = read_meta(folder)
        name = f"{folder.parent.name}/{folder.name}"
        rows.append({"name": name, "images": sum_of(meta), "date": str(meta.get("date", "")), "folder": str(folder)})
    if as_json:
        print_json(rows)
    else:
        print_table(["name", "images", "date", "folder"], rows, terminal_width())


def sum_of(meta: dict[str, Any]) -> int:
    """Images of a release, over splits and classes."""
    counts = meta.get("counts", {})
    return sum(int(n) for split in counts.values() for n in (split.values() if isinstance(split, dict) else [split]))


@click.command()
@click.argument("release", required=False)
@json_option
def stats(release: str | None, as_json: bool) -> None:
    """Images and patients by split (Table I), images a patient, heights and widths (section III-A)."""
    from covidct.release.read import default_release, read_release
    from covidct.release.read.stats import release_stats

    found = read_release(release or default_release())
    classes = release_stats(found)
    if as_json:
        print_json({name: dataclasses.asdict(stats) for name, stats in classes.items()})
        return
    say(found.title)
    for name, of in classes.items():
        for what in ("images", "patients", "groups"):
            counts = "  ".join(f"{split} {count}" for split, count in getattr(of, what).items())
            say(f"{name:10} {what:20} {counts}")
        for what in ("images_per_patient", "height", "width"):
            of_what = getattr(of, what)
            text = f"mean {of_what.mean:g}  max {of_what.max}  min {of_what.min}"
            say(f"{name:10} {what.replace('_', ' '):20} {text}")
    for remark in found.meta.get("remarks", []):
        say(f"note: {remark}")


@click.command()
@click.argument("old")
@click.argument("new")
@json_option
def diff(old: str, new: str, as_json: bool) -> None:
    """What changed from release OLD to NEW (folders, archives or URLs), and how far the version has to move."""
    from covidct.release.read import read_release
    from covidct.release.read.diff import diff_images

    before, after = read_release(old), read_release(new)
    reasons = {str(key): str(text) for key, text in after.meta.get("reasons", {}).items()}
    changes = diff_images(before.images, after.images, after.withdrawn, reasons)
    if as_json:
        print_json([dataclasses.asdict(change) | {"step": change.step.name.lower()} for change in changes])
        return
    for change in changes:
        values = f"{change.old} -> {change.new}" if change.old and change.new else change.old or change.new
        say(f"{change.kind:12} {change.image_id}  {values}" + (f"  ({change.reason})" if change.reason else ""))
    need = max(
        (change.step.name.lower() for change in changes), key=["none", "patch", "minor", "major"].index, default="none"
    )
    say(f"{before.title} -> {after.title}: {len(changes)} changes, at least a {need} step")


@click.command()
@click.argument("release")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of pictures; default: fetch cache, or none.")
@click.option("--captions", type=click.Path(path_type=Path), help="CSV or workbook of captions by image.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the report.")
@click.option("--strict", is_flag=True, help="Exit code 4 where there is an error or a warning.")
@click.option("--private", is_flag=True, help="Also show images without a licence; the report must not be shared.")
@click.option(
    "--ocr", type=click.IntRange(0), default=40, show_default=True, help="Images per class on which OCR looks for text."
)
@click.option("--ocr-all", is_flag=True, help="Run OCR on all images (up to a second each).")
@click.option("--no-network", is_flag=True, help="Skip the network trained on images with blanked lungs.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--workers", type=click.IntRange(1), help="Worker processes (default: CPU count).")
@json_option
def audit(
    release: str,
    images: Path | None,
    captions: Path | None,
    out: Path,
    strict: bool,
    private: bool,
    ocr: int,
    ocr_all: bool,
    no_network: bool,
    seed: int,
    workers: int | None,
    as_json: bool,
) -> int:
    """Look for what makes scores on RELEASE worthless: leaks, wrong labels, shortcuts; writes a page and JSON."""
    from covidct.audit.report import as_document, write_report
    from covidct.audit.run import Options, audit_release

    options = Options(images, captions, None if ocr_all else ocr, not no_network, seed, workers=worker_count(workers))
    found = audit_release(release, options)
    write_report(found, out, private)
    if as_json:
        print_json(as_document(found))
    for one in [] if as_json else found.findings:
        say(f"{one.severity:8} {one.kind:24} {one.count:5}  {one.evidence[:160]}")
    for base in [] if as_json else found.baselines:
        auc = base.auc
        say(f"shortcut {base.name:26} {base.split:6} AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]")
    say(f"{found.title}: {len(found.findings)} findings in {out / 'audit.html'}", err=as_json)
    serious = any(one.severity != "note" for one in found.findings)
    return ExitCode.PROBLEMS_FOUND if strict and serious else ExitCode.COMPLETE
