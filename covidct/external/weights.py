"""A file of weights over HTTP: resumed where it broke off, checked against its sha256, kept under its own name."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import requests

from covidct.errors import CovidctError
from covidct.files import sha256_file
from covidct.net.wire import Deadline, Limits, follow, watched_session
from covidct.progress import progress

MIRROR = "COVIDCT_WEIGHTS_URL"
"""Environment variable: ``scheme://host[:port]`` to ask instead of the publisher's."""
TRIES = 5
PAUSE = 1.0
"""Seconds before the second try; doubled with each further one."""
MAX_BYTES = 4 * 2**30
LIMITS = Limits(bytes=MAX_BYTES, seconds=6 * 3600.0, silence=60.0)
FRIENDS = frozenset({"download.pytorch.org", "download-r2.pytorch.org"})
"""Hosts that the publishers' addresses may lead to."""
_CHUNK = 2**16
"""Bytes at a time: of a transfer that breaks off, less than this is lost."""
_NAMED = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")


class _BrokenOffError(Exception):
    """The transfer stopped, or the server is busy: worth another try from where it stands."""


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
    name = Path(urlsplit(url).path).name
    target, part = folder / name, folder / f".{name}.part"
    if target.is_file():
        if _genuine(target):
            return target
        raise CovidctError(f"{target}: not the file of that name (its sha256 differs); remove it and run again")
    folder.mkdir(parents=True, exist_ok=True)
    url = mirrored(url)
    for number in range(TRIES):
        try:
            _transfer(url, part)
            break
        except _BrokenOffError as error:
            if number + 1 == TRIES:
                have = part.stat().st_size if part.is_file() else 0
                raise CovidctError(
                    f"{url}: {error}; {have} bytes are kept, the same command goes on from there"
                ) from error
            time.sleep(PAUSE * 2**number)
    if not _genuine(part, name):
        part.unlink()
        raise CovidctError(f"{url}: what came is not the file (its sha256 differs); nothing was kept, try again")
    part.replace(target)
    return target


def _genuine(path: Path, name: str = "") -> bool:
    return sha256_file(path).startswith(checksum(name or path.name))


def _transfer(url: str, part: Path) -> None:
    """Bring ``part`` to its full length, from where it stands if the server allows that."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with Deadline(LIMITS.seconds), follow(watched_session(), url, headers, LIMITS, FRIENDS) as answer:
            if answer.status_code == 416:  # as long as the file, or longer: its sha256 will tell which
                return
            _check(answer)
            resumed = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            with part.open("ab" if resumed else "wb") as out:
                for chunk in progress(_chunks(answer), part.name.strip("."), _count(answer)):
                    out.write(chunk)
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise _BrokenOffError(f"the connection failed ({type(error).__name__})") from error
    except requests.RequestException as error:
        raise CovidctError(f"{url}: {error}") from error


def _check(answer: requests.Response) -> None:
    if answer.status_code == 429 or answer.status_code >= 500:
        raise _BrokenOffError(f"the server answered {answer.status_code}")
    if answer.status_code not in (200, 206):
        raise CovidctError(f"{answer.url}: the server answered {answer.status_code}")
    if int(answer.headers.get("Content-Length", 0)) > MAX_BYTES:
        raise CovidctError(f"{answer.url}: more than {MAX_BYTES} bytes; not fetched")


def _chunks(answer: requests.Response) -> Iterator[bytes]:
    size = 0
    for chunk in answer.iter_content(_CHUNK):
        size += len(chunk)
        if size > MAX_BYTES:
            raise CovidctError(f"{answer.url}: more than {MAX_BYTES} bytes; not fetched")
        yield chunk


def _count(answer: requests.Response) -> int | None:
    """Chunks to come, for the progress bar."""
    length = answer.headers.get("Content-Length")
    return -(-int(length) // _CHUNK) if length else None
