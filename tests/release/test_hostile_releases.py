"""Releases, listings and folders that a stranger made, or that a person points a command at by mistake."""

import csv
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from covidct.cli import run
from covidct.errors import UsageError
from covidct.release.make.write import Draft, check_names, write_release
from covidct.release.read import read_release
from covidct.release.read.release import SUMS
from covidct.release.read.validate import validate_release

MakeDraft = Callable[..., Draft]


def edited(folder: Path, name: str, change: Callable[[list[dict[str, str]]], object]) -> None:
    """``change`` the rows of a table in place; no checksum is looked at by what these tests ask."""
    with (folder / name).open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    change(rows)
    with (folder / name).open("w", newline="") as handle:
        table = csv.DictWriter(handle, rows[0])
        table.writeheader()
        table.writerows(rows)


def rules(folder: Path) -> list[str]:
    return [str(fault) for fault in validate_release(folder) if fault.file != SUMS and "SHA256SUMS" not in fault.rule]


def test_a_patient_in_two_splits_is_found_in_any_spelling(toy_release: Path) -> None:
    def rename(rows: list[dict[str, str]]) -> None:
        first = next(row for row in rows if row["split"] == "train")
        for row in rows:
            if row["split"] == "test":
                row["patient_id"] = first["patient_id"].upper()

    def add(rows: list[dict[str, str]]) -> None:
        rows.append({**rows[0], "patient_id": "PATIENT_0"})

    assert rules(toy_release) == []
    edited(toy_release, "images.csv", rename)
    edited(toy_release, "patients.csv", add)
    assert any("patient_id='patient_0': torn over" in rule for rule in rules(toy_release))


def test_ids_that_a_disk_takes_for_one_and_digits_of_other_scripts(toy_release: Path) -> None:
    def rename(rows: list[dict[str, str]]) -> None:
        rows[1]["image_id"], rows[2]["width"] = rows[0]["image_id"].upper(), rows[2]["width"][0] + "\u0662"

    edited(toy_release, "images.csv", rename)
    assert any("not a whole number" in rule for rule in rules(toy_release))
    edited(toy_release, "images.csv", lambda rows: rows[2].update(width="42"))
    assert any("another image_id differs only in case" in rule for rule in rules(toy_release))


def test_one_person_in_several_spellings_is_kept_together(make_draft: MakeDraft, tmp_path: Path) -> None:
    make_draft(8)
    names = ("Jose\u0301 A", "Jos\u00e9  A", "JOS\u00c9 A", "ｊｏｓé a")
    lines = ["file,label,patient_id,licence,artifacts"]
    for k in range(8):
        label = "covid" if k < 4 else "non-covid"
        lines.append(f"images/i{k:03d}.png,{label},{names[k] if k < 4 else f'p{k}'},cc0,identifying=no")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    where = ["--csv", str(tmp_path / "t.csv"), "--images", str(tmp_path / "pictures"), "--no-duplicates"]
    named = ["--name", "own", "--version", "1.0.0", "--date", "2026-01-01", "--out", str(tmp_path / "m")]
    assert run(["manifest", "import", *where, *named]) == 0
    images = read_release(tmp_path / "m/own/1.0.0").images
    assert images.loc[images["label"] == "covid", "split"].nunique() == 1


@pytest.mark.parametrize("text", ["[" * 200_000, "\udcff", '{"name": "toy"', "[]", ""], ids=range(5))
def test_a_release_json_that_nobody_can_read_is_one_line(
    toy_release: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (toy_release / "release.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    for command in ("stats", "validate"):
        assert run(["manifest", command, str(toy_release)]) == 1
        said = capsys.readouterr().err
        assert "release.json" in said and said.count("\n") == 1


def test_a_pipe_in_the_place_of_a_file_is_never_waited_for(
    toy_release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (toy_release / "release.json").unlink()
    os.mkfifo(toy_release / "release.json")
    assert run(["manifest", "stats", str(toy_release)]) == 1 and "no regular file" in capsys.readouterr().err


def test_a_table_of_blank_lines_is_a_fault(toy_release: Path) -> None:
    (toy_release / "withdrawn.csv").write_text("\n\n")
    assert any("its first line must name the columns" in rule for rule in rules(toy_release))


def test_archives_that_are_broken_inside(toy_release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as bundle:
        bundle.writestr("release.json", "{}" * 100)
    whole = path.read_bytes()
    path.write_bytes(whole[:50] + b"\x00\xff" * 4 + whole[58:])
    assert run(["manifest", "stats", str(path)]) == 1 and "broken in the package" in capsys.readouterr().err
    place = whole.index(b"PK\x01\x02")
    path.write_bytes(whole[: place + 4] + b"\xff" * 8 + whole[place + 12 :])
    assert run(["manifest", "stats", str(path)]) == 1 and "no readable ZIP" in capsys.readouterr().err
    with zipfile.ZipFile(path, "w") as bundle:
        for name in ("a", "a/b", "release.json"):
            bundle.writestr(name, "x")
    assert run(["manifest", "stats", str(path)]) == 1 and "x.zip" in capsys.readouterr().err


def materialize(release: Path, images: Path, out: Path) -> int:
    return run(["manifest", "materialize", str(release), "--images", str(images), "--out", str(out)])


def test_materialize_never_touches_pictures_that_it_did_not_write(
    toy_release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "pictures"
    (own / "images/holiday.png").write_bytes((own / "images/i000.png").read_bytes())
    before = {path: path.read_bytes() for path in own.rglob("*.png")}
    assert materialize(toy_release, own, own) == 2 and "name another --out" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in own.rglob("*.png")} == before
    assert materialize(toy_release, own, tmp_path / "out") == 0
    (tmp_path / "out/images/holiday.png").write_bytes(before[own / "images/holiday.png"])
    assert materialize(toy_release, own, tmp_path / "out") == 0 and (tmp_path / "out/images/holiday.png").is_file()


def test_a_withdrawn_picture_still_leaves_a_materialised_folder(make_draft: MakeDraft, tmp_path: Path) -> None:
    import pandas as pd

    release = write_release(make_draft(16), tmp_path / "m")
    assert materialize(release, tmp_path / "pictures", tmp_path / "out") == 0
    draft = make_draft(16, "1.1.0")
    gone = pd.DataFrame([{"entity": "image", "entity_id": "i003", "reason": "asked for"}])
    later = write_release(Draft(draft.name, "1.1.0", draft.date, draft.images, draft.papers, draft.patients, gone),
                          tmp_path / "m")  # fmt: skip
    assert materialize(later, tmp_path / "pictures", tmp_path / "out") == 3
    assert not (tmp_path / "out/images/i003.png").exists() and (tmp_path / "out/images/i004.png").is_file()


@pytest.mark.parametrize("listing", ["image_id,file\ni000,x\n", None], ids=["columns", "form"])
def test_a_listing_that_says_nothing_is_one_line(
    toy_release: Path, tmp_path: Path, listing: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert materialize(toy_release, tmp_path / "pictures", tmp_path / "out") == 0
    path = tmp_path / "out/materialized.csv"
    path.write_text(listing or path.read_text().replace("canonical", "weird"))
    for words in (["validate"], ["pack", "--out", str(tmp_path / "p.zip")]):
        assert run(["manifest", words[0], str(toy_release), *words[1:], "--images", str(tmp_path / "out")]) == 1
        assert "materialized.csv" in capsys.readouterr().err


def test_a_journal_of_other_things_is_passed_over(toy_release: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    strange = ["[]", "5", "[" * 100_000, json.dumps({"key": "masked=0 size=0 originals=0", "zzz": 1})]
    (tmp_path / "out/.materialize.jsonl").write_text("\n".join(strange) + "\n")
    assert materialize(toy_release, tmp_path / "pictures", tmp_path / "out") == 0
    assert Image.open(tmp_path / "out/images/i000.png").mode == "L"


def test_a_listing_rewritten_for_another_picture_is_found_out(toy_release: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert materialize(toy_release, tmp_path / "pictures", out) == 0
    (out / "images/i000.png").write_bytes((out / "images/i005.png").read_bytes())

    def lie(rows: list[dict[str, str]]) -> None:
        measured = ("sha256", "pixels_sha256", "width", "height")
        rows[0].update({column: rows[5][column] for column in measured})

    edited(out, "materialized.csv", lie)
    faults = validate_release(toy_release, images=out)
    assert [(fault.row, fault.rule.split(",")[0]) for fault in faults] == [
        (2, "shows another picture than the release's")
    ]


def test_days_that_no_calendar_has_and_folders_that_are_no_version(make_draft: MakeDraft, tmp_path: Path) -> None:
    write_release(make_draft(16), tmp_path / "m")
    (tmp_path / "m/toy/1.0.0 copy").mkdir()
    assert write_release(make_draft(16, "1.0.1"), tmp_path / "m").name == "1.0.1"
    with pytest.raises(UsageError, match="no date"):
        check_names("toy", "1.0.0", "2026-02-31")


@pytest.mark.parametrize(
    "change", [{"waivers": [1]}, {"waivers": [{"what": []}]}, {"title": {"a": 1}}, {"date": ["x"]}]
)
def test_what_a_release_says_of_itself_has_its_kind(
    toy_release: Path, change: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    path = toy_release / "release.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert run(["manifest", "split", str(toy_release), "--version", "2.0.0", "--date", "2026-02-02"]) == 1
    assert f"release.json: '{next(iter(change))}'" in capsys.readouterr().err
