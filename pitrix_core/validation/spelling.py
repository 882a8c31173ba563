"""Finds the name that another one is most likely a misspelling of."""

import difflib
import itertools
from collections.abc import Iterable
from typing import Final

#: How alike two names are when one is taken for a misspelling of the other, as difflib has it:
#: of ``count``, ``cuont`` and ``counts`` are, ``amount`` is not.
_ALIKE: Final = 0.8
#: Letters put in, left out or changed. With more, names that do not begin alike are other words:
#: ``downgrade_policy`` is not meant for ``upgrade_policy``.
_EDITS: Final = 2
#: What is compared: so many characters of so many names.
_CHARACTERS: Final = 64
_NAMES: Final = 1000


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that another one is most likely a misspelling of.

    Capitals, dashes for underscores, a number or dashes behind it, and letters in another order
    make no difference. Takes a few milliseconds at most, whatever the names are.

    :param names: those that are known; the first thousand count.
    :returns: None where none is alike, and for a name that begins with a mark: so people write what
        is not to be read.
    """
    plain = _plain(name)
    if not plain[:1].isalnum():
        return None
    known: dict[str, str] = {}
    for each in itertools.islice(names, _NAMES):
        known.setdefault(_plain(each), each)
    if plain in known:
        return known[plain]
    letters = sorted(plain)
    swapped = [each for each in known if sorted(each) == letters]
    close = difflib.get_close_matches(plain, known, n=1, cutoff=_ALIKE)
    alike = swapped or [each for each in close if _is_slip(plain, each)]
    without_number = plain.rstrip("0123456789_")
    return known[alike[0]] if alike else known.get(without_number)


def _is_slip(name: str, other: str) -> bool:
    half = (len(other) + 1) // 2
    return name[:half] == other[:half] or _edits(name, other) <= _EDITS


def _edits(name: str, other: str) -> int:
    """Return how many letters have to be put in, left out or changed: Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(name, start=1):
        before, row[0] = row[0], number
        for at, its in enumerate(other, start=1):
            changed = before + (letter != its)
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, changed)
    return row[-1]


def _plain(name: str) -> str:
    return name[:_CHARACTERS].strip().rstrip("_-").casefold().replace("-", "_")
