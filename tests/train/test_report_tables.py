"""Tables of the report: what is not defined is a dash, not a traceback."""

from covidct.train.report_tables import scores


def test_an_auc_of_groups_of_one_class_is_a_dash() -> None:
    summary = {
        "metrics": {},
        "at_validation_threshold": {},
        "by_patient": {"auc": {"value": None, "low": None, "high": None}},
        "notes": [],
    }
    assert scores(summary, []).lines == [["AUC of whole groups (patients)", "–", "", "", ""]]
