"""The command that tries whether machines can have namespaces; its argument is a folder for it."""

import os
import signal
import sys
from pathlib import Path

from pitrix_local.machine.files import remove_tree
from pitrix_local.machine.init import start_init
from pitrix_local.machine.launch import NAMESPACE, ROOT_FOLDER, USER_DATA_FILE, Launch, Limits

_READY = b"ready"


def main(arguments: list[str]) -> int:
    """Boot a machine with namespaces, whole and for real, and remove it again.

    :returns: exit code of the command; what went wrong is printed.
    """
    folder = Path(arguments[0]) / f".probe-{os.getpid()}"
    remove_tree(folder)
    folder.mkdir(mode=0o700)
    try:
        answer = _try(folder)
    finally:
        remove_tree(folder)
    if answer == _READY:
        return 0
    sys.stdout.write(answer.decode("utf-8", "replace"))
    return 1


def _try(folder: Path) -> bytes:
    (folder / USER_DATA_FILE).write_text("#!/bin/true\n", encoding="ascii")
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
        init, answer = start_init(folder / ROOT_FOLDER, folder, launch)
    except OSError as ex:
        return str(ex).encode()
    os.kill(init, signal.SIGKILL)
    os.waitpid(init, 0)
    return answer
