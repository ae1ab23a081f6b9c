"""The server: routes to services, sends what a plan says, keeps a log. Threads, real sockets, loopback only."""

import argparse
import datetime
import hashlib
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from faultserver.corpus import Corpus, make_corpus
from faultserver.faults import Fault, RandomPlan

Plan = Callable[[str], Fault | None]


@dataclass(frozen=True)
class Reply:
    """A sound answer, before a fault touches it."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


Service = Callable[[str], Reply | None]
"""``service(path with query)`` answers or passes (None)."""

NOT_FOUND = Reply(b"not found", 404, {"Content-Type": "text/plain"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    services: list[Service]
    plan: Plan
    pace: float
    patience: float
    bomb_mb: int
    ranges: bool
    log: list[tuple[str, str]]
    loops: set[str]

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """Sends replies soundly, or as a fault wants it."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        fault = self.server.plan(self.path)
        self.server.log.append((self.path, fault.name if fault else ""))
        reply = next((r for service in self.server.services if (r := service(self.path))), NOT_FOUND)
        if self.path in self.server.loops:
            self.server.loops.discard(self.path)
            self.send_whole(302, {"Location": self.path + ("&" if "?" in self.path else "?") + "again=1"}, b"")
        elif fault and reply.status == 200:
            fault.send(self, reply)
        else:
            self.send_reply(reply)

    def send_reply(self, reply: Reply) -> None:
        """The sound way, ranges honoured for documents."""
        etag = f'"{hashlib.sha256(reply.body).hexdigest()[:16]}"'
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        headers = dict(reply.headers)
        if self.server.ranges and reply.status == 200:
            headers |= {"ETag": etag, "Accept-Ranges": "bytes"}
            if wanted and self.headers.get("If-Range", etag) == etag:
                self._send_range(int(wanted.group(1)), reply.body, headers)
                return
        self.send_whole(reply.status, headers, reply.body)

    def _send_range(self, start: int, body: bytes, headers: dict[str, str]) -> None:
        if start >= len(body):
            self.send_whole(416, {"Content-Range": f"bytes */{len(body)}"}, b"")
            return
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self.send_whole(206, headers, body[start:])

    def send_whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_start(status, {**headers, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def send_start(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()

    def drop(self) -> None:
        """Close the connection without another word."""
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        return


class FaultServer:
    """``with FaultServer(services=[…], plan=…) as server: server.url``."""

    def __init__(
        self,
        services: list[Service] | None = None,
        plan: Plan | None = None,
        *,
        pace: float = 0.02,
        patience: float = 3.0,
        bomb_mb: int = 64,
        ranges: bool = True,
        port: int = 0,
    ) -> None:
        self._http = _Server(("127.0.0.1", port), Handler)
        self._http.services = services if services is not None else []
        self._http.plan = plan or (lambda path: None)
        self._http.pace, self._http.patience, self._http.bomb_mb = pace, patience, bomb_mb
        self._http.ranges, self._http.log, self._http.loops = ranges, [], set()
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def services(self) -> list[Service]:
        return self._http.services

    @property
    def log(self) -> list[tuple[str, str]]:
        """(path, fault name) of every request, in order."""
        return self._http.log

    def set_plan(self, plan: Plan | None) -> None:
        self._http.plan = plan or (lambda path: None)

    def asked(self, pattern: str) -> int:
        """How many requests matched ``pattern``."""
        return sum(1 for path, _ in self.log if re.search(pattern, path))

    def faults(self) -> Counter[str]:
        return Counter(fault for _, fault in self.log if fault)

    def __enter__(self) -> "FaultServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def serving(corpus: Corpus, plan: Plan | None = None, **options: object) -> Iterator[FaultServer]:
    """A server with the preprint services over ``corpus``."""
    from faultserver.preprints import PreprintService

    with FaultServer(plan=plan, **options) as server:  # type: ignore[arg-type]
        server.services.append(PreprintService(corpus, server.url))
        yield server


def static(documents: Mapping[str, tuple[bytes, str]]) -> Service:
    """A service of fixed documents: path → (body, content type)."""

    def service(path: str) -> Reply | None:
        found = documents.get(urlsplit(path).path)
        return Reply(found[0], headers={"Content-Type": found[1]}) if found else None

    return service


def main() -> None:
    """``python -m faultserver --papers N``: print the URL, serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--papers", type=int, default=100)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0, help="of the papers")
    parser.add_argument("--fault-seed", type=int, default=0)
    parser.add_argument("--months", type=int, default=0, help="spread over so many months instead of the window")
    parser.add_argument("--revised", type=float, default=0.1)
    options = parser.parse_args()
    window = (datetime.date(2020, 1, 19), datetime.date(2020, 3, 25))
    if options.months:
        window = (datetime.date(2018, 1, 1), datetime.date(2018, 1, 1) + datetime.timedelta(days=30 * options.months))
    corpus = make_corpus(options.papers, options.seed, window=window, revised=options.revised)
    with serving(corpus, RandomPlan(options.faults, options.fault_seed)) as server:
        print(server.url, flush=True)
        threading.Event().wait()
