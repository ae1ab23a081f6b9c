"""Compound figures made of given slices, with every layout that is hard to cut named, and the boxes that are right.

Used to measure the splitter (``benchmarks/panels.py``), to test it on drawn slices and to train triage on made figures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from covidct.errors import UsageError
from drawn.kinds import chart, glow
from drawn.mixed import box_of_words, cut_out, drawn_over, mapped, pale

Picture = NDArray[np.uint8]
"""(H, W, 3), RGB."""
PixelBox = tuple[int, int, int, int]
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
COLOURS = ((173, 216, 230), (255, 228, 196), (200, 230, 200), (0, 70, 140), (128, 128, 128), (230, 230, 250))


@dataclass(frozen=True)
class Truth:
    """One panel as it was placed: letter ("" where none is printed) and box in pixels."""

    label: str
    box: PixelBox


@dataclass(frozen=True)
class Composed:
    """A figure, the panels in it in reading order, and the layout's name."""

    image: Picture
    panels: tuple[Truth, ...]
    layout: str
    others: tuple[PixelBox, ...] = ()
    """Charts, headers and letters outside of panels: printed, and no panels."""


@dataclass(frozen=True)
class Plan:
    """How a figure is laid out; ``rows`` gives the number of panels in each row."""

    rows: tuple[int, ...]
    gutter: int = 8
    colour: tuple[int, int, int] = WHITE
    margin: int = 0
    letters: str = ""
    """Where letters are printed: ``inside``, ``outside``, ``below``, or nowhere."""
    headers: bool = False
    same_size: bool = True
    charts: int = 0
    inset: bool = False
    whiten: bool = False
    first_letter: str = "A"
    corner: tuple[int, int] = (0, 0)
    """Where a letter inside stands: 0 left or top, 1 right or bottom."""
    frame: int = 0
    """Width of a line round each panel, inside its box."""
    heat: float = 0.0
    """Share of the slices under a glow of colour, as class activation maps are shown."""
    strip: bool = False
    """Two lines of caption printed below, as part of the picture."""
    bar: bool = False
    """A colour bar with numbers to the right."""
    drawn: float = 0.0
    """Share of the slices with lines, boxes or outlines drawn on them."""
    maps: float = 0.0
    """Share of the slices that give way to masks, maps, overlays and renderings."""
    cut_out: int = -1
    """Grey round the lungs where nothing else is left of the slices; -1: all is."""
    pale: bool = False
    """Tissue is white, as paper is."""
    blocks: int = 0
    """So many blocks below one another, each of ``rows`` of slices that touch, with one letter for all."""
    flow: bool = False
    """A method figure: slices at the left, drawn fields and arrows, what comes out at the right."""
    nested: bool = False
    """One large panel beside a column of small ones; ``rows`` counts the small ones."""


def text_mark(text: str, height: int, ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Picture:
    """``text`` set in Pillow's own face, cropped to its ink, about ``height`` pixels high."""
    font = ImageFont.load_default(size=max(6, round(height * 1.25)))
    left, top, right, bottom = (round(v) for v in font.getbbox(text))
    picture = Image.new("RGB", (max(1, right - left), max(1, bottom - top)), paper)
    ImageDraw.Draw(picture).text((-left, -top), text, fill=ink, font=font)
    return np.asarray(picture)


def compose(rng: np.random.Generator, slices: Sequence[NDArray[np.uint8]], layout: str) -> Composed:
    """One figure of ``layout`` (a key of ``LAYOUTS``) from slices drawn at random out of ``slices`` (grey or RGB)."""
    if layout not in LAYOUTS:
        raise UsageError(f"no such layout: {layout}; there are {', '.join(LAYOUTS)}")
    plan = LAYOUTS[layout](rng)
    tiles = _tiles(rng, slices, plan)
    lay = _nest if plan.nested else _flow if plan.flow else _stack if plan.blocks else _place
    image, panels, others = lay(rng, tiles, plan)
    image = _add_bar(image, others, plan) if plan.bar else image
    image = _add_strip(image, others, plan) if plan.strip else image
    if layout.startswith("single"):
        panels = [Truth("", p.box) for p in panels]
    image, scale = _wear(rng, image)
    placed = tuple(replace(p, box=_scaled(p.box, scale)) for p in panels)
    return Composed(image, placed, layout, tuple(_scaled(box, scale) for box in others))


def _scaled(box: PixelBox, scale: float) -> PixelBox:
    x0, y0, x1, y1 = (round(v * scale) for v in box)
    return x0, y0, x1, y1


def _rgb(picture: NDArray[np.uint8]) -> Picture:
    return np.repeat(picture[:, :, None], 3, 2) if picture.ndim == 2 else picture[:, :, :3]


def _tiles(rng: np.random.Generator, slices: Sequence[NDArray[np.uint8]], plan: Plan) -> list[list[Picture]]:
    """Pictures row by row, scaled so that each row has one height; charts take the last places."""
    height = int(rng.integers(110, 150) if sum(plan.rows) > 9 else rng.integers(170, 420))
    aspect = float(rng.uniform(0.9, 1.45))
    places = [(r, c) for r, n in enumerate(plan.rows) for c in range(n)]
    chosen = rng.choice(len(slices), len(places), replace=len(slices) < len(places))
    tiles: list[list[Picture]] = [[] for _ in plan.rows]
    for index, (row, _) in enumerate(places):
        if index >= len(places) - plan.charts:
            picture = chart(rng, round(height * aspect), height)
        else:
            picture = _fit(rng, _rgb(slices[chosen[index]]), height, aspect if plan.same_size else None)
            picture = _whiten(picture) if plan.whiten else picture
            picture = _changed(rng, picture, plan)
        tiles[row].append(picture)
    return _level(tiles) if not plan.same_size else tiles


def _changed(rng: np.random.Generator, picture: Picture, plan: Plan) -> Picture:
    """What else than a plain slice the plan asks for."""
    picture = cut_out(picture, plan.cut_out) if plan.cut_out >= 0 else pale(picture) if plan.pale else picture
    picture = glow(rng, picture) if rng.random() < plan.heat else picture
    picture = mapped(rng, picture) if rng.random() < plan.maps else picture
    return drawn_over(rng, picture) if rng.random() < plan.drawn else picture


def _fit(rng: np.random.Generator, picture: Picture, height: int, aspect: float | None) -> Picture:
    """Scale to ``height``; with ``aspect``, crop the middle to that shape first."""
    h, w = picture.shape[:2]
    if aspect is not None:
        width, tall = min(w, round(h * aspect)), min(h, round(w / aspect))
        x, y = (w - width) // 2, (h - tall) // 2
        picture = picture[y : y + tall, x : x + width]
        size = (round(height * aspect), height)
        return np.asarray(cv2.resize(picture, size, interpolation=_scaler(tall, height)))
    scale = height / h
    return np.asarray(cv2.resize(picture, (max(40, round(w * scale)), height), interpolation=_scaler(h, height)))


def _scaler(before: int, after: int) -> int:
    """Enlarging by areas would leave blocks, whose edges are straight lines."""
    return cv2.INTER_LINEAR if after > before else cv2.INTER_AREA


def _level(tiles: list[list[Picture]]) -> list[list[Picture]]:
    """Rows of unlike tiles brought to one width by scaling each row as a whole."""
    width = round(float(np.mean([sum(t.shape[1] for t in row) for row in tiles])))
    levelled = []
    for row in tiles:
        scale = width / sum(t.shape[1] for t in row)
        size = [(max(20, round(t.shape[1] * scale)), max(20, round(row[0].shape[0] * scale))) for t in row]
        levelled.append([np.asarray(cv2.resize(t, s), np.uint8) for t, s in zip(row, size, strict=True)])
    return levelled


def _whiten(picture: Picture) -> Picture:
    """All but the lungs turned white, cropped to them: what is left has no straight edge to be found by."""
    grey = cv2.GaussianBlur(picture[:, :, 1], (0, 0), 2)
    h, w = grey.shape
    dark = (grey < 110).astype(np.uint8)
    _, marks, stats, _ = cv2.connectedComponentsWithStats(dark)
    outer = set(marks[0]) | set(marks[-1]) | set(marks[:, 0]) | set(marks[:, -1])
    keep = [i for i in range(1, len(stats)) if i not in outer and stats[i, cv2.CC_STAT_AREA] > h * w * 0.03]
    if len(keep) < 2:
        return picture
    lungs = np.isin(marks, keep).astype(np.uint8)
    near = cv2.GaussianBlur(cv2.dilate(lungs, np.ones((5, 5), np.uint8)).astype(np.float32), (0, 0), 1.0)[:, :, None]
    white = np.asarray(picture * near + 255 * (1 - near), np.uint8)
    x, y, wide, tall = cv2.boundingRect(cv2.dilate(lungs, np.ones((5, 5), np.uint8)))
    return white[y : y + tall, x : x + wide]


class _Sheet:
    """The paper a figure is put together on."""

    def __init__(self, height: int, width: int, plan: Plan) -> None:
        self.image = np.full((height, width, 3), plan.colour, np.uint8)
        self.plan = plan
        self.panels: list[Truth] = []
        self.others: list[PixelBox] = []

    def stamp(self, text: str, size: int, x: int, y: int) -> None:
        """Print ``text`` on the bare paper."""
        dark = sum(self.plan.colour) < 380
        mark = text_mark(text, size, WHITE if dark else BLACK, self.plan.colour)
        h, w = min(mark.shape[0], self.image.shape[0] - y), min(mark.shape[1], self.image.shape[1] - x)
        if h > 0 and w > 0:
            self.image[y : y + h, x : x + w] = mark[:h, :w]
            self.others.append((x, y, x + w, y + h))

    def letter(self, letter: str, box: PixelBox, band: int) -> None:
        """Print a panel's letter where the plan says."""
        size = round(band * 0.55)
        if self.plan.letters == "inside":
            _ink(self.image, letter, box, self.plan.corner)
        elif self.plan.letters == "outside":
            self.stamp(letter, size, box[0] + 2, max(0, box[1] - size - 4))
        elif self.plan.letters == "below":
            self.stamp(letter, size, (box[0] + box[2]) // 2, box[3] + 4)


def _ink(image: Picture, letter: str, box: PixelBox, corner: tuple[int, int] = (0, 0)) -> None:
    """Lay a letter over a corner of a slice, only its ink, as a drawing program does."""
    size = round((box[3] - box[1]) * 0.07) + 4
    x = box[2] - size - 8 if corner[0] else box[0]
    y = box[3] - size - 12 if corner[1] else box[1]
    light = float(image[y : y + size + 8, x : x + size + 8].mean()) > 127
    mark = text_mark(letter, size, BLACK if light else WHITE, WHITE if light else BLACK)
    spot = image[y + 5 : y + 5 + mark.shape[0], x + 5 : x + 5 + mark.shape[1]]
    weight = np.abs(mark.astype(np.int16) - (255 if light else 0))[: spot.shape[0], : spot.shape[1]] / 255.0
    spot[:] = (spot * (1 - weight) + (0 if light else 255) * weight).astype(np.uint8)


def _add_bar(image: Picture, others: list[PixelBox], plan: Plan) -> Picture:
    """The figure with a colour bar at its right."""
    h, w = image.shape[:2]
    sheet = _Sheet(h, w + 64, plan)
    sheet.image[:, :w] = image
    ramp = np.linspace(255, 0, max(8, h - 20)).astype(np.uint8)[:, None].repeat(14, 1)
    sheet.image[10 : 10 + len(ramp), w + 12 : w + 26] = cv2.applyColorMap(ramp, cv2.COLORMAP_JET)[:, :, ::-1]
    for index in range(5):
        sheet.stamp(f"{1 - index / 4:.2f}", 8, w + 30, 10 + index * (h - 30) // 4)
    others.append((w + 10, 0, w + 64, h))
    return sheet.image


def _add_strip(image: Picture, others: list[PixelBox], plan: Plan) -> Picture:
    """The figure with two lines of its caption below."""
    h, w = image.shape[:2]
    sheet = _Sheet(h + 46, w, plan)
    sheet.image[:h] = image
    sheet.stamp("Figure 2. Axial CT on admission (A) and nine days later (B)", 12, 6, h + 6)
    sheet.stamp("shows opacities in both lower lobes.", 12, 6, h + 26)
    others.append((0, h + 4, w, h + 46))
    return sheet.image


def _nest(
    rng: np.random.Generator, tiles: list[list[Picture]], plan: Plan
) -> tuple[Picture, list[Truth], list[PixelBox]]:
    """One large panel, and the rest in a column left or right of it, all of one width."""
    first, *rest = [tile for row in tiles for tile in row]
    h, w = first.shape[:2]
    tall = len(rest) * h + (len(rest) - 1) * plan.gutter
    wide = round(tall * rng.uniform(0.95, 1.4))
    big = np.asarray(cv2.resize(first, (wide, tall), interpolation=cv2.INTER_LINEAR), np.uint8)
    sheet = _Sheet(tall, wide + plan.gutter + w, plan)
    leads = bool(rng.random() < 0.6)
    at, column = (0, wide + plan.gutter) if leads else (w + plan.gutter, 0)
    boxes = [(column, i * (h + plan.gutter), column + w, i * (h + plan.gutter) + h) for i in range(len(rest))]
    placed = [((at, 0, at + wide, tall), big), *zip(boxes, rest, strict=True)]
    for (x0, y0, x1, y1), tile in placed:
        sheet.image[y0:y1, x0:x1] = cv2.resize(tile, (x1 - x0, y1 - y0))
    ordered = [box for box, _ in placed] if leads else [boxes[0], placed[0][0], *boxes[1:]]
    for index, box in enumerate(ordered):
        letter = chr(ord(plan.first_letter) + index) if plan.letters else ""
        sheet.letter(letter, box, 20)
        sheet.panels.append(Truth(letter, box))
    return sheet.image, sheet.panels, sheet.others


def _stack(
    rng: np.random.Generator, tiles: list[list[Picture]], plan: Plan
) -> tuple[Picture, list[Truth], list[PixelBox]]:
    """Blocks of slices that touch, below one another, each under a letter that holds for all of it."""
    h, w = tiles[0][0].shape[:2]
    rows, columns = len(tiles) // plan.blocks, len(tiles[0])
    band = max(26, round(h * 0.16))
    sheet = _Sheet(plan.blocks * (rows * h + band) + plan.margin, columns * w + 2 * plan.margin, plan)
    for number, row in enumerate(tiles):
        letter = chr(ord(plan.first_letter) + number // rows)
        y = number * h + (number // rows + 1) * band
        for column, tile in enumerate(row):
            box = (plan.margin + column * w, y, plan.margin + column * w + w, y + h)
            sheet.image[y : y + h, box[0] : box[2]] = tile
            sheet.panels.append(Truth(letter, box))
        if number % rows == 0:
            sheet.stamp(letter, round(band * 0.6), plan.margin + 2, y - band + 4)
    return sheet.image, sheet.panels, sheet.others


def _flow(
    rng: np.random.Generator, tiles: list[list[Picture]], plan: Plan
) -> tuple[Picture, list[Truth], list[PixelBox]]:
    """Rows of slice, arrow, drawn field, arrow, slice: the last of each row is what comes out, a map mostly."""
    h, w = tiles[0][0].shape[:2]
    gap, wide = round(w * 0.35), round(w * rng.uniform(0.7, 1.6))
    across = max(len(row) for row in tiles) * (w + gap) + wide + gap + 2 * plan.margin
    sheet = _Sheet(len(tiles) * (h + plan.gutter + 24) + 2 * plan.margin, across, plan)
    for number, row in enumerate(tiles):
        x, y = plan.margin, plan.margin + number * (h + plan.gutter + 24)
        for column, tile in enumerate(row):
            box = (x, y, x + w, y + h)
            sheet.image[y : y + h, x : x + w] = tile
            sheet.panels.append(Truth("", box))
            sheet.stamp(("Input", "CT", "Slice")[int(rng.integers(3))], 10, x + 4, y + h + 4)
            x += w
            if column + 1 < len(row):
                x = _field(rng, sheet, (x, y), (h, wide, gap)) if column == len(row) - 2 else x + gap
    return sheet.image, sheet.panels, sheet.others


def _field(rng: np.random.Generator, sheet: _Sheet, corner: tuple[int, int], size: tuple[int, int, int]) -> int:
    """An arrow, a drawn field and another arrow; where they end, x in pixels."""
    (x, y), (h, wide, gap) = corner, size
    middle, tall = y + h // 2, round(h * rng.uniform(0.4, 0.9))
    for start in (x, x + gap + wide):
        cv2.arrowedLine(
            sheet.image, (start + 5, middle), (start + gap - 5, middle), BLACK, 2, cv2.LINE_AA, tipLength=0.3
        )
    field = (x + gap, middle - tall // 2, x + gap + wide, middle - tall // 2 + tall)
    sheet.image[field[1] : field[3], field[0] : field[2]] = box_of_words(rng, wide, tall)
    sheet.others += [(x + 5, middle - 6, x + gap - 5, middle + 6), field]
    return x + 2 * gap + wide


def _place(
    rng: np.random.Generator, tiles: list[list[Picture]], plan: Plan
) -> tuple[Picture, list[Truth], list[PixelBox]]:
    """Draw tiles, letters and headers on paper of the plan's colour: the picture, true panels, other boxes."""
    band = round(min(t.shape[0] for row in tiles for t in row) * 0.09) + 8
    above = band if plan.letters == "outside" else 0
    below = band if plan.letters == "below" else 0
    top, aside = (band, band * 3) if plan.headers else (0, 0)
    wide = max(sum(t.shape[1] for t in row) + plan.gutter * (len(row) - 1) for row in tiles)
    heights = [max(t.shape[0] for t in row) for row in tiles]
    tall = sum(heights) + (above + below) * len(tiles) + plan.gutter * (len(tiles) - 1)
    sheet = _Sheet(tall + top + 2 * plan.margin, wide + aside + 2 * plan.margin, plan)
    y, total = plan.margin + top, sum(len(row) for row in tiles)
    for number, (row, height) in enumerate(zip(tiles, heights, strict=True)):
        y += above
        if plan.headers:
            sheet.stamp(f"Day {number + 1}", round(band * 0.4), plan.margin, y + height // 2)
        _place_row(rng, sheet, row, (plan.margin + aside, y), band, total - plan.charts)
        y += height + below + plan.gutter
    return sheet.image, sheet.panels, sheet.others


def _place_row(
    rng: np.random.Generator, sheet: _Sheet, row: list[Picture], corner: tuple[int, int], band: int, last: int
) -> None:
    (x, y), plan = corner, sheet.plan
    for column, tile in enumerate(row):
        h, w = tile.shape[:2]
        box, index = (x, y, x + w, y + h), len(sheet.panels)
        sheet.image[y : y + h, x : x + w] = tile
        x += w + plan.gutter
        if index >= last:
            sheet.others.append(box)
            continue
        letter = chr(ord(plan.first_letter) + index) if plan.letters else ""
        if plan.headers and y < band * 2 + plan.margin:
            sheet.stamp(f"Level {column + 1}", round(band * 0.45), box[0] + w // 4, y - band + 2)
        if plan.inset and (not index or rng.random() < 0.3):
            _inset(rng, sheet.image, tile, box)
        if plan.frame:
            ink = WHITE if sum(plan.colour) < 380 else BLACK
            cv2.rectangle(sheet.image, (box[0], box[1]), (box[2] - 1, box[3] - 1), ink, plan.frame)
        sheet.letter(letter, box, band)
        sheet.panels.append(Truth(letter, box))


def _inset(rng: np.random.Generator, image: Picture, tile: Picture, box: PixelBox) -> None:
    """A magnified part of the slice in one of its own corners, framed: it belongs to its panel."""
    h, w = tile.shape[:2]
    share = rng.uniform(0.25, 0.45)
    side_h, side_w = round(h * share), round(w * share)
    y, x = int(rng.integers(0, h - side_h // 2)), int(rng.integers(0, w - side_w // 2))
    part = np.asarray(cv2.resize(tile[y : y + side_h // 2, x : x + side_w // 2], (side_w, side_h)))
    ink = ((255, 255, 255), (255, 255, 0), (255, 0, 0), (0, 0, 0))[int(rng.integers(4))]
    thick = int(rng.integers(1, 4))
    for end in range(thick):
        part[end], part[-1 - end], part[:, end], part[:, -1 - end] = ink, ink, ink, ink
    left, top = bool(rng.random() < 0.4), bool(rng.random() < 0.3)
    x0 = box[0] if left else box[2] - side_w
    y0 = box[1] if top else box[3] - side_h
    image[y0 : y0 + side_h, x0 : x0 + side_w] = part
    if rng.random() < 0.4:
        source = (box[0] + x, box[1] + y), (box[0] + x + side_w // 2, box[1] + y + side_h // 2)
        cv2.rectangle(image, *source, ink, 1)


def _wear(rng: np.random.Generator, image: Picture) -> tuple[Picture, float]:
    """What happens to a figure on its way into a journal: scaling and JPEG, sometimes. Returns the scale too."""
    scale = 1.0
    if rng.random() < 0.4:
        scale = float(rng.uniform(0.6, 1.3))
        h, w = image.shape[:2]
        image = np.asarray(
            cv2.resize(
                image,
                (round(w * scale), round(h * scale)),
                interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
            )
        )
    if rng.random() < 0.6:
        quality = int(rng.integers(45, 96))
        _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[:, :, ::-1].copy()
    return image, scale


def _grid(rng: np.random.Generator, most: int = 3) -> tuple[int, ...]:
    while True:
        rows, columns = int(rng.integers(1, most + 1)), int(rng.integers(1, most + 1))
        if rows * columns > 1:
            return (columns,) * rows


def _uneven(rng: np.random.Generator) -> tuple[int, ...]:
    return ((2, 3), (3, 2), (1, 2), (2, 1), (3, 4), (2, 3, 2))[int(rng.integers(6))]


def _any_colour(rng: np.random.Generator) -> tuple[int, int, int]:
    return COLOURS[int(rng.integers(len(COLOURS)))]


def _plain(rng: np.random.Generator) -> tuple[int, int, int]:
    return WHITE if rng.random() < 0.6 else BLACK


def _corner(rng: np.random.Generator) -> tuple[int, int]:
    return ((0, 0), (0, 0), (1, 0), (0, 1))[int(rng.integers(4))]


def _thin(rng: np.random.Generator) -> int:
    return int(rng.integers(0, 10))


def _wide(rng: np.random.Generator) -> int:
    return int(rng.integers(3, 22))


LAYOUTS: dict[str, Callable[[np.random.Generator], Plan]] = {
    "white-hairline": lambda r: Plan(_grid(r), 1, same_size=bool(r.random() < 0.5)),
    "white-gutter": lambda r: Plan(_grid(r), _wide(r), margin=int(r.integers(0, 12)), same_size=bool(r.random() < 0.6)),
    "black-gutter": lambda r: Plan(_grid(r), int(r.integers(2, 16)), BLACK, margin=int(r.integers(0, 8))),
    "coloured-gutter": lambda r: Plan(_grid(r), _wide(r), _any_colour(r), margin=int(r.integers(0, 12))),
    "abutting": lambda r: Plan(_grid(r), 0, same_size=bool(r.random() < 0.6)),
    "white-on-white": lambda r: Plan(_grid(r, 2), int(r.integers(16, 40)), margin=int(r.integers(0, 12)), whiten=True),
    "grid-headers": lambda r: Plan((5,) * 3 if r.random() < 0.5 else (3,) * 5, int(r.integers(2, 10)), headers=True),
    "uneven-rows": lambda r: Plan(_uneven(r), int(r.integers(1, 12)), same_size=False),
    "uneven-abutting": lambda r: Plan(_uneven(r), 0, same_size=False),
    "inset": lambda r: Plan(_grid(r, 2), int(r.integers(2, 12)), inset=True),
    "letters-inside": lambda r: Plan(_grid(r), int(r.integers(0, 10)), letters="inside", corner=_corner(r)),
    "letters-outside": lambda r: Plan(_grid(r), _wide(r), margin=4, letters="outside"),
    "letters-below": lambda r: Plan(_grid(r), _wide(r), margin=4, letters="below", first_letter="a"),
    "chart-beside": lambda r: Plan(_grid(r, 2), int(r.integers(6, 22)), margin=6, charts=1),
    "charts-beside": lambda r: Plan((2, 2) if r.random() < 0.5 else (3,), int(r.integers(6, 22)), margin=6, charts=2),
    "nested": lambda r: Plan((1,) * int(r.integers(3, 5)), _thin(r), _plain(r), nested=True),
    "framed": lambda r: Plan(_grid(r), int(r.integers(0, 10)), margin=4, frame=int(r.integers(1, 3))),
    "heat-maps": lambda r: Plan(_grid(r), _thin(r), heat=0.6, bar=bool(r.random() < 0.5)),
    "caption-strip": lambda r: Plan(_grid(r), _thin(r), letters="inside" if r.random() < 0.5 else "", strip=True),
    "black-page": lambda r: Plan(_grid(r), _thin(r), BLACK, letters="outside", headers=bool(r.random() < 0.5)),
    "drawn-lines": lambda r: Plan(_grid(r), _wide(r), _plain(r), margin=int(r.integers(0, 8)), drawn=0.7),
    "lungs-on-black": lambda r: Plan(_grid(r, 2), int(r.integers(0, 24)), _plain(r), cut_out=0),
    "maps": lambda r: Plan(_grid(r), _wide(r), _plain(r), margin=4, maps=0.65, headers=bool(r.random() < 0.3)),
    "pale-abutting": lambda r: Plan(_grid(r), int(r.integers(0, 2)), pale=True),
    "blocks": lambda r: Plan((2, 2) * (k := int(r.integers(2, 4))), margin=8, blocks=k, letters="outside"),
    "flow": lambda r: Plan(
        (int(r.integers(2, 4)),) * int(r.integers(1, 4)), int(r.integers(8, 30)), margin=10, maps=0.4, flow=True
    ),
    "single-drawn": lambda r: Plan((1,), 0, _plain(r), margin=int(r.integers(0, 9)) * int(r.integers(2)), drawn=1.0),
    "single-lungs": lambda r: Plan((1,), 0, BLACK, cut_out=0),
    "single-map": lambda r: Plan((1,), 0, maps=1.0),
    "single": lambda r: Plan((1,), 0, letters="inside" if r.random() < 0.3 else ""),
    "single-margin": lambda r: Plan((1,), 0, WHITE if r.random() < 0.5 else BLACK, margin=int(r.integers(4, 20))),
}
