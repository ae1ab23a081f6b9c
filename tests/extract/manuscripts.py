"""Made manuscripts in many habits, one a seed, with the captions that they hold: ``make(seed, path)``.

Run as a program it scores the extractor on seeds: ``python tests/extract/manuscripts.py FIRST LAST``.
"""

import random
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pymupdf
from makepdf import noise, png

WORDS = [
    "beetles",
    "lamps",
    "cages",
    "nights",
    "paths",
    "turns",
    "length",
    "dark",
    "light",
    "mean",
    "count",
    "keeper",
    "door",
    "trial",
    "hour",
    "weather",
    "temperature",
    "food",
    "sand",
    "larva",
    "wing",
    "antenna",
    "speed",
    "angle",
    "group",
    "median",
    "range",
    "signal",
    "marker",
    "tissue",
    "sample",
    "protein",
    "control",
    "treated",
    "measured",
    "shown",
    "recorded",
    "compared",
    "opened",
    "closed",
    "marked",
    "counted",
    "observed",
    "kept",
    "placed",
    "moved",
    "fed",
    "reared",
    "weighed",
]
SMALL = [
    "of",
    "in",
    "with",
    "by",
    "from",
    "at",
    "on",
    "under",
    "between",
    "after",
    "before",
    "during",
    "for",
    "and",
    "or",
    "to",
    "as",
    "than",
]
STARTS = ["The", "A", "All", "Each", "Some", "Few", "Most", "Ten", "Both", "Here", "Only", "These", "Those", "No"]
NOTICE = (
    "medRxiv preprint doi: https://doi.org/10.99999/2020.01.02.20012345; this version posted January 3, 2020. The "
    "copyright holder for this preprint",
    "(which was not certified by peer review) is the author/funder, who has granted medRxiv a license to display it.",
    "It is made available under a CC-BY 4.0 International license .",
)


@dataclass(frozen=True)
class Habits:
    """How one manuscript is set."""

    face: str
    size: float
    spacing: float
    numbers: str
    notice: bool
    arrangement: str
    title: str
    label: str
    mark: str
    label_bold: bool
    caption_size: float
    caption_face: str
    caption_spacing: float
    parts: str
    indent: float
    blank: float
    columns: int
    picture: str


def habits(rng: random.Random) -> Habits:
    """One manner of setting a manuscript."""
    size = rng.choice([10.0, 11.0, 12.0, 12.0])
    spacing = rng.choice([1.15, 1.15, 1.5, 2.0, 2.0, 2.0])
    face = rng.choice(["ti", "ti", "ti", "he"])
    columns = rng.choice([1, 1, 1, 2]) if spacing < 1.3 else 1
    arrangement = rng.choice(
        ["inline", "inline", "above", "end-under", "end-under", "end-over", "list", "list-tagged", "facing"]
    )
    parted = columns == 2
    arrangement = rng.choice(["inline", "above"]) if parted else arrangement
    return Habits(
        face, 9.5 if parted else size, spacing,
        rng.choice(["", "", "all", "all", "page"]) if not parted else "",
        rng.random() < 0.5, arrangement,
        rng.choice(["none", "bold", "bold", "bold-line", "bold-paragraph", "label-line"]),
        rng.choice(["Figure {}", "Figure {}", "Fig. {}", "Fig {}", "FIGURE {}", "Figure{}"]),
        rng.choice([".", ".", ":", " |", " -"]), rng.random() < 0.6,
        rng.choice([0.0, 0.0, 0.0, -1.0, -2.0]), rng.choice(["same", "same", "same", "other"]),
        rng.choice([0.0, 0.0, 0.0, 1.0]),
        rng.choice(["none", "inline", "inline", "paragraphs"]),
        rng.choice([0.0, 0.0, 24.0]), rng.choice([0.0, 0.0, 0.5]), columns,
        rng.choice(["raster", "raster", "chart", "two"]),
    )  # fmt: skip


def sentence(rng: random.Random, low: int = 6, high: int = 22) -> str:
    """Made-up words, sometimes with numbers, abbreviations and a parenthesis."""
    words = [rng.choice(STARTS)]
    for _ in range(rng.randint(low, high)):
        words.append(rng.choice(SMALL if rng.random() < 0.3 else WORDS))
        if rng.random() < 0.06:
            words.append(
                rng.choice([f"(n = {rng.randint(3, 90)})", f"{rng.random():.2f},", "(see Methods)", "vs.", "P < 0.05,"])
            )
    return " ".join(words).rstrip(",") + "."


@dataclass
class Setter:
    """Sets words line by line; opens pages with notice and line numbers as the habits want."""

    rng: random.Random
    style: Habits
    document: pymupdf.Document = field(default_factory=pymupdf.open)
    count: int = 0
    y: float = 0.0
    column: int = 0

    def __post_init__(self) -> None:
        self.wide, self.high = self.rng.choice([(612.0, 792.0), (595.0, 842.0)])
        self.top, self.foot = 72.0, self.high - 72.0
        self.new_page()

    @property
    def left(self) -> float:
        """Where the column begins."""
        return 72.0 + self.column * (self.width + 18)

    @property
    def width(self) -> float:
        """Of the column."""
        return (self.wide - 144 - 18 * (self.style.columns - 1)) / self.style.columns

    def new_page(self) -> None:
        """The next page, from its head."""
        self.page = self.document.new_page(width=self.wide, height=self.high)
        self.y, self.column = self.top, 0
        if self.style.numbers == "page":
            self.count = 0
        if self.style.notice:
            for n, line in enumerate(NOTICE):
                self.page.insert_text((60, 14 + 9 * n), line, fontsize=7, fontname="helv")
        self.page.insert_text((self.wide / 2, self.high - 30), str(self.page.number + 1), fontsize=10, fontname="tiro")

    def next_column(self) -> None:
        """The next column, or the next page."""
        if self.column + 1 < self.style.columns:
            self.column, self.y = self.column + 1, self.top
        else:
            self.new_page()

    def font(self, face: str, bold: bool) -> str:
        return {"ti": ("tiro", "tibo"), "he": ("helv", "hebo")}[face][bold]

    def prose(self, runs: list[tuple[str, bool]], face: str, size: float, spacing: float, indent: float = 0.0) -> None:
        """``runs`` of (text, bold) as one paragraph."""
        words = [(word, bold) for text, bold in runs for word in text.split()]
        line: list[tuple[str, bool]] = []
        x = indent
        for word, bold in words:
            length = pymupdf.get_text_length(word + " ", self.font(face, bold), size)
            if x + length > self.width and line:
                self._line(line, face, size, spacing, indent)
                line, x, indent = [], 0.0, 0.0
            line.append((word, bold))
            x += length
        self._line(line, face, size, spacing, indent)

    def _line(self, line: list[tuple[str, bool]], face: str, size: float, spacing: float, indent: float) -> None:
        pitch = 1.15 * size * max(spacing, 1.0)
        if self.y + pitch > self.foot:
            self.next_column()
        self.y += pitch
        x = self.left + indent
        runs: list[tuple[str, bool]] = []
        for word, bold in line:
            if runs and runs[-1][1] == bold:
                runs[-1] = (f"{runs[-1][0]} {word}", bold)
            else:
                runs.append((word, bold))
        for text, bold in runs:
            self.page.insert_text((x, self.y), text, fontsize=size, fontname=self.font(face, bold))
            x += pymupdf.get_text_length(text + " ", self.font(face, bold), size)
        if self.style.numbers:
            self.count += 1
            self.page.insert_text((44, self.y), str(self.count), fontsize=9, fontname="helv")

    def paragraph(self, sentences: int) -> None:
        """Running text."""
        words = [sentence(self.rng) for _ in range(sentences)]
        if self.rng.random() < 0.3:
            words.insert(1, f"Figure {self.rng.randint(1, 3)} shows that {sentence(self.rng).lower()}")
        style = self.style
        self.prose([(" ".join(words), False)], style.face, style.size, style.spacing, style.indent)
        self.y += style.blank * style.size

    def heading(self, text: str) -> None:
        """A bold line."""
        self.y += 0.6 * self.style.size
        self.prose([(text, True)], self.style.face, self.style.size, self.style.spacing)

    def room(self, points: float) -> None:
        """A new column where less is left."""
        if self.y + points > self.foot:
            self.next_column()

    def picture(self, high: float) -> None:
        """A picture or a chart, ``high`` points."""
        x0, y0, wide = self.left + 10, self.y + 10, self.width - 20
        if self.style.picture == "chart":
            for n in range(14):
                self.page.draw_rect(
                    (
                        x0 + 30 + n * wide / 16,
                        y0 + high * self.rng.random() * 0.7,
                        x0 + 38 + n * wide / 16,
                        y0 + high - 20,
                    ),
                    fill=(0.3, 0.4, 0.7),
                )
                self.page.insert_text((x0 + 30 + n * wide / 16, y0 + high - 8), str(n), fontsize=7, fontname="helv")
            self.page.draw_line((x0 + 20, y0), (x0 + 20, y0 + high - 20))
            self.page.draw_line((x0 + 20, y0 + high - 20), (x0 + wide, y0 + high - 20))
        else:
            many = 2 if self.style.picture == "two" else 1
            for n in range(many):
                box = (x0 + n * wide / many + 3 * n, y0, x0 + (n + 1) * wide / many, y0 + high)
                self.page.insert_image(box, stream=png(noise(90, 70, self.rng.randint(1, 999))), keep_proportion=False)
        self.y += high + 20


@dataclass(frozen=True)
class Words:
    """A caption: its paragraphs as runs of (text, bold), and what should be read of it."""

    label: str
    paragraphs: list[list[tuple[str, bool]]]

    @property
    def text(self) -> str:
        """All words behind the label."""
        whole = " ".join(text for paragraph in self.paragraphs for text, _ in paragraph)
        return whole.removeprefix(self.label)


def caption(rng: random.Random, style: Habits, number: int) -> Words:
    """The words of one caption."""
    label = style.label.format(number) + style.mark
    title, legend = sentence(rng, 4, 14), [sentence(rng) for _ in range(rng.randint(0, 6))]
    panels = [f"({letter}) {sentence(rng)}" for letter in "ABCD"[: rng.randint(2, 4)]] if style.parts != "none" else []
    body = " ".join(legend + (panels if style.parts == "inline" else []))
    bold = style.title.startswith("bold")
    if style.title == "label-line":
        first = [[(style.label.format(number), True)], [(f"{title} {body}".strip(), False)]]
        label = style.label.format(number)
    elif style.title in ("bold-line", "bold-paragraph") and body:
        first = [[(label, True), (title, True)], [(body, False)]]
    else:
        first = [[(label, bold or style.label_bold), (title, bold), (body, False)]]
    if style.parts == "paragraphs":
        first += [[(panel, False)] for panel in panels]
    return Words(label, [[run for run in paragraph if run[0]] for paragraph in first])


def write_caption(setter: Setter, words: Words) -> None:
    """Set ``words`` where the setter stands."""
    style = setter.style
    face = style.face if style.caption_face == "same" else ("he" if style.face == "ti" else "ti")
    size = style.size + style.caption_size
    for n, paragraph in enumerate(words.paragraphs):
        if n and style.title == "bold-paragraph":
            setter.y += 0.5 * size
        setter.prose(paragraph, face, size, style.caption_spacing or style.spacing)


def make(seed: int, path: Path) -> list[tuple[str, str]]:
    """Write manuscript ``seed``; the labels and captions it holds."""
    rng = random.Random(seed)
    style = habits(rng)
    setter = Setter(rng, style)
    captions = [caption(rng, style, n + 1) for n in range(rng.randint(2, 4))]
    setter.heading("Beetles and their lamps in cages of sand")
    for _ in range(rng.randint(2, 5)):
        setter.paragraph(rng.randint(3, 8))
    {
        "inline": _inline,
        "above": _inline,
        "end-under": _at_end,
        "end-over": _at_end,
        "list": _listed,
        "list-tagged": _listed,
        "facing": _facing,
    }[style.arrangement](setter, captions)
    setter.document.set_metadata({})
    path.write_bytes(setter.document.tobytes(garbage=3, deflate=True))
    return [(words.label, words.text) for words in captions]


def _estimate(setter: Setter, words: Words) -> float:
    style = setter.style
    letters = sum(len(text) for paragraph in words.paragraphs for text, _ in paragraph)
    lines = letters * style.size * 0.5 / setter.width + 2 * len(words.paragraphs) + 1
    return lines * 1.2 * style.size * max(style.caption_spacing or style.spacing, 1.0)


def _inline(setter: Setter, captions: list[Words]) -> None:
    for words in captions:
        high = setter.rng.randint(120, 200)
        setter.room(high + _estimate(setter, words) + 30)
        if setter.style.arrangement == "above":
            setter.y += 1.2 * setter.style.size
            write_caption(setter, words)
            setter.picture(high)
        else:
            setter.picture(high)
            write_caption(setter, words)
            setter.y += 1.2 * setter.style.size * setter.style.spacing
        for _ in range(setter.rng.randint(1, 3)):
            setter.paragraph(setter.rng.randint(3, 7))


def _references(setter: Setter) -> None:
    setter.heading("References")
    for n in range(setter.rng.randint(3, 9)):
        setter.prose(
            [(f"{n + 1}. Keeper A, Lamp B. {sentence(setter.rng, 5, 9)} J Sand 2019;{n + 3}:12-19.", False)],
            setter.style.face,
            setter.style.size,
            setter.style.spacing,
        )


def _at_end(setter: Setter, captions: list[Words]) -> None:
    _references(setter)
    for words in captions:
        setter.new_page()
        high = setter.rng.randint(180, 300)
        if setter.style.arrangement == "end-over":
            write_caption(setter, words)
            setter.room(high + 30)
            setter.picture(high)
        else:
            setter.picture(high)
            write_caption(setter, words)


def _listed(setter: Setter, captions: list[Words]) -> None:
    _references(setter)
    if setter.rng.random() < 0.6:
        setter.new_page()
    setter.heading(setter.rng.choice(["Figure legends", "Figure Captions", "Legends to figures"]))
    for words in captions:
        write_caption(setter, words)
        setter.y += setter.style.blank * setter.style.size
    for words in captions:
        setter.new_page()
        if setter.style.arrangement == "list-tagged":
            tag = words.label.rstrip(" .:|-")
            tag = setter.rng.choice([tag, tag.replace(" ", "") + ".tif", tag])
            setter.page.insert_text((setter.left, setter.y), tag, fontsize=11, fontname="tibo")
        setter.picture(setter.rng.randint(250, 420))


def _facing(setter: Setter, captions: list[Words]) -> None:
    """Each figure on a page, its legend on the next."""
    _references(setter)
    for words in captions:
        setter.new_page()
        setter.picture(setter.rng.randint(300, 420))
        setter.new_page()
        write_caption(setter, words)


def main() -> None:
    """Score seeds FIRST to LAST - 1: labels found and whole captions, every miss on a line."""
    import difflib

    from covidct.captions.figure_labels import label_key
    from covidct.harvest.extract import Extractor, Limits

    def letters(text: str) -> str:
        return "".join(c for c in text.lower() if c.isalnum())

    first, last = (int(value) for value in sys.argv[1:3])
    found = whole = total = 0
    with Extractor(1, Limits(seconds=60)) as extractor, tempfile.TemporaryDirectory() as folder:
        for seed in range(first, last):
            pdf = Path(folder) / f"{seed}.pdf"
            truth = make(seed, pdf)
            known = {label_key(f.label): f for f in extractor.extract(pdf, Path(folder) / str(seed)).figures}
            for label, text in truth:
                total += 1
                figure = known.get(label_key(label))
                found += figure is not None
                a, b = letters(text), letters(figure.caption if figure else "")
                right = figure is not None and difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() >= 0.98
                whole += right
                if not right:
                    style = habits(random.Random(seed))
                    print(seed, label, "missed" if figure is None else f"{len(b)} of {len(a)} letters", style)
    print(f"seeds {first} to {last - 1}: {total} captions, found {found / total:.3f}, whole {whole / total:.3f}")


if __name__ == "__main__":
    main()
