"""Reads YAML of any length a value at a time, so that memory is bounded by the largest value.

What libyaml reads ahead of its events is bounded as well: text that makes no event for too long is
one huge word, and refused before it is in memory as a whole.
"""

import codecs
from typing import Any, BinaryIO, Final, NoReturn

import yaml

from pitrix_core.package.yaml import DEPTH_LIMIT, LOADER, NO_ALIASES, YamlFaultError

#: Largest value that is kept, in characters; each list, object and text in it counts as 64 more. A
#: version of an app takes 1 to 5 KB in an index, of which most are annotations.
_VALUE_LIMIT: Final = 1024 * 1024
_NODE_COST: Final = 64
#: Bytes that may be read without an event coming of them.
_AHEAD_LIMIT_BYTES: Final = 8 * 1024 * 1024


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
        self._depth = 0
        self._room = 0
        self._next_event = LOADER(self).get_event
        self._event: Any = None

    def read(self, size: int) -> str:
        """Return more text; libyaml calls it.

        :raises YamlFaultError: nothing came of a lot of text.
        """
        chunk = self._file.read(size)
        self._read_bytes += len(chunk)
        if self._read_bytes > _AHEAD_LIMIT_BYTES:
            reason = f"there is a value of more than {_AHEAD_LIMIT_BYTES} bytes"
            raise YamlFaultError(reason, self._event)
        return self._decode(chunk, not chunk)

    def next(self) -> Any:
        """Return the next event."""
        event = self._next_event()
        self._event = event
        self._read_bytes = 0
        kind = type(event)
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._depth += 1
            if self._depth > DEPTH_LIMIT:
                raise YamlFaultError(f"nested deeper than {DEPTH_LIMIT}", event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._depth -= 1
        elif kind is yaml.AliasEvent:
            raise YamlFaultError(NO_ALIASES, event)
        return event

    def value(self, event: Any) -> Any:
        """Return the value that begins with an event, whole.

        :raises LeftOutError: it is too large, or not to be kept for what it says.
        """
        self._room = _VALUE_LIMIT
        depth = self._depth - (type(event) is not yaml.ScalarEvent)
        try:
            return self._value(event)
        except LeftOutError:
            while self._depth > depth:
                self.next()
            raise

    def _value(self, event: Any) -> Any:
        kind = type(event)
        self._room -= _NODE_COST
        if kind is yaml.ScalarEvent:
            return self._text(event.value)
        if kind is yaml.SequenceStartEvent:
            items = []
            while type(event := self.next()) is not yaml.SequenceEndEvent:
                items.append(self._value(event))
            return items
        members: dict[str, Any] = {}
        while type(event := self.next()) is not yaml.MappingEndEvent:
            name = event.value if type(event) is yaml.ScalarEvent else _leave_out("a name is none")
            if name in members:
                _leave_out(f"{name[:64]!r} is there twice")
            self._room -= len(name)
            members[name] = self._value(self.next())
        return members

    def _text(self, text: str) -> str:
        self._room -= len(text)
        if self._room < 0:
            _leave_out(f"it has more than {_VALUE_LIMIT} characters")
        if "\0" in text:  # PostgreSQL keeps none
            _leave_out("there is a NUL character in it")
        return text


def _leave_out(reason: str) -> NoReturn:
    raise LeftOutError(reason)
