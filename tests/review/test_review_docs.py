"""The page's keys and options are all in docs/review.md, and its pictures are there."""

import re
from pathlib import Path

from covidct.commands.curate_review import agreement, review
from covidct.curate.agreement import FIELDS
from covidct.curate.review.queues import QUEUES

REPO = Path(__file__).resolve().parents[2]
TEXT = (REPO / "docs" / "review.md").read_text(encoding="utf-8")


def test_every_key_of_the_help_is_documented() -> None:
    code = (REPO / "covidct/curate/review/static/js/help.js").read_text(encoding="utf-8")
    keys = re.findall(r'\["([^"]{1,8})", "([^"]+)"\]', code)
    assert len(keys) > 25
    for key, meaning in keys:
        for part in key.split():
            assert f"`{part}`" in TEXT, key
        assert meaning.split(":")[0] in TEXT, meaning


def test_every_option_queue_and_field_is_documented() -> None:
    for command in (review, agreement):
        for option in command.params:
            assert set(option.opts) & {"-w", "--port"} or any(name in TEXT for name in option.opts), option.opts
    for queue in QUEUES.values():
        assert queue.title in TEXT
    for field in FIELDS:
        assert field in TEXT


def test_pictures_are_there_and_small() -> None:
    names = re.findall(r"\]\((img/[^)]+)\)", TEXT)
    assert len(names) >= 5
    assert all((REPO / "docs" / name).stat().st_size < 300_000 for name in names)
