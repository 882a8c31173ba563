"""Writes files so that after a crash there is either the old or the new one, whole."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import stat
from collections.abc import Iterator
from typing import Final

#: So much of a file's own name is in that of its stage; names end at 255 bytes.
_NAME_CHARS: Final = 50
_PIECE_BYTES: Final = 64 * 1024


def write_durably(path: pathlib.Path, text: str, *, mode: int = 0o600) -> None:
    """Replace a file's content; it is on disk when this returns."""
    with staged(path, text.encode("utf-8", "surrogateescape")) as stage:
        stage.chmod(mode)
        put_in_place(stage, path)


def new_file(folder: pathlib.Path, *, prefix: str, flags: int = 0) -> tuple[int, pathlib.Path]:
    """Make and open a file (0600) that nobody else has; ``tempfile`` takes 0.4 MB of a process.

    :param flags: of open(2), beside those it takes.
    """
    while True:
        path = folder / f"{prefix}{os.urandom(8).hex()}"
        with contextlib.suppress(FileExistsError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | flags, 0o600), path


@contextlib.contextmanager
def staged(path: pathlib.Path, content: bytes) -> Iterator[pathlib.Path]:
    """Write *content* beside *path*, synced to disk; removed afterwards if it is still there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, stage = new_file(path.parent, prefix=f".{path.name[:_NAME_CHARS]}.")
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
            while piece := source.read(_PIECE_BYTES):
                target.write(piece)
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


def remove_folder(folder: pathlib.Path) -> None:
    """Remove a folder with all that is in it, as far as that goes."""
    import shutil  # noqa: PLC0415  # 0.2 MB of a process, and most drones never need it

    shutil.rmtree(folder, ignore_errors=True)


def sync_folder(folder: pathlib.Path) -> None:
    """Make the names in a folder survive a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(content: bytes) -> str:
    """Return the digest in hex digits."""
    import hashlib  # noqa: PLC0415  # 0.5 MB of a process, and most drones never need it

    return hashlib.sha256(content).hexdigest()
