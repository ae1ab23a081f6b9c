"""Step ``triage``: what kind of picture each panel is, once, after the figures were cut; loose files as well."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from covidct.errors import reason_of
from covidct.imaging.triage import Triage, forest, judge, look, triage
from covidct.pictures import open_picture
from covidct.progress import progress
from covidct.records import Decision
from covidct.steps import Item, Outcome, Step
from covidct.steps.engine import Inline, Workers, closing
from covidct.workspace import Workspace


def items(workspace: Workspace) -> Iterator[Item]:
    """Every panel that has a picture; due when its pixels are new."""
    for panel in workspace.panels():
        if panel.file:
            yield Item(panel.panel_id, panel.sha256, workspace.path(panel.file))


def run(item: Item) -> Outcome:
    """Decide on the kind of one panel."""
    verdict = triage(open_picture(item.value))
    return Outcome([_decision(item.name, verdict)], counts={verdict.kind: 1})


def _decision(panel_id: str, verdict: Triage) -> Decision:
    likely = f"looks like {verdict.kind} ({verdict.score:.2f})"
    why = f"{likely}; {verdict.rule}" if verdict.rule else likely
    evidence = {"is_compound": verdict.is_compound, "rule": verdict.rule}
    return Decision("panel", panel_id, "kind", verdict.kind, "", why, verdict.score, evidence)


_CHUNK = 24
_ALONE = 48
"""Fewer files than this are done before another process has started."""
_SIDE = 384
"""Pixels, so that JPEG may be decoded smaller than it is."""


def sort_files(files: Sequence[Path], workers: int) -> Iterator[dict[str, Any]]:
    """One item a file, in order, as ``--json`` prints them; many files are shared out to processes."""
    chunks = [Item("", "", files[i : i + _CHUNK]) for i in range(0, len(files), _CHUNK)]
    step = Step("triage", (), lambda _: (), _sort)
    forest()  # loads the weights once, before the processes part
    with closing(Inline() if workers == 1 or len(files) < _ALONE else Workers(workers, forked=True)) as engine:
        for item, result in engine.run(step, progress(chunks, "triage")):
            if isinstance(result, Exception):
                yield from ({"file": str(file), "error": reason_of(result)} for file in item.value)
            else:
                yield from result.value


def _sort(item: Item) -> Outcome:
    looks, errors = {}, {}
    for file in item.value:
        try:
            looks[file] = look(open_picture(file, side=_SIDE))
        except Exception as error:  # noqa: BLE001  the border of an item: one bad picture is one failed item
            errors[file] = {"error": reason_of(error)}
    verdicts = dict(zip(looks, map(_words, judge(list(looks.values()))), strict=True))
    return Outcome(value=[{"file": str(file), **(errors | verdicts)[file]} for file in item.value])


def _words(verdict: Triage) -> dict[str, Any]:
    names = ("kind", "is_ct", "is_compound", "score")
    return {name: getattr(verdict, name) for name in names}
