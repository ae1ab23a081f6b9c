"""Titles: of the metadata where the pages print them, else what a first page prints largest and is no notice."""

from collections.abc import Sequence

import pymupdf
import pytest

from covidct.harvest.extract.page import read_page
from covidct.harvest.extract.title import find_title

Row = tuple[float, float, float, str, str]
"""Left, base line, size, font, words."""
TITLE = "Weather of the valley in a year of storms"
COVER = [
    (74, 250, 14, "helv", "Since January 2020 the house has made a resource centre for"),
    (74, 268, 14, "helv", "all storms. The house hereby grants permission to make all"),
    (74, 286, 14, "helv", "its research available as long as the resource centre stands."),
]
AUTHORS = (60, 190, 11, "helv", "Ada Byron1, Grace Murray2, Emmy Noether1 and others of the house")


def title(*pages: Sequence[Row], metadata: str = "") -> str:
    document = pymupdf.open()
    for rows in pages:
        page = document.new_page()
        for left, base, size, font, words in rows:
            page.insert_text((left, base), words, fontsize=size, fontname=font)
    read = [read_page(page.get_displaylist(), number) for number, page in enumerate(document, 1)]
    return find_title(metadata, read)


def test_short_last_line_and_words_in_italics_belong_to_it_and_what_stands_beside_does_not() -> None:
    rows: list[Row] = [
        (60, 100, 18, "hebo", "Weather of the "),
        (205, 100, 18, "hebi", "vallis magna"),
        (420, 103, 7, "helv", "Journal of Storms"),
        (420, 112, 7, "helv", "48(9) 1 to 6"),
        (60, 122, 18, "hebo", "in a year of storms: a case"),
        (60, 144, 18, "hebo", "report"),
        AUTHORS,
    ]
    assert title(rows) == "Weather of the vallis magna in a year of storms: a case report"


def test_kind_of_article_notice_above_and_running_head_are_none() -> None:
    assert title([(60, 100, 18, "heit", "Case Report"), (60, 122, 18, "hebo", TITLE), AUTHORS]) == TITLE
    head = (60, 40, 12, "helv", "Byron et al., Afr J Storms, (2017) 14 (1): 131-137")
    assert title([head, (60, 100, 11, "hebo", TITLE), AUTHORS]) == TITLE
    review = (60, 60, 11, "hebo", "Note: not yet peer reviewed. Version of the eighth")
    assert title([review, (60, 100, 11, "hebo", f"Title: {TITLE}"), AUTHORS]) == TITLE


def test_manuscript_in_one_size_ends_its_title_before_the_authors() -> None:
    rows: list[Row] = [
        (60, 100, 11, "tiro", "Weather of the valley in a year"),
        (60, 122, 11, "tiro", "of storms"),
        (60, 144, 11, "tiro", "Ada Byron1, Grace Murray2, Emmy Noether1,3*"),
        (60, 166, 11, "tiro", "1 House of the keepers of the lighthouse in the valley"),
    ]
    assert title(rows) == TITLE


@pytest.mark.parametrize("formula", ["LiNi0.5Mn1.5O4", "H2O and CO2"])
def test_numbers_in_a_formula_are_no_marks_of_authors(formula: str) -> None:
    assert title([(60, 100, 16, "hebo", f"Storms over {formula} in the valley"), AUTHORS]).startswith("Storms over")


def test_a_cover_sheet_is_turned_over() -> None:
    assert title(COVER, [(60, 100, 17, "hebo", TITLE), AUTHORS]) == TITLE
    assert title(COVER) == ""


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (TITLE, TITLE),
        ("Weather of the valley in a year of&#x2010;storms", "Weather of the valley in a year of‐storms"),
        ("Science Journals — The House of Storms", TITLE),
        ("20200426 - Main - weather_v2_CLEAN", TITLE),
        ("Microsoft Word - weather.docx", TITLE),
    ],
)
def test_metadata_hold_where_the_pages_print_them(metadata: str, expected: str) -> None:
    assert title([(60, 100, 16, "hebo", TITLE), AUTHORS], metadata=metadata) == expected


def test_metadata_of_a_scan_hold_unless_they_name_a_file() -> None:
    assert title([], metadata=TITLE) == TITLE
    assert title([], metadata="scan_0012.pdf") == ""


def test_a_caption_is_no_title() -> None:
    assert title([(60, 400, 12, "hebo", "Figure 1. The valley in a year of storms, seen from the sea")]) == ""
