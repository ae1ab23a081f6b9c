"""The workspace: ids and people's words survive re-runs, takedowns leave nothing, bad folders are refused."""

import io
import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from covidct.errors import CovidctError, UsageError
from covidct.records import Box, Decision, Figure, Panel, Paper, PaperStatus
from covidct.workspace import Pair, Workspace
from covidct.workspace.check import check
from covidct.workspace.disk import refuse_network_disk
from covidct.workspace.rows import figure_row, paper_row
from covidct.workspace.schema import DATABASE, MIGRATIONS

PAPER = Paper("medrxiv_10.1101_1v1", "medrxiv", doi="10.1101/1", title="A title", status=PaperStatus.EXTRACTED)


def png(seed: int, size: tuple[int, int] = (60, 40)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0]), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def figure(ws: Workspace, seed: int = 1, box: Box = (100, 100, 400, 300), name: str = "f1") -> Figure:
    stored = ws.store(png(seed, (600, 400)), ".png")
    return Figure(
        f"{PAPER.paper_id}-{name}", PAPER.paper_id, label="Figure 1", page=2, box=box, caption="words",
        file=stored.file, width=600, height=400, sha256=stored.sha256,
    )  # fmt: skip


def panel(ws: Workspace, owner: Figure, box: Box, name: str) -> Panel:
    stored = ws.store(png(hash(box) % 1000, (int(box[2] - box[0]), int(box[3] - box[1]))), ".png")
    return Panel(f"{owner.figure_id}-{name}", owner.figure_id, name, box, file=stored.file, sha256=stored.sha256)


def grid(columns: int, rows: int, shift: float = 0) -> list[Box]:
    w, h = 600 // columns, 400 // rows
    return [
        (c * w + shift, r * h, (c + 1) * w - 4 + shift, (r + 1) * h - 4) for r in range(rows) for c in range(columns)
    ]


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    opened = Workspace.create(tmp_path / "ws")
    opened.save_papers([PAPER])
    return opened


def say(ws: Workspace, entity_id: str, value: object, who: str = "ann", field: str = "label") -> int:
    return ws.decide([Decision("panel", entity_id, field, value, f"curator:{who}")])[0]


def test_folder_is_private_and_files_are_found_again(ws: Workspace) -> None:
    assert stat.S_IMODE(ws.folder.stat().st_mode) == 0o700
    stored = ws.store(b"bytes", ".bin")
    assert ws.path(stored.file).read_bytes() == b"bytes"
    with pytest.raises(CovidctError, match="leads out"):
        ws.path("../../etc/passwd")


def test_a_person_beats_a_rule_and_undo_brings_the_rule_back(ws: Workspace) -> None:
    owner = figure(ws)
    ws.replace_figures(PAPER.paper_id, [owner])
    ws.replace_panels(owner.figure_id, [panel(ws, owner, (0, 0, 300, 400), "A")])
    name = ws.panels()[0].panel_id
    rule = Decision("panel", name, "label", "negative", "rule:control@1", why="says control")
    first = ws.decide([rule])
    assert ws.decide([rule]) == first, "an identical rule value is not written again"
    number = say(ws, name, "positive")
    found = ws.panel(name)
    assert found is not None and (found.label, found.label_by) == ("positive", "curator:ann")
    undo = ws.decide([Decision("panel", name, "label", None, "curator:ann", undoes=number)])[0]
    found = ws.panel(name)
    assert found is not None and (found.label, found.label_by) == ("negative", "rule:control@1")
    ws.decide([Decision("panel", name, "label", None, "curator:ann", undoes=undo)])
    assert ws.panels()[0].label == "positive", "an undo can be undone"
    with pytest.raises(CovidctError, match="undo refused"):
        ws.decide([Decision("panel", name, "kind", None, "curator:ann", undoes=number)])


def test_sending_twice_writes_once(ws: Workspace) -> None:
    decision = Decision("panel", "p", "label", "positive", "curator:ann")
    assert ws.decide([decision], client_key="k1") == ws.decide([decision], client_key="k1")
    assert len(ws.decisions(by="curator:")) == 1


def test_two_curators_who_differ_make_a_conflict_until_one_resolves_it(ws: Workspace) -> None:
    say(ws, "p", "positive", "ann")
    assert ws.conflicts() == []
    say(ws, "p", "negative", "bob")
    assert [(key, [d.by for d in history]) for _, key, _, history in ws.conflicts()] == [
        ("p", ["curator:ann", "curator:bob"])
    ]
    ws.decide([Decision("panel", "p", "label", "negative", "curator:ann", evidence={"resolves": True})])
    assert ws.conflicts() == []


def test_resplitting_after_twenty_decisions_loses_none_and_moves_none(ws: Workspace) -> None:
    owner = figure(ws)
    ws.replace_figures(PAPER.paper_id, [owner])
    boxes = grid(5, 4)
    ws.replace_panels(owner.figure_id, [panel(ws, owner, box, f"n{i}") for i, box in enumerate(boxes)])
    said = {p.panel_id: ("positive", "negative")[i % 2] for i, p in enumerate(ws.panels())}
    places = {p.panel_id: p.box for p in ws.panels()}
    for name, value in said.items():
        say(ws, name, value)

    shifted = [panel(ws, owner, box, f"m{19 - i}") for i, box in enumerate(grid(5, 4, shift=6))]
    ws.replace_panels(owner.figure_id, list(reversed(shifted)))
    assert {p.panel_id: p.label for p in ws.panels()} == said
    for p in ws.panels():
        assert abs(p.box[0] - places[p.panel_id][0]) == 6, "every id still stands at its own place"

    half = [*grid(5, 4)[:10], (0, 200, 596, 396)]
    ws.replace_panels(owner.figure_id, [panel(ws, owner, box, f"n{i}") for i, box in enumerate(half)])
    kept = {p.panel_id: p.label for p in ws.panels()}
    lost = {d.entity_id: d.value for d in ws.orphans()}
    assert len(lost) == 10 and lost == {k: v for k, v in said.items() if k not in kept}
    newcomer = next(p for p in ws.panels() if p.panel_id not in said)
    assert newcomer.label == "", "the big new panel got nobody's words"

    ws.replace_panels(owner.figure_id, [panel(ws, owner, box, f"x{i}") for i, box in enumerate(boxes)])
    assert {p.panel_id: p.label for p in ws.panels()} == said and ws.orphans() == []


def test_a_better_extractor_keeps_ids_and_carries_panels_over(ws: Workspace) -> None:
    first = figure(ws)
    other = figure(ws, seed=2, box=(100, 400, 400, 600), name="f2")
    ws.replace_figures(PAPER.paper_id, [first, other])
    ws.replace_panels(first.figure_id, [panel(ws, first, (0, 0, 300, 400), "A")])
    say(ws, f"{first.figure_id}-A", "positive")
    # The new extractor cuts tighter (half the page area to the right is gone) and calls the figures otherwise.
    tighter = replace(figure(ws, seed=3, box=(100, 100, 340, 300)), figure_id="new-1", width=480, height=400)
    ws.replace_figures(PAPER.paper_id, [replace(other, figure_id="new-0"), tighter])
    assert [f.figure_id for f in ws.figures()] == [other.figure_id, first.figure_id]
    moved = ws.panels(first.figure_id)[0]
    assert (moved.panel_id, moved.label, moved.box) == (f"{first.figure_id}-A", "positive", (0, 0, 300, 400))


def test_a_new_paper_version_matches_by_pixels_not_by_page(ws: Workspace) -> None:
    first = figure(ws)
    ws.replace_figures(PAPER.paper_id, [first])
    ws.decide([Decision("figure", first.figure_id, "kind", "ct", "curator:ann")])
    ws.save_papers([replace(PAPER, version=2)])
    same_place = replace(figure(ws, seed=9), figure_id="elsewhere")
    moved = replace(first, figure_id="v2-name", page=7)
    ws.replace_figures(PAPER.paper_id, [same_place, moved])
    assert {f.figure_id: f.page for f in ws.figures()} == {"elsewhere": 2, first.figure_id: 7}


def test_a_mask_holds_for_its_pixels_only(ws: Workspace) -> None:
    owner = figure(ws)
    ws.replace_figures(PAPER.paper_id, [owner])
    ws.replace_panels(owner.figure_id, [panel(ws, owner, (0, 0, 300, 400), "A")])
    name = ws.panels()[0].panel_id
    say(ws, name, {"mask": "files/x"}, field="mask")
    assert "mask" in ws.current("panel", name)
    ws.replace_panels(owner.figure_id, [panel(ws, owner, (0, 0, 280, 400), "A")])
    assert ws.panels()[0].panel_id == name and "mask" not in ws.current("panel", name)
    assert [d.field for d in ws.orphans()] == ["mask"]


def test_forget_paper_leaves_a_tombstone_and_no_trace(ws: Workspace) -> None:
    owner = replace(figure(ws), caption="xyzzycaption")
    pdf = ws.store(b"%PDF- secret", ".pdf")
    ws.save_papers([replace(PAPER, sha256=pdf.sha256, title="xyzzytitle")])
    ws.replace_figures(PAPER.paper_id, [owner])
    ws.replace_panels(owner.figure_id, [panel(ws, owner, (0, 0, 300, 400), "A")])
    ws.decide([Decision("panel", ws.panels()[0].panel_id, "label", "positive", "rule:x@1", why="xyzzywhy")])
    stone = ws.forget("10.1101/1", "asked to")
    assert (stone.entity, stone.doi, stone.reason) == ("paper", "10.1101/1", "asked to")
    assert ws.figures() == [] and ws.panels() == [] and [s.entity_id for s in ws.withdrawn()] == [PAPER.paper_id]
    assert [p for p in (ws.folder / "files").rglob("*") if p.is_file()] == []
    ws.close()
    for path in ws.folder.rglob("*"):
        if path.is_file():
            assert b"xyzzy" not in path.read_bytes(), path
    ws.save_papers([PAPER])
    ws.replace_figures(PAPER.paper_id, [])
    found = ws.paper(PAPER.paper_id)
    assert found is not None and found.status == PaperStatus.FORGOTTEN and found.title == ""


def test_forget_panel_blanks_its_place_and_keeps_it_out(ws: Workspace) -> None:
    owner = figure(ws)
    ws.replace_figures(PAPER.paper_id, [owner])
    two = [panel(ws, owner, (0, 0, 296, 400), "A"), panel(ws, owner, (304, 0, 600, 400), "B")]
    ws.replace_panels(owner.figure_id, two)
    ws.forget(f"{owner.figure_id}-A", "no consent")
    assert [p.panel_label for p in ws.panels()] == ["B"]
    pixels = np.asarray(Image.open(ws.path(ws.figures()[0].file)))
    assert pixels[:, :290].max() == 0 and pixels[:, 310:].max() > 0
    assert not ws.path(owner.file).exists()
    # The PDF comes back and is read again: the panel stays out, in the picture as in the table.
    again = figure(ws)
    ws.replace_figures(PAPER.paper_id, [again])
    ws.replace_panels(owner.figure_id, [panel(ws, owner, (0, 0, 296, 400), "A")])
    assert ws.panels() == []
    assert np.asarray(Image.open(ws.path(ws.figures()[0].file)))[:, :290].max() == 0


def test_pairs_on_which_somebody_decided_stay(ws: Workspace) -> None:
    ws.save_pairs([Pair("a", "b", 0.99), Pair("a", "c", 0.98)])
    ws.decide([Decision("pair", "a|b", "duplicate", True, "curator:ann")])
    ws.save_pairs([Pair("b", "c", 0.97)])
    assert [p.pair_id for p in ws.pairs()] == ["a|b", "b|c"]


def test_notes_steps_and_leases(ws: Workspace) -> None:
    ws.remember("cursor", "medrxiv", {"at": 30})
    assert ws.recall("cursor", "medrxiv") == {"at": 30} and ws.recall("cursor", "none") is None
    assert not ws.done("split", "k")
    ws.mark("split", ["k"])
    assert ws.done("split", "k")
    with (
        ws.lease("harvest"),
        Workspace.open(ws.folder) as other,
        pytest.raises(CovidctError, match="another 'harvest'"),
        other.lease("harvest"),
    ):
        pass


def test_problems_names_a_changed_file(ws: Workspace) -> None:
    ws.replace_figures(PAPER.paper_id, [figure(ws)])
    assert check(ws, mend=False) == []
    target = ws.path(ws.figures()[0].file)
    target.write_bytes(target.read_bytes() + b"x")
    assert [(one.kind, one.what) for one in check(ws, mend=False)] == [("file", ws.figures()[0].file)]


def test_bad_folders_are_refused_by_name(tmp_path: Path, ws: Workspace) -> None:
    with pytest.raises(UsageError, match="is no workspace"):
        Workspace.open(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        Workspace.create(tmp_path / "file")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / DATABASE).write_bytes(b"no database" * 1000)
    with pytest.raises(CovidctError, match="is damaged"):
        Workspace.open(broken)
    ws.close()
    raw = sqlite3.connect(ws.folder / DATABASE)
    raw.execute("PRAGMA user_version = 999")
    raw.close()
    with pytest.raises(UsageError, match="newer covidct"):
        Workspace.open(ws.folder)


def test_network_disks_are_refused_by_name(tmp_path: Path) -> None:
    mounts = "/dev/a / ext4 rw 0 0\nserver:/x /net nfs4 rw 0 0\nhost:/y /net/deep\\040dir fuse.sshfs rw 0 0\n"
    refuse_network_disk(tmp_path, mounts)
    with pytest.raises(UsageError, match=r"network file system \(nfs4\)"):
        refuse_network_disk(Path("/net/ws"), mounts)
    with pytest.raises(UsageError, match=r"fuse\.sshfs"):
        refuse_network_disk(Path("/net/deep dir/ws"), mounts)


def test_a_workspace_of_an_older_version_opens_with_its_figures_and_takes_paragraphs(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    raw = sqlite3.connect(folder / DATABASE)
    for statement in ";".join(MIGRATIONS[:3]).split(";"):
        raw.execute(statement)
    raw.execute("PRAGMA user_version = 3")
    row = {**paper_row(PAPER), "paper_id": "old"}
    values = figure_row(Figure("old-f1", "old", caption="CT.", mentions=("See Fig. 1.",)), 1, 1, "")
    del values["paragraphs"]
    for table, kept in (("papers", row), ("figures", values)):
        marks = ", ".join("?" * len(kept))
        raw.execute(f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({marks})", tuple(kept.values()))
    raw.commit()
    raw.close()
    with Workspace.open(folder) as ws:
        (known,) = ws.figures("old")
        assert (known.caption, known.mentions, known.paragraphs) == ("CT.", ("See Fig. 1.",), ())
        ws.replace_figures("old", [replace(known, paragraphs=("He was ill. See Fig. 1.",))])
        assert ws.figures("old")[0].paragraphs == ("He was ill. See Fig. 1.",)
