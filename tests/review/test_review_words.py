"""From the page's actions to the journal: once each, undone by adding, carried through after a crash."""

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import review_corpus
from PIL import Image, ImageDraw

from covidct.curate.review.items import evidence_spans, highlights, panel_item
from covidct.curate.review.shown import picture
from covidct.curate.review.words import Scribe
from covidct.curate.steps import SPLIT
from covidct.errors import UsageError
from covidct.imaging.overlays.find import paint_over
from covidct.records import Decision
from covidct.steps import drive
from covidct.workspace.queues import record
from covidct.workspace.workspace import Workspace


class Desk:
    """A scribe with a fresh key for every action, unless the test gives one."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace, self.changes, self.number = workspace, 0, 0
        self.scribe = Scribe(workspace, self.changed)

    def changed(self) -> None:
        self.changes += 1

    def act(self, curator: str = "dana", key: str = "", **body: object) -> str:
        self.number += 1
        key = key or f"key-{self.number:06d}"
        self.scribe.act({"key": key, "curator": curator, **body})
        return key

    def label(self, panel: str, value: str, **more: Any) -> str:
        return self.act(decisions=[one(panel, "label", value)], do="decide", **more)


def one(entity_id: str, field: str, value: object, entity: str = "panel", **more: object) -> Mapping[str, object]:
    return {"entity": entity, "entity_id": entity_id, "field": field, "value": value, **more}


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    return Desk(workspace)


@pytest.fixture
def panel(workspace: Workspace) -> str:
    return workspace.panels()[0].panel_id


def people(workspace: Workspace) -> list[Decision]:
    return workspace.decisions(by="curator:")


def test_same_key_is_written_once(desk: Desk, workspace: Workspace, panel: str) -> None:
    for value in ("negative", "negative", "positive"):
        desk.label(panel, value, key="the-same-key", seconds=4)
    assert [(d.value, d.seconds) for d in people(workspace)] == [("negative", 4.0)]


def test_bulk_is_all_or_nothing(desk: Desk, workspace: Workspace, panel: str) -> None:
    with pytest.raises(UsageError, match="not in the workspace"):
        desk.act(do="decide", decisions=[one(panel, "label", "negative"), one("gone", "label", "negative")])
    assert not people(workspace)


def test_seconds_of_a_bulk_are_shared_out(desk: Desk, workspace: Workspace) -> None:
    panels = [p.panel_id for p in workspace.panels()[:4]]
    desk.act(do="decide", seconds=10, decisions=[one(p, "label", "negative") for p in panels])
    assert [d.seconds for d in people(workspace)] == [2.5] * 4


def test_undo_and_undo_of_undo(desk: Desk, workspace: Workspace, panel: str) -> None:
    before = workspace.panel(panel).label
    said = desk.label(panel, "negative" if before != "negative" else "positive")
    undone = desk.act(do="undo", of=said)
    assert workspace.panel(panel).label == before
    desk.act(do="undo", of=undone)
    assert workspace.panel(panel).label != before
    assert [d.undoes is None for d in people(workspace)] == [True, False, False]


def test_nobody_undoes_anothers_word(desk: Desk, panel: str) -> None:
    said = desk.label(panel, "negative")
    with pytest.raises(UsageError, match="only what that curator said"):
        desk.act(curator="kim", do="undo", of=said)


def test_conflict_settled_by_a_word_that_resolves(desk: Desk, workspace: Workspace, panel: str) -> None:
    desk.label(panel, "negative")
    desk.label(panel, "positive", curator="kim")
    item = panel_item(workspace, panel)
    assert item is not None and [w["by"] for w in item["conflicts"][0]["words"]] == ["curator:kim", "curator:dana"]
    desk.act(do="decide", decisions=[one(panel, "label", "positive", resolves=True)])
    item = panel_item(workspace, panel)
    assert item is not None and not item["conflicts"]


def test_identifying_keeps_the_marks(desk: Desk, workspace: Workspace, panel: str) -> None:
    before = workspace.current("panel", panel)["mask"].value
    desk.act(do="decide", decisions=[one(panel, "identifying", "yes")])
    assert workspace.current("panel", panel)["mask"].value == {**before, "identifying": "yes"}


def boxes(workspace: Workspace, figure: str) -> list[list[float]]:
    return [list(p.box) for p in workspace.panels(figure)]


NEW = [{"label": "A", "box": [5, 5, 300, 230]}, {"label": "B", "box": [5, 240, 300, 480]}]


def test_boxes_make_panels_and_undo_brings_the_old_ones_back(desk: Desk, workspace: Workspace, panel: str) -> None:
    figure = workspace.panel(panel).figure_id
    before = {p.panel_id: (p.box, workspace.pixel_hash(p.file), p.label) for p in workspace.panels(figure)}
    said = desk.act(do="boxes", figure_id=figure, boxes=NEW)
    assert boxes(workspace, figure) == [item["box"] for item in NEW]
    desk.act(do="undo", of=said)
    now = {p.panel_id: (p.box, workspace.pixel_hash(p.file), p.label) for p in workspace.panels(figure)}
    assert now == before
    assert desk.changes == 2


def test_drawn_boxes_stand_when_the_split_step_comes_by(tmp_path: Path) -> None:
    with review_corpus.build(tmp_path / "ws", papers=1) as ws:
        figure = ws.figures()[0].figure_id
        Desk(ws).act(do="boxes", figure_id=figure, boxes=NEW)
        Desk(ws).act(
            do="mask", panel_id=ws.panels(figure)[0].panel_id, mask=painted((295, 225), (5, 5, 9, 9)), key="m" * 9
        )
        before = [(p.panel_id, p.box, p.sub_caption, ws.pixel_hash(p.file)) for p in ws.panels(figure)]
        drive(ws, SPLIT)
        assert [(p.panel_id, p.box, p.sub_caption, ws.pixel_hash(p.file)) for p in ws.panels(figure)] == before
        assert ws.current("panel", before[0][0])["mask"].by == "curator:dana"
        assert "year-old" in before[0][2]


def test_boxes_follow_after_a_crash_between_word_and_crop(desk: Desk, workspace: Workspace, panel: str) -> None:
    """SIGKILL between the journal and the files: the page sends again, and the crops are made then."""
    figure = workspace.panel(panel).figure_id
    record(
        workspace, "crashed-key", [Decision("figure", figure, "panels", NEW, "curator:dana", evidence={"before": []})]
    )
    assert len(workspace.panels(figure)) == 4
    desk.act(key="crashed-key", do="boxes", figure_id=figure, boxes=NEW)
    assert boxes(workspace, figure) == [item["box"] for item in NEW]
    assert len(people(workspace)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        "x",
        [{"box": [0, 0, 5, 5]}],
        [{"box": [0, 0, 90]}],
        [{"box": [0, 0, "9", 90]}],
        [{"box": [9e9, 0, 90, 90]}],
        [{"box": [0, 0, float("nan"), 90]}],
        [{"label": "too long", "box": [0, 0, 90, 90]}],
        [{"label": "A", "box": [-90, -90, -10, -10]}],
        [{"box": [0, 0, 90, 90]}] * 201,
    ],
)
def test_bad_boxes(desk: Desk, workspace: Workspace, panel: str, wrong: object) -> None:
    with pytest.raises(UsageError):
        desk.act(do="boxes", figure_id=workspace.panel(panel).figure_id, boxes=wrong)
    assert not people(workspace) and len(workspace.panels(workspace.panel(panel).figure_id)) == 4


def test_boxes_are_kept_inside_the_figure(desk: Desk, workspace: Workspace, panel: str) -> None:
    figure = workspace.figure(workspace.panel(panel).figure_id)
    desk.act(do="boxes", figure_id=figure.figure_id, boxes=[{"label": "", "box": [-40, 3.4, 99999, 99999]}])
    assert boxes(workspace, figure.figure_id) == [[0, 3, figure.width, figure.height]]


def painted(size: tuple[int, int], box: tuple[int, int, int, int]) -> str:
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rectangle(box, fill=255)
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_painted_mask_hides_only_what_was_painted(desk: Desk, workspace: Workspace, panel: str) -> None:
    known = workspace.panel(panel)
    desk.act(do="mask", panel_id=panel, mask=painted((known.width, known.height), (50, 60, 79, 99)))
    value = workspace.current("panel", panel)["mask"].value
    assert value["boxes"] == [{"kind": "marker", "box": [50, 60, 80, 100]}]
    before = np.asarray(Image.open(workspace.path(known.file)))
    after = np.asarray(Image.open(workspace.path(value["masked"])))
    changed = np.argwhere((before != after).any(axis=-1) if before.ndim == 3 else before != after)
    assert before.shape == after.shape and len(changed)
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert (top, left) >= (60, 50) and bottom <= 99 and right <= 79


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16", "LA"])
def test_every_mode_can_be_masked(mode: str) -> None:
    saved = io.BytesIO()
    Image.new(mode, (40, 30)).save(saved, "PNG")
    mask = np.zeros((30, 40), np.bool_)
    assert paint_over(picture(saved.getvalue()), mask).shape[:2] == (30, 40)
    mask[5, 5] = True
    assert paint_over(picture(saved.getvalue()), mask).dtype == np.uint8


MENTION = ("mention0", (0, 5))
CAPTION_START = ("caption", (0, 6))
TEXTS = {
    "sub_caption": "A: RT-PCR negative",
    "caption": "Figure. A: RT-PCR negative; B: other",
    "mention0": "see B",
    "mention1": "over two\n lines",
}


@pytest.mark.parametrize(
    ("evidence", "found"),
    [
        ({"part": "caption", "start": 11, "end": 26}, [("caption", (11, 26))]),
        ({"where": "mention0", "offsets": [4, 5]}, [("mention0", (4, 5))]),
        ({"quote": "RT-PCR negative"}, [("sub_caption", (3, 18))]),
        ({"part": "caption", "start": 0, "end": 6, "quote": "RT-PCR negative"}, [("caption", (11, 26))]),
        ({"spans": [{"part": "caption", "offsets": [0, 6]}, {"quote": "see B"}, 7]}, [CAPTION_START, MENTION]),
        ({"source": "context", "start": 0, "end": 1, "text": "B"}, [("mention0", (4, 5))]),
        ({"source": "mention1", "start": 0, "end": 15, "text": "over two lines"}, [("mention1", (0, 15))]),
        ({"part": "caption", "start": 5, "end": 999}, []),
        ({"part": "nowhere", "start": 0, "end": 5}, []),
        ({"part": "caption", "start": "0", "end": None}, []),
        ({"quote": "not there"}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_evidence_is_found_in_the_texts(evidence: Mapping[str, Any], found: list[object]) -> None:
    assert evidence_spans(TEXTS, evidence) == found


def test_highlights_do_not_overlap() -> None:
    spans = [(0, 6), (4, 9), (11, 26)]
    decisions = [
        Decision("panel", "p", "label", "x", "rule:r@1", evidence={"part": "caption", "start": a, "end": b})
        for a, b in spans
    ]
    assert highlights(TEXTS, decisions) == {"caption": [[0, 6, "label"], [11, 26, "label"]]}


def test_item_names_no_files_and_says_when_copies_are_not_allowed(workspace: Workspace) -> None:
    licences = {}
    for known in workspace.panels()[::8]:
        item = panel_item(workspace, known.panel_id)
        assert item is not None and "files/" not in str(item["current"]) + str(item["history"])
        licences[item["paper"]["licence"]] = item["paper"]["no_copies"]
    assert licences == {"cc-by-4.0": False, "cc-by-nc-nd-4.0": True, "cc0-1.0": False, "": True, "cc-by-nc-4.0": False}
    assert panel_item(workspace, "gone") is None


def test_own_part_of_the_caption_takes_the_highlights_along(workspace: Workspace, panel: str) -> None:
    item = panel_item(workspace, panel)
    assert item is not None
    caption, (start, end) = item["texts"]["caption"], item["own"]
    assert caption[start:end] == item["texts"]["sub_caption"]
    (mark,) = item["highlights"]["caption"]
    assert caption[mark[0] : mark[1]] == item["current"]["label"]["why"].split(": ")[1]
    assert "sub_caption" not in item["highlights"]
