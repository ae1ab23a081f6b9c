"""Pictures that leave: the gate, canonical form, exports, the archive, and reading it back from a file or a server."""

import contextlib
import csv
import functools
import http.server
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from covidct.cli import run
from covidct.datasets import CovidCT
from covidct.errors import CovidctError, UsageError
from covidct.release.make.write import Draft, write_release
from covidct.release.read import locate_images, read_release
from covidct.release.read.gate import Form, may_redistribute, normal_licence

MakeDraft = Callable[..., Draft]
OPEN = {"image_id": "a", "paper_id": "p", "licence": "cc-by-4.0", "artifacts": "identifying=no"}


@pytest.mark.parametrize(
    ("change", "form", "rule"),
    [
        ({}, Form.ORIGINAL, ""),
        ({}, Form.THUMBNAIL, ""),
        ({"licence": ""}, Form.ORIGINAL, "licence"),
        ({"licence": "cc_no"}, Form.ORIGINAL, "licence"),
        ({"licence": "cc-by-nd-4.0"}, Form.ORIGINAL, ""),
        ({"licence": "cc-by-nd-4.0"}, Form.CANONICAL, ""),
        ({"licence": "cc_by_nc_nd"}, Form.MASKED, "licence"),
        ({"licence": "cc-by-nd-4.0"}, Form.THUMBNAIL, "licence"),
        ({"licence": "cc-by-nd-4.0", "artifacts": "identifying=no crop=1"}, Form.ORIGINAL, "licence"),
        ({"artifacts": "identifying=yes"}, Form.ORIGINAL, "identity"),
        ({"artifacts": "identifying=yes"}, Form.MASKED, ""),
        ({"artifacts": ""}, Form.ORIGINAL, "not-scanned"),
        ({"image_id": "gone"}, Form.ORIGINAL, "withdrawal"),
        ({"paper_id": "gone"}, Form.ORIGINAL, "withdrawal"),
    ],
)
def test_gate(change: dict[str, str], form: Form, rule: str) -> None:
    verdict = may_redistribute(OPEN | change, form, withdrawn={"gone"})
    assert (verdict.allowed, verdict.rule) == (not rule, rule)


def test_a_private_copy_still_honours_withdrawal_and_identity() -> None:
    assert may_redistribute(OPEN | {"licence": "", "artifacts": ""}, Form.MASKED, private=True).allowed
    assert not may_redistribute(OPEN | {"artifacts": "identifying=yes"}, Form.ORIGINAL, private=True).allowed
    assert not may_redistribute(OPEN, Form.ORIGINAL, withdrawn={"p"}, private=True).allowed


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("https://creativecommons.org/licenses/by-nc/4.0/", "cc-by-nc-4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "cc0"),
        ("cc_by_nc_nd", "cc-by-nc-nd"),
        ("CC0_NG", "cc0"),
        ("All rights reserved", "all-rights-reserved"),
    ],
)
def test_licences_have_one_spelling(text: str, code: str) -> None:
    assert normal_licence(text) == code


def test_canonical_form_is_grey_png_without_alpha_and_resumes(make_draft: MakeDraft, tmp_path: Path) -> None:
    root = tmp_path / "pictures/images"
    make_draft(4)
    colour = Image.open(root / "i000.png").convert("RGBA")
    colour.save(root / "i000.png")
    Image.open(root / "i001.png").convert("RGB").save(root / "i001.png", "JPEG")
    release = write_release(make_draft(4), tmp_path / "m")
    call = [
        "manifest",
        "materialize",
        str(release),
        "--images",
        str(tmp_path / "pictures"),
        "--out",
        str(tmp_path / "o"),
    ]
    assert run(call) == 0
    for path in sorted((tmp_path / "o/images").iterdir()):
        with Image.open(path) as picture:
            assert (picture.format, picture.mode, picture.info) == ("PNG", "L", {})
    first = (tmp_path / "o/images/i000.png").stat().st_mtime_ns
    (tmp_path / "o/images/i002.png").write_bytes(b"torn")
    assert run(call) == 0
    assert (tmp_path / "o/images/i000.png").stat().st_mtime_ns == first
    assert run(["manifest", "validate", str(release), "--images", str(tmp_path / "o")]) == 0
    (tmp_path / "o/images/i003.png").write_bytes(b"torn")
    assert run(["manifest", "validate", str(release), "--images", str(tmp_path / "o")]) == 4


def test_masks_paint_over_boxes_and_identifying_text_without_one_stays(make_draft: MakeDraft, tmp_path: Path) -> None:
    draft = make_draft(4)
    draft.images["artifacts"] = [
        "identifying=yes boxes=text:4,4,20,12",
        "identifying=yes",
        "identifying=no",
        "identifying=no",
    ]
    release = write_release(draft, tmp_path / "m")
    out = tmp_path / "o"
    call = [
        "manifest",
        "materialize",
        str(release),
        "--images",
        str(tmp_path / "pictures"),
        "--out",
        str(out),
        "--masked",
    ]
    assert run(call) == 3
    assert sorted(path.stem for path in (out / "images").iterdir()) == ["i000", "i002", "i003"]
    before = np.asarray(Image.open(tmp_path / "pictures/images/i000.png").convert("L"))
    after = np.asarray(Image.open(out / "images/i000.png"))
    assert (before[4:12, 4:20] != after[4:12, 4:20]).mean() > 0.5
    assert (before[20:, 30:] == after[20:, 30:]).all()


def test_what_may_not_leave_stays_without_private(
    make_draft: MakeDraft, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = write_release(make_draft(4, licence=""), tmp_path / "m")
    words = [str(release), "--images", str(tmp_path / "pictures"), "--out", str(tmp_path / "o")]
    assert run(["manifest", "materialize", *words]) == 1
    assert "--private" in capsys.readouterr().err
    assert run(["manifest", "export", *words, "--format", "npz"]) == 1
    assert not list((tmp_path / "o").rglob("*.png"))
    assert run(["manifest", "materialize", *words, "--private"]) == 0
    assert "Keep it on this machine" in (tmp_path / "o/PRIVATE-COPY.txt").read_text()
    assert (
        run(["manifest", "pack", str(release), "--images", str(tmp_path / "o"), "--out", str(tmp_path / "a.zip")]) == 0
    )
    assert not [name for name in zipfile.ZipFile(tmp_path / "a.zip").namelist() if name.endswith(".png")]


def export(release: Path, tmp_path: Path, kind: str, *more: str) -> Path:
    out = tmp_path / kind
    call = ["manifest", "export", str(release), "--images", str(tmp_path / "pictures"), "--out", str(out)]
    assert run([*call, "--format", kind, *more]) == 0
    return out


def test_imagefolder(toy_release: Path, tmp_path: Path) -> None:
    out = export(toy_release, tmp_path, "imagefolder")
    rows = list(csv.DictReader((out / "train/metadata.csv").open()))
    assert len(rows) == 8
    for row in rows:
        assert (out / "train" / row["file_name"]).is_file()
        assert row["file_name"].startswith(row["label"] + "/")


def test_npz_is_the_same_twice(toy_release: Path, tmp_path: Path) -> None:
    path = export(toy_release, tmp_path, "npz", "--size", "32") / "toy-1.0.0.npz"
    data = path.read_bytes()
    arrays = np.load(io.BytesIO(data), allow_pickle=False)
    assert arrays["train_images"].shape == (8, 32, 32)
    assert arrays["test_labels"].shape == (4, 1)
    assert set(np.unique(arrays["train_labels"])) == {0, 1}
    export(toy_release, tmp_path, "npz", "--size", "32")
    assert path.read_bytes() == data


def test_coco_has_the_boxes(make_draft: MakeDraft, tmp_path: Path) -> None:
    draft = make_draft(4)
    draft.images.loc[1, "artifacts"] = "identifying=no boxes=text:4,5,20,12;arrow:1,1,9,9"
    out = export(write_release(draft, tmp_path / "m"), tmp_path, "coco")
    document = json.loads((out / "annotations.json").read_text())
    marks = {c["id"]: c["name"] for c in document["categories"] if c["supercategory"] == "mark"}
    assert sorted(marks.values()) == ["arrow", "text"]
    boxes = [(a["image_id"], a["bbox"]) for a in document["annotations"] if a["category_id"] in marks]
    assert boxes == [(2, [4, 5, 16, 7]), (2, [1, 1, 8, 8])]
    assert document["images"][1]["width"] == 41


def test_label_studio(toy_release: Path, tmp_path: Path) -> None:
    out = export(toy_release, tmp_path, "label-studio")
    tasks = json.loads((out / "tasks.json").read_text())
    assert len(tasks) == 16
    assert tasks[0]["predictions"][0]["result"][0]["value"]["choices"] == ["covid"]
    assert '<Choice value="non-covid"/>' in (out / "config.xml").read_text()


def test_dataset_class(toy_release: Path, tmp_path: Path) -> None:
    data = CovidCT(tmp_path / "pictures", split="test", release=toy_release, transform=np.asarray)
    assert len(data) == 4
    picture, target = data[0]
    assert picture.shape == (44, 52)
    assert (target, data.classes[target]) == (1, "covid")
    assert len(CovidCT(tmp_path / "pictures", split=None, release=toy_release)) == 16
    with pytest.raises(UsageError, match="none of train"):
        CovidCT(tmp_path / "pictures", split="holdout", release=toy_release)


@pytest.fixture
def archive(toy_release: Path, tmp_path: Path) -> Path:
    path = tmp_path / "served/toy.zip"
    call = ["manifest", "materialize", str(toy_release), "--images", str(tmp_path / "pictures")]
    assert run([*call, "--out", str(tmp_path / "o")]) == 0
    path.parent.mkdir()
    assert run(["manifest", "pack", str(toy_release), "--images", str(tmp_path / "o"), "--out", str(path)]) == 0
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_the_archive_is_a_release(archive: Path, toy_release: Path, server: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as bundle:
        names = bundle.namelist()
    assert "toy-1.0.0/CITATION.cff" in names
    assert sum(name.endswith(".png") for name in names) == 16
    assert archive.with_name("toy.zip.sha256").read_text().endswith("  toy.zip\n")
    assert read_release(archive).images.equals(read_release(toy_release).images)
    assert read_release(f"{server}/toy.zip").title == "toy/1.0.0"
    assert len(locate_images(read_release(Path(f"{server}/toy.zip")))) == 16
    assert run(["manifest", "validate", f"{server}/toy.zip"]) == 0
    assert run(["manifest", "diff", str(toy_release), f"{server}/toy.zip"]) == 0
    first = archive.read_bytes()
    assert run(["manifest", "pack", str(toy_release), "--images", str(tmp_path / "o"), "--out", str(archive)]) == 0
    assert archive.read_bytes() == first


def test_addresses_that_hold_no_archive(server: str, tmp_path: Path) -> None:
    (tmp_path / "served").mkdir(exist_ok=True)
    (tmp_path / "served/page.zip").write_text("<html>")
    for name, message in (("none.zip", "404"), ("page.zip", "no zip archive")):
        with pytest.raises(CovidctError, match=message):
            read_release(f"{server}/{name}")


def _member(name: str, data: bytes = b"x", mode: int = 0o644) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info, data


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (_member("../outside.csv"), "a path that leads out"),
        (_member("/etc/passwd"), "an absolute path"),
        (_member("a\\..\\b"), "a path that leads out"),
        (_member("C:/x"), "an absolute path"),
        (_member("toy/images.csv", b"/etc/passwd", 0o120777), "a symbolic link"),
        (_member("toy/bomb", bytes(40 * 2**20)), "unpacks to more than 400 times"),
        (_member("toy/readme.txt"), "no release.json inside"),
    ],
)
def test_hostile_archives_are_refused(tmp_path: Path, member: tuple[zipfile.ZipInfo, bytes], message: str) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr(*member)
    with pytest.raises(CovidctError, match=message):
        read_release(path)
    assert not (tmp_path / "outside.csv").exists()


def test_an_address_that_leads_to_another_host_is_not_followed(toy_release: Path) -> None:
    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "http://localhost:9/own.zip")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        with pytest.raises(CovidctError, match=r"redirect to another place \(localhost\) not followed"):
            read_release(f"http://127.0.0.1:{running.server_address[1]}/own.zip")
        running.shutdown()


def test_an_archive_that_never_ends_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("covidct.release.read.archive.MAX_ARCHIVE", 100_000)

    class Endless(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                for _ in range(1_000):
                    self.wfile.write(b"PK" * 5_000)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        with pytest.raises(CovidctError, match="more than 100,000 bytes"):
            read_release(f"http://127.0.0.1:{running.server_address[1]}/own.zip")
        running.shutdown()
