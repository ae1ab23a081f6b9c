"""Recognising an answer for what it is: small named rules over status, headers and the first bytes of the body."""

import email.utils
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from covidct.net.failures import FetchError, Kind

COOL_DOWN = 60.0
"""Seconds after Cloudflare's 1015 ("you are being rate limited"), unless Retry-After asks for more."""


@dataclass(frozen=True)
class Head:
    """Status, headers (names in lower case) and the first bytes of one answer."""

    status: int
    headers: Mapping[str, str]
    start: bytes

    def retry_after(self) -> float | None:
        """Seconds from ``Retry-After``, given as seconds or as a date; None where absent or unreadable."""
        text = self.headers.get("retry-after", "").strip()
        if text.isdigit():
            return float(text)
        parsed = email.utils.parsedate_tz(text) if text else None
        return max(0.0, email.utils.mktime_tz(parsed) - time.time()) if parsed else None


@dataclass(frozen=True)
class AnswerRule:
    """A failure recognised: when, what kind, and in which words."""

    name: str
    matches: Callable[[Head], bool]
    kind: Kind
    reason: str
    cool_down: float = 0.0


def _is_challenge(head: Head) -> bool:
    named = "challenge" in head.headers.get("cf-mitigated", "").lower()
    page = b"just a moment" in head.start.lower() or b"challenge-platform" in head.start.lower()
    return named or (page and head.status in (200, 403, 503))


def _is_1015(head: Head) -> bool:
    return head.status in (403, 429) and b"error code: 1015" in head.start


RULES = (
    AnswerRule("cloudflare-challenge", _is_challenge, Kind.REFUSED, "Cloudflare's challenge page: scripts are refused"),
    AnswerRule("cloudflare-1015", _is_1015, Kind.REFUSED, "Cloudflare 1015: rate limited", COOL_DOWN),
    AnswerRule("too-many-requests", lambda h: h.status == 429, Kind.TEMPORARY, "429 too many requests"),
    AnswerRule("gone", lambda h: h.status in (404, 410), Kind.NOT_FOUND, "not there (404)"),
    AnswerRule("forbidden", lambda h: h.status in (401, 402, 403, 451), Kind.REFUSED, "forbidden"),
    AnswerRule("timeout-status", lambda h: h.status in (408, 425), Kind.TEMPORARY, "the server timed out"),
    AnswerRule("server-trouble", lambda h: h.status >= 500, Kind.TEMPORARY, "the server is in trouble"),
    AnswerRule("unexpected-status", lambda h: h.status not in (200, 206), Kind.BROKEN, "unexpected status"),
)


def judge(head: Head, url: str) -> FetchError | None:
    """The failure that ``head`` stands for, by the first rule that matches; None for a sound answer."""
    for rule in RULES:
        if rule.matches(head):
            reason = f"{rule.reason} (HTTP {head.status})" if str(head.status) not in rule.reason else rule.reason
            return FetchError(rule.kind, reason, url, head.retry_after(), rule.name, rule.cool_down)
    return None


Check = Callable[[bytes, bytes], None]
"""``check(first bytes, last bytes)`` of a whole body; raises ``FetchError``. Both are the body where it is short."""

EDGE = 4096
"""Bytes kept from either end of a body for its check."""


def looks_like_html(start: bytes) -> bool:
    """Whether a body begins as a web page does."""
    head = start[:EDGE].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def check_pdf(start: bytes, end: bytes) -> None:
    """A PDF has ``%PDF-`` in its first kilobyte and ``%%EOF`` near its end (ISO 32000, 7.5.2 and 7.5.5)."""
    if b"%PDF-" not in start[:1024]:
        if looks_like_html(start):
            raise FetchError(Kind.BROKEN, "a web page instead of a PDF", rule="html-for-pdf")
        raise FetchError(Kind.BROKEN, "not a PDF: no %PDF- at its start", rule="not-a-pdf")
    if b"%%EOF" not in end[-EDGE:]:
        raise FetchError(Kind.BROKEN, "the PDF ends before its end (no %%EOF)", rule="pdf-cut-short")


def check_xml(start: bytes, end: bytes) -> None:
    """An XML document is no web page, begins with a tag and ends with one."""
    if looks_like_html(start):
        raise FetchError(Kind.BROKEN, "a web page instead of XML", rule="not-xml")
    if not start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise FetchError(Kind.BROKEN, "not XML: does not begin with a tag", rule="not-xml")
    if not end.rstrip().endswith(b">"):
        raise FetchError(Kind.BROKEN, "the XML ends before its end", rule="xml-cut-short")


IMAGE_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"BM")


def check_image(start: bytes, end: bytes) -> None:
    """A picture, by its first bytes: names lie (webp named .png has been seen)."""
    if not start.startswith(IMAGE_MAGIC) and not (start.startswith(b"RIFF") and start[8:12] == b"WEBP"):
        raise FetchError(Kind.BROKEN, "not a picture that we know", rule="not-an-image")
    if start.startswith(b"\xff\xd8\xff") and b"\xff\xd9" not in end:
        raise FetchError(Kind.BROKEN, "the JPEG ends before its end", rule="image-cut-short")


def check_nothing(start: bytes, end: bytes) -> None:
    """Any body will do."""


def parse_json(body: bytes, url: str) -> object:
    """The JSON value in ``body``; ``FetchError`` that says what stands there instead.

    Numbers of more than 18 digits stay texts; what no file could hold (lone surrogates) becomes a question mark.
    """
    try:
        value = json.loads(body, parse_int=_whole)
        plain = json.dumps(value, ensure_ascii=False)
        return value if plain.isascii() else json.loads(plain.encode("utf-8", "replace"), parse_int=_whole)
    except (ValueError, RecursionError) as error:
        text = " ".join(body[:80].decode("utf-8", "replace").split())
        if not body.strip():
            raise FetchError(Kind.BROKEN, "an empty answer", url, rule="empty-body") from error
        if text.lower().startswith("<"):
            raise FetchError(Kind.BROKEN, "a web page instead of JSON", url, rule="html-for-json") from error
        rule = "invalid-utf8" if isinstance(error, UnicodeDecodeError) else "invalid-json"
        raise FetchError(Kind.BROKEN, f"no JSON: {text!r}", url, rule=rule) from error


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) < 19 else digits
