"""The interface ``volume``: folders. Their size is noted, not enforced."""

import datetime as dt
from typing import Final

import attrs

from pitrix_core.contracts import VolumeInterface, starts
from pitrix_core.errors import ProviderConflictError, ProviderNotFoundError
from pitrix_core.model import Operation, OperationState, ResourceRef, Tags, VolumeSpec
from pitrix_local.failures import translated
from pitrix_local.machine.files import put_away, remove_put_away
from pitrix_local.records import Records, Volume

#: Folder of a volume that machines see.
DATA_FOLDER: Final = "data"


class LocalVolumes(VolumeInterface):
    """Volumes of one runtime."""

    def __init__(self, records: Records, *, installation_id: str) -> None:
        """Keep the arguments; touches no file."""
        self._records = records
        self._installation_id = installation_id

    @starts(VolumeSpec, creates=True, honours_key=True)
    def create(self, spec: VolumeSpec, *, request_key: str) -> Operation:
        """Make an empty folder."""
        volume_id = self._records.volume_id(request_key)
        with translated("volume.create"), self._records.locked():
            if self._records.volume(volume_id) is None:
                self._make(volume_id, spec, request_key)
        return self._made(volume_id, request_key)

    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Remove the folder and what is in it."""
        with translated("volume.delete"), self._records.locked():
            user = self._records.user_of(spec.id)
            if user is not None:
                raise ProviderConflictError(
                    f"volume.delete: {spec.id} is attached to machine {user.id}",
                    next_step="Delete the machine first.",
                )
            if self._records.volume(spec.id) is not None:
                self._put_away(spec.id)
        with translated("volume.delete"):  # under no lock: there may be much in it
            remove_put_away(self._records.volume_folder(spec.id).parent)
        return Operation(
            request_key=request_key,
            kind="volume.delete",
            state=OperationState.DONE,
            resource_id=spec.id,
            outputs={"id": spec.id},
        )

    def poll(self, operation: Operation) -> Operation:
        """Return the operation: everything here is done at once."""
        volume_id = operation.resource_id or ""
        if operation.kind == "volume.create" and self._records.volume(volume_id) is None:
            return attrs.evolve(
                operation,
                state=OperationState.FAILED,
                error=f"volume.create: there is no volume {volume_id!r}",
                error_code=ProviderNotFoundError.code,
            )
        return operation

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Answer the volume made under a key."""
        volume_id = self._records.volume_id(request_key)
        if self._records.volume(volume_id) is None:
            return ()
        return (self._made(volume_id, request_key),)

    def _make(self, volume_id: str, spec: VolumeSpec, request_key: str) -> None:
        if self._records.is_gone(volume_id):
            raise ProviderConflictError(
                f"volume.create: the volume made under key {request_key} was deleted since"
            )
        volume = Volume(
            id=volume_id,
            name=spec.name,
            tags=Tags(
                installation_id=self._installation_id,
                cluster_id=spec.cluster_id,
                request_key=request_key,
            ),
            size_gib=spec.size_gib,
            volume_class=spec.volume_class,
            created_at=dt.datetime.now(dt.UTC),
        )
        with self._records.appearing(self._records.volume_folder(volume_id), volume) as folder:
            (folder / DATA_FOLDER).mkdir(mode=0o755)

    def _put_away(self, volume_id: str) -> None:
        """Take the folder away at once, so that a crash leaves no half of a volume in sight."""
        self._records.remember_gone(volume_id)
        put_away(self._records.volume_folder(volume_id))

    def _made(self, volume_id: str, request_key: str) -> Operation:
        return Operation(
            request_key=request_key,
            kind="volume.create",
            state=OperationState.DONE,
            resource_id=volume_id,
            outputs={"id": volume_id},
        )
