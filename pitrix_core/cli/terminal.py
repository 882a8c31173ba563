"""Writes what strangers wrote so that a terminal shows it, and does nothing else.

Names, descriptions and messages come from packages. A terminal takes some characters for commands:
to move the cursor, to write over a line, to turn the order of letters round. Those are shown as
escapes, in texts for people as ``\\x1b``, in JSON as JSON spells them.

Source: ECMA-48, 5th edition, sections 5.2 and 5.3 (C0, C1); Unicode Standard Annex #9, section 2
(bidirectional control); https://trojansource.codes, read 2026-11.
"""

import json
import re
from typing import Final

import click

#: Control characters but for line feeds and tabs, line separators, and what turns letters round;
#: and halves of characters, which cannot be written at all.
_COMMAND: Final = (
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
#: Bold, a colour, and the end of both: what :func:`click.style` writes for us.
_STYLE: Final = r"\x1b\[(?:[01]|3[1-6])m"
_IN_TEXT: Final = re.compile(f"({_STYLE})|{_COMMAND}")
_IN_JSON: Final = re.compile(_COMMAND)
_BYTE: Final = 0xFF


def say(text: object = "", *, err: bool = False) -> None:
    """Write a line.

    :param err: to standard error.
    """
    click.echo(visible(str(text)), err=err)


def hand_over(document: str, *, to_terminal: bool) -> None:
    """Write a document: to a program or a file as it is, byte for byte."""
    click.echo(visible(document) if to_terminal else document.encode(), nl=False)


def visible(text: str) -> str:
    """Return a text with an escape for each character that a terminal would take for a command."""
    return _IN_TEXT.sub(lambda match: match[1] or _escaped(match[0]), text)


def in_one_line(text: str) -> str:
    """Return a text in which a line feed is an escape, too: for columns."""
    return text.replace("\n", "\\n")


def indented(text: str, width: int) -> str:
    """Return a text whose lines, but for the first, begin further right: none looks like ours."""
    return text.replace("\n", "\n" + " " * width)


def json_text(value: object, *, indent: int | None = None) -> str:
    """Return JSON that is the same for programs, and harmless in a terminal."""
    written = json.dumps(value, indent=indent, ensure_ascii=False)
    return _IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", written)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code <= _BYTE else f"\\u{code:04x}"
