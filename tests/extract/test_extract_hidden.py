"""Hidden pixels stay hidden: every way to cover or cut part of a picture, and none of it in any output file.

Each document holds a secret: a block of one rare colour, or a name in the text layer, that no reader of the page sees.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from makepdf import Maker, noise
from PIL import Image

from covidct.harvest.extract import Extraction, Extractor
from covidct.harvest.extract.results import to_json

SECRET = (255, 0, 200)
NAME = "Zacharias Quillfeather"
BOX = (120.0, 80.0, 480.0, 350.0)


def picture_with_secret(width: int = 360, height: int = 270) -> np.ndarray:
    """Grey texture whose top fifth is the secret colour."""
    grey = noise(width, height, 4)
    out = np.stack([grey] * 3, axis=2)
    out[: height // 5] = SECRET
    return out


def is_secret(pixels: np.ndarray) -> np.ndarray:
    """Where the secret colour shows, also blurred: far more red and blue than green."""
    colour = pixels.astype(int)
    return (colour[..., 0] - colour[..., 1] > 60) & (colour[..., 2] - colour[..., 1] > 40)


def content(made: Maker, before: bytes, after: bytes) -> None:
    """Wrap all that the page draws so far."""
    document, page = made.document, made.page
    page.clean_contents()
    xref = page.get_contents()[0]
    document.update_stream(xref, before + b"\n" + document.xref_stream(xref) + b"\n" + after)


def clip_path(made: Maker) -> None:
    made.image(BOX, picture_with_secret())
    content(made, b"q 120 492 360 214 re W n", b"Q")


def curved_clip_path(made: Maker) -> None:
    made.image(BOX, picture_with_secret())
    content(made, b"q 120 492 m 480 492 l 480 640 l 420 700 180 700 120 640 c W n", b"Q")


def form_bounding_box(made: Maker) -> None:
    other = pymupdf.open()
    page = other.new_page(width=360, height=270)
    page.insert_image(page.rect, stream=_png(picture_with_secret()))
    page.set_cropbox(pymupdf.Rect(0, 55, 360, 270))
    made.page.show_pdf_page(pymupdf.Rect(120, 135, 480, 350), other, 0)


def crop_box(made: Maker) -> None:
    made.image(BOX, picture_with_secret())
    made.crop = pymupdf.Rect(0, 136, 595, 842)


def covering_shape(made: Maker) -> None:
    made.image(BOX, picture_with_secret())
    made.page.draw_rect(pymupdf.Rect(110, 70, 490, 136), color=(1, 1, 1), fill=(1, 1, 1))


def black_bar(made: Maker) -> None:
    made.image(BOX, picture_with_secret())
    made.page.draw_rect(pymupdf.Rect(118, 78, 482, 136), color=(0, 0, 0), fill=(0, 0, 0))


def covering_image(made: Maker) -> None:
    made.image(BOX, picture_with_secret())
    made.image((118, 78, 482, 136), noise(364, 58, 8))


def reduced_placement(made: Maker) -> None:
    """Only a tile of the embedded picture is on the page: the rest lies beyond the paper's edge."""
    made.image((120, -60, 480, 210), picture_with_secret())


def soft_mask(made: Maker) -> None:
    rgb = Image.fromarray(picture_with_secret())
    mask = Image.fromarray(np.where(np.arange(270)[:, None] < 56, 0, 255).repeat(360, 1).astype(np.uint8))
    rgb.putalpha(mask)
    buffer = io.BytesIO()
    rgb.save(buffer, "PNG")
    made.page.insert_image(pymupdf.Rect(BOX), stream=buffer.getvalue(), keep_proportion=False)


def colour_key_mask(made: Maker) -> None:
    xref = made.page.insert_image(pymupdf.Rect(BOX), stream=_png(picture_with_secret()), keep_proportion=False)
    made.document.xref_set_key(xref, "Mask", "[250 255 0 5 195 205]")


def optional_content_off(made: Maker) -> None:
    made.image((120, 136, 480, 350), noise(360, 214, 4))
    layer = made.document.add_ocg("names", on=False)
    secret = np.zeros((40, 360, 3), np.uint8) + np.array(SECRET, np.uint8)
    made.page.insert_image(pymupdf.Rect(120, 90, 480, 130), stream=_png(secret), oc=layer, keep_proportion=False)


def annotation_over_it(made: Maker) -> None:
    made.image(BOX, picture_with_secret())
    annotation = made.page.add_rect_annot(pymupdf.Rect(110, 70, 490, 136))
    annotation.set_colors(stroke=(0, 0, 0), fill=(0, 0, 0))
    annotation.update()


WAYS: list[Callable[[Maker], None]] = [
    clip_path,
    curved_clip_path,
    form_bounding_box,
    crop_box,
    covering_shape,
    black_bar,
    covering_image,
    reduced_placement,
    soft_mask,
    colour_key_mask,
    optional_content_off,
    annotation_over_it,
]


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def made_with(way: Callable[[Maker], None]) -> Maker:
    made = Maker()
    way(made)
    made.caption((60, 365, 535, 400), "Figure 1.", "What is left of the picture.")
    made.body((60, 430, 535, 780), 20)
    if crop := getattr(made, "crop", None):
        made.page.set_cropbox(crop)
    return made


def outputs(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def run(made: Maker, extractor: Extractor, folder: Path) -> tuple[Extraction, list[Path]]:
    pdf = made.save(folder / "made.pdf")
    result = extractor.extract(pdf, folder / "result" / "out", folder / "result" / "stages")
    assert result.ok, result.reason
    return result, outputs(folder / "result")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_output_shows_more_than_the_page(way: Callable[[Maker], None], extractor: Extractor, tmp_path: Path) -> None:
    result, files = run(made_with(way), extractor, tmp_path)
    assert [f.label for f in result.figures] == ["Figure 1"]
    assert len(files) > 1
    for path in files:
        shown = np.asarray(Image.open(path).convert("RGB"))
        assert not is_secret(shown).any(), f"{way.__name__}: the secret is in {path.name}"
    (figure,) = result.figures
    assert np.asarray(Image.open(figure.picture).convert("L")).std() > 5, "the visible part must still be there"


def test_the_secret_is_found_where_nothing_hides_it(extractor: Extractor, tmp_path: Path) -> None:
    """The check above can fail: without a cover the secret is in the picture."""
    made = made_with(lambda m: m.image(BOX, picture_with_secret()))
    result, _ = run(made, extractor, tmp_path)
    assert is_secret(np.asarray(Image.open(result.figures[0].picture).convert("RGB"))).sum() > 10000


def white_box_over_text(page: pymupdf.Page) -> None:
    page.draw_rect(pymupdf.Rect(55, 376, 540, 392), color=None, fill=(1, 1, 1))


def black_box_over_text(page: pymupdf.Page) -> None:
    page.draw_rect(pymupdf.Rect(55, 376, 540, 392), color=None, fill=(0, 0, 0))


def box_over_the_name(page: pymupdf.Page) -> None:
    (place,) = page.search_for(NAME)
    page.draw_rect(pymupdf.Rect(place.x0 - 1, place.y0, place.x1 + 1, place.y1), color=None, fill=(0, 0, 0))


def image_over_text(page: pymupdf.Page) -> None:
    white = _png(np.full((4, 4), 255, np.uint8))
    page.insert_image(pymupdf.Rect(55, 376, 540, 392), stream=white, keep_proportion=False)


COVERS = [white_box_over_text, black_box_over_text, box_over_the_name, image_over_text]


@pytest.mark.parametrize("cover", COVERS, ids=lambda c: c.__name__)
def test_covered_words_are_in_no_text(
    cover: Callable[[pymupdf.Page], None], extractor: Extractor, tmp_path: Path
) -> None:
    made = Maker()
    made.image(BOX, noise(360, 270))
    made.page.insert_text((60, 372), "Figure 1. The picture of a chest, axial view, at the second day of", fontsize=9)
    made.page.insert_text((60, 388), f"the patient {NAME}, born on the first of May", fontsize=9)
    cover(made.page)
    made.body((60, 430, 535, 780), 20)
    result, _ = run(made, extractor, tmp_path)
    assert NAME not in json.dumps(to_json(result))
    assert result.figures[0].caption.startswith("The picture of a chest")


@pytest.mark.parametrize("style", ["invisible", "white", "outside", "clipped"])
def test_unseen_words_are_in_no_text(style: str, extractor: Extractor, tmp_path: Path) -> None:
    made = Maker()
    made.image(BOX, noise(360, 270))
    made.page.insert_text((60, 372), "Figure 1. The picture of a chest, axial view, at the second day of", fontsize=9)
    if style == "clipped":
        made.page.insert_text((60, 384), f"the patient {NAME}", fontsize=9)
        content(made, b"q 0 468 595 400 re W n", b"Q")
    elif style == "outside":
        made.page.insert_text((700, 384), f"Figure 1 shows the patient {NAME}.", fontsize=9)
    else:
        options = {"render_mode": 3} if style == "invisible" else {"color": (1, 1, 1)}
        made.page.insert_text((60, 384), f"the patient {NAME}", fontsize=9, **options)
        made.page.insert_text((60, 700), f"Figure 1 shows {NAME} again.", fontsize=9, **options)
    made.body((60, 430, 535, 680), 14)
    result, _ = run(made, extractor, tmp_path)
    assert NAME not in json.dumps(to_json(result))
