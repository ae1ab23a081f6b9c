"""``.meca`` packages of bioRxiv and medRxiv: read in place, on disk or in a bucket, never unpacked as a whole.

A package is a ZIP with ``manifest.xml`` (which member is the article's XML, its PDF, a figure, a table) and
``content/``. Known defects that are lived with: a manifest that is not there, members nested one folder deeper,
blanks before the XML declaration, bare ``&``.
"""

import contextlib
import posixpath
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from covidct.extras import needed
from covidct.files import safe_name, write_bytes
from covidct.harvest.sources import Document
from covidct.harvest.xml import parse_xml
from covidct.net.failures import FetchError, Kind
from covidct.records import Paper
from covidct.zips import SafeZip, open_zip

LARGEST_PICTURE = 120_000_000


@dataclass
class Package:
    """What one package holds, by member name."""

    name: str
    zip: SafeZip
    pdf: str = ""
    jats: str = ""
    figures: dict[str, str] = field(default_factory=dict)
    """Figure id → member with its picture; tables are not figures."""

    @property
    def article(self) -> str:
        """The article's number, as in ``content/24301711.xml``: the last part of its DOI."""
        return posixpath.splitext(posixpath.basename(self.jats or self.pdf))[0]

    def unpack(self, folder: Path, *, jats: bool = True) -> Document:
        """Copy PDF and JATS into ``folder`` under safe names."""
        if not self.pdf:
            raise FetchError(Kind.NOT_FOUND, f"{self.name} holds no PDF", rule="meca-no-pdf")
        pdf = folder / safe_name(f"{self.article}.meca.pdf")
        write_bytes(pdf, self.zip.read(self.pdf))
        xml = None
        if self.jats and jats:
            data = self.zip.read(self.jats)
            parse_xml(data, f"{self.name}: {self.jats}")
            xml = folder / safe_name(f"{self.article}.meca.xml")
            write_bytes(xml, data.lstrip())
        return Document(pdf, xml, "meca", posixpath.basename(self.pdf), self._pictures(folder) if xml else None)

    def _pictures(self, folder: Path) -> dict[str, Path]:
        """The figures' own pictures, lossless as a rule, copied out one by one; tables are left in the package."""
        found: dict[str, Path] = {}
        for member in self.figures.values():
            name = posixpath.basename(member)
            target = folder / safe_name(f"{self.article}.{name}")
            write_bytes(target, self.zip.read(member, LARGEST_PICTURE))
            found[name] = target
        return found


@contextlib.contextmanager
def open_package(handle: IO[bytes], name: str) -> Iterator[Package]:
    """The package in ``handle``; ``FetchError`` where it is none."""
    safe = open_zip(handle, name)
    with safe.archive:
        package = Package(name, safe)
        root = _root(safe)
        if root is None:
            _guess(package)
        else:
            _from_manifest(package, root)
        if not package.pdf and not package.jats:
            raise FetchError(Kind.UNUSABLE, f"{name}: holds neither PDF nor XML of an article", rule="meca-empty")
        yield package


def _root(safe: SafeZip) -> str | None:
    """The folder of the manifest: "" as a rule, one deeper in some packages; None where there is no manifest."""
    found = sorted((m for m in safe.members if posixpath.basename(m) == "manifest.xml"), key=lambda m: m.count("/"))
    return posixpath.dirname(found[0]) if found and found[0].count("/") <= 1 else None


def _from_manifest(package: Package, root: str) -> None:
    tree = parse_xml(package.zip.read(posixpath.join(root, "manifest.xml"), 5_000_000), f"{package.name}: manifest")
    for item in tree.iter("{*}item"):
        kind = (item.get("type") or item.get("item-type") or "").lower()
        for instance in item.iter("{*}instance"):
            member = posixpath.normpath(posixpath.join(root, instance.get("href") or ""))
            media = (instance.get("media-type") or "").lower()
            if member not in package.zip.members:
                continue
            if kind == "article" and media == "application/pdf":
                package.pdf = package.pdf or member
            elif kind == "article" and media.endswith("xml"):
                package.jats = package.jats or member
            elif kind == "figure":
                package.figures.setdefault(item.get("id") or posixpath.basename(member), member)


def _guess(package: Package) -> None:
    content = sorted(m for m in package.zip.members if "content/" in f"/{m}" and m.count("/") <= 2)
    package.jats = next((m for m in content if m.endswith(".xml")), "")
    package.pdf = next((m for m in content if m.endswith(".pdf")), "")


@dataclass
class MecaSource:
    """Packages in folders or buckets: ``/data/meca``, ``s3://medrxiv-src-monthly/Current_Content/March_2020/``.

    Names in the buckets are random and there is no index by DOI, so the directory of each package is read once (the
    last kilobytes of the ZIP, by range); ``index`` keeps what was learned between runs.
    """

    places: tuple[str, ...]
    parts: Path
    index: dict[str, str]
    jats: bool = True
    name: str = "meca"
    _listed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self, paper: Paper, version: int) -> Document:
        """The package whose article number ends the paper's DOI."""
        self._list()
        number = paper.doi.rsplit("/", 1)[-1].rsplit(".", 1)[-1]
        place = self.index.get(number)
        if place is None:
            raise FetchError(Kind.NOT_FOUND, "in none of the packages", rule="no-copy")
        with _opened(place) as handle, open_package(handle, place) as package:
            if not package.pdf:
                raise FetchError(Kind.NOT_FOUND, f"{place} holds no PDF", rule="meca-no-pdf")
            return package.unpack(self.parts, jats=self.jats)

    def _list(self) -> None:
        with self._lock:
            if not self._listed:
                self._read_directories()
            self._listed = True

    def _read_directories(self) -> None:
        known = set(self.index.values())
        for place in (p for root in self.places for p in list_packages(root)):
            if place in known:
                continue
            try:
                with _opened(place) as handle, open_package(handle, place) as package:
                    self.index[package.article] = place
            except FetchError:
                self.index[f"unreadable {place}"] = place


def _storage(place: str) -> dict[str, object]:
    return {"requester_pays": True} if place.startswith("s3://") else {}


def _opened(place: str) -> IO[bytes]:
    handle: IO[bytes] = needed("fsspec", "sources", "--meca").open(place, "rb", **_storage(place)).open()
    return handle


def list_packages(root: str) -> list[str]:
    """All ``.meca`` below a folder or bucket prefix, or the one that is named, in order."""
    if root.endswith(".meca"):
        return [root]
    fsspec = needed("fsspec", "sources", "--meca")
    filesystem, path = fsspec.core.url_to_fs(root, **_storage(root))
    scheme = root.split("://")[0] + "://" if "://" in root else ""
    return sorted(f"{scheme}{found}" for found in filesystem.glob(f"{path.rstrip('/')}/**/*.meca"))
