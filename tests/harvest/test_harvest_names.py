"""Ids, licences and queries: values in, values out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covidct.errors import UsageError
from covidct.extras import needed
from covidct.harvest import ids
from covidct.harvest.licences import base, normalised, parse_filter, passes
from covidct.harvest.query import compile_query, plain


def test_ids_say_where_a_thing_comes_from() -> None:
    assert ids.paper_id("medrxiv", "10.1101/2020.02.10.20021584", 1) == "medrxiv_10.1101_2020.02.10.20021584v1"
    assert ids.figure_id("medrxiv_10.1101_2020.02.10.20021584v1", 6, 2).endswith("v1-p6-f2")
    assert ids.figure_id("pmc_PMC1v1", None, 1) == "pmc_PMC1v1-px-f1"
    assert ids.file_id("ab" * 32) == "file_abababababababab"


@given(st.text(alphabet="abAB12._-()/%<>; \u00e9", min_size=1, max_size=200))
def test_ids_are_safe_file_names(name: str) -> None:
    made = ids.paper_id("doi", f"10.1234/{name}", 1)
    assert len(made) < 160 and not set(made) - set("abcdefghijklmnopqrstuvwxyz0123456789._-")


def test_ids_of_different_dois_differ() -> None:
    dois = ["10.1/a/b", "10.1/a_b", "10.1/a-b", "10.1/a(b)", "10.1/a%b", "10.1/a b", "10.1/a;b"]
    assert len({ids.escaped(doi) for doi in dois}) == len(dois)
    assert ids.escaped("10.1/ABC") == ids.escaped("10.1/abc"), "a DOI's case does not count"


@pytest.mark.parametrize(
    ("text", "doi", "version"),
    [
        ("https://doi.org/10.1101/2020.02.10.20021584v2", "10.1101/2020.02.10.20021584", 2),
        ("10.64898/2025.12.01.25340001v1", "10.64898/2025.12.01.25340001", 1),
        ("10.1101/2020.02.10.20021584.", "10.1101/2020.02.10.20021584", None),
        ("10.1016/j.jrid.2020.05.002v3", "10.1016/j.jrid.2020.05.002v3", None),
        ("no doi", "", None),
    ],
)
def test_split_doi(text: str, doi: str, version: int | None) -> None:
    assert ids.split_doi(text) == (doi, version)


def test_source_of() -> None:
    assert ids.source_of("10.1101/2020.02.10.20021584") == "medrxiv"
    assert ids.source_of("10.1101/2020.01.23.916395") == "biorxiv"
    assert ids.source_of("10.1101/153585") == "biorxiv"
    assert ids.source_of("10.1016/j.jrid.2020.05.002") == "doi"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("cc_by_nc_nd", "cc-by-nc-nd"),
        ("cc_no", "none"),
        ("cc0_ng", "cc0"),
        ("", ""),
        (None, ""),
        ("CC BY-NC", "cc-by-nc"),
        ("TDM", "tdm"),
        ("https://creativecommons.org/licenses/by-nc/4.0/", "cc-by-nc-4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
        ("all rights reserved", ""),
    ],
)
def test_licences(text: str | None, code: str) -> None:
    assert normalised(text) == code


def test_licence_filter() -> None:
    assert parse_filter(("cc-by, cc0", "non-commercial")) == {
        *("cc-by", "cc0", "cc-by-nc", "cc-by-nc-sa", "cc-by-nc-nd"),
    }
    assert passes("cc-by-4.0", frozenset({"cc-by"})) and not passes("cc-by-nc-4.0", frozenset({"cc-by"}))
    assert not passes("", frozenset({"cc-by"})) and passes("", frozenset())
    assert base("cc-by-nd-3.0") == "cc-by-nd"


def test_a_missing_extra_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"covidct\[dask\]"):
        needed("no_such_module_at_all", "dask", "--scheduler")


COVID = [
    "Novel coronavirus pneumonia in Wuhan",
    "BackgroundCOVID-19 spreads".replace("Background", "Background "),
    "SARS‐CoV‐2 in urine",
    "sars cov 2",
    "The 2019-nCoV outbreak",
    "nCoV-2019",
    "COVID19 and CT",
]
OTHER = ["MERS coronavirus in camels", "Influenza", "", "A discovid survey", "Severe acute respiratory syndrome 2003"]


def test_the_default_query_knows_the_names_of_covid_19() -> None:
    matches = compile_query(None)
    assert [text for text in COVID if not matches(plain(text))] == []
    assert [text for text in OTHER if matches(plain(text))] == []


@pytest.mark.parametrize(
    ("query", "text", "hit"),
    [
        ("ct AND lung", "lung CT", True),
        ("ct lung", "CT of the head", False),
        ('"chest ct"', "chest-CT", True),
        ('"chest ct"', "CT of the chest", False),
        ("pneumo*", "pneumothorax", True),
        ("pneumo", "pneumothorax", False),
        ("a OR b AND c", "a", True),
        ("(a OR b) AND c", "a", False),
        ("NOT covid", "influenza", True),
        ("ct NOT (mri OR pet)", "CT and PET", False),
        ("*", "anything", True),
        ("", "anything", True),
    ],
)
def test_queries(query: str, text: str, hit: bool) -> None:
    assert compile_query(query)(plain(text)) is hit


@pytest.mark.parametrize("query", ['"open', "(a", "a)", "AND a", "a AND", "NOT", "a OR", "()", '""'])
def test_queries_that_make_no_sense(query: str) -> None:
    with pytest.raises(UsageError, match="--query"):
        compile_query(query)


@given(st.text(alphabet='ab"()* ANDORNT', max_size=30))
def test_any_query_is_read_or_refused(query: str) -> None:
    try:
        compile_query(query)("a b")
    except UsageError:
        return
