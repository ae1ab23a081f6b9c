"""From what the page sends to decisions in the journal: checked, written once, undone by adding.

Every action carries a key that the page made. The same key again (a page that sends anew because the answer was lost)
finds the decisions of the first time and writes nothing.
"""

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from covidct.curate.split import cut_along
from covidct.errors import UsageError
from covidct.records import CAPTION_LABELS, TRIAGE_KINDS, Decision
from covidct.workspace.queues import record, recorded
from covidct.workspace.workspace import Workspace

from .changes import boxes_of, checked_boxes, mask_value

KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
CURATOR = re.compile(r"[^\W_][\w .'@+-]{0,39}")
MOST_AT_ONCE = 2000
LONGEST = 5000
MOST_SECONDS = 3600.0
IDENTIFYING = ("yes", "no")

Json = Mapping[str, Any]


def _one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _text(longest: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= longest and "\x00" not in value


ALLOWED: Mapping[tuple[str, str], Callable[[Any], bool]] = {
    ("panel", "label"): _one_of(*CAPTION_LABELS),
    ("panel", "kind"): _one_of(*TRIAGE_KINDS),
    ("panel", "accept"): _flag,
    ("panel", "patient"): lambda value: _text(200)(value) and value.isprintable(),
    ("panel", "sub_caption"): _text(LONGEST),
    ("panel", "identifying"): _one_of(*IDENTIFYING),
    ("pair", "duplicate"): _flag,
    ("pair", "same_patient"): _flag,
}
"""What a plain decision may be about. ``identifying`` becomes part of the panel's mask decision."""


def curator_of(name: Any) -> str:
    """``name`` as the journal writes it; raises :class:`UsageError` for one that it should not hold."""
    if not isinstance(name, str) or not CURATOR.fullmatch(name.strip()):
        raise UsageError("a curator's name has 1 to 40 letters, digits, blanks or . ' @ + - and starts with a letter")
    return f"curator:{name.strip()}"


class Scribe:
    """Writes the page's actions. One at a time: the journal takes them in the order in which they came."""

    def __init__(self, workspace: Workspace, changed: Callable[[], None], blind: bool = False) -> None:
        """``changed`` is called when panels came or went; a ``blind`` reader's words say that they are independent."""
        self.workspace, self.changed, self.blind = workspace, changed, blind
        self._lock = threading.Lock()
        self._kinds = {"decide": self._decide, "boxes": self._boxes, "mask": self._mask, "undo": self._undo}

    def act(self, body: Json) -> dict[str, Any]:
        """Carry out one action; the answer names the decisions written and the panels concerned."""
        key, by = body.get("key"), curator_of(body.get("curator"))
        if not isinstance(key, str) or not KEY.fullmatch(key):
            raise UsageError("an action carries a key of 8 to 64 letters, digits or dashes")
        action = self._kinds.get(str(body.get("do")))
        if action is None:
            raise UsageError(f"no such action: {body.get('do')}")
        with self._lock:
            if not recorded(self.workspace, key):
                action(key, by, body)
            written = recorded(self.workspace, key)
            meanwhile = self._meanwhile(written, by, body.get("seen"))
            for decision in written:
                if decision.field == "panels":
                    self._follow(decision)
        return {
            "key": key,
            "decisions": [decision.decision_id for decision in written],
            "ids": sorted({decision.entity_id for decision in written}),
            "meanwhile": meanwhile,
        }

    def _meanwhile(self, written: list[Decision], by: str, seen: Any) -> list[str]:
        """Curators who decided the same since the page read it (``seen``: the newest decision it showed)."""
        if self.blind or not isinstance(seen, int) or len(written) != 1 or written[0].undoes is not None:
            return []
        mine = written[0]
        history = self.workspace.decisions(mine.entity, mine.entity_id, mine.field, by="curator:")
        return sorted({d.by for d in history if seen < d.decision_id < mine.decision_id and d.by != by})

    def _decide(self, key: str, by: str, body: Json) -> None:
        items = body.get("decisions")
        if not isinstance(items, list) or not 0 < len(items) <= MOST_AT_ONCE:
            raise UsageError(f"an action holds 1 to {MOST_AT_ONCE} decisions")
        seconds = _seconds(body) / len(items)
        record(self.workspace, key, [self._decision(item, by, seconds) for item in items])

    def _decision(self, item: Any, by: str, seconds: float) -> Decision:
        if not isinstance(item, Mapping):
            raise UsageError("a decision is an object")
        entity, entity_id, field = (item.get(name) for name in ("entity", "entity_id", "field"))
        if not all(isinstance(name, str) for name in (entity, entity_id, field)):
            raise UsageError("a decision names entity, entity_id and field")
        fits = ALLOWED.get((str(entity), str(field)))
        if fits is None or not fits(item.get("value")):
            raise UsageError(f"{entity} {field} cannot be {str(item.get('value'))[:60]!r}")
        self._check_there(str(entity), str(entity_id))
        evidence = {"resolves": True} if item.get("resolves") is True else {}
        if self.blind and field in ("label", "accept"):
            evidence["blind"] = True
        value: Any = item["value"]
        if field == "identifying":
            field, value = "mask", {**self._mask_before(str(entity_id)), "identifying": value}
        return Decision(
            str(entity), str(entity_id), str(field), value, by, why="review page", evidence=evidence, seconds=seconds
        )

    def _check_there(self, entity: str, entity_id: str) -> None:
        ids = entity_id.split("|") if entity == "pair" else [entity_id]
        if (entity == "pair" and (len(ids) != 2 or ids[0] >= ids[1])) or any(not self.workspace.panel(i) for i in ids):
            raise UsageError(f"{entity} {entity_id[:120]} is not in the workspace any more")

    def _mask_before(self, panel_id: str) -> dict[str, Any]:
        decision = self.workspace.current("panel", panel_id).get("mask")
        if decision is not None and isinstance(decision.value, dict):
            return dict(decision.value)
        return {"mask": "", "masked": "", "boxes": [], "identifying": "not-scanned", "texts": 0}

    def _mask(self, key: str, by: str, body: Json) -> None:
        panel = self.workspace.panel(str(body.get("panel_id")))
        if panel is None or not panel.file:
            raise UsageError("the panel is not in the workspace any more")
        value = mask_value(self.workspace, panel, body.get("mask"), self._mask_before(panel.panel_id))
        why = "painted on the review page"
        record(self.workspace, key, [Decision("panel", panel.panel_id, "mask", value, by, why, seconds=_seconds(body))])

    def _boxes(self, key: str, by: str, body: Json) -> None:
        figure = self.workspace.figure(str(body.get("figure_id")))
        if figure is None or not figure.file:
            raise UsageError("the figure is not in the workspace any more")
        boxes = checked_boxes(body.get("boxes"), figure)
        before = boxes_of(self.workspace.panels(figure.figure_id))
        evidence: dict[str, Any] = {"before": before}
        if body.get("resolves") is True:
            evidence["resolves"] = True
        decision = Decision(
            "figure", figure.figure_id, "panels", boxes, by, "drawn on the review page", None, evidence, None,
            _seconds(body),
        )  # fmt: skip
        record(self.workspace, key, [decision])

    def _undo(self, key: str, by: str, body: Json) -> None:
        of = body.get("of")
        written = recorded(self.workspace, of) if isinstance(of, str) and KEY.fullmatch(of) else []
        if not written:
            raise UsageError("there is nothing to undo under that key")
        if any(decision.by != by for decision in written):
            raise UsageError("a curator undoes only what that curator said")
        seconds = _seconds(body) / len(written)
        record(self.workspace, key, [_undoing(decision, seconds) for decision in written])

    def _follow(self, decision: Decision) -> None:
        """Make a figure's panels what its boxes in force say; also when a killed server had not got so far."""
        figure = self.workspace.figure(decision.entity_id)
        boxes = self._boxes_in_force(decision)
        if figure is None or not boxes or boxes_of(self.workspace.panels(figure.figure_id)) == boxes:
            return
        cut_along(self.workspace, figure, boxes)
        self.changed()

    def _boxes_in_force(self, decision: Decision) -> list[dict[str, Any]]:
        left = self.workspace.current("figure", decision.entity_id).get("panels")
        if left is not None:
            return list(left.value)
        history = self.workspace.decisions("figure", decision.entity_id, "panels")
        undone = next((old for old in history if old.decision_id == decision.undoes), decision)
        return list(undone.evidence.get("before", []))


def _undoing(decision: Decision, seconds: float) -> Decision:
    """The decision that takes ``decision`` back."""
    return Decision(
        decision.entity,
        decision.entity_id,
        decision.field,
        None,
        decision.by,
        why="undone on the review page",
        seconds=seconds,
        undoes=decision.decision_id,
    )


def _seconds(body: Json) -> float:
    value = body.get("seconds", 0)
    if type(value) not in (int, float) or not 0 <= value < 1e9:
        raise UsageError("seconds must be a number, not negative")
    return min(MOST_SECONDS, round(float(value), 2))
