"""The published set: what its audit must find, and 2.0.0 in which it is put right."""

from pathlib import Path

import pandas as pd
import pytest

from covidct.audit.captions import read_captions, texts_by_image, title_in_name
from covidct.audit.contradictions import contradictions, own_text
from covidct.audit.leaks import duplicate_findings, find_twins, torn_findings
from covidct.release.read import Release, default_release, locate_images, read_release
from covidct.release.read.diff import Change, diff_images

ONE = default_release()
TWO = ONE.parent / "2.0.0"
STRADDLING = {
    "medrxiv-10.1101_2020.03.12.20034686",
    "medrxiv-10.1101_2020.03.13.20035212",
    "medrxiv-10.1101_2020.03.22.20040782",
}


def torn(release: Release) -> set[str]:
    return {paper for f in torn_findings(release.images) for paper in f.papers}


def test_papers_straddle_the_published_split_and_not_the_corrected_one() -> None:
    assert torn(read_release(ONE)) == STRADDLING
    assert torn(read_release(TWO)) == set()


def test_two_is_one_with_its_corrections_and_nothing_else() -> None:
    old, new = read_release(ONE), read_release(TWO)
    kinds = pd.Series([c.kind for c in diff_images(old.images, new.images, new.withdrawn)]).value_counts()
    assert kinds.drop(["regrouped", "edited"]).to_dict() == {"removed": 15, "relabelled": 11, "moved": 11}
    merged = old.images.merge(new.images, on="image_id")
    assert (merged.loc[merged["split_x"] == "test", "split_y"] == "test").all()
    assert all(new.meta["reasons"].values())


@pytest.mark.shared
def test_captions_contradict_eleven_published_labels_and_none_in_two(shared: Path) -> None:
    captions = read_captions(shared / "data/covid-ct/COVID-CT-MetaInfo.xlsx")
    relabelled = {c.image_id for c in _changes() if c.kind == "relabelled"}
    for folder, wanted in ((ONE, relabelled), (TWO, set())):
        release = read_release(folder)
        texts = texts_by_image(release.images, release.papers, captions)
        assert {c.image for c in contradictions(release.images, texts)} == wanted


@pytest.mark.shared
def test_pictures_under_both_labels_are_found_among_others(shared: Path) -> None:
    release = read_release(ONE)
    removed = {c.image_id for c in _changes() if c.kind == "removed"}
    twins = release.images["image_id"].isin(removed) | release.images["paper_id"].str.contains("kjr.2020.0132")
    some = pd.concat([release.images[twins], release.images[~twins].iloc[::12]])
    paths = locate_images(release, shared / "data/covid-ct")
    found = list(duplicate_findings(find_twins({i: paths[i] for i in some["image_id"]}), some))
    crossed = [set(f.images) for f in found if f.kind == "cross-label-duplicate"]
    assert crossed == [
        {"journal-kjr-21-e24-p5-29", "pmc-71_0"},
        {"journal-kjr-21-e24-p5-31", "pmc-71_1"},
    ]


def _changes() -> list[Change]:
    old, new = read_release(ONE), read_release(TWO)
    return list(diff_images(old.images, new.images, new.withdrawn))


@pytest.mark.parametrize(
    ("file", "title"),
    [
        ("A-rare-lung-infection-in-a-farmer_2020_Journal-of-p3-89%0.png", "A rare lung infection in a farmer"),
        ("images/2020.03.22.20040782-p25-1542.png", ""),
        ("scan_001.png", ""),
    ],
)
def test_titles_in_file_names(file: str, title: str) -> None:
    assert title_in_name(file) == title


@pytest.mark.parametrize(
    ("caption", "own"),
    [
        ("Figure 1. Two diseases. B, Bronchiectasis with cysts.", "Bronchiectasis with cysts."),
        ("Figure 1. Two diseases. (C) Nodules.", "Nodules."),
        ("Figure 1. A, Nodules. B, Cysts.", ""),
        ("Vitamin D was given. No letters here.", ""),
    ],
)
def test_own_text_of_a_panel(caption: str, own: str) -> None:
    assert own_text(caption)[1] == own
