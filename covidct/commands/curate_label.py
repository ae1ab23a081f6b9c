"""``covidct curate label`` and ``split-caption``: from a text, from a CSV file, or on the workspace."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from covidct.commands.curate_auto import run_steps
from covidct.commands.options import json_option, print_json, profile_option, workspace_option
from covidct.errors import ExitCode, UsageError
from covidct.tables import say

if TYPE_CHECKING:
    from covidct.captions.subcaptions import Split
    from covidct.captions.ways import Labels

_csv_option = click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Captions in a CSV file with the columns id and text.",
)


@click.command()
@_csv_option
@click.option("--text", help="One caption.")
@click.option("--with-context", is_flag=True, help="Read the column context too, where the caption does not decide.")
@click.option("--second-reader", metavar="URL", help="Also ask this OpenAI-compatible server; captions leave for it.")
@click.option("--model", help="Model name for the second reader.")
@json_option
@profile_option
@workspace_option
def label(
    csv_file: Path | None,
    text: str | None,
    with_context: bool,
    second_reader: str | None,
    model: str | None,
    as_json: bool,
    workspace: Path,
) -> int:
    """Positive, negative or unclear, from the text; without --csv or --text on every panel of the workspace."""
    from covidct.captions.context import label_with_context
    from covidct.captions.labels import label_caption

    _one_input(csv_file, text)
    if text is None and csv_file is None:
        return _label_workspace(workspace, second_reader, model or "", as_json)
    if second_reader:
        raise UsageError("--second-reader reads the panels of a workspace: leave out --csv and --text")
    results = []
    for row in _rows(csv_file, text, with_context):
        context = row.get("context", "")
        labels = label_with_context(row["text"], context) if with_context else label_caption(row["text"])
        results.append(_label_result(row["id"], labels))
    if as_json:
        print_json(results)
        return ExitCode.COMPLETE
    for result in results:
        panels = " ".join(f"{letter}:{value}" for letter, value in result["panels"].items())
        click.echo(f"{result['id']:<24} {result['label']:<9} {panels}  {result['rule']}: {result['evidence']!r}")
    return ExitCode.COMPLETE


def _label_workspace(workspace: Path, url: str | None, model: str, as_json: bool) -> int:
    from covidct.curate.steps import LABEL, SPLIT_CAPTION

    if url is None:
        return run_steps(workspace, [SPLIT_CAPTION, LABEL], as_json)
    from covidct.curate.second_reader import Reader, read_again
    from covidct.profiles import current
    from covidct.steps import drive_all
    from covidct.workspace import Workspace

    reader = Reader(url, model, current().disease)
    say(f"captions and titles of the labelled panels go to {reader.host}; nothing else leaves", err=True)
    with Workspace.open(workspace) as opened:
        list(drive_all(opened, [SPLIT_CAPTION, LABEL]))
        report = read_again(opened, reader)
    for line in report.lines():
        say(line, err=True)
    return run_steps(workspace, [LABEL], as_json)


def _label_result(name: str, labels: "Labels") -> dict[str, Any]:
    figure = labels.figure
    return {
        "id": name,
        "label": figure.label,
        "panels": {letter: verdict.label for letter, verdict in labels.panels.items()},
        "evidence": figure.evidence,
        "rule": figure.rule,
        "score": round(figure.score, 3),
        "source": figure.source,
        "span": list(figure.span),
        "panel_rules": {letter: verdict.rule for letter, verdict in labels.panels.items()},
        "panel_evidence": {letter: verdict.evidence for letter, verdict in labels.panels.items()},
    }


@click.command("split-caption")
@_csv_option
@click.option("--text", help="One caption.")
@json_option
@profile_option
@workspace_option
def split_caption(csv_file: Path | None, text: str | None, as_json: bool, workspace: Path) -> int:
    """Captions into the texts of their panels; without --csv or --text on every figure of the workspace."""
    from covidct.captions.subcaptions import split_caption as split_text

    _one_input(csv_file, text)
    if text is None and csv_file is None:
        from covidct.curate.steps import SPLIT_CAPTION

        return run_steps(workspace, [SPLIT_CAPTION], as_json)
    results = [_split_result(row["id"], split_text(row["text"])) for row in _rows(csv_file, text)]
    if as_json:
        print_json(results)
        return ExitCode.COMPLETE
    for result in results:
        click.echo(result["id"])
        for letter, own in [*result["panels"].items(), *result["places"].items(), ("all", result["shared"])]:
            click.echo(f"  {letter:<12} {own}")
    return ExitCode.COMPLETE


def _split_result(name: str, split: "Split") -> dict[str, Any]:
    places = {place: split.text[start:end] for place, (start, end) in split.places.items()}
    return {"id": name, "panels": split.panels, "shared": split.shared, "style": split.style, "places": places}


def _one_input(csv_file: Path | None, text: str | None) -> None:
    if csv_file is not None and text is not None:
        raise UsageError("--csv and --text exclude each other: give one of them")


def _rows(csv_file: Path | None, text: str | None, with_context: bool = False) -> list[dict[str, str]]:
    from covidct.commands.caption_input import read_captions

    return [{"id": "text", "text": text or ""}] if csv_file is None else read_captions(csv_file, with_context)
