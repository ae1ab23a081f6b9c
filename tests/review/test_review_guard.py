"""Who gets past the guard, and with what headers; spoken by hand, since a browser would not lie about its Host."""

import asyncio
import base64
import http.client
import io
import json
import secrets
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from serving import Live, serving
from starlette.requests import Request

from covidct.curate.review.guard import Guard, Receive, Scope, Send, allowed_hosts
from covidct.records import Decision
from covidct.workspace import lock

Answer = tuple[int, dict[str, str], bytes]


def fresh_key() -> str:
    return secrets.token_hex(8)


class Client:
    """Plain HTTP to a live page; ``headers`` replace the right ones."""

    def __init__(self, live: Live) -> None:
        parts = urlsplit(live.url)
        self.host, self.port = str(parts.hostname), int(parts.port or 0)
        self.token = parse_qs(parts.query)["token"][0]

    def ask(self, method: str, path: str, body: object = None, **headers: str | None) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        sent = {"Host": f"{self.host}:{self.port}", "X-Covidct-Token": self.token, "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        for name in [name for name, value in headers.items() if value is None]:
            sent.pop(name.replace("_", "-"), None)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            connection.putheader(name, value)
        if data is not None and "Content-Length" not in sent:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        answer = connection.getresponse()
        found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        connection.close()
        return found

    def act(self, **body: object) -> Answer:
        return self.ask("POST", "/api/act", {"key": fresh_key(), "curator": "mallory", **body})


@pytest.fixture(scope="module")
def live(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(Path(shutil.copytree(corpus, tmp_path_factory.mktemp("guard") / "ws"))) as served:
        yield served


@pytest.fixture
def client(live: Live) -> Client:
    return Client(live)


def label(live: Live, value: object = "positive") -> dict[str, object]:
    panel = live.workspace.panels()[0].panel_id
    decision = {"entity": "panel", "entity_id": panel, "field": "label", "value": value}
    return {"do": "decide", "decisions": [decision]}


def words(live: Live) -> int:
    return len(live.workspace.decisions(by="curator:"))


@pytest.fixture(autouse=True)
def before(live: Live) -> int:
    """How many words the journal held before the test: the server is the same for all of them."""
    return words(live)


def test_right_token_passes_and_headers_are_strict(client: Client) -> None:
    status, headers, body = client.ask("GET", f"/?token={client.token}", X_Covidct_Token=None)
    assert status == 200 and b"covidct review" in body
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert "http" not in policy and "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", ["/", "/api/start", "/api/queue", "/api/nothing", "/small/x", "/picture/panel/x"])
@pytest.mark.parametrize("token", [None, "wrong"])
def test_no_token_no_answer(client: Client, path: str, token: str | None) -> None:
    status, headers, body = client.ask("GET", path, X_Covidct_Token=token)
    assert status == 403
    assert client.token.encode() not in body
    assert "content-security-policy" in headers


def test_own_code_needs_no_token(client: Client) -> None:
    assert client.ask("GET", "/static/review.css", X_Covidct_Token=None)[0] == 200
    assert client.ask("POST", "/static/review.css", {}, X_Covidct_Token=None)[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1", "127.0.0.1.evil:80", ""]
)
def test_hostile_host_changes_nothing(live: Live, client: Client, host: str, before: int) -> None:
    assert client.ask("GET", "/api/start", Host=host)[0] == 421
    status, _, _ = client.ask("POST", "/api/act", {"key": fresh_key(), "curator": "m", **label(live)}, Host=host)
    assert status == 421 and words(live) == before


def test_missing_host_is_refused(client: Client) -> None:
    assert client.ask("GET", "/api/start", Host=None)[0] in (400, 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_other_sites_change_nothing(live: Live, client: Client, headers: dict[str, str], before: int) -> None:
    body = {"key": fresh_key(), "curator": "m", **label(live)}
    assert client.ask("POST", "/api/act", body, **headers)[0] == 403
    assert client.ask("GET", "/small/x", **headers)[0] == 403
    assert words(live) == before


def test_link_from_elsewhere_may_open_the_page(client: Client) -> None:
    assert client.ask("GET", "/", Sec_Fetch_Site="cross-site")[0] == 200


def test_own_origin_may_post(live: Live, client: Client, before: int) -> None:
    origin = f"http://127.0.0.1:{client.port}"
    body = {"key": fresh_key(), "curator": "dana", **label(live)}
    assert client.ask("POST", "/api/act", body, Origin=origin, Sec_Fetch_Site="same-origin")[0] == 200
    assert words(live) == before + 1


def test_forms_and_floods_are_refused(live: Live, client: Client, before: int) -> None:
    form = "application/x-www-form-urlencoded"
    assert client.ask("POST", "/api/act", b"{}", Content_Type=form)[0] == 415
    assert client.ask("POST", "/api/act", b"", Content_Length="99999999999")[0] == 413
    assert client.ask("POST", "/api/act", b"[]")[0] == 400
    assert client.ask("POST", "/api/act", b"{" * 5000)[0] == 400
    assert client.ask("DELETE", "/api/act", {})[0] == 405
    assert words(live) == before


def test_locked_workspace_asks_the_page_to_try_again(
    live: Live, client: Client, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "BUSY_SECONDS", 0.1)
    body = {"key": fresh_key(), "curator": "dana", **label(live)}
    with live.workspace.transaction():
        assert client.ask("POST", "/api/act", body)[0] == 503
    assert words(live) == before
    assert client.ask("POST", "/api/act", body)[0] == 200
    assert words(live) == before + 1


BAD_ACTIONS: list[dict[str, object]] = [
    {"do": "rm"},
    {"key": "short"},
    {"key": "../../etc/passwd"},
    {"curator": ""},
    {"curator": "rule:x"},
    {"curator": "a" * 41},
    {"curator": "a\nb"},
    {"decisions": []},
    {"decisions": ["x"]},
    {"decisions": [{"entity": "panel"}]},
    {"seconds": -1},
    {"seconds": "1"},
    {"do": "undo", "of": "unknown-key"},
    {"do": "boxes", "figure_id": "../x", "boxes": []},
    {"do": "mask", "panel_id": "nobody", "mask": ""},
]


@pytest.mark.parametrize("change", BAD_ACTIONS, ids=str)
def test_bad_actions_write_nothing(live: Live, client: Client, change: dict[str, object], before: int) -> None:
    status, _, body = client.act(**{**label(live), **change})
    assert status == 400 and b"\n" not in body and b"Traceback" not in body
    assert words(live) == before


def test_bad_values_write_nothing(live: Live, client: Client, before: int) -> None:
    for value in ("maybe", 1, None, ["positive"], {"a": 1}, "x" * 10_000):
        assert client.act(**label(live, value))[0] == 400
    panel = live.workspace.panels()[0].panel_id
    for entity, entity_id, field, value in (
        ("panel", "no-such-panel", "label", "positive"),
        ("paper", "x", "withdrawn", True),
        ("panel", panel, "mask", {"mask": "/etc/passwd"}),
        ("figure", "x", "panels", []),
        ("pair", f"{panel}|{panel}", "duplicate", True),
        ("panel", panel, "patient", "x" * 300),
        ("panel", panel, "patient", "a\nb \x1b[31m"),
        ("panel", "\ud800", "label", "positive"),
    ):
        decision = {"entity": entity, "entity_id": entity_id, "field": field, "value": value}
        assert client.act(do="decide", decisions=[decision])[0] == 400
    assert words(live) == before


def test_a_page_that_is_closed_while_it_sends_is_no_fault_of_the_server() -> None:
    """uvicorn prints thirty lines for what an application raises."""

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        raise AssertionError("half a body was taken for a whole one")

    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def nobody(message: object) -> None:
        raise AssertionError(message)

    named = {"host": "127.0.0.1:1", "x-covidct-token": "t", "content-type": "application/json", "content-length": "100"}
    headers = [(name.encode(), value.encode()) for name, value in named.items()]
    scope = {"type": "http", "method": "POST", "path": "/api/act", "query_string": b"", "headers": headers}
    asyncio.run(Guard(reads, "t", frozenset({"127.0.0.1:1"}))(scope, gone, nobody))


def png(size: tuple[int, int]) -> str:
    buffer = io.BytesIO()
    Image.new("L", size, 255).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def bomb() -> str:
    """A PNG that claims to have 400 million pixels, in a few bytes."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    chunks = [head, b"IDAT" + zlib.compress(b""), b"IEND"]
    body = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def test_bad_masks_are_refused(live: Live, client: Client, before: int) -> None:
    panel = live.workspace.panels()[0].panel_id
    gif = base64.b64encode(b"GIF89a" + b"\0" * 50).decode()
    for mask in (None, "???", "", gif, png((3, 3)), bomb()):
        assert client.act(do="mask", panel_id=panel, mask=mask)[0] == 400
        assert client.ask("POST", "/api/preview", {"panel_id": panel, "mask": mask})[0] == 400
    assert words(live) == before


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fapp.py",
        "/static//etc/passwd",
        "/picture/panel/..%2f..%2fcovidct.sqlite",
        "/picture/figure/%2fetc%2fpasswd",
        "/small/covidct.sqlite",
        "/api/panel/..%2f..",
    ],
)
def test_paths_lead_nowhere(client: Client, path: str) -> None:
    status, _, body = client.ask("GET", path)
    assert status == 404 and b"SQLite" not in body and b"root:" not in body


def test_file_names_in_the_journal_lead_nowhere_either(live: Live, client: Client, tmp_path: Path) -> None:
    panel = live.workspace.panels()[0].panel_id
    Image.new("L", (4, 4)).save(tmp_path / "outside.png")
    value = {"mask": str(tmp_path / "outside.png"), "masked": "../outside.png", "boxes": []}
    live.workspace.decide([Decision("panel", panel, "mask", value, "curator:mallory")])
    for form in ("mask", "masked"):
        assert client.ask("GET", f"/picture/panel/{panel}?as={form}")[0] == 409
    assert client.ask("GET", f"/picture/panel/{panel}?as=../plain")[0] == 404


def test_stored_page_is_never_served_as_one(live: Live, client: Client) -> None:
    stored = live.workspace.store(b"<script>alert(1)</script>", ".png")
    panel = live.workspace.panels()[0].panel_id
    value = {"mask": stored.file, "masked": stored.file, "boxes": []}
    live.workspace.decide([Decision("panel", panel, "mask", value, "curator:mallory")])
    status, _, body = client.ask("GET", f"/picture/panel/{panel}?as=mask")
    assert status == 400 and b"script" not in body


def test_unknown_queue_and_filters(client: Client) -> None:
    for query in ("queue=x", "step=x", "paper=" + "x" * 400, "queue=all&page=-1"):
        assert client.ask("GET", f"/api/sheet?{query}")[0] == 400


@pytest.mark.parametrize(
    ("host", "mine", "foreign"),
    [
        ("127.0.0.1", "localhost:80", "example.org:80"),
        ("::1", "[::1]:80", "[::2]:80"),
        ("192.0.2.7", "192.0.2.7:80", "127.0.0.1:80"),
        ("0.0.0.0", "127.0.0.1:80", "rebound.example:80"),
    ],
)
def test_allowed_hosts(host: str, mine: str, foreign: str) -> None:
    assert mine in allowed_hosts(host, 80)
    assert foreign not in allowed_hosts(host, 80)


def test_hostile_host_in_the_browser(live: Live, context: Callable[..., object], before: int) -> None:
    """DNS rebinding as a browser sees it: another name for the same address gets no page."""
    port = urlsplit(live.url).port
    page = context().new_page()  # type: ignore[attr-defined]
    answer = page.goto(live.url.replace("127.0.0.1", "rebound.localhost"))
    assert answer is not None and answer.status == 421
    assert str(port) in live.url and words(live) == before
