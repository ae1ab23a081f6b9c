"""The list of steps: it builds the commands under ``covidct curate`` and what ``curate auto`` does.

A third party adds a step by an entry point in the group ``covidct.steps`` that names a :class:`covidct.steps.Step`.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from covidct.errors import CovidctError, UsageError
from covidct.steps import Item, Outcome, Step, lazily

GROUP = "covidct.steps"


def _own(
    name: str,
    module: str,
    words: str,
    *after: Step,
    command: str = "",
    rule: str = "",
    run: str = "run",
    heavy: bool = False,
) -> Step:
    source = f"covidct.curate.{module}"
    functions = lazily(f"{source}:items"), lazily(f"{source}:{run}")
    return Step(name, (source,), *functions, after, rule, command, words, heavy)


SPLIT = _own("split", "split", "Compound figures into panels.", command="split-figure", rule="split-figure", heavy=True)
TRIAGE = _own("triage", "triage", "Which pictures are CT slices of the lung.", SPLIT, heavy=True)
SPLIT_CAPTION = _own("split-caption", "subcaption", "Captions into the texts of their panels.", SPLIT, rule="captions")
MASK = _own("mask", "mask", "Find and paint over letters, arrows, borders.", SPLIT, heavy=True)
HEADINGS = _own("headings", "headings", "Whom a figure prints over its columns and rows.", TRIAGE, heavy=True)
DEDUP = _own("dedup", "dedup", "Exact and near duplicates.", SPLIT)
PATIENTS = _own("patients", "patients", "Patient ids and groups.", DEDUP, HEADINGS)
LABEL = _own("label", "label", "Positive, negative or unclear: the judgement.", TRIAGE, PATIENTS, rule="captions")

STEPS = (SPLIT, TRIAGE, SPLIT_CAPTION, MASK, HEADINGS, DEDUP, PATIENTS, LABEL)
"""The steps of this package in their order: panels first, then what they are, their part of the caption, what is
painted on them, whom a figure prints, which come back, whose they are (pictures that come back link patients over
papers), and last the label, which rests on all of that."""


def added() -> tuple[EntryPoint, ...]:
    """The steps of other packages, by name; none is imported."""
    return tuple(sorted(entry_points(group=GROUP), key=lambda found: found.name))


def load(found: EntryPoint) -> Step:
    """The step that an entry point names. Raises CovidctError where it cannot be loaded or is no step."""
    try:
        step = found.load()
    except Exception as error:
        raise CovidctError(f"step {found.name} ({found.value}) cannot be loaded: {error}") from error
    if not isinstance(step, Step):
        raise CovidctError(f"step {found.name}: {found.value} is no covidct.steps.Step")
    return step


def all_steps() -> list[Step]:
    """This package's steps, then those of other packages; one that cannot be loaded fails when it is run."""
    return [*STEPS, *(_or_broken(found) for found in added())]


def _or_broken(found: EntryPoint) -> Step:
    try:
        return load(found)
    except CovidctError as error:
        reason = error

        def items(_: object) -> Iterable[Item]:
            raise reason

        return Step(found.name, (), items, lambda _: Outcome())


def step_named(name: str) -> Step:
    """The step called ``name``, or whose command is. Raises UsageError where there is none."""
    own = next((step for step in STEPS if name in (step.name, step.command)), None)
    other = next((found for found in added() if found.name == name), None)
    if own is None and other is None:
        raise UsageError(f"there is no step {name}: see covidct curate --help")
    return own or load(other)  # type: ignore[arg-type]
