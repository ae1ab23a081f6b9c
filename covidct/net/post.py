"""One POST to a server that the user named: bounded in bytes and time, not redirected, not asked again."""

from collections.abc import Mapping
from typing import Any

import requests

from covidct.net.failures import FetchError, Kind
from covidct.net.rates import is_loopback
from covidct.net.wire import WIRE_ERRORS, Deadline, Limits, host_of, pieces, watched_session


def post_json(url: str, body: Mapping[str, Any], headers: Mapping[str, str], limits: Limits) -> bytes:
    """The answer's body to ``body`` sent as JSON. Raises ``FetchError`` for any status but 200 and any broken limit."""
    late = FetchError(Kind.LIMIT, f"took longer than {limits.seconds:g} s", url, rule="too-slow")
    proxies = {} if is_loopback(host_of(url)) else requests.utils.get_environ_proxies(url)
    waits = (limits.connect, limits.silence)
    with Deadline(limits.seconds) as deadline, watched_session() as session:
        try:
            with session.post(
                url, json=body, headers=headers, timeout=waits, stream=True, allow_redirects=False, proxies=proxies
            ) as response:
                if response.status_code != 200:
                    raise FetchError(Kind.REFUSED, f"answered {response.status_code}", url, rule="status")
                found = b"".join(pieces(response, url, limits.bytes))
        except WIRE_ERRORS as error:
            raise late if deadline.expired else FetchError(Kind.TEMPORARY, type(error).__name__, url) from error
        if deadline.expired:  # a body without a length that was cut by us looks whole
            raise late
        return found
