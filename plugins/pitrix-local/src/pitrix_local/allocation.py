"""Makes a machine's folder: whole or not at all, once per request key."""

import datetime as dt
import posixpath
import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pitrix_core.errors import ProviderConflictError, ProviderError, ProviderNotFoundError
from pitrix_core.model import InstanceSpec, Tags, VolumeAttachment
from pitrix_local.images import LocalImages
from pitrix_local.machine.addresses import claimed, claims_folder
from pitrix_local.machine.files import write_text
from pitrix_local.machine.launch import USER_DATA_FILE
from pitrix_local.machine.tree import HOST_VIEW, KERNEL
from pitrix_local.network import check_network
from pitrix_local.records import Attachment, Machine, Records
from pitrix_local.volumes import DATA_FOLDER

_OPERATION: Final = "compute.create"
#: Top folders below which nothing can be mounted: making a place there would make it on the host.
_NO_PLACES: Final = KERNEL | {"", HOST_VIEW}
_HOSTNAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class Allocator:
    """Finds a machine's place, address and volumes."""

    def __init__(
        self,
        records: Records,
        *,
        images: LocalImages,
        mode: Callable[[], str],
        installation_id: str,
        timeout_s: float,
    ) -> None:
        """Keep the arguments; touches no file.

        :param mode: answers in which mode a new machine runs; asked under no lock.
        :param timeout_s: seconds to wait for a lock.
        """
        self._records = records
        self._images = images
        self._mode = mode
        self._installation_id = installation_id
        self._timeout_s = timeout_s

    def allocate(self, spec: InstanceSpec, request_key: str) -> Machine:
        """Return the machine of a key, making its folder if it is not there.

        :raises ProviderNotFoundError: image, network or volume is not there.
        :raises UnsupportedOperationError: the image is one of Docker's.
        :raises ProviderConflictError: a volume is attached already, or the key's machine was
            deleted.
        :raises NoAddressError: no address is free.
        :raises OSError: the folder cannot be written.
        """
        machine_id = self._records.machine_id(request_key)
        known = self._records.machine(machine_id)
        if known is not None:
            return known
        check_network(spec.network_id, operation=_OPERATION)
        image = self._images.folder_of(spec.image, operation=_OPERATION)
        with self._records.locked():
            pass  # the root is there now, for the trial of the mode
        mode = self._mode()
        with self._records.locked():
            known = self._records.machine(machine_id)
            return known or self._make(machine_id, spec, request_key, image=image, mode=mode)

    def _make(
        self,
        machine_id: str,
        spec: InstanceSpec,
        request_key: str,
        *,
        image: Path | None,
        mode: str,
    ) -> Machine:
        if self._records.is_gone(machine_id):
            raise ProviderConflictError(
                f"{_OPERATION}: the machine made under key {request_key} was deleted since"
            )
        attachments = tuple(part for each in spec.volumes for part in self._parts(each))
        places = [part.mount_point for part in attachments]
        if len(set(places)) < len(places):
            raise ProviderError(f"{_OPERATION}: two volumes are to be mounted at one place")
        folder, claims = self._records.machine_folder(machine_id), claims_folder()
        with claimed(claims, folder, wanted=spec.address, timeout_s=self._timeout_s) as address:
            machine = Machine(
                id=machine_id,
                name=spec.name,
                tags=Tags(
                    installation_id=self._installation_id,
                    cluster_id=spec.cluster_id,
                    request_key=request_key,
                ),
                address=address,
                claims=str(claims),
                hostname=_hostname(spec, machine_id),
                mode=mode,
                image=self._images.name_of(spec.image),
                image_folder=str(image) if image else "",
                memory_mib=spec.memory_mib,
                attachments=attachments,
                created_at=dt.datetime.now(dt.UTC),
            )
            with self._records.appearing(folder, machine) as draft:
                write_text(draft / USER_DATA_FILE, spec.user_data, mode=0o600)
        return machine

    def _parts(self, wanted: VolumeAttachment) -> list[Attachment]:
        """Give each mount point its part of a volume: all of it, or a folder of its own."""
        volume_id = wanted.volume_id
        if self._records.volume(volume_id) is None:
            raise ProviderNotFoundError(f"{_OPERATION}: there is no volume {volume_id!r}")
        user = self._records.user_of(volume_id)
        if user is not None:
            raise ProviderConflictError(
                f"{_OPERATION}: {volume_id} is attached to machine {user.id}"
            )
        points = [_checked(point) for point in wanted.mount_points]
        parts = [
            Attachment(
                volume_id=volume_id,
                folder=urllib.parse.quote(point, safe="") if len(points) > 1 else "",
                mount_point=point,
            )
            for point in points
        ]
        for part in parts:
            data = self._records.volume_folder(volume_id) / DATA_FOLDER
            (data / part.folder).mkdir(exist_ok=True)
        return parts


def _hostname(spec: InstanceSpec, machine_id: str) -> str:
    """Return the name asked for, or the machine's own name where that can be a host's."""
    if spec.hostname and not _HOSTNAME.fullmatch(spec.hostname):
        raise ProviderError(
            f"{_OPERATION}: {spec.hostname!r} cannot be a host's name",
            next_step="Use at most 63 characters of a-z, 0-9 and -.",
        )
    return spec.hostname or (spec.name if _HOSTNAME.fullmatch(spec.name) else machine_id)


def _checked(mount_point: str) -> str:
    clean = posixpath.normpath(mount_point)
    top = clean.strip("/").partition("/")[0]
    is_path = clean.startswith("/") and ".." not in mount_point.split("/") and "\0" not in clean
    if not is_path or top in _NO_PLACES:
        raise ProviderError(
            f"{_OPERATION}: {mount_point!r} is no place to mount a volume at",
            next_step="Name an absolute folder without `..`, such as /data.",
        )
    return clean
