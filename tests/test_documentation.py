"""The documentation says what the program does: settings, options, pages."""

import re
from pathlib import Path

from covidct.commands.lazy import examples

REPO = Path(__file__).resolve().parent.parent


def test_every_environment_variable_is_documented_and_exists() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (REPO / "covidct").rglob("*.py"))
    used = set(re.findall(r"COVIDCT_[A-Z_]+[A-Z]", code))
    page = (REPO / "docs" / "settings.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(COVIDCT_[A-Z_]+)`", page, flags=re.M)) == used


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r"[\w/-]+\.md", (REPO / "mkdocs.yml").read_text(encoding="utf-8")))
    pages = {path.relative_to(REPO / "docs").as_posix() for path in (REPO / "docs").rglob("*.md")}
    assert pages <= listed


def test_links_between_pages_lead_somewhere() -> None:
    made = {"commands.md", "contributing.md", "changes.md"}
    broken = []
    for page in [*REPO.glob("*.md"), *(REPO / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            there = (page.parent / target).exists() or target in made
            if not there and not target.startswith(("http://", "https://", "mailto:")):
                broken.append(f"{page.relative_to(REPO)}: {target}")
    assert not broken


def test_examples_name_commands_that_the_reference_has() -> None:
    assert {"harvest", "curate auto", "manifest build", "bench"} <= set(examples())
