"""Turns what a use returned into an answer: status, headers, body."""

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs

from pitrix_core import convert
from pitrix_core.model import ClusterSnapshot
from pitrix_core.rest.operation import ACCEPT_LANGUAGE, Call, File, Operation, Shape
from pitrix_core.rest.pagination import Page, page_of, page_of_slice
from pitrix_core.rest.refusals import PreconditionError

JSON: Final = "application/json"
OCTETS: Final = "application/octet-stream"

#: Characters of a digest in an ETag; 128 bits.
_TAG_LENGTH: Final = 32


@attrs.frozen(kw_only=True)
class Answer:
    """What is sent back."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""


def answer_of(operation: Operation, call: Call, result: Any) -> Answer:
    """Return the answer that says what a use returned."""
    if operation.shape is Shape.NOTHING or (result is None and operation.may_be_empty):
        return Answer(status=HTTPStatus.NO_CONTENT)
    if operation.shape is Shape.PAGE:
        limit, cursor = call.parameters["limit"], call.parameters.get("cursor")
        return _json_answer(operation, page_of(result, limit=limit, cursor=cursor))
    if operation.shape is Shape.SLICE:
        return _json_answer(operation, page_of_slice(result, limit=call.parameters["limit"]))
    if operation.shape is Shape.EVENTS:
        is_full = len(result) == call.parameters["limit"]
        cursor = str(result[-1].id) if is_full else None
        return _json_answer(operation, Page(items=result, next_cursor=cursor))
    if operation.shape in (Shape.OCTETS, Shape.FILE):
        return _octets_answer(operation, call, result)
    return _record_answer(operation, call, result)


def _octets_answer(operation: Operation, call: Call, result: bytes | File) -> Answer:
    answer = Answer(status=operation.status, headers=_typed(operation))
    if isinstance(result, File):
        headers = {"Content-Type": result.media_type, **result.headers}
        answer = attrs.evolve(answer, headers=headers, body=result.content)
    else:
        answer = attrs.evolve(answer, body=result)
    return _conditional(call, answer, tag=_tag(answer))


def _record_answer(operation: Operation, call: Call, result: Any) -> Answer:
    answer = _json_answer(operation, result)
    if operation.location is not None:
        location = operation.location.format(id=result.id)
        return attrs.evolve(answer, headers={**answer.headers, "Location": location})
    if not operation.is_cacheable:
        return answer
    is_cluster = isinstance(result, ClusterSnapshot)
    prefix = f"{result.cluster.revision}-" if is_cluster else ""
    return _conditional(call, answer, tag=_tag(answer, prefix))


def _json_answer(operation: Operation, result: Any) -> Answer:
    body = json.dumps(convert.to_json(result), ensure_ascii=False).encode()
    return Answer(status=operation.status, headers=_typed(operation), body=body)


def _typed(operation: Operation) -> dict[str, str]:
    is_translated = ACCEPT_LANGUAGE in operation.parameters
    vary = {"Vary": ACCEPT_LANGUAGE.name} if is_translated else {}
    return {"Content-Type": operation.media_type, **vary}


# -- ETags -----------------------------------------------------------------------------------------


def _tag(answer: Answer, prefix: str = "") -> str:
    return f'"{prefix}{hashlib.sha256(answer.body).hexdigest()[:_TAG_LENGTH]}"'


def _conditional(call: Call, answer: Answer, *, tag: str) -> Answer:
    if _names(call.parameters.get("If-None-Match"), tag):
        return Answer(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
    return attrs.evolve(answer, headers={**answer.headers, "ETag": tag})


def _names(condition: str | None, tag: str) -> bool:
    return condition is not None and bool({"*", tag} & set(_tags(condition)))


def _tags(condition: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in condition.split(",")]


def require_revision(condition: str, revision: int) -> None:
    """Check a cluster's revision with If-Match.

    A cluster's ETag begins with its revision, ``"7-…"``; what follows changes with its nodes'
    reports and says nothing about whether a change still fits. ``"7"`` alone is enough.

    :param condition: the header.
    :raises PreconditionError: none of its tags begins with the revision.
    """
    revisions = {tag.strip('"').partition("-")[0] for tag in _tags(condition)}
    if not revisions & {"*", str(revision)}:
        raise PreconditionError(
            f"The cluster is at revision {revision}, not the one that If-Match names.",
            next_step="Read the cluster again and make a new plan.",
        )
