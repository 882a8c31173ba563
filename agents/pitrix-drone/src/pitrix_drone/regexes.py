"""Go's regular expressions, for ``filter``: RE2's syntax in Python's terms.

Source: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from typing import Final

from pitrix_drone.gotemplate import ExecError

_POSIX_CLASSES: Final = {
    "[:alnum:]": "0-9A-Za-z",
    "[:alpha:]": "A-Za-z",
    "[:blank:]": r"\t ",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:punct:]": r"!-/:-@\[-`{-~",
    "[:space:]": r"\t\n\v\f\r ",
    "[:upper:]": "A-Z",
    "[:word:]": "0-9A-Za-z_",
    "[:xdigit:]": "0-9A-Fa-f",
}


def compiled(pattern: str) -> re.Pattern[str]:
    """Translate Go's regular expression: POSIX classes, and ``$`` for the very end only."""
    for name, members in _POSIX_CLASSES.items():
        pattern = pattern.replace(name, members)
    pattern = pattern.replace(r"\z", r"\Z")
    if "(?m" not in pattern:
        pattern = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]|\$", _strict_end, pattern, flags=re.DOTALL)
    try:
        return re.compile(pattern, re.ASCII)
    except re.error as ex:
        raise ExecError(f"error parsing regexp: {ex}: `{pattern}`") from None


def _strict_end(match: re.Match[str]) -> str:
    return r"\Z" if match.group() == "$" else match.group()
