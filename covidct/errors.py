"""Errors a user can act on, and the exit codes of the command line (see DESIGN, "Contract")."""

import logging
from enum import IntEnum

log = logging.getLogger(__name__)


class ExitCode(IntEnum):
    """Process exit codes, the same for every command."""

    COMPLETE = 0
    FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    PROBLEMS_FOUND = 4
    INTERRUPTED = 130


class CovidctError(Exception):
    """Something is wrong that the user can mend; the message is one line: what is wrong and what to do."""

    exit_code = ExitCode.FAILED


class UsageError(CovidctError):
    """The call itself is wrong: a path that is not there, dates that run backwards, an unknown name."""

    exit_code = ExitCode.USAGE


def one_line(error: BaseException) -> str:
    """An error's message in one line, or the name of its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def reason_of(error: Exception) -> str:
    """Why one item failed, in one line: with the error's type where the message was not made for users.

    The traceback goes to the log.
    """
    log.info("one item failed", exc_info=error)
    return one_line(error) if isinstance(error, CovidctError) else f"{type(error).__name__}: {one_line(error)}"
