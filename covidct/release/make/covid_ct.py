"""The published COVID-CT folder (UCSD-AI4H/COVID-CT) as a release: facts only, no caption text, no pictures."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from covidct.errors import CovidctError, UsageError
from covidct.progress import threaded
from covidct.records import NEGATIVE_CLASS, POSITIVE_CLASS, SPLITS
from covidct.release.make.tables import paper_table, patient_table
from covidct.release.make.write import Draft
from covidct.release.read.facts import PictureFacts, facts, picture_hash
from covidct.release.read.schema import IMAGE_COLUMNS, LATER_COLUMNS
from covidct.release.read.stats import class_stats
from covidct.tables import read_csv

PAPER_PATIENTS = {
    POSITIVE_CLASS: {"train": 130, "val": 32, "test": 54, "all": 216},
    NEGATIVE_CLASS: {"train": 105, "val": 24, "test": 42, "all": 171},
}
"""Patients as printed in Table I of the paper (arXiv 2003.13865)."""
POSITIVE_BOOK = "COVID-CT-MetaInfo.xlsx"
NEGATIVE_BOOK = "NonCOVID-CT-MetaInfo.csv"
_PREPRINT = re.compile(r"(?P<suffix>20\d\d\.\d\d\.\d\d\.\d{6,8})-p(?P<page>\d+)-(?P<figure>[^%]+?)(%(?P<panel>\d+))?")
_PAGE = re.compile(r"-p(?P<page>\d+)-(?P<figure>[^%-]+)(%(?P<panel>\d+))?$")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_COLUMNS = [column for column in IMAGE_COLUMNS if column not in LATER_COLUMNS]
"""The published version is what it was: boxes of figures and panels are not known for it."""
_FOLDERS = {POSITIVE_CLASS: ("COVID", "CT_COVID"), NEGATIVE_CLASS: ("NonCOVID", "CT_NonCOVID")}
_ABOUT = {
    "title": "COVID-CT as published",
    "description": (
        "The published COVID-CT set as facts: 746 CT slices cut from papers and teaching files, with the labels, "
        "patient ids and split of its authors, nothing corrected. Read the audit before training on it."
    ),
    "homepage": "https://github.com/UCSD-AI4H/COVID-CT",
    "citation": "Zhao, Zhang, He, Xie. COVID-CT-Dataset: a CT scan dataset about COVID-19. arXiv:2003.13865, 2020.",
    "waivers": [
        {
            "what": "missing-licence",
            "reason": "published without licences; copyright stays with the papers' authors, so only facts are here",
        },
        {"what": "identity-not-scanned", "reason": "published without a check for identifying text"},
    ],
    "origin": {"tool": "manifest import-covid-ct", "labels": "as published, read from captions by the set's authors"},
}


@dataclass(frozen=True)
class Person:
    """One row of a MetaInfo file, reduced to facts."""

    patient_id: str
    age_band: str = ""
    sex: str = ""
    doi: str = ""


def import_covid_ct(folder: Path, date: str, workers: int = 1) -> Draft:
    """``covid-ct/1.0.0`` from the published folder (``Images-processed``, ``Data-split``, both MetaInfo files)."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the unpacked COVID-CT repository")
    people = {
        POSITIVE_CLASS: positive_people(folder / POSITIVE_BOOK),
        NEGATIVE_CLASS: negative_people(folder / NEGATIVE_BOOK),
    }
    listed = [(label, split, name) for label in people for split, name in _split_lists(folder, label)]
    _check_listed(folder, listed)
    paths = [folder / "Images-processed" / _FOLDERS[label][1] / name for label, _, name in listed]
    seen = list(threaded(facts, paths, workers, "pictures"))
    hashes = list(threaded(picture_hash, paths, workers, "hashes"))
    rows = [
        {**_image_row(label, split, name, people[label], picture), "phash": phash}
        for (label, split, name), picture, phash in zip(listed, seen, hashes, strict=True)
    ]
    images = pd.DataFrame(rows, columns=_COLUMNS).sort_values("image_id", ignore_index=True)
    about = {**_ABOUT, "remarks": patient_remarks(images)}
    return Draft("covid-ct", "1.0.0", date, images, paper_table(images), patient_table(images), about=about)


def _split_lists(folder: Path, label: str) -> Iterator[tuple[str, str]]:
    name, images = _FOLDERS[label]
    for split in SPLITS:
        path = folder / "Data-split" / name / f"{split}{images}.txt"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as error:
            raise UsageError(f"{path}: not there; {folder} is not the published COVID-CT folder") from error
        yield from ((split, line.strip()) for line in lines if line.strip())


def _check_listed(folder: Path, listed: list[tuple[str, str, str]]) -> None:
    for label, (_, images) in _FOLDERS.items():
        names = Counter(name for which, _, name in listed if which == label)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise CovidctError(f"{folder / 'Data-split'}: {twice[0]!r} is listed in two splits")
        home = folder / "Images-processed" / images
        if not home.is_dir():
            raise UsageError(f"{home}: not there; unpack {images}.zip of the published set")
        unlisted = {path.name for path in home.iterdir() if path.is_file()} - set(names)
        if unlisted:
            raise CovidctError(f"{home}: {len(unlisted)} pictures are in no split list, first {min(unlisted)!r}")


def positive_people(path: Path) -> dict[str, Person]:
    """Rows of the workbook by picture name; footnote rows without a file name are left out."""
    from openpyxl import load_workbook

    if not path.is_file():
        raise UsageError(f"{path}: not there; it holds the patient ids")
    rows = list(load_workbook(path, read_only=True, data_only=True).worksheets[0].iter_rows(values_only=True))
    header = [str(cell or "").strip() for cell in rows[0]]
    wanted = ("File name", "Patient ID", "Age", "Gender", "DOI")
    lacking = [name for name in wanted if name not in header]
    if lacking:
        raise CovidctError(f"{path}: no column {lacking[0]!r}; is this the workbook of the published set?")
    people: dict[str, Person] = {}
    for row in rows[1:]:
        file, patient, age, sex, doi = (str(row[header.index(name)] or "").strip() for name in wanted)
        if file:
            name = file if file.endswith(".png") else f"{file}.png"
            people[name] = Person(_patient_id(patient), age_band(age), sex[:1].upper(), clean_doi(doi))
    return people


def negative_people(path: Path) -> dict[str, Person]:
    """Rows of the negatives' table by picture name."""
    if not path.is_file():
        raise UsageError(f"{path}: not there; it holds the patient ids")
    header, rows = read_csv(path)
    if not {"image name", "patient id"} <= set(header):
        raise CovidctError(f"{path}: no columns 'image name' and 'patient id'")
    return {row["image name"].strip(): Person(_patient_id(row["patient id"])) for row in rows}


def _patient_id(text: str) -> str:
    return "_".join(text.strip().split()).lower()


def age_band(text: str) -> str:
    """Ten-year band of an age; from 90 on one band, because great ages identify."""
    if re.fullmatch(r"\d{1,3}", text):
        low = int(text) // 10 * 10
        return "90+" if low >= 90 else f"{low}-{low + 9}"
    if re.fullmatch(r"\d{1,2}\+", text):
        return text
    return "child" if "child" in text.lower() else ""


def clean_doi(text: str) -> str:
    """A DOI out of a cell that may hold blanks inside it."""
    match = _DOI.search("".join(text.split()))
    return match.group(0).rstrip(".;,").lower() if match else ""


def _image_row(
    label: str, split: str, name: str, people: Mapping[str, Person], seen: PictureFacts
) -> dict[str, object]:
    person = people.get(name, Person(""))
    source, place = _place(label, name)
    doi = person.doi or place.get("doi", "")
    patient = person.patient_id
    row: dict[str, object] = dict.fromkeys(_COLUMNS, "")
    row |= {
        "image_id": f"{source}-{re.sub(r'[^A-Za-z0-9._-]+', '_', Path(name).stem)}",
        "file": f"Images-processed/{_FOLDERS[label][1]}/{name}",
        "label": label,
        "patient_id": patient,
        "group_id": patient or f"{source}-{Path(name).stem}",
        "split": split,
        "source": source,
        "paper_id": f"{source}-{re.sub(r'[^A-Za-z0-9.-]+', '_', doi or place['stem'])}" if place else "",
        "doi": doi,
        "figure_label": place.get("figure", ""),
        "panel_label": place.get("panel", ""),
        "page": place.get("page", ""),
        "width": seen.width,
        "height": seen.height,
        "sha256": seen.sha256,
        "age_band": person.age_band,
        "sex": person.sex if person.sex in {"F", "M"} else "",
        "label_by": "published",
        "label_evidence": f"folder:{_FOLDERS[label][1]}",
    }
    return row


def _place(label: str, name: str) -> tuple[str, dict[str, str]]:
    """Source and place of a picture, from its name (facts of the published layout)."""
    stem = Path(name).stem
    if label == NEGATIVE_CLASS:
        return ("pmc" if name.endswith(".jpg") else "medpix"), {}
    preprint = _PREPRINT.fullmatch(stem)
    if preprint:
        suffix = preprint["suffix"]
        source = "medrxiv" if len(suffix.rsplit(".", 1)[1]) == 8 else "biorxiv"
        return source, {**_parts(preprint), "doi": f"10.1101/{suffix}", "stem": suffix}
    match = _PAGE.search(stem)
    title = stem[: match.start()] if match else re.sub(r"(_\d+)?(%\d+)?$", "", stem)
    return "journal", {**(_parts(match) if match else {}), "stem": title[:60]}


def _parts(match: "re.Match[str]") -> dict[str, str]:
    return {key: match[key] or "" for key in ("page", "figure", "panel")}


def patient_remarks(images: pd.DataFrame) -> list[str]:
    """Where the distinct patient ids differ from the paper's Table I, and what a negative's 'patient' is."""
    remarks = []
    for label, printed in PAPER_PATIENTS.items():
        own = class_stats(images[images["label"] == label]).patients
        for split, count in printed.items():
            if own[split] != count:
                remarks.append(
                    f"{label}, {split}: {own[split]} distinct patient ids in MetaInfo, the paper says {count}"
                )
    kinds = Counter(p.rsplit("_", 1)[0] for p in images.loc[images["label"] == NEGATIVE_CLASS, "patient_id"].unique())
    remarks.append(
        f"a non-covid 'patient' is one PMC figure ({kinds['crawled_patient']} ids, possibly several people each) "
        f"or one MedPix case ({kinds['medpix_patient']} ids)"
    )
    remarks.append("patient ids alone form the groups, as published: one paper can stand in two splits")
    return remarks
