"""Rules that propose pixels of marks: what a network sees, what is coloured, read, or a thin black arrow."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from covidct.imaging.ocr import PixelBox
from covidct.imaging.overlays.scene import LIMITS, Bools, Scene
from covidct.imaging.overlays.shapes import is_pointer


def learned(scene: Scene) -> Bools:
    """What the network is sure of, and what hangs together with it that it finds likely.

    Where that were more than marks ever cover, it mistakes the scan itself (sharp kernels ring like ink): it must be
    surer then, and is not believed at all in the end.
    """
    for sure, likely in LIMITS.steps:
        seen = _hysteresis(scene.painted, sure, likely)
        seen |= _ink(scene, seen)
        if (seen & (scene.chroma < LIMITS.coloured)).mean() <= LIMITS.most:
            return seen
    return np.zeros_like(seen)


def coloured(scene: Scene) -> Bools:
    """Strong colour: a scan has none. Left alone where most of the picture is coloured (a fused PET, a rendering)."""
    strong = scene.chroma > LIMITS.strong
    if strong.mean() > LIMITS.colourful:
        return np.zeros_like(strong)
    return _hysteresis(scene.chroma.astype(np.float32), LIMITS.strong, LIMITS.coloured)


def read(scene: Scene) -> Bools:
    """Strokes inside a line of text that was read: what differs from its surroundings, or is at all possible there.

    What a machine can read must not stay in the picture because a network overlooked it, or half of it.
    """
    found = np.zeros(scene.grey.shape, np.bool_)
    for line in scene.lines:
        x0, y0, x1, y1 = line.box
        found[y0:y1, x0:x1] |= (scene.painted[y0:y1, x0:x1] > LIMITS.possible) | _strokes(scene.grey, line.box)
    return found


def _strokes(grey: NDArray[np.uint8], box: PixelBox) -> Bools:
    """Pixels of ``box`` that differ from the median round them by more than its grain does, with a pixel's margin."""
    x0, y0, x1, y1 = box
    side = y1 - y0
    around = cv2.copyMakeBorder(grey, side, side, side, side, cv2.BORDER_REPLICATE)[
        y0 : y1 + 2 * side, x0 : x1 + 2 * side
    ]
    differs = cv2.absdiff(around, cv2.medianBlur(around, side // 2 * 2 + 1))[side:-side, side:-side]
    ink = differs > np.clip(LIMITS.grain * np.percentile(differs, 25), *LIMITS.stroke)
    return np.asarray(cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, dtype=np.bool_)


def black(scene: Scene) -> Bools:
    """Thin black arrows, even and far darker than all round them, by their shape: the network overlooks small ones."""
    found = np.zeros(scene.grey.shape, np.bool_)
    for level in LIMITS.dark:
        for place, pixels in _pieces(scene.grey <= level, connectivity=4):
            if pixels.sum() <= LIMITS.arrow * found.size and is_pointer(pixels) and _is_ink(scene.grey, place, pixels):
                found[place] |= pixels
    return found


def _is_ink(grey: NDArray[np.uint8], place: tuple[slice, slice], pixels: Bools) -> bool:
    """Whether black ``pixels`` are of one level, and lie away from the rim in what is lighter on all sides."""
    (top, bottom), (left, right) = ((part.start - 4, part.stop + 4) for part in place)
    if min(top, left) < -3 or bottom > grey.shape[0] + 3 or right > grey.shape[1] + 3:
        return False
    around = grey[max(0, top) : bottom, max(0, left) : right]
    inside = np.zeros(around.shape, np.uint8)
    inside[place[0].start - max(0, top) :, place[1].start - max(0, left) :][: len(pixels), : pixels.shape[1]] = pixels
    near, far = (cv2.dilate(inside, np.ones((side, side), np.uint8)) for side in (3, 7))
    core = cv2.erode(inside, np.ones((3, 3), np.uint8))
    ink = around[core > 0 if core.any() else inside > 0]
    step = np.percentile(around[(far > 0) & (near == 0)], 15) - np.median(ink)
    return bool(step >= LIMITS.darker and ink.std() <= LIMITS.flat)


def _pieces(ink: Bools, connectivity: int) -> Iterator[tuple[tuple[slice, slice], Bools]]:
    """Connected pixels of some size: where they are, and which there."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=connectivity)
    for n in range(1, count):
        x, y, width, height, area = (int(v) for v in stats[n])
        if area >= LIMITS.head:
            place = slice(y, y + height), slice(x, x + width)
            yield place, pieces[place] == n


RULES: dict[str, Callable[[Scene], Bools]] = {
    "learned": learned,
    "coloured": coloured,
    "read": read,
    "black": black,
}


def _ink(scene: Scene, seen: Bools) -> Bools:
    """The rest of a mark of which part was seen: pixels of the same white or black that hang together with it.

    Left alone where most of what hangs together was not seen: that is bone, or the black surround.
    """
    found = np.zeros_like(seen)
    for same in (scene.grey >= LIMITS.white, scene.grey <= LIMITS.black):
        count, pieces = cv2.connectedComponents(same.astype(np.uint8), connectivity=8)
        size = np.bincount(pieces.ravel(), minlength=count)
        known = np.bincount(pieces[seen], minlength=count)
        belongs = (known >= LIMITS.known) & (known >= LIMITS.known_share * size)
        belongs[0] = False
        found |= belongs[pieces]
    return found


def _hysteresis(values: NDArray[np.float32], high: float, low: float) -> Bools:
    """Pixels over ``low`` that are connected with one over ``high``."""
    count, pieces = cv2.connectedComponents((values > low).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, np.bool_)
    kept[pieces[values > high]] = True
    kept[0] = False
    return np.asarray(kept[pieces], dtype=np.bool_)
