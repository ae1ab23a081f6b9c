"""``covidct curate review`` and ``covidct curate agreement``."""

import signal
from pathlib import Path

import click

from covidct.commands.options import json_option, needs_extra, print_json, profile_option, workspace_option
from covidct.errors import ExitCode, UsageError


@click.command()
@workspace_option
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port (0: any free port).")
@click.option("--curator", metavar="NAME", default=None, help="Name of the curator (default: your login name).")
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; any but loopback is reachable from other computers.",
)
@click.option("--i-understand", "understood", is_flag=True, help="Let other computers reach the page (with --host).")
@click.option("--blind", is_flag=True, help="Second reader: nobody else's labels are shown.")
@profile_option
@needs_extra("review")
def review(
    workspace: Path, port: int | None, curator: str | None, no_browser: bool, host: str, understood: bool, blind: bool
) -> int:
    """Open the review page: a curator decides, with the keyboard.

    The first line on standard output is the page's address, token included. Ctrl-C ends the server.
    """
    from covidct.curate.review import server
    from covidct.curate.review.words import curator_of
    from covidct.workspace.workspace import Workspace

    server.check_host(host, understood)
    name = curator_of(curator or login()).removeprefix("curator:")
    with Workspace.open(workspace) as opened:
        session = server.open_session(opened.folder, host, port)
        forget = server.keep(opened.folder, session)
        # The server hands a signal on when it has answered its last question: both kinds then end here, in good order.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            running = server.prepare(opened, session, name, blind)
            click.echo(session.url)  # the first line on standard output; click flushes
            if not no_browser:
                server.open_browser(opened.folder, session)
            running.run(sockets=[session.listener])
        except KeyboardInterrupt:
            click.echo("covidct: the review page is closed", err=True)
        finally:
            forget()
    return ExitCode.COMPLETE


def login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "curator"


@click.command()
@workspace_option
@click.option(
    "--field",
    default="label",
    show_default=True,
    help="Field to compare: label, kind, accept, duplicate or same_patient.",
)
@click.option(
    "--curator", "curators", multiple=True, metavar="NAME", help="Curators to compare (repeatable; default: all)."
)
@click.option("--independent", is_flag=True, help="Blind decisions only: made without seeing another curator's.")
@json_option
def agreement(workspace: Path, field: str, curators: tuple[str, ...], independent: bool, as_json: bool) -> int:
    """Cohen's kappa and the confusion of every two curators, and of each curator and the rules."""
    from covidct.curate import agreement as agree
    from covidct.workspace.workspace import Workspace

    if field not in agree.FIELDS:
        raise UsageError(f"--field {field}: there is {', '.join(agree.FIELDS)}")
    with Workspace.open(workspace) as opened:
        decisions = opened.decisions(agree.FIELDS[field], field=field)
    found = agree.all_pairs(agree.independent(decisions) if independent else decisions)
    if curators:
        unknown = sorted(set(curators) - {name for pair in found for name in (pair.a, pair.b)})
        if unknown:
            raise UsageError(f"--curator {unknown[0]}: nobody of that name shares a judged item with anybody")
        found = [pair for pair in found if {pair.a, pair.b} & set(curators)]
    if as_json:
        print_json({"field": field, "pairs": [agree.as_json(pair) for pair in found]})
    elif not found:
        click.echo(f"nothing to compare: no {field} was judged by two curators, nor by a curator and a rule")
    else:
        click.echo("\n\n".join(agree.as_text(pair) for pair in found))
    return ExitCode.COMPLETE
