"""Cohen's kappa against scikit-learn's, and which words count."""

import json
import random
from pathlib import Path

import pytest
from sklearn.metrics import cohen_kappa_score

from covidct.cli import run
from covidct.curate.agreement import RULES, all_pairs, as_text, cohen, compare, judgements
from covidct.records import Decision
from covidct.workspace.workspace import Workspace


def said(number: int, item: str, value: object, by: str, undoes: int | None = None) -> Decision:
    return Decision("panel", item, "label", value, by, undoes=undoes, decision_id=number)


def test_kappa_equals_the_textbook_implementation() -> None:
    chance = random.Random(7)
    values = ["positive", "negative", "unclear"]
    for _ in range(20):
        a = chance.choices(values, k=40)
        b = [value if chance.random() < 0.7 else chance.choice(values) for value in a]
        words = {"a": dict(enumerate(a)), "b": dict(enumerate(b))}
        found = compare("a", "b", {who: {str(k): v for k, v in said.items()} for who, said in words.items()})
        assert found.kappa == pytest.approx(cohen_kappa_score(a, b))
        assert found.interval is not None and found.interval[0] <= found.kappa <= found.interval[1]


def test_cohens_own_kind_of_table() -> None:
    observed, kappa, interval = cohen({("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15})
    assert observed == pytest.approx(0.7)
    assert kappa == pytest.approx(0.4)
    assert interval == pytest.approx((0.4 - 0.25404, 0.4 + 0.25404), abs=1e-4)


def test_kappa_is_undefined_where_everybody_says_the_same() -> None:
    assert cohen({("positive", "positive"): 9}) == (1.0, None, None)
    assert cohen({}) == (0.0, None, None)


def test_only_the_newest_standing_word_counts() -> None:
    journal = [
        said(1, "p1", "positive", "rule:a@1"),
        said(2, "p1", "negative", "rule:b@2"),
        said(3, "p1", "negative", "curator:dana"),
        said(4, "p1", "positive", "curator:dana"),
        said(5, "p1", None, "curator:dana", undoes=4),
        said(6, "p2", "unclear", "curator:dana"),
        said(7, "p2", None, "curator:dana", undoes=6),
        said(8, "p3", "unclear", "curator:dana"),
        said(9, "p3", None, "curator:dana", undoes=8),
        said(10, "p3", None, "curator:dana", undoes=9),
        said(11, "forgotten", None, "curator:dana"),
    ]
    assert judgements(journal) == {RULES: {"p1": "negative"}, "dana": {"p1": "negative", "p3": "unclear"}}


def test_pairs_of_curators_come_before_the_rules() -> None:
    journal = [said(1, "p", "positive", "rule:a@1"), said(2, "p", "positive", "curator:b")]
    journal += [said(3, "p", "negative", "curator:a"), said(4, "q", "negative", "curator:lonely")]
    found = all_pairs(journal)
    assert [(pair.a, pair.b) for pair in found] == [("a", "b"), ("a", RULES), ("b", RULES)]
    assert "undefined" not in as_text(found[0])
    assert "undefined" in as_text(found[2])


def test_command(folder: Path, workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    panels = workspace.panels()[:6]
    for who, values in (("dana", "ppnnuu"), ("kim", "ppnnup")):
        full = {"p": "positive", "n": "negative", "u": "unclear"}
        for panel, value in zip(panels, values, strict=True):
            workspace.decide([Decision("panel", panel.panel_id, "label", full[value], f"curator:{who}")])
    assert run(["curate", "agreement", "-w", str(folder), "--json"]) == 0
    pairs = json.loads(capsys.readouterr().out)["pairs"]
    assert [(pair["a"], pair["b"], pair["n"]) for pair in pairs] == [
        ("dana", "kim", 6),
        ("dana", "rules", 6),
        ("kim", "rules", 6),
    ]
    assert pairs[0]["kappa"] == pytest.approx(cohen_kappa_score(list("ppnnuu"), list("ppnnup")), abs=1e-6)
    assert pairs[0]["confusion"]["unclear"] == {"negative": 0, "positive": 1, "unclear": 1}
    assert run(["curate", "agreement", "-w", str(folder), "--curator", "kim"]) == 0
    text = capsys.readouterr().out
    assert "kim and rules" in text and "dana and rules" not in text
    assert run(["curate", "agreement", "-w", str(folder), "--curator", "nobody"]) == 2
    assert run(["curate", "agreement", "-w", str(folder), "--field", "colour"]) == 2
    assert run(["curate", "agreement", "-w", str(folder), "--field", "kind"]) == 0
    assert "nothing to compare" in capsys.readouterr().out
