"""What can go wrong with a request, as a value: a kind, a reason, whether asking again may help."""

import re
from enum import StrEnum

from covidct.errors import CovidctError

_SECRET = re.compile(r"\b(api_key|email)=[^&]*")
"""What must not stand in logs and records."""


class Kind(StrEnum):
    """Kinds of failure; each calls for something else."""

    REFUSED = "refused"
    """The service does not serve this client: try another source, do not insist."""
    NOT_FOUND = "not-found"
    TEMPORARY = "temporary"
    """Overload, a broken connection, too many requests: ask again, later."""
    BROKEN = "broken"
    """An answer came and is not what it should be: truncated, HTML, not JSON."""
    UNUSABLE = "unusable"
    """What the server has, for good, is not what it should be."""
    LIMIT = "limit"
    """Larger or slower than allowed."""
    POLICY = "policy"
    """Refused on this side: a redirect elsewhere, a forbidden address, a closed breaker."""


RETRIED = frozenset({Kind.TEMPORARY, Kind.BROKEN})
"""Kinds for which the same request may go better the next time."""


class FetchError(CovidctError):
    """One request failed for good."""

    def __init__(
        self, kind: Kind, reason: str, url: str = "", wait: float | None = None, rule: str = "", cool_down: float = 0.0
    ) -> None:
        url = _SECRET.sub(r"\1=…", url)
        super().__init__(f"{reason} ({url})" if url else reason)
        self.kind = kind
        self.reason = reason
        self.url = url
        self.wait = wait
        """Seconds the service asks to wait; None where it does not say."""
        self.cool_down = cool_down
        """Seconds that good manners ask for where the service does not say."""
        self.rule = rule
        """Which rule of ``answers`` recognised it."""


class Unreachable(FetchError):
    """A host that has not answered once in this run, and cannot be resolved, connected or trusted: all asking ends."""

    def __init__(self, host: str, cause: str, url: str = "") -> None:
        super().__init__(Kind.POLICY, f"{host} cannot be reached: {cause}", "", rule=UNREACHABLE)
        self.url = url


def unreachable(error: Unreachable, instead: str) -> CovidctError:
    """The one line that ends a command: host, cause, what to do (``instead`` of asking this host)."""
    return CovidctError(f"{error.reason}. Check the network, set HTTPS_PROXY where a proxy is needed, or {instead}")


UNREACHABLE = "unreachable"
"""Rule of failures that happen before a host answers."""
