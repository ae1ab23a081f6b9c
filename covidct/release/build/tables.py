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
    rows = []
    for paper, own in images[images["paper_id"] != ""].groupby("paper_id"):
        facts: dict[str, object] = dict.fromkeys(PAPER_COLUMNS, "")
        facts |= {"paper_id": paper, "server": own["source"].iloc[0], "images": len(own)}
        facts |= {column: _agreed(own[column]) for column in ("version", "licence")}
        facts["doi"] = next((doi for doi in own["doi"] if doi), "")
        rows.append(facts | dict((known or {}).get(str(paper), {})))
    return pd.DataFrame(rows, columns=PAPER_COLUMNS)


def patient_table(images: pd.DataFrame) -> pd.DataFrame:
    """One row a patient; a value on which a patient's images disagree is left empty."""
    rows = [
        {
            "patient_id": patient,
            **{column: _agreed(own[column]) for column in ("source", "age_band", "sex")},
            "images": len(own),
            "notes": _NOTES.get(str(patient).split("_")[0], ""),
        }
        for patient, own in images[images["patient_id"] != ""].groupby("patient_id")
    ]
    return pd.DataFrame(rows, columns=PATIENT_COLUMNS)


def _agreed(values: "pd.Series[str]") -> str:
    return str(values.iloc[0]) if values.nunique() == 1 else ""
