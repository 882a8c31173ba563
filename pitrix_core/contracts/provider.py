"""The contract of a cloud driver: one class, composed of small interfaces.

A provider is a class found by name in the entry-point group ``pitrix.providers``. It is built once
per runtime in every process that needs it, possibly for years; building it makes no request and
imports its SDK lazily.

What a cloud can do is said by which interfaces it has. An interface that is not offered is a
stand-in that refuses every call by name (:func:`~pitrix_core.contracts.interface.absent`), and
:meth:`Provider.offers` is derived from those that are there, so what is planned, tested and run can
never disagree.

The clauses every interface follows are in :mod:`pitrix_core.contracts.interface`. These are the
provider's own:

20. *Construction* makes no request, and fails only for settings that contradict themselves
    (``InvalidInputError``).
21. *Check* makes one or two cheap requests and names what is wrong in words for the operator.
22. *Ownership.* ``owned()`` lists what carries this installation's tag, and nothing else.
23. *Offers* never change during the life of an object.
"""

import abc
from collections.abc import Iterable, Mapping
from typing import ClassVar, Generic, TypeVar, final

from pitrix_core.contracts.compute import ComputeInterface
from pitrix_core.contracts.context import Context
from pitrix_core.contracts.image import ImageInterface
from pitrix_core.contracts.interface import Interface, absent, is_absent
from pitrix_core.contracts.network import NetworkInterface
from pitrix_core.contracts.volume import VolumeInterface
from pitrix_core.errors import UnsupportedOperationError
from pitrix_core.findings import Finding
from pitrix_core.model import NoCredential, NoSettings, Price, Runtime, Task
from pitrix_core.model.resource import TaggedResource

SettingsT = TypeVar("SettingsT")
CredentialT = TypeVar("CredentialT")


class Provider(abc.ABC, Generic[SettingsT, CredentialT]):
    """One cloud, as one runtime uses it."""

    #: Version of this contract the plugin was written for.
    contract_version: ClassVar[int] = 1
    #: Name of its entry point.
    name: ClassVar[str]
    #: attrs class of a runtime's settings; its JSON Schema is served by the API and drawn as a
    #: form.
    #: A field is described by ``attrs.field(metadata={"description": "…"})``.
    settings: ClassVar[type] = NoSettings
    #: attrs class of the credential; all of it is stored encrypted and never shown again.
    credential: ClassVar[type] = NoCredential
    #: It runs programs on the very machine pitrix runs on: needs the operator's consent and an
    #: admin.
    runs_on_this_host: ClassVar[bool] = False

    def __init__(
        self,
        runtime: Runtime,
        *,
        settings: SettingsT,
        credential: CredentialT,
        context: Context,
    ) -> None:
        """Keep the arguments; make no request (clause 20).

        :param settings: instance of the class's ``settings``.
        :param credential: instance of the class's ``credential``.
        :raises InvalidInputError: the settings contradict one another.
        """
        self.runtime = runtime
        self.config = settings
        self.account = credential
        self.context = context

    @abc.abstractmethod
    def check(self) -> list[Finding]:
        """Say whether the runtime can be used: credential accepted, zone there, quota readable
        (clause 21).

        :returns: what was found, for the operator; one of level ``error`` keeps the runtime from
            being used.
        :raises ProviderTemporaryError: the cloud did not answer.
        """

    @property
    def compute(self) -> ComputeInterface:
        """Machines."""
        return absent(ComputeInterface, provider=self.name)

    @property
    def volume(self) -> VolumeInterface:
        """Block storage."""
        return absent(VolumeInterface, provider=self.name)

    @property
    def network(self) -> NetworkInterface:
        """Networks."""
        return absent(NetworkInterface, provider=self.name)

    @property
    def image(self) -> ImageInterface:
        """Images."""
        return absent(ImageInterface, provider=self.name)

    def extra_interfaces(self) -> Iterable[Interface]:
        """Return interfaces that the core does not know, brought by a plugin of the group
        ``pitrix.interfaces``.
        """
        return ()

    @final
    def interfaces(self) -> Mapping[str, Interface]:
        """Return what is offered, by the interfaces' names."""
        known = (self.compute, self.volume, self.network, self.image, *self.extra_interfaces())
        return {interface.name: interface for interface in known if not is_absent(interface)}

    @final
    def interface(self, name: str) -> Interface:
        """Return one interface.

        :raises UnsupportedOperationError: this provider does not offer it.
        """
        found = self.interfaces().get(name)
        if found is None:
            raise UnsupportedOperationError(f"{name}: provider {self.name!r} does not offer it")
        return found

    @final
    def offers(self) -> frozenset[str]:
        """Return the task kinds that can be planned on this provider (clause 23)."""
        return frozenset(
            f"{name}.{verb}"
            for name, interface in self.interfaces().items()
            for verb in interface.verbs()
        )

    @abc.abstractmethod
    def owned(self, *, cluster_id: str | None = None) -> Iterable[TaggedResource]:
        """List what carries this installation's tag in the account (clause 22).

        :param cluster_id: only this cluster's.
        :raises ProviderTemporaryError: the cloud did not answer.
        """

    def price(self, task: Task) -> Price | None:
        """Return what a planned resource costs while it runs, from a dated price sheet; makes no
        request.

        :param task: a creating task; its input may hold markers.
        :returns: None where no price is known.
        """
        return None

    def close(self) -> None:
        """Let go of connections; called once, at the end of a process."""
        return
