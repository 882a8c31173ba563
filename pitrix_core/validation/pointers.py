"""Names places in JSON by pointers (RFC 6901)."""

from collections.abc import Iterable
from typing import Any


def pointer_to(parts: Iterable[object]) -> str:
    """Return the JSON pointer of a path."""
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in parts)


def resolve_pointer(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer names.

    :raises KeyError: there is nothing.
    """
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(key)] if isinstance(document, list | tuple) else document[key]
        except (ValueError, IndexError, TypeError) as ex:
            raise KeyError(pointer) from ex
    return document
