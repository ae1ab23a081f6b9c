"""Starting and ending the server: its address, its token, what a killed one leaves."""

import json
import signal
import socket
import stat
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from serving import Spawned

from covidct.cli import run
from covidct.curate.review.server import SESSION, check_host, keep, open_session
from covidct.errors import UsageError


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_first_line_is_the_address_and_a_good_end_leaves_nothing(
    folder: Path, spawn: Callable[..., Spawned], how: int, capfd: pytest.CaptureFixture[str]
) -> None:
    started = spawn(folder, "--port", "0")
    with urllib.request.urlopen(started.url, timeout=20) as answer:
        assert answer.status == 200
    assert started.url.startswith("http://127.0.0.1:") and len(started.url.split("token=")[1]) >= 32
    note = folder / SESSION
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert json.loads(note.read_text())["token"] in started.url
    assert started.stop(how) == 0
    assert not note.exists()
    assert capfd.readouterr().err == "covidct: the review page is closed\n"


def test_two_servers_on_one_workspace_do_not_share_a_token(folder: Path) -> None:
    first = open_session(folder, "127.0.0.1", 0)
    keep(folder, first)
    second = open_session(folder, "127.0.0.1", 0)
    forget = keep(folder, second)
    assert first.port != second.port and first.token != second.token
    forget()
    assert json.loads((folder / SESSION).read_text())["token"] == first.token
    first.listener.close()
    second.listener.close()


def test_killed_servers_address_is_taken_up_again(folder: Path) -> None:
    first = open_session(folder, "127.0.0.1", 0)
    keep(folder, first)
    first.listener.close()
    second = open_session(folder, "127.0.0.1", None)
    assert second.url == first.url
    second.listener.close()
    other = open_session(folder, "127.0.0.1", _free_port())
    assert other.token != first.token
    other.listener.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"host": 1, "port": "x", "token": 3}'])
def test_broken_note_is_ignored(folder: Path, note: str) -> None:
    (folder / SESSION).write_text(note)
    session = open_session(folder, "127.0.0.1", 0)
    assert session.port
    session.listener.close()


def test_taken_port_is_a_usage_error(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="--port 0"):
            open_session(folder, "127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", "::"])
def test_beyond_loopback_needs_consent(host: str, folder: Path) -> None:
    with pytest.raises(UsageError, match="--i-understand"):
        check_host(host, False)
    check_host(host, True)
    assert run(["curate", "review", "-w", str(folder), "--host", host, "--no-browser"]) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    check_host(host, False)


def test_wrong_calls(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["curate", "review", "-w", str(tmp_path / "none"), "--no-browser"]) == 2
    assert run(["curate", "review", "-w", str(folder), "--curator", "rule:x", "--no-browser"]) == 2
    assert "curator's name" in capsys.readouterr().err


def test_browser_is_opened_through_a_private_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from covidct.curate.review import server

    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    session = open_session(folder, "127.0.0.1", 0)
    server.open_browser(folder, session)
    page = folder / server.OPENER
    assert opened == [page.resolve().as_uri()] and session.token not in opened[0]
    assert session.token in page.read_text() and stat.S_IMODE(page.stat().st_mode) == 0o600
    session.listener.close()
