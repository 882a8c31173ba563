"""The text of templates: one file, or numbered fragments that are one template together.

Images keep large templates as ``templates/x.sh/01.head.tmpl``, ``02.tail.tmpl`` and so on for a
resource whose ``src`` is ``x.sh.tmpl``; the first may open what the second closes.
"""

from __future__ import annotations

import bisect
import pathlib
import re
from typing import Final, NamedTuple

_NUMBERED: Final = re.compile(r"[0-9]")
_SUFFIX: Final = ".tmpl"
#: Where in the whole a message of the template language says that something is wrong.
_PLACE: Final = re.compile(r"\Atemplate: (.*?):(\d+): ", re.DOTALL)


class SourceError(Exception):
    """There is no template of this name; the message says where it was looked for."""


class Fragment(NamedTuple):
    """One of the files.

    :param line: the first of its lines, counted in the whole from 1.
    """

    name: str
    line: int


class Source(NamedTuple):
    """The text of a template, and the files it came from."""

    name: str
    text: str
    fragments: tuple[Fragment, ...] = ()

    def located(self, message: str) -> str:
        """Return a message of the template language with the fragment's own name and line."""
        place = _PLACE.match(message)
        if place is None or not self.fragments or place.group(1) != self.name:
            return message
        line = int(place.group(2))
        at = bisect.bisect([fragment.line for fragment in self.fragments], line) - 1
        fragment = self.fragments[max(at, 0)]
        where = f"template: {self.name}/{fragment.name}:{line - fragment.line + 1}: "
        return where + message[place.end() :]


def read_source(folder: pathlib.Path, src: str) -> Source:
    """Read a template.

    :param src: relative to *folder*. Without such a file a folder of this name, or of this name
        less ``.tmpl``, holds the fragments: its files whose names begin with a digit, ordered by
        name and each followed by a line end.
    :raises SourceError: there is neither.
    :raises OSError: a file cannot be read.
    """
    path = folder / src
    if path.is_file():
        return Source(path.name, _text(path))
    for place in (path, path.with_name(path.name.removesuffix(_SUFFIX))):
        numbered = sorted(each for each in place.glob("*") if _NUMBERED.match(each.name))
        if numbered:
            return _joined(path.name, numbered)
    raise SourceError(f"src: {path}: no such file, and no folder with numbered fragments of it")


def _joined(name: str, paths: list[pathlib.Path]) -> Source:
    text, fragments = "", []
    for path in paths:
        fragments.append(Fragment(path.name, text.count("\n") + 1))
        text += _text(path) + "\n"
    return Source(name, text, tuple(fragments))


def _text(path: pathlib.Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")
