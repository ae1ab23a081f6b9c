"""Marks on made slices: each rule and filter alone, borders and what only looks like one, and painting over."""

import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from covidct.errors import UsageError
from covidct.imaging.ocr import TextBox
from covidct.imaging.overlays import net
from covidct.imaging.overlays import scene as overlays
from covidct.imaging.overlays.borders import borders
from covidct.imaging.overlays.find import cover, find_overlays, paint_over, still_legible, what_shows
from covidct.imaging.overlays.net import CLASSES, features_of, mark_probabilities
from covidct.imaging.overlays.pieces import FILTERS, Piece, alone, pieces_of
from covidct.imaging.overlays.rules import RULES
from covidct.imaging.overlays.scene import Scene
from covidct.imaging.phantoms import phantom

Grey = NDArray[np.uint8]


def slice_of(seed: int, size: int = 320) -> Grey:
    """A phantom whose tissue is not saturated, as in most published slices."""
    rng = np.random.default_rng(seed)
    image = phantom(rng, size=size).astype(np.float32) * 0.78
    return np.clip(cv2.GaussianBlur(image, (0, 0), 0.6) + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def draw(image: Grey, kind: str, ink: tuple[int, int, int], at: tuple[int, int] = (150, 60)) -> NDArray[np.uint8]:
    canvas = Image.fromarray(image).convert("RGB")
    pen, (x, y) = ImageDraw.Draw(canvas), at
    if kind == "text":
        pen.text(at, "Day 12", fill=ink, font=ImageFont.load_default(26))
    elif kind == "arrow":
        pen.line([x, y, x + 24, y + 24], fill=ink, width=3)
        pen.polygon([(x + 40, y + 40), (x + 18, y + 30), (x + 30, y + 18)], fill=ink)
    elif kind == "circle":
        pen.ellipse([x, y, x + 46, y + 46], outline=ink, width=2)
    else:
        pen.rectangle([x, y, x + 46, y + 46], outline=ink, width=2)
    return np.asarray(canvas)


def drawn(image: Grey, marked: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(marked.astype(int) - image[:, :, None]).max(2) > 24)


@pytest.mark.parametrize("ink", [(255, 0, 0), (0, 200, 0)])
@pytest.mark.parametrize("kind", ["text", "arrow", "circle", "box"])
def test_coloured_marks_are_covered_and_little_else(kind: str, ink: tuple[int, int, int]) -> None:
    image = slice_of(1)
    marked = draw(image, kind, ink)
    truth = drawn(image, marked)
    found = find_overlays(marked)
    assert found.mask[truth].mean() > 0.95
    assert found.mask[cv2.dilate(truth.astype(np.uint8), np.ones((9, 9))) == 0].mean() < 0.015


def test_colour_survives_jpeg() -> None:
    image = slice_of(2)
    marked = draw(image, "text", (255, 255, 0))
    buffer = io.BytesIO()
    Image.fromarray(marked).save(buffer, "JPEG", quality=65)
    found = find_overlays(np.asarray(Image.open(buffer)))
    assert found.mask[drawn(image, marked)].mean() > 0.9


def test_what_is_masked_is_painted_over_and_nothing_else_changes() -> None:
    image = slice_of(3)
    marked = draw(image, "arrow", (255, 255, 0))
    found = find_overlays(marked)
    clean = paint_over(marked, found.mask)
    assert (clean[~found.mask] == marked[~found.mask]).all()
    before, after = (
        np.abs(one.astype(int) - image[:, :, None])[drawn(image, marked)].mean() for one in (marked, clean)
    )
    assert after < before / 3
    assert (paint_over(image, np.zeros(image.shape, np.bool_)) == image).all()


def test_probabilities_have_the_size_of_the_picture_and_sum_to_one() -> None:
    for shape in ((40, 61), (320, 250), (900, 700, 3)):
        found = mark_probabilities(np.full(shape, 90, np.uint8))
        assert found.shape == (*shape[:2], len(CLASSES)) and np.allclose(found.sum(2), 1, atol=1e-4)


def test_the_engine_says_what_the_definition_of_each_layer_says() -> None:
    reference = pytest.importorskip("onnx.reference")
    network = reference.ReferenceEvaluator(str(Path(net.__file__).with_name("net.onnx")))
    marked = draw(slice_of(7, 320)[:120], "text", (255, 255, 0), (30, 20))
    inputs = features_of(marked).transpose(2, 0, 1)[None].astype(np.float32) / 255
    (wanted,) = network.run(None, {"picture": inputs})
    found = mark_probabilities(marked)
    assert np.abs(found - wanted[0].transpose(1, 2, 0)).max() < 1e-4 and found[:, :, 1].max() > 0.9


def scene(image: NDArray[np.uint8], likely: float = 0.0, texts: tuple[TextBox, ...] = ()) -> Scene:
    """A scene in which the network finds everything equally likely."""
    planes = features_of(image)
    colour = image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
    probable = np.full((*planes.shape[:2], len(CLASSES)), likely / 3, np.float32)
    probable[:, :, 0] = 1 - likely
    return Scene(colour, planes[:, :, 0], planes[:, :, 1], probable, texts)


def test_rule_learned_needs_something_sure_in_what_is_likely() -> None:
    one = scene(np.full((100, 100), 90, np.uint8))
    one.likely[5:10, 5:10, 0], one.likely[20:30, 20:30, 0] = 0.5, 0.5
    assert not RULES["learned"](one).any()
    one.likely[24, 24, 0] = 0.01
    assert RULES["learned"](one).sum() == 100


def test_rule_coloured_takes_paint_and_leaves_a_picture_that_is_all_colour() -> None:
    image = np.full((60, 60, 3), 80, np.uint8)
    image[10:20, 10:30] = (255, 40, 0)
    assert RULES["coloured"](scene(image)).sum() == 200
    assert not RULES["coloured"](scene(np.tile(np.uint8([[[250, 10, 10]]]), (60, 60, 1)))).any()


def test_rule_read_lowers_the_bar_inside_a_line_that_was_read() -> None:
    line = TextBox("R", (5, 5, 15, 15), 0.9)
    image = np.zeros((60, 70), np.uint8)
    assert RULES["read"](scene(image, 0.3, (line,))).sum() == 100
    assert not RULES["read"](scene(image, 0.1, (line,))).any()
    assert not RULES["read"](scene(image, 0.3)).any()


def test_rule_read_takes_the_strokes_of_plain_words_that_the_network_overlooked() -> None:
    image = np.full((60, 200), 120, np.uint8)
    cv2.putText(image, "DOB 1987", (10, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 145, 1)
    ink = image != 120
    words = TextBox("DOB 1987", (8, 4, 110, 24), 0.8)
    found = RULES["read"](scene(image, 0.0, (words,)))
    assert found[ink].all()
    assert not found[24:].any() and not found[:, 110:].any()
    assert found.sum() < 3 * ink.sum()
    assert not RULES["read"](scene(image, 0.0, (replace(words, score=0.6),))).any(), "unsure"
    assert not RULES["read"](scene(image, 0.0, (replace(words, text="~ l"),))).any(), "no words"


@pytest.mark.parametrize("angle", [0, 25, 45, 90, 200])
def test_rule_black_takes_thin_black_arrows_and_leaves_bronchi_wedges_and_air_at_the_rim(angle: int) -> None:
    turn = cv2.getRotationMatrix2D((0, 0), angle, 1)[:, :2]
    corners = np.array([(0, 0), (7, 5), (7, 1.5), (22, 1.5), (22, -1.5), (7, -1.5), (7, -5)]) @ turn.T
    image = np.full((160, 160), 110, np.uint8)
    cv2.fillPoly(image, [(corners * 16 + 80 * 16).round().astype(np.int32)], 0, cv2.LINE_AA, 4)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.5), np.uint8)
    found = RULES["black"](scene(image))
    assert found[image <= 40].all() and found.sum() <= (image <= 60).sum()
    dim = np.maximum(image, 65)
    cv2.ellipse(dim, (40, 40), (9, 7), 0, 0, 360, 0, -1)  # a bronchus
    cv2.fillPoly(dim, [np.array([(110, 20), (150, 30), (112, 34)])], 0)  # a wedge
    cv2.fillPoly(dim, [np.array([(0, 120), (8, 115), (8, 119), (20, 119), (20, 121), (8, 121), (8, 125)])], 0)  # a rim
    assert not RULES["black"](scene(dim)).any()
    assert not RULES["black"](scene(np.minimum(image, 70))).any(), "not far darker than what is round it"


def test_a_rim_that_was_read_as_a_letter_is_no_text() -> None:
    line = TextBox("I", (0, 0, 4, 90), 0.6)
    assert not RULES["read"](scene(np.full((100, 100), 90, np.uint8), 0.3, (line,))).any()
    whole = replace(line, text="C", box=(0, 0, 99, 99), score=0.98)
    assert not RULES["read"](scene(np.full((100, 100), 90, np.uint8), 0.3, (whole,))).any()


def test_rule_read_takes_a_lone_letter_and_leaves_a_slice_that_was_read_as_one() -> None:
    image = np.full((200, 200), 90, np.uint8)
    cv2.putText(image, "R", (150, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 150, 2)
    letter = TextBox("R", (148, 20, 170, 44), 0.55)
    assert RULES["read"](scene(image, 0.0, (letter,)))[image != 90].all()
    assert not RULES["read"](scene(image, 0.0, (replace(letter, text="0", box=(10, 10, 190, 190)),))).any()


def test_what_painting_would_hardly_change_stays_but_faint_rests_of_words_go() -> None:
    image = np.full((80, 120), 100, np.uint8)
    image[30:34, 20:60] = 255
    mask = np.zeros(image.shape, np.bool_)
    mask[26:38, 16:64] = True
    assert (what_shows(image, mask, []) == (image == 255)).all()
    image[29, 20:60] = 112
    assert (what_shows(image, mask, []) == (image == 255)).all()
    assert (what_shows(image, mask, [(16, 26, 64, 38)]) == (image != 100)).all()
    half = mask.copy()
    half[:, 60:] = False
    half[:, 59] = False  # ink that the mask has missed must not run into the painting it is compared with
    assert what_shows(image, half, [])[30:34, 20:59].all()


def test_rule_read_takes_the_whole_line_where_the_network_saw_half_of_it() -> None:
    image = np.full((60, 200), 120, np.uint8)
    cv2.putText(image, "DOB 1987", (10, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 145, 1)
    half = scene(image, 0.0, (TextBox("DOB 1987", (8, 4, 110, 24), 0.8),))
    half.likely[:, :50, 0] = 0.2
    assert RULES["read"](half)[image != 120].all()


def test_lines_left_are_plain_words_or_stand_where_text_was_read() -> None:
    before = [TextBox("7", (0, 0, 10, 10), 0.6)]
    words, odd, same = (
        TextBox("DOE JANE", (50, 50, 90, 60), 0.9),
        TextBox("c", (50, 50, 90, 60), 0.9),
        TextBox("1", (2, 2, 9, 9), 0.55),
    )
    assert still_legible(before, [words, odd, same]) == [words, same]
    found = find_overlays(np.full((100, 100), 90, np.uint8))
    cover(found, [words])
    assert found.mask[50:60, 50:90].all() and found.mask.sum() == 400
    assert [(mark.kind, mark.rule) for mark in found.marks] == [("text", "read again")]
    cover(found, [replace(words, box=(0, 0, 100, 99))])
    assert found.mask.sum() == 400, "a slice that was read as a letter is no line: all of it would be painted over"


def test_rule_learned_is_not_believed_where_all_were_marks() -> None:
    assert not RULES["learned"](scene(np.full((60, 60), 90, np.uint8), 1.0)).any()


PIECE = Piece((0, 0, 10, 10), np.ones((10, 10), np.bool_), "learned", "text", 0.9)


def test_filters_name_what_they_drop() -> None:
    reasons = {rule.__name__: rule for rule in FILTERS}
    assert not any(rule(PIECE) for rule in FILTERS)
    assert reasons["too_small"](replace(PIECE, pixels=np.ones((2, 2), np.bool_)))
    assert reasons["doubtful"](replace(PIECE, score=0.3))
    assert not reasons["doubtful"](replace(PIECE, score=0.3, rule="coloured"))


def test_a_speck_needs_company() -> None:
    speck = replace(PIECE, speck=True)
    assert alone(speck, [], 20) and alone(speck, [(40, 0, 60, 10)], 20)
    assert not alone(speck, [(25, 0, 60, 10)], 20), "a larger mark or a line of text is near"
    assert not alone(PIECE, [], 20) and not alone(replace(speck, rule="coloured"), [], 20)


def judged(image: Grey, box: tuple[int, int, int, int]) -> list[str]:
    """What becomes of a box in which the network is sure of a mark: the reason why dropped, or ""."""
    (x0, y0, x1, y1), looked = box, scene(image)
    looked.likely[y0:y1, x0:x1, 0], looked.likely[y0:y1, x0:x1, 1] = 0.01, 0.99
    kept, dropped = pieces_of(looked, {"learned": RULES["learned"](looked)})
    return [""] * len(kept) + [reason for _, reason in dropped]


def test_rims_are_no_marks_and_words_at_the_rim_are() -> None:
    image = np.full((200, 300), 120, np.uint8)
    image[:4] = 255
    assert judged(image, (20, 0, 200, 4)) == ["at_rim"]
    cv2.putText(image, "HOSPITAL DOB 1987", (20, 7), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1)
    assert judged(image, (20, 0, 160, 7)) == [""]


def test_dropped_pieces_are_returned_with_their_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    one = np.full((64, 64, 3), 60, np.uint8)
    one[30, 30:32] = (255, 0, 0)
    nothing = np.zeros((64, 64, len(CLASSES)), np.float32)
    nothing[:, :, 0] = 1
    monkeypatch.setattr(overlays, "mark_probabilities", lambda image: nothing)
    found = find_overlays(one)
    assert found.dropped == [((30, 30, 32, 31), "too_small")] and found.fired == {"too_small": 1}
    assert not found.mask.any() and not found.marks


def framed(image: Grey, left: int, top: int, right: int, bottom: int) -> Grey:
    return np.asarray(cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=255), np.uint8)


def test_white_borders_are_found_on_each_side() -> None:
    image = framed(np.clip(slice_of(4), 20, 200).astype(np.uint8), 7, 0, 0, 12)
    height, width = image.shape
    assert sorted(borders(image)) == [(0, 0, 7, height), (0, height - 12, width, height)]
    marks = [mark for mark in find_overlays(image).marks if mark.kind == "border"]
    assert len(marks) == 2 and find_overlays(image).mask[:, :7].all()


def test_black_surround_and_white_tissue_are_no_border() -> None:
    assert borders(np.pad(slice_of(5), 20)) == []
    tissue = np.full((200, 200), 255, np.uint8)  # a tight crop in a narrow window: all white but for the lungs
    cv2.ellipse(tissue, (60, 100), (40, 70), 0, 0, 360, 40, -1)
    cv2.ellipse(tissue, (140, 100), (40, 70), 0, 0, 360, 40, -1)
    assert borders(tissue) == []


def test_a_sliver_of_the_next_panel_goes_with_its_gutter() -> None:
    image = np.clip(slice_of(6, 300), 30, 200).astype(np.uint8)
    joined = np.hstack([image[:, -9:], np.full((300, 4), 255, np.uint8), image])
    assert borders(joined) == [(0, 0, 13, 300)]


def test_a_very_large_picture_is_looked_at_in_a_smaller_copy() -> None:
    plain = cv2.resize(slice_of(3), (3000, 3000), interpolation=cv2.INTER_LINEAR)
    marked = np.repeat(plain[:, :, None], 3, axis=2)
    cv2.rectangle(marked, (1400, 600), (1900, 1000), (255, 0, 0), 20)
    found = find_overlays(marked)
    assert found.mask.shape == (3000, 3000) and found.mask[(marked != plain[:, :, None]).any(2)].mean() > 0.99
    box = max((mark.box for mark in found.marks), key=lambda corners: corners[2] - corners[0])
    assert np.abs(np.array(box) - (1390, 590, 1911, 1011)).max() <= 12


def test_odd_input() -> None:
    assert not find_overlays(np.zeros((5, 300), np.uint8)).mask.any()
    with pytest.raises(UsageError, match="8-bit"):
        find_overlays(np.zeros((50, 50), np.float32))  # type: ignore[arg-type]
