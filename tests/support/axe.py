"""Axe's own accessibility rules on a page in a real browser."""

import json
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page


def load(page: Page) -> None:
    """Put axe into ``page``, whose context bypasses its content security policy."""
    page.add_script_tag(content=files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe finds on ``page`` as it stands now."""
    found: list[dict[str, Any]] = json.loads(
        page.evaluate("() => axe.run().then((found) => JSON.stringify(found.violations))")
    )
    return found
