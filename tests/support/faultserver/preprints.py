"""The details API of bioRxiv and medRxiv, their PDFs and JATS, with all the oddities that have been recorded."""

import datetime
import json
import re
from urllib.parse import parse_qs, urlsplit

from faultserver.corpus import Corpus, Record, make_jats, make_pdf
from faultserver.server import Reply

NO_POSTS = {"messages": [{"status": "no posts found"}], "collection": []}
UNKNOWN_SERVER = {"messages": [{"status": "Server not recognized"}], "collection": []}
HTML = {"Content-Type": "text/html"}


class PreprintService:
    """Answers ``/details/…`` and ``/content/…``; the options are the oddities."""

    def __init__(
        self,
        corpus: Corpus,
        site: str,
        *,
        page: int = 30,
        overstate: int = 0,
        widest_days: int = 366,
        paging: bool = True,
        old_envelope: bool = False,
        understate_count: bool = False,
        refuse_site: bool = False,
        figures: int = 1,
    ) -> None:
        self.corpus, self.site, self.page = corpus, site, page
        self.overstate, self.widest_days, self.paging = overstate, widest_days, paging
        self.old_envelope, self.understate_count = old_envelope, understate_count
        self.refuse_site, self.figures = refuse_site, figures
        self._windows: dict[tuple[str, str, str], list[Record]] = {}
        self._by_name = {(r.suffix, r.version): r for r in corpus.records}

    def __call__(self, path: str) -> Reply | None:
        parts = urlsplit(path)
        if parts.path.startswith("/details/"):
            return self._details(parts.path.split("/")[2:], parse_qs(parts.query))
        if parts.path.startswith("/covid19"):
            return Reply(b"", headers=HTML)
        if parts.path.startswith("/content/"):
            return self._content(parts.path)
        return None

    def _details(self, words: list[str], query: dict[str, list[str]]) -> Reply:
        if words[0] not in ("medrxiv", "biorxiv"):
            return _json(UNKNOWN_SERVER)
        if words[1].startswith("10."):
            return self._by_doi("/".join(words[1:3]), words[0])
        since, until = words[1], words[2]
        cursor = int(words[3]) if len(words) > 3 and words[3].isdigit() else 0
        if (datetime.date.fromisoformat(until) - datetime.date.fromisoformat(since)).days > self.widest_days:
            return Reply(b"", headers=HTML)
        rows = self._window(words[0], since, until)
        category = query.get("category", [""])[0].replace("_", " ")
        known = {r.category for r in rows}
        if category in known:
            rows = [r for r in rows if r.category == category]
        return self._page(rows, f"{since}:{until}", cursor, category if category in known else "all")

    def _window(self, server: str, since: str, until: str) -> list[Record]:
        key = (server, since, until)
        if key not in self._windows:
            self._windows[key] = [r for r in self.corpus.records if r.server == server and since <= r.date <= until]
        return self._windows[key]

    def _page(self, rows: list[Record], interval: str, cursor: int, category: str) -> Reply:
        chunk = rows[cursor : cursor + self.page] if self.paging else rows
        if not chunk:
            return _json(NO_POSTS)
        new = sum(1 for r in rows if r.version == 1)
        total = len(rows) + self.overstate
        message: dict[str, object] = {"status": "ok", "category": category, "interval": interval, "funder": "all"}
        # Observed: an int on the first page, a string on later ones; totals as strings since 2022.
        message["cursor"] = cursor if cursor == 0 else str(cursor)
        message |= {"count": len(chunk), "count_new_papers": str(new), "total": str(total)}
        if self.understate_count:
            message["count"] = 100
        if self.old_envelope:
            message = {"status": "ok", "interval": interval, "cursor": cursor, "count": len(chunk), "total": total}
        return _json({"messages": [message], "collection": [r.details(self.site) for r in chunk]})

    def _by_doi(self, doi: str, server: str) -> Reply:
        rows = [r for r in self.corpus.records if r.doi == doi and r.server == server]
        if not rows:
            return _json(NO_POSTS)
        return _json(
            {"messages": [{"status": "ok", "category": "all"}], "collection": [r.details(self.site) for r in rows]}
        )

    def _content(self, path: str) -> Reply | None:
        pdf = re.fullmatch(r"/content/(10\.\d+)/(.+)v(\d+)\.full\.pdf", path)
        if pdf:
            return self._pdf(pdf.group(2), int(pdf.group(3)))
        jats = re.fullmatch(r"/content/early/\d+/\d+/\d+/(.+)\.source\.xml", path)
        found = [r for r in self.corpus.records if jats and r.suffix == jats.group(1) and r.jats]
        return Reply(make_jats(found[-1]), headers={"Content-Type": "application/xml"}) if found else None

    def _pdf(self, suffix: str, version: int) -> Reply | None:
        record = self._by_name.get((suffix, version))
        if self.refuse_site:
            from faultserver.faults import CHALLENGE

            return Reply(CHALLENGE, 403, {**HTML, "Server": "cloudflare", "cf-mitigated": "challenge"})
        if record is None or not record.pdf:
            return None
        notice = "It is made available under a CC-BY 4.0 International license." if record.licence == "cc_by" else ""
        body = make_pdf(record.doi, version, self.figures, notice)
        return Reply(body, headers={"Content-Type": "application/pdf"})


def _json(value: object) -> Reply:
    return Reply(json.dumps(value).encode(), headers={"Content-Type": "application/json;charset=utf-8"})
