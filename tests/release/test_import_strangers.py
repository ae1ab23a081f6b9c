"""Tables that strangers bring: words for missing values, torn splits, one class, any script, their own labels."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from covidct.cli import run
from covidct.errors import CovidctError, UsageError
from covidct.release.make.export import export_npz
from covidct.release.make.importing import MISSING, distinct_id
from covidct.release.make.materialize import Wish
from covidct.release.make.write import Draft, render
from covidct.release.read import read_release
from covidct.release.read.classes import need_both_classes
from covidct.release.read.locate import find_images
from covidct.release.read.validate import validate_release

WAIVE = ("--waive", "identity-not-scanned=phantoms, no patients")
Bring = Callable[..., tuple[int, Path]]


@pytest.fixture
def bring(tmp_path: Path) -> Bring:
    """Import a table of ``rows`` whose pictures are drawn where they are not there; (exit code, release folder)."""

    def do(rows: list[dict[str, str]], *more: str) -> tuple[int, Path]:
        home = tmp_path / "pictures"
        home.mkdir(exist_ok=True)
        for k, row in enumerate(rows):
            Image.effect_noise((24 + k, 20), 60 + k).save(home / row["file"], "PNG")
        pd.DataFrame(rows).to_csv(tmp_path / "t.csv")
        named = ("--name", "mine", "--version", "1.0.0", "--date", "2026-01-01", "--out", str(tmp_path / "m"))
        call = ("manifest", "import", "--csv", str(tmp_path / "t.csv"), "--images", str(home), "--no-duplicates")
        return run([*call, *named, *more]), tmp_path / "m/mine/1.0.0"

    return do


def rows(count: int = 12, **columns: str) -> list[dict[str, str]]:
    return [
        {"file": f"p{k}.png", "label": "covid" if k % 2 else "non-covid", "licence": "cc0", **columns}
        for k in range(count)
    ]


@pytest.mark.parametrize("word", ["NA", "nan", "None", "unknown", " n/a ", "-"])
def test_words_for_no_value_are_no_value(bring: Bring, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    columns = ("patient_id", "sex", "age_band", "page", "paper_id", "source", "doi", "finding", "split", "artifacts")
    code, folder = bring(rows(**dict.fromkeys(columns, word)), *WAIVE)
    assert code == 0, capsys.readouterr().err
    assert "the patient of 12 of 12 images is not known" in capsys.readouterr().err
    assert validate_release(folder) == []
    images = read_release(folder).images
    assert set(images["patient_id"]) == {""}
    assert images["group_id"].nunique() == 12
    assert not set(images.drop(columns=["file", "notes"]).astype(str).to_numpy().ravel()) & (MISSING - {""})


def test_a_missing_licence_refuses_and_the_message_leads_on(bring: Bring, capsys: pytest.CaptureFixture[str]) -> None:
    table = rows(licence="NA")
    code, folder = bring(table, *WAIVE)
    err = capsys.readouterr().err
    assert code == 1
    assert err.count("\n") == 1
    assert "12 of 12 images" in err
    assert "--private" in err
    assert "--hold-back" not in err  # nothing would be left
    assert not folder.exists()
    table[0]["licence"] = "cc-by-4.0"
    assert bring(table, *WAIVE)[0] == 1
    assert "--hold-back leaves these images out (1 stay)" in capsys.readouterr().err
    code, folder = bring(table, *WAIVE, "--hold-back", "--json")
    assert code == 0
    done = json.loads(capsys.readouterr().out)
    assert done["images"] == 1
    assert done["held_back"]["p3"] == "missing-licence"
    assert "`p3` (missing-licence)" in (folder / "datasheet.md").read_text()
    assert validate_release(folder) == []


def test_a_private_release_is_built_and_never_handed_on(
    bring: Bring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, folder = bring(rows(licence="NA"), "--private")
    assert code == 0
    assert "for this machine only" in (folder / "datasheet.md").read_text()
    release = read_release(folder)
    sources = find_images(release, tmp_path / "pictures")[0]
    with pytest.raises(CovidctError, match=r"private 12.*--private"):
        export_npz(release, sources, tmp_path / "npz", Wish())
    assert export_npz(release, sources, tmp_path / "npz", Wish(private=True)).pictures == 12
    capsys.readouterr()
    assert run(["manifest", "pack", str(folder), "--out", str(tmp_path / "a.zip")]) == 2
    assert "stays on this machine" in capsys.readouterr().err
    assert not (tmp_path / "a.zip").exists()


def test_a_torn_split_is_refused_by_row(bring: Bring, capsys: pytest.CaptureFixture[str]) -> None:
    table = rows(patient_id="p", split="train")
    for k, row in enumerate(table):
        row["patient_id"] = f"p{k // 2}"
    table[3]["split"] = "test"
    code, folder = bring(table, *WAIVE)
    assert code == 1
    assert "rows 4, 5 belong together (patient, paper or the same scan) and stand in test and train" in (
        capsys.readouterr().err
    )
    assert not folder.exists()


def test_what_validate_refuses_is_not_written(bring: Bring, capsys: pytest.CaptureFixture[str]) -> None:
    table = rows()
    table[2] |= {"sex": "male"}
    table[4] |= {"age_band": "old"}
    code, folder = bring(table, *WAIVE)
    err = capsys.readouterr().err
    assert code == 1
    assert "row 4: sex='male'" in err
    assert "row 6: age_band='old'" in err
    assert not folder.exists()


def test_render_writes_nothing_that_validate_refuses(make_draft: Callable[..., Draft]) -> None:
    draft = make_draft(8)
    draft.images.loc[0, "group_id"] = draft.images.loc[7, "group_id"]
    with pytest.raises(CovidctError, match=r"torn over.*nothing written"):
        render(draft)


def test_one_class_is_said_with_what_to_do(bring: Bring, capsys: pytest.CaptureFixture[str]) -> None:
    table = [row for row in rows() if row["label"] == "covid"]
    code, folder = bring(table, *WAIVE)
    assert code == 0
    assert "there is no non-covid image at all: add controls" in capsys.readouterr().err
    with pytest.raises(UsageError, match=r"mine/1\.0\.0 cannot be trained on or scored: there is no non-covid"):
        need_both_classes(read_release(folder))


def test_file_names_in_any_script_give_distinct_ids(bring: Bring) -> None:
    names = ["肺1.png", "胸1.png", "กข.png", "Ж.png", "é.png", "a b.png", "a_b.png", "ü.png"]
    table = [{**row, "file": name, "patient_id": name[0]} for row, name in zip(rows(len(names)), names, strict=True)]
    code, folder = bring(table, *WAIVE)
    assert code == 0
    release = read_release(folder)
    assert release.images["image_id"].nunique() == len(names)
    assert release.images["patient_id"].nunique() == len({name[0] for name in names})
    assert validate_release(folder) == []


def test_distinct_texts_are_distinct_ids() -> None:
    texts = ["甲", "乙", "P 1", "P_1", "P-1", "x" * 300, "x" * 301, "..", "é", "e"]
    ids = [distinct_id(text) for text in texts]
    assert len(set(ids)) == len(texts)
    assert distinct_id("P_1") == "P_1"
    assert distinct_id("") == ""


def test_labels_are_mapped_by_name(bring: Bring, capsys: pytest.CaptureFixture[str]) -> None:
    table = [{**row, "label": ("Viral pneumonia", "normal", "1")[k % 3]} for k, row in enumerate(rows())]
    assert bring(table, *WAIVE)[0] == 1
    assert "--positive LABEL" in capsys.readouterr().err
    assert bring(table, *WAIVE, "--positive", "flu")[0] == 2
    assert "it has 1, Viral pneumonia, normal" in capsys.readouterr().err
    code, folder = bring(table, *WAIVE, "--positive", "viral Pneumonia", "--positive", "1")
    assert code == 0
    assert "label 'normal' -> non-covid (4 images)" in capsys.readouterr().err
    images = read_release(folder).images
    assert dict(images.groupby("finding")["label"].first()) == {
        "1": "covid",
        "Viral pneumonia": "covid",
        "normal": "non-covid",
    }


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "code"),
    [("base", 0), ("lic_na", 1), ("lic_unknown", 1), ("one_class", 0), ("pid_na", 0), ("split_torn", 1), ("zh", 0)],
)
def test_cases_of_the_shared_folder(shared: Path, tmp_path: Path, name: str, code: int) -> None:
    home = shared / "cases/tables"
    named = ["--name", "mine", "--version", "1.0.0", "--date", "2026-01-01", "--out", str(tmp_path)]
    call = ["--csv", str(home / f"{name}.csv"), "--images", str(home / ("zh" if name == "zh" else "img"))]
    call += [] if name == "base" else ["--no-duplicates"]
    assert run(["manifest", "import", *call, *named, *WAIVE]) == code
    if code == 0:
        assert validate_release(tmp_path / "mine/1.0.0", home / call[3]) == []
    else:
        assert not (tmp_path / "mine").exists()
