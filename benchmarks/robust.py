"""The protocol ``robust`` on one GPU within a time limit: fold members, the most valuable first, each resumable.

    python benchmarks/robust_packed.py --images DIR --luna DIR --out FOLDER    # pictures and weights in under 60 MB
    python benchmarks/robust.py train --packed FOLDER --out OUT --seconds 500  # on the machine with the GPU
    python benchmarks/robust.py score --packed FOLDER --out OUT                # cross-validation, ensemble, test

``train`` needs torch, OpenCV and lightning_fabric beside covidct's own files and
no network. Which candidates get further repeats is chosen by the mean AUC over folds; ``score`` reads test
predictions once the ensemble stands.
"""

import argparse
import dataclasses
import json
import logging
import multiprocessing as mp
import os
import queue
import sys
import tarfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from robust_packed import FOLDS, Shelf, begin
from robust_score import score, tried

HELD_SUBJECTS = 50
"""LUNA16 subjects that pretraining does not see: the probe asks whether their two slices find each other."""
MOCO = {"size": 192, "batch": 128, "queue": 512, "lr": 0.03, "key_momentum": 0.99, "groups": 2}
LUNA_EPOCHS, TARGET_EPOCHS = 200, 60


@dataclass(frozen=True)
class Candidate:
    """A network, where it starts, and what its recipe changes; ``start`` is a key of ``begin``."""

    name: str
    model: str
    start: str = "imagenet"
    changes: dict[str, Any] = field(default_factory=dict)


STRONG = {"augment.crop": 0.3, "augment.blur": 0.3}
CANDIDATES = (
    Candidate("lite0", "lite0"),
    Candidate("lite1", "lite1"),
    Candidate("lite2", "lite2"),
    Candidate("lite0-lungs", "lite0", changes={"view": "lungs"}),
    Candidate("lite0-masked", "lite0", changes={"view": "masked"}),
    Candidate("lite0-self-trans", "lite0", "self-trans"),
    Candidate("lite2-256", "lite2", changes={"size": 256, "lr": 1e-3}),
    Candidate("lite1-slow", "lite1", changes={"lr": 7e-4}),
    Candidate("lite2-strong", "lite2", changes=STRONG),
    Candidate("lite1-self-trans", "lite1", "self-trans"),
    Candidate("lite1-lungs", "lite1", changes={"view": "lungs"}),
    Candidate("lite2-long", "lite2", changes={"epochs": 50, "lr": 1e-3}),
)
"""Tried by cross-validation on 1.0.0 in this order, as far as the time goes."""
SCRATCH = tuple(
    Candidate(f"{model}-{start}", model, start)
    for model in ("resnet50", "densenet169")
    for start in ("random", "self-trans-random")
)
"""The paper's recipe on its own split, one lane a network, beside all else."""


def recipe_of(shelf: Shelf, candidate: Candidate, protocol: str = "robust") -> Any:
    """The protocol's recipe with the candidate's changes."""
    from covidct.train.recipe import changed
    from covidct.train.recipe import protocol as named

    small = {"size": 32, "epochs": 2, "batch": 8} if shelf.tiny else {}
    return changed(named(protocol), {"precision": shelf.precision, **candidate.changes, **small})


def moco_of(shelf: Shelf, epochs: int) -> Any:
    """Momentum contrast as it fits hundreds of pictures."""
    from covidct.train.recipe import TUNED_MOCO, changed

    small = {"size": 32, "epochs": 2, "batch": 8, "queue": 16} if shelf.tiny else {}
    return changed(TUNED_MOCO, {**MOCO, "epochs": epochs, "precision": shelf.precision, **small})


def where() -> Any:
    import torch

    from covidct.train.devices import Devices

    return Devices("cuda" if torch.cuda.is_available() else "cpu", compile="off")


def pretrain(shelf: Shelf, candidate: Candidate) -> None:
    """Momentum contrast on LUNA16 slices; leaves the encoder and its losses and probes."""
    import torch

    from covidct.train.pretrain import PROBE, Stage, pretrained

    target = shelf.work / "luna" / f"{candidate.model}-{candidate.start}.pt"
    pixels, subjects = shelf.view("luna"), np.array(shelf.tables["luna"])
    held = np.isin(subjects, np.unique(subjects)[:: max(2, len(np.unique(subjects)) // HELD_SUBJECTS)])
    recipe = moco_of(shelf, LUNA_EPOCHS // 2 if candidate.model == "densenet169" else LUNA_EPOCHS)
    stage = Stage("luna", recipe, pixels[~held], "packed", pixels[held], tuple(subjects[held]))
    base = begin(shelf, candidate.model, candidate.start, recipe.size, 0, pixels)
    cache = shelf.work / "luna" / f"stages-{candidate.name}"
    done = pretrained(candidate.model, base, [stage], 0, cache, where())
    for file in cache.rglob(PROBE):
        (target.parent / f"{candidate.model}-{candidate.start}.json").write_bytes(file.read_bytes())
    torch.save(done.network.state_dict(), target.with_suffix(".part"))
    target.with_suffix(".part").replace(target)


def member(shelf: Shelf, candidate: Candidate, version: str, repeat: int, fold: int) -> None:
    """One member of a fold ensemble."""
    from covidct.train.robust import Member, split_of

    recipe = recipe_of(shelf, candidate)
    pool = shelf.pictures(shelf.rows(version, ("train", "val")), recipe.view)
    train, held = split_of(pool, shelf.folds(version, repeat), fold)
    one = Member(candidate.name, repeat, fold)
    _fit(shelf, candidate, recipe, version, (train, held), 100 * repeat + fold, one.file(shelf.work / version), ())


def scratch(shelf: Shelf, candidate: Candidate, seed: int) -> None:
    """The paper's recipe on the published split, scored after every epoch."""
    recipe = recipe_of(shelf, candidate, "paper")
    parts = tuple(shelf.pictures(shelf.rows("1.0.0", (split,)), "whole") for split in ("train", "val"))
    target = shelf.work / "scratch" / f"{candidate.name}-{seed}.npz"
    _fit(shelf, candidate, recipe, "1.0.0", parts, seed, target, tuple(range(1, recipe.epochs + 1)))


def _fit(
    shelf: Shelf, candidate: Candidate, recipe: Any, version: str, parts: Any, seed: int, target: Path, kept: Any
) -> None:
    from covidct.train.loop import Job
    from covidct.train.pretrain import Stage, pretrained
    from covidct.train.robust import fit_member

    train, held = parts
    start = begin(shelf, candidate.model, candidate.start, recipe.size, seed, train.pixels)
    if candidate.start.startswith("self-trans"):
        names = tuple(str(value) for value in held.truth)
        stage = Stage("target", moco_of(shelf, TARGET_EPOCHS), train.pixels, "fold", held.pixels, names)
        start = pretrained(
            candidate.model, start, [stage], seed, shelf.work / f"target-{os.getpid()}-{time.time_ns()}", where()
        )
    job = Job(candidate.model, recipe, seed, train, held, target.parent / f"work-{target.stem}")
    test = shelf.pictures(shelf.rows(version, ("test",)), recipe.view).pixels
    fit_member(job, test, start.network, target, where(), kept)


def speed(shelf: Shelf) -> dict[str, float]:
    """Steps a second of Lite1 in either precision, our loop and the bare model: which one this machine runs faster."""
    import torch
    from torch.nn import functional as F

    from covidct.train.devices import launch
    from covidct.train.loop import START, Job, Training

    found: dict[str, float] = {}
    rows = shelf.pictures(shelf.rows("1.0.0", ("train",)), "whole")

    def work(fabric: Any, job: Any, compiling: str) -> None:
        run = Training(fabric, job, "off")
        wait = torch.cuda.synchronize if fabric.device.type == "cuda" else (lambda: None)
        for _warm in (True, False):
            wait()
            begun, count = time.monotonic(), 0
            for _ in run.steps_of(0):
                count += 1
                if count == (3 if shelf.tiny else 12):
                    break
            wait()
            loop = count / (time.monotonic() - begun)
        x = torch.rand(job.recipe.batch, 1, job.recipe.size, job.recipe.size, device=fabric.device)
        y = torch.zeros(len(x), dtype=torch.long, device=fabric.device)
        wait()
        begun = time.monotonic()
        for _ in range(count):
            loss = F.cross_entropy(run.model(x).float(), y)
            run.optimiser.zero_grad(set_to_none=True)
            fabric.backward(loss)
            run.optimiser.step()
        wait()
        found[f"{job.recipe.precision} loop"] = loop
        found[f"{job.recipe.precision} bare"] = count / (time.monotonic() - begun)

    for precision in ("32", "bf16"):
        recipe = dataclasses.replace(recipe_of(shelf, CANDIDATES[1]), precision=precision)
        folder = shelf.work / f"speed-{precision}"
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(begin(shelf, "lite1", "imagenet", recipe.size, 0, rows.pixels).network.state_dict(), folder / START)
        launch(work, Job("lite1", recipe, 0, rows, rows, folder), where(), precision)
    return found


def worker(shelf: Shelf, tasks: Any, done: Any) -> None:
    """Do tasks (function name, arguments) until None comes; every failure is told, none ends the worker."""
    import torch

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    while (task := tasks.get()) is not None:
        name, arguments, shelf.precision = task
        begun = time.monotonic()
        try:
            result = {"pretrain": pretrain, "member": member, "scratch": scratch, "speed": speed}[name](
                shelf, *arguments
            )
            done.put((task, time.monotonic() - begun, result, ""))
        except Exception:  # noqa: BLE001  # the others go on; the driver prints what failed
            done.put((task, time.monotonic() - begun, None, traceback.format_exc()))


class Driver:
    """Hands out tasks, the most valuable first, until the time is up; packs what is there twice a minute."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.begun = options, time.monotonic()
        self.shelf = Shelf(options.packed, options.work, options.tiny)
        self.context = mp.get_context("spawn")
        self.done = self.context.Queue()
        self.lanes: dict[str, Any] = {}
        self.busy: dict[str, int] = {}
        self.processes: list[Any] = []
        self.seconds: dict[str, list[float]] = {}
        self.precision = "32"
        self.packed_at = 0.0

    @property
    def left(self) -> float:
        return float(self.options.seconds - (time.monotonic() - self.begun))

    def open_lane(self, name: str) -> None:
        self.lanes[name], self.busy[name] = self.context.Queue(), 0
        self._hire(name, 1)

    def _hire(self, lane: str, workers: int) -> None:
        for _ in range(workers):
            process = self.context.Process(target=worker, args=(self.shelf, self.lanes[lane], self.done), daemon=True)
            process.start()
            self.processes.append(process)

    def give(self, lane: str, name: str, *arguments: Any) -> None:
        self.busy[lane] += 1
        self.lanes[lane].put((name, arguments, self.precision))

    def take(self) -> Any:
        """Wait for one finished task; its result, or None."""
        task, seconds, result, error = self.done.get(timeout=max(0.1, self.left))
        name, arguments, _ = task
        lane = arguments[0].model if name in ("pretrain", "scratch") and arguments[0] in SCRATCH else "robust"
        self.busy[lane] -= 1
        label = " ".join(str(getattr(a, "name", a)) for a in arguments)
        self.seconds.setdefault(f"{name} {label.split(' ')[0]}", []).append(seconds)
        print(f"[{time.monotonic() - self.begun:5.0f} s] {name} {label}: {error or f'{seconds:.1f} s'}", flush=True)
        if time.monotonic() - self.packed_at > 30:
            self.pack()
        return result

    def pack(self) -> None:
        """One archive of all results so far, written beside and renamed."""
        self.packed_at = time.monotonic()
        self.options.out.mkdir(parents=True, exist_ok=True)
        part = self.options.out / "results.part"
        with tarfile.open(part, "w:gz", compresslevel=1) as archive:
            for file in sorted(self.options.work.rglob("*.npz")) + sorted(self.options.work.rglob("*.json")):
                if not any(
                    p.startswith((".", "target-", "stages-")) for p in file.relative_to(self.options.work).parts
                ):
                    archive.add(file, str(file.relative_to(self.options.work)))
        part.replace(self.options.out / "results.tar.gz")

    def run(self) -> None:
        try:
            self.open_lane("robust")
            self.give("robust", "speed")
            found = self.take() or {"32 loop": 1.0}
            self.precision = "bf16" if found.get("bf16 loop", 0) > found["32 loop"] else "32"
            print(f"steps a second, Lite1, batch 32, 224 pixels: {found}; going on with {self.precision}", flush=True)
            (self.options.work / "speed.json").write_text(json.dumps(found))
            self._hire("robust", self.options.workers - 1)
            self._feed_all()
        except queue.Empty:
            print("the time is up", flush=True)
        finally:
            for process in self.processes:
                process.terminate()
            self.pack()

    def _feed_all(self) -> None:
        feeds: dict[str, Iterator[Any]] = {"robust": self.robust_tasks()}
        for model in ("resnet50", "densenet169"):
            if model in self.options.scratch:
                self.open_lane(model)
                feeds[model] = self.scratch_tasks(model)
        room = {"robust": self.options.workers}
        while feeds and self.left > self.options.spare:
            for lane, feed in list(feeds.items()):
                while lane in feeds and self.busy[lane] < room.get(lane, 1):
                    task = next(feed, "end")
                    if task == "end":
                        del feeds[lane]
                    elif task is None:
                        break  # nothing to give out before something comes back
                    else:
                        self.give(lane, *task)
            if not any(self.busy.values()):
                if not feeds:
                    break
                time.sleep(0.2)
                continue
            self.take()
        while any(self.busy.values()) and self.left > 2:
            self.take()

    def scratch_tasks(self, model: str) -> Iterator[Any]:
        plain, contrastive = (one for one in SCRATCH if one.model == model)
        yield "scratch", plain, 0
        yield "pretrain", contrastive
        while not (self.options.work / "luna" / f"{model}-{contrastive.start}.pt").is_file():
            yield None
        for seed in (0, 1, 2):
            yield "scratch", contrastive, seed
            if seed:
                yield "scratch", plain, seed

    def robust_tasks(self) -> Iterator[Any]:
        """Pretraining, then candidate after candidate on 1.0.0, then repeats of the best and the same on 2.0.0."""
        contrastive = [one for one in CANDIDATES if one.start == "self-trans"]
        for one in contrastive:
            if not self._encoder(one).is_file():
                yield "pretrain", one
        for one in sorted(CANDIDATES, key=lambda one: one.start == "self-trans"):
            while one in contrastive and not self._encoder(one).is_file() and self._pretraining(one):
                yield None
            if self.options.seconds - self.left < self.options.trials_until:
                yield from self._missing(one, "1.0.0", 0)
        while self.busy["robust"]:
            yield None
        best = self.best()
        print(f"going on with {[one.name for one in best]}", flush=True)
        for repeat in range(1, 5):
            for one in best:
                yield from self._missing(one, "1.0.0", repeat)
            for one in best if repeat == 1 else ():
                yield from self._missing(one, "2.0.0", 0)

    def _encoder(self, one: Candidate) -> Path:
        return Path(self.options.work / "luna" / f"{one.model}-{one.start}.pt")

    def _pretraining(self, one: Candidate) -> bool:
        return f"pretrain {one.name}" not in self.seconds

    def _missing(self, one: Candidate, version: str, repeat: int) -> Iterator[Any]:
        from covidct.train.robust import Member

        for fold in range(FOLDS):
            if not Member(one.name, repeat, fold).file(self.options.work / version).is_file():
                yield "member", one, version, repeat, fold

    def best(self) -> list[Candidate]:
        """The candidates of the ensemble that out-of-fold predictions choose, at most four."""
        from covidct.train.folds import ensemble

        found = tried(self.shelf, "1.0.0", CANDIDATES)
        if not found:
            return []
        truth = np.array([row["truth"] for row in self.shelf.rows("1.0.0", ("train", "val"))])
        chosen = ensemble(found, truth, [self.shelf.folds("1.0.0", 0)], most=4)
        by_name = {one.name: one for one in CANDIDATES}
        return [by_name[choice.name] for choice in chosen.choices]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "score"])
    parser.add_argument("--packed", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="Folder of the members. Default: OUT/work.")
    parser.add_argument("--seconds", type=float, default=500)
    parser.add_argument("--spare", type=float, default=15, help="Give out no task in the last seconds.")
    parser.add_argument("--trials-until", type=float, default=270, help="No new candidate after so many seconds.")
    parser.add_argument("--workers", type=int, default=9)
    parser.add_argument("--scratch", default="resnet50,densenet169", help="Networks trained from scratch beside.")
    parser.add_argument("--results", type=Path, help="Folder for robust-final (score). Default: beside the members.")
    parser.add_argument("--tiny", action="store_true", help="32 pixels, two epochs: for tests.")
    options = parser.parse_args()
    options.work = options.work or options.out / "work"
    if options.what == "train":
        options.work.mkdir(parents=True, exist_ok=True)
        Driver(options).run()
    return score(Shelf(options.packed, options.work), options.results, CANDIDATES)


if __name__ == "__main__":
    sys.exit(main())
