"""The audit as a whole: every question asked of one release, and what came out of it."""

import logging
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from covidct.audit.blanked import EPOCHS, blanked_scores, blanked_stack, torch_available
from covidct.audit.cache import kept
from covidct.audit.captions import read_captions, texts_by_image
from covidct.audit.content import content_findings
from covidct.audit.contradictions import contradiction_findings, contradictions
from covidct.audit.distribution import (
    Association,
    association_findings,
    associations,
    confounding_findings,
    size_findings,
)
from covidct.audit.findings import Finding, ordered
from covidct.audit.leaks import duplicate_findings, find_twins, label_spread_findings, torn_findings
from covidct.audit.seen import Seen, look
from covidct.audit.shortcut import Baseline, score_baseline, shortcut_baselines, shortcut_findings
from covidct.audit.structure import fault_findings, identity_findings, licence_findings, withdrawn_findings
from covidct.audit.texts import read_pictures, sample, text_findings
from covidct.errors import CovidctError
from covidct.imaging.ocr import ocr_available
from covidct.progress import quiet
from covidct.release.read import Release, read_release
from covidct.release.read.archive import unpacked
from covidct.release.read.locate import find_images, images_root
from covidct.release.read.validate import picture_faults, validate_release
from covidct.scaling import scaled
from covidct.tables import say

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """What to look at. ``ocr_per_class``: pictures of each class that are read for text; None reads all, 0 none."""

    images: Path | None = None
    captions: Path | None = None
    ocr_per_class: int | None = 40
    network: bool = True
    seed: int = 0
    rounds: int = 1000
    workers: int = 1


@dataclass
class Audit:
    """Findings, the tables behind them, and what was not asked and why."""

    title: str
    findings: list[Finding]
    release: Release | None = None
    baselines: list[Baseline] = field(default_factory=list)
    associations: list[Association] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    """Question to the reason why it was not asked."""


def audit_release(source: Path | str, options: Options) -> Audit:
    """Audit a release (folder, archive or URL). A release that breaks its schema is audited for that alone."""
    read = None if options.ocr_per_class is None else scaled(options.ocr_per_class)
    options = replace(options, ocr_per_class=read, rounds=scaled(options.rounds, LEAST_ROUNDS))
    folder = unpacked(source)
    faults = validate_release(folder)
    try:
        release = read_release(folder)
    except CovidctError as error:
        return Audit(str(source), ordered(fault_findings(faults)), skipped={"all else": str(error)})
    audit = Audit(release.title, [], release)
    root = _root(release, options, audit)
    if root is not None:
        _stage("checksums")
        faults += picture_faults(release, root, options.workers)
        audit.paths = find_images(release, root)[0]
    audit.findings += [*fault_findings(faults, release.images), *_table_findings(release)]
    audit.findings += _caption_findings(release, options, audit)
    _stage("pictures")
    seen, failed = look(audit.paths, options.workers)
    audit.paths = {image: path for image, path in audit.paths.items() if image not in failed}
    audit.findings += [*content_findings(release.images, seen), *_picture_findings(release, audit, options)]
    audit.findings += _statistics(release, seen, audit, options)
    audit.findings = ordered(audit.findings)
    return audit


def _root(release: Release, options: Options, audit: Audit) -> Path | None:
    """The folder of pictures; None, and a note, where none was named and none is in the cache."""
    try:
        return images_root(release, options.images)
    except CovidctError as error:
        if options.images is not None:
            raise
        audit.skipped["pictures"] = str(error)
        return None


def _table_findings(release: Release) -> Iterator[Finding]:
    images = release.images
    yield from torn_findings(images)
    yield from label_spread_findings(images)
    yield from licence_findings(images)
    yield from identity_findings(images)
    yield from withdrawn_findings(images, release.withdrawn)
    yield from confounding_findings(images)
    yield from size_findings(images)


def _caption_findings(release: Release, options: Options, audit: Audit) -> Iterator[Finding]:
    if options.captions is None:
        audit.skipped["labels against captions"] = "no --captions FILE; titles alone were read"
    texts = texts_by_image(release.images, release.papers, read_captions(options.captions) if options.captions else {})
    yield from contradiction_findings(contradictions(release.images, texts), release.images)


def _picture_findings(release: Release, audit: Audit, options: Options) -> Iterator[Finding]:
    if not audit.paths:
        return
    _stage("duplicates")
    yield from duplicate_findings(find_twins(audit.paths), release.images)
    if options.ocr_per_class == 0 or not ocr_available():
        audit.skipped["burnt-in text"] = "not asked for" if ocr_available() else "the extra 'ocr' is not installed"
        return
    ids = sample(release.images[release.images["image_id"].isin(audit.paths)], options.ocr_per_class)
    if len(ids) < len(audit.paths):
        audit.skipped["burnt-in text"] = (
            f"{len(ids)} of {len(audit.paths)} pictures were read; --ocr-all reads them all"
        )
    yield from text_findings(read_pictures(audit.paths, ids), release.images)


def _statistics(release: Release, seen: dict[str, Seen], audit: Audit, options: Options) -> Iterator[Finding]:
    images = release.images
    audit.associations = associations(images, seen, options.seed)
    yield from association_findings(audit.associations, images)
    _stage("shortcut baselines")
    audit.baselines = shortcut_baselines(images, seen, options.seed, options.workers, options.rounds)
    audit.baselines += _network(images, seen, audit, options)
    if not audit.baselines:
        audit.skipped["shortcut baselines"] = "train needs at least 20 images and two groups of each class"
    yield from shortcut_findings(audit.baselines)


LEAST_ROUNDS = 100
_BLANKED = ("covidct.audit.blanked", "covidct.imaging.lung", "covidct.pictures")
_DECIDES = ("image_id", "label", "split", "group_id")


def _network(images: pd.DataFrame, seen: Mapping[str, Seen], audit: Audit, options: Options) -> list[Baseline]:
    here = images[images["image_id"].isin(audit.paths)].reset_index(drop=True)
    if not audit.baselines or here.empty:
        return []
    if not options.network or not torch_available():
        audit.skipped["network on blanked lungs"] = "not asked for" if torch_available() else "no extra 'train' here"
        return []
    key = ["\t".join(map(str, row)) for row in here[list(_DECIDES)].itertuples(index=False)]
    key += [str(options.seed), str(scaled(EPOCHS)), *(seen[image].sha256 for image in here["image_id"])]
    found = kept("blanked", _BLANKED, key, lambda: _blanked(here, audit, options.seed))
    scores = None if found is None else np.asarray(found, dtype=np.float64)
    return (
        [] if scores is None else score_baseline("network, lungs blanked", scores, here, options.seed, options.rounds)
    )


def _stage(name: str) -> None:
    """Which part of an audit is under way: a line on a terminal, else for ``-v``."""
    log.info("audit: %s", name)
    if sys.stderr.isatty() and not quiet():
        say(f"audit: {name} …", err=True)


def _blanked(here: pd.DataFrame, audit: Audit, seed: int) -> list[float] | None:
    _stage("network on blanked lungs")
    stack = blanked_stack({image: audit.paths[image] for image in here["image_id"]})
    scores = blanked_scores(stack, here, seed)
    return None if scores is None else [float(score) for score in scores]


def summary(audit: Audit) -> dict[str, Any]:
    """Counts of findings by severity and kind."""
    counts: dict[str, dict[str, int]] = {}
    for found in audit.findings:
        kinds = counts.setdefault(found.severity, {})
        kinds[found.kind] = kinds.get(found.kind, 0) + 1
    return counts
