"""Everything that can be checked of a release without judging it: schema, references, counts, checksums, pictures."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from covidct.errors import CovidctError
from covidct.files import sha256_file
from covidct.pictures import PictureError
from covidct.progress import threaded
from covidct.release.read.archive import unpacked
from covidct.release.read.classes import names_in
from covidct.release.read.facts import another_picture, facts, picture_hash, same_picture
from covidct.release.read.locate import find_images, images_root
from covidct.release.read.materialized import read_listing
from covidct.release.read.release import FILES, SUMS, Release, assemble, read_meta
from covidct.release.read.schema import FIGURE_BOX, PANEL_BOX, TABLES, Fault, check_table, plain_name
from covidct.release.read.shipped import META
from covidct.tables import read_table

_CHANGED = "the picture's bytes differ from its sha256"
_FORM_SHARE = 0.1
"""Share of a release's pictures from which on the folder holds another form of it."""
OTHER_FORM = "another form of the picture (masked, resized or re-encoded), not its bytes"


def validate_release(source: Path | str, images: Path | None = None, workers: int = 1) -> list[Fault]:
    """All faults of the release; pictures are looked at only where ``images`` is given (each read whole)."""
    folder = unpacked(source)
    meta = read_meta(folder)
    faults = list(_checksum_faults(folder))
    tables, unreadable = _read_tables(folder)
    faults += unreadable
    schema = [fault for name, frame in tables.items() for fault in check_table(name, frame, names_in(meta))]
    faults += schema
    if schema or unreadable:
        return faults
    release = assemble(folder, tables, meta)
    faults += release_faults(release)
    if images is not None:
        faults += picture_faults(release, images_root(release, images), workers)
    return faults


def release_faults(release: Release) -> list[Fault]:
    """Faults between the cells and tables of a release whose schema is right."""
    checks = (_case_faults, _box_faults, _reference_faults, _count_faults, _group_faults)
    return [fault for check in checks for fault in check(release)]


def _read_tables(folder: Path) -> tuple[dict[str, pd.DataFrame], list[Fault]]:
    tables: dict[str, pd.DataFrame] = {}
    faults: list[Fault] = []
    for name in TABLES:
        try:
            tables[name] = read_table(folder / name)
        except CovidctError as error:
            faults.append(Fault(name, None, "", "", str(error)))
    return tables, faults


def _checksum_faults(folder: Path) -> Iterator[Fault]:
    sums = folder / SUMS
    if not sums.is_file():
        yield Fault(SUMS, None, "", "", "not there; a release lists the SHA-256 of its files")
        return
    listed: dict[str, str] = {}
    for number, line in enumerate(sums.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        digest, _, name = line.partition("  ")
        if name not in FILES:
            yield Fault(SUMS, number, "file", name, "no file of a release")
        else:
            listed[name] = digest
    for name in FILES:
        if name == SUMS:
            continue
        path = folder / name
        if name not in listed:
            yield Fault(SUMS, None, "file", name, "not listed")
        elif not path.is_file():
            yield Fault(name, None, "", "", "listed in SHA256SUMS and not there")
        elif sha256_file(path) != listed[name]:
            yield Fault(name, None, "", "", "its bytes are not those that SHA256SUMS lists")


def _case_faults(release: Release) -> Iterator[Fault]:
    """Names that are one on a disk which does not tell cases, or two ways to write a letter, apart."""
    for column in ("file", "image_id"):
        plain = release.images[column].map(plain_name)
        for row in plain.index[plain.duplicated()]:
            name = release.images[column][row]
            yield Fault("images.csv", int(row) + 2, column, name, f"another {column} differs only in case")


def _box_faults(release: Release) -> Iterator[Fault]:
    for columns in (FIGURE_BOX, PANEL_BOX):
        cells = release.images[list(columns)]
        for row in cells.index[(cells != "").any(axis=1)]:
            values = list(cells.loc[row])
            box = [float(value) for value in values if value]
            if len(box) < 4 or box[0] >= box[2] or box[1] >= box[3]:
                rule = "not a box: x0 < x1, y0 < y1, all four or none"
                yield Fault("images.csv", int(row) + 2, columns[0], ",".join(values), rule)


def _reference_faults(release: Release) -> Iterator[Fault]:
    for column, table, name in (
        ("paper_id", release.papers, "papers.csv"),
        ("patient_id", release.patients, "patients.csv"),
    ):
        cells = release.images[column]
        for row in cells.index[(cells != "") & ~cells.isin(table[column])]:
            yield Fault("images.csv", int(row) + 2, column, cells[row], f"not in {name}")


def _count_faults(release: Release) -> Iterator[Fault]:
    for column, table, name in (
        ("paper_id", release.papers, "papers.csv"),
        ("patient_id", release.patients, "patients.csv"),
    ):
        counts = release.images[column].value_counts()
        for row, (key, stated) in enumerate(zip(table[column], table["images"], strict=True), 2):
            if int(stated) != int(counts.get(key, 0)):
                rule = f"images.csv has {counts.get(key, 0)} images of {key}"
                yield Fault(name, row, "images", stated, rule)
    stated_counts = release.meta.get("counts")
    if stated_counts is not None and stated_counts != count_images(release.images):
        yield Fault(META, None, "counts", str(stated_counts), f"images.csv has {count_images(release.images)}")


def count_images(images: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Images by split (``none`` where it is empty) and label."""
    counts: dict[str, dict[str, int]] = {}
    pairs = Counter(zip(images["split"], images["label"], strict=True))
    for split, label in sorted(pairs):
        counts.setdefault(str(split) or "none", {})[str(label)] = pairs[split, label]
    return counts


def _group_faults(release: Release) -> Iterator[Fault]:
    images = release.images
    for column, of in (("group_id", "split"), ("patient_id", "group_id")):
        named = images[images[column] != ""].assign(**{column: images[column].map(plain_name)})
        spread = named.groupby(column)[of].nunique()
        for key in spread.index[spread > 1]:
            rows = named.index[named[column] == key]
            rule = f"torn over {', '.join(sorted(set(named.loc[rows, of])))} ({of})"
            yield Fault("images.csv", int(rows[0]) + 2, column, str(key), rule)


def picture_faults(release: Release, root: Path, workers: int = 1) -> list[Fault]:
    """Faults of the pictures below ``root``: gone, changed, not decodable, of another size than the table says."""
    found, missing = find_images(release, root)
    rows = {key: number for number, key in enumerate(release.images["image_id"], 2)}
    listed = read_listing(root)
    table = {row["image_id"]: row for row in release.images.to_dict("records")}
    faults = [Fault("images.csv", rows[key], "file", str(table[key]["file"]), "no such picture") for key in missing]
    checks = threaded(
        lambda key: _picture_fault(table[key], listed.get(key), found[key], rows[key]), found, workers, "pictures"
    )
    faults += [fault for fault in checks if fault]
    forms = sum(fault.rule == OTHER_FORM for fault in faults)
    if forms < _FORM_SHARE * len(release.images):  # a few files in another form are changed files
        faults = [replace(fault, rule=_CHANGED) if fault.rule == OTHER_FORM else fault for fault in faults]
    return sorted(faults, key=lambda fault: fault.row or 0)


def _picture_fault(
    row: Mapping[Hashable, Any], listed: Mapping[str, str] | None, path: Path, number: int
) -> Fault | None:
    file = str(row["file"]) if listed is None else listed["file"]
    if listed is not None and listed["source_sha256"] != row["sha256"]:
        return Fault("images.csv", number, "file", file, "was materialised from another picture")
    wanted = row if listed is None else listed
    try:
        seen = facts(path)
    except PictureError as error:
        return Fault("images.csv", number, "file", file, str(error))
    if seen.sha256 != wanted["sha256"]:
        form = listed is None and same_picture(path, str(row["phash"]))
        return Fault("images.csv", number, "file", file, OTHER_FORM if form else _CHANGED)
    if listed is not None and another_picture(picture_hash(path), str(row["phash"])):
        return Fault("images.csv", number, "file", file, "shows another picture than the release's, whatever is listed")
    if (str(seen.width), str(seen.height)) != (str(wanted["width"]), str(wanted["height"])):
        return Fault("images.csv", number, "file", file, f"is {seen.width} x {seen.height} pixels")
    return None
