"""Age as a band and sex reach a release from what the patient rules read; never the age itself."""

from collections.abc import Callable
from pathlib import Path

from covidct.cli import run
from covidct.records import Decision
from covidct.release.read import read_release
from covidct.workspace import Workspace


def test_age_bands_and_sex_come_from_the_text(make_workspace: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_workspace()
    with Workspace.open(folder) as ws:
        first, second = ws.panels()[0].panel_id, ws.panels()[2].panel_id
        ws.decide(
            [
                Decision("panel", first, "patient", "a", "rule:patients@1", evidence={"age": 0.25, "sex": "F"}),
                Decision("panel", second, "patient", "b", "rule:patients@1", evidence={"age": 93.0, "sex": ""}),
            ]
        )
    words = ["--name", "own", "--version", "1.0.0", "--date", "2026-01-02", "--out", str(tmp_path / "out")]
    assert run(["manifest", "build", "-w", str(folder), *words]) == 0
    images = read_release(tmp_path / "out/own/1.0.0").images.set_index("image_id")
    assert tuple(images.loc[first, ["age_band", "sex"]]) == ("0-9", "F")
    assert tuple(images.loc[second, ["age_band", "sex"]]) == ("90+", "")
    assert (images.drop([first, second])["age_band"] == "").all()


def test_a_patient_who_is_perhaps_several_says_so(make_workspace: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_workspace()
    with Workspace.open(folder) as ws:
        first, second = ws.panels()[0].panel_id, ws.panels()[2].panel_id
        told = {first: ("a", "perhaps-several"), second: ("b", "panel-text")}
        ws.decide(
            [Decision("panel", k, "patient", p, "rule:patients@1", evidence={"rule": r}) for k, (p, r) in told.items()]
        )
    words = ["--name", "own", "--version", "1.0.0", "--date", "2026-01-02", "--out", str(tmp_path / "out")]
    assert run(["manifest", "build", "-w", str(folder), *words]) == 0
    patients = read_release(tmp_path / "out/own/1.0.0").patients.set_index("patient_id")
    assert "perhaps several people" in patients.loc["a", "notes"] and patients.loc["b", "notes"] == ""


def test_a_licence_that_a_person_read_counts_before_what_the_harvest_found(
    make_workspace: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_workspace()
    with Workspace.open(folder) as ws:
        paper = ws.figures()[0].paper_id
    page = "https://example.org/licence"
    assert run(["curate", "licence", paper, "cc0", "--evidence", page, "-w", str(folder)]) == 0
    words = ["--name", "own", "--version", "1.0.0", "--date", "2026-01-02", "--out", str(tmp_path / "out")]
    assert run(["manifest", "build", "-w", str(folder), *words]) == 0
    images = read_release(tmp_path / "out/own/1.0.0").images
    assert set(images.loc[images["paper_id"] == paper, "licence"]) == {"cc0"}
    assert "cc0" not in set(images.loc[images["paper_id"] != paper, "licence"])
