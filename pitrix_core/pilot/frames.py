"""Frames between Pilot and Frontgate, to and from their JSON."""

import hashlib
import json
import math
import re
from typing import Any, Final

from pitrix_core.pilot.inbox import Admission, Frame

#: agents/protocol/README.md section 1.
_FRAME_ID: Final = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_LONGEST_ID: Final = 128
#: Id of every ``welcome``: one that is acknowledged has been written down.
WELCOME: Final = "welcome"


def parse(text: str | bytes) -> Frame:
    """Read a frame; what no database takes is replaced, or it would be sent again for ever.

    :raises ValueError: it is none.
    """
    try:
        document = _storable(json.loads(text))
    except RecursionError as ex:
        raise ValueError("nested too deeply") from ex
    match document:
        case {"id": str(id_), "type": str(type_), "body": dict(body)} if _FRAME_ID.fullmatch(id_):
            reply_to = document.get("reply_to")
            if reply_to is None or isinstance(reply_to, str):
                return Frame(id=id_, type=type_, body=body, reply_to=reply_to)
    raise ValueError("not a frame")


def welcome(admission: Admission) -> dict[str, Any]:
    """Build the answer to a ``hello`` that is welcome."""
    token = {} if admission.token is None else admission.token.members()
    return {"id": WELCOME, "type": "welcome", "body": {"protocol": admission.protocol, **token}}


def refusal(code: str, message: str) -> dict[str, Any]:
    """Build the answer to a ``hello`` that is not."""
    return {"id": "refused", "type": "refused", "body": {"code": code, "message": message}}


def ack(frame: Frame) -> dict[str, Any]:
    """Build what tells that a frame is safe."""
    id_ = f"ack:{frame.id}"[:_LONGEST_ID]
    return {"id": id_, "type": "ack", "body": {}, "reply_to": frame.id}


def reply(frame: Frame, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Build an answer, which has the same id each time the frame comes."""
    digest = hashlib.sha256(frame.id.encode()).hexdigest()
    return {"id": f"{kind}:{digest}", "type": kind, "body": body, "reply_to": frame.id}


def _storable(value: Any) -> Any:
    """Put ``?`` for NUL and halves of surrogate pairs, null for numbers that are not finite.

    PostgreSQL refuses the first two in a text, the last in JSON; SQLite takes some of them.
    """
    match value:
        case str():
            return value.encode(errors="replace").decode().replace("\0", "?")
        case float() if not math.isfinite(value):
            return None
        case list():
            return [_storable(member) for member in value]
        case dict():
            return {_storable(name): _storable(member) for name, member in value.items()}
    return value
