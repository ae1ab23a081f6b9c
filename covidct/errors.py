"""Errors a user can act on, and the exit codes of the command line (see DESIGN, "Contract")."""

from enum import IntEnum


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
