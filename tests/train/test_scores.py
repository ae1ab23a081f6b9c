"""Scores, intervals and tests against slow, obvious versions and against scikit-learn."""

import tomllib

import numpy as np
import pytest
from sklearn import metrics

from covidct.intervals import (
    OPERATING_POINTS,
    bootstrap,
    delong,
    deviation_text,
    group_weights,
    holm,
    interval_text,
    paired,
    weighted,
)
from covidct.scores import auc, best_threshold, calibration, calibration_error, precision_recall, roc, score
from covidct.train.bands import GRID, band
from covidct.train.data import Part
from covidct.train.results import by_patient, toml


def sample(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.4).astype(float)
    return truth, np.round(np.clip(0.3 * truth + rng.random(n) * 0.7, 0, 1), 2)


def test_scores_are_those_of_scikit_learn_with_covid_positive() -> None:
    truth, probability = sample()
    found, called = score(truth, probability), probability >= 0.5
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, called))
    assert found.precision == pytest.approx(metrics.precision_score(truth, called))
    assert found.recall == pytest.approx(metrics.recall_score(truth, called))
    assert found.f1 == pytest.approx(metrics.f1_score(truth, called))
    assert found.auc == pytest.approx(metrics.roc_auc_score(truth, probability))
    assert found.specificity == pytest.approx(metrics.recall_score(1 - truth, ~called))
    assert found.brier == pytest.approx(metrics.brier_score_loss(truth, probability))


def test_auc_counts_pairs_one_by_one() -> None:
    truth, probability = sample(25, 3)
    won = [1.0 if p > q else 0.5 if p == q else 0.0 for p in probability[truth == 1] for q in probability[truth == 0]]
    assert auc(truth, probability) == pytest.approx(sum(won) / len(won))


def test_missing_classes_and_nothing_called() -> None:
    only = score(np.ones(4), np.full(4, 0.2))
    assert np.isnan(only.auc)
    assert np.isnan(only.specificity)
    assert (only.recall, only.precision, only.f1) == (0.0, 0.0, 0.0)


def test_calibration_error_bin_by_bin() -> None:
    truth, probability = np.array([0, 1, 1, 1.0]), np.array([0.1, 0.15, 0.9, 1.0])
    assert calibration(truth, probability) == [(0.125, 0.5, 2), (0.95, 1.0, 2)]
    assert calibration_error(truth, probability) == pytest.approx(0.5 * 0.375 + 0.5 * 0.05)


def test_threshold_is_the_best_cut_and_of_equals_the_middle_one() -> None:
    assert best_threshold(np.array([0, 0, 1, 1.0]), np.array([0.1, 0.2, 0.3, 0.4])) == pytest.approx(0.25)
    assert best_threshold(np.array([0, 1.0]), np.array([0.2, 0.9])) == 0.5
    truth, probability = sample(40, 5)
    cut = best_threshold(truth, probability)
    hits = max(float(((probability >= t) == truth).mean()) for t in np.linspace(0, 1, 501))
    assert float(((probability >= cut) == truth).mean()) >= hits - 1e-12


def test_curves_end_where_they_must() -> None:
    truth, probability = sample()
    false, true = roc(truth, probability)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(auc(truth, probability))
    recall, precision = precision_recall(truth, probability)
    assert recall[-1] == 1
    assert precision[-1] == pytest.approx(truth.mean())


def test_group_weights_draw_whole_groups() -> None:
    weights = group_weights(["a", "a", "b", "c", "c", "c"], 200, 1)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(1) == 3).all()


@pytest.mark.parametrize("metric", ["auc", "accuracy", "precision", "recall", "f1", "specificity", "brier"])
def test_weighted_scores_are_scores_of_the_repeated_images(metric: str) -> None:
    truth, probability = sample(30, 7)
    groups = [f"g{i // 3}" for i in range(30)]
    weights = group_weights(groups, 20, 2)
    fast = weighted(truth, probability, weights, metric, 0.5)
    for row, value in zip(weights.astype(int), fast, strict=True):
        again = score(np.repeat(truth, row), np.repeat(probability, row))
        assert value == pytest.approx(getattr(again, metric), nan_ok=True)


def test_bootstrap_is_wider_over_groups_than_over_images() -> None:
    rng = np.random.default_rng(4)
    shift = np.repeat(rng.normal(0, 0.25, 20), 6)
    truth = np.repeat((np.arange(20) % 2).astype(float), 6)
    probability = np.clip(0.5 + 0.1 * (truth - 0.5) + shift + rng.normal(0, 0.02, 120), 0, 1)
    grouped = bootstrap(truth, [probability], [str(i // 6) for i in range(120)], "auc")
    single = bootstrap(truth, [probability], [str(i) for i in range(120)], "auc")
    assert grouped.high - grouped.low > 1.5 * (single.high - single.low)
    assert grouped.low <= grouped.value <= grouped.high


def test_one_group_has_a_score_and_no_interval() -> None:
    truth, probability = sample()
    found = bootstrap(truth, [probability], ["g"] * len(truth), "auc")
    assert found.value == pytest.approx(auc(truth, probability)) and np.isnan([found.low, found.high]).all()


def test_delong_is_the_placement_formula() -> None:
    """Variance from the definition: placements of each positive and each negative, loops only."""
    truth, probability = sample(50, 9)
    x, y = probability[truth == 1], probability[truth == 0]

    def psi(a: float, b: float) -> float:
        return 1.0 if a > b else 0.5 if a == b else 0.0

    v10 = [sum(psi(a, b) for b in y) / len(y) for a in x]
    v01 = [sum(psi(a, b) for a in x) / len(x) for b in y]
    area = sum(v10) / len(x)
    s10 = sum((v - area) ** 2 for v in v10) / (len(x) - 1)
    s01 = sum((v - area) ** 2 for v in v01) / (len(y) - 1)
    spread = 1.959964 * (s10 / len(x) + s01 / len(y)) ** 0.5
    found = delong(truth, probability)
    assert (found.value, found.low, found.high) == pytest.approx((area, area - spread, min(1, area + spread)))


def test_paired_difference_sees_a_real_one_and_not_a_false_one() -> None:
    rng = np.random.default_rng(1)
    truth = (np.arange(160) % 2).astype(float)
    groups = [str(i // 2) for i in range(160)]
    weak = [np.clip(0.5 + 0.05 * (truth - 0.5) + rng.normal(0, 0.2, 160), 0, 1) for _ in range(2)]
    strong = [np.clip(0.5 + 0.5 * (truth - 0.5) + rng.normal(0, 0.2, 160), 0, 1) for _ in range(2)]
    real = paired(truth, weak, strong, groups)
    assert real.value > 0.2
    assert real.low > 0
    assert real.p < 0.01
    same = paired(truth, weak, weak, groups)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_an_interval_that_cannot_be_had_is_left_empty() -> None:
    assert interval_text({"low": 0.71234, "high": 0.85}) == "0.712 to 0.850"
    assert interval_text({}) == interval_text({"low": None, "high": None}) == ""
    assert interval_text({"low": float("nan"), "high": 1.0}) == ""


def test_the_paired_p_value_is_that_of_the_ranks() -> None:
    """A monotone change of one run's scale changes no AUC, so it may change no p value either."""
    truth, first = sample(80, 1)
    _, second = sample(80, 2)
    second = np.clip(0.4 * truth + 0.6 * second, 0, 1)
    groups = [f"g{number // 2}" for number in range(80)]
    plain = paired(truth, [first], [second], groups)
    for bent in (second**3, second / 10, 0.5 + second / 4):
        assert paired(truth, [first], [bent], groups) == plain
    for metric in ("accuracy", "f1"):
        squeezed = 0.5 + (second - 0.5) / 3
        assert paired(truth, [first], [squeezed], groups, metric) == paired(truth, [first], [second], groups, metric)


def test_equal_runs_on_other_scales_do_not_differ() -> None:
    truth, run = sample(60, 4)
    found = paired(truth, [run], [run**2 / 3], [f"g{number}" for number in range(60)])
    assert (found.value, found.p) == (0.0, 1.0)


def test_the_order_of_rows_and_groups_said_twice_change_nothing() -> None:
    truth, run = sample(50, 6)
    groups = [f"g{number // 3}" for number in range(50)]
    order = np.random.default_rng(0).permutation(50)
    one = bootstrap(truth, [run], groups, "auc")
    two = bootstrap(truth[order], [run[order]], [groups[i] for i in order], "auc")
    assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))
    doubled = bootstrap(np.tile(truth, 2), [np.tile(run, 2)], groups * 2, "auc")
    assert (one.value, one.low, one.high) == pytest.approx((doubled.value, doubled.low, doubled.high))


@pytest.mark.parametrize("name", OPERATING_POINTS)
def test_operating_points_are_the_best_of_all_thresholds(name: str) -> None:
    truth, run = sample(70, 9)
    asked, level = OPERATING_POINTS[name]
    found = bootstrap(truth, [run], [f"g{number // 2}" for number in range(70)], name, draws=200)
    best = 0.0
    for cut in [*np.unique(run), 2.0]:
        one = score(truth, run, float(cut))
        wanted, given = (one.recall, one.specificity) if asked == "recall" else (one.specificity, one.recall)
        best = max(best, wanted if given >= level else 0.0)
    assert found.value == pytest.approx(best)
    assert found.low <= found.value <= found.high
    assert bootstrap(truth, [run**3], [f"g{number // 2}" for number in range(70)], name, draws=200) == found


def test_patients_are_scored_by_the_mean_of_their_images() -> None:
    truth = np.array([1, 1, 0, 0, 1, 0.0])
    part = Part(tuple("abcdef"), truth, ("p", "p", "q", "q", "r", "r"), ("s",) * 6)
    found = by_patient([np.array([0.9, 0.1, 0.4, 0.2, 0.5, 0.5])], part)
    assert (found["groups"], found["of_both_classes"], found["auc"]["value"]) == (2, 1, 1.0)


@pytest.mark.parametrize(("truth", "pure"), [([1, 0, 1], 0), ([1, 1, 1], 1)])
def test_without_patients_of_both_classes_there_is_no_score_of_them(truth: list[int], pure: int) -> None:
    part = Part(tuple("abc"), np.array(truth, float), ("p",) * 3, ("s",) * 3)
    found = by_patient([np.array([0.9, 0.1, 0.4])], part)
    assert found["groups"] == pure and set(found["auc"].values()) == {None}


def test_one_seed_has_no_deviation() -> None:
    assert deviation_text(None) == "–"
    assert deviation_text(0.0124) == "0.012"


def test_names_with_dots_stay_one_key_in_config() -> None:
    values = {"run": {"seeds": [0], "init": 'a "b"'}, "candidate": {"resnet50.a1-transfer": {"recipe": {"lr": 1e-3}}}}
    assert tomllib.loads(toml(values)) == values


@pytest.mark.parametrize("metric", ["auc", "recall_at_specificity_90", "specificity_at_recall_95"])
def test_intervals_do_not_feel_the_scale_the_order_or_a_doubling(metric: str) -> None:
    """Monotone rescaling, another order of rows, and every image said twice within its group: the same to the digit."""
    truth, run = sample(64, 11)
    groups = [f"g{number // 4}" for number in range(64)]
    plain = bootstrap(truth, [run], groups, metric, draws=300)
    order = np.random.default_rng(5).permutation(64)
    others = [
        bootstrap(truth, [np.log1p(run) / 7], groups, metric, draws=300),
        bootstrap(truth[order], [run[order]], [groups[i] for i in order], metric, draws=300),
        bootstrap(np.repeat(truth, 2), [np.repeat(run, 2)], [g for g in groups for _ in (0, 1)], metric, draws=300),
    ]
    for other in others:
        assert (other.value, other.low, other.high) == pytest.approx((plain.value, plain.low, plain.high))


def test_by_patient_feels_neither_order_nor_doubled_images() -> None:
    truth = np.repeat((np.arange(16) % 2).astype(float), 3)
    run = np.random.default_rng(2).random(48) + 0.2 * truth
    groups = tuple(f"g{number // 3}" for number in range(48))

    def found(rows: list[int]) -> dict[str, object]:
        part = Part(tuple(map(str, rows)), truth[rows], tuple(groups[i] for i in rows), ("s",) * len(rows))
        return by_patient([run[rows]], part)

    plain = found(list(range(48)))
    assert found(list(np.random.default_rng(1).permutation(48))) == plain
    assert found([i for i in range(48) for _ in range(2)]) == plain


def test_holm_is_the_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_bands_hold_their_curve_and_feel_no_scale_and_no_doubling() -> None:
    truth, run = sample(90, 3)
    groups = [f"g{number // 3}" for number in range(90)]
    low, high = band(truth, run, groups, "roc")
    false, true = roc(truth, run)
    middle = np.interp(GRID, false, true)
    assert (low[1:-1] <= middle[1:-1] + 1e-9).all()
    assert (high[1:-1] >= middle[1:-1] - 1e-9).all()
    assert (high - low).max() > 0.05
    for kind in ("roc", "pr"):
        plain = band(truth, run, groups, kind)
        assert np.allclose(band(truth, np.sqrt(run), groups, kind), plain)
        assert np.allclose(band(np.tile(truth, 2), np.tile(run, 2), groups * 2, kind), plain)
    assert np.isnan(band(np.ones(4), np.arange(4.0), list("aabb"), "roc")).all()
