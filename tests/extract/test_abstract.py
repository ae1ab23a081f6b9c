"""Abstracts from the first pages: under a heading, in parts, over columns and pages; empty where it is not plain."""

from collections.abc import Sequence

import pymupdf
import pytest

from covidct.harvest.extract.abstract import find_abstract
from covidct.harvest.extract.page import read_page
from covidct.harvest.extract.paragraphs import read_flow
from covidct.harvest.extract.starts import body_style

Row = tuple[float, float, float, str, str]
"""Left, base line, size, font, words."""
TOLD = [
    "The wind of the valley has been written down by the keepers of the lighthouse for",
    "more than a hundred years, and nobody has ever asked what it was that they saw in",
    "all the nights in which no wind was blowing and the lamp of the house was burning",
    "without a ship to see it. We read their books and counted the words for weather.",
]
ALL = " ".join(TOLD)


def block(left: float, top: float, words: Sequence[str], size: float = 10, font: str = "tiro") -> list[Row]:
    return [(left, top + 1.25 * size * n, size, font, text) for n, text in enumerate(words)]


BODY = block(60, 560, ["In this valley the wind comes from the sea, and every child knows its name by heart"] * 18, 10)
TITLE: list[Row] = [(60, 80, 18, "hebo", "Weather of the valley"), (60, 110, 11, "helv", "Ada Byron1, Emmy Noether2")]


def abstract(*pages: Sequence[Row]) -> str:
    document = pymupdf.open()
    for rows in pages:
        page = document.new_page(width=595, height=842)
        for left, base, size, font, words in rows:
            page.insert_text((left, base), words, fontsize=size, fontname=font)
    read = [read_page(page.get_displaylist(), number) for number, page in enumerate(document, 1)]
    return find_abstract(read, [read_flow(page) for page in read], body_style(read))


@pytest.mark.parametrize("heading", ["Abstract", "ABSTRACT", "Summary", "A B S T R A C T", "Abstract:"])
@pytest.mark.parametrize(
    "end", ["Keywords: wind; tide", "1. Introduction", "Introduction", "Correspondence: ada@x.org"]
)
def test_what_stands_between_the_heading_and_what_ends_it(heading: str, end: str) -> None:
    rows = [*TITLE, (60, 150, 11, "hebo", heading), *block(60, 170, TOLD), (60, 245, 10, "tibo", end), *BODY]
    assert abstract(rows) == ALL


def test_a_heading_in_the_first_line_needs_a_mark_or_another_look() -> None:
    for head, font in (("Abstract. ", "tiro"), ("Summary: ", "tiro"), ("ABSTRACT ", "tiro")):
        told = [(60, 150, 10, font, head + TOLD[0]), *block(60, 162.5, TOLD[1:])]
        assert abstract([*TITLE, *told, (60, 240, 10, "tiro", "Key words: wind"), *BODY]) == ALL
    plain = block(
        60, 150, ["Summary of the wind that was written down by the keepers of the house for years", *TOLD[1:]]
    )
    assert abstract([*TITLE, *plain, *BODY]) == ""


def test_parts_go_on_once_each_and_the_first_heading_of_the_article_ends_it() -> None:
    parts: list[Row] = [(60, 150, 11, "hebo", "Abstract")]
    for n, name in enumerate(("Background", "Methods", "Conclusions")):
        parts += [(60, 175 + 75 * n, 10, "hebo", name), *block(60, 190 + 75 * n, TOLD[-2:])]
    parts += [(60, 400, 12, "hebo", "Background"), *block(60, 425, TOLD)]
    said = " ".join(f"{name} {' '.join(TOLD[-2:])}" for name in ("Background", "Methods", "Conclusions"))
    assert abstract([*TITLE, *parts, *BODY]) == said


def test_a_structured_one_needs_no_heading_a_single_part_is_none() -> None:
    told = ["Objective: to ask the keepers of the lighthouse what they had seen in the nights.", *TOLD]
    told += ["Results: they had seen nothing. Conclusion: nothing was to be seen in the valley."]
    assert abstract([*TITLE, *block(60, 150, told), *BODY]).startswith("Objective: to ask")
    assert abstract([*TITLE, *block(60, 150, told[:3], 10), *BODY]) == ""


def test_an_open_end_goes_on_in_the_next_column_or_overleaf() -> None:
    narrow = [" ".join(ALL.split()[n : n + 6]) for n in range(0, len(ALL.split()), 6)]
    head: Row = (60, 150, 11, "hebo", "Abstract")
    left, right = narrow[:6], narrow[6:]
    columns = [*TITLE, head, *block(60, 170, left), *block(320, 170, right), (320, 300, 10, "tibo", "Keywords: wind")]
    assert abstract([*columns, *BODY]) == ALL
    foot = [*TITLE, (60, 770, 11, "hebo", "Abstract"), *block(60, 790, TOLD[:2])]
    overleaf = [*block(60, 80, TOLD[2:]), (60, 125, 10, "tibo", "Keywords: wind"), *BODY]
    assert abstract(foot, overleaf) == ALL


def test_without_a_heading_only_a_wide_paragraph_that_looks_otherwise_is_one() -> None:
    other = block(60, 150, TOLD, 9, "helv")
    assert abstract([*TITLE, *other, *BODY]) == ALL
    assert abstract([*TITLE, *block(60, 150, TOLD, 10, "tiro"), *BODY]) == "", "it looks like the running text"
    notice = ["Copyright of the house. " + TOLD[0], *TOLD[1:]]
    assert abstract([*TITLE, *block(60, 150, notice, 9, "helv"), *BODY]) == ""


def test_words_in_italics_stay_in_their_line_and_no_end_is_no_abstract() -> None:
    line = [*block(60, 170, TOLD[:1]), (60, 182.5, 10, "tiro", "and the "), (110, 182.5, 10, "tiit", "vallis magna"),
            (180, 182.5, 10, "tiro", "was seen from the house"), *block(60, 195, TOLD[2:])]  # fmt: skip
    read = abstract([*TITLE, (60, 150, 11, "hebo", "Abstract"), *line, (60, 245, 10, "tibo", "Keywords: wind"), *BODY])
    assert "and the vallis magna was seen from the house" in read
    assert (
        abstract(
            [*TITLE, (60, 150, 11, "hebo", "Abstract"), *block(60, 170, TOLD[:3]), (60, 245, 10, "tibo", "Keywords: w")]
        )
        == ""
    )
    assert abstract([*TITLE, (60, 150, 11, "hebo", "Abstract"), *block(60, 170, ["Too short."]), *BODY]) == ""
