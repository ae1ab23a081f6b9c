"""The black round a scan: given back where it cannot be a page, left where it can."""

import numpy as np
import pytest

from covidct.imaging.panels.surround import surround

WHOLE = [(0, 0, 200, 200), (210, 0, 410, 200)]


def scans(page: int, wide: bool = False) -> np.ndarray:
    """Two black pictures with a bright disc each, on a page of one grey; ``wide``: bright up to their sides."""
    image = np.full((200, 410, 3), page, np.uint8)
    ys, xs = np.mgrid[0:200, 0:200]
    disc = np.abs(ys - 120) < 60 if wide else ((xs - 100) / 80) ** 2 + ((ys - 120) / 60) ** 2 < 1
    for x0, y0, x1, y1 in WHOLE:
        image[y0:y1, x0:x1] = np.where(disc, 180, 0)[:, :, None]
    return image


def test_black_before_white_paper_is_the_pictures() -> None:
    trimmed = [(0, 60, 200, 200), (210, 60, 390, 200)]
    assert surround(scans(255), trimmed) == [(0, 0, 200, 200), (210, 0, 410, 200)]


def test_scanner_text_in_the_black_does_not_end_it() -> None:
    image = scans(255)
    image[8:18, 6:40] = 230
    assert surround(image, [(0, 60, 200, 200), WHOLE[1]])[0] == WHOLE[0]


@pytest.mark.parametrize("wide", [False, True])
def test_on_a_black_page_nothing_grows(wide: bool) -> None:
    trimmed = [(0, 60, 200, 180), (210, 60, 410, 180)]
    assert surround(scans(0, wide), trimmed) == trimmed


def test_a_picture_alone_keeps_its_surround_but_not_a_margin() -> None:
    round_body, straight = scans(0)[:, :200], np.zeros((200, 200, 3), np.uint8)
    straight[20:180, 20:180] = 150
    assert surround(round_body, [(20, 60, 180, 180)]) == [(0, 0, 200, 200)]
    assert surround(straight, [(20, 20, 180, 180)]) == [(20, 20, 180, 180)]
