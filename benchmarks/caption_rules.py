"""Which rules for captions do nothing: ``python benchmarks/caption_rules.py TEXTS.json|TEXTS.csv...``

Every rule of captions/rules.toml and every pattern of the modules that read captions is left out in turn, and all texts
in which it is found are read again. Printed is what is found nowhere, and what changes no verdict of a figure or a
panel: both may go. TEXTS are JSON files in which captions stand in any form, or CSV files with the columns text and
context. The tests' own captions are read as well.
"""

import csv
import dataclasses
import importlib
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labels import _strings

from covidct.captions import rules
from covidct.captions.context import label_with_context
from covidct.captions.labels import label_caption

MODULES = ("reading", "pictures", "decisions", "labels", "subjects", "context")
OWN = Path(__file__).parents[1] / "tests" / "captions"
NOWHERE = re.compile("(?!)")
Text = tuple[str, str]


class Watched:
    """A compiled pattern that notes in which texts it is found."""

    def __init__(self, pattern: re.Pattern[str], found: set[Text], now: list[Text]) -> None:
        self._pattern, self._found, self._now = pattern, found, now

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._pattern, name)
        return self._noting(method) if callable(method) else method

    def _noting(self, method: Any) -> Any:
        def call(*words: Any) -> Any:
            result = method(*words)
            result = list(result) if method.__name__ == "finditer" else result
            if result:
                self._found.add(self._now[0])
            return iter(result) if method.__name__ == "finditer" else result

        return call


def texts(files: list[Path]) -> Iterator[Text]:
    """(caption, context) of every text."""
    for name in ("own_captions.txt", "own_statements.txt", "own_contexts.txt"):
        for line in (OWN / name).read_text("utf-8").splitlines():
            text = re.sub(r"^[-+?x](?: \{[^}]*\})?(?: \|)? ", "", line).replace("{}", "COVID-19")
            caption, _, context = text.partition(" ||| ")
            if line.strip() and not line.startswith("#"):
                yield from ((caption, ""), (caption, context))
    for file in files:
        if file.suffix == ".csv":
            with file.open(encoding="utf-8-sig", newline="") as handle:
                for row in csv.DictReader(handle):
                    yield row["text"], ""
                    yield row["text"], row.get("context") or ""
        else:
            yield from ((text, "") for text in _strings(json.loads(file.read_text("utf-8"))) if " " in text)


def verdict(text: Text) -> tuple[object, ...]:
    """What is to stay as it is: labels of figure and panels, and the ways to them."""
    labels = label_with_context(*text) if text[1] else label_caption(text[0])
    return labels.figure.label, labels.figure.way, *((letter, v.label, v.way) for letter, v in labels.panels.items())


def patterns() -> Iterator[tuple[Any, str, re.Pattern[str]]]:
    for name in MODULES:
        module = importlib.import_module(f"covidct.captions.{name}")
        yield from ((module, key, value) for key, value in list(vars(module).items()) if isinstance(value, re.Pattern))


def main(files: list[Path]) -> None:
    csv.field_size_limit(1 << 30)
    every = list(dict.fromkeys(texts(files)))
    now, found = [every[0]], defaultdict[str, set[Text]](set)
    known = list(patterns())
    for module, key, pattern in known:
        setattr(module, key, Watched(pattern, found[f"{module.__name__}.{key}"], now))
    before = {}
    for text in every:
        now[0] = text
        before[text] = verdict(text)
    for module, key, pattern in known:
        setattr(module, key, pattern)
    print(f"{len(every)} texts")
    for module, key, pattern in known:
        setattr(module, key, NOWHERE)
        _report(f"pattern {module.__name__.rpartition('.')[2]}.{key}", found[f"{module.__name__}.{key}"], before)
        setattr(module, key, pattern)
    _rules(every, before)


def _rules(every: list[Text], before: dict[Text, tuple[object, ...]]) -> None:
    table, read = rules.rule_table(), rules._table_of
    folded = {text: (rules.fold(f"{text[0]}\n{text[1]}"), rules.fold_lower(f"{text[0]}\n{text[1]}")) for text in every}
    for kind in ("terms", "modifiers", "boilerplate"):
        for rule in getattr(table, kind):
            cased = getattr(rule, "case", False) or kind == "boilerplate"
            here = {text for text in every if rule.pattern.search(folded[text][0 if cased else 1])}
            less = dataclasses.replace(table, **{kind: tuple(r for r in getattr(table, kind) if r is not rule)})
            rules._table_of = lambda _profile, less=less: less  # type: ignore[assignment]
            _report(f"{kind} {rule.rule_id}", here, before)
    rules._table_of = read


def _report(name: str, here: set[Text], before: dict[Text, tuple[object, ...]]) -> None:
    try:
        changed = any(verdict(text) != before[text] for text in sorted(here))
    except Exception as error:  # noqa: BLE001  a pattern that something else cannot do without
        print(f"{name:<44} found in {len(here):>5}  needed ({type(error).__name__})")
        return
    if not changed:
        print(f"{name:<44} found in {len(here):>5}  changes nothing", flush=True)


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]])
