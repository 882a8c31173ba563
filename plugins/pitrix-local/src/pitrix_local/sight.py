"""Tells from a machine's folder and the host's processes what the machine is doing.

Nothing is believed that a crash can leave behind: a record that says *running* counts only while
the very process it names is alive.
"""

from pathlib import Path
from typing import Any

import attrs

from pitrix_core.model import InstanceState
from pitrix_local.machine import processes
from pitrix_local.machine.files import read_record
from pitrix_local.machine.launch import BOOT_FILE, ENDED, FAILED, REAPER_FILE, RUNNING


@attrs.frozen(kw_only=True)
class Sight:
    """A machine at one moment."""

    state: InstanceState
    #: Number of its last boot; 0 when it was never booted.
    boot: int
    booted_at: str
    #: Why it is in state failed; empty otherwise.
    error: str
    #: What a reaper is doing to it: ``stop``, ``remove`` or empty.
    reaping: str
    #: Why the last reaper could not do it; empty otherwise.
    reaper_error: str


def look_at(folder: Path) -> Sight:
    """Look at a machine; its folder need not be there."""
    reaper = read_record(folder / REAPER_FILE) or {}
    reaper_alive = processes.is_alive(processes.process_in(reaper))
    boot = read_record(folder / BOOT_FILE) or {}  # read last: it says more after a reaper's end
    state, error = _state_of(boot, reaper)
    return Sight(
        state=state,
        boot=int(boot.get("boot", 0)),
        booted_at=str(boot.get("booted_at", "")),
        error=error,
        reaping=str(reaper["purpose"]) if reaper_alive else "",
        reaper_error="" if reaper_alive else str(reaper.get("error") or ""),
    )


def has_processes(machine_id: str, folder: Path) -> bool:
    """Say whether anything of a machine still runs; reads the environment of every process."""
    keeper = processes.process_in(read_record(folder / BOOT_FILE))
    return processes.is_alive(keeper) or bool(processes.marked(machine_id))


def _state_of(boot: dict[str, Any], reaper: dict[str, Any]) -> tuple[InstanceState, str]:
    if not boot:
        return InstanceState.PENDING, ""
    said = boot.get("state")
    keeper = processes.process_in(boot)
    if processes.is_alive(keeper):
        running = said in (RUNNING, ENDED)
        return (InstanceState.RUNNING if running else InstanceState.PENDING), ""
    if reaper.get("ended_at") and reaper.get("boot") == boot.get("boot"):
        return InstanceState.STOPPED, ""
    if said == FAILED:
        return InstanceState.FAILED, str(boot.get("error"))
    if said == ENDED or _host_restarted(keeper):
        return InstanceState.STOPPED, ""
    return InstanceState.FAILED, "its init was killed"


def _host_restarted(keeper: processes.Process | None) -> bool:
    return keeper is not None and keeper.host_boot_id != processes.host_boot_id()
