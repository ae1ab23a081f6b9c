"""Which characters may be panel letters: those that stand alone, in brackets, before a digit, or lead a line."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covidct.imaging.panels.glyphs import CHARACTERS, LETTERS, Character
from covidct.imaging.panels.leaf import PixelBox

Chances = NDArray[np.float32]
"""(26,): probability of each letter, either case."""
_OPEN, _SHUT = CHARACTERS.index("("), CHARACTERS.index(")")
_DIGITS = slice(CHARACTERS.index("0"), CHARACTERS.index("9") + 1)
STROKE = LETTERS.index("I")
"""Looks as l and 1 do."""


@dataclass(frozen=True)
class PrintLimits:
    """Thresholds of what may name a panel: probabilities, and lengths in heights of the letter."""

    sure: float = 0.55
    """Probability of a character from which it counts as a neighbour: noise beside a letter does not make it a word."""
    letter: float = 0.2
    """Probability of some letter, at least."""
    digit: float = 0.4
    """Probability of some digit behind a letter, at least."""
    close: float = 0.3
    """Gap up to which two characters are of one word; ``far``: of one line."""
    far: float = 1.6
    shared: float = 0.4
    """Height that two characters of one line have in common, at least; ``unlike``: how much higher one of them is."""
    unlike: float = 2.2
    led: float = 0.6
    """What is left of the probability of a letter without brackets that words follow."""


PRINTS = PrintLimits()


@dataclass(frozen=True)
class Print:
    """A printed letter that may name a panel."""

    chances: Chances
    lower: Chances
    """Share of each of ``chances`` that is a small letter."""
    box: PixelBox
    digit: str
    """The digit printed behind it ("1" of "a1"), or ""."""

    @property
    def best(self) -> int:
        """The likeliest letter, from 0."""
        return int(self.chances.argmax())

    @property
    def sure(self) -> float:
        """Probability of the likeliest letter."""
        return float(self.chances.max())

    @property
    def centre(self) -> tuple[float, float]:
        """x and y, pixels."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


def prints(found: Sequence[Character]) -> list[Print]:
    """The characters of ``found`` that may name a panel."""
    if not found:
        return []
    boxes = np.asarray([c.box for c in found], np.float64)
    strong = np.asarray([c.sure >= PRINTS.sure for c in found])
    letters = []
    for index, character in enumerate(found):
        if _letter_chance(character) < PRINTS.letter:
            continue
        word = _word(index, boxes, strong)
        made = _named(found, word, index)
        if made is not None and not _touches(boxes, strong, word, -1):
            letters.append(_followed(made, found, word) if _touches(boxes, strong, word, 1) else made)
    return letters


def _letter_chance(character: Character) -> float:
    return float(_chances(character)[0].max())


def _chances(character: Character) -> tuple[Chances, Chances]:
    large, small = character.scores[:26], character.scores[26:52]
    both = np.asarray(large + small, np.float32)
    both[STROKE] += sum(float(character.scores[CHARACTERS.index(alike)]) for alike in "l1")
    return both, np.asarray(small / np.maximum(both, 1e-6), np.float32)


def _in_line(index: int, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Characters on the same line as ``index``, and of a size that fits."""
    height = boxes[:, 3] - boxes[:, 1]
    shared = np.minimum(boxes[:, 3], boxes[index, 3]) - np.maximum(boxes[:, 1], boxes[index, 1])
    alike = np.abs(np.log(height / height[index])) < np.log(PRINTS.unlike)
    return np.asarray((shared >= PRINTS.shared * np.minimum(height, height[index])) & alike)


def _word(index: int, boxes: NDArray[np.float64], strong: NDArray[np.bool_]) -> list[int]:
    """Indices of the characters of one word, from left to right: ``index`` and what stands close on both sides."""
    line = _in_line(index, boxes) & strong
    line[index] = True
    order = [int(i) for i in np.argsort(boxes[:, 0], kind="stable") if line[i]]
    at, reach = order.index(index), PRINTS.close * (boxes[index, 3] - boxes[index, 1])
    start = stop = at
    while start > 0 and boxes[order[start], 0] - boxes[order[start - 1], 2] <= reach:
        start -= 1
    while stop + 1 < len(order) and boxes[order[stop + 1], 0] - boxes[order[stop], 2] <= reach:
        stop += 1
    return order[start : stop + 1]


def _touches(boxes: NDArray[np.float64], strong: NDArray[np.bool_], word: Sequence[int], side: int) -> bool:
    """Whether another word of the line begins (``side`` 1) or ends (-1) next to ``word``."""
    line = _in_line(word[0], boxes) & strong
    line[list(word)] = False
    height = float((boxes[list(word), 3] - boxes[list(word), 1]).max())
    first, last = boxes[word[0]], boxes[word[-1]]
    gaps = boxes[line, 0] - last[2] if side > 0 else first[0] - boxes[line, 2]
    return bool(((gaps > 0) & (gaps <= PRINTS.far * height)).any())


def _named(found: Sequence[Character], word: Sequence[int], index: int) -> Print | None:
    """The letter at ``index`` where ``word`` is one that names a panel: B, (B), B), b1, (b1), and 4b) of figure 4."""
    inner = [i for i in word if found[i].name not in "()"]
    if len(inner) == 2 and inner[1] == index and found[word[-1]].name == ")":
        inner = inner[1:] if float(found[inner[0]].scores[_DIGITS].sum()) >= PRINTS.digit else inner
    if len(inner) > 2 or inner[:1] != [index] or len(word) > 4:
        return None
    digit = ""
    if len(inner) == 2:
        tail = found[inner[1]].scores[_DIGITS]
        if float(tail.sum()) < PRINTS.digit:
            return None
        digit = str(int(tail.argmax()))
    chances, lower = _chances(found[index])
    return Print(chances, lower, found[index].box, digit)


def _followed(made: Print, found: Sequence[Character], word: Sequence[int]) -> Print:
    """Before other words a bracket makes a letter; without one it is more likely the word "a"."""
    bracketed = any(found[i].name in "()" for i in word)
    return made if bracketed else Print(made.chances * np.float32(PRINTS.led), made.lower, made.box, made.digit)


def name(letter: int, small: bool) -> str:
    """The letter as printed."""
    return LETTERS[letter].lower() if small else LETTERS[letter]
