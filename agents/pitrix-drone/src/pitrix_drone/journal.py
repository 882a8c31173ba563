"""Remembers on disk which commands were started and how they ended.

An entry is written and synced before its command starts, so that no command is started twice,
whatever happens to the drone or the machine. Entries outlive their commands, in case one is sent
again; the oldest are dropped.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any, Final, NamedTuple

from pitrix_drone.files import remove_durably, write_durably

#: How many ended commands are remembered.
KEPT: Final = 2000


class Process(NamedTuple):
    """The shell a command runs in; boot, id and start time together name one process."""

    boot_id: str
    pid: int
    start_ticks: int | None


class Entry(NamedTuple):
    """What is known about one command.

    :param result: as it is reported, or None while the command runs or after a crash.
    """

    command_id: str
    started_at: str | None
    result: dict[str, Any] | None
    process: Process | None = None


class Journal:
    """One file for each command. Used by one thread."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder

    def find(self, command_id: str) -> Entry | None:
        """Return what is known about a command, or None when it never started."""
        try:
            data = json.loads(self._path(command_id).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            # Files are replaced whole, so this one was damaged: never start the command again.
            data = {}
        process = Process(*data["process"]) if data.get("process") else None
        return Entry(command_id, data.get("started_at"), data.get("result"), process)

    def start(self, command_id: str, *, started_at: str) -> None:
        """Note that a command is about to start; it is on disk when this returns."""
        self._write(Entry(command_id, started_at, None))

    def note_process(self, command_id: str, *, started_at: str, process: Process) -> None:
        """Note which process a command that was started became."""
        self._write(Entry(command_id, started_at, None, process))

    def finish(self, command_id: str, *, result: dict[str, Any]) -> None:
        """Note how a command ended."""
        self._write(Entry(command_id, result.get("started_at"), result))

    def drop_oldest(self) -> None:
        """Forget the oldest commands beyond the newest 2000 that ended."""
        paths = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in paths[: max(0, len(paths) - KEPT)]:
            remove_durably(path)

    def _write(self, entry: Entry) -> None:
        write_durably(self._path(entry.command_id), json.dumps(entry._asdict()))

    def _path(self, command_id: str) -> pathlib.Path:
        return self._folder / f"{command_id}.json"
