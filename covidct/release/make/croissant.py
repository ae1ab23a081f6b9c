"""``croissant.json``: the release as Croissant 1.0 JSON-LD with splits, labels, licences and responsible-AI fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from covidct.release.read.classes import names_in
from covidct.release.read.licences import licence_address
from covidct.release.read.schema import TABLES

_CROISSANT_TERMS = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format"),
    *("includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references"),
    *("regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _CROISSANT_TERMS},
}
_INTEGERS = {("images.csv", "width"), ("images.csv", "height"), ("papers.csv", "images"), ("patients.csv", "images")}
_SPLITS = {"train": "cr:TrainingSplit", "val": "cr:ValidationSplit", "test": "cr:TestSplit"}


def croissant(
    meta: Mapping[str, Any], digests: Mapping[str, str], licences: list[str], columns: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The JSON-LD document; ``digests`` are the SHA-256 of the tables, ``licences`` those of the pictures."""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": meta["name"],
        "description": str(meta.get("description") or meta.get("title") or meta["name"]),
        "version": meta["version"],
        "datePublished": meta["date"],
        "license": [licence_address(text) for text in licences] or ["not stated: see datasheet.md"],
        "url": str(meta.get("homepage") or "https://github.com/UCSD-AI4H/COVID-CT"),
        "citeAs": str(meta.get("citation") or f"{meta['name']} {meta['version']}, {meta['date']}"),
        **_responsible(meta),
        "distribution": [_file(name, digests[name]) for name in TABLES],
        "recordSet": [_split_set(), _label_set(names_in(meta)), *(_table_set(name, columns[name]) for name in TABLES)],
    }


def _responsible(meta: Mapping[str, Any]) -> dict[str, Any]:
    origin: Mapping[str, str] = meta.get("origin", {})
    waived = "; ".join(f"{w['what']}: {w['reason']}" for w in meta.get("waivers", []))
    return {
        "rai:dataCollection": origin.get("collection", "Figures of preprints, articles and public teaching files."),
        "rai:dataCollectionType": "Secondary data: figures published by others",
        "rai:dataAnnotationProtocol": origin.get("labels", "Rules on captions, overruled by curators; see label_by."),
        "rai:dataPreprocessingProtocol": origin.get("pictures", "None; the tables hold facts about pictures."),
        "rai:personalSensitiveInformation": "Medical pictures of published cases; ages as bands; names are never kept.",
        "rai:dataBiases": "Published cases are typical or severe; class and source may go together: see the audit.",
        "rai:dataLimitations": waived or "Single slices of unknown window, no Hounsfield units; labels rest on texts.",
        "rai:dataUseCases": "Research on methods. Not for clinical use, not for estimating prevalence or severity.",
        "rai:dataReleaseMaintenancePlan": "Semantic versions; later versions list withdrawals in withdrawn.csv.",
    }


def _file(name: str, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "encodingFormat": "text/csv",
        "sha256": sha256,
    }


def _split_set() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [_plain("splits/name", "sc:Text"), _plain("splits/url", "sc:URL")],
        "data": [{"splits/name": name, "splits/url": url} for name, url in _SPLITS.items()],
    }


def _label_set(classes: Sequence[str]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "labels",
        "name": "labels",
        "dataType": "sc:Enumeration",
        "key": {"@id": "labels/name"},
        "field": [_plain("labels/name", "sc:Text")],
        "data": [{"labels/name": name} for name in classes],
    }


def _plain(name: str, kind: str) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": name, "name": name.partition("/")[2], "dataType": kind}


def _table_set(table: str, columns: Sequence[str]) -> dict[str, Any]:
    name = table.removesuffix(".csv")
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "key": {"@id": f"{name}/{TABLES[table][0]}"},
        "field": [_field(table, name, column) for column in columns],
    }


def _field(table: str, name: str, column: str) -> dict[str, Any]:
    kind = "sc:Integer" if (table, column) in _INTEGERS else "sc:Text"
    source = {"fileObject": {"@id": table}, "extract": {"column": column}}
    field: dict[str, Any] = {**_plain(f"{name}/{column}", kind), "source": source}
    if (table, column) == ("images.csv", "split"):
        field["references"] = {"field": {"@id": "splits/name"}}
    if (table, column) == ("images.csv", "label"):
        field["references"] = {"field": {"@id": "labels/name"}}
    return field
