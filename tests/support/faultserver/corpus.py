"""Made-up preprints: records with versions, licences and dates, and small real PDFs drawn with PyMuPDF."""

import datetime
import functools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy
import pymupdf

FIRST = datetime.date(2020, 1, 19)
LAST = datetime.date(2020, 3, 25)
LICENCES = ("cc_by", "cc_by_nc_nd", "cc_no", "", "cc_by_nc", "cc0", "cc_by_nd")
FINDINGS = ("ground-glass opacities", "patchy consolidation", "crazy paving", "no lesion")


@dataclass(frozen=True)
class Record:
    """One version of one made-up preprint."""

    doi: str
    version: int
    date: str
    title: str
    abstract: str
    licence: str
    category: str
    kind: str
    server: str
    pdf: bool = True
    """Whether the site has a PDF of it."""
    jats: bool = False

    @property
    def suffix(self) -> str:
        return self.doi.split("/", 1)[1]

    def details(self, site: str) -> dict[str, object]:
        """The record as the details API prints it: every scalar a string."""
        day = self.date.replace("-", "/")
        return {
            "title": self.title,
            "authors": "Example, A. B.; Sample, C.",
            "author_corresponding": "A. B. Example",
            "author_corresponding_institution": "Institute of Examples",
            "doi": self.doi,
            "date": self.date,
            "version": str(self.version),
            "type": self.kind,
            "license": self.licence,
            "category": self.category,
            "jatsxml": f"{site}/content/early/{day}/{self.suffix}.source.xml" if self.jats else "",
            "abstract": self.abstract,
            "funder": "NA",
            "published": "NA",
            "server": {"medrxiv": "medRxiv", "biorxiv": "bioRxiv"}[self.server],
        }


@dataclass
class Corpus:
    """All records, in the order of the feed (date, DOI, version)."""

    records: list[Record]
    extra: Mapping[str, bytes] = field(default_factory=dict)
    """Further documents by URL path."""

    def papers(self) -> dict[str, Record]:
        """The newest version of each DOI."""
        newest: dict[str, Record] = {}
        for record in self.records:
            if record.doi not in newest or record.version > newest[record.doi].version:
                newest[record.doi] = record
        return newest


def _record(number: int, rng: random.Random, server: str, window: tuple[datetime.date, datetime.date]) -> Record:
    day = window[0] + datetime.timedelta(days=number % ((window[1] - window[0]).days + 1))
    digits = f"{20000000 + number}" if server == "medrxiv" else f"{900000 + number}"
    prefix = "10.64898" if number % 50 == 7 else "10.1101"
    finding = rng.choice(FINDINGS)
    return Record(
        doi=f"{prefix}/{day:%Y.%m.%d}.{digits}",
        version=1,
        date=day.isoformat(),
        title=f"Chest CT of COVID-19 patients: made-up study {number}",
        abstract=f"BackgroundWe describe {finding} in SARS-CoV-2 infection. O_FIG C_FIG [~]",
        licence=LICENCES[number % len(LICENCES)],
        category="radiology and imaging" if number % 3 else "infectious diseases",
        kind="PUBLISHAHEADOFPRINT" if server == "medrxiv" else "new results",
        server=server,
        jats=number % 10 == 3,
    )


def make_corpus(
    papers: int,
    seed: int = 0,
    server: str = "medrxiv",
    window: tuple[datetime.date, datetime.date] = (FIRST, LAST),
    revised: float = 0.1,
) -> Corpus:
    """``papers`` preprints over ``window``; a share ``revised`` of them has a second version some days later."""
    rng = random.Random(seed)
    records: list[Record] = []
    for number in range(papers):
        first = _record(number, rng, server, window)
        records.append(first)
        if rng.random() < revised:
            later = datetime.date.fromisoformat(first.date) + datetime.timedelta(days=rng.randint(1, 20))
            if later <= window[1]:
                values = {
                    **first.__dict__,
                    "version": 2,
                    "date": later.isoformat(),
                    "title": first.title + " (revised)",
                }
                records.append(Record(**values))
    return Corpus(sorted(records, key=lambda r: (r.date, r.doi, r.version)))


def make_picture(seed: int, side: int, kind: str = "png") -> bytes:
    """A small CT-like picture as PNG or JPEG; same arguments, same bytes."""
    rng = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[:side, :side] / side - 0.5
    body = (numpy.hypot(x, y * 1.2) < 0.45) * 120.0
    lungs = (numpy.hypot(x - 0.17, y) < 0.14) | (numpy.hypot(x + 0.17, y) < 0.14)
    grey = numpy.clip(numpy.where(lungs, 20, body) + rng.normal(0, 6, (side, side)), 0, 255).astype(numpy.uint8)
    return bytes(pymupdf.Pixmap(pymupdf.csGRAY, side, side, grey.tobytes(), False).tobytes(kind))


@functools.lru_cache(maxsize=4096)
def make_pdf(doi: str, version: int, figures: int = 1, licence: str = "", side: int = 96) -> bytes:
    """A real PDF of a page for each figure, its DOI printed as the servers print it. Same arguments, same bytes."""
    document = pymupdf.open()
    for number in range(1, figures + 1):
        page = document.new_page()
        notice = f"medRxiv preprint doi: https://doi.org/{doi}; this version posted January 25, 2020."
        page.insert_text((40, 30), notice, fontsize=7)
        if licence:
            page.insert_text((40, 40), licence, fontsize=7)
        seed = sum(doi.encode()) * 31 + version * 7 + number
        page.insert_image(pymupdf.Rect(100, 120, 420, 440), stream=make_picture(seed, side))
        caption = f"Figure {number}. Chest CT of a made-up patient with COVID-19, day {number + version}."
        page.insert_text((100, 470), caption, fontsize=10)
        page.insert_text((72, 600), f"As Figure {number} shows, this text exists to be read by a program.", fontsize=11)
    return bytes(document.tobytes(no_new_id=True))


def make_jats(record: Record) -> bytes:
    """A short JATS article of ``record``."""
    caption = f"Chest CT of a made-up patient with COVID-19, day {1 + record.version}."
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<article xmlns:xlink="http://www.w3.org/1999/xlink"><front><article-meta>
<article-id pub-id-type="doi">{record.doi}</article-id>
<title-group><article-title>{record.title}</article-title></title-group>
<permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"><license-p>CC BY</license-p></license>
</permissions></article-meta></front><body><sec><title>Results</title>
<p>As <xref ref-type="fig" rid="F1">Figure 1</xref> shows, this text exists to be read by a program.</p>
<fig id="F1"><label>Figure 1.</label><caption><p>{caption}</p></caption>
<graphic xlink:href="{record.suffix.rsplit(".", 1)[-1]}v{record.version}_fig1"/></fig></sec></body></article>
""".encode()
