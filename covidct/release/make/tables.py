"""``papers.csv`` and ``patients.csv`` from the images' own columns."""

from collections.abc import Mapping

import pandas as pd

from covidct.release.read.schema import PAPER_COLUMNS, PATIENT_COLUMNS

_NOTES = {
    "crawled": "one figure of an article in PubMed Central, which may show several people",
    "medpix": "one case of the MedPix teaching files",
}


def paper_table(images: pd.DataFrame, known: Mapping[str, Mapping[str, str]] | None = None) -> pd.DataFrame:
    """One row a paper; ``known`` adds title, date and so on by paper id. Images without a paper are left out."""
    table = _grouped(images, "paper_id", ("source", "version", "licence"))
    with_doi = images[(images["paper_id"] != "") & (images["doi"] != "")]
    table["doi"] = with_doi.groupby("paper_id")["doi"].first().reindex(table["paper_id"]).fillna("").to_numpy()
    table["server"] = images.groupby("paper_id")["source"].first().reindex(table["paper_id"]).to_numpy()
    for column in ("title", "date"):
        table[column] = ""
    if known:
        for column in sorted({key for facts in known.values() for key in facts}):
            own = zip(table["paper_id"], table[column], strict=True)
            table[column] = [known.get(str(paper), {}).get(column, value) for paper, value in own]
    return table[list(PAPER_COLUMNS)]


def patient_table(images: pd.DataFrame, notes: Mapping[str, str] | None = None) -> pd.DataFrame:
    """One row a patient; a value on which a patient's images disagree is left empty. ``notes`` by patient id."""
    table = _grouped(images, "patient_id", ("source", "age_band", "sex"))
    known = notes or {}
    table["notes"] = [known.get(p) or _NOTES.get(str(p).split("_")[0], "") for p in table["patient_id"]]
    return table[list(PATIENT_COLUMNS)]


def _grouped(images: pd.DataFrame, key: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """One row for each value of ``key``: number of images, and each column's value where all images agree on it."""
    groups = images[images[key] != ""].groupby(key, sort=True)
    table = pd.DataFrame({"images": groups.size()})
    for column in columns:
        agreed = groups[column].nunique() == 1
        table[column] = groups[column].first().where(agreed, "")
    return table.reset_index()
