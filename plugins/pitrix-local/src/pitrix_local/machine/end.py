"""The command that ends a machine; its arguments are folder, purpose and the machine's id."""

from pathlib import Path

from pitrix_local.machine.daemons import detach
from pitrix_local.machine.reaper import Reaper


def main(arguments: list[str]) -> int:
    """Start a reaper as a detached process.

    :returns: exit code of the command.
    """
    folder, purpose, machine_id = arguments
    reaper = Reaper(Path(folder), purpose, machine_id)
    return detach(reaper.introduce, reaper.run)
