"""Drawn slices: the same seed gives the same bytes, windows and lesions do what they are named for."""

from collections.abc import Callable

import numpy as np
import pytest
from drawn.coronal import coronal

from covidct.imaging.phantoms import LESIONS, Canvas, axial, phantom


@pytest.mark.parametrize("draw", [axial, coronal])
@pytest.mark.parametrize("window", ["lung", "mediastinal"])
def test_same_seed_same_bytes_other_seed_other_slice(draw: Callable[..., Canvas], window: str) -> None:
    first, again, other = (
        phantom(np.random.default_rng(seed), size=96, window=window, draw=draw)  # type: ignore[arg-type]
        for seed in (1, 1, 2)
    )
    assert first.shape == (96, 96) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("lesion", LESIONS)
def test_a_lesion_makes_the_lungs_denser(lesion: str) -> None:
    clear = np.mean([phantom(np.random.default_rng(s), size=128)[40:88, 20:108].mean() for s in range(12)])
    ill = np.mean([phantom(np.random.default_rng(s), size=128, lesion=lesion)[40:88, 20:108].mean() for s in range(12)])
    assert ill > clear + 2


def test_the_lung_window_shows_lung_the_mediastinal_window_blackens_it() -> None:
    lung, soft = (phantom(np.random.default_rng(3), size=128, window=w) for w in ("lung", "mediastinal"))  # type: ignore[arg-type]
    assert np.percentile(lung[50:78, 25:45], 20) > 10
    assert np.percentile(soft[50:78, 25:45], 20) == 0
