"""Captions into panels: every way of printing letters, what belongs to all, what must stay whole."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from covidct.captions.markers import candidates, chain, letters
from covidct.captions.subcaptions import split_caption
from covidct.cli import run

SPLITS: list[tuple[str, dict[str, str], str]] = [
    ("CT of two men. (A) First man. (B) Second man.", {"A": "First man.", "B": "Second man."}, "CT of two men."),
    ("A. CT before. B. CT after. C. Radiograph.", {"A": "CT before.", "B": "CT after.", "C": "Radiograph."}, ""),
    ("CT. a A nodule in the lobe. b No nodule left", {"a": "A nodule in the lobe.", "b": "No nodule left"}, "CT."),
    ("A, axial scan. B, coronal scan.", {"A": "axial scan.", "B": "coronal scan."}, ""),
    ("A: axial scan; B: coronal scan", {"A": "axial scan", "B": "coronal scan"}, ""),
    ("Heat maps of a) virus b) no virus", {"a": "virus", "b": "no virus"}, "Heat maps of"),
    ("Panel A shows a cyst. Panel B shows none.", {"A": "shows a cyst.", "B": "shows none."}, ""),
    ("[A] First view. [B] Second view.", {"A": "First view.", "B": "Second view."}, ""),
    ("a–c First patient; d second patient", dict.fromkeys("abc", "First patient") | {"d": "second patient"}, ""),
    ("(A, B) Day one. (C) Day two.", {"A": "Day one.", "B": "Day one.", "C": "Day two."}, ""),
    ("(A) and (B) are axial. (C) is coronal.", {"A": "are axial.", "B": "are axial.", "C": "is coronal."}, ""),
    ("3A CT of a girl. 3B CT of a boy.", {"A": "CT of a girl.", "B": "CT of a boy."}, ""),
    ("Fig. 2A–B Axial slices. C Biopsy.", {"A": "Axial slices.", "B": "Axial slices.", "C": "Biopsy."}, ""),
    ("Scan before (a) and scan after therapy (b).", {"a": "Scan before", "b": "scan after therapy"}, ""),
    ("A cyst on axial (A) and coronal view (B).", {"A": "axial", "B": "coronal view"}, "A cyst on"),
    ("Man (left: a, c) and boy (right: b, d).", {"a": "Man", "c": "Man", "b": "boy", "d": "boy"}, ""),
    ("Fig. A: at first, Fig. B: after cure", {"A": "at first", "B": "after cure"}, ""),
    ("View (A: front; B: side).", {"A": "front", "B": "side"}, "View"),
    ("(a) Before and (b) after care in a woman of 60.", {"a": "Before", "b": "after care"}, "in a woman of 60"),
    (
        "Chest film (a) of a man shows a cyst. The CT scan (b) of a girl shows none.",
        {"a": "Chest film [...] of a man shows a cyst.", "b": "The CT scan [...] of a girl shows none."},
        "",
    ),
    (
        "e, f follow. a, b A man with fever. c A woman; d the same woman later. e, f A child. e At first. f Later.",
        {
            "a": "A man with fever.",
            "b": "A man with fever.",
            "c": "A woman",
            "d": "the same woman later.",
            "e": "A child. [...] At first.",
            "f": "A child. [...] Later.",
        },
        "e, f follow.",
    ),
    (
        "(A) Film. (B-C): Axial (B) and coronal (C) CT. A rib is broken as well (C).",
        {
            "A": "Film.",
            "B": "Axial [...] CT",
            "C": "coronal [...] CT [...] A rib is broken as well (C).",
        },
        "",
    ),
    ("(A) CT. (B) MRI. CT, computed tomography; MRI, magnetic resonance.", {"A": "CT.", "B": "MRI."}, "CT, computed"),
    ("(A) Cells. (B) Mean of (A). Scale bar, 10 μm.", {"A": "Cells.", "B": "Mean of (A)."}, "Scale bar"),
    (
        "(a) Ribbon. (b) Surface. The site is shown in (c) and (d).",
        {"a": "Ribbon.", "b": "Surface.", "c": "The site is shown in", "d": "The site is shown in"},
        "",
    ),
    ("CT of patients A: cyst (patient 1); B: none", {"A": "cyst (patient 1)", "B": "none"}, "CT of patients"),
    ("CT of a lung, b liver, c spleen; d brain", {}, "CT of a lung, b liver, c spleen; d brain"),
    ("CT: a lung, b liver; c spleen", {"a": "lung", "b": "liver", "c": "spleen"}, "CT"),
    ("A, Head scan.B, Chest scan.", {"A": "Head scan.", "B": "Chest scan."}, ""),
]  # fmt: skip

WHOLE = [
    "CT of a man with fever.",
    "A 45-year-old woman with fever. CT on admission.",
    "Hepatitis B and C in a patient with vitamin A deficiency",
    "Influenza A and B were not found.",
    "Line A is drawn at the aortic arch.",
    "Bars of group A: treated; group B: control.",
    "Comparison of group A (blue) and group B (red).",
    "(A) A single letter is not a panel series.",
    "",
]


def test_panels_get_their_own_text() -> None:
    found = [(split_caption(text), text, panels, shared) for text, panels, shared in SPLITS]
    assert [(text, split.panels) for split, text, panels, _ in found if split.panels != panels] == []
    assert [(text, split.shared) for split, text, _, shared in found if not split.shared.startswith(shared)] == []
    assert [(text, split.shared) for split, text, _, shared in found if bool(split.shared) != bool(shared)] == []


def test_a_caption_without_panel_letters_stays_whole() -> None:
    found = [(text, split_caption(text)) for text in WHOLE]
    wrong = [text for text, s in found if s.panels or s.shared != text.strip() or s.style != "none"]
    assert wrong == []


def test_spans_are_of_the_text_as_given() -> None:
    text = "CT\u00a0scans. (A)\u2009Axial \u2013 lung. (B)\u2009Coronal."
    split = split_caption(text)
    assert [text[slice(*span)] for span in split.spans["A"]] == ["Axial \u2013 lung."]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("CT (left) and film (right) of a man.", {"left": "CT", "right": "and film"}),
        ("Upper row: patients. Lower row: controls.", {"upper row": "patients.", "lower row": "controls."}),
        ("Left panel: cyst; right panel: none", {"left panel": "cyst", "right panel": "none"}),
        ("First column: before. Second column: after.", {"first column": "before.", "second column": "after."}),
        ("A nodule in the left upper lobe and the right lower lobe.", {}),
    ],
)
def test_places_where_there_are_no_letters(text: str, places: dict[str, str]) -> None:
    split = split_caption(text)
    assert {place: text[slice(*span)] for place, span in split.places.items()} == places


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ("A", "A"),
        ("A-C", "ABC"),
        ("a, b and d", "abd"),
        ("2a-c", "abc"),
        ("A/C", "AC"),
        ("A to D", "ABCD"),
        ("C-A", "CA"),
    ],
)
def test_lists_of_letters(listed: str, found: str) -> None:
    assert letters(listed) == tuple(found)


def test_numbered_letters_keep_their_numbers() -> None:
    assert letters("A1-A3") == ("A1", "A2", "A3")
    assert list(split_caption("(A1) One. (A2) Two. (B) Three.").panels) == ["A1", "A2", "B"]


def test_each_family_of_letters_is_met() -> None:
    seen = {marker.family for text, _, _ in SPLITS for marker in chain(text)}
    assert seen == {"colon", "bracketed", "half-bracketed", "noun", "punctuated", "bare", "within brackets"}


def test_a_very_long_caption_is_no_trap() -> None:
    text = "(" + "A, " * 30_000 + "B) " + "a b c d " * 30_000
    assert candidates(text) is not None
    assert split_caption(text).text == text


def test_cli_gives_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "in.csv"
    file.write_text('id,text\n1,"(A) One. (B) Two."\n2,None of it\n', encoding="utf-8")
    assert run(["curate", "split-caption", "--csv", str(file), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["id"], first["panels"], first["shared"]) == ("1", {"A": "One.", "B": "Two."}, "")
    assert (second["id"], second["panels"], second["shared"]) == ("2", {}, "None of it")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"id,caption\n1,x\n", "column text missing"),
        (b"", "empty"),
        (b"id,text\n\xff\xfe,x\n", "UTF-8"),
        (b"id,text\n1\n", "line 2"),
        (b"id,text\n1,CT, unquoted comma\n", "line 2"),
        (b"id;text\n1;CT of a man\n1;CT\n", "row 2"),
        (b"id,text\n,CT\n", "row 1"),
    ],
)
def test_cli_says_what_is_wrong_with_a_file(
    content: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes(content)
    for command in ("split-caption", "label"):
        assert run(["curate", command, "--csv", str(file), "--json"]) == 2
        error = capsys.readouterr().err
        assert says in error and "in.csv" in error and error.count("\n") == 1


def test_a_table_is_read_with_any_case_of_its_columns_and_any_mark_between_cells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes(b'\xef\xbb\xbfID;Text\r\n7;"CT of COVID-19\r\nsecond; line"\r\n')
    assert run(["curate", "label", "--csv", str(file), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["label"]) == ("7", "positive")


@pytest.mark.shared
def test_scores_on_real_captions(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = shared / "data" / "truth" / "subcaptions.json"
    scorer = [sys.executable, str(shared / "score" / "subcaptions.py"), str(truth)]
    subprocess.run([*scorer, "--csv", str(tmp_path / "in.csv")], check=True)
    assert run(["curate", "split-caption", "--csv", str(tmp_path / "in.csv"), "--json"]) == 0
    (tmp_path / "out.json").write_text(capsys.readouterr().out, encoding="utf-8")
    said = subprocess.run([*scorer, str(tmp_path / "out.json")], check=True, capture_output=True, text=True).stdout
    score = json.loads(said.strip().splitlines()[-1])
    assert score["letters_f1"] >= 0.97 and score["text_token_f1"] >= 0.94


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


OWN = json.loads((Path(__file__).parent / "own_subcaptions.json").read_text(encoding="utf-8"))["items"]


def test_letters_of_own_captions() -> None:
    wrong = [item["caption"] for item in OWN if set(split_caption(item["caption"]).panels) != set(item["panels"])]
    assert wrong == []


def test_texts_of_own_captions() -> None:
    scores = []
    for item in OWN:
        found = split_caption(item["caption"]).panels
        for letter, text in item["panels"].items():
            true, got = _words(text), _words(found[letter])
            scores.append(2 * sum((true & got).values()) / max(sum(true.values()) + sum(got.values()), 1))
    assert len(scores) >= 140 and sum(scores) / len(scores) >= 0.95
