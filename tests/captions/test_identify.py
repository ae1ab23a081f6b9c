"""Rules that call text in a picture identifying: each rule's own examples, and lines as a scanner prints them."""

from covidct.captions.identify import KINDS, identifying, rules


def test_each_rule_fires_on_its_examples_and_passes_the_others() -> None:
    assert [rule.rule_id for rule in rules() if rule.kind not in KINDS or not (rule.find and rule.passes)] == []
    assert [(rule.rule_id, text) for rule in rules() for text in rule.find if rule.search(text) is None] == []
    assert [(rule.rule_id, text) for rule in rules() for text in rule.passes if rule.search(text) is not None] == []


SCANNER_LINES = """
R | L | A | P | a | (b) | W:1500 L:-600 | WW 1600 WL -550 | SL 5.0 | 120 kV | Se: 3 | Im: 45/120 | kVp: 120
mA: 230 | FOV 350 mm | 5 cm | 12.3 mm | HU -720 | Lung window | Axial | Day 3 | Before treatment | COVID-19
SARS-CoV-2 | Ground glass opacity | * | 1 | 15 | Patient 2 | Case 12 | 65Y M | 512 x 512 | T: 1.25mm | Normal
p < 0.001 | AUC = 0.953 | Time (days) | SIEMENS | GE MEDICAL SYSTEMS | Philips | GGO, Consolidation | Feb 3
Z: 1 | C | POST | MIP | B70f | STANDARD | Model A | 10 x 10 | x 10^9/L
"""


def test_what_every_scanner_and_figure_prints_identifies_nobody() -> None:
    lines = [line.strip() for line in SCANNER_LINES.replace("\n", "|").split("|") if line.strip()]
    assert [line for line in lines if identifying([line])] == []


def test_a_dicom_overlay_names_each_reason_with_its_place() -> None:
    lines = ["ROE^RICHARD", "DOB: 1950-01-31", "ID 00481516", "City General Hospital", "R", "W:1500 L:-600"]
    found = identifying(lines)
    assert {(f.index, f.kind) for f in found} >= {(0, "name"), (1, "birth"), (2, "identifier"), (3, "institution")}
    assert {f.index for f in found} == {0, 1, 2, 3}
    assert all(lines[f.index][f.start : f.end] for f in found)


def test_a_very_long_line_costs_no_time_and_no_error() -> None:
    assert identifying(["A " * 500_000]) == []
