"""The details API of bioRxiv and medRxiv: pages of records, with everything that it has been seen to answer.

Facts that shape this module: pages are advanced by what they hold, never by a fixed number; ``total`` counts versions
and overstates; numbers come as texts or numbers; an interval too wide is answered with an empty body; errors come with
HTTP 200; an empty page ends the feed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from covidct.harvest.licences import normalised
from covidct.harvest.windows import Window
from covidct.net.client import HttpClient
from covidct.net.failures import FetchError, Kind, Unreachable

SERVERS = ("medrxiv", "biorxiv")
NO_POSTS = "no posts found"
IDLE_PAGES = 3
"""So many pages in a row that bring nothing new end a feed (a server that ignores the cursor)."""
PASSES = 3
"""A window with fewer papers than announced is read so often before it is called incomplete."""
USUAL_PAGE = 30
MOST_ROWS = 20_000
"""Rows of one window, a month as a rule: bioRxiv has at most 8,000 with revisions. A feed without end ends here."""


@dataclass(frozen=True)
class TextRule:
    """One kind of debris that the hosting platform leaves in titles and abstracts."""

    name: str
    pattern: re.Pattern[str]
    replacement: str


TEXT_RULES = (
    TextRule("small-capitals", re.compile(r"O_SCPLOW(.*?)C_SCPLOW"), r"\1"),
    TextRule("platform-marks", re.compile(r"\b[OC]_(?:FIG|TBL|LI|ST_ABS|QD|CIT|SCPCAP|INLINEFIG)\b"), " "),
    TextRule("tilde", re.compile(r"\[~\]"), "~"),
    TextRule("arrows", re.compile(r"\[(?:->|=>|&#8594;)\]"), "→"),
    TextRule(
        "fused-heading",
        re.compile(
            r"\b(Abstract|Background|Introduction|Importance|Objectives?|Purpose|Aims?|Methods?|Design|Setting|"
            r"Participants|Findings|Results?|Conclusions?|Interpretation|Funding|Summary|Significance)(?=[A-Z0-9])"
        ),
        r"\1 ",
    ),
    TextRule("blanks", re.compile(r"\s+"), " "),
)


def clean_text(text: str) -> str:
    """``text`` without the platform's debris; fused headings (``BackgroundCOVID-19``) come apart."""
    for rule in TEXT_RULES:
        text = rule.pattern.sub(rule.replacement, text)
    return text.strip()


@dataclass(frozen=True)
class PreprintRecord:
    """One version of one preprint, as listed."""

    doi: str
    version: int
    date: str
    title: str
    abstract: str
    licence: str
    category: str
    server: str
    withdrawn: bool
    jats_path: str
    """Path of the JATS on the server's site; empty where there is none (yet)."""


@dataclass(frozen=True)
class BadRow:
    """A listed row that cannot be used: why, and what a person needs to look the paper up."""

    reason: str
    doi: str = ""
    title: str = ""
    abstract: str = ""

    def __str__(self) -> str:
        return f"{self.doi or self.title[:60] or 'a row'}: {self.reason}"


class BadRecord(ValueError):
    """A listed record that cannot be used, with the reason."""


def parse_row(row: object, server: str) -> PreprintRecord | BadRow:
    """A record, or why the row is none: whatever a row provokes is that row's failure."""
    try:
        return parse_record(row, server)
    except Exception as error:  # noqa: BLE001  the border of a row
        reason = str(error) if isinstance(error, BadRecord) else f"unreadable ({type(error).__name__})"
        fields = row if isinstance(row, Mapping) else {}
        doi, title, abstract = (_plain(fields.get(name)) for name in ("doi", "title", "abstract"))
        return BadRow(reason, doi if _DOI.fullmatch(doi) else "", clean_text(title), clean_text(abstract))


_DOI = re.compile(r"10\.\d{4,9}/[^\s\x00-\x1f]{1,200}", re.ASCII)
LONGEST_TEXT = 100_000
"""Characters of an abstract that are kept."""


def _plain(value: object) -> str:
    """``value`` as text that can be stored: no lone surrogates, no control characters."""
    text = str(value if value is not None else "")[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text).strip()


def parse_record(row: object, server: str) -> PreprintRecord:
    """A record out of the API's fields, all of them texts; ``BadRecord`` without DOI, version or date."""
    if not isinstance(row, Mapping):
        raise BadRecord("not an object")
    fields = {str(key): _plain(value) for key, value in row.items()}
    doi, version, date = fields.get("doi", ""), _number(fields.get("version")), fields.get("date", "")
    if not _DOI.fullmatch(doi):
        raise BadRecord(f"listed without a usable DOI ({doi[:60]!r})")
    if not version:
        raise BadRecord(f"listed without a usable version ({fields.get('version', '')[:20]!r})")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date, re.ASCII):
        raise BadRecord(f"listed without a usable date ({date[:20]!r})")
    return PreprintRecord(
        doi=doi,
        version=version,
        date=date,
        title=clean_text(fields.get("title", "")),
        abstract=clean_text(fields.get("abstract", "")),
        licence=normalised(fields.get("license")),
        category=fields.get("category", "").lower(),
        server=fields.get("server", "").lower() or server,
        withdrawn=fields.get("type", "").lower() == "withdrawn",
        jats_path=_path_of(fields.get("jatsxml", "")),
    )


def _path_of(address: str) -> str:
    """The path of an address; empty where it is none: the PDF is then read alone."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _number(value: object) -> int | None:
    text = str(value if value is not None else "").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


@dataclass(frozen=True)
class Page:
    """One answer of the feed."""

    rows: list[PreprintRecord]
    bad: list[BadRow]
    size: int
    """Rows as sent, repeated and unusable ones included."""
    step: int
    """How far to move the cursor."""
    total: int | None
    new_papers: int | None


def check_page(value: object) -> None:
    """Refuse an answer that is no page of the feed; an unknown server is final."""
    message = _message(value)
    status = str(message.get("status", "ok")).lower()
    if "server not recognized" in status:
        raise FetchError(Kind.UNUSABLE, "the service does not know this server", rule="server-not-recognized")
    if status not in ("ok", NO_POSTS):
        raise FetchError(Kind.BROKEN, f"the feed says {status[:80]!r}", rule="feed-status")
    if status == "ok" and not isinstance(_mapping(value).get("collection"), list):
        raise FetchError(Kind.BROKEN, "a page without a collection", rule="feed-shape")


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise FetchError(Kind.BROKEN, "a page that is no JSON object", rule="feed-shape")
    return value


def _message(value: object) -> Mapping[str, Any]:
    messages = _mapping(value).get("messages")
    if not isinstance(messages, list) or not messages or not isinstance(messages[0], Mapping):
        raise FetchError(Kind.BROKEN, "a page without a message", rule="feed-shape")
    return messages[0]


def parse_page(value: object, server: str, window: Window | None = None) -> Page:
    """The page in a checked answer; its number of new papers counts only where it is about ``window``."""
    message = _message(value)
    raw = _mapping(value).get("collection") or []
    parsed = [parse_row(item, server) for item in raw]
    rows = [row for row in parsed if isinstance(row, PreprintRecord)]
    bad = [row for row in parsed if isinstance(row, BadRow)]
    count = _number(message.get("count"))
    step = min(count, len(raw)) if count else len(raw)
    mine = f"{window.since}:{window.until}" if window else ""
    elsewhere = bool(mine) and str(message.get("interval", mine)) != mine
    new_papers = None if elsewhere else _number(message.get("count_new_papers"))
    return Page(rows, bad, len(raw), step, _number(message.get("total")), new_papers)


@dataclass
class WindowOutcome:
    """What came of one window: complete only if as many papers were seen as the service says there are."""

    server: str
    window: Window
    pages: int = 0
    rows: int = 0
    papers: int = 0
    expected: int | None = None
    total: int | None = None
    holes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    """Rows that could not be used, each once."""

    @property
    def complete(self) -> bool:
        return not self.holes and not self.bad and (self.expected is None or self.papers >= self.expected)

    def as_json(self) -> dict[str, Any]:
        """For the run record."""
        plain = {name: getattr(self, name) for name in ("server", "pages", "rows", "papers", "expected", "total")}
        more = {
            "holes": self.holes,
            "notes": self.notes,
            "bad": [str(row) for row in self.bad],
            "complete": self.complete,
        }
        return {"since": str(self.window.since), "until": str(self.window.until), **plain, **more}


Sink = Callable[[list[PreprintRecord]], None]


def _key(record: PreprintRecord) -> int:
    return hash((record.doi.lower(), record.version))


class Feed:
    """Reads windows of one API; ``sink`` is called with the records of each page that were not seen before."""

    def __init__(self, client: HttpClient, api_url: str, category: str = "") -> None:
        self.client = client
        self.api_url = api_url.rstrip("/")
        # An unknown category, or one with a slash, is silently ignored by the service.
        self.category = category.lower().replace("/", " ").replace("_", " ").strip()

    def read(self, server: str, window: Window, sink: Sink) -> list[WindowOutcome]:
        """Read ``window``; one that is answered with nothing at all is read in halves."""
        try:
            return [self._read_window(server, window, sink)]
        except Unreachable:
            raise
        except FetchError as error:
            if error.rule == "empty-body" and window.days > 1:
                return [outcome for half in window.halves() for outcome in self.read(server, half, sink)]
            outcome = WindowOutcome(server, window, holes=[f"from row 0: {error.reason}"])
            return [outcome]

    def _read_window(self, server: str, window: Window, sink: Sink) -> WindowOutcome:
        outcome = WindowOutcome(server, window)
        seen: set[int] = set()
        dois: set[int] = set()

        def fresh(page: Page) -> list[PreprintRecord]:
            rows = [r for r in page.rows if _key(r) not in seen]
            seen.update(map(_key, rows))
            dois.update(hash(r.doi.lower()) for r in rows)
            return rows

        for attempt in range(PASSES):
            outcome.holes, outcome.bad = [], []
            self._pass(server, window, outcome, lambda page: _pour(fresh(page), sink), patient=attempt > 0)
            outcome.rows, outcome.papers = len(seen), len(dois)
            if outcome.complete or len(seen) > MOST_ROWS:
                break
            outcome.notes.append(f"pass {attempt + 1}: {outcome.papers} papers of {outcome.expected}, read again")
        if outcome.total is not None and outcome.total > outcome.rows:
            outcome.notes.append(f"the service's total is {outcome.total}, {outcome.rows} rows could be read")
        return outcome

    def _pass(
        self, server: str, window: Window, outcome: WindowOutcome, take: Callable[[Page], int], patient: bool
    ) -> None:
        """One walk over all pages. A page that cannot be had is a hole; ``patient`` also walks on over empty pages."""
        cursor = idle = empty = lost = 0
        step = USUAL_PAGE
        while True:
            if cursor > MOST_ROWS:
                outcome.holes.append(f"from row {cursor}: more than {MOST_ROWS:,} rows in one window, not read further")
                return
            page = self._page_or_hole(server, window, cursor, outcome)
            lost = lost + 1 if page is None else 0
            if page is not None and not page.size:
                empty += 1
                if not patient or empty > IDLE_PAGES or cursor >= (outcome.total or 0):
                    return
            elif page is not None:
                outcome.pages += 1
                outcome.total = max(page.total or 0, outcome.total or 0) or None
                outcome.expected = max(page.new_papers or 0, outcome.expected or 0) or None
                outcome.bad += [row for row in page.bad if row not in outcome.bad]
                idle = 0 if take(page) else idle + 1
                step, empty = page.step, 0
            if ((page is None or idle) and cursor + step >= (outcome.total or 0)) or max(idle, lost) >= IDLE_PAGES:
                return
            cursor += step

    def _page_or_hole(self, server: str, window: Window, cursor: int, outcome: WindowOutcome) -> Page | None:
        try:
            page = self._page(server, window, cursor)
            if _suspicious(page, cursor, outcome.total):
                again = self._page(server, window, cursor)
                page = max(page, again, key=lambda p: len({_key(r) for r in p.rows}))
            return page
        except Unreachable:
            raise
        except FetchError as error:
            if cursor == 0 and outcome.total is None and error.rule == "empty-body":
                raise
            outcome.holes.append(f"from row {cursor}: {error.reason}")
            return None

    def _page(self, server: str, window: Window, cursor: int) -> Page:
        url = f"{self.api_url}/details/{server}/{window.since}/{window.until}/{cursor}"
        if self.category:
            url += f"?category={quote(self.category.replace(' ', '_'))}"
        return parse_page(self.client.get_json(url, check_page), server, window)


def _pour(rows: list[PreprintRecord], sink: Sink) -> int:
    if rows:
        sink(rows)
    return len(rows)


def _suspicious(page: Page, cursor: int, total: int | None) -> bool:
    """A page worth asking for twice: rows repeated within it, or empty where there should be rows."""
    repeated = len({_key(r) for r in page.rows}) < len(page.rows)
    return repeated or (not page.size and (cursor == 0 or cursor < (total or 0)))
