"""Small pictures of two classes that a network can tell apart, but not perfectly."""

import numpy as np
from PIL import Image


def draw_picture(covid: bool, rng: np.random.Generator) -> Image.Image:
    """A disc on noise, 60 x 70; COVID discs are brighter on average, with overlap."""
    pixels = rng.normal(80, 12, (60, 70))
    rows, columns = np.ogrid[:60, :70]
    disc = (rows - rng.integers(20, 40)) ** 2 + (columns - rng.integers(25, 45)) ** 2 < 200
    pixels[disc] += rng.normal(70 if covid else 25, 15)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
