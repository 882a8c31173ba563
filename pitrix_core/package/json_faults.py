"""Says in plain words what is not JSON about a text."""

import re
from collections.abc import Mapping
from typing import Final

from pitrix_core.package.json_records import JsonFaultError

#: What other languages write.
_WORDS_MEANT: Final[Mapping[str, str]] = {
    "True": "true",
    "False": "false",
    "None": "null",
    "TRUE": "true",
    "FALSE": "false",
    "NULL": "null",
    "nil": "null",
    "undefined": "null",
}
#: Characters that are in JSON by mistake, and what about them.
_STRANGE: Final[Mapping[str, str]] = {
    "/": "JSON has no comments; remove it",
    "#": "JSON has no comments; remove it",
    "'": 'a text stands in double quotes: "…"',
    **dict.fromkeys("\u201c\u201d\uff02", 'this is a typographic quote; write "'),
    "\uff1a": "this is a full-width colon; write :",
    "\uff1b": "this is a full-width semicolon; write ,",
    **dict.fromkeys("\uff5b\uff5d\uff3b\uff3d", "this is a full-width bracket"),
    "\u3001": "this is an ideographic comma; write ,",
    "\u00a0": "this is a no-break space; write an ordinary one",
    "\u3000": "this is a full-width space; write an ordinary one",
    "\ufeff": "this is a byte order mark; remove it",
    ";": "members and items are separated by commas",
    "=": "a name is separated from its value by a colon",
    "+": "a number has no plus sign; remove it",
    ".": "a number begins with a digit; write 0 before the point",
    "-": "this is not a number",
}
_CONTROL: Final[Mapping[str, str]] = {"\n": "a line break", "\r": "a line break", "\t": "a tab"}
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_INSIDE: Final = re.compile(r'[^"\\\x00-\x1f]*(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*)*')
#: Longest piece of the text that is quoted, in characters.
_QUOTED_LIMIT: Final = 40


def fault_at(text: str, position: int) -> JsonFaultError:
    """Return what is wrong where no token begins.

    :param position: before the end of the text; blanks after it are left out.
    """
    space = _SPACE.match(text, position)
    start = space.end() if space else position
    if text[start] == '"':
        return _fault_of_text(text, start)
    found = text[start]
    return JsonFaultError(_STRANGE.get(found, f"{found!r} does not belong here"), offset=start)


def fault_of_word(word: str, *, offset: int) -> JsonFaultError:
    """Return what is wrong with a word that JSON does not know."""
    if word in ("NaN", "Infinity"):
        reason = f"{word} is not a JSON number"
    elif word in _WORDS_MEANT:
        reason = f"{word} is written {_WORDS_MEANT[word]} in JSON"
    else:
        reason = f"{short(word)} is no value; a text stands in double quotes"
    return JsonFaultError(reason, offset=offset)


def short(word: str) -> str:
    """Quote a piece of the text, as long as fits into a message."""
    return repr(word if len(word) <= _QUOTED_LIMIT else word[: _QUOTED_LIMIT - 1] + "…")


def _fault_of_text(text: str, start: int) -> JsonFaultError:
    inside = _INSIDE.match(text, start + 1)
    end = inside.end() if inside else start + 1
    if end == len(text) or text[end] in "\r\n\\":
        return JsonFaultError("the quote that ends this text is missing", offset=start)
    what = _CONTROL.get(text[end], "a control character")
    return JsonFaultError(f"{what} in a text has to be escaped", offset=end)
