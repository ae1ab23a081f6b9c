"""Offline, behind a proxy, interrupted, killed: it ends soon, says why, and leaves nothing behind."""

import contextlib
import functools
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pymupdf
import pytest
from clocks import FakeClock
from faultserver import FaultServer
from faultserver.corpus import make_corpus
from faultserver.preprints import PreprintService
from faultserver.server import Handler, Reply
from until import until

from covidct.cli import run
from covidct.net import waiting
from covidct.net.client import HttpClient, Settings
from covidct.net.failures import FetchError, Unreachable
from covidct.net.waiting import Waiting
from covidct.net.wire import Limits

REPO = Path(__file__).resolve().parents[2]
WINDOW = ["--since", "2020-01-19", "--until", "2020-12-31"]


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def listening(tls: Path | None = None) -> Iterator[str]:
    """A port that takes connections and says nothing, or speaks TLS with a certificate that nobody knows."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept()[0])
                    if tls is not None:
                        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                        context.load_cert_chain(tls)
                        context.wrap_socket(kept[-1], server_side=True)

        threading.Thread(target=serve, daemon=True).start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=made-up"]
    done = subprocess.run(["openssl", *words, "-keyout", path, "-out", f"{path}.crt"], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no openssl here")
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def harvest(api: str, workspace: Path) -> int:
    return run(["harvest", *WINDOW, "--api-url", api, "--site-url", api, "-w", str(workspace)])


def test_a_name_that_nobody_knows_ends_the_listing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    assert harvest("http://no-such-host.invalid", tmp_path / "ws") == 1
    assert time.monotonic() - began < 20, "24 windows, and none of them is tried in full"
    error = capsys.readouterr().err
    assert error.startswith("covidct: no-such-host.invalid cannot be reached: ") and error.count("\n") == 1
    assert "HTTPS_PROXY" in error and "--api-url" in error and "--from" in error


def test_refused_and_untrusted(tmp_path: Path, capsys: pytest.CaptureFixture[str], certificate: Path) -> None:
    assert harvest(f"http://127.0.0.1:{closed_port()}", tmp_path / "ws") == 1
    assert "127.0.0.1 cannot be reached: Connection refused. Check" in capsys.readouterr().err
    with listening(tls=certificate) as url:
        assert harvest(url, tmp_path / "ws") == 1
    assert "its certificate is not trusted" in capsys.readouterr().err


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    client = HttpClient(Settings(seed=1), clock=clock)
    with pytest.raises(Unreachable, match=r"example\.org cannot be reached: the proxy 127\.0\.0\.1 .*refused"):
        client.get_json("http://example.org/x")
    slept = sum(clock.slept)
    with pytest.raises(Unreachable):
        client.get_json("http://example.org/y")
    assert slept < 20 and client.counts["unreachable"] == 3, "the second request is not even tried"


def test_a_host_that_has_answered_is_asked_again(server: FaultServer, clock: FakeClock) -> None:
    client = HttpClient(Settings(seed=1), clock=clock)
    with pytest.raises(FetchError):
        client.get(f"{server.url}/nothing")
    client._answered.add("127.0.0.1")
    with pytest.raises(FetchError) as caught:
        client.get(f"http://127.0.0.1:{closed_port()}/x")
    assert not isinstance(caught.value, Unreachable) and client.counts["unreachable"] == 5


def test_robots_of_an_unreachable_host_forbid_nothing(clock: FakeClock) -> None:
    with pytest.raises(Unreachable):
        HttpClient(Settings(), clock=clock).allowed(f"http://127.0.0.1:{closed_port()}/x")


def test_waiting_is_a_line_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    waits, began = Waiting(period=0.2, tick=0.05), time.monotonic()
    said: list[str] = []
    with waits.on("www.example.org") as wait:
        wait.attempt = 2
        wait.now("its answer", 30)
        until(lambda: said.append(capsys.readouterr().err) or "".join(said).count("\n") >= 2)
    lines = "".join([*said, capsys.readouterr().err]).splitlines()
    assert 2 <= len(lines) <= (time.monotonic() - began) / 0.2 + 1
    assert lines[0].startswith("covidct: waiting for www.example.org: its answer, attempt 2, ")
    assert lines[0].endswith(" s left")


def test_waiting_stands_in_the_bar_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(waiting, "beside_bar", lambda words: shown.append(words) or True)
    with Waiting(tick=0.05).on("www.example.org") as wait:
        wait.now("503; asked again", 9)
        until(lambda: shown)
    assert shown[-1] == "www.example.org: 503; asked again, attempt 1, 9 s left"


def test_a_stalled_request_is_seen_on_standard_error(monkeypatch: pytest.MonkeyPatch, capfd: object) -> None:
    client = HttpClient(Settings(limits=Limits(seconds=1.0, silence=1.0), attempts=1))
    client.waiting = Waiting(period=0.3, tick=0.05)
    with listening() as url, pytest.raises(FetchError):
        client.get(f"{url}/x")
    said = capfd.readouterr().err  # type: ignore[attr-defined]
    assert "covidct: waiting for 127.0.0.1: its answer, attempt 1" in said


def test_abort_cuts_what_other_threads_wait_for() -> None:
    client = HttpClient(Settings(limits=Limits(silence=60.0)))
    failed: list[str] = []

    def get(url: str) -> None:
        try:
            client.get(url)
        except FetchError as error:
            failed.append(error.reason)

    with listening() as url:
        threads = [threading.Thread(target=get, args=(f"{url}/{n}",)) for n in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        client.abort()
        for thread in threads:
            thread.join(20)
    assert len(failed) == 2 and time.monotonic() - began < 20, "they would have waited for 60 s"


def start(server: FaultServer, workspace: Path) -> "subprocess.Popen[bytes]":
    where = ["--api-url", server.url, "--site-url", server.url, "-w", str(workspace)]
    window = ["--since", "2020-01-19", "--until", "2020-03-25", "--server", "medrxiv", "--workers", "1"]
    environment = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "covidct", "harvest", *window, *where]
    # a shell's background job ignores Ctrl-C, and its children do: here it counts
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdout=nowhere, stderr=pipe, preexec_fn=heard)


class Stall:
    """Begins to answer and stands still."""

    name = "stall"

    @staticmethod
    def send(handler: Handler, reply: Reply) -> None:
        handler.send_start(200, {**reply.headers, "Content-Length": str(len(reply.body))})
        handler.wfile.write(reply.body[:100])
        handler.wfile.flush()
        time.sleep(60)


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


@pytest.mark.parametrize("twice", [False, True])
def test_ctrl_c_with_stalled_downloads(twice: bool, server: FaultServer, tmp_path: Path) -> None:
    server.services.append(PreprintService(make_corpus(6, seed=3), server.url))
    server.set_plan(lambda path: Stall() if path.endswith(".pdf") else None)  # type: ignore[arg-type,return-value]
    process = start(server, tmp_path / "ws")
    until(lambda: server.asked(r"full\.pdf$") >= 2)
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    if twice:
        time.sleep(0.05)  # two signals at once are one
        process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert time.monotonic() - began < 20, "the downloads stand still for 60 s"
    said = process.communicate()[1].decode()
    assert twice or said.splitlines()[-1] == "covidct: interrupted; run the same command again to go on"
    assert "Traceback" not in said


def test_a_killed_parent_leaves_no_reading_child(tmp_path: Path) -> None:
    document = pymupdf.open()
    for _ in range(600):
        page = document.new_page()
        page.insert_textbox(pymupdf.Rect(50, 50, 550, 800), "As Figure 1 shows, this text is long. " * 120, fontsize=8)
    document.save(tmp_path / "long.pdf")
    command = [sys.executable, "-m", "covidct", "harvest", "--from", "long.pdf", "-w", "ws", "--workers", "1"]
    environment = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    until(lambda: children(process.pid))
    time.sleep(1.5)
    reading = children(process.pid)
    assert reading and process.poll() is None
    process.kill()
    process.wait()
    until(lambda: not any(map(alive, reading)), seconds=20)
