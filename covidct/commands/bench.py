"""``covidct bench`` and ``covidct predict``: options here, the work in :mod:`covidct.bench`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from covidct.commands.options import json_option, needs_extra, print_json
from covidct.errors import ExitCode, UsageError
from covidct.train.telling import LOGS

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
images_option = click.option(
    "--images", type=FOLDER, help="Folder of the release's images (default: COVIDCT_IMAGES or the fetch cache)."
)
packed_option = click.option("--packed", type=FOLDER, help="Pictures of 'covidct data pack' instead of --images.")
run_option = click.option("--run", "run_folder", type=FOLDER, required=True, help="A finished run of 'covidct bench'.")
own_option = click.option("--model", help="FILE.py:factory, for a run whose network is code of your own.")
set_option = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the recipe: lr=3e-4, epochs=100."
)

DATA = {"manifest", "images", "packed", "cache", "out", "baselines", "report", "as_json"}
MACHINE = {"devices", "accelerator", "compile", "keep_checkpoints", "log"}
RECIPE = {"model", "protocol", "settings", "epochs", "size", "seeds", "trials", "luna", "lnm", "ssl_images"}
START = {"method", "init", "weights", "mean", "std", "freeze"}
WHOLE_RUNS = {"report", "keep_checkpoints", "seeds", "log"}
MODES = {
    "--table 1": {"table", "manifest", "out", "as_json"},
    "--table 2": {"table", "out", "as_json"},
    "--table": {"table", *DATA, *MACHINE, *RECIPE},
    "--fractions": {"fractions", *DATA, *MACHINE, *RECIPE, *START},
    "--protocol robust": {"folds", "repeats", *DATA, *MACHINE, *RECIPE, *START} - WHOLE_RUNS,
    "--config": {"config", "model", "weights", "luna", "lnm", *DATA, *MACHINE},
    "a single run": {*DATA, *MACHINE, *RECIPE, *START},
}
"""Which options each mode of ``covidct bench`` uses; any other that is given is an error."""


def refuse_unused(ctx: click.Context) -> None:
    """A UsageError for an option that was given and that this mode would pass over in silence."""
    table = ctx.params["table"]
    mode = "--fractions" if ctx.params["fractions"] else "a single run"
    mode = "--protocol robust" if ctx.params["protocol"] == "robust" and mode == "a single run" else mode
    mode = "--config" if ctx.params["config"] else mode
    mode = (f"--table {table}" if table < 3 else "--table") if table else mode
    for option in ctx.command.params:
        given = ctx.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        if given and option.name not in MODES[mode] and ctx.params[str(option.name)] is not False:
            raise UsageError(f"{option.opts[0]} is not used by {mode}: leave it out")


@click.group(invoke_without_command=True)
@click.option("--model", help="Registry, torchvision or timm name, FILE.py:factory. Default: crnet.")
@click.option("--method", help="scratch, transfer, self-trans, method1 to method4. Default: scratch.")
@click.option("--init", help="random, imagenet, lnm, imagenet+lnm; default: the method's own.")
@click.option("--weights", type=FILE, help="Start from a file of tensors instead.")
@click.option("--mean", help="Mean of the inputs that --weights were trained on, 0 to 1: one number or three.")
@click.option("--std", help="Standard deviation of those inputs (default for both: ImageNet's).")
@click.option("--protocol", type=click.Choice(["paper", "tuned", "robust"]), default="paper", show_default=True)
@set_option
@click.option("--epochs", type=int, help="Epochs of supervised training.")
@click.option("--size", type=int, help="Side of the input images in pixels.")
@click.option("--freeze", is_flag=True, help="Train the last layer only.")
@click.option("--manifest", help="Release folder, archive or URL. Default: covid-ct/1.0.0.")
@images_option
@click.option("--luna", type=FOLDER, help="LUNA16 slices (self-trans, method3).")
@click.option(
    "--ssl-images",
    type=click.Choice(["train", "all"]),
    default="train",
    help="Images of the release that pretraining sees, without labels.",
)
@click.option("--lnm", type=FOLDER, help="LNM patches of 'covidct data import lnm' (init lnm).")
@click.option("--seeds", default="0", show_default=True, help="Random seeds, comma-separated.")
@click.option(
    "--trials",
    type=click.IntRange(0),
    default=0,
    help="Compare the first N recipes on validation images and continue with the best.",
)
@click.option("--folds", type=click.IntRange(2), help="Folds of --protocol robust. Default: 5.")
@click.option(
    "--repeats", type=click.IntRange(1), default=1, show_default=True, help="Number of repeated partitions into folds."
)
@click.option("--fractions", help="Learning curve, e.g. 0.05,0.1,0.25,0.5,1 of the training groups.")
@click.option("--table", type=click.IntRange(1, 7), help="A whole table of the paper.")
@click.option(
    "--devices",
    type=click.IntRange(1),
    default=1,
    help="Number of devices: GPUs or, with --accelerator cpu, processes (gloo).",
)
@click.option("--accelerator", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto")
@click.option("--compile/--no-compile", help="torch.compile. Default: on CUDA devices only.")
@click.option("--keep-checkpoints", is_flag=True, help="Keep start weights and last checkpoint of finished seeds.")
@click.option(
    "--log",
    type=click.Choice(LOGS),
    default="csv",
    show_default=True,
    help="tensorboard: event files beside history.csv.",
)
@click.option("--config", type=FILE, help="Repeat the run that left this config.toml.")
@click.option("--out", type=FOLDER, help="Folder of the run; the same folder goes on where it stopped.")
@click.option("--cache", type=FOLDER, help="Where decoded pictures and pretrained weights are kept.")
@packed_option
@click.option("--baselines/--no-baselines", default=True, help="Also score the audit's shortcut classifiers.")
@click.option("--report/--no-report", default=True, help="Write report.html, model card and maps.")
@json_option
@click.pass_context
@needs_extra("train")
def bench(ctx: click.Context, /, as_json: bool, **options: Any) -> int:
    """Run the paper's benchmarks on a release.

    Without a subcommand: train --model by --method over --seeds and write results.csv, summary.json,
    predictions.csv, config.toml and report.html into --out.
    """
    ctx.obj = options
    if ctx.invoked_subcommand:
        return 0
    refuse_unused(ctx)
    from covidct.bench.options import BenchOptions
    from covidct.commands import bench_print

    return bench_print.run(BenchOptions(**options), as_json)


@bench.command()
@run_option
@own_option
@click.option("--manifest", required=True, help="The other release: folder, archive or URL.")
@images_option
@click.option("--split", type=click.Choice(["test", "all"]), default="all", show_default=True)
@click.option("--out", type=FOLDER, help="Output folder (default: RUN/evaluate-NAME-VERSION).")
@json_option
def evaluate(run_folder: Path, manifest: str, out: Path | None, as_json: bool, **options: Any) -> int:
    """Score a run on another release, by source and by group."""
    from covidct.bench.evaluation import evaluate_run
    from covidct.commands.bench_print import show

    found = evaluate_run(run_folder, manifest, out=out, **options)
    if as_json:
        print_json(found)
        return ExitCode.COMPLETE
    if found["left_out"]:
        why = ", ".join(f"{count} by {reason}" for reason, count in found["left_out"].items())
        click.echo(f"{sum(found['left_out'].values())} images left out, since this run has learned from them ({why})")
    show(found, [], out or run_folder / f"evaluate-{found['release'].replace('/', '-')}")
    for source, one in found["by_source"].items():
        click.echo(f"  {source}: {one['images']} images, accuracy {one['accuracy']:.3f}, AUC {one['auc']:.3f}")
    return ExitCode.COMPLETE


@bench.command()
@click.argument("first", type=FOLDER)
@click.argument("second", type=FOLDER)
@click.option("--metric", type=click.Choice(["auc", "accuracy", "f1", "recall", "specificity"]), default="auc")
@click.option("--manifest", help="Release whose groups are drawn. Default: covid-ct/1.0.0.")
@json_option
def compare(first: Path, second: Path, metric: str, manifest: str | None, as_json: bool) -> int:
    """The paired difference of two runs on the same test images, with its interval."""
    from covidct.bench.evaluation import compare

    found, release = compare(first, second, metric, manifest)
    if as_json:
        print_json({"metric": metric, "first": str(first), "second": str(second), **asdict(found)})
    else:
        words = f"{found.value:+.3f}, 95 % [{found.low:+.3f}, {found.high:+.3f}], p {found.p:.3f}"
        click.echo(f"{metric} of {second.name} minus {first.name}: {words} (groups of {release} resampled)")
    return ExitCode.COMPLETE


@bench.command()
@click.argument("runs", type=FOLDER, nargs=-1, required=True)
@own_option
@click.option("--manifest", help="Release of the runs (default: covid-ct/1.0.0).")
@images_option
@packed_option
@click.option("--cache", type=FOLDER, help="Where decoded pictures are kept.")
@click.option(
    "--baselines/--no-baselines", default=True, help="Also audit the release and score its shortcut classifiers."
)
@click.option("--out", type=FOLDER, help="Output folder (default: the run's folder; runs/report for several runs).")
def report(runs: tuple[Path, ...], **options: Any) -> int:
    """report.html of one finished run, or of several side by side (Grad-CAM in columns, as Fig. 5)."""
    from covidct.bench.options import BenchOptions
    from covidct.bench.reporting import report_runs

    click.echo(f"report: {report_runs(runs, BenchOptions(**options))}")
    return 0


@bench.command()
@click.option("--images", type=FOLDER, required=True, help="Folder of unlabelled images.")
@click.option("--out", type=FILE, required=True, help="File of weights, for --weights.")
@click.option("--model", default="crnet", show_default=True)
@click.option("--weights", type=FILE, help="Initial weights (default: random).")
@set_option
@click.option("--seed", type=int, default=0, show_default=True)
def pretrain(**options: Any) -> int:
    """Learn weights from pictures without labels (MoCo v2)."""
    from covidct.bench.evaluation import pretrain

    click.echo(pretrain(**options))
    return 0


@bench.command()
@run_option
@click.option("--format", "form", type=click.Choice(["onnx"]), default="onnx", show_default=True)
@own_option
@click.option("--out", type=FOLDER, help="Folder for seed-N.onnx (default: the run's).")
@json_option
def export(run_folder: Path, as_json: bool, **options: Any) -> int:
    """The trained networks of a run for other programs, checked against torch."""
    from covidct.bench.export import export_run

    found = export_run(run_folder, **options)
    if as_json:
        print_json(found)
        return ExitCode.COMPLETE
    for one in found:
        shape = f"picture (n, 1, {one['size']}, {one['size']}) in 0 to 1"
        click.echo(f"{one['file']}: {shape} to probability (n,); differs from torch by at most {one['difference']:.1g}")
    return ExitCode.COMPLETE


@click.command()
@click.argument("images", type=FILE, nargs=-1, required=True)
@run_option
@own_option
@click.option("--out", type=FOLDER, help="Folder for Grad-CAM overlays.")
@json_option
@needs_extra("train")
def predict(images: tuple[Path, ...], run_folder: Path, as_json: bool, **options: Any) -> int:
    """A trained run on new images. Not for clinical use."""
    from covidct.bench.prediction import predict_images
    from covidct.commands.bench_print import prediction_line
    from covidct.train.explain import DISCLAIMER

    found = predict_images(images, run_folder, **options)
    failed = [one for one in found if "error" in one]
    if as_json:
        print_json({"disclaimer": DISCLAIMER, "images": found})
    else:
        click.echo(DISCLAIMER)
        for one in found:
            click.echo(f"{one['file']}: {one.get('error') or prediction_line(one)}", err="error" in one)
    if failed:
        return ExitCode.INCOMPLETE if len(failed) < len(found) else ExitCode.FAILED
    return ExitCode.COMPLETE
