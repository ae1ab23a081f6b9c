"""External sets: scans in every orientation, the patches' HDF5 file, downloads against a manifest. All made up here."""

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import SimpleITK
from faultserver import FaultServer, ScriptedPlan
from faultserver.server import static
from PIL import Image

from covidct.cli import run
from covidct.external.fetch import fetch_covid_ct, fetch_luna16
from covidct.external.lnm import windowed as lnm_windowed
from covidct.external.luna16 import choose_slices, import_luna16, lung_share, read_annotations, windowed
from covidct.net.client import HttpClient
from covidct.release.read import default_release, read_release

SIZE, DEPTH, SPACING = 64, 40, (5.0, 5.0, 2.5)
LESION = (20, 14, 30)
"""x, y, z of the made-up nodule, counted from the patient's right, front and feet."""


def phantom() -> np.ndarray:
    """Air, body, two lungs in slices 8 to 36, a dense nodule and a mark at the patient's right front. [z, y, x]."""
    z, y, x = np.mgrid[:DEPTH, :SIZE, :SIZE]
    volume = np.where(np.hypot(x - 32, (y - 32) * 1.2) < 26, 40, -1000)
    lungs = (np.hypot(x - 21, (y - 30) * 0.7) < 8) | (np.hypot(x - 43, (y - 30) * 0.7) < 8)
    volume = np.where(lungs & (z > 7) & (z < 37), -800, volume)
    nodule = np.linalg.norm(np.stack([x - LESION[0], y - LESION[1], z - LESION[2]]), axis=0) < 3
    volume = np.where(nodule, 300, volume)
    volume[:, 2:6, 2:6] = 1000
    return volume.astype(np.int16)


def write_scan(folder: Path, series: str, flips: tuple[int, int, int] = (1, 1, 1)) -> tuple[float, float, float]:
    """Store the phantom with axes stored backwards where ``flips`` is −1; the nodule's world coordinates."""
    volume = phantom()[:: flips[2], :: flips[1], :: flips[0]]
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume))
    image.SetSpacing(SPACING)
    far = [(n - 1) * s for n, s in zip((SIZE, SIZE, DEPTH), SPACING, strict=True)]
    image.SetOrigin([-100 + (f if flip < 0 else 0) for f, flip in zip(far, flips, strict=True)])
    image.SetDirection(np.diag(flips).astype(float).ravel().tolist())
    folder.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(image, str(folder / f"{series}.mhd"))
    x, y, z = (-100 + i * s for i, s in zip(LESION, SPACING, strict=True))
    return x, y, z


def write_annotations(folder: Path, rows: dict[str, tuple[float, float, float]]) -> None:
    lines = ["seriesuid,coordX,coordY,coordZ,diameter_mm"]
    lines += [f"{series},{x},{y},{z},6.0" for series, (x, y, z) in rows.items()]
    (folder / "annotations.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, -1, 1), (1, 1, -1), (-1, 1, -1)], ids=str)
def test_a_turned_scan_gives_the_same_picture(tmp_path: Path, flips: tuple[int, int, int]) -> None:
    write_annotations(tmp_path, {"1.2.3": write_scan(tmp_path / "subset0", "1.2.3", flips)})
    done = import_luna16(tmp_path, tmp_path / "out", subjects=1)
    assert done.failed == () and len(done.slices) == 2
    lesion = next(s for s in done.slices if s.reason == "lesion")
    pixels = np.asarray(Image.open(tmp_path / "out" / lesion.file))
    assert pixels.dtype == np.uint8 and pixels.shape == (SIZE, SIZE)
    assert pixels[LESION[1], LESION[0]] == 255, "the nodule is where it belongs"
    assert pixels[3, 3] == 255 and pixels[3, SIZE - 4] < 100, "the patient's right is on the left"
    shown = DEPTH - 1 - lesion.z if flips[2] < 0 else lesion.z
    assert abs(shown - LESION[2]) <= 1, "z is the index in the file"


def test_the_same_seed_gives_the_same_slices_and_short_sets_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {f"1.{n}": write_scan(tmp_path / f"subset{n % 3}", f"1.{n}") for n in range(5)}
    write_annotations(tmp_path, {k: v for k, v in rows.items() if k != "1.4"})
    (tmp_path / "subset0" / "1.0.raw").write_bytes(b"short")
    words = ["data", "import", "luna16", str(tmp_path), "--seed", "3", "--json"]
    assert run([*words, "--out", str(tmp_path / "a"), "--subjects", "4"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["subjects"], summary["slices"]) == (4, 8)
    assert run([*words, "--out", str(tmp_path / "b"), "--subjects", "5"]) == 3
    summary = json.loads(capsys.readouterr().out)
    assert "1.0" in summary["replaced"][0] and "download it again" in summary["replaced"][0]
    tables = [(tmp_path / name / "slices.csv").read_text() for name in "ab"]
    assert tables[0] == tables[1]
    assert run(["data", "import", "luna16", str(tmp_path / "a"), "--out", str(tmp_path / "c")]) == 2


@pytest.mark.parametrize("data", ["../../etc/passwd", "/etc/hostname", "LIST", "http://x/y.raw", "sub/1.raw"])
def test_a_header_that_points_elsewhere_is_refused(tmp_path: Path, data: str) -> None:
    write_annotations(tmp_path, {"1.1": write_scan(tmp_path, "1.1")})
    header = tmp_path / "1.1.mhd"
    header.write_text(header.read_text().replace("1.1.raw", data))
    done = import_luna16(tmp_path, tmp_path / "out", subjects=1)
    assert done.slices == () and "refused" in done.failed[0][1]


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    write_annotations(tmp_path, {"1.1": write_scan(tmp_path, "1.1")})
    header = tmp_path / "1.1.mhd"
    header.write_text(header.read_text().replace("64 64 40", "640000 640000 4000"))
    assert "DimSize" in import_luna16(tmp_path, tmp_path / "out", subjects=1).failed[0][1]


def test_lung_window_and_lung_share() -> None:
    assert windowed(np.array([[-3024, -1350, -600, 150, 3000]])).tolist() == [[0, 0, 128, 255, 255]]
    volume = phantom()
    assert lung_share(volume[20]) > 0.06 and lung_share(volume[2]) == 0


def test_slices_are_apart_and_fall_back() -> None:
    import random

    volume = phantom()
    for seed in range(20):
        two = choose_slices(volume, 2.5, [(30, 6.0)], random.Random(seed))
        assert len(two) == 2 and abs(two[0][0] - two[1][0]) * 2.5 >= 10
        assert [reason for _, reason in two].count("lesion") == 1
        assert len(choose_slices(volume, 2.5, [(30, 6.0), (12, 3.0)], random.Random(seed))) == 2
    assert choose_slices(volume[:5], 2.5, [], random.Random(0)) == []


@pytest.mark.shared
def test_real_annotations_are_read(shared: Path) -> None:
    lesions = read_annotations(shared / "facts" / "fixtures" / "luna" / "annotations_head.csv")
    assert sum(map(len, lesions.values())) == 5


def lnm_file(folder: Path, low: float = -1000.0) -> Path:
    rng = np.random.default_rng(0)
    path = folder / "all_patches.hdf5"
    with h5py.File(path, "w") as handle:
        handle["ct_slices"] = rng.uniform(low, 400, (7, 64, 64)).astype(np.float32)
        handle["slice_class"] = np.array([[0], [1], [1], [0], [0], [1], [0]])
    return path


def test_lnm_counts_are_computed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lnm_file(tmp_path)
    assert run(["data", "import", "lnm", str(tmp_path), "--out", str(tmp_path / "out"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["patches"], summary["benign"], summary["malignant"]) == (7, 4, 3)
    assert len(list((tmp_path / "out" / "malignant").glob("*.png"))) == 3
    grey = np.asarray(Image.open(tmp_path / "out" / "benign" / "00000.png"))
    assert grey.std() > 20, "lung below zero has not become black"
    assert lnm_windowed(np.float32([[-700, -600, -150, 300, 900]])).tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize("wrong", ["text", "no-dataset", "lengths", "not-hu", "gone"])
def test_lnm_files_that_are_none(tmp_path: Path, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = lnm_file(tmp_path, low=0.0 if wrong == "not-hu" else -1000.0)
    if wrong == "text":
        path.write_text("no HDF5")
    elif wrong == "gone":
        path.unlink()
    elif wrong in ("no-dataset", "lengths"):
        with h5py.File(path, "a") as handle:
            del handle["slice_class"]
            if wrong == "lengths":
                handle["slice_class"] = np.zeros((3, 1))
    assert run(["data", "import", "lnm", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "out").exists()


def published(folder: Path, change: str = "") -> tuple[dict[str, tuple[bytes, str]], object]:
    """Two archives of made-up pictures, and a release like covid-ct/1.0.0 that names them."""
    release = read_release(default_release())
    rows = release.images.groupby("label").head(3).copy()
    archives: dict[str, io.BytesIO] = {}
    packed: dict[str, zipfile.ZipFile] = {}
    for index, row in rows.iterrows():
        data = f"picture {row['image_id']}".encode()
        rows.loc[index, "sha256"] = hashlib.sha256(data).hexdigest()
        folder_name, name = row["file"].split("/")[1:]
        if folder_name not in packed:
            archives[folder_name] = io.BytesIO()
            packed[folder_name] = zipfile.ZipFile(archives[folder_name], "w")
            packed[folder_name].writestr(f"__MACOSX/{folder_name}/._{name}", b"junk")
            packed[folder_name].writestr("../../evil.png", b"out")
        packed[folder_name].writestr(f"{folder_name}/{name}", data + (b"!" if name == change else b""))
    for archive in packed.values():
        archive.close()
    documents = {f"/Images-processed/{n}.zip": (b.getvalue(), "application/zip") for n, b in archives.items()}
    import dataclasses

    return documents, dataclasses.replace(release, images=rows)


def test_fetch_checks_every_image_and_asks_only_for_what_is_missing(
    server: FaultServer, client: HttpClient, tmp_path: Path
) -> None:
    documents, release = published(tmp_path)
    server.services.append(static(documents))
    server.set_plan(ScriptedPlan({"CT_COVID": ["reset", "503", "truncated"]}))
    done = fetch_covid_ct(client, release, tmp_path / "out", server.url)  # type: ignore[arg-type]
    assert (done.fetched, done.failed) == (6, [])
    assert sorted(p.suffix for p in (tmp_path / "out").rglob("*") if p.is_file()).count(".png") >= 3
    assert not list(tmp_path.rglob("evil.png"))
    asked = len(server.log)
    again = fetch_covid_ct(client, release, tmp_path / "out", server.url)  # type: ignore[arg-type]
    assert (again.present, again.fetched, len(server.log)) == (6, 0, asked)
    victim = next((tmp_path / "out").rglob("*.png"))
    victim.write_bytes(b"spoiled")
    assert fetch_covid_ct(client, release, tmp_path / "out", server.url).fetched == 1  # type: ignore[arg-type]


def test_fetch_refuses_an_image_that_differs_and_names_what_is_gone(
    server: FaultServer, client: HttpClient, tmp_path: Path
) -> None:
    release = read_release(default_release())
    first = str(release.images["file"].iloc[0]).rsplit("/", 1)[-1]
    documents, made = published(tmp_path, change=first)
    documents.pop("/Images-processed/CT_NonCOVID.zip")
    server.services.append(static(documents))
    done = fetch_covid_ct(client, made, tmp_path / "out", server.url)  # type: ignore[arg-type]
    assert done.fetched == 2 and len(done.failed) == 4
    assert "differs" in next(f["reason"] for f in done.failed if f["file"].endswith(first))


def test_fetch_luna16_by_md5(server: FaultServer, client: HttpClient, tmp_path: Path) -> None:
    made = tmp_path / "made"
    write_scan(made, "1.1")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in made.iterdir():
            archive.write(file, f"subset0/{file.name}")
    notes = b"seriesuid,coordX,coordY,coordZ,diameter_mm\n"
    files = {"annotations.csv": notes, "subset0.zip": packed.getvalue(), "subset1.zip": b"other"}
    listing = [{"key": n, "checksum": f"md5:{hashlib.md5(b).hexdigest()}"} for n, b in files.items()]
    listing[2]["checksum"] = "md5:" + "0" * 32
    documents = {f"/api/records/7/files/{n}/content": (b, "application/octet-stream") for n, b in files.items()}
    documents["/api/records/7"] = (json.dumps({"files": listing}).encode(), "application/json")
    server.services.append(static(documents))
    done = fetch_luna16(client, tmp_path / "out", [0, 1, 2], server.url, ["7"])
    assert done.fetched == 2 and [f["file"] for f in done.failed] == ["subset1.zip", "subset2.zip"]
    assert sorted(p.name for p in (tmp_path / "out" / "subset0").iterdir()) == ["1.1.mhd", "1.1.raw"]
    assert fetch_luna16(client, tmp_path / "out", [0], server.url, ["7"]).present == 2
    shutil.rmtree(made)


def test_lnm_cannot_be_fetched_and_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "fetch", "lnm"]) == 2
    assert "Kaggle" in capsys.readouterr().err
