"""What stands between the page and the world: token, Host, Origin, size, and the headers of every answer."""

import contextlib
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN_HEADER = "x-covidct-token"
OPEN_PREFIX = "/static/"
"""The page's own code, the same in every installation: no token needed, nothing of the workspace in it."""
MOST_BYTES = 12 * 1024 * 1024
"""Of a request's body; a painted mask is the largest thing that the page sends."""
OWN_SITES = (b"same-origin", b"none")

HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), clipboard-read=()"),
)


def is_loopback(host: str) -> bool:
    """Does only this machine reach ``host``?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def allowed_hosts(host: str, port: int) -> frozenset[str]:
    """The Host headers that are this server's own; any other name is a rebound one."""
    names = {"127.0.0.1", "localhost", "[::1]"} if is_loopback(host) else {_bracketed(host)}
    if host in ("0.0.0.0", "::"):
        names = {"127.0.0.1", "localhost", "[::1]", socket.gethostname().lower(), *_own_addresses()}
    return frozenset(f"{name}:{port}" for name in names)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()


def _own_addresses() -> set[str]:
    try:
        found = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return set()
    return {_bracketed(str(entry[4][0])) for entry in found}


class Guard:
    """ASGI middleware; whatever it refuses never reaches the application."""

    def __init__(self, app: Asgi, token: str, hosts: frozenset[str]) -> None:
        self.app, self.token, self.hosts = app, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refusal = self.refusal(scope)
        if refusal:
            await _answer(_headed(send), *refusal)
        else:
            with contextlib.suppress(ClientDisconnect):  # the page was closed while it sent; it sends again
                await self.app(scope, receive, _headed(send))

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason when the request must not pass, else None."""
        headers = {name.lower(): value for name, value in scope["headers"]}
        for rule in (self._host, self._origin, self._token, self._body):
            found = rule(scope, headers)
            if found:
                return found
        return None

    def _host(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        return None if host in self.hosts else (421, "this server does not answer to that host name")

    def _origin(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower() not in {f"http://{host}" for host in self.hosts}:
            return 403, "requests from other sites are refused"
        # A link in a mail or on another page may open the page itself, but nothing behind it.
        if headers.get(b"sec-fetch-site", b"none") in OWN_SITES or scope["path"] == "/":
            return None
        return 403, "requests from other sites are refused"

    def _token(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        if scope["path"].startswith(OPEN_PREFIX) and scope["method"] in ("GET", "HEAD"):
            return None
        given = headers.get(TOKEN_HEADER.encode(), b"").decode("latin-1")
        given = given or parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if secrets.compare_digest(given.encode(), self.token.encode()):
            return None
        return 403, "open the address that `covidct curate review` printed: it holds the token"

    def _body(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        if scope["method"] in ("GET", "HEAD"):
            return None
        if headers.get(b"content-type", b"").split(b";")[0].strip() != b"application/json":
            return 415, "only application/json is read"
        length = headers.get(b"content-length", b"")
        if not length.isdigit():
            return 411, "the length of the body must be given"
        return None if int(length) <= MOST_BYTES else (413, f"more than {MOST_BYTES} bytes")


def _headed(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", [])}
            extra = [pair for pair in HEADERS if pair[0] not in present]
            if b"cache-control" not in present:
                extra.append((b"cache-control", b"no-store"))
            message["headers"] = [*message.get("headers", []), *extra]
        await send(message)

    return wrapped


async def _answer(send: Send, status: int, reason: str) -> None:
    body = (reason + "\n").encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
