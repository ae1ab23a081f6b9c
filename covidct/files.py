"""Files on disk: atomic writes, digests, names that are safe everywhere."""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from covidct.errors import CovidctError, one_line

_UMASK = os.umask(0o077)  # read once at import: asking means setting, and threads share it
os.umask(_UMASK)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def sha256_bytes(data: bytes) -> str:
    """Hexadecimal SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read_document(path: Path, parse: Callable[[str], Any] = json.loads, advice: str = "") -> Any:
    """The value in a file of JSON or, with ``parse``, of TOML.

    Raises FileNotFoundError, and CovidctError with the file's name and ``advice`` where nobody can read it: a pipe, no
    UTF-8, no JSON, or so deeply nested that a parser gives up.
    """
    if path.exists() and not path.is_file():
        raise CovidctError(f"{path}: no regular file{advice}")
    try:
        return parse(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise CovidctError(f"{path}: not readable ({one_line(error)}){advice}") from error


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A temporary path beside ``target`` that becomes ``target`` when the block ends well, and vanishes when not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:60]}.", suffix=".part", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_UMASK)
        temporary.replace(target)
    except OSError as error:
        error.filename = error.filename or str(target)  # a full disk does not say what did not fit
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(target: Path, data: bytes) -> None:
    """Write ``data`` to a temporary name, flush it to disk, rename it to ``target``."""
    with atomic_path(target) as temporary, temporary.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 ``text`` atomically, line ends as given."""
    write_bytes(target, text.encode("utf-8"))


def safe_name(text: str) -> str:
    """``text`` with runs of anything but letters, digits, ``.``, ``_``, ``-`` turned into ``_``."""
    return _UNSAFE.sub("_", text).strip("._") or "_"
