"""``data fetch``: the published COVID-CT images and LUNA16's archives, checked by digest, resumed."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from covidct.files import sha256_bytes, sha256_file, write_bytes
from covidct.net.answers import check_nothing
from covidct.net.client import HttpClient
from covidct.net.failures import FetchError, Kind
from covidct.release.read import Release
from covidct.zips import SafeZip, check_zip, open_zip

COVID_CT = "https://raw.githubusercontent.com/UCSD-AI4H/COVID-CT/master"
COVID_CT_ARCHIVES = ("Images-processed/CT_COVID.zip", "Images-processed/CT_NonCOVID.zip")
ZENODO = "https://zenodo.org"
LUNA16_RECORDS = ("3723295", "4121926")
"""The two Zenodo records that LUNA16's download page links to."""


@dataclass
class FetchReport:
    """What came and what did not."""

    present: int = 0
    fetched: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)


def fetch_covid_ct(client: HttpClient, release: Release, out: Path, base: str = COVID_CT) -> FetchReport:
    """The published images into ``out``, in the layout that the release's ``file`` column names.

    Every image must have the SHA-256 of the committed manifest; another one is not kept. Images that are there
    already are not asked for again.
    """
    wanted = dict(zip(release.images["file"].astype(str), release.images["sha256"].astype(str), strict=True))
    report = FetchReport()
    missing = {f: d for f, d in wanted.items() if not ((out / f).is_file() and sha256_file(out / f) == d)}
    report.present = len(wanted) - len(missing)
    for archive in COVID_CT_ARCHIVES:
        mine = {f: d for f, d in missing.items() if f.startswith(archive.removesuffix(".zip") + "/")}
        if mine:
            _fetch_archive(client, f"{base.rstrip('/')}/{archive}", mine, out, report)
    return report


def _fetch_archive(client: HttpClient, url: str, wanted: Mapping[str, str], out: Path, report: FetchReport) -> None:
    try:
        got = client.download(url, out / "parts", check=check_zip)
        with got.path.open("rb") as handle:
            archive = open_zip(handle, url)
            for file, digest in sorted(wanted.items()):
                _take(archive, file, digest, out, report)
        got.path.unlink()
    except FetchError as error:
        report.failed += [{"file": file, "reason": str(error)} for file in sorted(wanted)]


def _take(archive: SafeZip, file: str, digest: str, out: Path, report: FetchReport) -> None:
    name = PurePosixPath(file).name
    members = [m for m in archive.members if posixpath.basename(m) == name and "__MACOSX" not in m]
    for member in members:
        data = archive.read(member, 50_000_000)
        if sha256_bytes(data) == digest:
            write_bytes(out / file, data)
            report.fetched += 1
            return
    reason = "differs from the manifest's sha256" if members else "not in the archive"
    report.failed.append({"file": file, "reason": reason})


def fetch_luna16(
    client: HttpClient, out: Path, subsets: Sequence[int], base: str = ZENODO, records: Sequence[str] = LUNA16_RECORDS
) -> FetchReport:
    """``annotations.csv`` and the chosen subsets of LUNA16 from Zenodo, by md5, unpacked into ``out``."""
    report = FetchReport()
    names = ["annotations.csv", *(f"subset{number}.zip" for number in subsets)]
    files = _zenodo_files(client, base, records)
    for name in names:
        try:
            if name not in files:
                raise FetchError(Kind.NOT_FOUND, f"{name} is in none of the records", rule="no-copy")
            _fetch_file(client, out, name, files[name], report)
        except FetchError as error:
            report.failed.append({"file": name, "reason": str(error)})
    return report


def _zenodo_files(client: HttpClient, base: str, records: Sequence[str]) -> dict[str, tuple[str, str]]:
    """File name → (URL, md5) over the records."""
    found: dict[str, tuple[str, str]] = {}
    for record in records:
        value: Any = client.get_json(f"{base}/api/records/{record}")
        for item in value.get("files", []) if isinstance(value, Mapping) else []:
            name, checksum = str(item.get("key", "")), str(item.get("checksum", ""))
            if re.fullmatch(r"[\w.-]+", name) and checksum.startswith("md5:"):
                url = f"{base}/api/records/{record}/files/{name}/content"
                found.setdefault(name, (url, checksum.removeprefix("md5:")))
    return found


def _fetch_file(client: HttpClient, out: Path, name: str, place: tuple[str, str], report: FetchReport) -> None:
    done = out / f".{name}.{place[1]}.done"
    if done.exists():
        report.present += 1
        return
    got = client.download(place[0], out / "parts", check=check_nothing, md5=place[1])
    if name.endswith(".zip"):
        with got.path.open("rb") as handle:
            archive = open_zip(handle, name)
            for member in archive.members:
                if member.endswith((".mhd", ".raw", ".zraw")):
                    write_bytes(out / name.removesuffix(".zip") / posixpath.basename(member), archive.read(member))
        got.path.unlink()
    else:
        got.path.replace(out / name)
    done.touch()
    report.fetched += 1
