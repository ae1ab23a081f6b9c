"""What the queues hold and in which order; how the index follows a workspace that others write to."""

import dataclasses

import pytest

from covidct.curate.review import queues
from covidct.curate.review.queues import Index, counts, select
from covidct.records import Decision
from covidct.workspace.workspace import Workspace


def ids(workspace: Workspace, queue: str, step: str = "label", **filters: str) -> list[str]:
    return [row.panel_id for row in select(Index(workspace).rows().values(), queue, step, filters)]


def curator(panel_id: str, field: str, value: object, who: str = "dana") -> Decision:
    return Decision("panel", panel_id, field, value, f"curator:{who}")


def test_least_certain_first(workspace: Workspace) -> None:
    rows = Index(workspace).rows()
    order = [queues.certainty(rows[panel], "label") for panel in ids(workspace, "uncertain")]
    assert order == sorted(order) and len(order) == 40
    assert rows[ids(workspace, "uncertain")[0]].label == "unclear"
    assert max(order) > 0.9


def test_what_waits_for_a_release_comes_by_what_it_wins(workspace: Workspace) -> None:
    assert ids(workspace, "release") == []
    few, most, decided = (panel.panel_id for panel in workspace.panels()[:3])
    for panel, gain in ((few, 0.9), (most, 3.6), (decided, 9.0)):
        evidence = {"accepted": False, "refused": "way-unproven", "gain": gain}
        workspace.decide([Decision("panel", panel, "label", "positive", "rule:captions@1", evidence=evidence)])
    workspace.decide([curator(decided, "label", "positive")])
    assert ids(workspace, "release") == [most, few]


def test_reviewed_is_about_the_step(workspace: Workspace) -> None:
    first, second = ids(workspace, "all")[:2]
    workspace.decide([curator(first, "label", "negative"), curator(second, "kind", "xray")])
    assert ids(workspace, "reviewed") == [first]
    assert ids(workspace, "reviewed", "triage") == [second]
    assert first not in ids(workspace, "unreviewed") and second in ids(workspace, "unreviewed")
    figure = workspace.panel(first).figure_id
    workspace.decide([Decision("figure", figure, "panels", [], "curator:dana")])
    assert set(ids(workspace, "reviewed", "split")) == {p.panel_id for p in workspace.panels(figure)}


def test_text_that_may_identify_comes_before_text_not_looked_for(workspace: Workspace) -> None:
    last = ids(workspace, "all")[-1]
    mask = {**workspace.current("panel", last)["mask"].value, "identifying": "not-scanned"}
    workspace.decide([Decision("panel", last, "mask", mask, "rule:marks@2")])
    found = ids(workspace, "identifying")
    assert len(found) == 5 and found[-1] == last


def test_filters(workspace: Workspace) -> None:
    everything = ids(workspace, "all")
    paper = workspace.papers()[1].paper_id
    assert len(ids(workspace, "all", paper=paper)) == 8
    assert len(ids(workspace, "all", source="pmc")) + len(ids(workspace, "all", source="medrxiv")) == 40
    assert ids(workspace, "all", kind="ct") == everything and not ids(workspace, "all", kind="xray")
    labels = [len(ids(workspace, "all", label=label)) for label in ("positive", "negative", "unclear")]
    assert sum(labels) == 40 and all(labels)
    workspace.decide([curator(everything[0], "accept", False)])
    assert ids(workspace, "all", label="rejected") == everything[:1]
    assert len(ids(workspace, "all", since=queues.yesterday())) == 40
    assert not ids(workspace, "all", since="2999")


def test_conflicts_also_on_the_figures_boxes(workspace: Workspace) -> None:
    figure = workspace.figures()[0].figure_id
    for who, box in (("dana", [0, 0, 50, 50]), ("kim", [0, 0, 90, 90])):
        workspace.decide([Decision("figure", figure, "panels", [{"label": "A", "box": box}], f"curator:{who}")])
    assert ids(workspace, "conflicts") == [p.panel_id for p in workspace.panels(figure)]


def test_index_follows_the_journal(workspace: Workspace) -> None:
    index = Index(workspace)
    panel = ids(workspace, "all")[3]
    before = counts(index.rows().values(), "label", {})
    workspace.decide([curator(panel, "label", "negative"), curator(panel, "label", "positive", "kim")])
    after = counts(index.rows().values(), "label", {})
    assert (after["reviewed"], after["conflicts"]) == (before["reviewed"] + 1, 1)
    assert index.rows()[panel].place == 3


def test_index_takes_in_new_panels(workspace: Workspace) -> None:
    index = Index(workspace)
    paper = dataclasses.replace(workspace.papers()[0], paper_id="file_new", doi="")
    workspace.save_papers([paper])
    figure = dataclasses.replace(workspace.figures()[0], figure_id="file_new_f1", paper_id="file_new")
    workspace.replace_figures("file_new", [figure])
    old = workspace.panels(workspace.figures()[-1].figure_id)
    workspace.replace_panels("file_new_f1", [dataclasses.replace(p, panel_id=f"new_{p.panel_label}") for p in old])
    assert list(index.rows())[-4:] == ["new_A", "new_B", "new_C", "new_D"]
    assert sorted(row.place for row in index.rows().values()) == list(range(44))


@pytest.mark.parametrize("keep", [1, 3])
def test_index_notices_panels_that_went(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, keep: int) -> None:
    monkeypatch.setattr(queues, "RELOAD_SECONDS", 0.0)
    index = Index(workspace)
    figure = workspace.figures()[-1].figure_id
    workspace.replace_panels(figure, workspace.panels(figure)[:keep])
    assert len(index.rows()) == 36 + keep


def test_index_notices_a_panel_that_took_over_a_number(workspace: Workspace) -> None:
    """SQLite gives the number of the last row that was deleted to the next one that is written."""
    index = Index(workspace)
    figure = workspace.figures()[-1].figure_id
    panels = workspace.panels(figure)
    elsewhere = dataclasses.replace(panels[-1], panel_id="elsewhere", box=(0, 0, 60, 60))
    workspace.replace_panels(figure, panels[:-1])
    workspace.replace_panels(figure, [*panels[:-1], elsewhere])
    workspace.decide([Decision("panel", "elsewhere", "label", "negative", "rule:x@1")])
    assert "elsewhere" in index.rows() and panels[-1].panel_id not in index.rows()
