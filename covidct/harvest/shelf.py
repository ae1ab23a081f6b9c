"""Puts what was listed, fetched and read into the workspace. The only module of harvest that writes papers and figures.

Rules kept here: one row a DOI; the id of a paper never changes; ``version`` is the version whose figures are here,
``versions`` all that are known, so a paper is due again when a newer one is listed; a forgotten paper stays forgotten.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covidct.captions.figure_labels import label_key, parent_key
from covidct.files import sha256_bytes, sha256_file
from covidct.harvest import ids, licences
from covidct.harvest.articles import Article, by_label
from covidct.harvest.engine import Reading
from covidct.harvest.extract.doubts import not_found
from covidct.harvest.identity import SUPPLEMENT, Claim, title_doubt
from covidct.harvest.preprints import SERVERS, BadRow, PreprintRecord
from covidct.harvest.sources import Document
from covidct.records import Decision, Dropped, Figure, Paper, PaperStatus
from covidct.workspace import Workspace

if TYPE_CHECKING:
    from covidct.harvest.extract import ExtractedFigure

NEWEST = "harvest-newest"
"""Notes: what is listed about a version that is not here yet."""
STORED = "workspace"
"""The source of documents that an interrupted run has fetched already."""
FINAL = frozenset({PaperStatus.FORGOTTEN, PaperStatus.WITHDRAWN})


def newest_version(paper: Paper) -> int:
    """The highest version known."""
    return max((*paper.versions, paper.version))


def is_due(paper: Paper) -> bool:
    """Whether a paper's document is to be fetched."""
    if paper.status in FINAL:
        return False
    return paper.status is not PaperStatus.EXTRACTED or newest_version(paper) > paper.version


def _listed_fields(record: PreprintRecord, site: str) -> dict[str, Any]:
    fields = {name: getattr(record, name) for name in ("title", "abstract", "date", "licence", "category", "server")}
    fields["url"] = f"{site}/content/{record.doi}v{record.version}"
    fields["jats_url"] = f"{site}{record.jats_path}" if record.jats_path else ""
    return fields


@dataclass
class Shelf:
    """One run's view of the workspace."""

    workspace: Workspace

    def list_records(self, records: Iterable[PreprintRecord], source: str, site: str) -> list[str]:
        """Record listed versions, newest per DOI; returns the ids of the papers."""
        groups: dict[str, list[PreprintRecord]] = {}
        for record in records:
            groups.setdefault(record.doi.lower(), []).append(record)
        papers = [self._listed(sorted(g, key=lambda r: r.version), source, site) for g in groups.values()]
        self.workspace.save_papers(paper for paper, changed in papers if changed)
        return [paper.paper_id for paper, _ in papers]

    def list_unusable(self, row: BadRow, source: str) -> dict[str, Any]:
        """Keep a row that names no paper as it should, for ``show papers --missing``; what the report says of it."""
        known = self.workspace.paper_by_doi(row.doi) if row.doi else None
        if known is None:
            digest = sha256_bytes(f"{row.doi} {row.title}".encode())[:16]
            identity = ids.paper_id(source, row.doi, 1) if row.doi else f"{source}_row-{digest}"
            known = Paper(identity, source, row.doi, title=row.title, abstract=row.abstract, server=source)
            known = dataclasses.replace(known, status=PaperStatus.FAILED, reason=row.reason)
            self.workspace.save_papers([known])
        return {"paper_id": known.paper_id, "doi": row.doi, "reason": row.reason, "url": known.url}

    def _listed(self, group: list[PreprintRecord], source: str, site: str) -> tuple[Paper, bool]:
        newest, versions = group[-1], {r.version for r in group}
        known = self.workspace.paper_by_doi(newest.doi)
        if known is None:
            identity = ids.paper_id(source, newest.doi, group[0].version)
            known = Paper(identity, source, newest.doi, newest.version)
        versions |= set(known.versions)
        paper = dataclasses.replace(known, versions=tuple(sorted(versions)))
        if known.status in FINAL:
            return paper, paper != known
        if newest.version >= max(versions):
            paper = self._with_newest(paper, newest, site)
        return paper, paper != known

    def _with_newest(self, paper: Paper, newest: PreprintRecord, site: str) -> Paper:
        """Take over what is listed; where figures of an older version are here it waits until they are replaced."""
        fields = _listed_fields(newest, site)
        if newest.withdrawn:
            self._withdraw(paper, newest.version)
            reason = f"withdrawn by its authors in version {newest.version}"
            return dataclasses.replace(paper, **fields, status=PaperStatus.WITHDRAWN, reason=reason)
        if paper.status is PaperStatus.EXTRACTED and newest.version > paper.version:
            self.workspace.remember(NEWEST, paper.paper_id, {"version": newest.version, **fields})
            return paper
        fields["licence"] = _more_precise(fields["licence"], paper.licence)
        return dataclasses.replace(paper, **fields, version=max(newest.version, paper.version))

    def _withdraw(self, paper: Paper, version: int) -> None:
        why = f"the server lists version {version} as withdrawn"
        decision = Decision("paper", paper.paper_id, "withdrawn", True, "rule:harvest-withdrawn@1", why)
        self.workspace.save_papers([paper])
        self.workspace.decide([decision])

    def keep(self, paper: Paper, pdf: Path | None, jats: Path | None, source_file: str, version: int) -> Paper:
        """Store a paper's documents; its record says so afterwards."""
        changes: dict[str, Any] = {"status": PaperStatus.FETCHED, "reason": "", "source_file": source_file}
        listed = self.workspace.recall(NEWEST, paper.paper_id)
        if isinstance(listed, Mapping) and listed.get("version") == version:
            changes |= {name: value for name, value in listed.items() if name != "version"}
        if pdf is not None:
            changes["sha256"] = self.workspace.store_file(pdf, ".pdf").sha256
        changes["jats_sha256"] = self.workspace.store_file(jats, ".xml").sha256 if jats else ""
        versions = tuple(sorted({*paper.versions, version}))
        kept = dataclasses.replace(paper, **changes, version=version, versions=versions)
        self.workspace.save_papers([kept])
        return kept

    def documents(self, paper: Paper) -> Document | None:
        """What an interrupted run has fetched of the version that is wanted."""
        pdf = self.workspace.stored(paper.sha256, ".pdf")
        if paper.status is not PaperStatus.FETCHED or pdf is None or newest_version(paper) > paper.version:
            return None
        return Document(pdf, self.workspace.stored(paper.jats_sha256, ".xml"), STORED, paper.source_file)

    def mark(self, paper: Paper, status: PaperStatus, reason: str) -> Paper:
        """Record where a paper stands. Figures of an older version stay, and say that they are of an older one."""
        if paper.status is PaperStatus.EXTRACTED and status is PaperStatus.MISSING:
            status, reason = paper.status, f"version {newest_version(paper)} could not be had: {reason}"
        marked = dataclasses.replace(paper, status=status, reason=reason)
        self.workspace.save_papers([marked])
        return marked

    def settle_figures(self, paper: Paper, figures: list[Figure], doubt: str = "") -> Paper:
        """Set a paper's figures, however they were found; it is EXTRACTED afterwards, ``doubt`` its reason."""
        self.workspace.replace_figures(paper.paper_id, figures)
        read = dataclasses.replace(paper, status=PaperStatus.EXTRACTED, reason=doubt)
        self.workspace.save_papers([read])
        return read

    def settle(
        self, paper: Paper, reading: Reading, article: Article | None, discard_pdf: bool = False
    ) -> tuple[Paper, int]:
        """Store the figures of a paper that was read; the paper as it is now, and how many figures it has.

        Figures that only ``article`` knows are listed too, without a place and without a picture.
        """
        extraction = reading.extraction
        licence = _more_precise(paper.licence, extraction.licence)
        doubt = title_doubt(paper.title, extraction.title, extraction.head)
        title = paper.title or (article.title if article else "") or extraction.title
        abstract = paper.abstract or (article.abstract if article else "") or extraction.abstract
        paper = dataclasses.replace(paper, licence=licence, title=title, abstract=abstract)
        if article:
            licence = _more_precise(paper.licence, article.licence)
            paper = dataclasses.replace(paper, licence=licence, date=paper.date or article.date)
        figures = list(self._figures(paper, reading))
        figures += unseen_figures(paper, figures, article) if article else []
        lost = lost_figures(extraction.dropped, figures)
        named = [figure.label for figure in figures if figure.file] + [one.what for one in lost]
        spoken = not_found(extraction.spoken_of, named)
        losses = [f"{one.what} is lost: {one.reason}" for one in lost]
        read = self.settle_figures(
            paper, figures, "; ".join(filter(None, (doubt, *extraction.doubts, *losses, spoken)))
        )
        stored = self.workspace.stored(paper.sha256, ".pdf")
        if discard_pdf and stored:
            stored.unlink()
        return read, len(figures)

    def _figures(self, paper: Paper, reading: Reading) -> Iterable[Figure]:
        counted: dict[int | None, int] = {}
        for found in reading.extraction.figures:
            counted[found.page] = counted.get(found.page, 0) + 1
            identity = ids.figure_id(paper.paper_id, found.page, counted[found.page])
            yield self._figure(paper, identity, found, reading.pictures[found.picture.name])

    def _figure(self, paper: Paper, identity: str, found: "ExtractedFigure", picture: bytes) -> Figure:
        stored = self.workspace.store(picture, found.picture.suffix or ".png")
        return Figure(
            figure_id=identity,
            paper_id=paper.paper_id,
            source_file=paper.source_file,
            label=found.label,
            page=found.page,
            box=found.box,
            caption=found.caption,
            caption_page=found.caption_page,
            mentions=found.mentions,
            paragraphs=found.paragraphs,
            kind=found.kind,
            file=stored.file,
            width=found.width,
            height=found.height,
            sha256=stored.sha256,
            licence=paper.licence,
            provenance={**found.provenance, "version": paper.version},
            **_pair(found),
        )

    def same_file(self, document: Document) -> Paper | None:
        """The paper into which the same bytes were read before."""
        file = document.pdf or document.jats
        found = self.workspace.paper_by_sha256(sha256_file(file)) if file else None
        return found if found and (document.pdf is None) == (not found.sha256) else None

    def known(self, claim: Claim) -> Paper | None:
        """The paper with the DOI that a document says to be its own."""
        return self.workspace.paper_by_doi(claim.doi) if claim.doi else None

    def pictures(self, paper: Paper | None) -> list[str]:
        """Pixel hashes of a paper's figures."""
        files = [figure.file for figure in self.workspace.figures(paper.paper_id) if figure.file] if paper else []
        return [self.workspace.pixel_hash(file) for file in files]

    def paper_for(self, document: Document, claim: Claim, known: Paper | None, beside: bool) -> tuple[Paper, int]:
        """The row of a local document, and the version it is: ``known``, a new one by DOI, or one by its digest.

        A document that prints no version is taken for the newest one known: that is what a person downloads.
        ``beside`` makes the row of a supplement; it has the paper's DOI, so that both stay in one group.
        """
        digest = sha256_file(document.pdf or document.jats) if document.pdf or document.jats else ""  # type: ignore[arg-type]
        if known and not beside:
            return known, claim.version or newest_version(known)
        if not claim.doi:
            return self.workspace.paper(ids.file_id(digest)) or Paper(ids.file_id(digest), "file", versions=(1,)), 1
        source, number = ids.source_of(claim.doi), claim.version or 1
        server = source if source in SERVERS else ""
        identity = ids.paper_id(source, claim.doi, number)
        if beside:
            identity = f"{known.paper_id if known else identity}-s{digest[:8]}"
            return Paper(identity, SUPPLEMENT, claim.doi, number, (number,), server=server), number
        return Paper(identity, source, claim.doi, number, (number,), server=server), number


def lost_figures(dropped: Iterable[Dropped], figures: Iterable[Figure]) -> list[Dropped]:
    """The labelled figures that were dropped and stand nowhere else."""
    found = {parent_key(label_key(figure.label)) for figure in figures if figure.file}
    keyed = {parent_key(label_key(one.what)): one for one in dropped if label_key(one.what)}
    return [one for key, one in keyed.items() if key not in found]


def _pair(found: "ExtractedFigure") -> dict[str, Any]:
    """How caption and picture came together, and how sure that is."""
    notes = found.provenance
    return {"pair": str(notes.get("pair", "")), "pair_score": float(notes.get("pair_score", 0.0))}


def unseen_figures(paper: Paper, figures: list[Figure], article: Article) -> list[Figure]:
    """The figures that only the JATS knows: with their words, without page, box and picture."""
    known = {label_key(figure.label) or figure.label for figure in figures}
    placeless = sum(figure.page is None for figure in figures)
    others = [figure for figure in by_label(article.figures) if (figure.key or figure.label) not in known]
    return [
        Figure(
            figure_id=ids.figure_id(paper.paper_id, None, placeless + number),
            paper_id=paper.paper_id,
            source_file=paper.source_file,
            label=figure.label,
            caption=figure.caption,
            mentions=figure.mentions,
            paragraphs=figure.paragraphs,
            licence=paper.licence,
            provenance={"rule": "jats-only", "graphics": list(figure.graphics), "version": paper.version},
        )
        for number, figure in enumerate(others, 1)
    ]


def _more_precise(listed: str, printed: str) -> str:
    """The listed licence, with the version that the printed notice adds where both say the same."""
    if not listed or licences.base(listed) == licences.base(printed):
        return max(listed, printed, key=len)
    return listed
