"""Takes secrets out of what is written down of a plugin's failure."""

from collections.abc import Iterable
from typing import Any, Final

import attrs

#: Shorter values are not looked for in texts: taking them out would spoil every message.
_SHORTEST_SECRET: Final = 4
_HIDDEN: Final = "[hidden]"


def fields_of(value: object) -> "tuple[attrs.Attribute[Any], ...]":
    """Return the fields of a record; none of anything else."""
    cls = type(value)
    return attrs.fields(cls) if attrs.has(cls) else ()


def texts_of(value: object) -> list[str]:
    """Name the texts of a credential that are long enough to be looked for."""
    return _long_texts(value, fields_of(value))


def hidden_texts_of(value: object) -> list[str]:
    """Name the texts of a record that are not to be printed."""
    return _long_texts(value, [field for field in fields_of(value) if not field.repr])


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text without these."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return text


def _long_texts(value: object, fields: "Iterable[attrs.Attribute[Any]]") -> list[str]:
    """Return texts and their lines, since a message may quote one line only."""
    texts = [getattr(value, field.name) for field in fields]
    parts = [part for text in texts if isinstance(text, str) for part in (text, *text.split("\n"))]
    return [part for part in parts if len(part) >= _SHORTEST_SECRET]
