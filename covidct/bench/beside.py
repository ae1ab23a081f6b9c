"""The audit of a release, made once and kept, beside every score: shortcut classifiers as rows, findings as a table."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from covidct.bench import inputs
from covidct.bench.options import BenchOptions
from covidct.errors import UsageError
from covidct.files import write_text
from covidct.release.read import locate_images


@dataclass(frozen=True)
class Audited:
    """``shortcuts``: test rows ``name, accuracy, f1, auc, low, high`` of classifiers that never see anatomy.

    ``findings`` as in audit.json; ``skipped``: question to the reason why it was not asked.
    """

    shortcuts: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    skipped: dict[str, str]


def audited(options: BenchOptions) -> Audited:
    """The audit of ``--manifest`` without reading texts; without its pictures only what the tables tell."""
    release = inputs.the_release(options)
    try:
        pictures = bool(locate_images(release, options.images))
    except UsageError:
        pictures = False  # packed pictures train without the files that they were made from
    facts = [release.title, str(pictures), *release.images["sha256"], *release.images["split"]]
    key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    kept = inputs.cache_folder(options) / "audits" / f"{key}.json"
    if not kept.is_file():
        write_text(kept, json.dumps(asdict(_audit(options, pictures)), indent=1))
    return Audited(**json.loads(kept.read_text(encoding="utf-8")))


def _audit(options: BenchOptions, pictures: bool) -> Audited:
    from covidct.audit.findings import as_json
    from covidct.audit.run import Options, audit_release
    from covidct.release.read import default_release

    own = Options(images=options.images if pictures else None, ocr_per_class=0, network=False)
    found = audit_release(options.manifest or default_release(), own)
    rows = [
        {"name": one.name, "accuracy": one.accuracy, "f1": one.f1}
        | {"auc": one.auc.value, "low": one.auc.low, "high": one.auc.high}
        for one in found.baselines
        if one.split == "test"
    ]
    return Audited(rows, as_json(found.findings), found.skipped)
