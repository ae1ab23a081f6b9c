"""``harvest --from``: PDFs, folders, PDF + JATS pairs and ``.meca`` packages on disk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from covidct.errors import UsageError, one_line
from covidct.harvest.meca import open_package
from covidct.harvest.sources import Document
from covidct.harvest.webpages import SUFFIXES as PAGE_SUFFIXES
from covidct.harvest.webpages import belongs_to_page, pictures_of

JATS_SUFFIXES = (".xml", ".nxml")
WORDS_SUFFIXES = (*JATS_SUFFIXES, *PAGE_SUFFIXES)
"""Files with an article's words, the first that stands beside a PDF is taken."""
SUFFIXES = (".pdf", ".meca", *WORDS_SUFFIXES)
KINDS = "not read: PDF, JATS (.xml, .nxml), saved pages (.html) and .meca are, by their names"


@dataclass
class Inputs:
    """What was named: documents to read, and files refused at the door with the reason."""

    documents: list[Document] = field(default_factory=list)
    refused: list[tuple[Path, str]] = field(default_factory=list)
    left: list[tuple[Path, str]] = field(default_factory=list)
    """Files that are not read, rightly."""
    notes: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Files that must be accounted for."""
        return len(self.documents) + len(self.refused) + len(self.left)


def collect(paths: Sequence[Path], unpacked: Path, workspace: Path, *, jats: bool = True) -> Inputs:
    """Everything readable below ``paths`` but the workspace itself; packages are opened into ``unpacked``.

    ``UsageError`` for a path that is not there or cannot be read, and where nothing at all was found. Files that are
    no PDF (a web page saved under its name) are refused here: they never reach the workspace.
    """
    inputs = Inputs()
    own = workspace.resolve()
    found = (file for path in paths for file in _files(path))
    files = list(dict.fromkeys(file for file in found if not file.resolve().is_relative_to(own)))
    if not files:
        raise UsageError(f"no PDF, JATS or .meca in {', '.join(map(str, paths))}: nothing to harvest")
    inputs.refused += [(file, KINDS) for file in files if file.suffix.lower() not in SUFFIXES]
    taken: set[Path] = set()
    for file in (f for f in files if f.suffix.lower() == ".pdf"):
        pair = _beside(file) if jats else None
        taken.update([pair] if pair else [])
        _take_pdf(inputs, file, pair)
    for file in (f for f in files if f.suffix.lower() == ".meca"):
        _take_package(inputs, file, unpacked, jats)
    for file in (f for f in files if f.suffix.lower() in WORDS_SUFFIXES and f not in taken):
        if _pdf_beside(file) is not None:
            if jats:
                inputs.left.append((file, "another file with the same words is read beside its PDF"))
        elif jats:
            inputs.documents.append(Document(None, file, "file", file.name, _pictures(file)))
        else:
            inputs.left.append((file, "words without a PDF, left out by --no-jats"))
    return inputs


def _files(path: Path) -> Iterable[Path]:
    try:
        if path.is_dir():
            found = (f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
            return sorted(f for f in found if not belongs_to_page(f))
        if not path.exists():
            raise UsageError(f"{path}: there is no such file or folder")
        if not path.is_file():
            raise UsageError(f"{path} is no regular file: name a PDF, a folder, JATS or .meca")
        with path.open("rb"):
            return [path]
    except PermissionError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _beside(pdf: Path) -> Path | None:
    candidates = [pdf.with_suffix(suffix) for suffix in WORDS_SUFFIXES]
    return next((c for c in candidates if c.is_file()), None)


def _pictures(words: Path | None) -> dict[str, Path] | None:
    """The pictures of a saved page."""
    return pictures_of(words) if words and words.suffix.lower() in PAGE_SUFFIXES else None


def _pdf_beside(jats: Path) -> Path | None:
    return next((c for c in (jats.with_suffix(".pdf"), jats.with_suffix(".PDF")) if c.is_file()), None)


def _take_pdf(inputs: Inputs, file: Path, jats: Path | None) -> None:
    try:
        with file.open("rb") as handle:
            start = handle.read(1024)
    except OSError as error:
        inputs.refused.append((file, f"cannot be read: {error.strerror}"))
        return
    if b"%PDF-" not in start:
        what = "empty" if not start else "not a PDF (no %PDF- at its start)"
        inputs.refused.append((file, what))
    else:
        inputs.documents.append(Document(file, jats, "file", file.name, _pictures(jats)))


def _take_package(inputs: Inputs, file: Path, unpacked: Path, jats: bool) -> None:
    try:
        with file.open("rb") as handle, open_package(handle, file.name) as package:
            inputs.notes += [f"{file.name}: member {refusal} refused" for refusal in package.zip.refused]
            inputs.documents.append(package.unpack(unpacked, jats=jats))
    except Exception as error:  # noqa: BLE001  the border of a file
        inputs.refused.append((file, one_line(error)))
