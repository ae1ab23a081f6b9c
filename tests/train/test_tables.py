"""`bench --table N`: the paper's counts to the letter, and every other table end to end on a reduced setting."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from covidct.cli import run
from covidct.train import tables

Bench = Callable[..., int]
TINY = ("--size", "32", "--epochs", "1", "--seeds", "0")
SSL = ("--set", "moco.epochs=1", "--set", "moco.size=32", "--set", "moco.batch=8", "--set", "moco.groups=1")


def table(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "table.json").read_text())
    return found


def test_table_1_has_the_images_of_the_paper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On covid-ct/1.0.0, which ships with the package; patients differ from the paper where the ids do."""
    assert run(["bench", "--table", "1", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "| # images | covid | 191 (191) | 60 (60) | 98 (98) |" in said
    assert "| # images | non-covid | 234 (234) | 58 (58) | 105 (105) |" in said
    assert "| # patients | covid | 128 (130) | 32 (32) | 53 (54) |" in said


def test_table_2_is_the_papers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "--table", "2", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("| same |") == 8
    assert "DIFFERS" not in said
    assert "| CRNet | 546,882 | 546,882 | same |" in said


def test_the_papers_figures_stand_in_its_rows() -> None:
    self_trans = next(row for row in tables.rows(5) if row.title == "densenet169 (Self-Trans)")
    assert vars(self_trans.paper) == {"accuracy": 0.86, "f1": 0.85, "auc": 0.94}
    assert {number: len(tables.rows(number)) for number in range(3, 8)} == {3: 16, 4: 4, 5: 4, 6: 10, 7: 4}
    assert all("Method 2" in row.note for row in tables.rows(7))
    for number in range(3, 8):
        assert len({row.slug for row in tables.rows(number)}) == len(tables.rows(number))


def test_table_3_runs_a_networks_rows(bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CRNet from scratch runs; CRNet transferred is n/a, since nobody has its ImageNet weights: no failure."""
    assert bench("--table", "3", "--model", "crnet", *TINY, "--out", str(tmp_path)) == 0
    said = capsys.readouterr().out
    assert "(0.77) |" in said
    assert "n/a (0.79)" in said
    assert (tmp_path / "results.csv").is_file()
    assert "Table III" in (tmp_path / "report.html").read_text()


def test_a_table_of_methods_runs_on_any_network(bench: Bench, drawn: tuple[Path, Path], tmp_path: Path) -> None:
    """Table VII; Table VI runs as docs/benchmarks.md prints it (test_docs_commands.py)."""
    words = ("--table", "7", "--model", "lite0", *TINY, *SSL, "--luna", str(drawn[1]))
    assert bench(*words, "--out", str(tmp_path)) == 0
    rows = table(tmp_path)["rows"]
    assert isinstance(rows, list)
    assert all(row["ours"] is not None for row in rows)
    assert len(rows) == 2
    lines = [line for line in (tmp_path / "table.md").read_text().splitlines() if " − " in line and "AUC" in line]
    assert [line.split(",")[0] for line in lines] == ["| lite0: method2 − method2-frozen"]


def test_table_4_with_patches_of_two_kinds(bench: Bench, drawn: tuple[Path, Path], tmp_path: Path) -> None:
    patches = tmp_path / "lnm"
    for number, picture in enumerate(sorted((drawn[1] / "set").glob("*.png"))[:24]):
        kind = patches / ("benign" if number % 2 else "malignant")
        kind.mkdir(parents=True, exist_ok=True)
        (kind / picture.name).write_bytes(picture.read_bytes())
    words = ("--table", "4", "--model", "lite0", *TINY, "--lnm", str(patches), "--out", str(tmp_path / "t"))
    assert bench(*words) == 0
    lines = (tmp_path / "t" / "results.csv").read_text().splitlines()
    assert [line.split(",")[4] for line in lines[1:]] == ["random", "imagenet", "lnm", "imagenet+lnm"]


def test_a_row_that_cannot_run_is_said_and_the_others_stay(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("--table", "5", "--model", "lite0", *TINY, *SSL, "--out", str(tmp_path)) == 3
    said = capsys.readouterr()
    assert "n/a (0.85)" in said.out
    assert "give --luna DIR" in said.err


def test_tables_share_the_runs_that_they_have_in_common(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 38 rows 8 are runs of another table; a run that is there is not made again."""
    slugs = [row.slug for number in range(3, 8) for row in tables.rows(number)]
    assert (len(slugs), len(set(slugs))) == (38, 30)
    monkeypatch.chdir(tmp_path)
    small = ("--model", "crnet", *TINY)
    assert bench("--table", "3", *small) == 0
    weights = tmp_path / "runs" / "rows-paper" / "crnet-scratch" / "seed-0" / "best.pt"
    made = weights.stat().st_mtime_ns
    assert bench("--table", "4", *small) == 0
    assert weights.stat().st_mtime_ns == made
    assert (tmp_path / "runs" / "table-4" / "results.csv").read_text().count("\n") == 2


def test_the_papers_figure_is_that_of_the_like_run() -> None:
    def config(model: str, method: str, init: str, freeze: bool = False) -> dict[str, dict[str, object]]:
        return {"run": {"model": model, "method": method, "init": init}, "recipe": {"freeze": freeze}}

    assert tables.like(config("densenet169", "self-trans", "imagenet"))["auc"] == 0.94
    assert tables.like(config("resnet50", "method2", "imagenet", True))["accuracy"] == 0.70
    assert tables.like(config("lite0", "transfer", "imagenet")) == {}
