"""A file of weights over HTTP: resumed where it broke off, checked against its sha256, kept under its own name."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from covidct.errors import CovidctError
from covidct.files import sha256_file
from covidct.net.client import HttpClient, Settings
from covidct.net.failures import FetchError
from covidct.net.wire import Limits
from covidct.progress import progress

MIRROR = "COVIDCT_WEIGHTS_URL"
"""Environment variable: ``scheme://host[:port]`` to ask instead of the publisher's."""
LIMITS = Limits(bytes=4 * 2**30, seconds=6 * 3600.0, silence=60.0)
FRIENDS = frozenset({"download.pytorch.org", "download-r2.pytorch.org"})
"""Hosts that the publishers' addresses may lead to."""
_NAMED = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")


def checksum(name: str) -> str:
    """The beginning of a sha256 that torch's files carry in their names; empty where there is none."""
    found = _NAMED.search(name)
    return found[1] if found else ""


def mirrored(url: str) -> str:
    """``url``, at the host of ``COVIDCT_WEIGHTS_URL`` where that is set."""
    mirror = os.environ.get(MIRROR)
    if not mirror:
        return url
    place = urlsplit(mirror)
    return urlunsplit(urlsplit(url)._replace(scheme=place.scheme, netloc=place.netloc))


def fetch(url: str, folder: Path) -> Path:
    """The file at ``url`` in ``folder``, fetched where it is not there yet; a CovidctError says why it cannot be had.

    A file whose name carries a sha256 is believed only if that is its own, be it from the cache or from the server.
    """
    url = mirrored(url)
    target = folder / Path(urlsplit(url).path).name
    if target.is_file():
        if sha256_file(target).startswith(checksum(target.name)):
            return target
        raise CovidctError(f"{target}: not the file of that name (its sha256 differs); remove it and run again")
    try:
        with progress(range(0), target.name) as bar:
            client = HttpClient(Settings(limits=LIMITS))
            got = client.download(url, folder, friends=FRIENDS, received=bar.update)
    except FetchError as error:
        raise CovidctError(f"{url}: {error.reason}; what came is kept, the same command goes on from there") from error
    if not got.sha256.startswith(checksum(target.name)):
        got.path.unlink()
        raise CovidctError(f"{url}: what came is not the file (its sha256 differs); nothing was kept, try again")
    got.path.replace(target)
    return target
