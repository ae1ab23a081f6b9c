"""What a curator at the review page does and sees, for the tests in a browser."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from covidct.records import Decision
from covidct.workspace.workspace import Workspace

Visit = Callable[..., Page]


def words(workspace: Workspace, field: str | None = None, by: str = "curator:") -> list[Decision]:
    """What people decided, in order."""
    return workspace.decisions(field=field, by=by)


def saved(page: Page) -> None:
    """Wait until every word is written."""
    expect(page.locator("#saved")).to_have_text("All saved")


def shown(page: Page) -> str:
    """The id of the panel on the screen."""
    return str(page.evaluate("document.documentElement.dataset.panel"))


def press(page: Page, key: str) -> str:
    """Press a deciding key; gives the panel it was about, once the next is there."""
    before = shown(page)
    page.keyboard.press(key)
    page.wait_for_function("was => document.documentElement.dataset.panel !== was", arg=before)
    return before
