"""The review page's short cuts into the workspace: keyed words, the impatient lock, the flush."""

import threading
import time
from pathlib import Path

import pytest

from covidct.errors import CovidctError
from covidct.records import Decision
from covidct.workspace import lock, queues
from covidct.workspace.workspace import Workspace


def word(value: str) -> Decision:
    return Decision("panel", "p", "label", value, "curator:dana")


def test_said_under_a_key_once(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        first = queues.record(ws, "key-1", [word("positive"), word("negative")])
        assert queues.record(ws, "key-1", [word("unclear"), word("unclear")]) == first
        assert [d.value for d in queues.recorded(ws, "key-1")] == ["positive", "negative"]
        assert queues.recorded(ws, "key-") == [] == queues.recorded(ws, "key-11")
        queues.flush(ws)


def test_word_waits_for_a_writer_and_no_longer(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as ws:
        held, free = threading.Event(), threading.Event()

        def hold() -> None:
            with ws.transaction():
                held.set()
                free.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(10)
        threading.Timer(0.2, free.set).start()
        started = time.monotonic()
        queues.record(ws, "key-1", [word("positive")])
        assert time.monotonic() - started >= 0.15
        holder.join()
        assert len(queues.recorded(ws, "key-1")) == 1


def test_word_gives_up_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BUSY_SECONDS", 0.05)
    with Workspace.create(tmp_path / "ws") as ws, Workspace.open(tmp_path / "ws") as other:
        other.connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(lock.Busy, match="locked"):
            queues.record(ws, "key-1", [word("positive")])
        other.connection.execute("ROLLBACK")
        assert queues.record(ws, "key-1", [word("positive")])


def test_nothing_of_a_failed_action_is_kept(tmp_path: Path) -> None:
    wrong = Decision("panel", "p", "label", None, "curator:dana", undoes=4711)
    with Workspace.create(tmp_path / "ws") as ws:
        with pytest.raises(CovidctError, match="undo refused"):
            queues.record(ws, "key-1", [word("positive"), wrong])
        assert not ws.decisions()


def test_long_lists_of_decisions_let_go_of_the_lock(tmp_path: Path) -> None:
    """Another thread gets its word in before a list of 3,000 is through."""
    with Workspace.create(tmp_path / "ws") as ws:
        rules = [Decision("panel", f"p{n}", "label", "unclear", "rule:x@1") for n in range(3000)]
        writer = threading.Thread(target=ws.decide, args=(rules,))
        writer.start()
        while not ws.decisions(by="rule:"):
            time.sleep(0.001)
        (mine,) = queues.record(ws, "key-1", [word("positive")])
        writer.join()
        assert mine < 3000 and len(ws.decisions()) == 3001
