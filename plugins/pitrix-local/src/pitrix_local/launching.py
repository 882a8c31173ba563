"""Decides how a machine boots: its environment, limits, volumes, and what it sees of the host."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from pitrix_local.commands import CERTIFICATE_VARIABLES, plain_environment
from pitrix_local.machine.launch import NAMESPACE, ROOT_FOLDER, Launch, Limits, Volume
from pitrix_local.machine.processes import MARK
from pitrix_local.records import Machine, Records
from pitrix_local.settings import LocalSettings
from pitrix_local.volumes import DATA_FOLDER

_GIB: Final = 1024**3
_MIB: Final = 1024**2


def launch_of(machine: Machine, *, records: Records, settings: LocalSettings, boot: int) -> Launch:
    """Return how a machine boots now; the host's PATH may be another than last time.

    :param boot: number of the boot, from 1.
    """
    environment = _environment(machine, records, settings)
    return Launch(
        machine_id=machine.id,
        mode=machine.mode,
        hostname=machine.hostname,
        address=machine.address,
        image=machine.image_folder,
        volumes=tuple(
            Volume(
                source=str(records.volume_folder(part.volume_id) / DATA_FOLDER / part.folder),
                mount_point=part.mount_point,
            )
            for part in machine.attachments
        ),
        visible=_visible(environment),
        environment=environment,
        limits=Limits(
            open_files=settings.open_files,
            file_size_bytes=settings.file_size_gib * _GIB or None,
            address_space_bytes=(
                machine.memory_mib * _MIB if settings.limit_address_space else None
            ),
        ),
        boot=boot,
    )


def _environment(machine: Machine, records: Records, settings: LocalSettings) -> dict[str, str]:
    plain = plain_environment()
    root = records.machine_folder(machine.id) / ROOT_FOLDER
    own = {
        **plain,
        MARK: machine.id,
        "PITRIX_ADDRESS": machine.address,
        "HOSTNAME": machine.hostname,
        "PATH": os.pathsep.join((*settings.path, plain["PATH"])),
    }
    if machine.mode == NAMESPACE:
        return {**own, "HOME": "/root"}
    return {**own, "HOME": str(root / "root"), "PITRIX_ROOT": str(root)}


def _visible(environment: dict[str, str]) -> tuple[str, ...]:
    """Return what a machine has to see of the host: its programs, Python among them, and its
    certificates.
    """
    wanted = [
        *environment["PATH"].split(os.pathsep),
        *(environment.get(name, "") for name in CERTIFICATE_VARIABLES),
        sys.prefix,
        sys.base_prefix,
        os.path.realpath(sys.executable),
        shutil.which("python3", path=environment["PATH"]) or "",
    ]
    found = [path for path in wanted if Path(path).is_absolute()]
    return tuple(dict.fromkeys([*found, *(os.path.realpath(path) for path in found)]))
