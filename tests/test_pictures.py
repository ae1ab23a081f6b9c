"""The one opener and writer of pictures, fed with what strangers might hand it."""

import io
import os
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from covidct.pictures import (
    FORMATS,
    MAX_PIXELS,
    PictureError,
    PictureTooLargeError,
    decode,
    grey_if_colourless,
    open_grey,
    open_picture,
    png_bytes,
    read_bytes,
)

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 20 20
%%EndComments
newpath 0 0 20 20 rectfill
(/tmp/covidct-eps-ran) (w) file closefile
showpage
%%EOF
"""


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def noise(mode: str = "RGB", size: tuple[int, int] = (37, 23)) -> Image.Image:
    values = np.random.default_rng(5).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_read_whatever_the_file_is_called(form: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.eps"
    path.write_bytes(saved(noise(), form))
    assert open_picture(path).shape == (23, 37, 3)


@pytest.mark.parametrize("name", ["figure.png", "figure.eps", "figure.jpg"])
def test_a_program_for_a_printer_is_no_picture(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would start ``gs``; a false one in the path would leave a trace."""
    trace, false = tmp_path / "ran", tmp_path / "gs"
    false.write_text(f"#!/bin/sh\ntouch {trace}\n")
    false.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    path = tmp_path / name
    path.write_bytes(EPS)
    with pytest.raises(PictureError, match=name):
        open_picture(path)
    assert not trace.exists()


def test_pipes_devices_and_folders_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to("/dev/zero")
    started = time.monotonic()
    for path in (tmp_path / "pipe.png", tmp_path / "folder.png", tmp_path / "link.png", Path("/dev/zero")):
        with pytest.raises(PictureError, match=f"{path.name}: not a regular file"):
            open_picture(path)
    with pytest.raises(PictureError, match=r"none\.png: No such file"):
        open_picture(tmp_path / "none.png")
    assert time.monotonic() - started < 1


def png_head(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds a few bytes of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(10_001, 10_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1), (1, MAX_PIXELS + 1)])
def test_a_claimed_size_is_refused_before_a_pixel_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(PictureTooLargeError, match=r"page: .* too many"):
        open_picture(png_head(*size), name="page")


def test_limits_are_the_callers(tmp_path: Path) -> None:
    data = saved(noise(), "PNG")
    assert open_picture(data, limit=37 * 23).shape == (23, 37, 3)
    with pytest.raises(PictureTooLargeError):
        open_picture(data, limit=37 * 23 - 1)
    (tmp_path / "a.png").write_bytes(data)
    assert read_bytes(tmp_path / "a.png", len(data)) == data
    with pytest.raises(PictureTooLargeError, match=r"a\.png: over"):
        read_bytes(tmp_path / "a.png", len(data) - 1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_places_are_white(mode: str) -> None:
    layer = Image.new("RGBA", (8, 4), (0, 0, 0, 0))
    layer.paste((10, 10, 10, 255), (0, 0, 4, 4))
    data = saved(layer.convert(mode), "PNG", **({"transparency": 255} if mode == "P" else {}))
    if mode == "P":
        palette = Image.new("P", (8, 4), 1)
        palette.putpalette([10, 10, 10, 0, 0, 0])
        palette.paste(0, (0, 0, 4, 4))
        data = saved(palette, "PNG", transparency=1)
    for pixels in (open_picture(data)[:, :, 0], open_grey(data)):
        assert (pixels[:, :4] == 10).all() and (pixels[:, 4:] == 255).all()


def test_one_frame_of_many() -> None:
    frames = [Image.new("L", (6, 5), value) for value in (10, 99, 200)]
    for form in ("GIF", "TIFF", "WEBP", "PNG"):
        data = saved(frames[0], form, save_all=True, append_images=frames[1:], lossless=True)
        assert abs(int(open_grey(data).max()) - 10) <= 1, form


@pytest.mark.parametrize("values", [[0, 1000, 65535], [7, 7, 7]])
def test_deep_pictures_are_scaled_from_their_own_range(values: list[int]) -> None:
    data = saved(Image.fromarray(np.array([values] * 2, np.uint16)), "PNG")
    wanted = [0, 4, 255] if values[0] != values[1] else [0, 0, 0]
    assert open_grey(data).tolist() == [wanted] * 2 and open_picture(data)[0, :, 2].tolist() == wanted


def test_floats_without_a_value_are_no_warning() -> None:
    data = saved(Image.fromarray(np.array([[np.nan, 0, 1, np.inf]] * 2, np.float32)), "TIFF")
    assert open_grey(data)[0, 1:3].tolist() == [0, 255]


def test_colour_spaces_that_pillow_cannot_turn_into_rgb_are_an_error_of_ours() -> None:
    for mode in ("CMYK", "LAB", "YCbCr"):
        data = saved(Image.new(mode, (5, 4)), "TIFF")
        try:
            assert open_picture(data, name="x").shape == (4, 5, 3)
        except PictureError as error:
            assert str(error).startswith("x: ")


@pytest.mark.parametrize("form", FORMATS)
def test_broken_bytes_never_end_in_anything_but_one_error(form: str) -> None:
    whole = saved(noise(), form)
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 4):
            data[place] = rng.integers(0, 256)
        try:
            open_picture(bytes(data[: rng.integers(1, len(data) + 1)]), name="bent", limit=10**6)
        except PictureError as error:
            assert "bent: " in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 4, 3), (3, 4, 4)])
@pytest.mark.parametrize("level", [0, 1, 6])
def test_what_is_written_is_read_again(shape: tuple[int, ...], level: int) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    assert (np.asarray(decode(png_bytes(pixels, level))) == pixels).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1)])
def test_a_row_of_pixels_is_no_picture(shape: tuple[int, int]) -> None:
    data = png_bytes(np.zeros(shape, np.uint8))
    for opened in (open_picture, open_grey):
        with pytest.raises(PictureError, match=f"spacer: {shape[1]} x {shape[0]} pixels"):
            opened(data, name="spacer")


def test_deep_and_bilevel_pixels_keep_their_depth() -> None:
    deep = np.array([[0, 40_000], [65_535, 3]], np.uint16)
    assert (np.asarray(decode(png_bytes(deep))) == deep).all()
    assert decode(png_bytes(deep > 9)).mode == "1"


def test_no_colour_is_claimed_that_is_not_there() -> None:
    flat = np.repeat(np.arange(12, dtype=np.uint8).reshape(3, 4, 1), 3, axis=2)
    assert decode(png_bytes(grey_if_colourless(flat))).mode == "L"
    flat[1, 1, 2] += 1
    assert grey_if_colourless(flat) is flat
    assert grey_if_colourless(flat[:, :, 0]).shape == (3, 4)
