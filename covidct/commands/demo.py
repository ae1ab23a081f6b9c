"""``covidct demo``: the whole way on a corpus made on the spot, scored against what was drawn."""

import time
from pathlib import Path

import click

from covidct.commands.options import needs_extra


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("covidct-demo"), show_default=True
)
@click.option("--papers", type=click.IntRange(6, 200), default=12, show_default=True, help="Number of papers to draw.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Random seed; the same seed gives the same bytes.",
)
@click.option("--epochs", type=click.IntRange(1), default=12, show_default=True, help="Training epochs of CRNet.")
@click.option(
    "--size", type=click.IntRange(32, 224), default=64, show_default=True, help="Input size of CRNet in pixels."
)
@needs_extra("train")
def demo(out: Path, papers: int, seed: int, epochs: int, size: int) -> None:
    """The whole way on a small corpus made on the spot: harvest, curate, release, audit, train."""
    from covidct.demo.chain import Plan, Timing, accepted, prepare, run_chain, table
    from covidct.demo.score import score

    plan = Plan(out, papers, seed, epochs, size)
    prepare(plan)
    begun = time.perf_counter()

    def say(timing: Timing) -> None:
        click.echo(f"{timing.name:<12}{timing.seconds:6.1f} s   {timing.command}")

    timings, truth = run_chain(plan, say)
    click.echo("\nFound against what was drawn")
    for line in score(truth, table(plan, "papers"), table(plan, "figures"), table(plan, "panels")):
        extra = f"   and {line.extra} that were not drawn" if line.extra else ""
        click.echo(f"  {line.what:<28}{line.right:4} of {line.true}{extra}")
    click.echo("\nWhat a release takes without review, and why the rest waits")
    for row in accepted(timings):
        click.echo(f"  {row}")
    click.echo(f"\nResults in {out}: {', '.join(sorted(p.name for p in out.iterdir() if p.is_dir()))}")
    click.echo(f"Look at {out}/run/report.html and {out}/audit/audit.html. {time.perf_counter() - begun:.0f} s in all.")
