"""Ends a machine: asks its init, kills what does not go, and removes the folder where asked to.

Runs as a process of its own, so that whoever asked for the end need not wait for it, and may die.
"""

import datetime as dt
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pitrix_local.machine import addresses, processes
from pitrix_local.machine.files import (
    put_away,
    read_record,
    remove_put_away,
    remove_tree,
    write_record,
)
from pitrix_local.machine.init import GRACE_S
from pitrix_local.machine.launch import BOOT_FILE, REAPER_FILE, STATE_FILE

STOP: Final = "stop"
REMOVE: Final = "remove"

#: Seconds the init gets to end by itself: its programs' grace, and as much again for killing.
_INIT_S: Final = 2 * GRACE_S + 1.0
#: Seconds killed processes get to disappear.
_KILL_S: Final = 10.0
_LOCK_S: Final = 30.0


class Reaper:
    """The process that ends one machine."""

    def __init__(self, folder: Path, purpose: str, machine_id: str) -> None:
        """Keep the arguments; ends nothing.

        :param purpose: ``stop`` or ``remove``.
        """
        self._folder = folder
        self._purpose = purpose
        self._machine_id = machine_id
        self._record: dict[str, Any] = {"purpose": purpose}

    def introduce(self) -> None:
        """Write who this process is, and which boot it ends."""
        boot = read_record(self._folder / BOOT_FILE) or {}
        self._write(**processes.this_process().to_record(), boot=boot.get("boot", 0))

    def run(self) -> None:
        """End the machine."""
        if not self._end_processes():
            self._write(error="processes do not end; see the console and `ps -eo pid,stat,args`")
            return
        if self._purpose == STOP:
            self._write(ended_at=dt.datetime.now(dt.UTC).isoformat())
            return
        try:
            self._remove()
        except OSError as ex:
            self._write(error=str(ex))

    def _end_processes(self) -> bool:
        keeper = processes.process_in(read_record(self._folder / BOOT_FILE))
        if keeper is not None and processes.is_alive(keeper):
            processes.send(keeper, signal.SIGTERM)
            if not processes.wait_until(_ended(keeper), timeout_s=_INIT_S):
                processes.send(keeper, signal.SIGKILL)
        return processes.kill_all(lambda: processes.marked(self._machine_id), timeout_s=_KILL_S)

    def _remove(self) -> None:
        """Remove the records last, so that a removal that was interrupted is seen and repeated."""
        os.chdir("/")
        kept = {STATE_FILE, REAPER_FILE, BOOT_FILE}
        for entry in self._folder.iterdir():
            if entry.name in kept:
                continue
            if entry.is_dir() and not entry.is_symlink():
                remove_tree(entry)
            else:
                entry.unlink(missing_ok=True)
        state = read_record(self._folder / STATE_FILE)
        if state is not None:
            claims = Path(state["claims"])
            addresses.release(claims, state["address"], self._folder, timeout_s=_LOCK_S)
        put_away(self._folder)
        remove_put_away(self._folder.parent)

    def _write(self, **members: object) -> None:
        self._record.update(members)
        try:
            write_record(self._folder / REAPER_FILE, self._record)
        except OSError:
            if self._purpose != REMOVE:  # which makes room on a full disk
                raise


def _ended(process: processes.Process) -> Callable[[], bool]:
    return lambda: not processes.is_alive(process)
