"""Reads JSON slowly: with the place of everything, and with commas that are wrong.

Commas carry no meaning in JSON: where one is missing, too much, or a full-width one, there is only
one way to read the text, so it is read and the comma noted. Everything else that is wrong is a
fault with its place and a reason in plain words. For a text the fast reader of the standard library
refused, and for authors who want to know where something stands.

Linear and bounded: one pass, one regular expression that never looks back, a stack of its own. The
places are a tree and no table by pointer: ten thousand members below one long name would repeat
that name ten thousand times.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

import attrs

from pitrix_core.model import JsonValue
from pitrix_core.package.json_faults import fault_at, fault_of_word, short
from pitrix_core.package.json_records import JsonFaultError, Scan, Slip, Spot
from pitrix_core.validation import pointer_to

#: Longest text, in characters: a hundred times the largest real one that was seen.
TEXT_LIMIT: Final = 2_000_000
#: Deepest nesting: ten times the deepest real one that was seen.
DEPTH_LIMIT: Final = 100
#: Wrong commas beyond which the text is something else than JSON.
SLIPS_LIMIT: Final = 100
#: Names of repeated members that are noted.
_REPEATED_LIMIT: Final = 100

# NOTE(3.11): repeating a group possessively goes wrong before Python 3.11.5; one class is right.
# Source: https://github.com/python/cpython/issues/106052
_TEXT: Final = r'"[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*"'
_TOKEN: Final = re.compile(
    rf"[ \t\r\n]*+(?:(?P<mark>[\[\]{{}}:,\uff0c])|(?P<text>{_TEXT})"
    r"|(?P<number>-?[0-9][0-9.eE+-]*+)|(?P<word>[A-Za-z_$][A-Za-z0-9_$]*+)|(?P<end>\Z))"
)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_CLOSES: Final = {"{": "}", "[": "]"}
_WORDS: Final = {"true": True, "false": False, "null": None}
_SURPLUS: Final = "there is a comma too much"


def scan_json(text: str) -> Scan:
    """Read a text.

    :raises JsonFaultError: it is no JSON whatever its commas, or beyond a limit.
    """
    if len(text) > TEXT_LIMIT:
        raise JsonFaultError(f"it has more than {TEXT_LIMIT} characters", offset=TEXT_LIMIT)
    return _Scanner(text).scan()


@attrs.define
class _Frame:
    """An object or a list that is not closed yet; the outermost one has no mark: the text."""

    mark: str
    offset: int
    spot: Spot
    value: Any
    #: Name of the member, or number of the item, that was read last.
    part: str = ""
    count: int = 0
    #: What is expected next: ``item`` (or a comma, or the end), ``colon`` or ``value``.
    wants: str = "item"
    #: Where the comma after what was read last is.
    comma_at: int | None = None
    #: Where what was read last ended.
    end: int = 0
    #: Where the name that was read last begins.
    name_at: int = 0


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._top = Spot(0)
        self._stack = [_Frame(mark="", offset=0, spot=self._top, value=[])]
        self._slips: list[Slip] = []
        self._repeated: dict[str, None] = {}

    def scan(self) -> Scan:
        for kind, start, end in self._tokens():
            if kind == "mark":
                self._mark(self._text[start], start, end)
            elif kind == "text" and self._frame.mark == "{" and self._frame.wants == "item":
                self._name(start, end)
            elif kind != "end":
                self._scalar(kind, start, end)
        self._finish()
        top = self._stack[0]
        return Scan(
            value=top.value[0],
            top=top.spot.parts["0"],
            slips=tuple(self._slips),
            repeated=tuple(self._repeated),
        )

    @property
    def _frame(self) -> _Frame:
        return self._stack[-1]

    def _tokens(self) -> Iterator[tuple[str, int, int]]:
        position, kind = 0, ""
        while kind != "end":
            match = _TOKEN.match(self._text, position)
            if match is None or match.lastgroup is None:
                raise fault_at(self._text, position)
            kind, position = match.lastgroup, match.end()
            yield kind, match.start(kind), position

    # -- what a token does -------------------------------------------------------------------------

    def _mark(self, mark: str, start: int, end: int) -> None:
        if mark in "{[":
            self._open(mark, start)
        elif mark in "}]":
            self._close(mark, start, end)
        elif mark == ":":
            self._colon(start)
        else:
            self._comma(mark, start)

    def _open(self, mark: str, start: int) -> None:
        if len(self._stack) > DEPTH_LIMIT:
            raise JsonFaultError(
                f"nested too deeply: deeper than {DEPTH_LIMIT} levels", offset=start
            )
        value: Any = {} if mark == "{" else []
        spot = self._add(value, start, start)
        self._stack.append(_Frame(mark=mark, offset=start, spot=spot, value=value, end=start + 1))

    def _close(self, mark: str, start: int, end: int) -> None:
        frame = self._frame
        if not frame.mark:
            self._fail_after(start)
        if _CLOSES[frame.mark] != mark:
            self._fail_open(f"{_CLOSES[frame.mark]} is missing here", start)
        if frame.wants != "item":
            self._fail_unfinished(start)
        if frame.comma_at is not None:
            self._slip(_SURPLUS, frame.comma_at)
        self._stack.pop()
        self._frame.end = end

    def _colon(self, start: int) -> None:
        frame = self._frame
        if frame.wants != "colon":
            self._fail("there is a colon too much", start)
        frame.wants = "value"

    def _comma(self, mark: str, start: int) -> None:
        frame = self._frame
        if not frame.mark:
            self._fail_after(start)
        if frame.wants != "item":
            self._fail_unfinished(start)
        if frame.comma_at is not None or not frame.count:
            self._slip(_SURPLUS, start)
            return
        if mark != ",":
            self._slip("this is a full-width comma; write ,", start)
        frame.comma_at = start

    def _name(self, start: int, end: int) -> None:
        frame = self._frame
        self._check_comma(start)
        name = self._decoded(start, end)
        if name in frame.value and len(self._repeated) < _REPEATED_LIMIT:
            self._repeated[self._pointer(name)] = None
        frame.part, frame.wants, frame.name_at, frame.end = name, "colon", start, end

    def _scalar(self, kind: str, start: int, end: int) -> None:
        if kind == "text":
            value: JsonValue = self._decoded(start, end)
        elif kind == "number":
            value = self._number(start, end)
        else:
            value = self._word(start, end)
        self._add(value, start, end)

    def _add(self, value: JsonValue, start: int, end: int) -> Spot:
        frame = self._frame
        if frame.mark == "{":
            self._check_value(start)
            frame.value[frame.part] = value
            spot = Spot(frame.name_at)
        else:
            if not frame.mark and frame.count:
                self._fail_after(start)
            self._check_comma(start)
            frame.part = str(frame.count)
            frame.value.append(value)
            spot = Spot(start)
        frame.spot.parts[frame.part] = spot
        frame.count, frame.wants, frame.comma_at, frame.end = frame.count + 1, "item", None, end
        return spot

    # -- what is wrong -----------------------------------------------------------------------------

    def _check_value(self, start: int) -> None:
        frame = self._frame
        if frame.wants == "item":
            self._fail("the name of a member is missing: a text in double quotes", start)
        if frame.wants == "colon":
            self._fail(f"a colon is missing after the name {short(frame.part)}", frame.end)

    def _check_comma(self, start: int) -> None:
        frame = self._frame
        if not frame.count or frame.comma_at is not None:
            return
        before, here = self._text[frame.end - 1], self._text[start]
        if start == frame.end and before not in "}]" and here not in "{[":
            # NOTE(quotes): "he said "no" twice" is a quote to be escaped, not a missing comma
            self._fail('this follows on a value; a quote inside a text is written \\"', start)
        self._slip("a comma is missing here", frame.end)

    def _slip(self, message: str, offset: int) -> None:
        if len(self._slips) >= SLIPS_LIMIT:
            self._fail(f"more than {SLIPS_LIMIT} commas are wrong", offset)
        frame = self._frame
        pointer = self._pointer(frame.part) if frame.count else self._pointer()
        self._slips.append(Slip(message=message, offset=offset, pointer=pointer))

    def _finish(self) -> None:
        frame = self._frame
        if frame.mark:
            missing = f"the text ends, and {_CLOSES[frame.mark]} is missing"
            self._fail_open(missing, len(self._text.rstrip()))
        if not frame.count:
            self._fail("there is nothing", 0)

    def _fail_unfinished(self, start: int) -> NoReturn:
        frame = self._frame
        if frame.wants == "colon":
            self._fail(f"the colon and the value after {short(frame.part)} are missing", start)
        self._fail(f"the value of {short(frame.part)} is missing", start)

    def _fail_after(self, start: int) -> NoReturn:
        if not self._frame.count:
            self._fail("there is no value before this", start)
        self._fail("the document has ended before this; is a bracket too many further up?", start)

    def _fail(self, reason: str, offset: int) -> NoReturn:
        raise JsonFaultError(reason, offset=offset)

    def _fail_open(self, reason: str, offset: int) -> NoReturn:
        frame = self._frame
        raise JsonFaultError(
            f"{reason}; {frame.mark} was opened", offset=offset, opened_at=frame.offset
        )

    # -- what a token says -------------------------------------------------------------------------

    def _pointer(self, *more: str) -> str:
        return pointer_to((*(frame.part for frame in self._stack[1:-1]), *more))

    def _decoded(self, start: int, end: int) -> str:
        token = self._text[start:end]
        if "\\" not in token:
            return token[1:-1]
        try:
            decoded: str = json.loads(token)
        except json.JSONDecodeError as ex:
            raise JsonFaultError("this escape is unknown", offset=start + ex.pos) from ex
        return decoded

    def _number(self, start: int, end: int) -> int | float:
        token = self._text[start:end]
        match = _NUMBER.fullmatch(token)
        if match is None:
            self._fail(f"{short(token)} is not a number", start)
        try:
            number = float(token) if match.group(1) or match.group(2) else int(token)
        except ValueError as ex:  # Python reads integers of 4300 digits and no more
            raise JsonFaultError("this number has too many digits", offset=start) from ex
        if number in (float("inf"), float("-inf")):
            self._fail("this number is too large", start)
        return number

    def _word(self, start: int, end: int) -> bool | None:
        word = self._text[start:end]
        if word not in _WORDS:
            raise fault_of_word(word, offset=start)
        return _WORDS[word]
