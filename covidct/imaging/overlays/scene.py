"""What the rules of marks look at, and their thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from covidct.imaging.ocr import PixelBox, TextBox
from covidct.imaging.overlays.borders import borders
from covidct.imaging.overlays.net import features_of, mark_probabilities

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Limits:
    """Thresholds of rules and filters; pixels and grey levels of the picture as it came."""

    steps: tuple[tuple[float, float], ...] = ((0.98, 0.4), (0.985, 0.5), (0.99, 0.7))
    """Sure and likely, as the network's probabilities; the next pair where the one before takes too much."""
    most: float = 0.08
    """Share of the picture that colourless marks ever cover."""
    head: int = 40
    """Pixels of the smallest arrowhead that is looked at by its shape."""
    flat: float = 5.0
    """Standard deviation of the grey inside ink; bone is rougher."""
    white: int = 225
    """Grey level of white ink, at least."""
    black: int = 25
    """Grey level of black ink, at most."""
    dark: tuple[int, ...] = (40, 60)
    """Grey levels up to which thin black arrows are looked for: thin or compressed ink is not quite black."""
    darker: int = 80
    """Levels by which six sevenths of what is round a black arrow are lighter; seven published ones have 96 or more."""
    arrow: float = 0.02
    """Share of the picture that a black arrow covers at most."""
    possible: float = 0.15
    """Probability from which ink inside a line of text that was read belongs to it."""
    stroke: tuple[int, int] = (14, 40)
    """Grey levels that strokes of a line differ from the median round them, at least, and where all is grain."""
    grain: float = 8.0
    """Where in between: so often the lower quartile of that difference, which is 2.5 standard deviations of grain."""
    line: int = 7
    """Pixels of the shorter side of a line of text; less is a rim that was read as a letter."""
    slice: float = 0.5
    """Share of the picture that a line of plain words takes at most; a whole slice is read as a letter at times."""
    letter: float = 0.03
    """The same for anything else that was read: text marks on 112 published slices take .024 at most, and none that
    was read on the 68 clean ones takes less than .2."""
    plain: float = 0.7
    """The reader's score from which a line of at least ``letters`` is surely words."""
    letters: int = 3
    strong: int = 90
    """Levels between colour channels of a coloured mark; its rim has at least ``coloured``."""
    coloured: int = 45
    colourful: float = 0.3
    """Share of strong colour from which the picture itself is coloured: a fused PET, a rendering."""
    known: int = 12
    """Pixels seen of a piece of ink from which the rest of it belongs to the mark, and the share of it."""
    known_share: float = 0.25
    fewest: int = 8
    """Pixels of the smallest full stop that anyone reads."""
    doubt: float = 0.9
    """Probability that the network must give to four fifths of a piece that nothing else speaks for."""
    rim: int = 3
    """Lines along a side that no letter fits in, and the share of a piece that may lie beyond them."""
    inside: float = 0.1
    depth: float = 0.035
    """Depth of an even rim, as share of the shorter side, ``rim`` pixels at least."""
    long: float = 3.0
    """How much longer than deep a rim is."""
    even: float = 4.0
    """Median step of grey along a rim, at most; through words it is larger."""
    speck: float = 0.0008
    """Share of the picture below which a piece that the network alone saw needs company."""
    reach: float = 0.05
    """How far, in shares of the longer side, company may be."""
    shows: int = 16
    """Grey levels by which painting over must change a pixel of a mark, or it is left as it is: less is no ink for the
    benchmark's drawing either."""
    faint: int = 8
    """The same within a line of text."""


LIMITS = Limits()


@dataclass(frozen=True)
class Scene:
    """What the rules look at. ``image``: height x width x 3; ``likely``: height x width x CLASSES, see ``net``."""

    image: NDArray[np.uint8]
    grey: NDArray[np.uint8]
    chroma: NDArray[np.uint8]
    likely: NDArray[np.float32]
    texts: Sequence[TextBox]

    @property
    def painted(self) -> NDArray[np.float32]:
        """height x width: how likely a pixel belongs to a mark of any kind."""
        return np.asarray(1 - self.likely[:, :, 0], dtype=np.float32)

    @cached_property
    def borders(self) -> list[PixelBox]:
        """White borders and slivers of other panels."""
        return borders(self.grey)

    @cached_property
    def inner(self) -> PixelBox:
        """What borders leave of the picture."""
        height, width = self.grey.shape
        left = max((x1 for x0, _, x1, _ in self.borders if x0 == 0 and x1 < width), default=0)
        top = max((y1 for _, y0, _, y1 in self.borders if y0 == 0 and y1 < height), default=0)
        right = min((x0 for x0, _, x1, _ in self.borders if x1 == width and x0 > 0), default=width)
        bottom = min((y0 for _, y0, _, y1 in self.borders if y1 == height and y0 > 0), default=height)
        return left, top, right, bottom

    @property
    def lines(self) -> list[TextBox]:
        """Lines of text that may be lines, by their size."""
        return [line for line in self.texts if is_line(line, self.grey.shape)]


def scene_of(image: NDArray[np.uint8], texts: Sequence[TextBox]) -> Scene:
    """``image`` (height x width, or x 3) with what the network and the reader say of it."""
    planes = features_of(image)
    colour = image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
    return Scene(colour, planes[:, :, 0], planes[:, :, 1], mark_probabilities(image), texts)


def is_line(line: TextBox, shape: tuple[int, ...]) -> bool:
    """Whether ``line`` may be one by its size in a picture of ``shape``: neither a rim, nor the slice itself."""
    width, height = line.box[2] - line.box[0], line.box[3] - line.box[1]
    most = LIMITS.slice if is_plain(line) else LIMITS.letter
    return min(width, height) >= LIMITS.line and width * height <= most * shape[0] * shape[1]


def is_plain(line: TextBox) -> bool:
    """Whether a line is surely words: anatomy is read as a letter or two at times, hardly ever as more."""
    return line.score >= LIMITS.plain and sum(letter.isalnum() for letter in line.text) >= LIMITS.letters


def apart(a: PixelBox, b: PixelBox) -> int:
    """Pixels between two boxes, along the axis that parts them more; 0 or less where they meet."""
    return max(max(a[0], b[0]) - min(a[2], b[2]), max(a[1], b[1]) - min(a[3], b[3]))
