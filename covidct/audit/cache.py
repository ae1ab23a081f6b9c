"""What an audit has found out about pictures before: kept by content and by the code that found it, as JSON."""

import importlib.util
import json
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

from covidct.files import sha256_bytes, sha256_file, write_text

FOLDER_VARIABLE = "COVIDCT_CACHE"


def kept(what: str, code: Sequence[str], key: Sequence[str], find: Callable[[], Any]) -> Any:
    """``find()``, a JSON value, or what it gave for the same ``key`` (digests and settings) and the same ``code``.

    ``code``: modules, and data files of the package, that decide the value; when one changes, it is found anew.
    """
    digest = sha256_bytes("\n".join([what, _version(tuple(code)), *key]).encode())
    path = _folder() / what / digest[:2] / f"{digest}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        value = find()
    try:
        write_text(path, json.dumps(value))
    except OSError:
        return value  # a full or read-only disk costs time, not the audit
    return value


def _folder() -> Path:
    return Path(os.environ.get(FOLDER_VARIABLE) or platformdirs.user_cache_dir("covidct")) / "audit"


@cache
def _version(code: tuple[str, ...]) -> str:
    """Digest of the sources of ``code``: dotted modules, or paths of data files below the package."""
    home = Path(__file__).resolve().parents[1]
    files = [home / name if "/" in name else Path(_origin(name)) for name in code]
    return sha256_bytes("".join(sha256_file(file) for file in files).encode())


def _origin(module: str) -> str:
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(module)
    return found.origin
