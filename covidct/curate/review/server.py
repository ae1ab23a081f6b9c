"""Start the review page: a socket, a token, an address to print, a browser.

The address and token of a running server lie in ``review.json`` inside the workspace (mode 0600, deleted at a good
end). A server that was killed leaves it behind; the next one takes the same address and token, so that pages still
open in a browser go on where they were and send what they kept.
"""

import json
import os
import secrets
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from covidct.errors import UsageError
from covidct.workspace.workspace import Workspace

from .app import make
from .guard import Guard, allowed_hosts, is_loopback

SESSION = "review.json"
OPENER = "review-open.html"
PORT = 8642
"""Tried first where the user names none, so that a page left open finds its server again."""
TOKEN_BYTES = 24
SWITCH_SECONDS = 0.0005


@dataclass(frozen=True)
class Session:
    """Where the server listens and what it asks for."""

    listener: socket.socket
    host: str
    port: int
    token: str

    @property
    def url(self) -> str:
        """The page's address, token included."""
        name = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}/?token={self.token}"


def check_host(host: str, understood: bool) -> None:
    """Raise :class:`UsageError` for an address that others reach, unless the user said that this is meant."""
    if not is_loopback(host) and not understood:
        raise UsageError(
            f"--host {host} lets other computers reach unpublished pictures, unencrypted: "
            "add --i-understand if that is meant, and give the address with its token to nobody else"
        )


def open_session(folder: Path, host: str, port: int | None) -> Session:
    """Listen on ``port`` (None: the usual one or any other, 0: any); a killed server's address is taken up again."""
    left = _left_behind(folder)
    if left is not None and left[0] == host and port in (None, 0, left[1]):
        listener = _listen(host, left[1])
        if listener is not None:
            return Session(listener, host, left[1], left[2])
    wanted = [PORT, 0] if port is None else [port]
    for number in wanted:
        listener = _listen(host, number)
        if listener is not None:
            return Session(listener, host, int(listener.getsockname()[1]), secrets.token_urlsafe(TOKEN_BYTES))
    raise UsageError(f"cannot listen on {host} port {port}: another program may use it; --port 0 takes any free one")


def _listen(host: str, port: int) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    # Without this a killed server's port stays closed for a minute; two listeners at once remain impossible.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError):
        listener.close()
        return None
    return listener


def _left_behind(folder: Path) -> tuple[str, int, str] | None:
    try:
        values = json.loads((folder / SESSION).read_text(encoding="utf-8"))
        return str(values["host"]), int(values["port"]), str(values["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.write(text)


def keep(folder: Path, session: Session) -> Callable[[], None]:
    """Note the session in the workspace, unless another server already has; returns what takes the note away."""
    note = folder / SESSION
    left = _left_behind(folder)
    if left is not None and left[1] != session.port:
        listener = _listen(left[0], left[1])
        if listener is None:
            return lambda: None
        listener.close()
    values = {"host": session.host, "port": session.port, "token": session.token}
    _write_private(note, json.dumps(values))

    def forget() -> None:
        note.unlink(missing_ok=True)
        (folder / OPENER).unlink(missing_ok=True)

    return forget


def open_browser(folder: Path, session: Session) -> None:
    """Open the page by way of a private file: a browser's command line can be read by everybody on the machine."""
    import html
    import webbrowser

    page = f'<!doctype html><meta http-equiv="refresh" content="0;url={html.escape(session.url)}">'
    _write_private(folder / OPENER, page)
    webbrowser.open((folder / OPENER).resolve().as_uri())


def prepare(workspace: Workspace, session: Session, curator: str, blind: bool = False) -> uvicorn.Server:
    """The server, ready for ``run(sockets=[session.listener])``; the workspace has been read when this returns."""
    app = make(workspace, curator, blind)
    # Sorting 10,000 panels for one curator must not hold up another one's decision.
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        Guard(app, session.token, allowed_hosts(session.host, session.port)),
        log_level="warning",
        access_log=False,
        ws="none",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=30,
    )
    return uvicorn.Server(config)
