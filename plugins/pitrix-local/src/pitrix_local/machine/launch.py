"""What a boot needs to know; the provider writes it, init reads it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

NAMESPACE: Final = "namespace"
PREFIX: Final = "prefix"

STATE_FILE: Final = "state.json"
LAUNCH_FILE: Final = "launch.json"
BOOT_FILE: Final = "boot.json"
REAPER_FILE: Final = "reaper.json"
USER_DATA_FILE: Final = "user-data"
CONSOLE_FILE: Final = "console.log"
ROOT_FOLDER: Final = "rootfs"

#: States of a boot, as ``boot.json`` has them.
STARTING: Final = "starting"
RUNNING: Final = "running"
FAILED: Final = "failed"
ENDED: Final = "ended"


class Volume(NamedTuple):
    """A folder of the host that the machine sees at a place of its own."""

    source: str
    #: Absolute, without ``..``.
    mount_point: str


class Limits(NamedTuple):
    """Resource limits of each process; None leaves the host's."""

    open_files: int | None
    file_size_bytes: int | None
    address_space_bytes: int | None


class Launch(NamedTuple):
    """One boot of one machine."""

    machine_id: str
    mode: str
    hostname: str
    address: str
    #: Folder laid over the machine's root at its first boot; empty for none.
    image: str
    volumes: tuple[Volume, ...]
    #: Paths of the host that the machine's programs need (PATH and the like).
    visible: tuple[str, ...]
    #: Whole environment of its programs.
    environment: Mapping[str, str]
    limits: Limits
    #: Number of the boot, from 1.
    boot: int

    def to_record(self) -> dict[str, Any]:
        """Return what :meth:`from_record` reads."""
        return {
            **self._asdict(),
            "volumes": [volume._asdict() for volume in self.volumes],
            "limits": self.limits._asdict(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Launch":
        """Read what :meth:`to_record` made."""
        return cls(
            **{
                **record,
                "volumes": tuple(Volume(**volume) for volume in record["volumes"]),
                "visible": tuple(record["visible"]),
                "limits": Limits(**record["limits"]),
            }
        )
