"""The lung region on made slices: found, split from the room, robust to frames, windows, crops; silent on abdomens."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from covidct.imaging.lung import lung_mask


def slice_with_lungs(height: int = 300, width: int = 320) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A body, two lungs with vessels, a table; and where the lungs are."""
    image = np.zeros((height, width), np.uint8)
    cv2.ellipse(image, (160, 150), (140, 105), 0, 0, 360, 170, -1)
    lungs = np.zeros((height, width), np.uint8)
    for x in (95, 225):
        cv2.ellipse(lungs, (x, 150), (48, 75), 0, 0, 360, 1, -1)
    image[lungs > 0] = 30
    for x, y in ((90, 140), (100, 180), (230, 120), (222, 170)):
        cv2.circle(image, (x, y), 4, 190, -1)
    cv2.ellipse(image, (160, 240), (150, 40), 0, 20, 160, 220, 3)
    noise = np.random.default_rng(0).normal(0, 6, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), lungs > 0


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float((a & b).sum() / max(1, (a | b).sum()))


def test_lungs_are_found_and_the_room_is_not() -> None:
    image, truth = slice_with_lungs()
    found = lung_mask(image)
    assert found.shape == image.shape and found.dtype == np.bool_
    assert iou(found, truth) > 0.9
    assert not found[:20].any() and not found[-20:].any()


@pytest.mark.parametrize("change", ["window", "colour", "frame", "scale", "crop"])
def test_lungs_are_found_after(change: str) -> None:
    image, truth = slice_with_lungs()
    if change == "window":
        image = np.clip((image.astype(float) - 40) * 1.9, 0, 255).astype(np.uint8)
    if change == "colour":
        image = np.repeat(image[:, :, None], 3, axis=2)
    if change == "frame":
        image = cv2.copyMakeBorder(image, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=255)
        truth = np.pad(truth, 12)
    if change == "scale":
        image = cv2.resize(image, (700, 500))
        truth = cv2.resize(truth.astype(np.uint8), (700, 500), interpolation=cv2.INTER_NEAREST) > 0
    if change == "crop":  # the chest wall is cut open on both sides
        image, truth = image[60:240, 60:262], truth[60:240, 60:262]
    assert iou(lung_mask(image), truth) > 0.85


def test_no_lung_no_mask() -> None:
    image = np.zeros((200, 240), np.uint8)
    cv2.ellipse(image, (120, 100), (100, 80), 0, 0, 360, 160, -1)
    assert not lung_mask(image).any()
    assert not lung_mask(np.full((4, 4), 9, np.uint8)).any()
