"""``covidct bench`` and ``covidct predict``: options here, the work in ``covidct.commands.bench_run``."""

from pathlib import Path
from typing import Any

import click

from covidct.commands.options import json_option

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(invoke_without_command=True)
@click.option(
    "--model", default="crnet", show_default=True, help="Registry, torchvision or timm name, FILE.py:factory."
)
@click.option("--method", default=None, help="scratch, transfer, self-trans, method1 to method4. Default: scratch.")
@click.option("--init", default=None, help="random, imagenet, lnm, imagenet+lnm; default: the method's own.")
@click.option("--weights", type=FILE, default=None, help="Start from a file of tensors instead.")
@click.option("--protocol", type=click.Choice(["paper", "tuned"]), default="paper", show_default=True)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the recipe: lr=3e-4.")
@click.option("--epochs", type=int, default=None, help="Epochs of supervised training.")
@click.option("--size", type=int, default=None, help="Side of the pictures in pixels.")
@click.option("--freeze", is_flag=True, help="Train the last layer only.")
@click.option("--manifest", default=None, help="Release folder, archive or URL. Default: covid-ct/1.0.0.")
@click.option("--images", type=FOLDER, default=None, help="Its images. Default: COVIDCT_IMAGES or the fetch cache.")
@click.option("--luna", type=FOLDER, default=None, help="LUNA16 slices (self-trans, method3).")
@click.option("--ssl-images", type=click.Choice(["train", "all"]), default="train", help="Seen without labels.")
@click.option("--lnm", type=FILE, default=None, help="all_patches.hdf5 (init lnm).")
@click.option("--seeds", default="0", show_default=True, help="Comma-separated.")
@click.option("--trials", type=int, default=0, help="Try the first N recipes on validation, go on with the best.")
@click.option("--fractions", default=None, help="Learning curve, e.g. 0.05,0.1,0.25,0.5,1 of the training groups.")
@click.option("--table", type=click.IntRange(1, 7), default=None, help="A whole table of the paper.")
@click.option("--devices", type=click.IntRange(1), default=1, help="Processes; GPUs or, with --accelerator cpu, gloo.")
@click.option("--accelerator", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto")
@click.option("--out", type=FOLDER, default=None, help="Folder of the run; the same folder goes on where it stopped.")
@click.option("--cache", type=FOLDER, default=None, help="Where decoded pictures and pretrained weights are kept.")
@json_option
@click.pass_context
def bench(ctx: click.Context, /, as_json: bool, **options: Any) -> int:
    """Run the paper's benchmarks on a release.

    Without a subcommand: train --model by --method over --seeds and write results.csv, summary.json,
    predictions.csv, config.toml and report.html into --out.
    """
    ctx.obj = options
    if ctx.invoked_subcommand:
        return 0
    from covidct.commands import bench_run

    return bench_run.main(as_json=as_json, **options)
