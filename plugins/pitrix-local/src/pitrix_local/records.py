"""What is kept of machines and volumes, and the folders it is kept in.

Layout of a runtime's root::

    machines/<id>/   one machine; see pitrix_local.machine
    volumes/<id>/    one volume: state.json and data/
    gone/<id>        a machine or volume that was deleted, so that a late request under its key
                     makes no second one

An id is derived from the request key, so that the same request names the same folder in every
process, and a folder appears whole, by a rename.
"""

import contextlib
import datetime as dt
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from pitrix_core.model import Tags
from pitrix_local.machine.files import locked, read_record, remove_tree, write_record
from pitrix_local.machine.launch import STATE_FILE

#: Hexadecimal digits of an id.
_ID_DIGITS: Final = 16
#: First characters of the name of a folder that is being made.
_DRAFT: Final = ".new-"
#: Seconds for which a deleted thing's key is remembered; no request is that late.
_REMEMBERED_S: Final = 86_400.0


@attrs.frozen(kw_only=True)
class Attachment:
    """A volume, or a part of one, at its place in a machine."""

    volume_id: str
    #: Folder inside the volume's data; empty for all of it.
    folder: str
    mount_point: str


@attrs.frozen(kw_only=True)
class Machine:
    """What a machine is, for as long as it exists."""

    id: str
    name: str
    tags: Tags
    address: str
    #: Folder of the address's claim.
    claims: str
    hostname: str
    mode: str
    #: Id of its image.
    image: str
    #: Folder of its image; empty for none.
    image_folder: str
    memory_mib: int
    attachments: tuple[Attachment, ...]
    created_at: dt.datetime

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Machine":
        """Read what ``state.json`` holds."""
        attachments = tuple(Attachment(**each) for each in record["attachments"])
        return cls(**{**_common(record), "attachments": attachments})


@attrs.frozen(kw_only=True)
class Volume:
    """What a volume is, for as long as it exists."""

    id: str
    name: str
    tags: Tags
    size_gib: int
    volume_class: str
    created_at: dt.datetime

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Volume":
        """Read what ``state.json`` holds."""
        return cls(**_common(record))


def to_record(value: Machine | Volume) -> dict[str, Any]:
    """Return what ``from_record`` reads."""
    return {**attrs.asdict(value), "created_at": value.created_at.isoformat()}


class Records:
    """The folders of one runtime's root."""

    def __init__(self, root: Path, *, installation_id: str, timeout_s: float) -> None:
        """Keep the arguments; touches no file.

        :param timeout_s: seconds to wait for a lock.
        """
        self.root = root
        self._installation_id = installation_id
        self._timeout_s = timeout_s

    def machine_id(self, request_key: str) -> str:
        """Return the id of the machine that a key makes."""
        return self._id("i", request_key)

    def volume_id(self, request_key: str) -> str:
        """Return the id of the volume that a key makes."""
        return self._id("vol", request_key)

    def machine_folder(self, machine_id: str) -> Path:
        """Return where a machine is, or would be."""
        return self.root / "machines" / _checked(machine_id)

    def volume_folder(self, volume_id: str) -> Path:
        """Return where a volume is, or would be."""
        return self.root / "volumes" / _checked(volume_id)

    def machine(self, machine_id: str) -> Machine | None:
        """Return what is known of a machine, or None."""
        record = read_record(self.machine_folder(machine_id) / STATE_FILE)
        return None if record is None else Machine.from_record(record)

    def volume(self, volume_id: str) -> Volume | None:
        """Return what is known of a volume, or None."""
        record = read_record(self.volume_folder(volume_id) / STATE_FILE)
        return None if record is None else Volume.from_record(record)

    def machines(self) -> Iterator[Machine]:
        """Return all machines of this root, also other installations'."""
        for folder in _sub_folders(self.root / "machines"):
            if (machine := self.machine(folder)) is not None:
                yield machine

    def volumes(self) -> Iterator[Volume]:
        """Return all volumes of this root, also other installations'."""
        for folder in _sub_folders(self.root / "volumes"):
            if (volume := self.volume(folder)) is not None:
                yield volume

    def user_of(self, volume_id: str) -> Machine | None:
        """Return the machine a volume is attached to, or None."""
        for machine in self.machines():
            if any(part.volume_id == volume_id for part in machine.attachments):
                return machine
        return None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from adding, attaching or removing anything.

        :raises TimeoutError: another process did all the time.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self.root, timeout_s=self._timeout_s):
            yield

    @contextlib.contextmanager
    def machine_locked(self, machine_id: str) -> Iterator[None]:
        """Keep other processes from starting or ending a machine.

        :raises TimeoutError: another process did all the time.
        :raises FileNotFoundError: the machine is gone.
        """
        with locked(self.machine_folder(machine_id), timeout_s=self._timeout_s):
            yield

    @contextlib.contextmanager
    def appearing(self, folder: Path, value: Machine | Volume) -> Iterator[Path]:
        """Give a folder to fill, which appears under its name, with its record, after the block.

        The root has to be locked.
        """
        folder.parent.mkdir(exist_ok=True)
        draft = folder.with_name(f"{_DRAFT}{folder.name}")
        for left_by_crash in folder.parent.glob(f"{_DRAFT}*"):
            remove_tree(left_by_crash)
        draft.mkdir(mode=0o700)
        try:
            yield draft
            write_record(draft / STATE_FILE, to_record(value))
            draft.rename(folder)
            _sync(folder.parent)
        except BaseException:
            remove_tree(draft)
            raise

    def is_gone(self, thing_id: str) -> bool:
        """Say whether something was deleted lately, or is being deleted."""
        return (self.root / "gone" / _checked(thing_id)).exists()

    def remember_gone(self, thing_id: str) -> None:
        """Note that something is being deleted; forget what was deleted long ago."""
        gone = self.root / "gone"
        gone.mkdir(exist_ok=True)
        (gone / thing_id).touch()
        for entry in gone.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - entry.stat().st_mtime > _REMEMBERED_S:
                    entry.unlink()

    def _id(self, prefix: str, request_key: str) -> str:
        # The root is in it: two roots of one host may well see the same key.
        text = "\0".join((os.path.realpath(self.root), self._installation_id, request_key))
        return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]}"


def _common(record: dict[str, Any]) -> dict[str, Any]:
    return {
        **record,
        "tags": Tags(**record["tags"]),
        "created_at": dt.datetime.fromisoformat(record["created_at"]),
    }


def _checked(thing_id: str) -> str:
    """Return an id that can be a folder's name; others name something that never exists."""
    safe = thing_id.replace("-", "").isalnum() and thing_id.isascii()
    return thing_id if safe else "no-such-id"


def _sub_folders(folder: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    return []


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
