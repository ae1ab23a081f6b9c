"""Why a host could not be reached, in words; and names that take no longer to resolve than they may."""

import re
import socket
import threading
from urllib.parse import urlsplit

import requests
import urllib3

from covidct.net.failures import UNREACHABLE, FetchError, Kind
from covidct.net.rates import is_loopback
from covidct.net.wire import host_of

PATIENCE = 6.0
"""Seconds after which a host that never answered is not tried again. With the last try's own limits (``NAME_SECONDS``,
twice ``CONNECT_SECONDS`` for two addresses) and the back-off between them the end comes in under 17."""
TRIES = 3
NAME_SECONDS = 4.0
CONNECT_SECONDS = 3.5


def proxy_for(url: str) -> str:
    """The proxy that the environment names for ``url``; empty for none."""
    if is_loopback(host_of(url)):
        return ""
    proxies = requests.utils.get_environ_proxies(url)
    return str(proxies.get(urlsplit(url).scheme) or proxies.get("all") or "")


def resolve(url: str, seconds: float = NAME_SECONDS) -> None:
    """Find the address of ``url``'s host, or its proxy's, in time: the resolver itself knows no time limit.

    Raises FetchError (``UNREACHABLE``) where there is none.
    """
    place = urlsplit(proxy_for(url) or url)
    found: list[object] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(place.hostname, place.port or 443, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise FetchError(Kind.TEMPORARY, f"no answer about its name in {seconds:g} s (DNS)", url, rule=UNREACHABLE)
    if isinstance(found[0], Exception):
        whose = f"the name of the proxy {place.hostname}" if proxy_for(url) else "its name"
        raise FetchError(Kind.TEMPORARY, f"{whose} is not known (DNS)", url, rule=UNREACHABLE)


def cause_of(error: Exception, url: str) -> str:
    """Why the host did not even answer, in words; empty where it did."""
    inner = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy {host_of(proxy_for(url))} does not lead there ({_words(inner)})"
    if isinstance(error, requests.exceptions.SSLError):
        return f"its certificate is not trusted ({_words(inner)}): behind a proxy set REQUESTS_CA_BUNDLE"
    if isinstance(inner, urllib3.exceptions.NameResolutionError):
        return "its name is not known (DNS)"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    return _words(inner) if isinstance(inner, urllib3.exceptions.NewConnectionError) else ""


def _words(error: object) -> str:
    """The last, most exact part of a nested error's text."""
    last = " ".join(str(error).split()).rsplit(": ", 1)[-1]
    return re.sub(r"^\[Errno -?\d+\] |\s*\(_ssl\.c:\d+\)?", "", last).strip("\"')( .")[:120]
