"""From the decisions of a workspace to a draft: what is in force, nothing else; same workspace, same draft."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from covidct.errors import CovidctError
from covidct.files import sha256_bytes
from covidct.profiles import current
from covidct.progress import progress
from covidct.records import CLASSES, Box, Decision, Figure, Panel, Paper
from covidct.release.make.covid_ct import age_band
from covidct.release.make.policy import Leave, Objection, image_objections, settle
from covidct.release.make.split import DEFAULT_RATIOS, leak_groups, split_images
from covidct.release.make.tables import paper_table, patient_table
from covidct.release.make.write import Draft, earlier_versions, old_test_ids
from covidct.release.read.classes import NAMES
from covidct.release.read.facts import facts, picture_hash
from covidct.release.read.gate import normal_licence
from covidct.release.read.schema import FIGURE_BOX, IMAGE_COLUMNS, MAX_TEXT, PANEL_BOX, WITHDRAWN_COLUMNS
from covidct.workspace import Workspace
from covidct.workspace.accepted import waits

_CROP_BELOW = 0.98
"""A panel that covers less of its figure than this is a crop."""
_MAX_BOXES = 60


@dataclass(frozen=True)
class Order:
    """What is asked for: name, version, date, shares of the splits, seed, what may be done about objections."""

    name: str
    version: str
    date: str
    ratios: Sequence[float] = DEFAULT_RATIOS
    seed: int = 0
    leave: Leave = field(default_factory=Leave)


@dataclass(frozen=True)
class View:
    """The workspace as a release sees it: decisions in force by panel, curators' pseudonyms."""

    papers: Mapping[str, Paper]
    figures: Mapping[str, Figure]
    labels: Mapping[str, Decision]
    masks: Mapping[str, Decision]
    patients: Mapping[str, Decision]
    rejected: frozenset[str]
    accepted: frozenset[str]
    """Panels that a curator threw out, and took."""
    crowded: frozenset[str]
    """Figures with more than one panel."""
    pseudonyms: Mapping[str, str]
    licences: Mapping[str, Decision]
    """By paper, where a person read it."""


def draft_from_workspace(workspace: Workspace, order: Order, manifests: Path) -> Draft:
    """The draft of a release; objections that nobody waived, or nothing to release, are errors."""
    view = _view(workspace)
    chosen, excluded = _choose(workspace, view)
    chosen, objections = _without_copies(workspace, chosen, excluded)
    if not chosen:
        raise CovidctError(f"{workspace.folder}: no panel is an accepted axial CT slice with a label; curate first")
    rows = [_row(panel, view, workspace) for panel in progress(chosen, "pictures")]
    images = pd.DataFrame(rows, columns=IMAGE_COLUMNS).sort_values("image_id", ignore_index=True)
    objections += [*_conflicts(workspace, set(images["image_id"])), *image_objections(images)]
    images, settled = settle(objections, order.leave, images)
    same_doi = [(i, f"\x7fdoi:{doi}") for i, doi in zip(images["image_id"], images["doi"], strict=True) if doi]
    # a supplement is a row of its own with its paper's DOI
    images.attrs[NAMES] = classes = (current().negative, current().positive)
    images["group_id"] = leak_groups(images, [*_links(workspace, set(images["image_id"])), *same_doi])
    old = old_test_ids(earlier_versions(manifests, order.name, order.version))
    images["split"], fit = split_images(images, order.ratios, order.seed, old)
    about = {
        **settled,
        **({NAMES: list(classes)} if classes != CLASSES else {}),
        "excluded": dict(sorted(excluded.items())),
        "origin": {"tool": "manifest build", "decisions": workspace.fingerprint()},
        "split": {"ratios": list(order.ratios), "seed": order.seed, "cost": fit.cost},
    }
    tables = paper_table(images, _paper_facts(view)), patient_table(images, _patient_notes(view))
    return Draft(order.name, order.version, order.date, images, *tables, _withdrawn(workspace), about)


_UNSURE_PATIENTS = {
    "perhaps-several": "perhaps several people: the caption speaks of patients and has several panels",
    "not-told-apart": "several people whom the text does not tell apart",
    "one-a-figure": "assumed: nobody is told of, one patient for each figure",
}


def _patient_notes(view: View) -> dict[str, str]:
    """What is not known of a patient, by patient id."""
    rules = {str(d.value): str(d.evidence.get("rule", "")) for d in view.patients.values()}
    return {patient: _UNSURE_PATIENTS[rule] for patient, rule in rules.items() if rule in _UNSURE_PATIENTS}


def _view(workspace: Workspace) -> View:
    panels = Counter(panel.figure_id for panel in workspace.panels())
    accepts = workspace.current_all("panel", "accept")
    curators = dict.fromkeys(d.by for d in workspace.decisions(by="curator:"))
    return View(
        papers={paper.paper_id: paper for paper in workspace.papers()},
        figures={figure.figure_id: figure for figure in workspace.figures()},
        labels=workspace.current_all("panel", "label"),
        masks=workspace.current_all("panel", "mask"),
        patients=workspace.current_all("panel", "patient"),
        rejected=frozenset(key for key, decision in accepts.items() if decision.value is False),
        accepted=frozenset(key for key, decision in accepts.items() if decision.value is True),
        crowded=frozenset(figure for figure, count in panels.items() if count > 1),
        licences=workspace.current_all("paper", "licence"),
        pseudonyms={name: f"curator-{number}" for number, name in enumerate(curators, 1)},
    )


def _choose(workspace: Workspace, view: View) -> tuple[list[Panel], Counter[str]]:
    """Panels that a release takes, and why the others stay out (counted)."""
    chosen: list[Panel] = []
    excluded: Counter[str] = Counter()
    withdrawn = {stone.entity_id for stone in workspace.withdrawn()}
    for panel in workspace.panels():
        reason = _why_not(panel, view, withdrawn)
        if reason:
            excluded[reason] += 1
        else:
            chosen.append(panel)
    return chosen, excluded


def _why_not(panel: Panel, view: View, withdrawn: set[str]) -> str:
    if panel.panel_id in withdrawn or view.figures[panel.figure_id].paper_id in withdrawn:
        return "withdrawn"
    if panel.panel_id in view.rejected:
        return "rejected by a curator"
    if panel.kind != current().picture:
        return f"triaged as {panel.kind or 'nothing yet'}"
    if panel.label not in ("positive", "negative"):
        return f"label is {panel.label or 'not decided'}"
    reason = waits(view.labels.get(panel.panel_id), view.accepted, view.masks.get(panel.panel_id))
    return f"waits for review: {reason}" if reason else ""


def _without_copies(
    workspace: Workspace, chosen: list[Panel], excluded: Counter[str]
) -> tuple[list[Panel], list[Objection]]:
    """Of two panels that were decided to be the same picture the first stays; two labels for one are an objection."""
    labels = {panel.panel_id: panel.label for panel in chosen}
    dropped: set[str] = set()
    objections: list[Objection] = []
    for pair, decision in sorted(workspace.current_all("pair", "duplicate").items()):
        a, b = pair.split("|", 1)
        if decision.value is not True or a not in labels or b not in labels:
            continue
        if labels[a] != labels[b]:
            objections.append(Objection("duplicate-labels", (a, b)))
        elif a not in dropped:
            dropped.add(b)
            excluded["duplicate of another image"] += 1
    return [panel for panel in chosen if panel.panel_id not in dropped], objections


def _links(workspace: Workspace, images: set[str]) -> Iterator[tuple[str, str]]:
    """Pairs that must stay together: found near-duplicates that nobody denied, and people's 'same patient'."""
    denied = {key for key, d in workspace.current_all("pair", "duplicate").items() if d.value is False}
    same = {key for key, d in workspace.current_all("pair", "same_patient").items() if d.value is True}
    found = {pair.pair_id for pair in workspace.pairs()} - denied
    for key in sorted(found | same):
        a, b = key.split("|", 1)
        if a in images and b in images:
            yield a, b


def _conflicts(workspace: Workspace, images: set[str]) -> list[Objection]:
    found = []
    for _, entity_id, what, _ in workspace.conflicts():
        here = tuple(image for image in entity_id.split("|", 1) if image in images)
        found += [Objection("undecided-conflicts", here, what)] if here else []
    return found


def _row(panel: Panel, view: View, workspace: Workspace) -> dict[str, object]:
    figure = view.figures[panel.figure_id]
    paper = view.papers[figure.paper_id]
    path = workspace.path(panel.file)
    seen = facts(path)
    row: dict[str, object] = dict.fromkeys(IMAGE_COLUMNS, "")
    row |= {
        "image_id": panel.panel_id,
        "file": f"images/{panel.panel_id}.png",
        "label": current().positive if panel.label == "positive" else current().negative,
        "patient_id": re.sub(r"[^A-Za-z0-9._-]+", "_", panel.patient_id).strip("._-"),
        "source": re.sub(r"[^A-Za-z0-9._-]+", "_", paper.source),
        "paper_id": paper.paper_id,
        "doi": paper.doi,
        "version": paper.version,
        "licence": _licence(figure, paper, view),
        "figure_label": figure.label,
        "panel_label": panel.panel_label,
        "page": "" if figure.page is None else figure.page,
        **_corners(FIGURE_BOX, figure.box),
        **_corners(PANEL_BOX, panel.box if panel.box[2] > panel.box[0] and panel.box[3] > panel.box[1] else None),
        "width": seen.width,
        "height": seen.height,
        "sha256": seen.sha256,
        "phash": picture_hash(path),
        "plane": "axial",
        **_person(view.patients.get(panel.panel_id)),
        **_label_source(view.labels.get(panel.panel_id), panel, figure, view),
        "artifacts": _artifacts(panel, figure, view),
    }
    return row


def _corners(columns: Sequence[str], box: Box | None) -> dict[str, str]:
    values = [""] * 4 if box is None else [f"{round(value, 2):.10g}" for value in box]
    return dict(zip(columns, values, strict=True))


def _person(decision: Decision | None) -> dict[str, str]:
    """Age as a band and sex, where the patient rules read them in the text."""
    evidence = {} if decision is None else decision.evidence
    age, sex = evidence.get("age"), evidence.get("sex")
    band = age_band(str(int(age))) if isinstance(age, int | float) else ""
    return {"age_band": band, "sex": sex if sex in ("F", "M") else ""}


def _licence(figure: Figure, paper: Paper, view: View) -> str:
    decided = view.licences.get(paper.paper_id)
    text = str(decided.value) if decided is not None else figure.licence or paper.licence
    return normal_licence(text) if text else ""


def _label_source(decision: Decision | None, panel: Panel, figure: Figure, view: View) -> dict[str, str]:
    """Who labelled, and on what: rule, offsets into the caption, its hash, how the letter came; never its text."""
    if decision is None:
        return {"label_by": "", "label_evidence": ""}
    offsets = [f"{key}={decision.evidence[key]}" for key in ("rule", "start", "end") if key in decision.evidence]
    digest = sha256_bytes(figure.caption.encode())[:16]
    letter = [f"letter={panel.letter_by}"] if panel.panel_label and panel.letter_by != "none" else []
    return {
        "label_by": view.pseudonyms.get(decision.by, decision.by),
        "label_evidence": " ".join([*offsets, f"caption-sha256={digest}", *letter])[:MAX_TEXT],
    }


def _artifacts(panel: Panel, figure: Figure, view: View) -> str:
    """``identifying=…  crop=…  text=n  boxes=kind:x0,y0,x1,y1;…`` (pixels of the image)."""
    decision = view.masks.get(panel.panel_id)
    value = decision.value if decision is not None and isinstance(decision.value, dict) else {}
    parts = [f"identifying={value['identifying']}"] if value.get("identifying") in {"yes", "no"} else []
    parts += ["crop=1"] if _is_crop(panel, figure, view) else []
    boxes = [box for box in value.get("boxes", []) if len(box.get("box", [])) == 4]
    parts += [f"{kind}={count}" for kind, count in sorted(Counter(box["kind"] for box in boxes).items())]
    if boxes:
        listed = [f"{box['kind']}:{','.join(f'{v:g}' for v in box['box'])}" for box in boxes[:_MAX_BOXES]]
        parts.append(f"boxes={';'.join(listed)}")
    return " ".join(parts)[:MAX_TEXT]


def _is_crop(panel: Panel, figure: Figure, view: View) -> bool:
    x0, y0, x1, y1 = panel.box
    whole = figure.width * figure.height
    return panel.figure_id in view.crowded or (whole > 0 and (x1 - x0) * (y1 - y0) < _CROP_BELOW * whole)


def _paper_facts(view: View) -> dict[str, dict[str, str]]:
    return {
        key: {"title": paper.title[:MAX_TEXT], "date": paper.date[:10], "server": paper.server or paper.source}
        for key, paper in view.papers.items()
    }


def _withdrawn(workspace: Workspace) -> pd.DataFrame:
    rows = [{"entity": s.entity, "entity_id": s.entity_id, "reason": s.reason} for s in workspace.withdrawn()]
    return pd.DataFrame(rows, columns=WITHDRAWN_COLUMNS)


def pictures_and_masks(workspace: Workspace) -> tuple[dict[str, Path], dict[str, Path]]:
    """(pictures, masks) of a workspace's panels by panel id, which is the image id of its releases."""
    pictures = {panel.panel_id: workspace.path(panel.file) for panel in workspace.panels() if panel.file}
    values = {key: d.value for key, d in workspace.current_all("panel", "mask").items() if isinstance(d.value, dict)}
    return pictures, {key: workspace.path(value["mask"]) for key, value in values.items() if value.get("mask")}
