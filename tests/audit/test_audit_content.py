"""An audit looks at the pictures themselves, knows forms of a release, and remembers what it has read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from covidct.audit import seen as readings
from covidct.audit.cache import kept
from covidct.audit.content import LIMITS, letter_findings
from covidct.audit.run import Audit, Options, audit_release
from covidct.audit.structure import fault_findings
from covidct.cli import run
from covidct.curate.judge import LIMITS as ENTRY
from covidct.imaging.triage import LIMITS as TRIAGE
from covidct.release.read import read_release
from covidct.release.read.validate import validate_release

MakePlan = Callable[..., Any]


def audited(release: Path, images: Path) -> Audit:
    return audit_release(release, Options(images, None, ocr_per_class=0, network=False, rounds=50))


def chart() -> Image.Image:
    """Bars in three colours with axes on white paper."""
    picture = Image.new("RGB", (300, 240), "white")
    draw = ImageDraw.Draw(picture)
    draw.line((30, 10, 30, 210, 290, 210), fill="black", width=2)
    for k, colour in enumerate(("red", "green", "blue", "orange", "purple")):
        draw.rectangle((45 + 48 * k, 200 - 35 * (k + 1), 80 + 48 * k, 209), fill=colour)
        draw.text((50 + 48 * k, 215), f"{k}0 %", fill="black")
    return picture


def test_the_limits_are_those_of_a_panel_that_enters_unseen() -> None:
    assert (LIMITS.side, LIMITS.kind_score) == (ENTRY.side, ENTRY.kind_score)
    assert LIMITS.colour >= TRIAGE.coloured, "what the audit finds coloured never entered unseen"


def test_a_chart_a_tick_label_and_a_colour_map_are_found(make_plan: MakePlan, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    plan = make_plan(groups=8)
    first, second, third = (str(row["image_id"]) for row in plan.rows[:3])
    plan.pictures[first] = chart()
    plan.pictures[second] = plan.pictures[second].resize((41, 33))
    grey = np.asarray(plan.pictures[third].convert("L"))
    plan.pictures[third] = Image.fromarray(np.stack([grey, 255 - grey, grey // 2], axis=2))
    release, images = plan.write()
    found = {one.kind: set(one.images) for one in audited(release, images).findings}
    assert found["tiny-picture"] == {second}
    assert {first, third} <= found["coloured-picture"]
    assert first in found["no-ct"]
    assert found["no-ct"] <= {first, second, third}
    assert [line for line in caplog.messages if line.startswith("audit: ")] == [
        *("audit: checksums", "audit: pictures", "audit: duplicates", "audit: shortcut baselines")
    ]


def test_letters_that_were_inferred_are_a_finding() -> None:
    evidence = ["rule=x letter=inferred", "rule=x letter=read", "letter=inferred", ""]
    rows = {"image_id": list("abcd"), "paper_id": ["p"] * 4, "label_evidence": evidence}
    found = list(letter_findings(pd.DataFrame(rows)))
    assert [(one.kind, one.images) for one in found] == [("inferred-letter", ("a", "c"))]
    assert not list(letter_findings(pd.DataFrame({**rows, "label_evidence": [""] * 4})))


@pytest.mark.parametrize("inner", [False, True])
def test_the_masked_form_is_known_as_such(make_plan: MakePlan, tmp_path: Path, inner: bool) -> None:
    plan = make_plan(groups=8)
    for row in plan.rows:
        row |= {"artifacts": "identifying=no text=1 boxes=text:4,4,30,12", "licence": "cc0"}
    release, images = plan.write()
    out = tmp_path / "masked"
    call = ["manifest", "materialize", str(release), "--images", str(images), "--out", str(out), "--masked"]
    assert run(call) == 0
    folder = out / "images" if inner else out
    assert validate_release(release, folder) == []
    (out / "materialized.csv").unlink()  # as somebody hands it on
    faults = validate_release(release, folder)
    assert len(faults) == len(plan.rows)
    found = list(fault_findings(faults, read_release(release).images))
    assert [(one.kind, one.severity, one.count) for one in found] == [("other-form", "note", len(plan.rows))]


def test_many_faults_of_one_kind_are_one_finding(make_plan: MakePlan) -> None:
    plan = make_plan(groups=12)
    release, images = plan.write()
    for row in plan.rows[:20]:
        (images / str(row["file"])).unlink()
    found = list(fault_findings(validate_release(release, images), read_release(release).images))
    assert [(one.kind, one.count) for one in found] == [("image-missing", 20)]
    assert "and 16 more" in found[0].evidence


def test_what_was_read_is_not_read_again(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    _, images = make_plan(groups=3).write()
    before, failed = readings.look({"a": images / "x.png"} | _paths(images))
    assert set(failed) == {"a"}
    monkeypatch.setattr(readings, "_reading", lambda *_: pytest.fail("read again"))
    assert readings.look(_paths(images))[0] == before


def _paths(images: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(images.rglob("*.png"))}


def test_the_cache_forgets_with_its_code_and_bears_damage(tmp_path: Path) -> None:
    calls: list[int] = []

    def find() -> int:
        calls.append(1)
        return len(calls)

    assert kept("x", ["covidct.audit.cache"], ["k"], find) == kept("x", ["covidct.audit.cache"], ["k"], find) == 1
    assert kept("x", ["covidct.audit.seen"], ["k"], find) == 2
    for path in (tmp_path / "cache").rglob("*.json"):
        path.write_text("{")
    assert kept("x", ["covidct.audit.cache"], ["k"], find) == 3
    assert json.loads(next(p for p in (tmp_path / "cache").rglob("*.json") if p.read_text() == "3").read_text()) == 3
