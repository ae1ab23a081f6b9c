"""The one way out to the network: polite, patient, bounded, resumable."""

import hashlib
import json
import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import requests

from covidct import __version__
from covidct.errors import UsageError
from covidct.files import safe_name, sha256_file, write_text
from covidct.net.answers import EDGE, Check, Head, check_nothing, judge, parse_json
from covidct.net.clock import Clock, SystemClock
from covidct.net.failures import RETRIED, UNREACHABLE, FetchError, Kind, Unreachable
from covidct.net.rates import Breaker, RateLimiter, is_loopback
from covidct.net.reach import CONNECT_SECONDS, PATIENCE, TRIES, cause_of, resolve
from covidct.net.robots import RobotRules, parse_robots
from covidct.net.waiting import Wait, Waiting
from covidct.net.wire import WIRE_ERRORS, Deadline, Limits, follow, host_of, pieces, watched_session

log = logging.getLogger(__name__)
T = TypeVar("T")

LONGEST_WAIT = 600.0
"""Seconds; a longer Retry-After is left to another run."""
BACK_OFF = 2.0
BACK_OFF_CAP = 90.0
LOOPBACK_PATIENCE = 0.005
"""Back-off on this machine, as a share of the usual: there is nobody to spare."""


@dataclass(frozen=True)
class Answer:
    """A whole body in memory."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Download:
    """A whole body on disk, checked."""

    path: Path
    url: str
    sha256: str
    size: int
    resumed: bool


@dataclass
class Settings:
    """How a client behaves; the defaults are right for public services."""

    contact: str = ""
    attempts: int = 5
    limits: Limits = field(default_factory=Limits)
    budget: float | None = None
    """Seconds for the whole run; None for no end."""
    breaker: int = 5
    seed: int | None = None

    def __post_init__(self) -> None:
        if not (self.contact.isascii() and self.contact.isprintable()):
            raise UsageError(f"--contact {self.contact[:80]!r}: give an e-mail address in plain letters")


class HttpClient:
    """GET requests for every source of one run; may be used by many threads."""

    def __init__(
        self,
        settings: Settings | None = None,
        rates: Mapping[str, float] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.clock = clock or SystemClock()
        self.limiter = RateLimiter(rates or {}, self.clock)
        self.breaker = Breaker(self.settings.breaker)
        self.counts: Counter[str] = Counter()
        self._random = random.Random(self.settings.seed)
        self._sessions = threading.local()
        self._lock = threading.Lock()
        self._started = self.clock.now()
        self._robots: dict[str, RobotRules] = {}
        self._robots_lock = threading.Lock()
        self.waiting = Waiting()
        self._answered: set[str] = set()
        self._first_try: dict[str, float] = {}
        self._lost: dict[str, str] = {}
        self._under_way: set[Deadline] = set()
        self._aborted = False

    @property
    def agent(self) -> str:
        """What this client calls itself: its name and whom to write to, nothing else's."""
        contact = f"; mailto:{self.settings.contact}" if self.settings.contact else ""
        return f"covidct/{__version__} (research harvester{contact})"

    def get(self, url: str, *, check: Check = check_nothing, limit: int = 50_000_000) -> Answer:
        """The whole body at ``url``, at most ``limit`` bytes, checked; ``FetchError`` when it cannot be had."""

        def once() -> Answer:
            parts: list[bytes] = []
            headers = self._transfer(url, {"Accept-Encoding": "gzip"}, limit, lambda _: parts.append)
            body = b"".join(parts)
            check(body[:EDGE], body[-EDGE:])
            return Answer(url, body, headers)

        return self._patiently(url, once)

    def get_json(self, url: str, check: Callable[[object], None] | None = None) -> object:
        """The JSON value at ``url``; anything else (an error text, HTML, nothing) is requested again, then refused."""

        def once() -> object:
            parts: list[bytes] = []
            self._transfer(url, {"Accept-Encoding": "gzip"}, 50_000_000, lambda _: parts.append)
            value = parse_json(b"".join(parts), url)
            if check:
                check(value)
            return value

        return self._patiently(url, once)

    def download(
        self,
        url: str,
        folder: Path,
        *,
        check: Check = check_nothing,
        md5: str = "",
        friends: frozenset[str] = frozenset(),
        received: Callable[[int], object] = bool,
    ) -> Download:
        """Fetch ``url`` into ``folder``, going on where an earlier attempt (or process) stopped if the server allows.

        The caller moves the file away. A body that fails its check twice with the same bytes is what the server has:
        there is no third try. ``received`` gets the number of bytes of each piece.
        """
        part = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:20]}-{safe_name(url)[-40:]}.part"
        folder.mkdir(parents=True, exist_ok=True)
        seen: set[str] = set()

        def once() -> Download:
            resumed = self._fill(url, part, friends, received)
            try:
                return _finish(url, part, check, md5, resumed)
            except FetchError as error:
                again = error.kind is Kind.BROKEN and sha256_file(part) in seen
                seen.add(sha256_file(part))
                _forget_part(part)
                if again:
                    kind = Kind.REFUSED if error.rule == "html-for-pdf" else Kind.UNUSABLE
                    raise FetchError(kind, f"{error.reason}, twice the same", url, rule=error.rule) from error
                raise

        return self._patiently(url, once)

    def abort(self) -> None:
        """End everything that is under way in other threads: sockets are cut, nobody sleeps, no request is repeated."""
        self._aborted = True
        if isinstance(self.clock, SystemClock):
            self.clock.stopped.set()
        with self._lock:
            for deadline in self._under_way:
                deadline.cut()

    def allowed(self, url: str) -> bool:
        """Whether the host's robots.txt lets this client have ``url``; a ``Crawl-delay`` there slows the client."""
        origin = "/".join(url.split("/", 3)[:3])
        with self._robots_lock:
            if origin not in self._robots:
                self._robots[origin] = self._read_robots(origin)
            return self._robots[origin].allow(url)

    def _read_robots(self, origin: str) -> RobotRules:
        try:
            text = self.get(f"{origin}/robots.txt", limit=500_000).body.decode("utf-8", "replace")
        except Unreachable:
            raise
        except FetchError as error:
            # RFC 9309, 2.3.1: unavailable (4xx) means no rules, unreachable means leave it alone.
            free = error.kind in (Kind.NOT_FOUND, Kind.REFUSED) or is_loopback(host_of(origin))
            return RobotRules.none() if free else RobotRules.all()
        rules = parse_robots(text)
        if rules.delay:
            self.limiter.slow_down(host_of(origin), rules.delay)
        return rules

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = watched_session()
        return session

    def _count(self, name: str) -> None:
        with self._lock:
            self.counts[name] += 1

    def _patiently(self, url: str, once: Callable[[], T]) -> T:
        host = host_of(url)
        with self.waiting.on(host) as wait:
            for wait.attempt in range(1, self.settings.attempts + 1):
                self._gate(host, url, wait)
                wait.now("its answer", min(self.settings.limits.seconds, self.left()))
                try:
                    result = once()
                except FetchError as error:
                    self._count(error.rule or error.kind.value)
                    self._give_up_unreachable(host, error, wait.attempt)
                    if not self._try_again(host, error, wait):
                        raise
                    continue
                self.breaker.served(host)
                self._count("served")
                return result
        raise AssertionError("unreachable: the last attempt raises")

    def _gate(self, host: str, url: str, wait: Wait) -> None:
        if self._aborted:
            raise FetchError(Kind.POLICY, "interrupted", url, rule="interrupted")
        if host in self._lost:
            raise Unreachable(host, self._lost[host], url)
        if self.breaker.open(host):
            raise FetchError(Kind.POLICY, f"{host} refused too often: left alone for this run", url, rule="breaker")
        if self.left() <= 0:
            raise FetchError(Kind.TEMPORARY, "time budget used up", url, rule="budget")
        self.limiter.wait(host, lambda seconds: wait.now("the rate limit", seconds))
        self._first_try.setdefault(host, self.clock.now())

    def _give_up_unreachable(self, host: str, error: FetchError, attempt: int) -> None:
        """A host that never answered is tried for some seconds and then left, for all requests of this run."""
        if error.rule != UNREACHABLE or host in self._answered:
            return
        for_good = is_loopback(host) or "certificate" in error.reason or attempt >= TRIES
        if for_good or self.clock.now() - self._first_try[host] > PATIENCE:
            self._lost[host] = error.reason
            raise Unreachable(host, error.reason, error.url) from error

    def left(self) -> float:
        """Seconds left of the time budget."""
        if self.settings.budget is None:
            return float("inf")
        return float(self.settings.budget - (self.clock.now() - self._started))

    def _try_again(self, host: str, error: FetchError, at: Wait) -> bool:
        """Whether to ask again; if so the wait is done here. A refusal counts towards the breaker."""
        cooled = error.kind is Kind.REFUSED and bool(error.wait or error.cool_down)
        if error.kind is Kind.REFUSED:
            self.breaker.refused(host)
        wait = self._wait(host, error, at.attempt)
        if self._aborted or at.attempt >= self.settings.attempts or (cooled and at.attempt > 1):
            return False
        if not cooled and error.kind not in RETRIED:
            return False
        if wait > LONGEST_WAIT or wait > self.left():
            return False
        log.info("%s: %s; again in %.1f s", host, error.reason, wait)
        at.now(f"{error.reason}; retrying", wait)
        self.limiter.hold(host, wait) if (error.wait or cooled) else self.clock.sleep(wait)
        return True

    def _wait(self, host: str, error: FetchError, attempt: int) -> float:
        patience = LOOPBACK_PATIENCE if is_loopback(host) else 1.0
        usual = max(error.cool_down, min(BACK_OFF * 2.0 ** (attempt - 1), BACK_OFF_CAP))
        jittered = usual * (0.5 + self._random.random() / 2) if not error.cool_down else usual
        return max(error.wait or 0.0, jittered * patience)

    def _transfer(
        self,
        url: str,
        headers: dict[str, str],
        limit: int,
        open_sink: Callable[[requests.Response], Callable[[bytes], object]],
        friends: frozenset[str] = frozenset(),
    ) -> Mapping[str, str]:
        """One request; the body goes to the sink that ``open_sink(response)`` gives. Raises ``FetchError`` only."""
        limits, host = self.settings.limits, host_of(url)
        if host not in self._answered:
            limits = replace(limits, connect=min(limits.connect, CONNECT_SECONDS))
            resolve(url)
        with self._watched(min(limits.seconds, max(self.left(), 1.0))) as deadline:
            try:
                with follow(self._session(), url, {"User-Agent": self.agent, **headers}, limits, friends) as response:
                    self._answered.add(host)
                    got = _read(response, url, min(limit, limits.bytes), open_sink)
            except WIRE_ERRORS as error:
                raise _translate(error, deadline, url) from error
            if deadline.expired:  # a body without a length that was cut by us looks whole
                raise _too_slow(url)
            return got

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[Deadline]:
        """A deadline that :meth:`abort` knows."""
        with Deadline(seconds) as deadline:
            with self._lock:
                self._under_way.add(deadline)
            try:
                yield deadline
            finally:
                with self._lock:
                    self._under_way.discard(deadline)

    def _fill(self, url: str, part: Path, friends: frozenset[str], received: Callable[[int], object]) -> bool:
        """Bring ``part`` up to the whole body; true when an earlier piece was kept."""
        have = _resumable(url, part)
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have[0]}-", "If-Range": have[1]}
        state = {"resumed": False}

        def open_sink(response: requests.Response) -> Callable[[bytes], object]:
            state["resumed"] = bool(have) and _continues(response, have[0] if have else 0)
            if not state["resumed"]:
                part.unlink(missing_ok=True)
            _note_part(part, url, response)
            part.touch()

            def sink(piece: bytes) -> object:
                with part.open("ab") as handle:
                    handle.write(piece)
                    if handle.tell() > self.settings.limits.bytes:  # pieces of several tries add up
                        raise FetchError(Kind.LIMIT, "body over the size limit", url, rule="too-large")
                return received(len(piece))

            return sink

        try:
            self._transfer(url, headers, self.settings.limits.bytes, open_sink, friends)
        except FetchError as error:
            if error.rule == "range-refused" or error.kind is Kind.LIMIT:
                _forget_part(part)
            raise
        return state["resumed"]


def _too_slow(url: str) -> FetchError:
    return FetchError(Kind.LIMIT, "over the time limit for one request", url, rule="too-slow")


def _translate(error: Exception, deadline: Deadline, url: str) -> FetchError:
    if isinstance(error, FetchError):
        return error
    if deadline.expired:
        return _too_slow(url)
    if cause := cause_of(error, url):
        return FetchError(Kind.TEMPORARY, cause, url, rule=UNREACHABLE)
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return FetchError(Kind.TEMPORARY, "time-out", url, rule="time-out")
    return FetchError(Kind.TEMPORARY, f"connection broken ({type(error).__name__})", url, rule="connection")


def _read(
    response: requests.Response,
    url: str,
    limit: int,
    open_sink: Callable[[requests.Response], Callable[[bytes], object]],
) -> Mapping[str, str]:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status_code == 416:
        raise FetchError(Kind.TEMPORARY, "the range is gone: from the start", url, rule="range-refused")
    body = pieces(response, url, limit)
    start = next(body, b"")
    failure = judge(Head(response.status_code, headers, start[:EDGE]), url)
    if failure:
        raise failure
    sink = open_sink(response)
    sink(start)
    for piece in body:
        sink(piece)
    return headers


def _continues(response: requests.Response, start: int) -> bool:
    content_range = response.headers.get("Content-Range", "")
    return response.status_code == 206 and content_range.replace(" ", "").lower().startswith(f"bytes{start}-")


def _note(part: Path) -> Path:
    return part.with_suffix(".json")


def _note_part(part: Path, url: str, response: requests.Response) -> None:
    etag = response.headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
    write_text(_note(part), json.dumps({"url": url, "validator": validator}))


def _resumable(url: str, part: Path) -> tuple[int, str] | None:
    """Bytes already there and the validator they belong to; None where a fresh start is due."""
    if not part.exists() or not part.stat().st_size or not _note(part).exists():
        return None
    try:
        note = json.loads(_note(part).read_text())
    except ValueError:
        return None
    if note.get("url") != url or not note.get("validator"):
        return None
    return part.stat().st_size, str(note["validator"])


def _forget_part(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _finish(url: str, part: Path, check: Check, md5: str, resumed: bool) -> Download:
    size = part.stat().st_size
    with part.open("rb") as handle:
        start = handle.read(EDGE)
        handle.seek(max(0, size - EDGE))
        check(start, handle.read())
        if md5:
            handle.seek(0)
            found = hashlib.file_digest(handle, "md5").hexdigest()
            if found != md5:
                raise FetchError(Kind.BROKEN, f"md5 is {found}, not {md5} as announced", url, rule="md5")
    _note(part).unlink(missing_ok=True)
    return Download(part, url, sha256_file(part), size, resumed)
