"""A made-up corpus for the review page: drawn slices in compound figures, captions nobody wrote, rules' words."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from covidct.imaging.phantoms import phantom
from covidct.records import Decision, Figure, Panel, Paper, PaperStatus
from covidct.workspace.workspace import Pair, Workspace

SIDE = 232
GAP = 10
TITLES = (
    "Chest CT in the first weeks of an outbreak: twelve drawn cases",
    "Ground-glass opacities and their course, on slices that a program drew",
    "Pneumonia of other causes: a control series without patients",
    "When the swab is negative and the scan is not",
    "Follow-up scans of invented convalescents",
)
LETTERS = "ABCDEF"
SENTENCES = {
    "positive": "axial CT of a {age}-year-old {sex} with RT-PCR confirmed COVID-19 shows ground-glass opacities",
    "negative": "axial CT of a {age}-year-old {sex} with bacterial pneumonia, RT-PCR negative for SARS-CoV-2",
    "unclear": "axial CT of a {age}-year-old {sex} with suspected viral pneumonia, test result pending",
}
QUOTES = {
    "positive": ("RT-PCR confirmed COVID-19", "confirmed-disease"),
    "negative": ("RT-PCR negative for SARS-CoV-2", "negated-test"),
    "unclear": ("suspected viral pneumonia", "uncertain"),
}
LICENCES = ("cc-by-4.0", "cc-by-nc-nd-4.0", "cc0-1.0", "", "cc-by-nc-4.0")
ECHO = 4
"""The paper that shows a picture of the first paper again."""
XSS = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> & \"quotes\" 'both'"


def build(folder: Path, papers: int = 5, xss: bool = False) -> Workspace:
    """A workspace with ``papers`` papers of two figures with four panels each, as if rules had been over it."""
    workspace = Workspace.create(folder)
    rng = np.random.default_rng(20200325)
    for number in range(papers):
        _add_paper(workspace, rng, number, xss and number == 0)
    _add_pairs(workspace)
    return workspace


def _add_paper(workspace: Workspace, rng: np.random.Generator, number: int, xss: bool) -> None:
    paper_id = f"medrxiv_10.1101_2020.03.{number + 1:02d}.2003{number:04d}v1"
    workspace.save_papers(
        [
            Paper(
                paper_id,
                "medrxiv" if number % 3 else "pmc",
                doi=f"10.1101/2020.03.{number + 1:02d}.2003{number:04d}",
                title=XSS if xss else TITLES[number % len(TITLES)],
                abstract="Drawn slices stand in for patients; every word here was made up for the tests.",
                date=f"2020-03-{number + 1:02d}",
                server="medRxiv",
                licence=LICENCES[number % len(LICENCES)],
                url=f"https://preprints.example.org/{number}",
                status=PaperStatus.EXTRACTED,
                source_file=f"paper{number}.pdf",
            )
        ]
    )
    labels = [[_label(number, figure, panel) for panel in range(4)] for figure in range(2)]
    pictures = [_compound(rng, row) for row in labels]
    if number == ECHO:
        _echo(workspace, pictures[0])
    figures = [_figure(workspace, paper_id, n, pictures[n], labels[n], xss) for n in range(2)]
    workspace.replace_figures(paper_id, figures)
    for n, figure in enumerate(figures):
        _add_panels(workspace, figure, pictures[n], labels[n])


def _echo(workspace: Workspace, sheet: Image.Image) -> None:
    """The first panel of all comes back, cropped and brighter, as the first panel of this figure."""
    first = Image.open(workspace.path(workspace.panels()[0].file)).convert("RGB")
    cropped = first.crop((14, 14, SIDE - 14, SIDE - 14)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    sheet.paste(cropped.point(lambda value: min(255, round(value * 1.15))), _corner(0))


def _label(paper: int, figure: int, panel: int) -> str:
    return ("positive", "positive", "negative", "unclear", "negative")[(paper * 3 + figure * 2 + panel) % 5]


def _compound(rng: np.random.Generator, labels: Sequence[str]) -> Image.Image:
    sheet = Image.new("RGB", (2 * SIDE + 3 * GAP, 2 * SIDE + 3 * GAP), "white")
    for index, label in enumerate(labels):
        slice_ = phantom(rng, size=SIDE, lesion=label == "positive")
        x0, y0 = _corner(index)
        sheet.paste(Image.fromarray(slice_), (x0, y0))
        draw = ImageDraw.Draw(sheet)
        draw.text((x0 + 8, y0 + 4), LETTERS[index], fill="white", font_size=22)
        if label == "positive":
            x, y = x0 + 60 + 10 * index, y0 + 130
            draw.line((x - 26, y + 18, x, y), fill="yellow", width=3)
            draw.polygon([(x, y), (x - 11, y + 1), (x - 5, y + 10)], fill="yellow")
    return sheet


def _corner(index: int) -> tuple[int, int]:
    return GAP + (index % 2) * (SIDE + GAP), GAP + (index // 2) * (SIDE + GAP)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def sentence(label: str, number: int) -> str:
    """One panel's made-up sub-caption."""
    return SENTENCES[label].format(age=34 + 7 * (number % 6), sex=("man", "woman")[number % 2])


def _figure(
    workspace: Workspace, paper_id: str, number: int, picture: Image.Image, labels: Sequence[str], xss: bool
) -> Figure:
    stored = workspace.store(_png(picture), ".png")
    parts = "; ".join(f"({LETTERS[i]}) {sentence(label, i)}" for i, label in enumerate(labels))
    caption = f"Figure {number + 1}. Drawn CT slices of four cases. {parts}." + (f" {XSS}" if xss else "")
    return Figure(
        f"{paper_id}_p{number + 4}_f{number + 1}",
        paper_id,
        source_file="paper.pdf",
        label=f"Figure {number + 1}",
        page=number + 4,
        box=(72.0, 90.0, 400.0, 418.0),
        caption=caption,
        caption_page=number + 4,
        mentions=(
            f"The scans of all four cases are shown in Figure {number + 1}, with arrows at the opacities.",
            f"As Figure {number + 1} shows, the two lungs were not affected alike." + (f" {XSS}" if xss else ""),
        ),
        kind="raster",
        file=stored.file,
        width=picture.width,
        height=picture.height,
        sha256=stored.sha256,
    )


def _add_panels(workspace: Workspace, figure: Figure, picture: Image.Image, labels: Sequence[str]) -> None:
    panels = []
    for index, label in enumerate(labels):
        x0, y0 = _corner(index)
        crop = _plain(picture.crop((x0, y0, x0 + SIDE, y0 + SIDE)))
        stored = workspace.store(_png(crop), ".png")
        panels.append(
            Panel(
                f"{figure.figure_id}-{LETTERS[index]}",
                figure.figure_id,
                LETTERS[index],
                (x0, y0, x0 + SIDE, y0 + SIDE),
                sub_caption=sentence(label, index),
                score=0.9 - 0.1 * index,
                file=stored.file,
                width=SIDE,
                height=SIDE,
                sha256=stored.sha256,
            )
        )
    workspace.replace_panels(figure.figure_id, panels)
    for index, (panel, label) in enumerate(zip(panels, labels, strict=True)):
        workspace.decide(_rules_words(workspace, panel, label, index))


def _rules_words(workspace: Workspace, panel: Panel, label: str, index: int) -> list[Decision]:
    quote, rule = QUOTES[label]
    start = panel.sub_caption.index(quote)
    span = {"source": "sub_caption", "start": start, "end": start + len(quote), "text": quote, "rule": rule}
    score = {"positive": 0.97, "negative": 0.88, "unclear": 0.41}[label] - 0.02 * index
    mask = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(mask).rectangle((4, 4, 30, 30), fill=255)
    stored = workspace.store(_png(mask), ".png")
    marks = {
        "mask": stored.file,
        "masked": panel.file,
        "boxes": [{"kind": "text", "box": [4, 4, 31, 31]}],
        "identifying": "yes" if label == "unclear" and index % 2 else "no",
        "texts": 1,
    }
    by = "panel"
    name = panel.panel_id
    patient = f"{panel.figure_id.rsplit('_', 2)[0]}-p{index + 1}"
    return [
        Decision(by, name, "kind", "ct_axial_lung", "rule:triage@1", "lung region and grey values of a slice", 0.98),
        Decision(by, name, "label", label, f"rule:{rule}@1", f"the sub-caption says: {quote}", score, span),
        Decision(by, name, "mask", marks, "rule:marks@1", "one panel letter found", 0.9),
        Decision(by, name, "patient", patient, "rule:cues@1", "age and sex"),
    ]


def _add_pairs(workspace: Workspace) -> None:
    ids = sorted(panel.panel_id for panel in workspace.panels())
    pairs = [Pair(ids[1], ids[2], 0.907, "alike")]
    if len(ids) > 8 * ECHO:
        pairs.append(Pair(ids[0], ids[8 * ECHO], 0.972, "cropped, brighter"))
    workspace.save_pairs(pairs)


def _plain(crop: Image.Image) -> Image.Image:
    """Grey where no pixel has a colour, as the split step stores panels."""
    red, green, blue = crop.split()
    return red if red.tobytes() == green.tobytes() == blue.tobytes() else crop
