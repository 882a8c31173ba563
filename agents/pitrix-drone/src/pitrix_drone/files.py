"""Writes files so that after a crash there is either the old or the new one, whole."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import shutil
import stat
import tempfile
from collections.abc import Iterator
from typing import Final

#: So much of a file's own name is in that of its stage; names end at 255 bytes.
_NAME_CHARS: Final = 50


def write_durably(path: pathlib.Path, text: str, *, mode: int = 0o600) -> None:
    """Replace a file's content; it is on disk when this returns."""
    with staged(path, text.encode("utf-8", "surrogateescape")) as stage:
        stage.chmod(mode)
        put_in_place(stage, path)


@contextlib.contextmanager
def staged(path: pathlib.Path, content: bytes) -> Iterator[pathlib.Path]:
    """Write *content* beside *path*, synced to disk; removed afterwards if it is still there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:_NAME_CHARS]}.", dir=path.parent)
    stage = pathlib.Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield stage
    finally:
        with contextlib.suppress(FileNotFoundError):
            stage.unlink()


def put_in_place(stage: pathlib.Path, path: pathlib.Path) -> None:
    """Rename a staged file; where *path* is a mount of its own, write into it instead."""
    try:
        stage.replace(path)
    except OSError as ex:
        if ex.errno not in {errno.EBUSY, errno.EXDEV}:
            raise
        with stage.open("rb") as source, path.open("r+b") as target:
            target.truncate()
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        facts = stage.stat()
        with contextlib.suppress(PermissionError):
            os.chown(path, facts.st_uid, facts.st_gid)
        path.chmod(stat.S_IMODE(facts.st_mode))  # after the owner: chown drops bits
    sync_folder(path.parent)


def remove_durably(path: pathlib.Path) -> None:
    """Remove a file if it is there; it stays away after a crash."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)


def sync_folder(folder: pathlib.Path) -> None:
    """Make the names in a folder survive a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
