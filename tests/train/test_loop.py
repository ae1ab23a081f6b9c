"""The loop's parts: learning rates, memory errors, fractions by groups, weights averaged, what the queue can hold."""

from pathlib import Path

import numpy as np
import pytest
import torch

from covidct.errors import CovidctError, UsageError
from covidct.release.read import default_release, read_release
from covidct.train.data import BenchData, bench_data, fraction_of
from covidct.train.loop import derive_seed, memory_errors, rate, scaled
from covidct.train.pixels import PixelStore
from covidct.train.pretrain import queue_note
from covidct.train.recipe import TRIALS, MocoRecipe, Recipe, changed, moco_recipes, protocol


def test_rates_of_the_paper_are_those_of_warm_restarts() -> None:
    recipe = Recipe()
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], recipe.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimiser, T_0=10)
    for epoch in range(50):
        assert rate(recipe, epoch + 0.7) == pytest.approx(schedule.get_last_lr()[0], rel=1e-6)
        optimiser.step()
        schedule.step()


def test_a_single_cosine_warms_up_and_ends_at_nothing() -> None:
    recipe = Recipe(schedule="cosine", warmup=2, epochs=10, lr=1.0)
    rates = [rate(recipe, step / 4) for step in range(41)]
    assert rates[0] < 0.1
    assert max(rates) == pytest.approx(1.0)
    assert rates[8:] == sorted(rates[8:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_running_out_of_memory_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CovidctError, match="out of memory with batch=16 at size=224"), memory_errors(16, 224, tmp_path):
        torch.empty(10**16)


def test_other_errors_keep_their_trace(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shape"), memory_errors(16, 224, tmp_path):
        torch.zeros(2, 3) @ torch.zeros(2, 3)


def test_seeds_are_the_same_everywhere() -> None:
    assert derive_seed(0, "heads") == 16_663_058_706_886_278
    assert len({derive_seed(seed, epoch, "x") for seed in range(20) for epoch in range(20)}) == 400


def test_inputs_shrink_smoothly() -> None:
    stripes = torch.zeros(2, 64, 64, dtype=torch.uint8)
    stripes[:, :, ::2] = 200
    small = scaled(stripes, 16)
    assert small.shape == (2, 1, 16, 16)
    assert (small[:, :, :, 1:-1].float() - 100).abs().max() < 12


@pytest.fixture(scope="module")
def covid_ct() -> BenchData:
    """covid-ct/1.0.0 with empty pictures: splits and groups are what is looked at."""
    release = read_release(default_release())
    ids = tuple(release.images["image_id"])
    return bench_data(release, PixelStore(ids, np.zeros((len(ids), 4, 4), np.uint8), "none", Path()))


def test_the_published_split_is_read_as_it_is(covid_ct: BenchData) -> None:
    assert {split: len(part.ids) for split, part in covid_ct.parts.items()} == {"train": 425, "val": 118, "test": 203}
    assert {split: int(part.truth.sum()) for split, part in covid_ct.parts.items()} == {
        "train": 191,
        "val": 60,
        "test": 98,
    }


def test_fractions_take_whole_groups_and_are_nested(covid_ct: BenchData) -> None:
    whole = covid_ct.parts["train"]
    kept: set[str] = set()
    for share in (0.05, 0.25, 0.5, 1.0):
        part = fraction_of(covid_ct, share, seed=3).parts["train"]
        groups = set(part.groups)
        assert kept <= groups
        assert len(part.ids) == sum(group in groups for group in whole.groups)
        assert abs(len(groups) / len(set(whole.groups)) - share) < 0.02
        assert 0 < part.truth.sum() < len(part.truth)
        kept = groups
    with pytest.raises(UsageError, match="fraction 0"):
        fraction_of(covid_ct, 0, 0)


def test_a_queue_that_the_data_cannot_fill_is_said() -> None:
    assert "an epoch gives 384" in queue_note(MocoRecipe(), 425)
    assert queue_note(MocoRecipe(), 1000) == ""


def test_every_trial_is_a_recipe_and_settings_reach_their_stage() -> None:
    for values in TRIALS:
        assert changed(protocol("tuned"), values).protocol == "tuned"
    stages = moco_recipes("tuned", ("luna", "target"), {"moco.size": "96", "luna.epochs": "5"})
    assert (stages["luna"].epochs, stages["target"].epochs) == (5, 60)
    assert {one.size for one in stages.values()} == {96}
    with pytest.raises(UsageError, match="use one of"):
        protocol("magic")
    with pytest.raises(UsageError, match="precision 16"):
        changed(Recipe(), {"precision": "16"})
