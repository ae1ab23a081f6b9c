"""The one door to the network: rate limits, back-off, bounded bodies, confined redirects, resumable downloads."""

from collections.abc import Callable
from pathlib import Path


def fetch_file(
    url: str,
    folder: Path,
    *,
    limit: int,
    seconds: float = 3600.0,
    check: Callable[[bytes, bytes], None] | None = None,
    friends: frozenset[str] = frozenset(),
) -> Path:
    """The file at ``url``, downloaded into ``folder``: at most ``limit`` bytes and ``seconds`` for each try.

    ``check`` gets the first and the last bytes and raises ``FetchError``. Redirects stay with the host or go to
    ``friends``. Raises ``FetchError`` (a CovidctError of one line) when the file cannot be had.
    """
    from covidct.net.answers import check_nothing
    from covidct.net.client import HttpClient, Settings
    from covidct.net.wire import Limits

    client = HttpClient(Settings(limits=Limits(bytes=limit, seconds=seconds)))
    return client.download(url, folder, check=check or check_nothing, friends=friends).path
