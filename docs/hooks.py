"""MkDocs hooks: pages made from the program and from files at the top of the project when the site is built."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.structure.files import File, Files

from covidct.cli import cli
from covidct.commands.lazy import examples

TOP = Path(__file__).resolve().parent.parent
FROM_TOP = {"contributing.md": "CONTRIBUTING.md", "changes.md": "CHANGELOG.md"}


def on_files(files: Files, config: Any) -> Files:
    """Add the command reference and the pages that stand at the top of the project."""
    files.append(File.generated(config, "commands.md", content=command_pages()))
    for page, source in FROM_TOP.items():
        files.append(File.generated(config, page, content=(TOP / source).read_text(encoding="utf-8")))
    for notebook in sorted((TOP / "docs" / "notebooks").glob("*.ipynb")):
        page = f"notebooks/{notebook.stem}.md"
        files.append(File.generated(config, page, content=notebook_page(notebook.read_text(encoding="utf-8"))))
    return files


def notebook_page(text: str) -> str:
    """An executed notebook as Markdown: words, code, what it printed and its plots."""
    parts = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += [_shown(output) for output in cell.get("outputs", [])]
    return "\n\n".join(part for part in parts if part) + "\n"


def _shown(output: dict[str, Any]) -> str:
    """One output of a cell: a picture if it has one, else its text."""
    data = output.get("data", {})
    if "image/png" in data:
        return f"![plot](data:image/png;base64,{''.join(data['image/png']).strip()})"
    text = "".join(output.get("text", data.get("text/plain", []))).rstrip()
    return f"```text\n{text}\n```" if text and output.get("name") != "stderr" else ""


def command_pages() -> str:
    """Every command with its arguments, options and examples, in Markdown."""
    return "# Commands\n\n" + "\n".join(_page(command, path) for path, command in walk(cli, ""))


def walk(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Path and command of everything below ``group``."""
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        here = f"{path} {name}".strip()
        yield here, command
        if isinstance(command, click.Group):
            yield from walk(command, here)


def _page(command: click.Command, path: str) -> str:
    lines = [f"## covidct {path}", "", re.sub(r"\s+", " ", command.help or "").strip(), ""]
    rows = [_row(parameter) for parameter in command.params if isinstance(parameter, click.Option)]
    if rows:
        lines += ["| option | meaning | default |", "|---|---|---|", *rows, ""]
    if shown := examples().get(path):
        lines += [f"    {line}" for line in shown] + [""]
    return "\n".join(lines)


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    kind = f" {option.make_metavar(click.Context(cli))}" if not option.is_flag else ""
    shown = isinstance(option.default, (int, float, str, Path)) and option.default not in ("", False)
    cells = [names + kind, option.help or "", f"`{option.default}`" if shown else ""]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
