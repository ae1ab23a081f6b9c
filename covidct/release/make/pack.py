"""The one archive that goes onto a release page: tables, papers of the release, pictures that may leave, a citation."""

import html
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from covidct.errors import UsageError
from covidct.files import atomic_path, sha256_bytes, sha256_file, write_text
from covidct.pictures import PictureError, read_bytes
from covidct.progress import progress
from covidct.release.read.gate import Form, gate
from covidct.release.read.licences import spdx
from covidct.release.read.materialized import LISTING, LISTING_COLUMNS, read_listing
from covidct.release.read.release import FILES, Release
from covidct.release.read.validate import validate_release
from covidct.tables import dump_table

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Packed:
    """The archive, its SHA-256, how many pictures are inside and how many the gate kept out."""

    path: Path
    sha256: str
    pictures: int
    withheld: int


def pack(release: Release, out: Path, images: Path | None = None) -> Packed:
    """Write ``out`` (.zip) and ``out.sha256``; the same release and pictures give the same bytes.

    ``images`` is a folder of ``manifest materialize``; only pictures that may be handed on in public go in.
    """
    if release.meta.get("private"):
        raise UsageError(f"{release.title} was built with --private: it stays on this machine; build it without first")
    faults = validate_release(release.path)
    if faults:
        raise UsageError(f"{release.path}: {faults[0]} ({len(faults)} faults); mend the release before packing it")
    pictures, withheld = _pictures(release, images) if images is not None else ({}, 0)
    home = f"{release.name}-{release.version}"
    with atomic_path(out) as part, zipfile.ZipFile(part, "w") as bundle:
        for name in sorted(FILES):
            _add(bundle, f"{home}/{name}", (release.path / name).read_bytes())
        _add(bundle, f"{home}/CITATION.cff", citation(release).encode())
        for name in progress(sorted(pictures), "pictures"):
            _add(bundle, f"{home}/{name}", pictures[name])
    digest = sha256_file(out)
    write_text(out.with_name(f"{out.name}.sha256"), f"{digest}  {out.name}\n")
    return Packed(out, digest, sum(name.startswith("images/") for name in pictures), withheld)


def citation(release: Release) -> str:
    """``CITATION.cff`` of a release: quoted, so that no title can break it."""
    title = str(release.meta.get("title") or release.title)
    lines = {
        "cff-version": "1.2.0",
        "message": "If you use this release, cite it with its version.",
        "type": "dataset",
        "title": title,
        "version": release.version,
        "date-released": str(release.meta["date"]),
        "notes": str(release.meta.get("citation", "")),
    }
    quoted = [f'{key}: "{_quoted(text)}"' for key, text in lines.items() if text]
    return "\n".join([*quoted, "authors:", f'  - name: "The makers of {_quoted(release.name)}"', ""])


def write_zenodo(release: Release, archive: Path) -> Path:
    """``ARCHIVE.zenodo.json``: what Zenodo's deposit interface asks for (``POST /api/deposit/depositions``)."""
    path = archive.with_name(f"{archive.name}.zenodo.json")
    write_text(path, json.dumps({"metadata": zenodo(release)}, ensure_ascii=False, indent=1) + "\n")
    return path


def zenodo(release: Release) -> dict[str, Any]:
    """Metadata of a deposit; ``license`` only where all pictures stand under one that Zenodo's list can hold."""
    names = sorted({spdx(text)[0] for text in release.images["licence"]})
    about = str(release.meta.get("description") or f"Chest CT slices with labels: {release.title}.")
    notes = f"Each picture keeps the licence of its source: {', '.join(names)}. {release.meta.get('citation', '')}"
    listed = len(names) == 1 and names[0].startswith("CC")
    return {
        "upload_type": "dataset",
        "title": str(release.meta.get("title") or release.title),
        "version": release.version,
        "publication_date": str(release.meta["date"]),
        "creators": [{"name": str(release.meta.get("creators") or f"The makers of {release.name}")}],
        "description": f"<p>{html.escape(about)}</p>",
        "notes": html.escape(notes.strip()),
        "keywords": ["chest CT", "data set", *release.classes],
        "access_right": "open",
        **({"license": names[0].lower()} if listed else {}),
    }


def _quoted(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')


def _pictures(release: Release, images: Path) -> tuple[dict[str, bytes], int]:
    """Pictures of a materialised folder that may leave, by name in the archive, with their listing."""
    listing = read_listing(images)
    if not listing:
        raise UsageError(f"{images}: no {LISTING}; give a folder written by 'covidct manifest materialize'")
    verdicts = {form: gate(release, form) for form in {Form(entry["form"]) for entry in listing.values()}}
    found: dict[str, bytes] = {}
    kept = []
    for image, entry in sorted(listing.items()):
        verdict = verdicts[Form(entry["form"])].get(image)
        if verdict is None or not verdict.allowed:
            continue
        data = read_bytes(images / f"images/{image}.png")
        if sha256_bytes(data) != entry["sha256"]:
            raise PictureError(f"{images / entry['file']}: its bytes differ from {LISTING}; materialise again")
        found[f"images/{image}.png"] = data
        kept.append(entry)
    found[LISTING] = dump_table(pd.DataFrame(kept, columns=LISTING_COLUMNS), LISTING_COLUMNS)
    return found, len(listing) - len(kept)


def _add(bundle: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    bundle.writestr(info, data)
