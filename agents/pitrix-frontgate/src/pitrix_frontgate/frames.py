"""Frames: the messages between Frontgate and Pilot, to and from their JSON text."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pitrix_frontgate import shapes
from pitrix_frontgate.errors import FrameError

#: The protocol's limit, section 1.
MAX_FRAME_BYTES: Final = 4 * 1024 * 1024

_MAX_ID: Final = 128


class Frame(NamedTuple):
    """One message; ``reply_to`` is the id of the frame it answers."""

    id: str
    type: str
    body: Mapping[str, Any]
    reply_to: str | None = None


def new_id() -> str:
    """Return an id that no other frame has."""
    return secrets.token_hex(12)


def report_id(key: str, mod_revision: int, store_id: str) -> str:
    """Name a report so that the same one always has the same id.

    :param store_id: tells the revisions of this store from those of a later one.
    """
    name = f"{key}:{mod_revision}:{store_id}"
    if shapes.is_frame_id(name):
        return name
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    return f"sha256:{digest[:40]}:{mod_revision}:{store_id}"


def reply_id(frame_id: str) -> str:
    """Name the answer to a frame: the same each time the frame comes."""
    name = f"re:{frame_id}"
    if len(name) <= _MAX_ID:
        return name
    return f"re:sha256:{hashlib.sha256(frame_id.encode()).hexdigest()}"


def ack(frame_id: str) -> Frame:
    """Build the frame that tells that *frame_id* is safe."""
    return Frame(new_id(), "ack", {}, frame_id)


def encode(frame: Frame) -> str:
    """Return the frame's text; halves of surrogate pairs become question marks."""
    data: dict[str, Any] = {"id": frame.id, "type": frame.type, "body": frame.body}
    if frame.reply_to is not None:
        data["reply_to"] = frame.reply_to
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8")


def decode(text: str | bytes) -> Frame:
    """Read a frame.

    :raises FrameError: it is not one; its id cannot be trusted, so that nothing answers it.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as ex:
        raise FrameError("bad-frame", f"the message is not JSON: {ex}") from ex
    if not isinstance(data, dict) or not _is_frame(data):
        raise FrameError("bad-frame", "the message is no object with id, type and body")
    return Frame(data["id"], data["type"], data["body"], data.get("reply_to"))


def _is_frame(data: Mapping[str, Any]) -> bool:
    return (
        shapes.is_frame_id(data.get("id"))
        and isinstance(data.get("type"), str)
        and isinstance(data.get("body"), dict)
        and ("reply_to" not in data or shapes.is_frame_id(data["reply_to"]))
    )
