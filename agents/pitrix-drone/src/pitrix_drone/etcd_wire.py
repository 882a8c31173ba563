"""Words of etcd's v3 JSON gateway: records, errors, and the pieces requests are made of.

Keys and values travel as base64; numbers of 64 bits travel as strings; fields with a zero value
are left out of answers.
Source: https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]

#: gRPC status codes as the gateway reports them.
#: Source: https://grpc.github.io/grpc/core/md_doc_statuscodes.html
UNAVAILABLE = 14
OUT_OF_RANGE = 11
UNAUTHENTICATED = 16


class EtcdError(Exception):
    """etcd refused a request.

    :param code: the gRPC status code, or None when the answer carried none.
    :param message: etcd's own words.
    :param http_status: the status of the HTTP answer, or None when there was none.
    """

    def __init__(self, code: int | None, message: str, http_status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = http_status


class CompactedError(EtcdError):
    """The revision asked for is no longer kept."""


class EtcdUnavailableError(EtcdError):
    """No endpoint could be reached, the connection broke, or etcd has no leader."""


class KeyValue(NamedTuple):
    """One key at one revision."""

    key: str
    value: str
    mod_revision: int
    create_revision: int


class Snapshot(NamedTuple):
    """What one or more prefixes held at one revision of the store."""

    revision: int
    items: tuple[KeyValue, ...]


class Event(NamedTuple):
    """One change seen by a watch; the value of a ``DELETE`` is empty."""

    type: str
    kv: KeyValue


class Permission(NamedTuple):
    """What a role may do with the keys from ``key`` up to, but not with, ``range_end``."""

    permission: str
    key: str
    range_end: str


class Status(NamedTuple):
    """What a member says about itself."""

    version: str
    revision: int
    has_leader: bool


def prefix_end(prefix: bytes) -> bytes:
    """Return the first key after all keys that begin with *prefix*."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else b"\0"


def key_of(key: str) -> Json:
    """Return the fields that name one key."""
    return {"key": encode(key)}


def range_of(prefix: str) -> Json:
    """Return the fields that name every key beginning with *prefix*."""
    raw = _bytes(prefix)
    return {"key": _b64(raw or b"\0"), "range_end": _b64(prefix_end(raw))}


def op_put(key: str, value: str) -> Json:
    """Return a transaction's step that writes one key."""
    return {"request_put": {"key": encode(key), "value": encode(value)}}


def op_delete(key: str) -> Json:
    """Return a transaction's step that deletes one key."""
    return {"request_delete_range": key_of(key)}


def op_delete_prefix(prefix: str) -> Json:
    """Return a transaction's step that deletes every key beginning with *prefix*."""
    return {"request_delete_range": range_of(prefix)}


def op_range(prefix: str) -> Json:
    """Return a transaction's step that reads every key beginning with *prefix*."""
    return {"request_range": range_of(prefix)}


def if_mod_revision(key: str, revision: int) -> Json:
    """Return the condition that *key* was last changed at *revision* (0: it does not exist)."""
    return {"key": encode(key), "target": "MOD", "result": "EQUAL", "mod_revision": str(revision)}


def if_missing(key: str) -> Json:
    """Return the condition that *key* does not exist."""
    return {"key": encode(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0"}


def encode(text: str) -> str:
    """Return *text* as the gateway wants keys and values."""
    return _b64(_bytes(text))


def decode(data: str | None) -> str:
    """Return the text of a key or value; bytes that are not UTF-8 survive a round trip."""
    return base64.b64decode(data or "").decode("utf-8", "surrogateescape")


def key_value(data: Json) -> KeyValue:
    """Read a ``mvccpb.KeyValue``."""
    return KeyValue(
        key=decode(data.get("key")),
        value=decode(data.get("value")),
        mod_revision=int(data.get("mod_revision", 0)),
        create_revision=int(data.get("create_revision", 0)),
    )


def key_values(answer: Json) -> tuple[KeyValue, ...]:
    """Read the keys of a range answer."""
    return tuple(key_value(item) for item in answer.get("kvs") or ())


def revision_of(answer: Json) -> int:
    """Read the store's revision from an answer's header."""
    return int(answer.get("header", {}).get("revision", 0))


def responses(answer: Json) -> Sequence[Json]:
    """Read the answers of a transaction's steps."""
    return answer.get("responses") or ()


def error_from(body: Json, http_status: int | None) -> EtcdError:
    """Return the error an answer speaks of.

    :param body: a whole answer, or the ``error`` part of one that came inside a stream.
    """
    code = body.get("code", body.get("grpc_code"))
    message = str(body.get("message") or body.get("error") or "etcd gave no reason")
    if code == OUT_OF_RANGE and "compacted" in message:
        return CompactedError(code, message, http_status)
    if code == UNAVAILABLE:
        return EtcdUnavailableError(code, message, http_status)
    return EtcdError(code, message, http_status)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
