"""``covidct harvest``: preprint servers, local files, PubMed Central, MedPix."""

import contextlib
import datetime
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from covidct.commands.options import (
    json_option,
    print_json,
    profile_option,
    tell_next,
    worker_count,
    workspace_option,
)
from covidct.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from covidct.harvest.pipeline import Pipeline, WorkOptions
    from covidct.harvest.report import RunReport
    from covidct.harvest.services import Services
    from covidct.harvest.sources import Chain
    from covidct.net.client import HttpClient
    from covidct.workspace import Workspace

Options = dict[str, Any]


class HarvestGroup(click.Group):
    """A group that runs by itself, and whose ``--from`` takes all the paths behind it (``--from *.pdf``)."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        spread: list[str] = []
        taking = False
        for word in args:
            if taking and not word.startswith("-") and spread[-1] != "--from":
                spread.append("--from")
            spread.append(word)
            taking = word == "--from" or (taking and not word.startswith("-"))
        return super().parse_args(ctx, spread)


def _client(options: Options) -> "HttpClient":
    from covidct.net.client import HttpClient, Settings
    from covidct.net.rates import parse_rates

    minutes: float | None = options["time_budget"]
    if minutes is not None and not minutes > 0:
        raise UsageError(f"--time-budget {minutes:g}: give minutes, more than 0")
    who = options["contact"] or os.environ.get("COVIDCT_CONTACT", "")
    settings = Settings(contact=who, budget=None if minutes is None else minutes * 60)
    return HttpClient(settings, parse_rates(options["rate"]))


def _finish(report: "RunReport", workspace: Path, as_json: bool, kept: bool = False) -> int:
    """Keep the run's record unless that was done, print the summary and what comes next, return the exit code."""
    if not kept:
        report.write(workspace / "runs")
    if as_json:
        print_json(report.as_json())
        return int(report.exit_code)
    first, *rest = report.lines()
    click.echo(first)
    for line in rest:
        click.echo(line, err=True)
    ws = shlex.quote(str(workspace))
    lacking = [f"show papers -w {ws} --missing"] if report.exit_code == ExitCode.INCOMPLETE else []
    if report.exit_code != ExitCode.FAILED:
        tell_next(*lacking, f"curate auto -w {ws}")
    return int(report.exit_code)


@contextlib.contextmanager
def _pipeline(workspace: "Workspace", report: "RunReport", options: Options) -> Iterator["Pipeline"]:
    from covidct.harvest.engine import open_engine
    from covidct.harvest.pipeline import Pipeline
    from covidct.harvest.shelf import Shelf

    workers = worker_count(options["workers"])
    with workspace.lease("harvest"), open_engine(workers, options["scheduler"], options["scratch"]) as engine:
        yield Pipeline(Shelf(workspace), engine, report, _work(options))


def _work(options: Options) -> "WorkOptions":
    from covidct.harvest.pipeline import WorkOptions

    if options["show_stages"] and options["scheduler"]:
        raise UsageError("--show-stages draws on this machine only: leave --scheduler away")
    return WorkOptions(options["refresh"], options["discard_pdfs"], options["show_stages"])


def _work_options(command: Any) -> Any:
    """Options of every command that reads documents."""
    for option in reversed(
        (
            click.option("--no-jats", is_flag=True, help="Read PDFs alone, even where their XML is there."),
            click.option("--refresh", is_flag=True, help="Fetch and process finished items again."),
            click.option("--discard-pdfs", is_flag=True, help="Delete each PDF after its figures are extracted."),
            click.option(
                "--show-stages",
                type=click.Path(path_type=Path),
                metavar="DIR",
                help="Save a debug image of each extraction stage in DIR.",
            ),
            click.option("--licence", multiple=True, help="Licences to accept: cc-by,cc0… or commercial."),
            click.option("--limit", type=click.IntRange(min=1), help="Maximum number of papers."),
            click.option("--rate", multiple=True, metavar="HOST=N", help="Maximum requests per second to a host."),
            click.option(
                "--time-budget", type=float, metavar="MINUTES", help="Time limit for requests of the whole run."
            ),
            click.option("--contact", help="E-mail address for the user agent (default: COVIDCT_CONTACT)."),
            click.option(
                "--workers", type=click.IntRange(min=1), help="Documents processed in parallel (default: CPU count)."
            ),
            click.option(
                "--scheduler", default="", metavar="ADDR", help="Dask scheduler whose workers read the documents."
            ),
            click.option("--scratch", default="", metavar="URL", help="fsspec URL that the Dask workers share."),
            profile_option,
            workspace_option,
            json_option,
        )
    ):
        command = option(command)
    return command


@click.group(cls=HarvestGroup, invoke_without_command=True)
@click.option("--since", help="First day, YYYY-MM-DD.")
@click.option("--until", help="Last day (default: today).")
@click.option(
    "--server", multiple=True, type=click.Choice(["medrxiv", "biorxiv"]), help="Preprint server (default: both)."
)
@click.option("--query", help='Words, "phrases", prefix*, AND, OR, NOT (default: those of the profile).')
@click.option("--category", default="", help="Category to accept, e.g. 'radiology and imaging'.")
@click.option(
    "--from",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="PDFs, folders, JATS, saved pages, .meca: no network.",
)
@click.option(
    "--meca", multiple=True, help="Folder or s3:// prefix with .meca files, the last source tried (requester pays)."
)
@click.option("--api-url", help="Base of the details API.")
@click.option("--site-url", help="Base of the sites with PDFs and JATS.")
@_work_options
@click.pass_context
def harvest(ctx: click.Context, /, **options: Any) -> int:
    """Fetch papers, or read local PDFs: figures, captions, mentions."""
    if ctx.invoked_subcommand is not None:
        return 0
    if options["paths"] and (options["since"] or options["until"]):
        raise UsageError("--from reads local files: leave --since and --until away")
    if options["paths"]:
        return _from_disk(options)
    return _from_servers(options)


def _from_disk(options: Options) -> int:
    from covidct.harvest.disk import harvest_files

    report = harvest_files(
        options["paths"],
        options["workspace"],
        jats=not options["no_jats"],
        limit=options["limit"],
        work=_work(options),
        workers=worker_count(options["workers"]),
        scheduler=options["scheduler"],
        scratch=options["scratch"],
    )
    return _finish(report, options["workspace"], options["as_json"], kept=True)


def _from_servers(options: Options) -> int:
    from covidct.harvest.licences import parse_filter
    from covidct.harvest.query import compile_query
    from covidct.harvest.report import RunReport
    from covidct.harvest.run import Selection, harvest_preprints
    from covidct.harvest.services import Services
    from covidct.harvest.windows import parse_window
    from covidct.workspace import Workspace

    window = parse_window(options["since"], options["until"], datetime.date.today())
    compile_query(options["query"])
    selection = Selection(
        window,
        options["server"] or ("medrxiv", "biorxiv"),
        options["query"],
        options["category"],
        parse_filter(options["licence"]),
        options["limit"],
        options["refresh"],
    )
    services = Services.resolve(options["api_url"], options["site_url"])
    client = _client(options)
    report = RunReport("harvest", selection.as_json())
    with Workspace.create(options["workspace"]) as workspace, _pipeline(workspace, report, options) as pipeline:
        packages = dict(workspace.recall("harvest-meca", "index") or {})
        chain = _chain(workspace, client, services, options, packages)
        harvest_preprints(workspace, client, services, selection, chain, pipeline)
        if packages:
            workspace.remember("harvest-meca", "index", packages)
        return _finish(report, workspace.folder, options["as_json"])


def _chain(
    workspace: "Workspace", client: "HttpClient", services: "Services", options: Options, packages: dict[str, str]
) -> "Chain":
    from covidct.harvest.meca import MecaSource
    from covidct.harvest.sources import default_chain

    parts = workspace.path("parts")
    jats = not options["no_jats"]
    meca = MecaSource(options["meca"], parts, packages, jats) if options["meca"] else None
    return default_chain(client, services, parts, jats=jats, meca=meca)


@harvest.command()
@click.option("--query", required=True, help="Query in PubMed Central's own search syntax.")
@click.option("--since", help="First day of publication.")
@click.option("--until", help="Last day of publication.")
@_work_options
def pmc(**options: Any) -> int:
    """Articles of PubMed Central: pneumonia of other causes, and COVID-19."""
    from covidct.harvest.licences import parse_filter
    from covidct.harvest.pmc import PmcHarvest
    from covidct.harvest.report import RunReport
    from covidct.harvest.services import Services
    from covidct.harvest.windows import parse_window
    from covidct.workspace import Workspace

    today = datetime.date.today()
    dated = options["since"] or options["until"]
    window = parse_window(options["since"] or "1900-01-01", options["until"], today, first=None) if dated else None
    licences = parse_filter(options["licence"])
    client, services = _client(options), Services.resolve()
    options_used = {"query": options["query"], "window": str(window or ""), "licences": sorted(licences)}
    report = RunReport("harvest pmc", {**options_used, "limit": options["limit"]})
    with Workspace.create(options["workspace"]) as workspace, _pipeline(workspace, report, options) as pipeline:
        parts = workspace.path("parts")
        PmcHarvest(client, services, pipeline, parts, licences, not options["no_jats"]).run(
            options["query"], window, options["limit"]
        )
        return _finish(report, workspace.folder, options["as_json"])


@harvest.command()
@click.option("--query", help="Search terms in the diagnosis.")
@click.option("--from", "folder", type=click.Path(path_type=Path), help="Folder of MedPix 2.0 instead of the service.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of cases.")
@click.option("--refresh", is_flag=True, help="Fetch and process finished items again.")
@click.option("--rate", multiple=True, metavar="HOST=N", help="Maximum requests per second to a host.")
@click.option("--time-budget", type=float, metavar="MINUTES", help="Time limit for requests of the whole run.")
@click.option("--contact", help="E-mail address for the user agent (default: COVIDCT_CONTACT).")
@workspace_option
@json_option
def medpix(**options: Any) -> int:
    """Cases of MedPix with axial chest CT: one case, one patient."""
    from covidct.harvest.medpix import TERMS, MedpixApi, MedpixHarvest
    from covidct.harvest.report import RunReport
    from covidct.harvest.services import Services
    from covidct.workspace import Workspace

    folder: Path | None = options["folder"]
    if folder is None and not options["query"]:
        raise UsageError("say which cases: --query pneumonia, or --from FOLDER of MedPix 2.0")
    if folder is not None and not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    click.echo(TERMS, err=True)
    client = _client(options)
    report = RunReport("harvest medpix", {"query": options["query"], "from": str(folder or "")})
    with Workspace.create(options["workspace"]) as workspace, workspace.lease("harvest"):
        cases = MedpixHarvest(workspace, report, options["refresh"])
        if folder is not None:
            cases.from_folder(folder, options["limit"])
        else:
            api = MedpixApi(client, Services.resolve().url("COVIDCT_MEDPIX_URL"))
            cases.from_api(api, options["query"], options["limit"])
        report.http.update(client.counts)
        return _finish(report, workspace.folder, options["as_json"])
