"""The published COVID-CT set as a release: the one that ships, and the importer that made it."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from covidct.cli import run
from covidct.release.make.covid_ct import age_band, clean_doi
from covidct.release.read import default_release, locate_images, read_release
from covidct.release.read.stats import release_stats
from covidct.release.read.validate import validate_release

REPO = Path(__file__).resolve().parents[2]


def test_shipped_release_has_the_counts_of_table_one() -> None:
    release = read_release(default_release())
    stats = release_stats(release)
    assert stats["covid"].images == {"train": 191, "val": 60, "test": 98, "all": 349}
    assert stats["non-covid"].images == {"train": 234, "val": 58, "test": 105, "all": 397}
    assert stats["non-covid"].patients == {"train": 105, "val": 24, "test": 42, "all": 171}
    assert stats["covid"].patients == {"train": 128, "val": 32, "test": 53, "all": 213}
    assert stats["covid"].images_per_patient.max == 16
    assert (stats["covid"].height.min, stats["covid"].width.max) == (61, 1671)


def test_shipped_release_is_valid_and_says_where_counts_differ() -> None:
    assert validate_release(default_release()) == []
    remarks = " ".join(read_release(default_release()).meta["remarks"])
    assert "213 distinct patient ids in MetaInfo, the paper says 216" in remarks
    assert "one PMC figure (86 ids" in remarks


def test_shipped_release_holds_facts_only() -> None:
    images = read_release(default_release()).images
    assert images["image_id"].str.fullmatch(r"[A-Za-z0-9._-]+").all()
    assert images["image_id"].is_unique
    assert images["notes"].str.len().max() == 0
    assert images["label_evidence"].str.len().max() < 40


@pytest.mark.shared
def test_import_gives_the_shipped_bytes(shared: Path, tmp_path: Path) -> None:
    assert run(["manifest", "import-covid-ct", str(shared / "data/covid-ct"), "--out", str(tmp_path)]) == 0
    shipped = default_release()
    for path in shipped.iterdir():
        assert (tmp_path / "covid-ct/1.0.0" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.shared
def test_one_changed_byte_is_found_and_named(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "covid-ct"
    shutil.copytree(shared / "data/covid-ct/Images-processed", root / "Images-processed")
    call = ["manifest", "validate", str(default_release()), "--images", str(root)]
    assert run(call) == 0
    victim = root / "Images-processed/CT_COVID/2020.02.10.20021584-p6-52%0.png"
    data = bytearray(victim.read_bytes())
    data[-5] ^= 1
    victim.write_bytes(bytes(data))
    assert run(call) == 4
    out = capsys.readouterr().out
    assert "2020.02.10.20021584-p6-52%0.png" in out
    assert "1 faults" in out


@pytest.mark.shared
def test_images_are_found_in_the_published_layout(shared: Path) -> None:
    release = read_release(default_release())
    paths = locate_images(release, shared / "data/covid-ct")
    assert len(paths) == 746
    assert locate_images(release, shared / "data/covid-ct/Images-processed") == paths


@pytest.mark.parametrize(
    ("text", "band"),
    [("41", "40-49"), ("1", "0-9"), ("97", "90+"), ("40+", "40+"), ("Young Child", "child"), ("", ""), ("old", "")],
)
def test_ages_become_bands(text: str, band: str) -> None:
    assert age_band(text) == band


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("10.1016/ S0140-6736(20)30360-3", "10.1016/s0140-6736(20)30360-3"),
        (" 10.1136/bmj.m606 ", "10.1136/bmj.m606"),
        ("none", ""),
    ],
)
def test_dois_are_mended(text: str, doi: str) -> None:
    assert clean_doi(text) == doi


@pytest.mark.slow
def test_wheel_carries_the_releases(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(REPO, source, ignore=shutil.ignore_patterns(".git", "*.egg-info", ".venv", "tests"))
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(tmp_path),
            str(source),
        ],
        check=True,
    )
    wheel = next(tmp_path.glob("covidct-*.whl"))
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = "from covidct.release.read import *; print(default_release(), len(read_release(default_release()).images))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path / "site/covidct/manifests/covid-ct/1.0.0") in done.stdout
    assert done.stdout.split()[-1] == "746"
