"""The ``covidct`` command: one line a command, each loaded only when it is called.

Main path for a newcomer: ``COMMANDS`` names the module that holds a command; that module imports what it needs
inside the command's function, so ``covidct --help`` stays fast.
"""

import io
import os
import sys
import traceback
from typing import Any

import click

from covidct import __version__
from covidct.commands.lazy import LazyGroup
from covidct.errors import CovidctError, ExitCode, one_line, reason_of
from covidct.tables import say

COMMANDS = {
    "harvest": ("covidct.commands.harvest:harvest", "Fetch papers, or read local PDFs: figures, captions, mentions."),
    "show": ("covidct.commands.show:show", "Print a table of the workspace."),
    "curate": ("covidct.commands.curate:curate", "Triage, split, label, mask, patients, duplicates, review."),
    "manifest": ("covidct.commands.manifest:manifest", "Build, check, audit and publish releases."),
    "data": ("covidct.commands.data:data", "External sets: COVID-CT, LUNA16, LNM."),
    "bench": ("covidct.commands.bench:bench", "Run the paper's benchmarks on a release."),
    "predict": ("covidct.commands.bench:predict", "A trained run on new images. Not for clinical use."),
    "forget": ("covidct.commands.show:forget", "Remove a paper or panel for good and leave a tombstone."),
    "check": ("covidct.commands.check:check", "Test the workspace and mend what can be mended."),
    "demo": ("covidct.commands.demo:demo", "The whole way on a small corpus made on the spot."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="covidct")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bars, warnings only.")
@click.option("-v", "--verbose", count=True, help="More log messages on standard error (-vv: all).")
def cli(debug: bool, quiet: bool, verbose: int) -> None:
    """From preprint PDF to audited CT data set to benchmark."""
    import logging

    level = logging.WARNING if quiet or not verbose else logging.INFO if verbose == 1 else logging.DEBUG
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    if quiet:
        os.environ["COVIDCT_QUIET"] = "1"


GLOBAL = ("--debug", "-q", "--quiet", "-v", "-vv", "--verbose")


def global_first(words: list[str]) -> list[str]:
    """The same words with the flags of all commands in front, where click takes them: ``curate auto -v`` works, too."""
    end = words.index("--") if "--" in words else len(words)
    flags = [word for word in words[:end] if word in GLOBAL]
    return [*flags, *(word for word in words[:end] if word not in GLOBAL), *words[end:]]


def run(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code; an error a user can mend is one line on standard error."""
    words = global_first(sys.argv[1:] if args is None else args)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal, or a file name, that does not know every letter
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        result: Any = cli.main(args=words, prog_name="covidct", standalone_mode=False)
        return int(result) if isinstance(result, int) else ExitCode.COMPLETE
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return ExitCode.USAGE
    except CovidctError as error:
        return _report(error, error.exit_code, "--debug" in words)
    except (KeyboardInterrupt, click.Abort):
        print("covidct: interrupted; run the same command again to go on", file=sys.stderr)  # noqa: T201
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone: nothing is wrong, and nothing more can be said on this pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.COMPLETE
    except OSError as error:
        return _report(error, ExitCode.FAILED, "--debug" in words)
    except Exception as error:  # noqa: BLE001  nobody but who works on covidct can use a traceback
        fault = CovidctError(f"{reason_of(error)}; a fault in covidct: please report it with what --debug prints")
        fault.__cause__ = error
        return _report(fault, ExitCode.FAILED, "--debug" in words)


def _report(error: Exception, code: ExitCode, debug: bool) -> int:
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    say(f"covidct: {one_line(error)}", err=True)
    return code
