"""Go's fmt.Sprintf, Sprint and Sprintln, with the words they write for mistakes.

Source: https://pkg.go.dev/fmt
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pitrix_drone.gotemplate.errors import ExecError
from pitrix_drone.gotemplate.values import is_int
from pitrix_drone.gotemplate.verbs import Spec, formatted, show, typed

_FLAGS: Final = re.compile(r"[+\-# 0]*")
_DIGITS: Final = re.compile(r"[0-9]{0,4000}")  # more than int() takes has no use
_INDEX: Final = re.compile(r"\[([^\]]*)\]")
#: Widths and precisions beyond this are refused.
#: Source: https://cs.opensource.google/go/go/+/master:src/fmt/print.go (tooLarge)
_MAX_NUMBER: Final = 1_000_000
#: As much as a whole template may write.
_MAX_CHARS: Final = 8 * 1024 * 1024


def sprintf(template: str, *arguments: Any) -> str:
    """Return *template* with its directives filled in.

    :raises ExecError: the result is longer than a template may write.
    """
    return _Printer(template, arguments).run()


def sprint(*values: Any) -> str:
    """Return the values one after the other, with a space between two that are not strings.

    :raises ExecError: the result is longer than a template may write.
    """
    return "".join(_bounded(_spaced(values)))


def sprintln(*values: Any) -> str:
    """Return the values with spaces between them and a line end after them.

    :raises ExecError: the result is longer than a template may write.
    """
    return " ".join(_bounded(map(show, values))) + "\n"


def _spaced(values: tuple[Any, ...]) -> Iterator[str]:
    was_string = True
    for value in values:
        is_string = isinstance(value, str)
        yield show(value) if is_string or was_string else " " + show(value)
        was_string = is_string


def _bounded(parts: Iterable[str]) -> Iterator[str]:
    chars = 0
    for part in parts:
        chars += len(part)
        if chars > _MAX_CHARS:
            raise ExecError("the result is too long")
        yield part


class _Printer:
    """Goes through one template; *next* is the argument the next directive takes."""

    def __init__(self, template: str, arguments: tuple[Any, ...]) -> None:
        self._template = template
        self._arguments = arguments
        self._position = 0
        self._next = 0
        self._is_reordered = False
        self._is_index_good = True
        self._complaints = ""

    def run(self) -> str:
        return "".join(_bounded(self._pieces()))

    def _pieces(self) -> Iterator[str]:
        while (start := self._template.find("%", self._position)) >= 0:
            yield self._template[self._position : start]
            self._position = start + 1
            yield self._directive()
        yield self._template[self._position :]
        unused = self._arguments[self._next :]
        if unused and not self._is_reordered:
            yield f"%!(EXTRA {', '.join(_bounded(map(typed, unused)))})"

    def _directive(self) -> str:
        self._is_index_good = True
        self._complaints = ""
        flags = self._taken(_FLAGS)
        has_index = self._index()
        width, has_index = self._width(has_index)
        if width is not None and width < 0:
            width, flags = -width, flags.replace("0", "") + "-"
        precision, has_index = self._precision(has_index)
        if not has_index:
            self._index()
        if self._position >= len(self._template):
            return self._complaints + "%!(NOVERB)"
        verb = self._template[self._position]
        self._position += 1
        return self._complaints + self._filled_in(Spec(flags, width, precision, verb))

    def _filled_in(self, spec: Spec) -> str:
        if spec.verb == "%":
            return "%"
        if not self._is_index_good:
            return f"%!{spec.verb}(BADINDEX)"
        if self._next >= len(self._arguments):
            return f"%!{spec.verb}(MISSING)"
        value = self._arguments[self._next]
        self._next += 1
        if spec.verb in "vw":
            is_plus, is_sharp = "+" in spec.flags, "#" in spec.flags
            flags = spec.flags.replace("+", "").replace("#", "")
            spec = spec._replace(flags=flags, is_plus=is_plus, is_sharp=is_sharp)
        return formatted(value, spec)

    def _taken(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._template, self._position)
        text = match.group() if match else ""
        self._position += len(text)
        return text

    def _index(self) -> bool:
        """Read ``[2]``, if it is there, and go to that argument."""
        if self._template[self._position : self._position + 1] != "[":
            return False
        self._is_reordered = True
        match = _INDEX.match(self._template, self._position)
        if match is None:
            self._is_index_good = False
            self._position += 1
            return False
        self._position = match.end()
        digits = match.group(1)
        number = int(digits) if re.fullmatch("[0-9]{1,7}", digits, re.ASCII) else None
        if number is None or not 1 <= number <= len(self._arguments):
            self._is_index_good = False
            return number is not None
        self._next = number - 1
        return True

    def _width(self, has_index: bool) -> tuple[int | None, bool]:
        if self._at("*"):
            number = self._argument_as_number()
            if number is None:
                self._complaints += "%!(BADWIDTH)"
            return number, False
        digits = self._digits()
        if has_index and digits is not None:
            self._is_index_good = False
        return digits, has_index

    def _precision(self, has_index: bool) -> tuple[int | None, bool]:
        if self._position + 1 >= len(self._template) or not self._at("."):
            return None, has_index
        if has_index:
            self._is_index_good = False
        has_index = self._index()
        if not self._at("*"):
            return self._digits() or 0, has_index
        number = self._argument_as_number()
        if number is None or number < 0:
            self._complaints += "%!(BADPREC)"
            number = None
        return number, False

    def _at(self, char: str) -> bool:
        if self._template[self._position : self._position + 1] != char:
            return False
        self._position += 1
        return True

    def _digits(self) -> int | None:
        """Read a number; one that is far too large takes all the rest of the template with it."""
        text = self._taken(_DIGITS)
        if not text:
            return None
        if int(text[:-1] or 0) <= _MAX_NUMBER:
            return int(text)
        self._position = len(self._template)
        return None

    def _argument_as_number(self) -> int | None:
        if self._next >= len(self._arguments):
            return None
        value = self._arguments[self._next]
        self._next += 1
        return int(value) if is_int(value) and abs(value) <= _MAX_NUMBER else None
