"""One request on the wire: watched by a deadline, redirects confined, body decoded within bounds."""

import os
import socket
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from covidct.net.failures import FetchError, Kind
from covidct.net.rates import is_loopback

_active = threading.local()
_CHUNK = 1 << 16
_PATH = "/%:@!$&'()*+,;=~-._"
"""What stands in a path as it is (RFC 3986, 3.3), and the sign of what is escaped already."""


@dataclass(frozen=True)
class Limits:
    """What one request may cost."""

    bytes: int = 300_000_000
    """Of the decoded body."""
    seconds: float = 300.0
    """From the first byte sent to the last received, redirects included."""
    connect: float = 15.0
    silence: float = 45.0
    """Longest wait for the next byte."""
    redirects: int = 5


def _remember(connection: HTTPConnection) -> None:
    deadline: Deadline | None = getattr(_active, "deadline", None)
    if deadline is not None:
        deadline.watch(connection.sock)


class _WatchedHTTP(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _remember(self)

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:
        _remember(self)  # a connection kept alive does not connect again
        super().putrequest(method, url, skip_host, skip_accept_encoding)


class _WatchedHTTPS(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _remember(self)

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:
        _remember(self)
        super().putrequest(method, url, skip_host, skip_accept_encoding)


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


class WatchedAdapter(HTTPAdapter):
    """A requests adapter whose connections a ``Deadline`` can cut, even while headers trickle in byte by byte."""

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[arg-type]
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class Deadline:
    """Cuts the connections of the current thread after ``seconds``: no read time-out sees a body that trickles."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self.cut)
        self._timer.daemon = True

    def watch(self, sock: socket.socket | None) -> None:
        if sock is not None and sock not in self._sockets:
            self._sockets.append(sock)

    def cut(self) -> None:
        """End what is under way, now."""
        self.expired = True
        for sock in self._sockets:
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                continue  # closed already

    def __enter__(self) -> "Deadline":
        _active.deadline = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        _active.deadline = None


def watched_session() -> requests.Session:
    """A session whose sockets a :class:`Deadline` can end. It takes no credentials and no proxies from anywhere."""
    session = requests.Session()
    session.trust_env = False  # a .netrc must not add credentials; who uses it asks for proxies
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    for scheme in ("http://", "https://"):
        session.mount(scheme, WatchedAdapter(pool_connections=8, pool_maxsize=4, max_retries=0))
    return session


def host_of(url: str) -> str:
    """Host of ``url`` in lower case, without its port."""
    return (urlsplit(url).hostname or "").lower()


def _place(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return host.removeprefix("www."), parts.port if is_loopback(host) else None


def confined(origin: str, target: str, friends: frozenset[str] = frozenset()) -> bool:
    """Whether a redirect from ``origin`` to ``target`` stays with the same service and does not drop TLS."""
    try:
        before, after = urlsplit(origin), urlsplit(target)
        after.port  # noqa: B018  a port that is no number is found here
    except ValueError:
        return False
    if after.scheme not in ("http", "https") or (before.scheme == "https" and after.scheme != "https"):
        return False
    return _place(origin) == _place(target) or host_of(target) in friends


def follow(
    session: requests.Session, url: str, headers: dict[str, str], limits: Limits, friends: frozenset[str]
) -> requests.Response:
    """GET ``url`` and follow its redirects by hand; the body stays unread. ``FetchError`` where they lead away."""
    here = url
    for _ in range(limits.redirects + 1):
        proxies = {} if is_loopback(host_of(here)) else requests.utils.get_environ_proxies(here)
        response = session.get(
            here,
            headers=headers,
            stream=True,
            allow_redirects=False,
            timeout=(limits.connect, limits.silence),
            proxies=proxies,
        )
        if response.status_code not in (301, 302, 303, 307, 308):
            return response
        target = _joined(here, response.headers.get("Location", ""), url)
        response.close()
        if not confined(here, target, friends):
            raise FetchError(
                Kind.POLICY, f"redirect to another place ({host_of(target)}) not followed", url, rule="redirect-away"
            )
        here = target
    raise FetchError(Kind.POLICY, f"more than {limits.redirects} redirects", url, rule="redirect-loop")


def _joined(here: str, location: str, url: str) -> str:
    try:
        return urljoin(here, location)
    except ValueError as error:
        raise FetchError(Kind.BROKEN, f"redirect to no address ({error})", url, rule="redirect-broken") from error


def under(base: str, path: str) -> str:
    """``path`` (as a service names it, perhaps a whole URL) below ``base``: same scheme, host and port, or FetchError.

    Only the path is ever taken over, so no text of a record can lead to another place.
    """
    home = urlsplit(base)
    try:
        parts = urlsplit(path.strip())
        host, same = parts.netloc.lower(), parts.netloc.lower() in ("", home.netloc.lower())
    except ValueError as error:
        raise FetchError(Kind.POLICY, f"{path[:80]!r} is no address ({error})", rule="bad-address") from error
    if not same or (parts.scheme and parts.scheme not in ("http", "https")):
        raise FetchError(Kind.POLICY, f"{host or parts.scheme} is not {home.netloc}: no request", rule="redirect-away")
    whole = f"{home.path.rstrip('/')}/{quote(parts.path.lstrip('/'), safe=_PATH)}"
    built = urlunsplit((home.scheme, home.netloc, whole, quote(parts.query, safe=_PATH + "?=&"), ""))
    if urlsplit(built)[:2] != home[:2]:
        raise FetchError(Kind.POLICY, f"{path[:80]!r} leads away from {home.netloc}: no request", rule="redirect-away")
    return built


def _decoder(encoding: str, url: str) -> "zlib._Decompress | None":
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(zlib.MAX_WBITS | 32)
    raise FetchError(Kind.BROKEN, f"answer encoded as {name}, which was not requested", url, rule="encoding")


def _raw_pieces(response: requests.Response) -> Iterator[bytes]:
    while piece := response.raw.read1(_CHUNK, decode_content=False):
        yield piece


def pieces(response: requests.Response, url: str, limit: int) -> Iterator[bytes]:
    """The decoded body in pieces, never more than ``limit`` bytes in all: a gzip bomb is found before it bursts."""
    decoder, total = _decoder(response.headers.get("Content-Encoding", ""), url), 0
    for raw in _raw_pieces(response):
        waiting = raw
        while waiting:
            piece = decoder.decompress(waiting, _CHUNK) if decoder else waiting
            waiting = decoder.unconsumed_tail if decoder else b""
            total += len(piece)
            if total > limit:
                raise FetchError(Kind.LIMIT, f"body of more than {limit:,} bytes", url, rule="too-large")
            if piece:
                yield piece
            elif not decoder or decoder.eof:
                break
    if decoder and not decoder.eof:
        raise FetchError(Kind.BROKEN, "compressed body cut short", url, rule="cut-short")


WIRE_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    zlib.error,
    ValueError,
)
"""What a broken connection or a malformed answer may raise between ``requests`` and the socket."""
