"""``audit.json`` (the contract's form) and ``audit.html`` (one file, pictures inside, each through the gate)."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from covidct import __version__
from covidct.audit.findings import SEVERITIES, Finding, as_json
from covidct.audit.run import Audit, summary
from covidct.audit.shortcut import Baseline
from covidct.files import write_text
from covidct.pictures import PictureError, open_grey, png_bytes
from covidct.release.read.gate import Form, Verdict, gate
from covidct.release.read.stats import release_stats

THUMBNAIL = 120
MAX_PICTURES = 8
"""Thumbnails a finding shows."""
MAX_LISTED = 40


def write_report(audit: Audit, out: Path, private: bool = False) -> None:
    """Write ``audit.json`` and ``audit.html`` below ``out``; ``private``: pictures without a licence, too."""
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "audit.json", json.dumps(as_document(audit), ensure_ascii=False, indent=1) + "\n")
    write_text(out / "audit.html", html(audit, private))


def as_document(audit: Audit) -> dict[str, Any]:
    """The JSON document: ``findings`` as in the contract, ``shortcuts``, ``associations``, ``skipped``, ``summary``."""
    return {
        "release": audit.title,
        "covidct": __version__,
        "summary": summary(audit),
        "findings": as_json(audit.findings),
        "shortcuts": [_baseline(one) for one in audit.baselines],
        "associations": [
            {"property": a.name, "by": a.by, "cramers_v": round(a.v, 4), "p": round(a.p, 4)} for a in audit.associations
        ],
        "skipped": audit.skipped,
    }


def html(audit: Audit, private: bool = False) -> str:
    """The report as one HTML page; every value from the release is escaped."""
    verdicts = gate(audit.release, Form.THUMBNAIL, private) if audit.release is not None else {}
    shown = _Thumbnails(audit.paths, verdicts)
    page = _templates().get_template("audit.html")
    return page.render(
        audit=audit,
        private=private,
        version=__version__,
        severities=SEVERITIES,
        counts={s: sum(f.severity == s for f in audit.findings) for s in SEVERITIES},
        stats=release_stats(audit.release) if audit.release is not None else {},
        baselines=[_baseline(one) for one in audit.baselines],
        findings=[
            {"finding": f, "pictures": shown.of(f), "more": max(0, len(f.images) - MAX_LISTED)} for f in audit.findings
        ],
        listed=MAX_LISTED,
        withheld=sum(not verdict.allowed for verdict in verdicts.values()),
        limits=LIMITS,
    )


LIMITS = (
    "How common or how severe the disease is: published cases are chosen, typical or severe.",
    "That a score reached here holds in a hospital: single slices of unknown window, no Hounsfield units.",
    "That a network reads disease, unless it clearly beats every shortcut baseline above, on images of both classes "
    "from the same sources.",
    "That labels are right beyond what was checked here: they rest on texts, not on tests of the people shown.",
    "Anything about people, scanners or countries that the sources do not cover.",
)


class _Thumbnails:
    """Thumbnails as data addresses, each made once, none that the gate keeps in."""

    def __init__(self, paths: Mapping[str, Path], verdicts: Mapping[str, Verdict]) -> None:
        self._paths, self._verdicts = paths, verdicts
        self._made: dict[str, str] = {}

    def of(self, finding: Finding) -> list[dict[str, str]]:
        """The first pictures of a finding that may be shown."""
        allowed = [i for i in finding.images if i in self._paths and self._verdicts[i].allowed]
        return [{"image": i, "data": self._data(i)} for i in allowed[:MAX_PICTURES]]

    def _data(self, image: str) -> str:
        if image not in self._made:
            try:
                self._made[image] = _thumbnail(self._paths[image])
            except PictureError:
                self._made[image] = ""
        return self._made[image]


def _thumbnail(path: Path) -> str:
    picture = Image.fromarray(open_grey(path))
    picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    return f"data:image/png;base64,{base64.b64encode(png_bytes(np.asarray(picture))).decode()}"


def _baseline(one: Baseline) -> dict[str, Any]:
    auc = one.auc
    return {
        "name": one.name,
        "split": one.split,
        "images": auc.images,
        "auc": round(auc.value, 4),
        "low": round(auc.low, 4),
        "high": round(auc.high, 4),
        "null": round(auc.null, 4),
        "p": round(auc.p, 4),
        "accuracy": round(one.accuracy, 4),
        "f1": round(one.f1, 4),
    }


def _templates() -> Environment:
    home = Path(__file__).parent / "templates"
    return Environment(loader=FileSystemLoader(home), autoescape=True, undefined=StrictUndefined)
