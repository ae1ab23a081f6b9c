"""The fault server itself: each fault does what its name says, plans are repeatable, ranges work."""

import gzip
import json
import socket
import time
from pathlib import Path

import pytest
import requests
from faultserver import FAULTS, FaultServer, RandomPlan, ScriptedPlan, make_corpus
from faultserver.corpus import make_pdf
from faultserver.faults import SLOW
from faultserver.preprints import PreprintService
from faultserver.server import static

PDF = make_pdf("10.1101/2020.02.02.20000001", 1)


@pytest.fixture
def faulty(server: FaultServer) -> FaultServer:
    server.services.append(static({"/a.pdf": (PDF, "application/pdf"), "/b.json": (b'{"a": 1}', "application/json")}))
    return server


def raw(server: FaultServer, path: str) -> bytes:
    """Every byte that the server sends until it closes, read from the bare socket."""
    host, port = server.url.removeprefix("http://").split(":")
    got = b""
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        try:
            while piece := sock.recv(1 << 16):
                got += piece
        except ConnectionResetError:
            return got + b"<reset>"
    return got


def ask(server: FaultServer, fault: str, path: str = "/a.pdf") -> bytes:
    server.set_plan(ScriptedPlan({".": [fault]}))
    return raw(server, path)


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def test_without_a_fault_the_body_is_whole(faulty: FaultServer) -> None:
    assert body(raw(faulty, "/a.pdf")) == PDF
    assert b"404" in raw(faulty, "/nothing").split(b"\r\n")[0]


STATUS = {"429": 429, "429-retry-after": 429, "500": 500, "502": 502, "503": 503, "challenge-403": 403, "1015": 429}


@pytest.mark.parametrize("fault", STATUS)
def test_faults_of_status(faulty: FaultServer, fault: str) -> None:
    answer = ask(faulty, fault)
    assert int(answer.split()[1]) == STATUS[fault]
    assert (b"Retry-After" in answer) == (fault in ("429-retry-after", "503"))
    assert (b"Just a moment" in answer) == (fault == "challenge-403")
    assert (b"error code: 1015" in answer) == (fault == "1015")


def test_faults_of_the_body(faulty: FaultServer) -> None:
    assert ask(faulty, "reset").endswith(b"<reset>") or len(body(ask(faulty, "reset"))) < len(PDF)
    cut = ask(faulty, "truncated")
    assert f"Content-Length: {len(PDF)}".encode() in cut and len(body(cut)) < len(PDF)
    cut = ask(faulty, "truncated-no-length")
    assert b"Content-Length" not in cut and 0 < len(body(cut)) < len(PDF)
    assert b"klingon" in ask(faulty, "wrong-type") and body(ask(faulty, "wrong-type")) == PDF
    for fault in ("challenge-200", "html-as-pdf"):
        assert ask(faulty, fault).split()[1] == b"200" and b"<html>" in ask(faulty, fault)
    bomb = body(ask(faulty, "gzip-bomb"))
    assert len(bomb) < 100_000 and len(gzip.decompress(bomb)) == 8 << 20
    assert len(body(ask(faulty, "endless"))) > 1 << 20


def test_faults_of_json(faulty: FaultServer) -> None:
    for fault in ("invalid-json", "invalid-utf8", "html-as-json", "error-text", "empty-body"):
        with pytest.raises(ValueError):
            json.loads(body(ask(faulty, fault, "/b.json")))
    assert body(ask(faulty, "error-text", "/b.json")).startswith(b"Error : (2002)")
    with pytest.raises(UnicodeDecodeError):
        body(ask(faulty, "invalid-utf8", "/b.json")).decode()


def test_slow_faults_trickle(faulty: FaultServer) -> None:
    begun = time.monotonic()
    assert len(body(ask(faulty, "slow-body"))) < len(PDF)
    assert b"\r\n\r\n" not in ask(faulty, "slow-head")
    assert time.monotonic() - begun > 4


def test_redirects(faulty: FaultServer) -> None:
    faulty.set_plan(ScriptedPlan({".": ["redirect-loop"] * 99}))
    with pytest.raises(requests.TooManyRedirects):
        requests.get(f"{faulty.url}/a.pdf", timeout=5)
    assert b"127.0.0.2" in ask(faulty, "redirect-away")


def test_faults_of_pages(server: FaultServer) -> None:
    server.services.append(PreprintService(make_corpus(60, revised=0), server.url))
    path = "/details/medrxiv/2020-01-19/2020-03-25/0"
    sound = json.loads(body(raw(server, path)))
    dois = [row["doi"] for row in sound["collection"]]
    assert len(dois) == 30 and sound["messages"][0]["total"] == "60"
    again = json.loads(body(ask(server, "reordered-rows", path)))
    assert [r["doi"] for r in again["collection"]] != dois and {r["doi"] for r in again["collection"]} == set(dois)
    again = json.loads(body(ask(server, "duplicated-rows", path)))
    assert len({r["doi"] for r in again["collection"]}) == 15 and len(again["collection"]) == 30
    assert json.loads(body(ask(server, "shrinking-total", path)))["messages"][0]["total"] == "40"
    assert json.loads(body(ask(server, "vanishing-page", path)))["collection"] == []


def test_every_fault_is_exercised_here_or_slow() -> None:
    source = Path(__file__).read_text()
    assert [name for name in FAULTS if f'"{name}"' not in source and name not in SLOW] == []


def test_ranges(faulty: FaultServer) -> None:
    whole = requests.get(f"{faulty.url}/a.pdf", timeout=5)
    headers = {"Range": "bytes=100-", "If-Range": whole.headers["ETag"]}
    part = requests.get(f"{faulty.url}/a.pdf", headers=headers, timeout=5)
    assert part.status_code == 206 and part.content == PDF[100:]
    other = requests.get(f"{faulty.url}/a.pdf", headers={"Range": "bytes=100-", "If-Range": '"x"'}, timeout=5)
    assert other.status_code == 200 and other.content == PDF
    beyond = requests.get(f"{faulty.url}/a.pdf", headers={"Range": f"bytes={len(PDF)}-"}, timeout=5)
    assert beyond.status_code == 416


def test_random_plans_repeat_themselves_whatever_the_order() -> None:
    paths = [f"/content/{n}.pdf" for n in range(400)] + [f"/details/{n}" for n in range(400)]
    first, second = RandomPlan(0.3, seed=1), RandomPlan(0.3, seed=1)
    a = {path: getattr(first(path), "name", "") for path in paths}
    b = {path: getattr(second(path), "name", "") for path in reversed(paths)}
    assert a == b and 0.2 < sum(map(bool, a.values())) / len(a) < 0.4
    assert {name for path, name in a.items() if "details" in path} >= {"vanishing-page", "invalid-json", "500"}
    assert not {name for path, name in a.items() if "content" in path} & {"vanishing-page", "invalid-json"}


def test_the_corpus_is_the_same_each_time() -> None:
    assert make_corpus(50, seed=2).records == make_corpus(50, seed=2).records
    make_pdf.cache_clear()
    assert make_pdf("10.1101/2020.02.02.20000001", 1) == PDF
    assert any(doi.startswith("10.64898/") for doi in make_corpus(60).papers())
