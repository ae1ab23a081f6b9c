"""Everything that services have been seen to do wrong, by name. A fault decides how one answer is sent."""

import hashlib
import json
import random
import re
import socket
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faultserver.server import Handler, Reply

CHALLENGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>challenge-platform</body></html>"
PAGE = b"<!DOCTYPE html><html><head><title>Article</title></head><body>Sign in to continue</body></html>"


@dataclass(frozen=True)
class Fault:
    """One way to go wrong; ``send(handler, reply)`` does it. ``scope``: where it makes sense."""

    name: str
    send: Callable[["Handler", "Reply"], None]
    scope: str = "any"
    """``any``, ``json`` (feeds) or ``file`` (documents)."""


def _status(code: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Callable[..., None]:
    def send(handler: "Handler", reply: "Reply") -> None:
        handler.send_whole(code, {"Content-Type": "text/html", **(headers or {})}, body)

    return send


def _body(body: bytes, kind: str) -> Callable[..., None]:
    def send(handler: "Handler", reply: "Reply") -> None:
        handler.send_whole(200, {"Content-Type": kind}, body)

    return send


def _latency(handler: "Handler", reply: "Reply") -> None:
    time.sleep(handler.server.pace)
    handler.send_reply(reply)


def _reset(handler: "Handler", reply: "Reply") -> None:
    handler.send_start(200, {"Content-Length": str(len(reply.body)), **reply.headers})
    handler.wfile.write(reply.body[: len(reply.body) // 2])
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.drop()


def _truncated(with_length: bool) -> Callable[..., None]:
    def send(handler: "Handler", reply: "Reply") -> None:
        length = {"Content-Length": str(len(reply.body))} if with_length else {}
        handler.send_start(200, {**length, **reply.headers, "Connection": "close"})
        handler.wfile.write(reply.body[: len(reply.body) * 2 // 3])
        handler.drop()

    return send


def _wrong_type(handler: "Handler", reply: "Reply") -> None:
    handler.send_whole(200, {**reply.headers, "Content-Type": "application/octet-stream; charset=klingon"}, reply.body)


def _gzip_bomb(handler: "Handler", reply: "Reply") -> None:
    press = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(press.compress(bytes(1 << 20)) for _ in range(handler.server.bomb_mb)) + press.flush()
    handler.send_whole(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, body)


def _endless(handler: "Handler", reply: "Reply") -> None:
    handler.send_start(200, {**reply.headers, "Connection": "close"})
    end = time.monotonic() + handler.server.patience
    while time.monotonic() < end:
        handler.wfile.write(b"%PDF-1.4 " * 8192)
        time.sleep(0.005)
    handler.drop()


def _drip(handler: "Handler", data: bytes) -> None:
    end = time.monotonic() + handler.server.patience
    for byte in data:
        if time.monotonic() > end:
            break
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(handler.server.pace)
    handler.drop()


def _slow_body(handler: "Handler", reply: "Reply") -> None:
    handler.send_start(200, {"Content-Length": str(len(reply.body)), **reply.headers})
    _drip(handler, reply.body)


def _slow_head(handler: "Handler", reply: "Reply") -> None:
    _drip(handler, b"HTTP/1.1 200 OK\r\n" + b"X-Filler: aaaaaaaaaaaaaaaaaaaa\r\n" * 90)


def _redirect_loop(handler: "Handler", reply: "Reply") -> None:
    handler.send_whole(302, {"Location": handler.path}, b"")
    handler.server.loops.add(handler.path)


def _redirect_away(handler: "Handler", reply: "Reply") -> None:
    handler.send_whole(302, {"Location": "http://127.0.0.2:9/elsewhere.pdf"}, b"")


def _collection(change: Callable[[dict[str, object], list[object]], None]) -> Callable[..., None]:
    """A fault that alters a page of the details API and sends it otherwise soundly."""

    def send(handler: "Handler", reply: "Reply") -> None:
        try:
            page = json.loads(reply.body)
            message, rows = page["messages"][0], page["collection"]
        except (ValueError, KeyError, IndexError, TypeError):
            handler.send_reply(reply)
            return
        change(message, rows)
        handler.send_whole(200, reply.headers, json.dumps(page).encode())

    return send


def _reorder(message: dict[str, object], rows: list[object]) -> None:
    random.Random(len(rows)).shuffle(rows)


def _repeat(message: dict[str, object], rows: list[object]) -> None:
    rows[len(rows) // 2 :] = rows[: len(rows) - len(rows) // 2]


def _shrink(message: dict[str, object], rows: list[object]) -> None:
    if "total" in message:
        message["total"] = str(max(0, int(str(message["total"])) - 20))


def _vanish(message: dict[str, object], rows: list[object]) -> None:
    rows.clear()
    message.clear()
    message["status"] = "no posts found"


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("latency", _latency),
        Fault("429", _status(429)),
        Fault("429-retry-after", _status(429, {"Retry-After": "0"})),
        Fault("500", _status(500)),
        Fault("502", _status(502, body=b"<html>bad gateway</html>")),
        Fault("503", _status(503, {"Retry-After": "0"})),
        Fault("reset", _reset),
        Fault("truncated", _truncated(True)),
        Fault("truncated-no-length", _truncated(False)),
        Fault("wrong-type", _wrong_type),
        Fault("challenge-403", _status(403, {"Server": "cloudflare", "cf-mitigated": "challenge"}, CHALLENGE), "file"),
        Fault("1015", _status(429, {"Content-Type": "text/plain"}, b"error code: 1015\n"), "file"),
        Fault("challenge-200", _body(CHALLENGE, "application/pdf"), "file"),
        Fault("html-as-pdf", _body(PAGE, "application/pdf"), "file"),
        Fault("gzip-bomb", _gzip_bomb),
        Fault("endless", _endless, "file"),
        Fault("redirect-loop", _redirect_loop),
        Fault("redirect-away", _redirect_away),
        Fault("slow-body", _slow_body),
        Fault("slow-head", _slow_head),
        Fault("invalid-json", _body(b'{"messages":[{"status":"ok","cou', "application/json"), "json"),
        Fault("invalid-utf8", _body(b'{"messages":[{"status":"\xff\xfe"}]}', "application/json"), "json"),
        Fault("html-as-json", _body(PAGE, "text/html"), "json"),
        Fault("error-text", _body(b"Error : (2002) Connection refused", "text/html"), "json"),
        Fault("empty-body", _body(b"", "text/html"), "json"),
        Fault("duplicated-rows", _collection(_repeat), "json"),
        Fault("reordered-rows", _collection(_reorder), "json"),
        Fault("shrinking-total", _collection(_shrink), "json"),
        Fault("vanishing-page", _collection(_vanish), "json"),
    )
}

SLOW = frozenset({"latency", "endless", "slow-body", "slow-head", "gzip-bomb"})
"""Kinds that cost wall-clock time."""


def _scope(path: str) -> str:
    return "file" if re.search(r"\.(pdf|xml|meca|jpg|png|gz)(\?|$)|/content/", path) else "json"


class ScriptedPlan:
    """``{path pattern: [fault name or None, …]}``: the n-th request for a matching path gets the n-th entry."""

    def __init__(self, script: Mapping[str, Iterable[str | None]]) -> None:
        self._script = {re.compile(pattern): list(faults) for pattern, faults in script.items()}
        self._asked: Counter[str] = Counter()

    def __call__(self, path: str) -> Fault | None:
        for pattern, faults in self._script.items():
            if pattern.search(path):
                turn = self._asked[path]
                self._asked[path] += 1
                name = faults[turn] if turn < len(faults) else None
                return FAULTS[name] if name else None
        return None


class RandomPlan:
    """A share ``rate`` of requests goes wrong, each kind as often; the choice depends on seed, path and turn only."""

    def __init__(self, rate: float, seed: int = 0, kinds: Iterable[str] = tuple(FAULTS)) -> None:
        self.rate, self.seed, self.kinds = rate, seed, tuple(kinds)
        self.injected: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()

    def __call__(self, path: str) -> Fault | None:
        turn = self._asked[path]
        self._asked[path] += 1
        digest = hashlib.sha256(f"{self.seed}|{path}|{turn}".encode()).digest()
        if int.from_bytes(digest[:4]) / 2**32 >= self.rate:
            return None
        fitting = [k for k in self.kinds if FAULTS[k].scope in ("any", _scope(path))]
        name = fitting[int.from_bytes(digest[4:8]) % len(fitting)]
        self.injected[name] += 1
        return FAULTS[name]
