"""The commands that the provider runs: ``boot``, ``stop``, ``remove`` and ``probe``.

Started as ``python -I -S -c 'from pitrix_local.machine.main import main; …'`` with the folder of
the machine as argument; exit code 0 means that a detached process took over (or, for ``probe``,
that namespaces work).
"""

import os
import sys
import tempfile
from pathlib import Path

from pitrix_local.machine.daemons import detach
from pitrix_local.machine.files import read_record
from pitrix_local.machine.init import Keeper, start_init
from pitrix_local.machine.launch import LAUNCH_FILE, NAMESPACE, USER_DATA_FILE, Launch, Limits
from pitrix_local.machine.reaper import REMOVE, STOP, Reaper


def main(arguments: list[str]) -> int:
    """Carry out one command.

    :param arguments: the command, the machine's folder, and for stop and remove the machine's id.
    :returns: the exit code.
    """
    command, folder = arguments[0], Path(arguments[1])
    if command == "boot":
        keeper = Keeper(folder, _launch_of(folder))
        return detach(keeper.introduce, keeper.run)
    if command in (STOP, REMOVE):
        reaper = Reaper(folder, command, arguments[2])
        return detach(reaper.introduce, reaper.run)
    return probe(folder)


def probe(folder: Path) -> int:
    """Try to boot a machine with namespaces, whole and for real, and remove it again."""
    with tempfile.TemporaryDirectory(prefix=".probe-", dir=folder) as place:
        (Path(place) / USER_DATA_FILE).write_text("#!/bin/true\n", encoding="ascii")
        launch = Launch(
            machine_id="probe",
            mode=NAMESPACE,
            hostname="probe",
            address="127.0.0.1",
            image="",
            volumes=(),
            visible=(),
            environment={},
            limits=Limits(None, None, None),
            boot=1,
        )
        try:
            child, answer = start_init(Path(place) / "rootfs", Path(place), launch)
        except OSError as ex:
            sys.stdout.write(str(ex))
            return 1
        os.kill(child, 9)
        os.waitpid(child, 0)
    if answer != b"ready":
        sys.stdout.write(answer.decode("utf-8", "replace"))
    return 0 if answer == b"ready" else 1


def _launch_of(folder: Path) -> Launch:
    record = read_record(folder / LAUNCH_FILE)
    if record is None:
        raise FileNotFoundError(f"{folder / LAUNCH_FILE} is not there")
    return Launch.from_record(record)
