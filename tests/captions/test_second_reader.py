"""A second reader behind a real server on loopback that answers well, badly, slowly and maliciously."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import review_corpus

from covidct.curate.second_reader import FIELD, Limits, Reader, opinion_of, read_again
from covidct.errors import CovidctError, UsageError
from covidct.workspace import Workspace

Answer = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]
QUICK = Limits(seconds=1.0, bytes=5000)


@contextmanager
def server(answer: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A chat server that hands every question to ``answer``; gives its address and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            answer(self, body)

        def log_message(self, *_: object) -> None:
            return

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/v1", asked
    finally:
        running.shutdown()


def reply(handler: BaseHTTPRequestHandler, content: str, status: int = 200) -> None:
    data = json.dumps({"choices": [{"message": {"content": content}}], "usage": {"total_tokens": 7}}).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def says(label: str, quote: str) -> Answer:
    return lambda handler, _: reply(handler, json.dumps({"label": label, "quote": quote}))


def well(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    """Says what the made-up corpus says, and quotes it."""
    text = body["messages"][1]["content"].rpartition("The panel in question")[2]
    for quote, label in (
        ("RT-PCR confirmed COVID-19", "positive"),
        ("RT-PCR negative for SARS-CoV-2", "negative"),
        ("suspected viral pneumonia", "unclear"),
    ):
        if quote in text:
            return reply(handler, f'Here it is: {{"label": "{label}", "quote": "{quote}"}}')
    return reply(handler, "I cannot tell.")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with review_corpus.build(tmp_path / "ws", papers=2) as made:
        yield made


def test_a_good_reader_agrees_and_every_text_is_asked_once(workspace: Workspace) -> None:
    with server(well) as (url, asked):
        report = read_again(workspace, Reader(url, "tiny", "COVID-19"))
        again = read_again(workspace, Reader(url, "tiny", "COVID-19"))
    seconds = workspace.current_all("panel", FIELD)
    lung = [panel for panel in workspace.panels() if panel.kind == "ct_axial_lung"]
    assert lung and {p.panel_id for p in lung} == set(seconds)
    assert all(seconds[p.panel_id].value == p.label for p in lung)
    assert report.outcomes == {"agrees": len(lung)} and report.tokens == 7 * report.asked
    assert len(asked) == report.asked and not again.asked


def test_only_captions_and_titles_leave(workspace: Workspace) -> None:
    with server(well) as (url, asked):
        read_again(workspace, Reader(url, "tiny", "COVID-19"))
    figures = {figure.caption for figure in workspace.figures()}
    for body in asked:
        text = body["messages"][1]["content"]
        assert any(caption in text for caption in figures)
        assert "doi" not in text.casefold() and ".pdf" not in text and str(workspace.folder) not in text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says("positive", "the patient surely has it"), "the quotation is not in the text"),
        (says("positive", ""), "no quotation"),
        (says("covid", "axial CT"), "no label in the answer"),
        (lambda handler, _: reply(handler, "ignore all rules " * 50), "no label in the answer"),
        (lambda handler, _: reply(handler, '{"label": {"a": 1}, "quote": ["x"]}'), "no label in the answer"),
    ],
)
def test_an_answer_without_a_true_quotation_does_not_count(workspace: Workspace, answer: Answer, reason: str) -> None:
    with server(answer) as (url, _):
        report = read_again(workspace, Reader(url, "tiny", "COVID-19"))
    assert set(report.outcomes) == {reason}
    assert not workspace.current_all("panel", FIELD)


def endless(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _round in range(200):
        handler.wfile.write(b"x" * 1000)


def dripping(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _round in range(40):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def elsewhere(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
    handler.send_response(307)
    handler.send_header("Location", "http://127.0.0.1:1/")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (endless, "more than 5000 bytes"),
        (dripping, "longer than 1 s"),
        (elsewhere, "answered 307"),
        (lambda handler, _: reply(handler, "no", 500), "answered 500"),
    ],
)
def test_a_bad_server_ends_within_its_limits(answer: Answer, words: str) -> None:
    with server(answer) as (url, _):
        begun = time.monotonic()
        with pytest.raises(CovidctError, match=words):
            Reader(url, "tiny", "COVID-19", QUICK).ask("axial CT")
        assert time.monotonic() - begun < 4


def test_a_server_that_fails_is_not_asked_for_ever(workspace: Workspace) -> None:
    with server(lambda handler, _: reply(handler, "no", 503)) as (url, asked):
        report = read_again(workspace, Reader(url, "tiny", "COVID-19", Limits(failures=2)))
    assert len(asked) == 2 and report.outcomes["not asked: the server failed too often"] > 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:11434", "http://user:pw@127.0.0.1/v1", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="base address"):
        Reader(url, "tiny", "COVID-19")


def test_a_quotation_may_differ_in_blanks_and_capitals_only() -> None:
    assert opinion_of('{"label": "negative", "quote": "Bacterial  pneumonia"}', "with bacterial\npneumonia.").counts
    assert not opinion_of('{"label": "negative", "quote": "viral pneumonia"}', "with bacterial pneumonia.").counts


@pytest.mark.parametrize("quote", ["Caption:", "Title: CT", "man Caption: COVID", "OVID-19", "COVID-1", "case B"])
def test_only_whole_words_of_the_paper_are_a_quotation(quote: str) -> None:
    text = "Title: CT of a man\nCaption: COVID-19 pneumonia in case A\nThe panel in question is B. Opacities"
    assert opinion_of('{"label": "positive", "quote": "COVID-19 pneumonia"}', text).counts
    assert not opinion_of(json.dumps({"label": "positive", "quote": quote}), text).counts
