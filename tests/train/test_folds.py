"""Grouped cross-validation: whole groups, shared-out classes, choices by out-of-fold predictions alone."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from covidct.bench.training import slices_stage
from covidct.models import build
from covidct.scores import auc
from covidct.train.devices import Devices
from covidct.train.folds import Tried, ensemble, fold_scores, grouped_folds, nested_score, ranked
from covidct.train.loop import Job, Pictures
from covidct.train.pixels import PixelStore
from covidct.train.pretrain import Stage, pretrained
from covidct.train.probe import nearest_share
from covidct.train.recipe import MocoRecipe, changed, protocol
from covidct.train.results import read_predictions
from covidct.train.robust import Member, fit_member, gather, kept_epochs, split_of
from covidct.train.weights import Weights

Bench = Callable[..., int]
RNG = np.random.default_rng(7)
GROUPS = [f"g{number}" for number in RNG.integers(0, 60, 200)]
TRUTH = np.array([float(int(group[1:]) % 5 < 2) for group in GROUPS])


def test_groups_stay_whole_and_classes_are_shared_out() -> None:
    folds = grouped_folds(TRUTH, GROUPS, 5, 0)
    assert all(len({f for f, g in zip(folds, GROUPS, strict=True) if g == group}) == 1 for group in set(GROUPS))
    for kind in (0, 1):
        counts = np.bincount(folds[kind == TRUTH], minlength=5)
        assert counts.max() - counts.min() <= 4


def test_a_group_of_both_classes_stays_whole() -> None:
    groups = ["both"] * 8 + [f"g{number // 2}" for number in range(40)]
    truth = np.array([float(number % 3 == 0) for number in range(48)])
    assert len(set(grouped_folds(truth, groups, 4, 1)[:8])) == 1


def test_the_order_of_images_changes_no_fold_and_the_seed_does() -> None:
    order = np.random.default_rng(3).permutation(len(GROUPS))
    folds = grouped_folds(TRUTH, GROUPS, 5, 0)
    assert np.array_equal(grouped_folds(TRUTH[order], [GROUPS[i] for i in order], 5, 0), folds[order])
    assert not np.array_equal(grouped_folds(TRUTH, GROUPS, 5, 1), folds)


def tried(name: str, strength: float, seed: int) -> Tried:
    """Two repeats, two epochs; the second epoch knows more than the first."""
    noise = np.random.default_rng(seed).normal(size=(2, 2, len(TRUTH)))
    signal = np.array([strength / 3, strength])[None, :, None] * TRUTH
    return Tried(name, (5, 10), 1 / (1 + np.exp(-noise - signal)))


FOLDS = [grouped_folds(TRUTH, GROUPS, 5, seed) for seed in (0, 1)]


def test_the_best_candidate_at_its_best_epoch_comes_first() -> None:
    order = ranked([tried("weak", 0.5, 1), tried("strong", 2.0, 2)], TRUTH, FOLDS)
    assert [(one.name, one.epoch) for one in order] == [("strong", 10), ("weak", 10)]
    assert order[0].auc == pytest.approx(fold_scores(tried("strong", 2.0, 2), TRUTH, FOLDS)[1].mean())


def test_a_monotone_rescaling_changes_no_rank() -> None:
    plain = [tried("a", 1.0, 1), tried("b", 1.2, 2)]
    bent = [Tried(one.name, one.epochs, one.held**3) for one in plain]
    assert ranked(bent, TRUTH, FOLDS) == ranked(plain, TRUTH, FOLDS)
    assert nested_score(bent, TRUTH, FOLDS) == nested_score(plain, TRUTH, FOLDS)


def test_the_worth_of_a_choice_among_noise_is_no_better_than_chance() -> None:
    """The best of forty guesses looks good on the folds that chose it, and is worth nothing on the fold left out."""
    guesses = [tried(f"guess-{number}", 0.0, number) for number in range(40)]
    best = ranked([Tried(g.name, g.epochs, g.held[:1]) for g in guesses], TRUTH, FOLDS)[0]
    assert best.auc > 0.56
    assert nested_score(guesses, TRUTH, FOLDS) < best.auc - 0.03


def test_an_ensemble_takes_what_helps_and_leaves_what_hurts() -> None:
    one, two, noise = tried("one", 1.0, 1), tried("two", 1.0, 2), tried("noise", 0.0, 3)
    chosen = ensemble([noise, one, two], TRUTH, FOLDS)
    assert {choice.name for choice in chosen.choices} == {"one", "two"}
    assert chosen.auc > max(choice.auc for choice in chosen.choices)


def test_more_repeats_give_a_candidate_no_advantage() -> None:
    short = Tried("short", (5, 10), tried("short", 1.0, 1).held[:1])
    chosen = ensemble([short, tried("long", 1.0, 2)], TRUTH, FOLDS)
    level = ensemble([short, Tried("long", (5, 10), tried("long", 1.0, 2).held[:1])], TRUTH, FOLDS)
    assert chosen.auc == level.auc


def test_the_threshold_is_of_the_members_that_score_test() -> None:
    """All repeats of the chosen candidate, also where another one has a single repeat."""
    short, long = Tried("short", (5, 10), tried("short", 0.0, 1).held[:1]), tried("long", 3.0, 2)
    chosen = ensemble([short, long], TRUTH, FOLDS, most=1)
    assert [one.name for one in chosen.choices] == ["long"]
    assert chosen.held == pytest.approx(long.at(chosen.choices[0].epoch))


def test_members_leave_what_the_ensemble_needs_and_a_missing_one_is_no_candidate(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = np.array([float(number % 2) for number in range(16)])
    pool = Pictures(rng.integers(0, 255, (16, 36, 36), dtype=np.uint8), truth)
    fold = grouped_folds(truth, [f"g{number // 2 * 2 + number % 2}" for number in range(16)], 2, 0)
    recipe = changed(protocol("robust"), {"size": 32, "epochs": 2, "batch": 4, "precision": "32"})
    for number in (0, 1):
        assert gather(tmp_path, "crnet", [fold]) is None
        train, held = split_of(pool, fold, number)
        torch.manual_seed(0)
        member = Member("crnet", 0, number).file(tmp_path)
        job = Job("crnet", recipe, 0, train, held, tmp_path / f"work-{number}")
        fit_member(job, pool.pixels[:5], build("crnet", size=32), member, Devices("cpu"))
    found = gather(tmp_path, "crnet", [fold])
    assert found is not None
    assert found.epochs == kept_epochs(recipe) == (1, 2)
    assert found.held.shape == (1, 2, 16)
    assert ((found.held > 0) & (found.held < 1)).all()
    assert np.load(Member("crnet", 0, 1).file(tmp_path))["test"].shape == (2, 5)


def test_the_probe_finds_pairs_and_leaves_single_names_uncounted() -> None:
    pairs = torch.eye(4).repeat_interleave(2, 0) + 0.01 * torch.rand(8, 4, generator=torch.Generator().manual_seed(0))
    names = ["a", "a", "b", "b", "c", "c", "d", "e"]
    assert nearest_share(pairs, names) == 1.0
    assert nearest_share(pairs, ["a", "b", "a", "b", "c", "d", "c", "d"]) == 0.0


def test_slices_of_the_subjects_of_the_probe_are_not_learned_from(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ids = tuple(f"1.2.{subject}.mhd_{z}.jpg" for subject in range(20) for z in (10, 20))
    sums = {name: f"sum of {name}" for name in ids}
    store = PixelStore(ids, rng.integers(0, 255, (40, 16, 16), dtype=np.uint8), "digest", tmp_path, sums)
    whole = slices_stage(store, MocoRecipe())
    assert (len(whole.pixels), whole.held) == (40, None)
    parted = slices_stage(store, MocoRecipe(held=0.2))
    assert parted.held is not None
    assert (len(parted.pixels), len(parted.held), len(set(parted.held_names))) == (32, 8, 4)
    learned = {name.partition(".mhd")[0] for name in ids if f"sha256:sum of {name}" in parted.seen}
    assert len(learned) == 16
    assert not learned & set(parted.held_names)
    assert not {one.tobytes() for one in parted.pixels} & {one.tobytes() for one in parted.held}


def test_seeds_that_differ_in_their_heads_alone_share_one_pretraining(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (8, 36, 36), dtype=np.uint8)
    recipe = changed(MocoRecipe(), {"size": 32, "epochs": 1, "batch": 4, "groups": 1, "queue": 8, "hidden": 8})
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        network = build("crnet", size=32)
        torch.nn.init.normal_(network.head.weight, generator=torch.Generator().manual_seed(len(found)))
        head = network.head.weight.detach().clone()
        begun = Weights(network, "random")
        found.append(
            pretrained("crnet", begun, [Stage("luna", recipe, pixels, "d")], 0, tmp_path, Devices("cpu")).network
        )
        assert torch.equal(found[-1].head.weight, head)
    assert len(list(tmp_path.iterdir())) == 1
    one, two = ({k: v for k, v in n.state_dict().items() if k.startswith("encoder.")} for n in found)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_protocol_chooses_an_ensemble_and_scores_test_by_its_mean(bench: Bench, tmp_path: Path) -> None:
    small = ("--size", "32", "--epochs", "2", "--set", "batch=8", "--folds", "3", "--repeats", "2")
    words = ("--protocol", "robust", "--model", "crnet", "--method", "scratch", "--trials", "2", *small)
    assert bench(*words, "--out", str(tmp_path)) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    chosen = summary["cross_validation"]["chosen"]
    found = read_predictions(tmp_path, "test")
    assert len(found.runs) == summary["members"]["count"] == 6 * len(chosen)
    mean = np.mean(list(found.runs.values()), axis=0)
    assert auc(found.truth, mean) == pytest.approx(summary["metrics"]["auc"]["mean"], abs=1e-5)
    cut = summary["at_validation_threshold"]["thresholds"][0]
    hits = ((mean >= cut) == (found.truth > 0.5)).mean()
    assert hits == pytest.approx(summary["at_validation_threshold"]["accuracy"]["value"], abs=1e-6)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.npz")}
    assert len(before) == 12
    next(iter(before)).unlink()
    old = (tmp_path / "predictions.csv").read_bytes()
    assert bench(*words, "--out", str(tmp_path)) == 0  # one member is made again, the others stay
    assert sum(file.stat().st_mtime_ns != when for file, when in before.items()) == 1
    assert (tmp_path / "predictions.csv").read_bytes() == old


def test_no_candidate_is_chosen_by_its_test_predictions(bench: Bench, tmp_path: Path) -> None:
    """Test predictions are spoiled after training: the choice and the threshold stay what they were."""
    words = ("--protocol", "robust", "--model", "crnet", "--method", "scratch", "--size", "32", "--epochs", "2")
    words += ("--set", "batch=8", "--folds", "2", "--trials", "2", "--out", str(tmp_path))
    assert bench(*words) == 0
    first = json.loads((tmp_path / "summary.json").read_text())
    for file in tmp_path.rglob("*.npz"):
        kept = dict(np.load(file))
        np.savez(file, **{**kept, "test": 1 - kept["test"]})
    assert bench(*words) == 0
    second = json.loads((tmp_path / "summary.json").read_text())
    assert second["cross_validation"] == first["cross_validation"]
    thresholds = [one["at_validation_threshold"]["thresholds"] for one in (first, second)]
    assert thresholds[0] == thresholds[1]
    assert second["metrics"]["auc"]["mean"] == pytest.approx(1 - first["metrics"]["auc"]["mean"], abs=1e-6)
