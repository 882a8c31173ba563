"""Checks JSON from outside against the agent protocol's shapes.

The contract is ``agents/protocol/schemas``; a zipapp carries no JSON Schema library, so the few
shapes a Frontgate receives are written down once more here, and a test holds both together by the
protocol's examples.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

Check = Callable[[Any], bool]

_WEEK_S: Final = 604_800
_MONTH_S: Final = 2_592_000
_LONGEST_TEXT: Final = 256
#: Not every program reads larger numbers.
_LARGEST: Final = 2**53

_STATES: Final = ("configuring", "configured", "failed")
_OUTCOMES: Final = ("done", "timed_out", "unknown", "refused")


def matches(pattern: str, *, most: int) -> Check:
    """Build a check for text of at most *most* characters that matches *pattern* as a whole."""
    compiled = re.compile(pattern)
    return lambda value: (
        isinstance(value, str) and len(value) <= most and compiled.fullmatch(value) is not None
    )


def whole(least: int, most: int = 2**53 - 1) -> Check:
    """Build a check for an integer within limits; beyond 2**53 not every program reads it."""
    return lambda value: type(value) is int and least <= value <= most


def text(most: int, *, least: int = 0) -> Check:
    """Build a check for any text within a length."""
    return lambda value: isinstance(value, str) and least <= len(value) <= most


def url(pattern: str) -> Check:
    """Build a check for a URL that matches *pattern*, and that one can connect to."""
    form = matches(pattern, most=2048)
    return lambda value: form(value) and has_place(value)


def has_place(address: str) -> bool:
    """Tell whether host and port of a URL can be read."""
    try:
        parts = urlsplit(address)
        return parts.port != 0 and bool((parts.hostname or "").encode("idna"))
    except ValueError:
        return False


def certificates(most: int) -> Check:
    """Build a check for certificates as PEM; whether they are sound shows at use."""
    return lambda value: (
        isinstance(value, str)
        and len(value) <= most
        and value.isascii()
        and "-----BEGIN CERTIFICATE-----" in value
    )


def list_of(check: Check, *, least: int = 0) -> Check:
    """Build a check for a list whose items all pass *check*."""
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(check, value))


def map_of(key: Check, item: Check) -> Check:
    """Build a check for an object whose names and values pass."""
    return lambda value: (
        isinstance(value, dict) and all(map(key, value)) and all(map(item, value.values()))
    )


class _Maybe:
    def __init__(self, check: Check) -> None:
        self._check = check

    def __call__(self, value: Any) -> bool:
        return self._check(value)


def maybe(check: Check) -> Check:
    """Build a check for a member that may be left out."""
    return _Maybe(check)


def closed_findings(body: Mapping[str, Any], shape: Mapping[str, Check]) -> list[str]:
    """List what is wrong, each with its JSON pointer; members outside *shape* are faults."""
    extra = [f"/{name}: not a member of this" for name in sorted(set(body) - set(shape))]
    return [*open_findings(body, shape), *extra]


def open_findings(body: Mapping[str, Any], shape: Mapping[str, Check]) -> list[str]:
    """List what is wrong, each with its JSON pointer; members outside *shape* may be there."""
    missing = [
        f"/{name}: missing"
        for name, check in shape.items()
        if name not in body and not isinstance(check, _Maybe)
    ]
    wrong = [
        f"/{name}: not what the protocol allows here"
        for name, check in shape.items()
        if name in body and not check(body[name])
    ]
    return [*missing, *wrong]


def _is_timeout(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= _WEEK_S


_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
is_identifier: Final = matches(_NAME, most=64)
is_role: Final = matches(f"({_NAME})?", most=64)
is_command_id: Final = matches(r"[A-Za-z0-9_][A-Za-z0-9._:-]*", most=100)
is_frame_id: Final = matches(r"[A-Za-z0-9._:/-]+", most=128)
is_path: Final = matches(r"[^/\x00-\x1f\x7f]+(/[^/\x00-\x1f\x7f]+)*", most=512)
is_password: Final = matches(r"[!-~]{8,72}", most=72)
is_sha256: Final = matches(r"[0-9a-f]{64}", most=64)
_has_form_of_time: Final = matches(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z", most=27
)
is_bool: Final[Check] = lambda value: isinstance(value, bool)  # noqa: E731 - a row like the others
_is_exit_code: Final = whole(-(2**31), 2**32)
_is_values: Final = map_of(is_path, lambda value: isinstance(value, str))


def is_time(value: Any) -> bool:
    """Tell whether it is a time as the protocol has it, of a day that there is."""
    if not _has_form_of_time(value):
        return False
    try:
        dt.datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_node_id(value: Any) -> bool:
    """Tell whether it can name a node; ``root`` is etcd's own user."""
    return is_identifier(value) and value != "root"


def _is_shared(value: Any) -> bool:
    return _is_values(value) and "revision" not in value


_USER: Final[Mapping[str, Check]] = {"node_id": is_node_id, "role": is_role}
_ENROLS: Final[Mapping[str, Check]] = {
    "enrolment_sha256": is_sha256,
    "expires_at": is_time,
    "credential_sha256": maybe(is_sha256),
}


def _is_user(value: Any) -> bool:
    """Tell whether it is a node's user: of a password, or of an enrolment."""
    if not isinstance(value, dict) or ("password" in value) == ("enrolment_sha256" in value):
        return False
    shape = {**_USER, **({"password": is_password} if "password" in value else _ENROLS)}
    return not open_findings(value, shape)


METADATA_PUT: Final[Mapping[str, Check]] = {
    "cluster_id": is_identifier,
    "revision": whole(1),
    "shared": _is_shared,
    "roles": map_of(is_role, _is_values),
    "nodes": map_of(is_node_id, _is_values),
    "users": list_of(_is_user),
}

TLS_PUT: Final[Mapping[str, Check]] = {
    "ca": text(65_536, least=1),
    "certificate": text(65_536, least=1),
    "key": text(65_536, least=1),
    "not_after": is_time,
}

_is_address: Final = matches(r"[0-9A-Fa-f:.]{2,45}", most=45)
is_member: Final = whole(1, 9)

#: What is said of another machine's certificate, beside the certificate.
OF_MEMBER: Final[Mapping[str, Check]] = {
    "member": is_member,
    "hosts": list_of(_is_address, least=1),
}

_EXPECTED: Final[Mapping[str, Check]] = {
    "number": is_member,
    "enrolment_sha256": is_sha256,
    "expires_at": is_time,
}

ETCD_MEMBERS: Final[Mapping[str, Check]] = {
    "members": list_of(
        lambda value: isinstance(value, dict) and not open_findings(value, _EXPECTED)
    ),
}

#: What a machine says that wants to join.
JOIN: Final[Mapping[str, Check]] = {
    "member": is_member,
    "enrolment": matches(r"[!-~]{8,128}", most=128),
    "address": _is_address,
}

METADATA_DELETE: Final[Mapping[str, Check]] = {"cluster_id": is_identifier}

COMMAND_RUN: Final[Mapping[str, Check]] = {
    "command_id": is_command_id,
    "cluster_id": is_identifier,
    "node_id": is_node_id,
    "cmd": text(65_536, least=1),
    "timeout_s": _is_timeout,
    "idempotent": is_bool,
    "supervision": maybe(lambda value: value in ("begin", "end")),
    "answer": maybe(lambda value: value == "table"),
}

NODE_STATUS: Final[Mapping[str, Check]] = {
    "state": lambda value: value in _STATES,
    "revision": whole(0),
    "detail": text(16_384),
    "drone": text(64, least=1),
    "boot_id": text(64),
    "at": is_time,
}

#: What ``welcome`` and ``token.renewed`` hold of protocol 2.
TOKEN: Final[Mapping[str, Check]] = {
    "token": matches(r"[A-Za-z0-9._-]{1,2048}", most=2048),
    "renew_after_s": lambda value: type(value) in (int, float) and 0 < value <= _MONTH_S,
    "expires_at": is_time,
}

#: How it went with a node's enrolment.
NODE_ENROLMENT: Final[Mapping[str, Check]] = {
    "state": lambda value: value in ("enrolled", "refused"),
    "code": text(64),
    "message": text(4096),
    "credential_sha256": matches(r"([0-9a-f]{64})?", most=64),
    "at": is_time,
}

_MOST_ITEMS: Final = 200
_ACTION: Final[Mapping[str, Check]] = {
    "at": is_time,
    "exit_code": lambda value: value is None or _is_exit_code(value),
    "output": text(1024),
}


def _is_action(value: Any) -> bool:
    return isinstance(value, dict) and not open_findings(value, _ACTION)


def _is_measure(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    return type(value) in (int, float) and abs(value) < _LARGEST


NODE_HEALTH: Final[Mapping[str, Check]] = {
    "state": lambda value: value in ("healthy", "unhealthy", "unknown"),
    "since": is_time,
    "detail": text(2048),
    "action": lambda value: value is None or _is_action(value),
    "at": is_time,
}

_is_measures: Final = map_of(text(128, least=1), _is_measure)
NODE_MEASURES: Final[Mapping[str, Check]] = {
    "values": lambda value: _is_measures(value) and len(value) <= _MOST_ITEMS,
    "detail": text(1024),
    "at": is_time,
}

COMMAND_RESULT: Final[Mapping[str, Check]] = {
    "command_id": is_command_id,
    "state": lambda value: value in _OUTCOMES,
    "exit_code": lambda value: value is None or _is_exit_code(value),
    "output": text(65_536),
    "truncated": is_bool,
    "started_at": lambda value: value is None or is_time(value),
    "finished_at": is_time,
}
