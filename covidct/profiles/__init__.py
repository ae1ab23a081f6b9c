"""The disease a workspace is about: names and look-alikes, dates, labels, the kind of picture (``NAME.toml``).

One profile is in force in a process and in the processes it starts; ``covid-19`` where nobody chose another.
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from covidct.errors import UsageError

DEFAULT = "covid-19"
VARIABLE = "COVIDCT_PROFILE"
"""Environment variable with a shipped profile's name or the path of a file."""
_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_TEXTS = ("name", "disease", "first_cases", "positive", "negative", "picture", "since", "query")


@dataclass(frozen=True, eq=False)
class Profile:
    """A profile file as read; ``words`` and ``without`` are lists of words by the id of a rule of the caption table
    (``"*"`` in ``without``: all of the rule's)."""

    name: str
    disease: str
    first_cases: str
    """``YYYY-MM`` before which no paper shows the disease, or empty."""
    positive: str
    negative: str
    picture: str
    since: str
    query: str
    names: Mapping[str, str]
    words: Mapping[str, Sequence[str]]
    without: Mapping[str, Sequence[str]]
    boilerplate: Sequence[Mapping[str, Any]] = field(default=())
    accepted_ways: Sequence[str] = ()
    """Ways to a label that whoever wrote the file lets into a release unseen, proven or not."""
    digest: str = ""
    """Of the file's bytes: what was decided under another profile is due again."""


@contextmanager
def in_force(name_or_file: str | Path | None) -> Iterator[Profile]:
    """A profile in force for a while, in this process and its children; None: the one that is.

    Raises :class:`UsageError` where it cannot be read.
    """
    before = os.environ.get(VARIABLE)
    profile = load(str(name_or_file or before or DEFAULT))
    os.environ[VARIABLE] = str(name_or_file or before or DEFAULT)
    try:
        yield profile
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def current() -> Profile:
    """The profile in force."""
    return load(os.environ.get(VARIABLE) or DEFAULT)


def shipped() -> list[str]:
    """Names of the profiles that come with covidct."""
    return sorted(f.name.removesuffix(".toml") for f in files("covidct.profiles").iterdir() if f.name.endswith(".toml"))


@lru_cache(maxsize=8)
def load(name_or_file: str) -> Profile:
    """A shipped profile by name, else the file; raises :class:`UsageError` naming what is wrong in it."""
    if name_or_file in shipped():
        data = files("covidct.profiles").joinpath(f"{name_or_file}.toml").read_bytes()
    else:
        data = _bytes(Path(name_or_file))
    try:
        return _read(tomllib.loads(data.decode("utf-8")), hashlib.sha256(data).hexdigest()[:16])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UsageError(f"profile {name_or_file}: {_reason(error)}; compare it with profiles/covid-19.toml") from error


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise UsageError(f"profile {path}: no such file, and shipped are {', '.join(shipped())}")
    return path.read_bytes()


def _reason(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)


def _read(table: Mapping[str, Any], digest: str) -> Profile:
    texts = {name: str(table["profile"][name]) for name in _TEXTS}
    for name in ("positive", "negative"):
        if not _LABEL.fullmatch(texts[name]):
            raise ValueError(f"{name} = {texts[name]!r} is no label (small letters, digits, hyphens)")
    if texts["first_cases"] and not re.fullmatch(r"\d{4}-\d{2}", texts["first_cases"]):
        raise ValueError("first_cases is a month, YYYY-MM, or empty")
    names = {name: str(table["names"][name]) for name in ("disease", "agent")}
    return Profile(
        **texts,
        names=names,
        words=_lists(table.get("words", {})),
        without=_lists(table.get("without", {})),
        boilerplate=tuple(table.get("boilerplate", ())),
        accepted_ways=_lists(table.get("accept", {})).get("ways", ()),
        digest=digest,
    )


def _lists(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {rule: tuple(map(str, words)) for rule, words in table.items()}
