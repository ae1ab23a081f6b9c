"""A loopback server that speaks the preprint API and serves the papers, as facts on the real services say.

Thirty rows a page, numbers as strings, ``messages[0].total`` above what there is, an empty page at the end, PDFs under
``/content/{doi}v{n}.full.pdf``. It is for the demo; the test suite has one that also misbehaves.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from covidct.demo.corpus import MadePaper

ROWS = 30
_INTERVAL = re.compile(r"^/details/(?P<server>\w+)/(?P<since>[\d-]{10})/(?P<until>[\d-]{10})/(?P<cursor>\d+)")
_PDF = re.compile(r"^/content/(?P<doi>10\.\d+/[\w.-]+)v1\.full\.pdf$")


@contextmanager
def preprint_server(papers: list[MadePaper], pdfs: Mapping[str, bytes]) -> Iterator[str]:
    """Serve ``papers`` (their PDFs by DOI) on a free loopback port; gives ``http://127.0.0.1:PORT``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if found := _INTERVAL.match(path):
                self._send(200, "application/json", json.dumps(_page(papers, found)).encode())
            elif (found := _PDF.match(path)) and found["doi"] in pdfs:
                self._send(200, "application/pdf", pdfs[found["doi"]])
            else:
                self._send(404, "text/html", b"<html>not found</html>")

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the demo's own lines are what a person reads."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _page(papers: list[MadePaper], asked: "re.Match[str]") -> dict[str, Any]:
    rows = sorted(
        (p for p in papers if asked["server"] == "medrxiv" and asked["since"] <= p.date <= asked["until"]),
        key=lambda p: (p.date, p.doi),
    )
    cursor = int(asked["cursor"])
    page = rows[cursor : cursor + ROWS]
    if not page:
        return {"messages": [{"status": "no posts found"}], "collection": []}
    message = {
        "status": "ok",
        "category": "all",
        "interval": f"{asked['since']}:{asked['until']}",
        "cursor": cursor if cursor == 0 else str(cursor),
        "count": len(page),
        "count_new_papers": str(len(rows)),
        "total": str(len(rows) + 2),
    }
    return {"messages": [message], "collection": [_record(paper) for paper in page]}


def _record(paper: MadePaper) -> dict[str, Any]:
    return {
        "title": paper.title,
        "authors": "Doe, J.; Roe, R.",
        "author_corresponding": "Jane Doe",
        "author_corresponding_institution": "A made-up hospital",
        "doi": paper.doi,
        "date": paper.date,
        "version": "1",
        "type": "PUBLISHAHEADOFPRINT",
        "license": paper.licence,
        "category": "radiology and imaging",
        "jatsxml": "",
        "abstract": paper.abstract,
        "funder": "NA",
        "published": "NA",
        "server": "medRxiv",
    }
