"""Things that belong together: connected components of a list of links (union-find)."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T", bound=str)


def groups(items: Iterable[T], links: Iterable[tuple[T, T]]) -> dict[T, T]:
    """Each item's group, named by the smallest item in it; links to things that are not items count as bridges."""
    parent: dict[T, T] = {item: item for item in items}
    members = list(parent)
    for a, b in links:
        root_a, root_b = _root(parent, a), _root(parent, b)
        if root_a != root_b:
            low, high = sorted((root_a, root_b))
            parent[high] = low
    smallest: dict[T, T] = {}
    for item in sorted(members):
        smallest.setdefault(_root(parent, item), item)
    return {item: smallest[_root(parent, item)] for item in members}


def _root(parent: dict[T, T], item: T) -> T:
    parent.setdefault(item, item)
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item
