"""MedPix: cases of other diseases, by the REST paths as far as they are known, or from the MedPix 2.0 folder.

A case is a paper here and one patient; each of its axial CT pictures is a figure whose caption is the picture's own
and whose mentions are the case's diagnosis and findings. Names and addresses of contributors are never stored. The
REST interface is undocumented: it stands behind ``MedpixApi``, the only part to change when the service does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from covidct.errors import UsageError, reason_of
from covidct.files import read_document, safe_name, sha256_bytes
from covidct.harvest import ids
from covidct.harvest.pipeline import UNDER_ALL
from covidct.harvest.repack import Picture, as_png
from covidct.harvest.report import RunReport
from covidct.net.answers import check_image
from covidct.net.client import HttpClient
from covidct.net.failures import FetchError, Kind, Unreachable, unreachable
from covidct.net.wire import under
from covidct.records import Figure, Paper, PaperStatus
from covidct.workspace import Workspace

TERMS = (
    "MedPix cases are contributed by named physicians to the U.S. National Library of Medicine. No licence to "
    "redistribute them is known: releases list their addresses and digests, not their pixels. Read the terms at "
    "https://medpix.nlm.nih.gov"
)
_CT = re.compile(r"^(CT\b|CTA\b|HRCT\b)", re.IGNORECASE)
_NOT_A_SLICE = re.compile(r"montage|drawing|3d|reconstruction", re.IGNORECASE)
_AXIAL = frozenset({"axial", "transverse"})


@dataclass(frozen=True)
class CaseImage:
    """One picture of a case."""

    name: str
    caption: str
    modality: str
    plane: str
    location: str = ""
    url: str = ""
    path: Path | None = None

    @property
    def why_not(self) -> str:
        """Why it is no axial CT slice of the chest; empty where it may be one."""
        if not _CT.search(self.modality) or _NOT_A_SLICE.search(self.modality):
            return f"modality {self.modality or 'unknown'}"
        if self.plane.strip().lower() not in _AXIAL:
            return f"plane {self.plane or 'unknown'}"
        if self.location and self.location.lower() != "thorax":
            return f"location {self.location}"
        return ""


@dataclass(frozen=True)
class Case:
    """One case: one patient."""

    number: str
    diagnosis: str
    text: tuple[str, ...] = ()
    age: str = ""
    sex: str = ""
    url: str = ""
    images: tuple[CaseImage, ...] = field(default_factory=tuple)

    @property
    def paper_id(self) -> str:
        return ids.paper_id("medpix", self.number, None)


def _words(value: object) -> str:
    text = re.sub(r"\s+", " ", str(value if value is not None else "")).strip()
    return "" if text in ("N/A", "None") else text


class MedpixApi:
    """The REST paths; answers are recognised by their content: no documentation of them exists."""

    def __init__(self, client: HttpClient, base: str) -> None:
        self.client, self.base = client, base.rstrip("/")

    def find(self, diagnosis: str) -> list[str]:
        """Encounter ids whose diagnosis holds the words, in the service's order, each once."""
        url = f"{self.base}/rest/encounter/diagnosis.json?{urlencode({'diagnosis': diagnosis})}"
        try:
            hits = self.client.get_json(url)
        except Unreachable as error:
            raise unreachable(error, "read a MedPix 2.0 folder by --from") from error
        if not isinstance(hits, list):
            raise FetchError(Kind.UNUSABLE, "MedPix answered a search in an unknown form", url, rule="medpix-shape")
        found = [_words(hit.get("encounterID")) for hit in hits if isinstance(hit, Mapping)]
        return list(dict.fromkeys(f for f in found if re.fullmatch(r"[\w-]{1,64}", f)))

    def case(self, encounter: str) -> Case:
        """One case with its pictures' addresses."""
        url = f"{self.base}/rest/encounter.json?{urlencode({'encounterID': encounter})}"
        value = self.client.get_json(url)
        if not isinstance(value, Mapping) or _words(value.get("error")):
            raise FetchError(Kind.UNUSABLE, f"no case {encounter}", url, rule="medpix-shape")
        return parse_case(value, encounter, self.base)

    def picture(self, image: CaseImage) -> Picture:
        """One picture, from the service's own host only."""
        try:
            url = under(self.base, image.url)
        except FetchError as error:
            raise FetchError(error.kind, f"{image.url[:80]} is not on MedPix's host", rule=error.rule) from error
        return as_png(self.client.get(url, check=check_image).body, image.name)


def parse_case(value: Mapping[str, Any], encounter: str, base: str) -> Case:
    """A case out of the fields of ``encounter.json``; only what is needed is taken over."""
    images = []
    for item in value.get("imageList") or []:
        address = _words(item.get("imageURL")) if isinstance(item, Mapping) else ""
        if not address:
            continue
        caption, modality, plane = (_words(item.get(key)) for key in ("imageCaption", "modality", "plane"))
        images.append(CaseImage(safe_name(address.rsplit("/", 1)[-1]), caption, modality, plane, url=address))
    texts = [(name, _words(value.get(name))) for name in ("diagnosis", "findings", "history", "ddx")]
    return Case(
        number=_words(value.get("mCaseID")) or encounter,
        diagnosis=_words(value.get("diagnosis")),
        text=tuple(f"{name.capitalize()}: {text}" for name, text in texts if text),
        age=_words(value.get("age")),
        sex=_words(value.get("sex")),
        url=f"{base}/case?id={encounter}",
        images=tuple(images),
    )


def read_folder(folder: Path) -> list[Case]:
    """The cases of a MedPix 2.0 folder: ``Case_topic.json``, ``Descriptions.json`` and the pictures below it."""
    described = _json_list(folder, "Descriptions.json")
    topics = {_words(t.get("U_id")): t for t in _json_list(folder, "Case_topic.json")}
    pictures = {p.stem: p for p in sorted(folder.rglob("*")) if p.suffix.lower() in (".png", ".jpg", ".jpeg")}
    by_case: dict[str, list[CaseImage]] = {}
    people: dict[str, Mapping[str, Any]] = {}
    for item in described:
        about = item.get("Description") if isinstance(item.get("Description"), Mapping) else {}
        number, name = _words(item.get("U_id")), _words(item.get("image"))
        if not number or not name or about is None:
            continue
        modality = _words(about.get("Modality")) or ("CT" if _words(item.get("Type")) in ("CT", "TAC") else "")
        place = _words(item.get("Location Category"))
        words = (_words(about.get("Caption")), modality, _words(about.get("Plane")), place)
        by_case.setdefault(number, []).append(CaseImage(name, *words, path=pictures.get(name)))
        people.setdefault(number, about)
    return [_folder_case(n, images, topics.get(n, {}), people[n]) for n, images in sorted(by_case.items())]


def _folder_case(number: str, images: list[CaseImage], topic: Mapping[str, Any], person: Mapping[str, Any]) -> Case:
    case = topic.get("Case") if isinstance(topic.get("Case"), Mapping) else {}
    texts = {name: _words((case or {}).get(name)) for name in ("Case Diagnosis", "Findings", "History", "Diagnosis By")}
    return Case(
        number=number,
        diagnosis=texts["Case Diagnosis"] or _words((case or {}).get("Title")),
        text=tuple(f"{name}: {text}" for name, text in texts.items() if text),
        age=_words(person.get("Age")),
        sex=_words(person.get("Sex")),
        images=tuple(images),
    )


def _json_list(folder: Path, name: str) -> list[Mapping[str, Any]]:
    path = next(iter(sorted(folder.rglob(name))), None)
    if path is None:
        raise UsageError(f"{folder}: no {name} here; give the folder of MedPix 2.0")
    value = read_document(path)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


@dataclass
class MedpixHarvest:
    """Puts cases into a workspace."""

    workspace: Workspace
    report: RunReport
    refresh: bool = False

    def wanted(self, number: str) -> bool:
        """Whether a case is to be fetched; finished ones are counted and skipped."""
        known = self.workspace.paper(ids.paper_id("medpix", number, None))
        if known and not self.refresh and known.status in (PaperStatus.EXTRACTED, PaperStatus.FORGOTTEN):
            self.report.kept += 1
            return False
        return True

    def from_api(self, api: MedpixApi, query: str, limit: int | None) -> None:
        """Cases whose diagnosis holds ``query``."""
        seen = self.workspace.recall_all("medpix-encounters")
        found = api.find(query)[:limit]
        self.report.listed = self.report.matched = len(found)
        for encounter in found:
            if encounter in seen and not self.wanted(str(seen[encounter])):
                continue
            try:
                case = api.case(encounter)
                if self._take(case, api):
                    self.workspace.remember("medpix-encounters", encounter, case.number)
            except UNDER_ALL:
                raise
            except Exception as error:  # noqa: BLE001  the border of a case
                entry = {
                    "paper_id": f"medpix_{encounter}",
                    "doi": "",
                    "reason": getattr(error, "reason", reason_of(error)),
                }
                self.report.missing.append(entry)

    def from_folder(self, folder: Path, limit: int | None) -> None:
        """Cases of a MedPix 2.0 folder."""
        cases = [case for case in read_folder(folder) if any(not i.why_not for i in case.images)]
        self.report.listed = self.report.matched = len(cases)
        for case in cases[:limit]:
            if self.wanted(case.number):
                self._take_or_fail(case)

    def _take_or_fail(self, case: Case) -> None:
        try:
            self._take(case, None)
        except UNDER_ALL:
            raise
        except Exception as error:  # noqa: BLE001  the border of a case
            self.report.missing.append({"paper_id": case.paper_id, "doi": "", "reason": reason_of(error)})

    def _take(self, case: Case, api: MedpixApi | None) -> bool:
        """Store one case; false where a picture could not be had, so that the case is fetched again."""
        figures: list[Figure] = []
        failed: list[str] = []
        for image, reason in ((i, i.why_not) for i in case.images):
            if reason:
                self.report.rules[f"medpix: {reason}"] += 1
                continue
            try:
                figures.append(self._figure(case, image, _load(image, api), len(figures) + 1))
            except FetchError as error:
                failed.append(f"{image.name}: {error.reason}")
        status = PaperStatus.MISSING if failed else PaperStatus.EXTRACTED
        paper = Paper(
            case.paper_id,
            "medpix",
            title=case.diagnosis,
            abstract="\n".join(case.text),
            server="medpix",
            url=case.url,
            versions=(1,),
            status=status,
            reason="; ".join(failed),
        )
        self.workspace.save_papers([paper])
        self.workspace.replace_figures(paper.paper_id, figures)
        self.report.figures += len(figures)
        if failed:
            self.report.missing.append({"paper_id": paper.paper_id, "doi": "", "reason": paper.reason})
        else:
            self.report.done.append(paper.paper_id)
        return not failed

    def _figure(self, case: Case, image: CaseImage, picture: Picture, number: int) -> Figure:
        stored = self.workspace.store(picture.png, ".png")
        about = {"modality": image.modality, "plane": image.plane, "age": case.age, "sex": case.sex, "url": image.url}
        return Figure(
            figure_id=ids.figure_id(case.paper_id, None, number),
            paper_id=case.paper_id,
            source_file=image.name,
            label=f"Image {number}",
            caption=image.caption or case.diagnosis,
            mentions=case.text,
            kind="raster",
            file=stored.file,
            width=picture.width,
            height=picture.height,
            sha256=stored.sha256,
            provenance={"rule": "medpix-case", "patient": case.paper_id, **{k: v for k, v in about.items() if v}},
        )


def _load(image: CaseImage, api: MedpixApi | None) -> Picture:
    if api is not None:
        return api.picture(image)
    if image.path is None:
        raise FetchError(Kind.NOT_FOUND, "its picture is not in the folder", rule="no-copy")
    data = image.path.read_bytes()
    return as_png(data, f"{image.name} ({sha256_bytes(data)[:8]})")
