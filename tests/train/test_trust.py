"""What a run may start, what it has learned from, and options that do nothing: refused, counted, never in silence."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from covidct.cli import run
from covidct.errors import CovidctError, UsageError
from covidct.models import Classifier, build
from covidct.models.gradcam import NoMapError, grad_cam
from covidct.release.read import read_release
from covidct.tables import write_csv
from covidct.train.evaluate import compare, run_config
from covidct.train.explain import mean_places, places
from covidct.train.results import read_predictions
from covidct.train.seen import folder_marks, known, marks, read_seen

Bench = Callable[..., int]
SMALL = ("--model", "crnet", "--size", "32", "--epochs", "1")
CODE = """
from pathlib import Path
from torch import nn

CHANNELS = 1
Path("{trace}").touch()


def make(classes):
    body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten())
    return nn.Sequential(body, nn.Linear(64, classes))
"""


@pytest.fixture
def own(bench: Bench, tmp_path: Path) -> tuple[Path, Path, Path]:
    """A run of one's own network, its code, and the file that appears when the code is started."""
    trace, code = tmp_path / "started", tmp_path / "net.py"
    code.write_text(CODE.format(trace=trace))
    words = ("--model", f"{code}:make", "--size", "32", "--epochs", "1")
    assert bench(*words, "--out", str(tmp_path / "run")) == 0
    trace.unlink()
    assert (tmp_path / "run" / "network.py").read_bytes() == code.read_bytes()
    for name in ("config.toml", "results.csv", "summary.json"):
        assert str(tmp_path) not in (tmp_path / "run" / name).read_text()
    assert {file.name for file in (tmp_path / "run" / "seed-0").glob("*.pt")} == {"best.pt"}
    return tmp_path / "run", code, trace


def test_a_run_starts_no_code_that_the_caller_did_not_name(
    own: tuple[Path, Path, Path], drawn: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, code, trace = own
    picture = str(drawn[1] / "set" / "test-0.png")
    assert run(["predict", picture, "--run", str(folder)]) == 2
    assert "--model FILE.py:factory" in capsys.readouterr().err
    assert not trace.exists()
    assert run(["predict", picture, "--run", str(folder), "--model", f"{code}:make"]) == 0
    assert trace.exists()


def test_code_that_changed_since_training_is_not_started(
    own: tuple[Path, Path, Path], drawn: tuple[Path, Path], bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, code, trace = own
    code.write_text(code.read_text() + "# changed\n")
    picture = str(drawn[1] / "set" / "test-0.png")
    assert run(["predict", picture, "--run", str(folder), "--model", f"{code}:make"]) == 2
    assert "sha256 differs" in capsys.readouterr().err
    assert not trace.exists()
    words = ("--model", f"{code}:make", "--size", "32", "--epochs", "1")
    assert bench(*words, "--out", str(folder)) == 2
    assert "run.code differs" in capsys.readouterr().err


def test_a_module_named_by_weights_is_not_imported(
    bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "started"
    (tmp_path / "evil_net.py").write_text(CODE.format(trace=trace))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert bench(*SMALL, "--out", str(tmp_path / "run")) == 0
    best = tmp_path / "run" / "seed-0" / "best.pt"
    for name in ("evil_net:make", f"{tmp_path}/evil_net.py:make"):
        torch.save({**torch.load(best, weights_only=True), "model": name}, best)
        assert run(["predict", str(drawn[1] / "set" / "test-0.png"), "--run", str(tmp_path / "run")]) == 2
        assert not trace.exists()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_a_checkpoint_that_was_cut_off_is_one_line(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], share: float
) -> None:
    assert bench(*SMALL, "--keep-checkpoints", "--out", str(tmp_path)) == 0
    last, best = tmp_path / "seed-0" / "last.pt", tmp_path / "seed-0" / "best.pt"
    last.write_bytes(last.read_bytes()[: int(share * last.stat().st_size)])
    best.unlink()
    assert bench(*SMALL, "--out", str(tmp_path)) == 1
    said = capsys.readouterr().err
    assert "last.pt: cannot be read" in said
    assert "remove it to begin this seed anew" in said
    assert "Traceback" not in said


Said = tuple[Path, list[dict[str, str]]]
CHANGES: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "nan": lambda row: {**row, "probability": "nan"},
    "inf": lambda row: {**row, "probability": "inf"},
    "over one": lambda row: {**row, "probability": "1.5"},
    "label in other letters": lambda row: {**row, "label": row["label"].upper()},
    "no label": lambda row: {**row, "label": ""},
}


@pytest.fixture
def run_of_two(tmp_path: Path) -> Said:
    """The predictions of a run of two seeds on eight images, and where they lie."""
    said = [
        {"image_id": f"i{k}", "seed": str(s), "split": "test", "label": "covid" if k % 2 else "non-covid"}
        | {"probability": f"0.{3 + k % 3}"}
        for s in range(2)
        for k in range(8)
    ]
    return tmp_path, said


@pytest.mark.parametrize("change", CHANGES)
def test_predictions_that_are_none_are_refused_by_row(run_of_two: Said, change: str) -> None:
    folder, said = run_of_two
    write_csv(folder / "predictions.csv", list(said[0]), [*said[:3], CHANGES[change](said[3]), *said[4:]])
    with pytest.raises(CovidctError, match=r"predictions\.csv: row 5: "):
        read_predictions(folder, "test")


def test_an_image_counts_once_and_under_one_label(run_of_two: Said) -> None:
    folder, said = run_of_two
    flipped = {**said[9], "label": "non-covid"}
    for rows, row in (([*said, {**said[0], "probability": "0.9"}], 18), ([*said[:9], flipped, *said[10:]], 11)):
        write_csv(folder / "predictions.csv", list(said[0]), rows)
        with pytest.raises(CovidctError, match=rf"row {row}: image_id='i[01]' stands in another row"):
            read_predictions(folder, "test")


def test_runs_with_other_labels_are_not_compared(run_of_two: Said) -> None:
    folder, said = run_of_two
    other = {"covid": "non-covid", "non-covid": "covid"}
    for name, rows in (("a", said), ("b", [{**row, "label": other[row["label"]]} for row in said])):
        (folder / name).mkdir()
        write_csv(folder / name / "predictions.csv", list(said[0]), rows)
    with pytest.raises(UsageError, match="their labels differ"):
        compare(folder / "a", folder / "b", "auc", {row["image_id"]: row["image_id"] for row in said})


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[]", '{"classes": ["covid", "covid"]}', '{"classes": 5}'], ids=range(4)
)
def test_a_summary_of_another_kind_is_one_line(run_of_two: Said, text: str) -> None:
    folder, said = run_of_two
    write_csv(folder / "predictions.csv", list(said[0]), said)
    (folder / "summary.json").write_text(text)
    with pytest.raises(CovidctError, match=r"summary\.json: .*; run 'covidct bench' again"):
        read_predictions(folder, "test")


@pytest.mark.parametrize("text", ["a = " + "[" * 5_000, "x = 1" + "0" * 10_000, "run = 5"], ids=["deep", "long", "run"])
def test_settings_that_nobody_can_read_are_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(CovidctError, match=r"config\.toml: "):
        run_config(tmp_path)


def evaluate(folder: Path, release: Path, images: Path, out: Path, *words: str) -> int:
    place = ["--manifest", str(release), "--images", str(images), "--out", str(out)]
    return run(["bench", "evaluate", "--run", str(folder), *place, *words])


def test_images_that_a_run_has_learned_from_are_left_out(
    bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All splits of the run's own release are asked for: of 48 images only the 12 test images were never seen."""
    assert bench(*SMALL, "--out", str(tmp_path / "run")) == 0
    assert evaluate(tmp_path / "run", *drawn, tmp_path / "e", "--split", "all") == 0
    summary = json.loads((tmp_path / "e" / "summary.json").read_text())
    assert (summary["images"], summary["left_out"]) == (12, {"sha256": 36})
    assert "36 images left out" in capsys.readouterr().out


def test_a_release_of_training_images_alone_gives_no_score(
    bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(*SMALL, "--out", str(tmp_path / "run")) == 0
    turned = tmp_path / "release"
    turned.mkdir()
    for file in drawn[0].iterdir():
        text = file.read_text()
        (turned / file.name).write_text(
            text.replace(",test,", ",x,").replace(",train,", ",test,").replace(",x,", ",train,")
        )
    assert evaluate(tmp_path / "run", turned, drawn[1], tmp_path / "e", "--split", "test") == 2
    assert "24 shaped this run" in capsys.readouterr().err


def test_a_run_that_kept_no_marks_is_not_evaluated(
    bench: Bench, drawn: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(*SMALL, "--out", str(tmp_path / "run")) == 0
    (tmp_path / "run" / "seen.txt").unlink()
    assert evaluate(tmp_path / "run", *drawn, tmp_path / "e") == 2
    assert "what this run learned from is not known" in capsys.readouterr().err


def test_weights_carry_what_they_were_learned_from(bench: Bench, drawn: tuple[Path, Path], tmp_path: Path) -> None:
    """Pretraining without labels on all pictures, then a run on top: the test images were seen as well."""
    small = ("--set", "epochs=1", "--set", "size=32", "--set", "batch=8", "--set", "groups=1")
    file = tmp_path / "w.pt"
    assert run(["bench", "pretrain", "--images", str(drawn[1]), "--out", str(file), *small]) == 0
    assert bench(*SMALL, "--weights", str(file), "--out", str(tmp_path / "run")) == 0
    seen = read_seen(tmp_path / "run")
    assert {mark for own in marks(read_release(drawn[0])).values() for mark in own if mark.startswith("sha")} <= seen
    assert evaluate(tmp_path / "run", *drawn, tmp_path / "e") == 2


def test_a_rescaled_copy_is_known_by_its_pixels_and_takes_its_group_along(drawn: tuple[Path, Path]) -> None:
    rng = np.random.default_rng(1)
    rows = np.linspace(0, 6, 256)
    picture = (127 + 60 * np.sin(np.outer(rows, rng.normal(size=256)))).clip(0, 255).astype(np.uint8)
    other = rng.integers(0, 255, (256, 256), dtype=np.uint8)
    seen = folder_marks({"a": "f" * 64}, picture[None])
    found = {
        "copy": folder_marks({}, np.clip(picture[None] * 0.97 + 2, 0, 255).astype(np.uint8)),
        "sibling": folder_marks({}, other[None]),
        "stranger": folder_marks({}, other[None].transpose(0, 2, 1)),
    }
    reasons = known(found, {"copy": "p1", "sibling": "p1", "stranger": "p2"}, seen)
    assert reasons == {"copy": "phash", "sibling": "group"}


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (("--table", "3", "--weights", "w.pt"), "--weights is not used by --table"),
        (("--table", "6", "--method", "scratch"), "--method is not used by --table"),
        (("--table", "3", "--fractions", "0.5"), "--fractions is not used by --table"),
        (("--fractions", "0.5,1", "--model", "crnet", "--luna", "L"), "--luna is not used"),
        (("--model", "crnet", "--luna", "L"), "--luna is not used by method scratch"),
        (("--model", "crnet", "--lnm", "L"), "--lnm is not used by method scratch"),
        (("--model", "crnet", "--ssl-images", "all"), "--ssl-images all is not used by method scratch"),
        (("--model", "crnet", "--set", "moco.epochs=3"), "--set moco.epochs is not used by method scratch"),
    ],
)
def test_options_that_do_nothing_are_refused(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], refused: str
) -> None:
    assert bench(*words, "--out", str(tmp_path / "o")) == 2
    assert refused in capsys.readouterr().err


def test_tables_of_counts_take_no_training_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "--table", "2", "--epochs", "3", "--out", str(tmp_path)]) == 2
    assert "--epochs is not used by --table 2" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "count"), [(3, 16), (4, 4), (5, 4), (6, 10), (7, 4)])
def test_a_table_without_a_model_has_all_rows_of_the_paper(
    bench: Bench, tmp_path: Path, number: int, count: int
) -> None:
    """A side that no network takes: every row says why it was not run, and none is left out."""
    assert bench("--table", str(number), "--size", "4", "--out", str(tmp_path)) == 3
    found = json.loads((tmp_path / "table.json").read_text())
    assert len(found["rows"]) == count
    assert all("size must be at least 8" in row["why"] for row in found["rows"])


def test_empty_maps_are_counted_and_not_averaged() -> None:
    picture = np.full((40, 40), 160, np.uint8)
    full = np.ones((40, 40), np.float32)
    found = [places(heat, picture) for heat in (full, np.zeros_like(full), np.zeros_like(full))]
    table = mean_places(found)
    assert (table["pictures"], table["empty_maps"], table["border_pictures"]) == (3, 2, 1)
    assert table["border"] == pytest.approx(table["border_area"])


class Last(nn.Module):
    """A convolution whose map is turned: to ``tokens`` (n, places, channels), or to channels last."""

    def __init__(self, tokens: bool) -> None:
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(3, 6, 4, 4), nn.LayerNorm(6), nn.Linear(6, 2)
        self.tokens = tokens

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x).permute(0, 2, 3, 1)
        y = self.norm(y.flatten(1, 2) if self.tokens else y)
        out: torch.Tensor = self.fc(y.flatten(1, -2).mean(1))
        return out


@pytest.mark.parametrize("tokens", [True, False])
def test_networks_without_maps_of_the_pictures_shape_have_none(tokens: bool) -> None:
    with pytest.raises(NoMapError, match="no map of the picture's shape"):
        grad_cam(Classifier(Last(tokens), 3, 2), torch.rand(1, 1, 32, 32))


@pytest.mark.parametrize("name", ["crnet", "lite0", "resnet18"])
def test_networks_with_maps_have_them(name: str) -> None:
    assert grad_cam(build(name, size=64), torch.rand(2, 1, 64, 64)).shape == (2, 64, 64)
