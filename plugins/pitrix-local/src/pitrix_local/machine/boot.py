"""The command that boots a machine; its argument is the machine's folder."""

from pathlib import Path

from pitrix_local.machine.daemons import detach
from pitrix_local.machine.files import read_record
from pitrix_local.machine.init import Keeper
from pitrix_local.machine.launch import LAUNCH_FILE, Launch


def main(arguments: list[str]) -> int:
    """Start the machine's keeper as a detached process.

    :returns: exit code of the command.
    """
    folder = Path(arguments[0])
    record = read_record(folder / LAUNCH_FILE)
    if record is None:
        raise FileNotFoundError(f"{folder / LAUNCH_FILE} is not there")
    keeper = Keeper(folder, Launch.from_record(record))
    return detach(keeper.introduce, keeper.run)
