"""The details feed with all the oddities that have been recorded, over a loopback server."""

import datetime
import json
from pathlib import Path

import pytest
from faultserver import FaultServer, RandomPlan, ScriptedPlan
from faultserver.corpus import make_corpus
from faultserver.preprints import PreprintService
from faultserver.server import Reply

from covidct.cli import run
from covidct.errors import UsageError
from covidct.harvest.preprints import (
    TEXT_RULES,
    BadRecord,
    Feed,
    PreprintRecord,
    WindowOutcome,
    check_page,
    clean_text,
    parse_page,
    parse_record,
)
from covidct.harvest.windows import Window, parse_window
from covidct.net.answers import parse_json
from covidct.net.client import HttpClient
from covidct.net.failures import FetchError
from covidct.workspace import Workspace

DAY = datetime.date
MONTH = Window(DAY(2020, 2, 1), DAY(2020, 2, 29))


def read(
    server: FaultServer, client: HttpClient, window: Window = MONTH, name: str = "medrxiv", **options: object
) -> tuple[list[PreprintRecord], list[WindowOutcome], set[tuple[str, int]]]:
    """What the feed gives of a corpus of 120 papers, and what it should give."""
    corpus = make_corpus(120, seed=1, revised=0.3)
    server.services.append(PreprintService(corpus, server.url, **options))  # type: ignore[arg-type]
    rows: list[PreprintRecord] = []
    outcomes = Feed(client, server.url).read(name, window, rows.extend)
    span = (window.since.isoformat(), window.until.isoformat())
    wanted = {(r.doi, r.version) for r in corpus.records if span[0] <= r.date <= span[1]}
    return rows, outcomes, wanted


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"page": 100},
        {"page": 7},
        {"overstate": 50},
        {"understate_count": True},
        {"old_envelope": True},
        {"paging": False},
    ],
    ids=str,
)
def test_every_row_once_whatever_the_paging(
    server: FaultServer, client: HttpClient, options: dict[str, object]
) -> None:
    rows, outcomes, wanted = read(server, client, **options)
    assert {(r.doi, r.version) for r in rows} == wanted and len(rows) == len(wanted)
    assert [o.complete for o in outcomes] == [True]
    assert outcomes[0].papers == len({doi for doi, _ in wanted})
    assert len(server.log) < 20, "a server that ignores the cursor must not be asked for ever"
    if options.get("overstate"):
        assert "total" in outcomes[0].notes[-1]


def test_an_interval_too_wide_is_read_in_halves(server: FaultServer, client: HttpClient) -> None:
    rows, outcomes, wanted = read(server, client, Window(DAY(2020, 1, 19), DAY(2020, 3, 25)), widest_days=20)
    assert {(r.doi, r.version) for r in rows} == wanted
    assert len(outcomes) == 4 and all(o.complete for o in outcomes)


@pytest.mark.parametrize(
    "fault", ["vanishing-page", "duplicated-rows", "reordered-rows", "shrinking-total", "empty-body", "error-text"]
)
@pytest.mark.parametrize("cursor", ["0", "30"])
def test_a_page_that_goes_wrong_once_costs_nothing(
    server: FaultServer, client: HttpClient, fault: str, cursor: str
) -> None:
    server.set_plan(ScriptedPlan({rf"/{cursor}$": [fault]}))
    rows, outcomes, wanted = read(server, client)
    assert {(r.doi, r.version) for r in rows} == wanted
    assert all(o.complete for o in outcomes)


def test_a_page_that_vanishes_for_good_is_noticed(server: FaultServer, client: HttpClient) -> None:
    server.set_plan(ScriptedPlan({r"/30$": ["vanishing-page"] * 99}))
    rows, outcomes, wanted = read(server, client)
    assert not outcomes[0].complete
    assert outcomes[0].papers < (outcomes[0].expected or 0)
    assert len(wanted) - len(rows) == 30, "what lies behind the gap is still read"


def test_a_page_that_fails_for_good_is_a_hole_and_the_rest_is_read(server: FaultServer, client: HttpClient) -> None:
    server.set_plan(ScriptedPlan({r"/30$": ["invalid-json"] * 99}))
    rows, outcomes, wanted = read(server, client)
    assert "from row 30" in outcomes[0].holes[0] and not outcomes[0].complete
    assert len(wanted) - len(rows) == 30


def test_unknown_server_and_empty_window(server: FaultServer, client: HttpClient) -> None:
    _, outcomes, _ = read(server, client, name="arxiv")
    assert "does not know this server" in outcomes[0].holes[0] and not outcomes[0].complete
    rows, outcomes, _ = read(server, client, Window(DAY(2019, 1, 1), DAY(2019, 1, 31)))
    assert not rows and outcomes[0].complete


def test_a_third_of_the_answers_wrong_still_gives_all_or_says_so(server: FaultServer, client: HttpClient) -> None:
    quick = ["500", "503", "invalid-json", "empty-body", "error-text", "vanishing-page", "duplicated-rows", "truncated"]
    server.set_plan(RandomPlan(0.3, seed=5, kinds=quick))
    rows, outcomes, wanted = read(server, client)
    assert {(r.doi, r.version) for r in rows} == wanted or not all(o.complete for o in outcomes)


def record(**changes: str) -> dict[str, object]:
    base = {"doi": "10.1101/2020.02.02.20000001", "version": "1", "date": "2020-02-02", "title": "T", "abstract": "A"}
    return {**base, "license": "cc_by_nc_nd", "server": "medRxiv", "type": "PUBLISHAHEADOFPRINT", **changes}


def test_records() -> None:
    got = parse_record(record(jatsxml="https://elsewhere.example/content/a.xml", category="Radiology"), "medrxiv")
    assert (got.version, got.licence, got.server, got.withdrawn) == (1, "cc-by-nc-nd", "medrxiv", False)
    assert got.jats_path == "/content/a.xml", "the host in a record is not followed"
    assert parse_record(record(type="withdrawn"), "biorxiv").withdrawn
    assert parse_record(record(doi="10.64898/2025.12.01.25340000"), "medrxiv").doi.startswith("10.64898")
    for bad in (record(doi="../../etc"), record(version="two"), record(version="0"), record(date=""), [], "x"):
        with pytest.raises(BadRecord):
            parse_record(bad, "medrxiv")


DEBRIS = {
    "small-capitals": ("AO_SCPLOWBSTRACTC_SCPLOW", "ABSTRACT"),
    "platform-marks": ("a O_FIG b C_FIG O_ST_ABS c", "a b c"),
    "tilde": ("[~]30%", "~30%"),
    "arrows": ("A[->]B", "A→B"),
    "fused-heading": ("BackgroundCOVID-19 spreads. Methods2 groups", "Background COVID-19 spreads. Methods 2 groups"),
    "blanks": ("a\n  b", "a b"),
}


@pytest.mark.parametrize("rule", [rule.name for rule in TEXT_RULES])
def test_each_text_rule(rule: str) -> None:
    before, after = DEBRIS[rule]
    assert clean_text(before) == after


def test_pages_of_strange_shape_are_refused() -> None:
    for value in ([], {"messages": []}, {"messages": "x"}, {"messages": [{"status": "ok"}]}, None):
        with pytest.raises(FetchError):
            check_page(value)
    check_page({"messages": [{"status": "no posts found"}], "collection": []})
    odd = {"messages": [{"status": "ok", "count": None, "total": "x"}], "collection": [record(), record(doi="bad")]}
    page = parse_page(odd, "medrxiv")
    assert (len(page.rows), len(page.bad), page.step, page.total) == (1, 1, 2, None)


def test_a_count_of_another_interval_is_not_held_against_this_one() -> None:
    message = {"status": "ok", "count": 1, "count_new_papers": "900", "interval": "2020-01-01:2020-12-31"}
    page = {"messages": [message], "collection": [record()]}
    assert parse_page(page, "medrxiv", MONTH).new_papers is None
    message["interval"] = "2020-02-01:2020-02-29"
    assert parse_page(page, "medrxiv", MONTH).new_papers == 900


def test_windows() -> None:
    today = DAY(2026, 11, 23)
    window = parse_window("2020-01-19", "2020-03-25", today)
    assert [str(m) for m in window.months()] == [
        "2020-01-19..2020-01-31",
        "2020-02-01..2020-02-29",
        "2020-03-01..2020-03-25",
    ]
    assert sum(m.days for m in window.months()) == window.days == 67
    first, second = Window(DAY(2020, 1, 1), DAY(2020, 1, 2)).halves()
    assert (first.days, second.days, second.since) == (1, 1, DAY(2020, 1, 2))
    assert parse_window("2020-01-01", None, today).until == today
    with pytest.raises(UsageError, match="future"):
        parse_window("2027-01-01", None, today)


@pytest.mark.shared
def test_shapes_are_those_of_the_recorded_answers(shared: Path, server: FaultServer, client: HttpClient) -> None:
    fixtures = shared / "facts" / "fixtures" / "biorxiv"
    service = PreprintService(make_corpus(3), "http://127.0.0.1:1")

    def ours(path: str) -> dict[str, list[dict[str, object]]]:
        reply = service(path)
        assert reply is not None
        value: dict[str, list[dict[str, object]]] = json.loads(reply.body)
        return value

    interval = ours("/details/medrxiv/2020-01-01/2020-12-31/0")
    recorded = json.loads((fixtures / "messages_details_interval_2026-05-05.json").read_text())["messages"][0]
    sent = interval["messages"][0]
    assert {k: type(v) for k, v in sent.items()} == {k: type(v) for k, v in recorded.items()}
    assert ours("/details/medrxiv/2030-01-01/2030-01-02/0") == json.loads(
        (fixtures / "empty_no_posts_found.json").read_text()
    )
    assert ours("/details/arxiv/2030-01-01/2030-01-02/0") == json.loads(
        (fixtures / "server_not_recognized.json").read_text()
    )
    for file in sorted(fixtures.glob("details_doi_*.json")):
        row = json.loads(file.read_text())["collection"][0]
        mine = interval["collection"][0]
        assert set(row) <= set(mine) and {type(v) for v in row.values()} == {type(mine[k]) for k in row}
        assert list(row) == [k for k in mine if k in row], "the same order of fields"
        assert parse_record(row, "medrxiv").doi == row["doi"]


def page_of(*rows: object, **message: object) -> dict[str, object]:
    said = {"status": "ok", "interval": f"{MONTH.since}:{MONTH.until}", "count": len(rows), **message}
    return {"messages": [said], "collection": list(rows)}


def row(number: int, **changes: object) -> dict[str, object]:
    plain = {"doi": f"10.1101/2020.02.03.{20000000 + number}", "version": "1", "date": "2020-02-03"}
    return {**plain, "title": f"Paper {number} on COVID-19", "abstract": "CT.", "license": "cc_by", **changes}


BAD_ROWS = [
    {"version": "²"},
    {"version": "9" * 5000},
    {"version": "0"},
    {"version": None},
    {"doi": ""},
    {"doi": "none"},
    {"doi": "10.1101/\u00a0"},
    {"date": "soon"},
    {"date": "２０２０-02-03"},
    {"version": ["1"]},
]


@pytest.mark.parametrize("changes", BAD_ROWS, ids=lambda c: str(c)[:30])
def test_a_bad_row_is_one_bad_row(
    changes: dict[str, object], server: FaultServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No count in the feed, and yet the run is not complete; the row is in the list for a person."""
    body = json.dumps(page_of(row(1), row(2, **changes), row(3))).encode()
    empty = json.dumps({"messages": [{"status": "no posts found"}], "collection": []}).encode()
    server.services.append(
        lambda path: Reply(body if path.endswith("/0") else empty if "/details/" in path else b"", 200)
    )
    where = ["--api-url", server.url, "--site-url", server.url, "-w", str(tmp_path), "--server", "medrxiv"]
    assert run(["harvest", "--since", "2020-02-01", "--until", "2020-02-29", *where]) == 3
    with Workspace.open(tmp_path) as workspace:
        assert len(workspace.papers()) == 3, "the rows beside it are there"
    capsys.readouterr()
    assert run(["show", "papers", "--missing", "-w", str(tmp_path)]) == 0
    assert "listed without a usable" in capsys.readouterr().out


def test_odd_texts_in_a_row_are_kept_as_text(client: HttpClient, server: FaultServer) -> None:
    raw = json.dumps(
        page_of(
            row(1, title="A \ud800 title\x00", jatsxml="http://[bad", abstract="x" * 10**6), total="²", count="9" * 5000
        )
    )
    number = raw.replace('"version": "1"', f'"version": {"7" * 5000}')
    for text, usable in ((raw, 1), (number, 0)):
        value = parse_json(text.encode(), "url")
        page = parse_page(value, "medrxiv", MONTH)
        assert (len(page.rows), len(page.bad)) == (usable, 1 - usable) and page.total is None
        json.dumps([r.title for r in page.rows]).encode()
    record = parse_page(parse_json(raw.encode(), "url"), "medrxiv").rows[0]
    assert record.title == "A ? title" and record.jats_path == "" and len(record.abstract) <= 100_000
    record.title.encode()


def test_a_feed_without_end_ends(client: HttpClient, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("covidct.harvest.preprints.MOST_ROWS", 300)

    def endless(path: str) -> Reply | None:
        cursor = int(path.rsplit("/", 1)[1])
        return Reply(json.dumps(page_of(*(row(cursor + n) for n in range(30)))).encode())

    server.services.append(endless)
    outcome = Feed(client, server.url).read("medrxiv", MONTH, lambda rows: None)[0]
    assert not outcome.complete and "more than 300 rows in one window" in outcome.holes[0]
    assert len(server.log) < 60


def test_a_huge_total_with_nothing_behind_it_ends(client: HttpClient, server: FaultServer) -> None:
    first = json.dumps(page_of(row(1), total="999999999")).encode()
    server.services.append(lambda path: Reply(first) if path.endswith("/0") else Reply(b"[", 200))
    outcome = Feed(client, server.url).read("medrxiv", MONTH, lambda rows: None)[0]
    assert len(outcome.holes) == 3 and not outcome.complete
