"""``covidct manifest materialize|export|pack``: commands that let pictures out, all through the gate."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from covidct.commands.options import json_option, print_json, worker_count
from covidct.errors import ExitCode
from covidct.tables import say

if TYPE_CHECKING:
    from covidct.release.make.export import Exported
    from covidct.release.make.materialize import Outcome
    from covidct.release.read import Release

_images = click.option("--images", type=click.Path(path_type=Path), help="Folder of pictures; default: fetch cache.")
_private = click.option("--private", is_flag=True, help="Local use only: include images without a licence.")
_workers = click.option("--workers", type=click.IntRange(1), help="Worker processes (default: CPU count).")


@click.command()
@click.argument("release")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write.")
@_images
@click.option("-w", "--workspace", type=click.Path(path_type=Path), help="Workspace with the images and masks.")
@click.option("--masked", is_flag=True, help="Paint over letters, arrows and markers.")
@click.option("--size", type=click.IntRange(8, 4096), help="Resize to a square of SIZE pixels; default: as they are.")
@click.option("--originals", is_flag=True, help="Keep the source's bytes, too, under originals/.")
@_private
@_workers
@json_option
def materialize(
    release: str,
    out: Path,
    images: Path | None,
    workspace: Path | None,
    masked: bool,
    size: int | None,
    originals: bool,
    private: bool,
    workers: int | None,
    as_json: bool,
) -> int:
    """Write the pictures of RELEASE in one canonical form (8-bit grey PNG); a second run goes on."""
    from covidct.release.make.materialize import Wish, check_complete, materialize
    from covidct.release.read import read_release

    found = read_release(release)
    sources, masks = _sources(found, images, workspace)
    wish = Wish(masked, size, originals, private)
    outcome = materialize(found, sources, out, wish, worker_count(workers), masks)
    check_complete(outcome)
    message = f"{outcome.written} pictures written to {out}, {outcome.kept} were there already"
    return _report(outcome, out, message, as_json)


def _sources(
    release: "Release", images: Path | None, workspace: Path | None
) -> tuple[dict[str, Path], dict[str, Path]]:
    """(pictures, masks) by image id, from a workspace or from a folder."""
    from covidct.release.read.locate import find_images, images_root

    if workspace is None:
        return find_images(release, images_root(release, images))[0], {}
    from covidct.release.make.workspace import pictures_and_masks
    from covidct.workspace import Workspace

    with Workspace.open(workspace) as opened:
        return pictures_and_masks(opened)


def _report(done: "Outcome | Exported", out: Path, message: str, as_json: bool) -> int:
    """What was written, what the gate kept in and what leads on, what failed; the exit code."""
    from covidct.release.read.gate import PRIVATE_WAY

    if as_json:
        print_json({**dataclasses.asdict(done), "out": str(out)})
    for name, reason in done.failed:
        say(f"{name}: {reason}", err=True)
    for rule, count in done.withheld.items():
        say(f"kept in by the rule '{rule}': {count}", err=as_json)
    if done.withheld:
        say(PRIVATE_WAY, err=True)
    say(message, err=as_json)
    return ExitCode.INCOMPLETE if done.failed or done.withheld else ExitCode.COMPLETE


@click.command()
@click.argument("release")
@click.option("--format", "kind", type=click.Choice(["imagefolder", "npz", "coco", "label-studio"]), required=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write.")
@_images
@click.option("--masked", is_flag=True, help="Paint over letters, arrows and markers.")
@click.option("--size", type=click.IntRange(8, 4096), help="Resize to a square of SIZE pixels.")
@_private
@json_option
def export(
    release: str,
    kind: str,
    out: Path,
    images: Path | None,
    masked: bool,
    size: int | None,
    private: bool,
    as_json: bool,
) -> int:
    """RELEASE with its pictures in a form other tools read."""
    from covidct.release.make.export import FORMATS
    from covidct.release.make.materialize import Wish
    from covidct.release.read import read_release

    found = read_release(release)
    sources, _ = _sources(found, images, None)
    done = FORMATS[kind](found, sources, out, Wish(masked, size, False, private))
    return _report(done, out, f"{done.pictures} pictures written to {out} as {kind}", as_json)


@click.command()
@click.argument("release")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Archive to write (default: ./NAME-X.Y.Z.zip)."
)
@click.option("--images", type=click.Path(path_type=Path), help="A materialised folder; its open pictures go in, too.")
@click.option("--zenodo", is_flag=True, help="Also write OUT.zenodo.json, the metadata of a Zenodo deposit.")
@json_option
def pack(release: str, out: Path | None, images: Path | None, zenodo: bool, as_json: bool) -> None:
    """RELEASE as one archive with checksum and citation; bench, audit and diff take it, or its URL, as it is."""
    from covidct.release.make.pack import pack as write
    from covidct.release.make.pack import write_zenodo
    from covidct.release.read import read_release

    found = read_release(release)
    done = write(found, out or Path(f"{found.name}-{found.version}.zip"), images)
    deposit = write_zenodo(found, done.path) if zenodo else None
    if as_json:
        print_json({**dataclasses.asdict(done), "path": str(done.path), "zenodo": str(deposit) if deposit else None})
        return
    say(f"{done.path}: sha256 {done.sha256}, {done.pictures} pictures, {done.withheld} kept out by the gate")
    if deposit:
        say(f"{deposit}: metadata for Zenodo's deposit interface")
