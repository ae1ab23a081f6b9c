"""The demo plays a user: it types covidct's own commands one after the other and times them."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from covidct.demo.corpus import make_papers, truth_of
from covidct.demo.pdf import write_pdf
from covidct.demo.server import preprint_server
from covidct.errors import CovidctError, ExitCode, UsageError
from covidct.files import write_bytes, write_text
from covidct.profiles import DEFAULT
from covidct.records import Box

MARK = "covidct-demo.json"
"""Lies in a folder that the demo made; only such a folder is used again."""
STEP_SECONDS = 900
PROFILE = "profile.toml"
RELEASE = ("demo", "1.0.0")
WINDOW = ("2020-01-19", "2020-03-25")


@dataclass(frozen=True)
class Plan:
    """How large the demo is."""

    out: Path
    papers: int = 12
    seed: int = 0
    epochs: int = 12
    size: int = 64


@dataclass(frozen=True)
class Timing:
    """One step as it was run."""

    name: str
    command: str
    """As it can be pasted into a shell."""
    seconds: float
    output: str = ""
    """What the command printed."""


def prepare(plan: Plan) -> None:
    """Refuse a folder that holds anything the demo did not make; a demo of other settings is not mixed in."""
    settings = {"papers": plan.papers, "seed": plan.seed}
    mark = plan.out / MARK
    if mark.is_file():
        if json.loads(mark.read_text(encoding="utf-8")) != settings:
            raise UsageError(f"{plan.out} holds a demo with other settings: name another folder with --out")
    elif plan.out.exists() and any(plan.out.iterdir()):
        raise UsageError(f"{plan.out} holds other files: name a new folder with --out")
    write_text(mark, json.dumps(settings))


def draw_corpus(plan: Plan) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Write the PDFs and ``truth.json``; gives the PDFs by DOI and the truth."""
    made = make_papers(plan.papers, plan.seed)
    pdfs: dict[str, bytes] = {}
    boxes: dict[tuple[str, str], tuple[int, Box]] = {}
    for paper in made:
        pdfs[paper.doi], places = write_pdf(paper)
        boxes |= {(paper.doi, label): place for label, place in places.items()}
        write_bytes(plan.out / "corpus" / f"{paper.doi.split('/')[1]}.pdf", pdfs[paper.doi])
    truth = truth_of(made, boxes)
    write_text(plan.out / "corpus" / "truth.json", json.dumps(truth, indent=1))
    return pdfs, truth


def commands(plan: Plan) -> list[tuple[str, list[str]]]:
    """What a user would type, in order; the paths are the demo's."""
    workspace, release = str(plan.out / "workspace"), plan.out / "manifests" / RELEASE[0] / RELEASE[1]
    images, run = str(plan.out / "images"), str(plan.out / "run")
    profile = ["--profile", str(plan.out / PROFILE)]
    return [
        ("harvest", ["harvest", "--since", WINDOW[0], "--until", WINDOW[1], "--query", "", *profile, "-w", workspace]),
        ("curate", ["curate", "auto", *profile, "-w", workspace]),
        (
            "release",
            [
                *("manifest", "build", "-w", workspace, "--name", RELEASE[0], "--version", RELEASE[1]),
                *("--date", WINDOW[1], *profile, "--out", str(plan.out / "manifests")),
            ],
        ),
        ("materialize", ["manifest", "materialize", str(release), "-w", workspace, "--out", images]),
        (
            "audit",
            [
                *("manifest", "audit", str(release), "--images", images, "--out", str(plan.out / "audit")),
                *("--ocr", "6", "--no-network"),
            ],
        ),
        (
            "train",
            [
                *("bench", "--model", "crnet", "--manifest", str(release), "--images", images, "--out", run),
                *("--epochs", str(plan.epochs), "--size", str(plan.size), "--seeds", "0"),
            ],
        ),
    ]


def write_profile(plan: Plan) -> None:
    """The shipped profile, and the choice to take controls that nobody looked at: on made papers they are right."""
    shipped = files("covidct.profiles").joinpath(f"{DEFAULT}.toml").read_text(encoding="utf-8")
    write_text(plan.out / PROFILE, f'{shipped}\n[accept]\nways = ["stated-other"]\n')


def run_chain(plan: Plan, say: Callable[[Timing], None]) -> tuple[list[Timing], list[dict[str, Any]]]:
    """Draw, serve, and run every command; raises :class:`CovidctError` with the step's own words when one fails."""
    begun = time.perf_counter()
    pdfs, truth = draw_corpus(plan)
    timings = [Timing("draw", f"{len(pdfs)} papers into {plan.out / 'corpus'}", time.perf_counter() - begun)]
    say(timings[0])
    write_profile(plan)
    with preprint_server(make_papers(plan.papers, plan.seed), pdfs) as url:
        environment = {**os.environ, "COVIDCT_API_URL": url, "COVIDCT_SITE_URL": url}
        for name, words in commands(plan):
            timings.append(_run(name, words, environment))
            say(timings[-1])
    return timings, truth


def _run(name: str, words: list[str], environment: Mapping[str, str]) -> Timing:
    begun = time.perf_counter()
    done = covidct(words, environment)
    if done.returncode not in (ExitCode.COMPLETE, ExitCode.INCOMPLETE):
        last = " ".join(done.stderr.strip().splitlines()[-3:])
        raise CovidctError(f"demo step '{name}' ended with {done.returncode}: covidct {' '.join(words)}: {last}")
    return Timing(name, shlex.join(["covidct", *words]), time.perf_counter() - begun, done.stdout)


def accepted(timings: Sequence[Timing]) -> list[str]:
    """The lines with which ``curate auto`` ends: what a release takes without review, and why the rest waits."""
    lines = next((timing.output.splitlines() for timing in timings if timing.name == "curate"), [])
    start = next((n for n, line in enumerate(lines) if line.startswith("accepted without review")), len(lines))
    return lines[start:]


def covidct(words: list[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run one covidct command as a process of its own, as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "covidct", *words],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=STEP_SECONDS,
        check=False,
    )


def table(plan: Plan, name: str) -> list[dict[str, str]]:
    """A table of the demo's workspace as ``covidct show`` prints it."""
    done = covidct(["show", name, "--json", "-w", str(plan.out / "workspace")], os.environ)
    if done.returncode != ExitCode.COMPLETE:
        raise CovidctError(f"'covidct show {name}' ended with {done.returncode}: {done.stderr.strip()}")
    rows: list[dict[str, str]] = json.loads(done.stdout)
    return rows
