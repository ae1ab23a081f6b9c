"""Request rate per host, and the circuit breaker after repeated refusals."""

import ipaddress
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from covidct.errors import UsageError
from covidct.net.clock import Clock, SystemClock

DEFAULT_RATE = 1.0
"""Default requests per second to a host."""

HOST_RATES: Mapping[str, float] = {
    "api.biorxiv.org": 1.0,
    "api.medrxiv.org": 1.0,
    "www.biorxiv.org": 0.2,
    "www.medrxiv.org": 0.2,
    "eutils.ncbi.nlm.nih.gov": 3.0,
    "pmc.ncbi.nlm.nih.gov": 3.0,
    "pmc-oa-opendata.s3.amazonaws.com": 10.0,
    "www.ebi.ac.uk": 5.0,
    "europepmc.org": 1.0,
    "medpix.nlm.nih.gov": 1.0,
}
"""Requests a second: documented limits (E-utilities 3/s), else what the services are known to bear."""


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine, where nobody needs sparing."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_rates(words: tuple[str, ...]) -> dict[str, float]:
    """``HOST=N`` (requests a second) from the command line; ``UsageError`` on anything else."""
    rates: dict[str, float] = {}
    for word in words:
        host, _, number = word.partition("=")
        try:
            rate = float(number)
        except ValueError:
            rate = 0.0
        if not host or not 0 < rate < 1e6:
            raise UsageError(f"--rate {word}: write HOST=N, N requests a second, for example www.medrxiv.org=0.2")
        rates[host.lower()] = rate
    return rates


@dataclass
class RateLimiter:
    """Spaces the requests to each host evenly, over all threads; ``rates`` beats the defaults, loopback is free."""

    rates: Mapping[str, float] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    _next: dict[str, float] = field(default_factory=dict)
    _floor: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def interval(self, host: str) -> float:
        """Seconds between two requests to ``host``."""
        if host in self.rates:
            return 1.0 / self.rates[host]
        if is_loopback(host):
            return 0.0
        return max(1.0 / HOST_RATES.get(host, DEFAULT_RATE), self._floor.get(host, 0.0))

    def slow_down(self, host: str, seconds: float) -> None:
        """The host asks for at least this spacing (``Crawl-delay``)."""
        self._floor[host] = max(seconds, self._floor.get(host, 0.0))

    def hold(self, host: str, seconds: float) -> None:
        """No request to ``host`` for the next ``seconds`` (``Retry-After``, a cool-down)."""
        with self._lock:
            self._next[host] = max(self._next.get(host, 0.0), self.clock.now() + seconds)

    def wait(self, host: str, on_wait: Callable[[float], object] = lambda _: None) -> float:
        """Take the next free slot of ``host`` and wait for it; ``on_wait`` gets the seconds, which are returned."""
        with self._lock:
            now = self.clock.now()
            slot = max(now, self._next.get(host, 0.0))
            self._next[host] = slot + self.interval(host)
        if slot > now:
            on_wait(slot - now)
            self.clock.sleep(slot - now)
        return slot - now


@dataclass
class Breaker:
    """Leaves a host alone for the rest of the run after ``limit`` refusals in a row."""

    limit: int = 5
    _refusals: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, host: str) -> bool:
        """Whether ``host`` has refused too often."""
        return self._refusals.get(host, 0) >= self.limit

    def refused(self, host: str) -> None:
        """Count one refusal."""
        with self._lock:
            self._refusals[host] = self._refusals.get(host, 0) + 1

    def served(self, host: str) -> None:
        """The host answered: start counting anew."""
        with self._lock:
            self._refusals[host] = 0
