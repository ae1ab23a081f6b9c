"""Tables from strangers: spreadsheets' habits, hostile cells, faults all at once; anyone's own set imported."""

import csv
import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from covidct.cli import run
from covidct.errors import CovidctError, UsageError
from covidct.release.make.split import fold_images, leak_groups, split_images
from covidct.release.make.write import Draft, write_release
from covidct.release.read import read_release
from covidct.release.read.diff import check_step, diff_images
from covidct.release.read.validate import validate_release
from covidct.release.read.version import Step, parse_version, step_between
from covidct.tables import dump_table, escape_cell, parse_table, unescape_cell

MakeDraft = Callable[..., Draft]


@given(st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs")), max_size=30))
def test_cells_come_back_and_never_start_a_formula(text: str) -> None:
    cell = escape_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t"))
    assert unescape_cell(cell) == text


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfa,b\r\n1,2\r\n",
        b"a;b\r\n1;2\r\n",
        b"sep=;\r\na;b\r\n1;2\r\n",
        b"a\tb\n1\t2\n",
        "a,b\n1,2\n".encode("utf-16"),
        b'"a","b"\r\n"1","2"\r\n\r\n',
        b"a,b\r1,2\r",
    ],
)
def test_spreadsheet_habits_are_read(data: bytes) -> None:
    assert parse_table(data, "t.csv").to_dict("records") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"a,b\n1,2,3\n", "line 2 has 3 cells"),
        ("a,b\n1,2\ncafé,2\n".encode("latin-1"), "line 3 is not utf-8"),
        (b"a,b\n1,\x00\n", "NUL"),
        (b"a,a\n1,2\n", "there twice"),
        (b"a,\n1,2\n", "no name"),
        (b"a,b\n1," + b"x" * 40_000 + b"\n", "line 2: field larger"),
        (b'a,b\n1,"open\n', "line 2"),
    ],
)
def test_tables_that_are_refused_by_name(data: bytes, message: str) -> None:
    with pytest.raises(CovidctError, match=message) as caught:
        parse_table(data, "t.csv")
    assert str(caught.value).startswith("t.csv")


def test_same_frame_same_bytes() -> None:
    frame = pd.DataFrame({"a": ["=1", "x,y", "ü"], "n": [1, 2, 3]})
    data = dump_table(frame, ["a", "n"])
    assert data == 'a,n\n\'=1,1\n"x,y",2\nü,3\n'.encode()
    assert parse_table(data, "t")["a"].tolist() == ["=1", "x,y", "ü"]


def test_validate_gives_all_faults_at_once_with_their_places(toy_release: Path) -> None:
    path = toy_release / "images.csv"
    rows = list(csv.reader(path.open()))
    for row, column, value in (
        (1, "label", "yes"),
        (3, "split", "dev"),
        (5, "width", "-4"),
        (5, "sex", "X"),
        (7, "sha256", "f"),
    ):
        rows[row][rows[0].index(column)] = value
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    places = {(f.row, f.column, f.value) for f in validate_release(toy_release) if f.file == "images.csv"}
    assert {(2, "label", "yes"), (4, "split", "dev"), (6, "sex", "X"), (8, "sha256", "f")} <= places
    assert (6, "width", "-4") in places
    with pytest.raises(CovidctError, match=r"row 2: label='yes' not one of covid, non-covid \(and 4 more\)"):
        read_release(toy_release)


@pytest.mark.parametrize("gone", ["images.csv", "papers.csv", "release.json"])
def test_a_file_that_is_gone_is_named(toy_release: Path, gone: str, capsys: pytest.CaptureFixture[str]) -> None:
    (toy_release / gone).unlink()
    assert run(["manifest", "validate", str(toy_release)]) in (2, 4)
    assert gone in "".join(capsys.readouterr())
    assert run(["manifest", "stats", str(toy_release)]) in (1, 2)


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("1.0.0", "1.0.0", Step.NONE),
        ("1.0.0", "1.0.1", Step.PATCH),
        ("1.0.9", "1.1.0", Step.MINOR),
        ("1.9.9", "2.0.0", Step.MAJOR),
    ],
)
def test_versions(old: str, new: str, step: Step) -> None:
    assert step_between(old, new) == step


@pytest.mark.parametrize("text", ["1.0", "01.0.0", "1.0.0-rc1", "v1.0.0", "", "1.0.0\n"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(UsageError):
        parse_version(text)


@pytest.mark.parametrize(
    ("column", "value", "row", "kind", "least"),
    [
        ("label", "non-covid", 0, "relabelled", "2.0.0"),
        ("split", "val", 0, "moved", "1.1.0"),
        ("split", "test", 0, "moved", "2.0.0"),
        ("artifacts", "identifying=no text=1", 0, "re-masked", "1.0.1"),
        ("sha256", "0" * 64, 0, "re-masked", "1.1.0"),
        ("notes", "seen", 0, "edited", "1.0.1"),
        ("group_id", "other", 0, "regrouped", "1.0.1"),
    ],
)
def test_each_change_asks_for_its_step(
    make_draft: MakeDraft, column: str, value: str, row: int, kind: str, least: str
) -> None:
    old, new = make_draft(8), make_draft(8)
    new.images.loc[row, column] = value
    changes = diff_images(old.images, new.images, new.withdrawn)
    assert [change.kind for change in changes] == [kind]
    check_step("1.0.0", least, changes)
    smaller = {"2.0.0": "1.1.0", "1.1.0": "1.0.1", "1.0.1": "1.0.0"}[least]
    with pytest.raises(UsageError, match="too small a step"):
        check_step("1.0.0", smaller, changes)


def test_an_old_test_image_never_moves_into_train(make_draft: MakeDraft, tmp_path: Path) -> None:
    write_release(make_draft(16), tmp_path / "m")
    moved = make_draft(16, version="2.0.0")
    moved.images.loc[moved.images["split"] == "test", "split"] = "train"
    with pytest.raises(UsageError, match="earlier test split"):
        write_release(moved, tmp_path / "m")
    assert not (tmp_path / "m/toy/2.0.0").exists()


def test_splits_keep_groups_whole_and_fit(make_draft: MakeDraft) -> None:
    images = pd.concat(
        [make_draft(16).images.assign(image_id=lambda f, k=k: f["image_id"] + f"-{k}") for k in range(9)]
    )
    images = images.reset_index(drop=True)
    images["group_id"] = leak_groups(
        images.assign(group_id="", patient_id="", paper_id=[f"p{k // 3}" for k in range(144)])
    )
    split, fit = split_images(images, seed=3)
    assert images.assign(split=split).groupby("group_id")["split"].nunique().max() == 1
    shares = {str(row["split"]): row["share"] for row in fit.rows if row["stratum"] == "all"}
    assert abs(float(shares["train"]) - 0.6) < 0.02
    assert split.equals(split_images(images, seed=3)[0])
    folds, _ = fold_images(images, 4)
    assert (
        sorted(folds.value_counts()) == [36, 36, 36, 36] or max(folds.value_counts()) - min(folds.value_counts()) <= 3
    )
    assert images.assign(fold=folds).groupby("group_id")["fold"].nunique().max() == 1


def test_split_command_reports_writes_and_refuses(
    toy_release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "folds.csv"
    assert run(["manifest", "split", str(toy_release), "--folds", "2", "--csv", str(table)]) == 0
    assert table.read_text().startswith("image_id,group_id,fold\n")
    assert run(["manifest", "split", str(toy_release), "--ratios", "0.5,0.5,0.5"]) == 2
    assert run(["manifest", "split", str(toy_release), "--ratios", "a,b"]) == 2
    links = tmp_path / "links.csv"
    links.write_text("a,b\ni000,i999\n")
    assert run(["manifest", "split", str(toy_release), "--links", str(links)]) == 2
    links.write_text("a,b\ni000,i015\n")
    capsys.readouterr()
    assert run(["manifest", "split", str(toy_release), "--links", str(links), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["largest"][0] == ["i000", 4]


def test_a_split_without_a_class_is_refused_with_what_helps(
    make_draft: MakeDraft, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = make_draft(16)
    last = draft.images["image_id"].isin(["i014", "i015"])
    few = draft.images.assign(label=last.map({True: "non-covid", False: "covid"}))
    release = write_release(dataclasses.replace(draft, images=few), tmp_path / "m")
    assert (
        run(
            [
                "manifest",
                "split",
                str(release),
                "--version",
                "2.0.0",
                "--date",
                "2026-02-01",
                "--out",
                str(tmp_path / "m"),
            ]
        )
        == 1
    )
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "no non-covid images" in error and "covidct harvest medpix" in error
    assert not (tmp_path / "m/toy/2.0.0").exists()


def make_table(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return path


def import_(table: Path, images: Path, out: Path, *more: str) -> int:
    named = ["--name", "mine", "--version", "1.0.0", "--date", "2026-01-01", "--out", str(out)]
    return run(["manifest", "import", "--csv", str(table), "--images", str(images), *named, *more])


WAIVE = ("--waive", "identity-not-scanned=our own phantoms, no patients")


def test_import_of_anyones_own_set(make_draft: MakeDraft, tmp_path: Path) -> None:
    draft = make_draft(12)
    rows = [
        {
            "file": r["file"],
            "label": str(r["label"]).upper(),
            "patient_id": f"Müller {k // 2}",
            "licence": "CC BY 4.0",
            "own": "x",
        }
        for k, r in enumerate(draft.images.to_dict("records"))
    ]
    shutil.copy(tmp_path / "pictures/images/i000.png", tmp_path / "pictures/images/i011.png")
    table = make_table(tmp_path / "own.csv", rows)
    assert import_(table, tmp_path / "pictures", tmp_path / "m") == 1
    assert import_(table, tmp_path / "pictures", tmp_path / "m", *WAIVE) == 0
    release = read_release(tmp_path / "m/mine/1.0.0")
    assert set(release.images["licence"]) == {"cc-by-4.0"}
    assert release.images.groupby("patient_id")["split"].nunique().max() == 1
    twins = release.images.set_index("image_id").loc[["images-i000", "images-i011"], "group_id"]
    assert twins.nunique() == 1
    assert validate_release(release.path, tmp_path / "pictures") == []
    assert "our own phantoms" in (release.path / "datasheet.md").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "../../secret.png"}, "row 2: file='../../secret.png'"),
        ({"file": "/etc/passwd"}, "row 2"),
        ({"file": "images\\i000.png"}, "row 2"),
        ({"file": "images/none.png"}, "row 2"),
        ({"file": "images/i001.png"}, "stands in another row"),
        ({"label": "sick"}, "row 2: label='sick'"),
        ({"split": "dev"}, "row 2: split='dev'"),
    ],
)
def test_import_refuses_bad_rows_by_number(
    make_draft: MakeDraft, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str], message: str
) -> None:
    make_draft(2)
    rows = [{"file": f"images/i00{k}.png", "label": "covid", "split": "", "licence": "cc0"} for k in range(2)]
    rows[0] |= change
    assert import_(make_table(tmp_path / "own.csv", rows), tmp_path / "pictures", tmp_path / "m", *WAIVE) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_import_follows_no_link_out_of_the_folder(
    make_draft: MakeDraft, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_draft(2)
    outside = shutil.copy(tmp_path / "pictures/images/i000.png", tmp_path / "outside.png")
    (tmp_path / "pictures/images/link.png").symlink_to(outside)
    rows = [{"file": "images/link.png", "label": "covid", "licence": "cc0"}]
    assert import_(make_table(tmp_path / "own.csv", rows), tmp_path / "pictures", tmp_path / "m", *WAIVE) == 1
    assert "leads out" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["missing-licence", "missing-licence=", "all=yes we can", "missing-licence=why"])
def test_waivers_need_a_known_name_and_a_reason(make_draft: MakeDraft, tmp_path: Path, words: str) -> None:
    make_draft(2)
    rows = [{"file": "images/i000.png", "label": "covid"}]
    assert import_(make_table(tmp_path / "own.csv", rows), tmp_path / "pictures", tmp_path / "m", "--waive", words) == 2


_LOAD = """
import sys
import mlcroissant as mlc
dataset = mlc.Dataset(jsonld=sys.argv[1])
assert not dataset.metadata.issues.errors, dataset.metadata.issues.errors
records = list(dataset.records("images"))
print(len(records), records[0]["images/label"])
"""


def test_mlcroissant_loads_it_offline_and_refuses_changed_bytes(toy_release: Path) -> None:
    pytest.importorskip("mlcroissant", reason="extra dev")
    call = [sys.executable, "-c", _LOAD, str(toy_release / "croissant.json")]
    good = subprocess.run(call, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stderr[-2000:]
    assert good.stdout.split()[0] == "16"
    data = bytearray((toy_release / "images.csv").read_bytes())
    data[-3] ^= 1
    (toy_release / "images.csv").write_bytes(bytes(data))
    bad = subprocess.run(call, capture_output=True, text=True, check=False)
    assert bad.returncode != 0
    assert "hash" in bad.stderr.lower() or "sha256" in bad.stderr.lower()


def test_corrections_are_checked_and_explain_themselves(
    make_draft: MakeDraft, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = write_release(make_draft(16), tmp_path / "m")
    table = tmp_path / "c.csv"
    call = [
        "manifest",
        "correct",
        str(release),
        "--corrections",
        str(table),
        "--date",
        "2026-02-02",
        "--out",
        str(tmp_path / "m"),
    ]
    head = "image_id,action,value,evidence,reason\n"
    table.write_text(
        head
        + "i000,relabel,non-covid,rule x,caption names another disease\n"
        + "i005,exclude,,,same as i004\ni003,join,i015,,same scan\n"
    )
    assert run([*call, "--version", "1.1.0"]) == 2
    assert run([*call, "--version", "2.0.0"]) == 0
    images = read_release(tmp_path / "m/toy/2.0.0").images.set_index("image_id")
    assert images.loc["i000", "label"] == "non-covid"
    assert "i005" not in images.index
    assert images.loc["i003", "split"] == images.loc["i015", "split"] == "test"
    text = (tmp_path / "m/toy/2.0.0/CHANGES.md").read_text()
    assert "caption names another disease" in text
    for line, message in (
        ("i999,exclude,,,x", "row 2"),
        ("i000,burn,,,x", "none of"),
        ("i000,exclude,,,", "no reason"),
    ):
        table.write_text(head + line + "\n")
        assert run([*call, "--version", "3.0.0"]) == 1
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../../evil"}, "no name and version"),
        ({"name": "<script>"}, "no name and version"),
        ({"version": "../1"}, "no name and version"),
        ({"reasons": []}, "'reasons' is no dict"),
        ({"waivers": {"what": "all"}}, "'waivers' is no list"),
    ],
)
def test_what_a_strangers_release_says_of_itself_is_checked(
    toy_release: Path, change: dict[str, object], message: str
) -> None:
    path = toy_release / "release.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CovidctError, match=message):
        read_release(toy_release)
