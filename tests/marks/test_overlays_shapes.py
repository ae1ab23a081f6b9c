"""Kinds of marks by outline."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from covidct.imaging.overlays.shapes import kind_of_shape


def canvas(kind: str) -> np.ndarray:
    image = Image.new("1", (90, 90))
    pen = ImageDraw.Draw(image)
    if kind == "circle":
        pen.ellipse([10, 10, 60, 60], outline=1, width=2)
    elif kind == "box":
        pen.rectangle([10, 10, 60, 40], outline=1, width=2)
    elif kind == "bar":
        pen.rectangle([5, 40, 70, 43], fill=1)
    elif kind == "slanted line":
        pen.line([5, 5, 60, 40], fill=1, width=2)
    elif kind == "head":
        pen.polygon([(60, 40), (35, 30), (35, 52)], fill=1)
    elif kind == "arrow":
        pen.line([5, 41, 40, 41], fill=1, width=2)
        pen.polygon([(60, 41), (38, 31), (38, 51)], fill=1)
    else:
        pen.text((20, 10), kind, fill=1, font=ImageFont.load_default(40))
    return np.asarray(image)


@pytest.mark.parametrize("kind", ["circle", "box", "bar", "slanted line"])
def test_rings_frames_and_lines_are_markers(kind: str) -> None:
    assert kind_of_shape(canvas(kind)) == "marker"


@pytest.mark.parametrize("kind", ["head", "arrow"])
def test_filled_triangles_are_arrows(kind: str) -> None:
    assert kind_of_shape(canvas(kind)) == "arrow"


@pytest.mark.parametrize("letter", list("ABCDEFGHKLMNRSTX23456789abdegh"))
def test_letters_are_neither(letter: str) -> None:
    assert kind_of_shape(canvas(letter)) is None
