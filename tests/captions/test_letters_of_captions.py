"""Which printed letter belongs to which panel: read letters one by one, inferred ones together or not at all."""

import pytest

from covidct.captions.letters import Lettered, Placed, assigned

R, I, N = "read", "inferred", "none"  # noqa: E741


@pytest.mark.parametrize(
    ("panels", "printed", "wanted"),
    [
        ([("A", R), ("c", R)], "abC", [("a", R), ("C", R)]),
        ([("(B)", R)], "AB", [("B", R)]),
        ([("", R), ("", R)], "AB", [("A", I), ("B", I)]),
        ([("", R), ("", R)], "ABC", [("", N), ("", N)]),
        ([("A", R), ("", R)], "AB", [("A", R), ("", N)]),
        ([("A", I), ("B", I), ("C", I)], "AB", [("", N)] * 3),
        ([("A", R), ("B", R), ("D", I), ("E", I)], "ABCE", [("A", R), ("B", R), ("", N), ("", N)]),
        ([("A", R), ("B", I)], "ABD", [("A", R), ("B", I)]),
        ([("X", R), ("B", R)], "AB", [("", N), ("B", R)]),
        ([], "AB", []),
    ],
)
def test_assigned(panels: list[tuple[str, str]], printed: str, wanted: list[tuple[str, str]]) -> None:
    made = [Lettered(str(n), letter, by) for n, (letter, by) in enumerate(panels)]
    assert list(assigned(made, list(printed)).values()) == [Placed(*pair) for pair in wanted]
