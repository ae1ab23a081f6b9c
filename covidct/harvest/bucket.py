"""PubMed Central's article bucket over plain HTTPS: one folder an article version, metadata as JSON, md5 of each file.

The layout is that of August 2026: ``metadata/PMC{id}.{v}.json`` and ``PMC{id}.{v}/…``. URLs in the metadata are
``s3://bucket/key?md5=…``; they are rewritten to the bucket's address and the md5 is checked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from covidct.harvest.licences import normalised
from covidct.harvest.xml import parse_xml
from covidct.net.answers import Check, check_xml
from covidct.net.client import Download, HttpClient
from covidct.net.failures import FetchError, Kind

S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True)
class Article:
    """One article version, as its metadata describes it; URLs as ``s3://…?md5=…``, empty where there is no file."""

    pmcid: str
    version: int
    doi: str
    title: str
    licence: str
    retracted: bool
    pdf_url: str
    xml_url: str
    media_urls: tuple[str, ...]


def parse_article(value: object) -> Article:
    """The article in the bucket's JSON; ``FetchError`` where it is something else."""
    if not isinstance(value, Mapping) or not re.fullmatch(r"PMC\d+", str(value.get("pmcid"))):
        raise FetchError(Kind.BROKEN, "the bucket's metadata have an unknown form", rule="bucket-shape")
    version = str(value.get("version") or "1")
    media = value.get("media_urls")
    return Article(
        pmcid=str(value["pmcid"]),
        version=int(version) if version.isdigit() else 1,
        doi=str(value.get("doi") or ""),
        title=str(value.get("title") or ""),
        licence=normalised(str(value.get("license_code") or "")),
        retracted=value.get("is_retracted") is True,
        pdf_url=str(value.get("pdf_url") or ""),
        xml_url=str(value.get("xml_url") or ""),
        media_urls=tuple(str(url) for url in media if url) if isinstance(media, list) else (),
    )


def file_name(s3_url: str) -> str:
    """The last part of an ``s3://`` URL's key, without its query."""
    return urlsplit(s3_url).path.rsplit("/", 1)[-1]


class Bucket:
    """Reads articles; files are left in ``parts`` for the caller to move away."""

    def __init__(self, client: HttpClient, base: str, parts: Path) -> None:
        self.client = client
        self.base = base.rstrip("/")
        self.parts = parts

    def article(self, pmcid: str, version: int | None = None) -> Article:
        """The newest version of an article, or the requested one; ``NOT_FOUND`` where the bucket has none."""
        number = version or max(self.versions(pmcid), default=0)
        if not number:
            raise FetchError(Kind.NOT_FOUND, f"{pmcid} is not in the article bucket", rule="not-in-bucket")
        return parse_article(self.client.get_json(f"{self.base}/metadata/{pmcid}.{number}.json"))

    def versions(self, pmcid: str) -> list[int]:
        """Versions that exist, in numeric order (10 comes after 2)."""
        url = f"{self.base}/?list-type=2&prefix={pmcid}.&delimiter=/"
        root = parse_xml(self.client.get(url, check=check_xml).body, "the bucket's listing")
        prefixes = [node.text or "" for node in root.iter(f"{S3}Prefix")]
        found = [re.fullmatch(rf"{pmcid}\.(\d+)/", prefix) for prefix in prefixes]
        return sorted(int(match.group(1)) for match in found if match)

    def fetch(self, s3_url: str, check: Check) -> Download:
        """One file of an article, checked against the md5 its URL announces; only keys of articles are followed."""
        parts = urlsplit(s3_url)
        key = parts.path.lstrip("/")
        if parts.scheme != "s3" or not re.fullmatch(r"PMC\d+\.\d+/[^/]+", key) or ".." in key:
            raise FetchError(Kind.POLICY, f"{s3_url[:80]!r} is no file of an article", rule="bucket-key")
        md5 = parse_qs(parts.query).get("md5", [""])[0].lower()
        return self.client.download(f"{self.base}/{quote(key)}", self.parts, check=check, md5=md5)
