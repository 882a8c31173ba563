"""Names places in JSON by pointers (RFC 6901)."""

from collections.abc import Iterable
from typing import Any


def pointer_to(parts: Iterable[object]) -> str:
    """Return the JSON pointer of a path."""
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in parts)


def pointer_parts(pointer: str) -> tuple[str, ...]:
    """Return the names and numbers of a JSON pointer, from the top."""
    return tuple(p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:])


def resolve_pointer(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer names.

    :raises KeyError: there is nothing.
    """
    for key in pointer_parts(pointer):
        try:
            document = document[int(key)] if isinstance(document, list | tuple) else document[key]
        except (ValueError, IndexError, TypeError) as ex:
            raise KeyError(pointer) from ex
    return document
