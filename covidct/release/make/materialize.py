"""The pictures of a release in one canonical form (8-bit grey PNG, no alpha, one encoder): gated, resumable."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from covidct.errors import CovidctError, UsageError
from covidct.files import sha256_bytes, sha256_file, write_bytes
from covidct.pictures import PictureError, open_grey, png_bytes, read_bytes
from covidct.progress import threaded
from covidct.release.read.gate import PRIVATE_WAY, Form, artifact, gate
from covidct.release.read.materialized import LISTING, LISTING_COLUMNS, pixel_digest
from covidct.release.read.release import Release
from covidct.tables import dump_table

JOURNAL = ".materialize.jsonl"
PRIVATE_NOTE = "PRIVATE-COPY.txt"
_GREY = NDArray[np.uint8]


@dataclass(frozen=True)
class Wish:
    """What the pictures shall look like. ``size`` = pixels of a square, None keeps each picture's own size."""

    masked: bool = False
    size: int | None = None
    originals: bool = False
    """Also keep the source's bytes under ``originals/``."""
    private: bool = False

    @property
    def form(self) -> Form:
        """The most far-reaching change made, for the gate."""
        return Form.MASKED if self.masked else Form.RESIZED if self.size else Form.CANONICAL

    @property
    def key(self) -> str:
        """What a resumed run compares."""
        return f"masked={int(self.masked)} size={self.size or 0} originals={int(self.originals)}"


@dataclass(frozen=True)
class Entry:
    """One written picture; ``pixels_sha256`` is the digest of its size and grey values, whatever the encoder."""

    image_id: str
    file: str
    sha256: str
    pixels_sha256: str
    source_sha256: str
    width: int
    height: int
    form: str


@dataclass(frozen=True)
class Outcome:
    """What a run wrote, what it left alone because it was there, what was kept in (by rule), what failed and why."""

    written: int
    kept: int
    withheld: dict[str, int]
    failed: list[tuple[str, str]]


def materialize(
    release: Release,
    sources: Mapping[str, Path],
    out: Path,
    wish: Wish,
    workers: int = 1,
    masks: Mapping[str, Path] | None = None,
) -> Outcome:
    """Write ``out/images/<image_id>.png`` and ``out/materialized.csv``; ``masks``: 255 where to paint over."""
    verdicts = gate(release, wish.form, wish.private)
    wanted = [row for row in release.images.to_dict("records") if verdicts[str(row["image_id"])].allowed]
    withheld = Counter(verdict.rule for verdict in verdicts.values() if not verdict.allowed)
    out.mkdir(parents=True, exist_ok=True)
    earlier = list(_journal(out))
    if not earlier and not (out / LISTING).is_file() and any((out / "images").glob("*")):
        raise UsageError(f"{out / 'images'} holds files that 'manifest materialize' did not write: name another --out")
    done = {entry.image_id: entry for key, entry in earlier if key == wish.key}
    todo = [row for row in wanted if not _is_done(done.get(str(row["image_id"])), str(row["sha256"]), out)]
    kept = len(wanted) - len(todo)
    failed: list[tuple[str, str]] = []
    with (out / JOURNAL).open("a", encoding="utf-8") as journal:
        results = threaded(lambda row: _one(row, sources, masks or {}, out, wish), todo, workers, "pictures")
        for row, result in zip(todo, results, strict=True):
            if isinstance(result, Entry):
                done[result.image_id] = result
                journal.write(json.dumps({"key": wish.key, **asdict(result)}) + "\n")
                journal.flush()
            else:
                failed.append((str(row["image_id"]), result))
    allowed = {str(row["image_id"]) for row in wanted}
    written = {entry.file for _, entry in earlier} | {entry.file for entry in done.values()}
    _finish(out, [entry for image, entry in sorted(done.items()) if image in allowed], written, wish)
    return Outcome(len(todo) - len(failed), kept, dict(sorted(withheld.items())), failed)


def canonical_png(picture: _GREY) -> bytes:
    """``picture`` (height x width, 8-bit grey) as PNG without metadata."""
    return png_bytes(picture, level=6)


def render_picture(data: bytes, name: str, wish: Wish, mask: _GREY | None, boxes: list[tuple[int, ...]]) -> _GREY:
    """A source picture in the wished form: grey, painted over where ``mask`` or ``boxes`` say, resized."""
    pixels = open_grey(data, name=name)
    if wish.masked and (mask is not None or boxes):
        pixels = _painted(pixels, mask, boxes)
    if wish.size:
        resized = Image.fromarray(pixels).resize((wish.size, wish.size), Image.Resampling.BILINEAR)
        pixels = np.asarray(resized)
    return pixels


def artifact_boxes(image: Mapping[str, object]) -> list[tuple[str, tuple[int, ...]]]:
    """(kind, (x0, y0, x1, y1)) of the marks in an image's ``artifacts`` cell, pixels."""
    found = []
    for part in artifact(image, "boxes").split(";"):
        kind, _, corners = part.partition(":")
        numbers = [int(float(value)) for value in corners.split(",") if value]
        if len(numbers) == 4:
            found.append((kind, tuple(numbers)))
    return found


def _painted(pixels: _GREY, mask: _GREY | None, boxes: list[tuple[int, ...]]) -> _GREY:
    import cv2

    holes = np.zeros(pixels.shape, np.uint8)
    if mask is not None and mask.shape == pixels.shape:
        holes |= np.where(mask > 0, 255, 0).astype(np.uint8)
    else:
        for x0, y0, x1, y1 in boxes:
            holes[max(y0, 0) : y1, max(x0, 0) : x1] = 255
    return np.asarray(cv2.inpaint(pixels, holes, 5, cv2.INPAINT_TELEA), dtype=np.uint8)


def _one(
    row: Mapping[object, object], sources: Mapping[str, Path], masks: Mapping[str, Path], out: Path, wish: Wish
) -> Entry | str:
    image = str(row["image_id"])
    source = sources.get(image)
    if source is None:
        return "its picture is not there"
    try:
        data = read_bytes(source)
        digest = sha256_bytes(data)
        if digest != row["sha256"]:
            return f"{source}: its bytes differ from the release's sha256"
        mask = open_grey(masks[image]) if image in masks else None
        cells = {str(key): value for key, value in row.items()}
        boxes = [box for _, box in artifact_boxes(cells)]
        if artifact(cells, "identifying") == "yes" and mask is None and not boxes:
            return "it holds identifying text and there is no mask to paint it over"
        pixels = render_picture(data, str(source), wish, mask, boxes)
    except PictureError as error:
        return str(error)
    file = f"images/{image}.png"
    png = canonical_png(pixels)
    write_bytes(out / file, png)
    if wish.originals:
        write_bytes(out / "originals" / f"{image}{source.suffix.lower()}", data)
    height, width = pixels.shape
    return Entry(image, file, sha256_bytes(png), pixel_digest(pixels), digest, width, height, wish.form)


def _journal(out: Path) -> Iterator[tuple[str, Entry]]:
    """The key of the wish, and what was written for it."""
    path = out / JOURNAL
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            values = dict(json.loads(line))
            yield str(values.pop("key")), Entry(**values)
        except (ValueError, TypeError, KeyError, RecursionError):
            continue  # the line that a killed run was writing


def _is_done(entry: Entry | None, source_sha256: str, out: Path) -> bool:
    if entry is None or entry.source_sha256 != source_sha256:
        return False
    path = out / entry.file
    return path.is_file() and sha256_file(path) == entry.sha256


def _finish(out: Path, entries: list[Entry], written: set[str], wish: Wish) -> None:
    for file in written - {entry.file for entry in entries}:
        (out / "images" / Path(file).name).unlink(missing_ok=True)  # withdrawn or kept in since the last run
    frame = pd.DataFrame([asdict(entry) for entry in entries], columns=LISTING_COLUMNS)
    write_bytes(out / LISTING, dump_table(frame, LISTING_COLUMNS))
    note = out / PRIVATE_NOTE
    if wish.private:
        write_bytes(note, b"Pictures in this folder may lack a licence to hand them on. Keep it on this machine.\n")
    elif note.exists():
        note.unlink()


def check_complete(outcome: Outcome) -> None:
    """A run that wrote and kept nothing because the gate let nothing through is an error that says what would."""
    if not outcome.written and not outcome.kept and outcome.withheld and not outcome.failed:
        rules = ", ".join(f"{rule} {count}" for rule, count in outcome.withheld.items())
        raise CovidctError(f"no picture may leave ({rules}); {PRIVATE_WAY}")
