"""Every planted fault is found under its own kind; on a clean release nothing is invented."""

import csv
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from covidct.audit import shortcut
from covidct.audit.run import Audit, Options, audit_release
from covidct.cli import run
from covidct.imaging.ocr import ocr_available

MakePlan = Callable[..., Any]


@pytest.fixture(autouse=True)
def _small_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcut, "TREES", 40)


def audited(release: Path, images: Path | None, captions: Path | None = None) -> Audit:
    return audit_release(release, Options(images, captions, ocr_per_class=0, network=False, rounds=400))


def found(audit: Audit) -> dict[str, set[str]]:
    """Image ids by kind."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for finding in audit.findings:
        kinds[finding.kind] |= set(finding.images)
    return kinds


def write_captions(path: Path, texts: dict[str, str]) -> Path:
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows([("image_id", "caption"), *texts.items()])
    return path


def test_nothing_is_invented_on_a_clean_release(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan()
    texts = {
        str(r["image_id"]): "Chest CT of a patient with COVID-19."
        if r["label"] == "covid"
        else "Chest CT of a patient with influenza."
        for r in plan.rows
    }
    audit = audited(*plan.write(), write_captions(tmp_path / "captions.csv", texts))
    assert [f"{f.kind}: {f.evidence}" for f in audit.findings] == []
    assert {one.split for one in audit.baselines} == {"train", "val", "test"}


def copy_of(plan: Any, image: str, change: str) -> Image.Image:
    """The picture of ``image`` as it turns up elsewhere."""
    picture = plan.pictures[image]
    if change == "bright":
        return Image.fromarray(np.clip(np.asarray(picture) * 0.85 + 20, 0, 255).astype(np.uint8))
    return picture.resize((128, 128), Image.Resampling.BICUBIC)


def test_leaks_and_facts_are_found_under_their_own_kind(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan()
    rows = {str(row["image_id"]): row for row in plan.rows}
    covid, other = (plan.ids("train", label) for label in ("covid", "non-covid"))
    tested, tested_other = (plan.ids("test", label) for label in ("covid", "non-covid"))
    want: dict[str, set[str]] = {}

    plan.pictures[other[0]] = copy_of(plan, covid[0], "bright")
    want["cross-label-duplicate"] = {covid[0], other[0]}
    plan.pictures[tested[0]] = copy_of(plan, covid[2], "large")
    want["cross-split-duplicate"] = {covid[2], tested[0]}
    plan.pictures[other[3]] = copy_of(plan, other[2], "large")
    want["duplicate"] = {other[2], other[3]}
    rows[tested[2]]["paper_id"] = rows[covid[4]]["paper_id"]
    torn = {i for i, r in rows.items() if r["paper_id"] == rows[covid[4]]["paper_id"]}
    want["torn-paper"] = torn
    rows[tested_other[2]]["patient_id"] = rows[other[4]]["patient_id"]
    want["torn-patient"] = {i for i, r in rows.items() if r["patient_id"] == rows[other[4]]["patient_id"]}
    want["patient-over-groups"] = want["torn-patient"]
    rows[covid[6]]["patient_id"] = rows[other[6]]["patient_id"]
    both = {i for i, r in rows.items() if r["patient_id"] == rows[other[6]]["patient_id"]}
    want["patient-with-both-labels"] = both
    want["patient-over-groups"] = want["patient-over-groups"] | both
    rows[tested[4]]["group_id"] = rows[covid[8]]["group_id"]
    want["torn-group"] = {i for i, r in rows.items() if r["group_id"] == rows[covid[8]]["group_id"]}
    want["patient-over-groups"] |= {i for i, r in rows.items() if r["patient_id"] == rows[tested[4]]["patient_id"]}
    rows[covid[10]]["licence"] = ""
    want["missing-licence"] = {covid[10]}
    rows[covid[12]]["licence"] = "all-rights-reserved"
    want["closed-licence"] = {covid[12]}
    rows[covid[14]] |= {"licence": "cc-by-nd-4.0", "artifacts": "identifying=no crop=1"}
    want["no-derivatives"] = {covid[14]}
    rows[other[10]]["artifacts"] = "identifying=yes"
    want["identifying-text"] = {other[10]}
    rows[other[12]]["artifacts"] = ""
    want["identity-not-scanned"] = {other[12]}
    plan.withdrawn = [{"entity": "image", "entity_id": other[14], "reason": "asked"}]
    want["withdrawn-present"] = {other[14]}
    texts = {
        covid[16]: "Chest CT of a patient with bacterial pneumonia.",
        covid[17]: "CT images of a healthy control.",
        other[16]: "Chest CT of a 40-year-old man with confirmed COVID-19 pneumonia.",
        covid[
            18
        ]: "Figure 1. Imaging of heart failure and COVID-19. A, Heart failure with diffuse ground-glass opacity.",
        covid[19]: "Figure 1. Imaging of heart failure and COVID-19. B, COVID-19 with a rounded opacity.",
        other[17]: "Axial chest CT without any named disease.",
    }
    want["label-contradicted"] = {covid[16], covid[17], covid[18], other[16]}

    release, images = plan.write()
    gone, changed, broken = tested_other[4], tested_other[6], tested_other[8]
    (images / str(rows[gone]["file"])).unlink()
    want["image-missing"] = {gone}
    with (images / str(rows[changed]["file"])).open("ab") as handle:
        handle.write(b"\0")
    want["image-changed"] = {changed}
    (images / str(rows[broken]["file"])).write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    want["image-unreadable"] = {broken}

    audit = audited(release, images, write_captions(tmp_path / "captions.csv", texts))
    kinds = found(audit)
    structural = {"image-missing", "image-changed", "image-unreadable"}
    for kind, ids in want.items():
        if kind in structural:
            text = " ".join(f.evidence for f in audit.findings if f.kind == kind)
            assert all(str(rows[i]["file"]) in text for i in ids), kind
        else:
            assert kinds[kind] == ids, kind
    # what else is true of the planted copies and of the unreadable file, and nothing more
    assert set(kinds) - set(want) == set()
    assert len(want) == 18


TOGETHER: dict[str, tuple[dict[str, Any], ...]] = {
    "border brightness format size": ({"frame": 0}, {"shift": 40}, {"resize": (140, 140)}),
    "colour mode": ({"arrow": (255, 0, 0)}, {"convert": "RGBA"}),
}
"""What is done to every picture of covid, by the properties that must then be found."""


def change_picture(picture: Image.Image, how: dict[str, Any]) -> Image.Image:
    if "convert" in how:
        return picture.convert(how["convert"])
    if "resize" in how:
        return picture.resize(how["resize"])
    if "frame" in how:
        framed = Image.new("L", picture.size, how["frame"])
        framed.paste(picture.resize((76, 76)), (10, 10))
        return framed
    if "shift" in how:
        return Image.fromarray(np.clip(np.asarray(picture).astype(int) + how["shift"], 0, 255).astype(np.uint8))
    if "arrow" in how:
        drawn = picture.convert("RGB")
        ImageDraw.Draw(drawn).polygon([(40, 40), (60, 44), (44, 60)], fill=how["arrow"])
        return drawn
    return picture


@pytest.mark.parametrize("names", sorted(TOGETHER))
def test_what_goes_with_the_class_is_found(make_plan: MakePlan, names: str) -> None:
    plan = make_plan()
    for row in plan.rows:
        image = str(row["image_id"])
        if row["label"] == "covid":
            for how in TOGETHER[names]:
                plan.pictures[image] = change_picture(plan.pictures[image], how)
            if "format" in names:
                plan.options[image] = {"format": "JPEG", "quality": 95}
    audit = audited(*plan.write())
    kinds = {f.kind for f in audit.findings}
    assert {f"{name}-by-class" for name in names.split()} <= kinds
    shortcuts = [f.evidence for f in audit.findings if f.kind == "shortcut"]
    assert any(text.startswith("'all'") for text in shortcuts)
    assert ("size-by-class" in kinds) == ("size" in names)
    assert not kinds & {"cross-label-duplicate", "label-contradicted", "torn-paper", "source-by-class"}


def test_sources_and_licences_of_one_class_are_found_without_pictures(make_plan: MakePlan) -> None:
    plan = make_plan()
    for row in plan.rows:
        row["source"] = "medrxiv" if row["label"] == "covid" else "pmc"
        row["licence"] = "cc-by-4.0" if row["label"] == "covid" else "cc0"
    audit = audited(plan.write()[0], None)
    kinds = {f.kind for f in audit.findings}
    assert kinds == {"source-by-class", "source-confounded", "licence-by-class"}
    assert "pictures" in audit.skipped


def test_small_and_lopsided_classes_are_found(make_plan: MakePlan) -> None:
    plan = make_plan()
    plan.rows = [r for r in plan.rows if r["label"] == "covid" or r["group_id"] in {"group-1", "group-7"}]
    kinds = {f.kind for f in audited(plan.write()[0], None).findings}
    assert kinds == {"class-imbalance", "small-group"}


def resum(release: Path) -> None:
    lines = [line.split("  ") for line in (release / "SHA256SUMS").read_text().splitlines()]
    sums = [f"{hashlib.sha256((release / name).read_bytes()).hexdigest()}  {name}\n" for _, name in lines]
    (release / "SHA256SUMS").write_text("".join(sums))


def edit_images(release: Path, change: Callable[[list[list[str]]], None]) -> None:
    path = release / "images.csv"
    rows = list(csv.reader(io.StringIO(path.read_text())))
    change(rows)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    path.write_text(out.getvalue())
    resum(release)


def cell(rows: list[list[str]], row: int, column: str, value: str) -> None:
    rows[row][rows[0].index(column)] = value


BROKEN: dict[str, Callable[[list[list[str]]], None]] = {
    "missing-column": lambda rows: [row.pop(2) for row in rows] and None,
    "duplicate-id": lambda rows: cell(rows, 2, "image_id", rows[1][0]),
    "unknown-label": lambda rows: cell(rows, 1, "label", "maybe"),
    "unknown-split": lambda rows: cell(rows, 1, "split", "holdout"),
    "unsafe-path": lambda rows: cell(rows, 1, "file", "../../etc/passwd"),
    "oversized-cell": lambda rows: cell(rows, 1, "notes", "x" * 5000),
    "schema": lambda rows: cell(rows, 1, "width", "wide"),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_broken_tables_are_found_and_validate_names_the_place(
    make_plan: MakePlan, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release, _ = make_plan(6).write()
    edit_images(release, BROKEN[kind])
    assert {f.kind for f in audited(release, None).findings} == {kind}
    assert run(["manifest", "validate", str(release)]) == 4
    assert "images.csv row" in capsys.readouterr().out
    assert run(["manifest", "audit", str(release), "--out", str(tmp_path / "out"), "--strict"]) == 4
    assert json.loads((tmp_path / "out/audit.json").read_text())["findings"][0]["kind"] == kind


LOOSE: dict[str, Callable[[list[list[str]]], None]] = {
    "unknown-reference": lambda rows: cell(rows, 1, "paper_id", "nowhere"),
    "case-collision": lambda rows: cell(
        rows, 2, "file", rows[1][1].upper().replace("IMAGES/", "images/").replace(".PNG", ".png")
    ),
    "count-differs": lambda rows: rows.pop(),
}


@pytest.mark.parametrize("kind", sorted(LOOSE))
def test_tables_that_do_not_fit_together(make_plan: MakePlan, kind: str) -> None:
    release, _ = make_plan(6).write()
    edit_images(release, LOOSE[kind])
    assert kind in {f.kind for f in audited(release, None).findings}


def test_changed_files_and_sizes(make_plan: MakePlan) -> None:
    plan = make_plan(6)
    release, images = plan.write()
    (release / "datasheet.md").write_text("nothing to see")
    edit = release / "images.csv"
    edit.write_text(edit.read_text().replace(",96,96,", ",97,96,", 1))
    kinds = {f.kind for f in audited(release, images).findings}
    assert {"file-changed", "image-size-differs"} <= kinds


def test_the_page_escapes_what_a_release_says(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(6)
    for row in plan.rows:
        row["source"] = "medrxiv" if row["label"] == "covid" else "pmc"
        row["licence"] = "" if row["label"] == "covid" else "<script>alert(1)</script>"
    release, images = plan.write()
    out = tmp_path / "out"
    words = ["--images", str(images), "--out", str(out), "--ocr", "0", "--no-network"]
    assert run(["manifest", "audit", str(release), *words]) == 0
    page = (out / "audit.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "data:image/png" not in page


@pytest.mark.skipif(not ocr_available(), reason="the extra 'ocr' is not installed")
def test_burnt_in_text_is_found_and_never_printed(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(4)
    marked = str(plan.rows[0]["image_id"])
    big = plan.pictures[marked].resize((320, 320))
    ImageDraw.Draw(big).text((20, 20), "Name: John Smith  1964-03-12", fill=255, font_size=20)
    plan.pictures[marked] = big
    release, images = plan.write()
    audit = audit_release(release, Options(images, ocr_per_class=None, network=False))
    kinds = found(audit)
    assert kinds["burnt-in-text"] == {marked}
    assert kinds["identifying-text"] == {marked}
    assert (
        run(["manifest", "audit", str(release), "--images", str(images), "--out", str(tmp_path / "o"), "--ocr-all"])
        == 0
    )
    written = (tmp_path / "o/audit.html").read_text() + (tmp_path / "o/audit.json").read_text()
    assert "Smith" not in written
