"""Profiles along a region: what a seam, a gutter and a hairline leave in them, and anatomy does not."""

import numpy as np

from covidct.imaging.panels.cut import FEATURES, WHOLE, candidates, survey
from covidct.imaging.panels.lines import Band, bands, read_lines
from covidct.imaging.phantoms import phantom


def pair(gap: int, level: int) -> np.ndarray:
    """Two drawn slices side by side, cut into the body, with ``gap`` columns of one grey between them."""
    left, right = (phantom(np.random.default_rng(s), size=200, lesion=True)[60:150, 30:170] for s in (1, 2))
    between = np.full((90, gap), level, np.uint8)
    return np.hstack([left, between, right])[:, :, None].repeat(3, 2)


def test_a_gutter_is_a_band() -> None:
    found = [b for b in bands(read_lines(pair(8, 255))) if b.level > 250]
    assert Band(140, 148, 255.0) in found


def test_an_abutting_seam_stands_out_as_a_sudden_step() -> None:
    lines = read_lines(pair(0, 0))
    seam = lines.step[138:143].max()
    assert seam > 0.2
    assert (np.delete(lines.step, range(136, 145)) < seam).mean() > 0.98
    assert lines.peak1[138:143].max() > 2


def test_a_hairline_is_a_thread() -> None:
    image = np.random.default_rng(0).integers(40, 190, (90, 281, 3)).astype(np.uint8)
    image[:, 140] = 255
    lines = read_lines(image)
    assert lines.light[140] > 0.9 and lines.light_strict[140] > 0.9
    assert (np.delete(lines.light_strict, 140) < 0.6).all()


def test_the_true_places_are_among_the_candidates() -> None:
    for gap, level in ((0, 0), (1, 255), (8, 255), (6, 0), (12, 128)):
        found = candidates(read_lines(pair(gap, level)))
        assert any(138 <= c.start <= 142 and c.stop <= 142 + gap for c in found), (gap, level)


def test_features_have_their_names() -> None:
    seen = survey(pair(4, 255), (90, 284))
    assert seen.rows.shape == (len(seen.found), len(FEATURES)) and seen.whole.shape == (len(WHOLE),)
    assert np.isfinite(seen.rows).all() and np.isfinite(seen.whole).all()


def test_a_region_too_small_to_read_gives_no_lines() -> None:
    assert read_lines(np.zeros((10, 12, 3), np.uint8)).step.max() == 0
