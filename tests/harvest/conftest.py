"""Clients on clocks that do not wait, and engines that are started once."""

import contextlib
from collections.abc import Iterator

import pytest
from clocks import FakeClock
from faultserver import FaultServer

from covidct.harvest.engine import LocalEngine
from covidct.net.client import HttpClient, Settings
from covidct.net.wire import Limits


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> HttpClient:
    limits = Limits(bytes=2_000_000, seconds=1.5, connect=2.0, silence=1.0)
    return HttpClient(Settings(contact="a@example.org", limits=limits, seed=1), clock=clock)


@pytest.fixture(scope="session")
def _engine() -> Iterator[LocalEngine]:
    engine = LocalEngine(1)
    yield engine
    engine.close()


@pytest.fixture
def warm_engine(_engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> LocalEngine:
    """The real engine, its child process started once for all tests instead of once a command."""

    @contextlib.contextmanager
    def reuse(workers: int, scheduler: str = "", scratch: str = "") -> Iterator[LocalEngine]:
        yield _engine

    for module in ("engine", "disk"):
        monkeypatch.setattr(f"covidct.harvest.{module}.open_engine", reuse)
    return _engine


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(patience=2.5, bomb_mb=8) as running:
        yield running
