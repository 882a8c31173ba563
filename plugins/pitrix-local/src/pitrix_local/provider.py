"""The provider ``local``: machines are process trees on this host. The contract's reference."""

import platform
import tempfile
import time
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Final

from pitrix_core.contracts import Context, Provider
from pitrix_core.errors import ProviderError, ProviderNotFoundError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import ImageQuery, NoCredential, Runtime, TaggedResource
from pitrix_local.allocation import Allocator
from pitrix_local.commands import namespace_refusal
from pitrix_local.compute import LocalCompute
from pitrix_local.failures import translated
from pitrix_local.images import LocalImages
from pitrix_local.machine.launch import NAMESPACE, PREFIX
from pitrix_local.network import LocalNetwork
from pitrix_local.records import Machine, Records, Volume
from pitrix_local.settings import Isolation, LocalSettings, checked
from pitrix_local.volumes import LocalVolumes

#: Waits of the longest call, compute.create: the root's lock twice, the addresses', the machine's,
#: and its process. Together they stay within the time of a request.
_WAITS: Final = 5


class LocalProvider(Provider[LocalSettings, NoCredential]):
    """This host, as one runtime uses it."""

    name = "local"
    settings = LocalSettings
    runs_on_this_host = True

    def __init__(
        self,
        runtime: Runtime,
        *,
        settings: LocalSettings,
        credential: NoCredential,
        context: Context,
    ) -> None:
        """Keep the arguments; touches no file.

        :raises InvalidInputError: a folder of the settings is not absolute.
        """
        super().__init__(
            runtime, settings=checked(settings), credential=credential, context=context
        )
        self._wait_s = context.request_timeout_s / _WAITS
        self._root = Path(settings.root or context.state_dir).absolute()
        self._records = Records(
            self._root,
            installation_id=context.installation_id,
            timeout_s=self._wait_s,
        )

    @cached_property
    def compute(self) -> LocalCompute:
        """Machines: process trees."""
        allocator = Allocator(
            self._records,
            images=self.image,
            mode=self._mode,
            installation_id=self.context.installation_id,
            timeout_s=self._wait_s,
        )
        return LocalCompute(
            self._records,
            settings=self.config,
            allocator=allocator,
            timeout_s=self._wait_s,
        )

    @cached_property
    def volume(self) -> LocalVolumes:
        """Volumes: folders."""
        return LocalVolumes(self._records, installation_id=self.context.installation_id)

    @cached_property
    def network(self) -> LocalNetwork:
        """Networks: the loopback."""
        return LocalNetwork()

    @cached_property
    def image(self) -> LocalImages:
        """Images: folders."""
        return LocalImages(self.config.images, default=self.config.default_image)

    def check(self) -> list[Finding]:
        """Try to write in the root, and to boot with namespaces unless they are not wanted."""
        if platform.system() != "Linux":
            return [_finding(Level.ERROR, "host", "Machines need a host that runs Linux.")]
        try:
            with translated("provider.check"):
                self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=self._root):
                    pass
        except ProviderError as ex:
            return [_finding(Level.ERROR, "root", ex.message, ex.next_step)]
        root = _finding(Level.INFO, "root", f"Machines are kept in {self._root}.")
        return [root, self._isolation(), *self._missing_folders(), *self._missing_image()]

    def owned(self, *, cluster_id: str | None = None) -> Iterable[TaggedResource]:
        """List the machines and volumes of this installation in the root."""
        with translated("provider.owned"):
            found = [
                *(_tagged("compute", machine) for machine in self._records.machines()),
                *(_tagged("volume", volume) for volume in self._records.volumes()),
            ]
        return [
            resource
            for resource in found
            if resource.tags.installation_id == self.context.installation_id
            and cluster_id in (None, resource.tags.cluster_id)
        ]

    def _mode(self) -> str:
        """Return the mode of new machines; the root has to be there."""
        if self.config.isolation is Isolation.PREFIX:
            return PREFIX
        refusal = namespace_refusal(self._root)
        if not refusal:
            return NAMESPACE
        if self.config.isolation is Isolation.NAMESPACE:
            raise ProviderError(
                f"compute.create: this host does not allow namespaces: {refusal}",
                next_step="Set `isolation` to `auto` or `prefix`, or allow user namespaces.",
            )
        return PREFIX

    def _isolation(self) -> Finding:
        if self.config.isolation is Isolation.PREFIX:
            return _finding(Level.INFO, "isolation", "Machines run in mode prefix, as set.")
        refusal = namespace_refusal(self._root)
        if not refusal:
            return _finding(Level.INFO, "isolation", "Machines run in mode namespace.")
        if self.config.isolation is Isolation.NAMESPACE:
            return _finding(
                Level.ERROR,
                "isolation",
                f"This host does not allow namespaces: {refusal}",
                "Set `isolation` to `auto` or `prefix`, or allow user namespaces.",
            )
        return _finding(
            Level.WARNING,
            "isolation",
            f"Machines run in mode prefix, for this host does not allow namespaces: {refusal}",
            "Allow user namespaces, or set `isolation` to `prefix` to accept it.",
        )

    def _missing_folders(self) -> list[Finding]:
        folders = (*self.config.images, *self.config.path)
        return [
            _finding(Level.WARNING, "folder", f"{folder} is not there.", "Make it, or unset it.")
            for folder in folders
            if not Path(folder).is_dir()
        ]

    def _missing_image(self) -> list[Finding]:
        try:
            self.image.resolve(ImageQuery(image=""))
        except ProviderNotFoundError as ex:
            return [_finding(Level.WARNING, "image", f"{ex.message}.", ex.next_step)]
        return []


def _finding(level: Level, code: str, message: str, next_step: str | None = None) -> Finding:
    return Finding(level=level, code=f"local.{code}", message=message, next_step=next_step)


def _tagged(interface: str, thing: Machine | Volume) -> TaggedResource:
    return TaggedResource(
        interface=interface,
        id=thing.id,
        tags=thing.tags,
        age_s=max(0.0, time.time() - thing.created_at.timestamp()),
        labels={"name": thing.name},
    )
