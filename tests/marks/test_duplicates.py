"""Finding copies among made slices: every change a copy can undergo, and pictures that only look alike."""

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from covidct.imaging.duplicates.correlation import align, judge
from covidct.imaging.duplicates.hashes import frameless, patches, thumbnail
from covidct.imaging.duplicates.search import MIN_SCORE, find_duplicates
from covidct.imaging.phantoms import phantom

Grey = NDArray[np.uint8]
SAME = np.array([[1.0, 0, 0], [0, 1.0, 0]])


@pytest.fixture(scope="module")
def slices() -> list[Grey]:
    rng = np.random.default_rng(7)
    return [phantom(rng, size=320, lesion=n % 2 == 0) for n in range(24)]


def crop(image: Grey) -> Grey:
    return image[40:300, 12:272]


def uneven_crop(image: Grey) -> Grey:
    return image[:262, 4:316]


def rescale(image: Grey) -> Grey:
    return np.asarray(cv2.resize(image, (190, 420)), np.uint8)


def window(image: Grey) -> Grey:
    return np.clip((image.astype(float) - 35) * 1.45, 0, 255).astype(np.uint8)


def jpeg(image: Grey) -> Grey:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=60)
    return np.asarray(Image.open(buffer).convert("L"))


def marks(image: Grey) -> Grey:
    marked = image.copy()
    cv2.arrowedLine(marked, (60, 60), (110, 120), 255, 4, tipLength=0.4)
    cv2.putText(marked, "B", (8, 300), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 2)
    return marked


def frame(image: Grey) -> Grey:
    return np.asarray(cv2.copyMakeBorder(image, 6, 6, 6, 6, cv2.BORDER_CONSTANT, value=255), np.uint8)


def flip(image: Grey) -> Grey:
    return image[:, ::-1]


CHANGES: dict[str, tuple[Callable[[Grey], Grey], ...]] = {
    "crop": (crop,),
    "crop, other sides": (uneven_crop,),
    "rescale": (rescale,),
    "window": (window,),
    "re-encoded": (jpeg,),
    "marks": (marks,),
    "frame": (frame,),
    "flip": (flip,),
    "flip+crop": (flip, crop),
    "crop+rescale": (crop, rescale),
    "window+frame": (window, frame),
    "crop+marks": (crop, marks),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(slices: list[Grey], name: str) -> None:
    copy = slices[5]
    for change in CHANGES[name]:
        copy = change(copy)
    (pair,) = find_duplicates([*slices, copy])
    assert (pair.i, pair.j) == (5, len(slices))
    assert pair.score >= MIN_SCORE
    assert set(name.split(",")[0].split("+")) <= set(pair.change.split("+"))


def test_the_matrix_leads_from_the_later_picture_to_the_earlier(slices: list[Grey]) -> None:
    for images in ([slices[3], crop(slices[3])], [crop(slices[3]), slices[3]]):
        (pair,) = find_duplicates(images)
        a, b = (thumbnail(image) for image in images)
        assert judge(a, b, np.array(pair.matrix)).mean > 0.9 > judge(a, b, SAME).mean


def test_colour_and_grey_copies_are_one_picture(slices: list[Grey]) -> None:
    colour = np.repeat(slices[2][:, :, None], 3, axis=2)
    colour[10:40, 10:40] = (255, 0, 0)
    (pair,) = find_duplicates([slices[2], slices[9], colour])
    assert (pair.i, pair.j) == (0, 2)


def test_exact_copies_are_paired_with_the_first_only(slices: list[Grey]) -> None:
    pairs = find_duplicates([slices[0], slices[1], slices[0].copy(), slices[0].copy(), jpeg(slices[1])])
    assert [(p.i, p.j, p.change) for p in pairs] == [(0, 2, "identical"), (0, 3, "identical"), (1, 4, "re-encoded")]


def test_many_copies_of_one_picture_hang_together(slices: list[Grey]) -> None:
    """Their patches fill buckets beyond the limit, and are still compared with their neighbours."""
    copies = [np.clip(slices[4].astype(int) + n // 8, 0, 255).astype(np.uint8)[n % 8 :] for n in range(80)]
    found = {k for p in find_duplicates([*copies, *slices[5:9]]) for k in (p.i, p.j)}
    assert found == set(range(80))


def test_flat_tiny_and_no_pictures() -> None:
    assert find_duplicates([]) == []
    assert find_duplicates(iter([np.zeros((50, 50), np.uint8), np.full((50, 60), 200, np.uint8)])) == []
    assert find_duplicates([np.zeros((3, 2), np.uint8), np.ones((1, 1), np.uint8)]) == []


def test_another_patient_in_the_same_pose_is_no_copy(slices: list[Grey]) -> None:
    for other in slices[1:6]:
        assert align(thumbnail(slices[0]), thumbnail(other), SAME).score < 0.8


def test_alignment_slides_into_place(slices: list[Grey]) -> None:
    small = thumbnail(slices[0])
    moved = np.asarray(cv2.warpAffine(small, np.array([[1, 0, 4.0], [0, 1, -3.0]]), small.shape), np.uint8)
    found = align(small, moved, SAME)
    assert found.score > 0.97 and np.allclose(found.matrix[:, 2], (-4, 3), atol=0.3)


def test_far_apart_has_no_score() -> None:
    small = thumbnail(phantom(np.random.default_rng(0), size=128))
    assert judge(small, small, np.array([[1.0, 0, 120], [0, 1.0, 0]])).score == -1.0


def test_a_frame_is_taken_off_and_a_black_surround_is_not() -> None:
    image = phantom(np.random.default_rng(1), size=200)
    assert frameless(frame(image)) == (slice(6, 206), slice(6, 206))
    assert frameless(image) == (slice(0, 200), slice(0, 200))
    padded = np.pad(image, 9)
    assert frameless(padded) == (slice(0, 218), slice(0, 218))


def test_mirrored_patches_hash_to_the_mirrored_variant() -> None:
    small = thumbnail(phantom(np.random.default_rng(3), size=300))
    plain, mirrored = patches(small), patches(np.ascontiguousarray(small[:, ::-1]))
    met = 0
    for corner, keys in zip(plain.points, plain.keys, strict=True):
        partner = np.flatnonzero(np.abs(mirrored.points - (127 - corner[0], corner[1])).max(axis=1) < 0.5)
        met += any(np.array_equal(keys[5], mirrored.keys[n, 0]) for n in partner)
    assert met > len(plain.points) // 2
