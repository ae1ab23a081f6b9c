"""A release in the forms other tools read. Pictures pass the gate and are written in canonical form.

``imagefolder`` (Hugging Face ``datasets``: train/val/test folders with metadata.csv), ``npz`` (MedMNIST-like arrays),
``coco`` (labels and burnt-in marks as categories with boxes), ``label-studio`` (tasks that point at the pictures).
"""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covidct.errors import CovidctError
from covidct.files import sha256_bytes, write_bytes
from covidct.pictures import PictureError, read_bytes
from covidct.progress import progress
from covidct.records import SPLITS
from covidct.release.make.card import dataset_card
from covidct.release.make.materialize import Wish, artifact_boxes, canonical_png, render_picture
from covidct.release.read.gate import PRIVATE_WAY, gate
from covidct.release.read.licences import licence_object
from covidct.release.read.materialized import read_listing
from covidct.release.read.release import Release
from covidct.tables import dump_table

NPZ_SIDE = 224
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Date in archives: no clock, so that the same release gives the same bytes."""
_METADATA = (
    *("file_name", "label", "target", "image_id", "patient_id", "group_id", "source", "doi", "licence", "figure_label"),
    *("panel_label", "page", "label_by"),
)

Row = Mapping[str, Any]
Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Exported:
    """How many pictures an export holds, what the gate kept in (by rule), what failed and why."""

    pictures: int
    withheld: dict[str, int]
    failed: list[tuple[str, str]]


class _Pictures:
    """The rows whose pictures may leave, with their pixels, one at a time."""

    def __init__(self, release: Release, sources: Mapping[str, Path], wish: Wish) -> None:
        verdicts = gate(release, wish.form, wish.private)
        rows = [{str(k): v for k, v in row.items()} for row in release.images.to_dict("records")]
        self.rows = [row for row in rows if verdicts[str(row["image_id"])].allowed]
        self.withheld = dict(sorted(Counter(v.rule for v in verdicts.values() if not v.allowed).items()))
        self.failed: list[tuple[str, str]] = []
        self._sources, self._wish = sources, wish
        self._listing = lru_cache(maxsize=2)(read_listing)
        if not self.rows:
            rules = ", ".join(f"{rule} {count}" for rule, count in self.withheld.items()) or "the release is empty"
            raise CovidctError(f"no picture may leave ({rules}); {PRIVATE_WAY}")

    def __iter__(self) -> Iterator[tuple[Row, Grey]]:
        for row in progress(self.rows, "pictures"):
            image = str(row["image_id"])
            try:
                yield row, self._pixels(row, image)
            except PictureError as error:
                self.failed.append((image, str(error)))

    def _pixels(self, row: Row, image: str) -> Grey:
        source = self._sources.get(image)
        if source is None:
            raise PictureError("its picture is not there")
        data = read_bytes(source)
        listed = self._listing(source.parent.parent).get(image, {}).get("sha256")
        if sha256_bytes(data) not in {row["sha256"], listed}:
            raise PictureError(f"{source}: its bytes differ from the release's sha256")
        boxes = [box for _, box in artifact_boxes(row)]
        pixels = render_picture(data, str(source), Wish(False, None), None, [])
        if boxes and pixels.shape != (row["height"], row["width"]):
            raise PictureError(f"{source}: was resized, so that its boxes do not fit; export from unresized pictures")
        return render_picture(data, str(source), self._wish, None, boxes)

    def done(self) -> Exported:
        return Exported(len(self.rows) - len(self.failed), self.withheld, self.failed)


def export_imagefolder(release: Release, sources: Mapping[str, Path], out: Path, wish: Wish) -> Exported:
    """``out/SPLIT/LABEL/<image_id>.png``, ``out/SPLIT/metadata.csv`` and a data set card that ``datasets`` reads."""
    pictures = _Pictures(release, sources, wish)
    lines: dict[str, list[dict[str, Any]]] = {}
    for row, pixels in pictures:
        split = str(row["split"]) or "unsplit"
        file = f"{row['label']}/{row['image_id']}.png"
        write_bytes(out / split / file, canonical_png(pixels))
        lines.setdefault(split, []).append({**row, "file_name": file, "target": release.classes.index(row["label"])})
    for split, rows in lines.items():
        write_bytes(out / split / "metadata.csv", dump_table(pd.DataFrame(rows), _METADATA))
    counts = {split: len(rows) for split, rows in lines.items()}
    write_bytes(out / "README.md", dataset_card(release, counts, _METADATA[1:]).encode())
    return pictures.done()


def export_npz(release: Release, sources: Mapping[str, Path], out: Path, wish: Wish) -> Exported:
    """``out/NAME-VERSION.npz``: ``SPLIT_images`` (n x side x side uint8), ``SPLIT_labels`` (n x 1, 1 = covid), ids."""
    side = wish.size or NPZ_SIDE
    pictures = _Pictures(release, sources, Wish(wish.masked, side, False, wish.private))
    stacks: dict[str, list[tuple[str, int, Grey]]] = {split: [] for split in SPLITS}
    for row, pixels in pictures:
        if row["split"] in stacks:
            stacks[row["split"]].append((str(row["image_id"]), release.classes.index(row["label"]), pixels))
    arrays: dict[str, NDArray[Any]] = {}
    for split, items in stacks.items():
        arrays[f"{split}_images"] = np.stack([p for _, _, p in items]) if items else np.zeros((0, side, side), np.uint8)
        arrays[f"{split}_labels"] = np.asarray([[label] for _, label, _ in items], dtype=np.uint8).reshape(-1, 1)
        arrays[f"{split}_ids"] = np.asarray([name for name, _, _ in items], dtype=np.str_)
    write_bytes(out / f"{release.name}-{release.version}.npz", npz_bytes(arrays))
    return pictures.done()


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A compressed ``.npz`` without the clock in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(info, member.getvalue())
    return out.getvalue()


def export_coco(release: Release, sources: Mapping[str, Path], out: Path, wish: Wish) -> Exported:
    """``out/images/*.png`` and ``out/annotations.json``: ``[x, y, width, height]`` in pixels of the written picture.

    The label of a picture is a box over all of it (supercategory ``label``), each burnt-in mark one of its own
    (supercategory ``mark``).
    """
    pictures = _Pictures(release, sources, wish)
    kinds = sorted({kind for row in pictures.rows for kind, _ in artifact_boxes(row)})
    categories = [("label", name) for name in release.classes] + [("mark", kind) for kind in kinds]
    licences = sorted({str(row["licence"]) for row in pictures.rows})
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for number, (row, pixels) in enumerate(pictures, 1):
        file = f"images/{row['image_id']}.png"
        write_bytes(out / file, canonical_png(pixels))
        height, width = pixels.shape
        facts = {key: row[key] for key in ("image_id", "label", "split", "licence", "doi")}
        known = {"id": number, "file_name": file, "width": width, "height": height}
        images.append({**known, **facts, "license": licences.index(row["licence"]) + 1})
        for category, place in _coco_boxes(row, width, height):
            index = categories.index(category) + 1
            box = {"id": len(boxes) + 1, "image_id": number, "category_id": index, "bbox": place, "iscrowd": 0}
            boxes.append({**box, "area": round(place[2] * place[3], 2), "segmentation": []})
    document = {
        "info": {"description": release.title, "version": release.version, "date_created": str(release.meta["date"])},
        "licenses": [{"id": k, **licence_object(text)} for k, text in enumerate(licences, 1)],
        "categories": [{"id": k, "supercategory": of, "name": name} for k, (of, name) in enumerate(categories, 1)],
        "images": images,
        "annotations": boxes,
    }
    write_bytes(out / "annotations.json", _json(document))
    return pictures.done()


def _coco_boxes(row: Row, width: int, height: int) -> Iterator[tuple[tuple[str, str], list[float]]]:
    """((supercategory, name), box) of a row in a picture of ``width`` x ``height`` pixels, which may be resized."""
    yield ("label", str(row["label"])), [0, 0, width, height]
    across, down = width / int(row["width"]), height / int(row["height"])
    for kind, (x0, y0, x1, y1) in artifact_boxes(row):
        yield ("mark", kind), [round(v, 2) for v in (x0 * across, y0 * down, (x1 - x0) * across, (y1 - y0) * down)]


def export_label_studio(release: Release, sources: Mapping[str, Path], out: Path, wish: Wish) -> Exported:
    """``out/images/*.png``, ``out/tasks.json`` with the release's label as a prediction, and ``out/config.xml``."""
    pictures = _Pictures(release, sources, wish)
    tasks = []
    for row, pixels in pictures:
        file = f"images/{row['image_id']}.png"
        write_bytes(out / file, canonical_png(pixels))
        choice = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [row["label"]]}}
        data = {"image": f"/data/local-files/?d={file}", "image_id": row["image_id"], "doi": row["doi"]}
        tasks.append({"data": data, "predictions": [{"model_version": release.title, "result": [choice]}]})
    choices = "".join(f'<Choice value="{name}"/>' for name in reversed(release.classes))
    config = (
        f'<View><Image name="image" value="$image"/><Choices name="label" toName="image">{choices}</Choices></View>\n'
    )
    write_bytes(out / "config.xml", config.encode())
    write_bytes(out / "tasks.json", _json(tasks))
    return pictures.done()


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


FORMATS: Mapping[str, Callable[[Release, Mapping[str, Path], Path, Wish], Exported]] = {
    "imagefolder": export_imagefolder,
    "npz": export_npz,
    "coco": export_coco,
    "label-studio": export_label_studio,
}
