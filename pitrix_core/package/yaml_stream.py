"""Reads YAML of any length a value at a time, so that memory is bounded by the largest value.

What libyaml reads ahead of its events is bounded as well: text that makes no event for too long is
one huge word, and refused before it is in memory as a whole.
"""

import codecs
import re
from typing import Any, BinaryIO, Final, NoReturn

import yaml

from pitrix_core.package.yaml import DEPTH_LIMIT, LOADER, NO_ALIASES, YamlFaultError

#: Largest value that is kept, in characters; each list, object and text in it counts as 64 more. A
#: version of an app takes 1 to 5 KB in an index, of which most are annotations.
_VALUE_LIMIT: Final = 1024 * 1024
_NODE_COST: Final = 64
_STARTS: Final = frozenset({yaml.MappingStartEvent, yaml.SequenceStartEvent})
_ENDS: Final = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})
#: Bytes that may be read without an event coming of them.
_AHEAD_LIMIT_BYTES: Final = 8 * 1024 * 1024


#: Two escapes of JSON that are one character beyond the first 65,536; YAML has another escape for
#: these, and refuses halves. Source: https://www.rfc-editor.org/rfc/rfc8259#section-7.
_PAIR: Final = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_PAIR_LENGTH: Final = 12


class LeftOutError(Exception):
    """A value is not kept; the stream goes on after it."""


class YamlStream:
    """Walks through a YAML text; whoever reads takes collections apart, or whole.

    Everything raises ``YamlFaultError`` or ``yaml.YAMLError`` where the text is no YAML or holds
    what we do not take: ``translated`` makes them errors of ours.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Begin at the file's position; bytes that are not UTF-8 become a replacement character."""
        self._file = file
        self._read_bytes = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._left = ""
        self._depth = 0
        self._room = 0
        self._next_event = LOADER(self).get_event
        self._event: Any = None

    def read(self, size: int) -> str:
        """Return more text; libyaml calls it.

        :raises YamlFaultError: nothing came of a lot of text.
        """
        text = ""
        while not text:  # none means that there is no more
            chunk = self._file.read(size)
            self._read_bytes += len(chunk)
            if self._read_bytes > _AHEAD_LIMIT_BYTES:
                reason = f"there is a value of more than {_AHEAD_LIMIT_BYTES} bytes"
                raise YamlFaultError(reason, self._event)
            text, self._left = self._left + self._decode(chunk, not chunk), ""
            if not chunk:
                break
            at = text.find("\\", max(0, len(text) - _PAIR_LENGTH + 1))
            if at >= 0:  # perhaps half of a pair
                text, self._left = text[:at], text[at:]
        return _PAIR.sub(_joined, text)

    def next(self) -> Any:
        """Return the next event."""
        event = self._next_event()
        self._event = event
        self._read_bytes = 0
        kind = type(event)
        if kind in _STARTS:
            self._enter(event)
        elif kind in _ENDS:
            self._depth -= 1
        elif kind is yaml.AliasEvent:
            raise YamlFaultError(NO_ALIASES, event)
        return event

    def value(self, event: Any) -> Any:
        """Return the value that begins with an event, whole.

        :raises LeftOutError: it is too large, or not to be kept for what it says.
        """
        self._room = _VALUE_LIMIT
        self._depth -= type(event) in _STARTS  # it is entered below
        depth = self._depth
        try:
            return self._value(event)
        except LeftOutError:
            while self._depth > depth:
                self.next()
            raise

    def _value(self, event: Any) -> Any:
        # NOTE(speed): millions of events pass here; this is most of what reading an index takes
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self._text(event.value)
        if kind is yaml.AliasEvent:
            raise YamlFaultError(NO_ALIASES, event)
        self._enter(event)
        self._room -= _NODE_COST
        found = self._items() if kind is yaml.SequenceStartEvent else self._members()
        self._depth -= 1
        return found

    def _items(self) -> list[Any]:
        items = []
        while type(event := self._next_event()) is not yaml.SequenceEndEvent:
            items.append(self._value(event))
        return items

    def _members(self) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while type(event := self._next_event()) is not yaml.MappingEndEvent:
            if type(event) is not yaml.ScalarEvent:
                self._depth += type(event) in _STARTS  # left out from within it
                _leave_out("a name is none")
            name = self._text(event.value)
            if name in members:
                _leave_out(f"{name[:64]!r} is there twice")
            members[name] = self._value(self._next_event())
        return members

    def _enter(self, event: Any) -> None:
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise YamlFaultError(f"nested deeper than {DEPTH_LIMIT}", event)

    def _text(self, text: str) -> str:
        self._room -= len(text) + _NODE_COST
        if self._room < 0:
            _leave_out(f"it has more than {_VALUE_LIMIT} characters")
        if "\0" in text:  # PostgreSQL keeps none
            _leave_out("there is a NUL character in it")
        return text


def _leave_out(reason: str) -> NoReturn:
    raise LeftOutError(reason)


def _joined(pair: re.Match[str]) -> str:
    return bytes.fromhex(pair[1] + pair[2]).decode("utf-16-be")
