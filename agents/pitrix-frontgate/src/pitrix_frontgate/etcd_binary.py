"""Finds an etcd on this machine that may be trusted with the data."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from pitrix_frontgate.errors import EtcdServerError

#: Older ones lack fixes for lost data.
#: Source: https://github.com/kubernetes/website/pull/40816, read 2026-11
_OLDEST: Final = (3, 4, 23)

#: Can lose committed transactions when killed under load.
#: Source: https://github.com/etcd-io/etcd/issues/13766, read 2026-11
_INCONSISTENT: Final = ((3, 5, 0), (3, 5, 2))

_NEXT_STEP: Final = (
    "install etcd 3.4.23 or newer, other than 3.5.0 to 3.5.2 (Debian: apt-get install etcd-server)"
)


class EtcdBinary(NamedTuple):
    """An etcd on this machine."""

    path: str
    version: tuple[int, int, int]


def find_etcd(*, throw_away: bool) -> EtcdBinary:
    """Find the first etcd that is fit, on ``PATH`` or beside this interpreter.

    :param throw_away: the data may be lost, so that 3.5.0 to 3.5.2 will do.
    :raises EtcdServerError: there is none; says which were found and what to do.
    """
    refused = []
    for path in _candidates():
        version = _version(path)
        objection = objection_to(version, throw_away=throw_away)
        if version is not None and objection is None:
            return EtcdBinary(path, version)
        refused.append(f"{path}: {objection}")
    found = "; ".join(refused) or "no etcd on PATH"
    raise EtcdServerError(f"{found}: {_NEXT_STEP}")


def objection_to(version: tuple[int, int, int] | None, *, throw_away: bool) -> str | None:
    """Say why an etcd must not be used, or None when it may."""
    if version is None:
        return "tells no version"
    number = ".".join(map(str, version))
    if version < _OLDEST:
        return f"etcd {number} is too old"
    if _INCONSISTENT[0] <= version <= _INCONSISTENT[1] and not throw_away:
        return f"etcd {number} can lose data (only a throw_away Frontgate may use it)"
    return None


def _candidates() -> Iterable[str]:
    folders = [*os.get_exec_path(), str(Path(sys.executable).parent)]
    found = (shutil.which("etcd", path=folder) for folder in folders)
    return dict.fromkeys(path for path in found if path is not None)


def _version(path: str) -> tuple[int, int, int] | None:
    try:
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"etcd Version: (\d+)\.(\d+)\.(\d+)", answer.stdout)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))
