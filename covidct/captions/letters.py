"""Which of the letters that a caption prints belongs to which panel, and whether that was read or is a guess.

The only place that decides it: sub-captions, labels and patients all come through here.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

READ, INFERRED, NONE = "read", "inferred", "none"


class Lettered(NamedTuple):
    """A panel as the splitter left it: its id, its letter, and how the letter was come by."""

    panel_id: str
    letter: str
    by: str = READ


class Placed(NamedTuple):
    """The letter as the caption prints it ("" where none belongs to the panel), and how it was come by."""

    letter: str
    by: str


NOWHERE = Placed("", NONE)


def assigned(panels: Sequence[Lettered], printed: Sequence[str]) -> dict[str, Placed]:
    """The printed letter of each panel, by panel id.

    A letter that was read holds by itself. Letters that were inferred hold together or not at all: a run that is
    longer than the caption's, or that has a letter which the caption has not, says that the count is wrong. Where no
    panel has a letter and there are as many panels as letters, they are inferred by order.
    """
    if not any(panel.letter for panel in panels):
        by_order = len(panels) == len(printed)
        pairs = zip(panels, printed, strict=True) if by_order else ()
        return dict.fromkeys((p.panel_id for p in panels), NOWHERE) | {
            panel.panel_id: Placed(letter, INFERRED) for panel, letter in pairs
        }
    known = {bare(letter): letter for letter in printed}
    fits = _run_fits(panels, known)
    return {panel.panel_id: _placed(panel, known, fits) for panel in panels}


def bare(letter: str) -> str:
    """A letter without case, brackets and full stop: what two prints of it have in common."""
    return letter.strip("().[] ").casefold()


def _run_fits(panels: Sequence[Lettered], known: Mapping[str, str]) -> bool:
    lettered = [panel for panel in panels if panel.letter]
    return len(lettered) <= len(known) and all(bare(p.letter) in known for p in lettered if p.by != READ)


def _placed(panel: Lettered, known: Mapping[str, str], fits: bool) -> Placed:
    letter = known.get(bare(panel.letter), "") if panel.letter else ""
    if not letter or (panel.by != READ and not fits):
        return NOWHERE
    return Placed(letter, READ if panel.by == READ else INFERRED)
