"""``.meca`` packages, sound and evil: everything that attackers put into a ZIP, one bad member beside good ones."""

import io
import stat
import zipfile
from pathlib import Path

from PIL import Image

from faultserver.corpus import make_pdf, make_picture

DOI = "10.1101/2020.02.02.20000001"


def jats(doi: str = DOI, *, figures: str = "", before: str = "") -> bytes:
    usual = (
        '<fig id="F1"><label>Figure 1.</label><caption><p>Chest CT of a made-up patient with COVID-19, day 2, '
        "&amp; more words that only the XML has.</p></caption>"
        '<graphic xlink:href="20000001v1_fig1.tif"/></fig><fig id="F9"><label>Figure 9.</label><caption>'
        "<title>Known to the XML only.</title></caption>"
        '<graphic xlink:href="20000001v1_fig9.tif"/></fig>'
    )
    return f"""{before}<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "JATS.dtd">
<article xmlns:xlink="http://www.w3.org/1999/xlink"><front><article-meta>
<article-id pub-id-type="doi">{doi}</article-id>
<title-group><article-title>A made-up package</article-title></title-group>
<permissions><license xlink:href="https://creativecommons.org/licenses/by-nc/4.0/"/></permissions></article-meta></front>
<body><p>Lesions are seen (Figure 1).</p>{figures or usual}</body></article>""".encode()


MANIFEST = b"""<?xml version="1.0"?><manifest xmlns="http://manuscriptexchange.org" version="1.0">
<item type="article" id="a"><instance media-type="application/xml" href="content/20000001.xml"/>
<instance media-type="application/pdf" href="content/20000001.pdf"/></item>
<item id="fig9" type="figure"><instance media-type="image/tiff" href="content/20000001v1_fig9.tif"/></item>
<item id="tbl1" type="table"><instance media-type="image/tiff" href="content/20000001v1_tbl1.tif"/></item></manifest>"""


def tiff() -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(make_picture(9, 64))).save(buffer, "TIFF")
    return buffer.getvalue()


def members(prefix: str = "") -> dict[str, bytes]:
    return {
        f"{prefix}mimetype": b"application/meca+zip",
        f"{prefix}manifest.xml": MANIFEST,
        f"{prefix}content/20000001.xml": jats(),
        f"{prefix}content/20000001.pdf": make_pdf(DOI, 1),
        f"{prefix}content/20000001v1_fig9.tif": tiff(),
        f"{prefix}content/20000001v1_tbl1.tif": tiff(),
    }


def write_zip(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def evil_zip(path: Path, kind: str) -> Path:
    """A package with one bad member of a kind beside good ones."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members().items():
            archive.writestr(name, data)
        info = zipfile.ZipInfo("content/evil")
        data = b"evil"
        if kind == "path-leads-out":
            info.filename = "../../evil"
        elif kind == "absolute-path":
            info.filename = "/tmp/covidct-evil"
        elif kind == "symbolic-link":
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            data = b"/etc/passwd"
        elif kind == "special-file":
            info.external_attr = (stat.S_IFIFO | 0o666) << 16
        elif kind == "packed-too-tightly":
            info.compress_type, data = zipfile.ZIP_DEFLATED, bytes(8 << 20)
        elif kind == "control-characters":
            info.filename = "content/evil\x1b[31m"
        archive.writestr(info, data)
    raw = path.read_bytes()
    at = raw.rindex(b"PK\x01\x02")
    if kind == "too-large":
        path.write_bytes(raw[: at + 24] + (0xFFFFFFF0).to_bytes(4, "little") + raw[at + 28 :])
    if kind == "encrypted":
        path.write_bytes(raw[: at + 8] + b"\x01\x00" + raw[at + 10 :])
    return path
