"""The client against every fault, over real sockets on loopback; waiting is done on a clock that does not wait."""

import hashlib
import json
from pathlib import Path

import pytest
from clocks import FakeClock
from faultserver import FaultServer, ScriptedPlan
from faultserver.corpus import make_pdf
from faultserver.server import Reply, static

from covidct.errors import UsageError
from covidct.harvest.services import Services
from covidct.harvest.sources import Chain, Document
from covidct.net.answers import RULES, Head, check_image, check_pdf, check_xml, judge, parse_json
from covidct.net.client import HttpClient, Settings
from covidct.net.failures import FetchError, Kind
from covidct.net.rates import RateLimiter, is_loopback, parse_rates
from covidct.net.wire import Limits, confined, under
from covidct.records import Paper

PDF = make_pdf("10.1101/2020.02.02.20000001", 1)
JSON = b'{"messages":[{"status":"ok"}],"collection":[]}'


def serve(server: FaultServer, **script: list[str | None]) -> None:
    server.services.append(
        static(
            {"/a.pdf": (PDF, "application/pdf"), "/feed": (JSON, "application/json"), "/x.json": (JSON, "text/html")}
        )
    )
    server.set_plan(ScriptedPlan({name.replace("_", "."): faults for name, faults in script.items()}))


RECOVERED = [
    "latency",
    "429",
    "429-retry-after",
    "500",
    "502",
    "503",
    "reset",
    "truncated",
    "truncated-no-length",
    "wrong-type",
    "1015",
    "html-as-pdf",
]


@pytest.mark.parametrize("fault", RECOVERED)
def test_pdf_arrives_whole_after_one_fault(server: FaultServer, client: HttpClient, tmp_path: Path, fault: str) -> None:
    serve(server, a_pdf=[fault])
    got = client.download(f"{server.url}/a.pdf", tmp_path, check=check_pdf)
    assert got.path.read_bytes() == PDF
    assert got.sha256 == hashlib.sha256(PDF).hexdigest()
    assert sorted(tmp_path.iterdir()) == [got.path]


REFUSED = {
    "challenge-403": (Kind.REFUSED, "cloudflare-challenge"),
    "challenge-200": (Kind.REFUSED, "cloudflare-challenge"),
    "html-as-pdf": (Kind.REFUSED, "html-for-pdf"),
    "1015": (Kind.REFUSED, "cloudflare-1015"),
    "gzip-bomb": (Kind.LIMIT, "too-large"),
    "endless": (Kind.LIMIT, "too-large"),
    "redirect-loop": (Kind.POLICY, "redirect-loop"),
    "redirect-away": (Kind.POLICY, "redirect-away"),
    "slow-body": (Kind.LIMIT, "too-slow"),
    "slow-head": (Kind.LIMIT, "too-slow"),
    "truncated-no-length": (Kind.UNUSABLE, "pdf-cut-short"),
    "500": (Kind.TEMPORARY, "server-trouble"),
    "429": (Kind.TEMPORARY, "too-many-requests"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_fault_that_stays_is_named(server: FaultServer, client: HttpClient, tmp_path: Path, fault: str) -> None:
    serve(server, **{".": [fault] * 50})
    with pytest.raises(FetchError) as caught:
        client.download(f"{server.url}/a.pdf", tmp_path, check=check_pdf)
    assert (caught.value.kind, caught.value.rule) == REFUSED[fault]
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".part" and p.read_bytes() == PDF]


@pytest.mark.parametrize(
    "fault", ["invalid-json", "invalid-utf8", "html-as-json", "error-text", "empty-body", "truncated", "reset"]
)
def test_json_is_asked_for_again_when_it_is_none(server: FaultServer, client: HttpClient, fault: str) -> None:
    serve(server, feed=[fault])
    assert client.get_json(f"{server.url}/feed") == json.loads(JSON)
    assert len(server.log) == 2


def test_what_stands_in_place_of_json_is_said() -> None:
    for body, rule in [
        (b"", "empty-body"),
        (b"<html>", "html-for-json"),
        (b"Error : (2002) Connection refused", "invalid-json"),
        (b'{"a": "\xff"}', "invalid-utf8"),
        (b"[" * 100_000, "invalid-json"),
    ]:
        with pytest.raises(FetchError) as caught:
            parse_json(body, "u")
        assert caught.value.rule == rule


def test_retry_after_is_honoured_in_full(server: FaultServer, client: HttpClient, clock: FakeClock) -> None:
    asked = iter([Reply(b"", 429, {"Retry-After": "17"}), Reply(JSON)])
    server.services.append(lambda path: next(asked))
    client.get_json(f"{server.url}/feed")
    assert sum(clock.slept) == pytest.approx(17)


def test_retry_after_of_an_hour_is_left_for_another_run(
    server: FaultServer, client: HttpClient, clock: FakeClock
) -> None:
    server.services.append(lambda path: Reply(b"", 503, {"Retry-After": "3600"}))
    with pytest.raises(FetchError) as caught:
        client.get_json(f"{server.url}/feed")
    assert caught.value.kind is Kind.TEMPORARY
    assert len(server.log) == 1 and not clock.slept


def test_retry_after_as_a_date_and_as_nonsense() -> None:
    import email.utils
    import time

    later = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert 25 < (Head(429, {"retry-after": later}, b"").retry_after() or 0) <= 31
    assert Head(429, {"retry-after": "soon"}, b"").retry_after() is None


def test_a_download_goes_on_where_it_stopped(server: FaultServer, client: HttpClient, tmp_path: Path) -> None:
    serve(server)
    url = f"{server.url}/a.pdf"
    whole = client.download(url, tmp_path, check=check_pdf)
    half = len(PDF) // 2
    whole.path.write_bytes(PDF[:half])
    etag = f'"{hashlib.sha256(PDF).hexdigest()[:16]}"'
    whole.path.with_suffix(".json").write_text(json.dumps({"url": url, "validator": etag}))
    again = client.download(url, tmp_path, check=check_pdf)
    assert again.resumed and again.path.read_bytes() == PDF


@pytest.mark.parametrize("note", ['{"url": "other", "validator": "x"}', "{", '{"validator": ""}'])
def test_a_part_of_unknown_origin_is_started_anew(
    server: FaultServer, client: HttpClient, tmp_path: Path, note: str
) -> None:
    serve(server)
    url = f"{server.url}/a.pdf"
    part = client.download(url, tmp_path).path
    part.write_bytes(b"%PDF-" + b"garbage" * 100)
    part.with_suffix(".json").write_text(note)
    again = client.download(url, tmp_path, check=check_pdf)
    assert not again.resumed and again.path.read_bytes() == PDF


def test_a_part_of_a_document_that_has_changed_is_started_anew(
    server: FaultServer, client: HttpClient, tmp_path: Path
) -> None:
    serve(server)
    url = f"{server.url}/a.pdf"
    part = client.download(url, tmp_path).path
    part.write_bytes(PDF[:100])
    part.with_suffix(".json").write_text(json.dumps({"url": url, "validator": '"the old one"'}))
    assert client.download(url, tmp_path, check=check_pdf).path.read_bytes() == PDF


def test_md5_that_differs_is_refused(server: FaultServer, client: HttpClient, tmp_path: Path) -> None:
    serve(server)
    good = hashlib.md5(PDF).hexdigest()
    assert client.download(f"{server.url}/a.pdf", tmp_path, md5=good).size == len(PDF)
    with pytest.raises(FetchError) as caught:
        client.download(f"{server.url}/a.pdf", tmp_path, md5="0" * 32)
    assert caught.value.rule == "md5"


def test_breaker_leaves_a_host_alone_and_counts_rules(server: FaultServer, client: HttpClient, tmp_path: Path) -> None:
    serve(server, **{".": ["challenge-403"] * 100})
    for n in range(8):
        with pytest.raises(FetchError):
            client.download(f"{server.url}/a.pdf?{n}", tmp_path, check=check_pdf)
    assert len(server.log) == 5
    assert client.counts["cloudflare-challenge"] == 5 and client.counts["breaker"] == 0


def test_time_budget_ends_the_asking(server: FaultServer, clock: FakeClock) -> None:
    serve(server)
    client = HttpClient(Settings(budget=10, limits=Limits(seconds=5)), clock=clock)
    client.get_json(f"{server.url}/feed")
    clock.time = 11
    with pytest.raises(FetchError) as caught:
        client.get_json(f"{server.url}/feed")
    assert caught.value.rule == "budget"


def test_rate_limit_spaces_requests_and_loopback_has_none(clock: FakeClock) -> None:
    limiter = RateLimiter({"slow.example": 0.5}, clock)
    for _ in range(3):
        limiter.wait("slow.example")
        limiter.wait("127.0.0.1")
    assert clock.time == pytest.approx(4.0)
    limiter.slow_down("other.example", 7)
    assert limiter.interval("other.example") == 7
    assert limiter.interval("www.medrxiv.org") == pytest.approx(5)


def test_crawl_delay_and_disallow_are_read(server: FaultServer, client: HttpClient) -> None:
    text = b"User-agent: *\nCrawl-delay: 7\nDisallow: /private/\n"
    server.services.append(static({"/robots.txt": (text, "text/plain")}))
    assert client.allowed(f"{server.url}/content/a.pdf")
    assert not client.allowed(f"{server.url}/private/a.pdf")
    assert server.asked("robots") == 1


def test_robots_that_is_not_there_forbids_nothing_and_trouble_forbids_all(
    server: FaultServer, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("covidct.net.client.is_loopback", lambda host: False)
    assert client.allowed(f"{server.url}/a")
    with FaultServer([lambda path: Reply(b"", 500)]) as broken:
        assert not client.allowed(f"{broken.url}/a")


def test_agent_names_the_program_and_a_contact_and_no_browser(client: HttpClient) -> None:
    assert client.agent.startswith("covidct/") and "a@example.org" in client.agent
    assert "mozilla" not in client.agent.lower()


@pytest.mark.parametrize(
    ("origin", "target", "stays"),
    [
        ("https://www.medrxiv.org/a", "https://medrxiv.org/b", True),
        ("https://www.medrxiv.org/a", "http://www.medrxiv.org/b", False),
        ("https://www.medrxiv.org/a", "https://evil.example/b", False),
        ("https://www.medrxiv.org/a", "file:///etc/passwd", False),
        ("http://127.0.0.1:80/a", "http://127.0.0.1:81/a", False),
        ("https://medrxiv.org/a", "http://169.254.169.254/latest", False),
        ("https://www.medrxiv.org/a", "https://www.medrxiv.org.evil.example/b", False),
    ],
)
def test_redirects_are_confined(origin: str, target: str, stays: bool) -> None:
    assert confined(origin, target) is stays


@pytest.mark.parametrize("word", ["host", "host=", "host=fast", "=3", "host=0", "host=-1", "host=nan"])
def test_rates_that_make_no_sense(word: str) -> None:
    with pytest.raises(UsageError, match="--rate"):
        parse_rates((word,))


def test_loopback() -> None:
    assert is_loopback("127.0.0.1") and is_loopback("localhost") and is_loopback("[::1]")
    assert not is_loopback("127.0.0.1.evil.example") and not is_loopback("www.medrxiv.org")


ANSWERS = {
    "cloudflare-challenge": Head(403, {}, b"<html><title>Just a moment...</title>"),
    "cloudflare-1015": Head(429, {}, b"error code: 1015\n"),
    "too-many-requests": Head(429, {}, b""),
    "gone": Head(404, {}, b""),
    "forbidden": Head(403, {}, b"no"),
    "timeout-status": Head(408, {}, b""),
    "server-trouble": Head(503, {}, b""),
    "unexpected-status": Head(204, {}, b""),
}


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_each_answer_rule_fires_on_its_own_answer(rule: str) -> None:
    failure = judge(ANSWERS[rule], "u")
    assert failure is not None and failure.rule == rule
    assert judge(Head(200, {}, b"%PDF-"), "u") is None


def test_checks_of_bodies() -> None:
    check_pdf(PDF[:4096], PDF[-4096:])
    check_xml(b"\xef\xbb\xbf <a>", b"</a>\n")
    check_image(b"\x89PNG\r\n\x1a\n", b"")
    for check, start, end, rule in [
        (check_pdf, b"<html>", b"", "html-for-pdf"),
        (check_pdf, b"plain", b"", "not-a-pdf"),
        (check_pdf, b"%PDF-1.4", b"no end", "pdf-cut-short"),
        (check_xml, b"<!doctype html>", b">", "not-xml"),
        (check_xml, b"error", b"", "not-xml"),
        (check_xml, b"<a>", b"</", "xml-cut-short"),
        (check_image, b"<html>", b"", "not-an-image"),
        (check_image, b"\xff\xd8\xff\xe0", b"...", "image-cut-short"),
    ]:
        with pytest.raises(FetchError) as caught:
            check(start, end)
        assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("base", "path", "built"),
    [
        ("https://a.org", "/content/x y.pdf", "https://a.org/content/x%20y.pdf"),
        ("https://a.org/base", "content/a(1).xml?x=1&y=2", "https://a.org/base/content/a(1).xml?x=1&y=2"),
        ("https://a.org", "https://A.org/x", "https://a.org/x"),
        ("https://a.org", "http://a.org/x", "https://a.org/x"),
        ("https://a.org", "/http://127.0.0.1:9/x", "https://a.org/http://127.0.0.1:9/x"),
        ("http://127.0.0.1:8000", "/a%2Fb", "http://127.0.0.1:8000/a%2Fb"),
        ("https://a.org", "http://127.0.0.1:9/x", None),
        ("https://a.org", "//127.0.0.1:9/x", None),
        ("https://a.org", "https://a.org@evil.org/x", None),
        ("https://a.org", "https://a.org:444/x", None),
        ("https://a.org", "file:///etc/passwd", None),
        ("https://a.org", "http://[bad", None),
        ("https://a.org", "\\\\evil.org\\x", "https://a.org/%5C%5Cevil.org%5Cx"),
    ],
)
def test_addresses_are_built_from_parts(base: str, path: str, built: str | None) -> None:
    if built is None:
        with pytest.raises(FetchError):
            under(base, path)
    else:
        assert under(base, path) == built


def test_a_record_s_jats_leads_to_no_other_place(server: FaultServer, client: HttpClient, tmp_path: Path) -> None:
    with FaultServer() as other:
        services = Services({"COVIDCT_SITE_URL": server.url})
        for address in (f"{server.url}/{other.url}/x", f"{other.url}/x", f"/{other.url}/x", f"//{other.url[7:]}/x"):
            paper = Paper("p", "medrxiv", "10.1101/1", jats_url=address)
            Chain([], client, services, tmp_path)._with_jats(paper, Document(tmp_path / "a.pdf"), [])
        assert len(server.log) == 4 and not other.log, "the other server was never asked"


@pytest.mark.parametrize("contact", ["a@b\r\nX-Evil: 1", "\u65b0@example.org"])
def test_a_contact_that_no_header_can_hold_is_refused(contact: str) -> None:
    with pytest.raises(UsageError, match="give an e-mail address"):
        Settings(contact=contact)
