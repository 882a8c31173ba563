"""What a drone writes to etcd: its status and the results of commands, in the protocol's words."""

from __future__ import annotations

import datetime as dt
import os
import pathlib
from typing import Any, Final

from pitrix_drone import __version__

MAX_DETAIL_CHARS: Final = 16 * 1024
#: Source: agents/protocol/schemas/v2/node-health.schema.json.
MAX_EXCERPT_CHARS: Final = 1024
_BOOT_ID: Final = pathlib.Path("/proc/sys/kernel/random/boot_id")


def now() -> str:
    """Return the current time as the protocol writes it."""
    moment = dt.datetime.now(dt.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def boot_id() -> str:
    """Return a name for this boot of the machine; a new one where the system has none."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return os.urandom(16).hex()


def status(*, state: str, revision: int, detail: str, boot: str) -> dict[str, Any]:
    """Return a node's status."""
    return {
        "state": state,
        "revision": revision,
        "detail": _storable(detail)[:MAX_DETAIL_CHARS],
        "drone": __version__,
        "boot_id": boot,
        "at": now(),
    }


def result(
    command_id: str,
    *,
    state: str,
    started_at: str | None,
    exit_code: int | None = None,
    output: str = "",
    is_truncated: bool = False,
) -> dict[str, Any]:
    """Return the result of a command that just ended, or will never start."""
    return {
        "command_id": command_id,
        "state": state,
        "exit_code": exit_code,
        "output": output,
        "truncated": is_truncated,
        "started_at": started_at,
        "finished_at": now(),
    }


def excerpt(text: str) -> str:
    """Return the end of what a command wrote, short enough for a report that is often repeated."""
    return _storable(text).strip()[-MAX_EXCERPT_CHARS:]


def _storable(text: str) -> str:
    """Replace what JSON stores refuse: NUL, and bytes that are not UTF-8."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
