"""The version of a step: a digest over the bytes of its code and of the data files that its code names.

A module's imports are followed inside its own top-level package, up to ``GROUND``: what every step stands on and what
makes no result. A data file counts where a module names it (``"rules.toml"``) and it lies beside that module.
"""

import ast
import functools
import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from covidct.errors import CovidctError

GROUND = frozenset({"workspace", "steps", "records", "errors", "files", "progress", "commands", "tables"})
"""Modules and packages directly below ``covidct`` that are not followed."""
DIGITS = 12


def digest(sources: Sequence[str], before: Iterable[str] = ()) -> str:
    """Twelve hexadecimal digits over all files of ``sources`` and over ``before``, the versions they build on.

    Raises CovidctError for a source that is not there.
    """
    seen = sha256("\n".join(before).encode())
    for path in files_of(tuple(sources)):
        seen.update(path.name.encode() + b"\0" + sha256(path.read_bytes()).digest())
    return seen.hexdigest()[:DIGITS]


@functools.cache
def files_of(sources: tuple[str, ...]) -> tuple[Path, ...]:
    """Every file of the modules ``sources``: theirs, what they import, the data they name; in a stable order."""
    found: dict[str, list[Path]] = {}
    todo = list(sources)
    while todo:
        module = todo.pop()
        if module in found:
            continue
        path = _file(module)
        if path is None:
            raise CovidctError(f"{module}, a source of a step, is no module that can be read: correct the step")
        tree = ast.parse(path.read_bytes())
        found[module] = [path, *_data(tree, path.parent)]
        todo += [name for name in _imports(tree, module, path) if _followed(name) and _file(name) is not None]
    return tuple(dict.fromkeys(path for module in sorted(found) for path in found[module]))


@functools.cache
def _file(module: str) -> Path | None:
    root, *parts = module.split(".")
    spec = importlib.util.find_spec(root)
    if spec is None:
        return None
    if not parts or not spec.submodule_search_locations:
        return Path(spec.origin) if spec.origin and not parts else None
    place = Path(spec.submodule_search_locations[0]).joinpath(*parts)
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def _followed(module: str) -> bool:
    root, *parts = module.split(".")
    return root != "covidct" or (bool(parts) and parts[0] not in GROUND)


def _imports(tree: ast.AST, module: str, path: Path) -> Iterator[str]:
    """Modules of the same top-level package that ``module`` imports anywhere, functions included."""
    root = module.split(".")[0]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == root)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            if base.split(".")[0] == root:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _base(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _data(tree: ast.AST, folder: Path) -> list[Path]:
    names = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    beside = (folder / name for name in sorted(names) if 0 < len(name) < 100 and "\n" not in name and "\0" not in name)
    return [path for path in beside if path.suffix not in ("", ".py") and path.is_file()]
