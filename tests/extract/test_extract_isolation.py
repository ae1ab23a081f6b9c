"""A paper can do no harm: garbage, bombs, hangs and crashes cost that paper only, and the reason is recorded."""

import os
import signal
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pymupdf
import pytest
from makepdf import Maker, noise, samples

from covidct.harvest.extract import Extractor, Limits
from covidct.harvest.extract.pool import Child, ChildFailed


def good(folder: Path) -> Path:
    made = Maker()
    made.image((100, 60, 500, 300), noise(200, 120))
    made.caption((60, 310, 535, 340), "Figure 1.", "Sound.")
    return made.save(folder / "good.pdf")


def raw(objects: list[bytes]) -> bytes:
    """A PDF of these objects, numbered from 1, without a cross-reference table: the library repairs it."""
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, data) for n, data in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + b"trailer\n<< /Root 1 0 R >>\n%%EOF\n"


def page_with(content: bytes, extra: list[bytes], resources: bytes = b"<< >>", box: bytes = b"[0 0 595 842]") -> bytes:
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (
        len(zlib.compress(content)),
        zlib.compress(content),
    )
    return raw(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Contents 4 0 R /Resources %s >>" % (box, resources),
            stream,
            *extra,
        ]
    )


def encrypted(folder: Path) -> bytes:
    document = pymupdf.open(good(folder))
    return bytes(document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="x", owner_pw="y"))


def image_bomb(_: Path) -> bytes:
    """An image of 60,000 x 60,000 pixels in a few kilobytes."""
    data = zlib.compress(bytes(1 << 20))
    image = (
        b"<< /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /BitsPerComponent 8 /ColorSpace /DeviceRGB "
        b"/Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(data), data)
    )
    text = b"BT /F1 9 Tf 60 400 Td (Figure 1. A very large picture.) Tj ET"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    content = b"q 400 0 0 300 100 450 cm /I Do Q " + text
    return page_with(content, [image, font], b"<< /XObject << /I 5 0 R >> /Font << /F1 6 0 R >> >>")


def page_bomb(_: Path) -> bytes:
    return page_with(b"0 0 1 rg 0 0 1e7 1e7 re f", [], box=b"[0 0 10000000 10000000]")


def nesting_bomb(_: Path) -> bytes:
    return page_with(b"q " * 200_000 + b"1 0 0 rg 10 10 100 100 re f", [])


def object_bomb(_: Path) -> bytes:
    return page_with(b"".join(b"%d %d 3 3 re f " % (n % 590, n % 840) for n in range(60_000)), [])


def self_reference(_: Path) -> bytes:
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /I 5 0 R >> >> /Length 5 >>"
    return page_with(b"/I Do", [form + b"\nstream\n/I Do\nendstream"], b"<< /XObject << /I 5 0 R >> >>")


BAD: list[tuple[Callable[[Path], bytes], str]] = [
    (lambda _: b"", "not a PDF: the file is empty"),
    (lambda _: b"<html>Just a moment...</html>", "not a PDF"),
    (lambda folder: good(folder).read_bytes()[:300], "truncated or damaged"),
    (encrypted, "encrypted"),
]


@pytest.mark.parametrize(("make", "reason"), BAD, ids=["empty", "html", "truncated", "encrypted"])
def test_what_is_no_readable_pdf_says_so(
    make: Callable[[Path], bytes], reason: str, extractor: Extractor, tmp_path: Path
) -> None:
    (tmp_path / "bad.pdf").write_bytes(make(tmp_path))
    result = extractor.extract(tmp_path / "bad.pdf", tmp_path / "out")
    assert not result.ok and result.reason.startswith(reason)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture(scope="module")
def tight() -> Iterator[Extractor]:
    with Extractor(1, Limits(seconds=45, memory_mb=700)) as running:
        yield running


BOMBS = [image_bomb, page_bomb, nesting_bomb, object_bomb, self_reference]


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_bombs_cost_that_paper_only(bomb: Callable[[Path], bytes], tight: Extractor, tmp_path: Path) -> None:
    (tmp_path / "bomb.pdf").write_bytes(bomb(tmp_path))
    result = tight.extract(tmp_path / "bomb.pdf", tmp_path / "out")
    assert result.ok or result.reason.split(":")[0] in ("memory limit", "time limit", "crashed")
    assert tight.extract(good(tmp_path), tmp_path / "out2").ok


def test_time_limit_and_a_fresh_child_afterwards(tmp_path: Path) -> None:
    (tmp_path / "slow.pdf").write_bytes(object_bomb(tmp_path))
    good(tmp_path)
    with Extractor(1, Limits(seconds=0.05)) as hurried:
        result = hurried.extract(tmp_path / "slow.pdf", tmp_path / "out")
    assert not result.ok and result.reason.startswith("time limit: more than 0.05 s")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_killed_child_is_named_and_replaced(tmp_path: Path) -> None:
    child = Child(Limits())
    request = {"pdf": str(good(tmp_path)), "out": str(tmp_path), "stages": None, "jats": None, "graphics": None}
    assert child.exchange(request)["ok"]
    os.kill(child._process.pid, signal.SIGKILL)
    with pytest.raises(ChildFailed, match="signal 9"):
        child.exchange(request)
    child.close()


def test_children_are_reused_and_recycled(tmp_path: Path) -> None:
    pdf = good(tmp_path)
    with Extractor(1, Limits(papers_per_child=2)) as extractor:
        alive = []
        for _ in range(3):
            assert extractor.extract(pdf, tmp_path / "out").ok
            child = extractor._slots.get()
            alive.append(child and child._process.pid)
            extractor._slots.put(child)
    first, second, third = alive
    assert first is not None and second is None and third not in (None, first)


def test_many_threads_share_the_children(tmp_path: Path) -> None:
    pdf = good(tmp_path)
    results = []
    with Extractor(2) as extractor:
        threads = [
            threading.Thread(target=lambda n=n: results.append(extractor.extract(pdf, tmp_path / str(n))))
            for n in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [len(result.figures) for result in results] == [1] * 5


def test_short_fuzz_campaign() -> None:
    from fuzz_extract import campaign

    report = campaign([bytes(pdf) for pdf in samples()], [], 24, 11, 1)
    assert report["accounted_for"] == 24
    assert report["over_the_time_limit"] == 0
    outcomes = report["outcomes"]
    assert isinstance(outcomes, dict) and outcomes["read"] > 10
