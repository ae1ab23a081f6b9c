"""``covidct data pack``: pictures decoded once, 8 bit, one size: small enough to carry to another machine."""

from pathlib import Path

import click

from covidct.commands.options import json_option, print_json

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--manifest", default=None, help="Release folder, archive or URL. Default: covid-ct/1.0.0.")
@click.option("--images", type=FOLDER, default=None, help="Folder of the release's images.")
@click.option("--folder", type=FOLDER, default=None, help="Image files to pack instead of a release.")
@click.option(
    "--size",
    type=click.IntRange(8, 2048),
    default=224,
    show_default=True,
    help="Side of the input images of bench in pixels.",
)
@click.option("--out", type=FOLDER, required=True, help="Folder for the packed set.")
@json_option
def pack(manifest: str | None, images: Path | None, folder: Path | None, size: int, out: Path, as_json: bool) -> int:
    """A release's images (or any folder's) as one 8-bit array for ``bench --packed``."""
    from covidct.release.read import default_release, locate_images, read_release
    from covidct.train.pixels import PIXELS, folder_pictures
    from covidct.train.pixels import pack as pack_pictures
    from covidct.train.recipe import stored_side

    if folder is not None:
        paths = folder_pictures(folder)
    else:
        paths = locate_images(read_release(manifest or default_release()), images)
    store = pack_pictures(paths, stored_side(size), out)
    target = store.folder
    size_bytes = (target / PIXELS).stat().st_size
    if as_json:
        print_json({"folder": str(target), "pictures": len(store.ids), "side": store.side, "bytes": size_bytes})
    else:
        click.echo(f"{target}: {len(store.ids)} pictures of {store.side} pixels, {size_bytes / 2**20:.1f} MiB")
    return 0
