"""A provider whose cloud is a table: for demonstrations, tests, and as an example to read.

It keeps every clause of the contract, and breaks down on request: see ``fake_settings``. Nothing
runs; a machine is a row with an address.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import attrs

from pitrix_core.contracts import (
    ComputeInterface,
    Context,
    ImageInterface,
    NetworkInterface,
    Provider,
    VolumeInterface,
)
from pitrix_core.errors import (
    ProviderAnswerLostError,
    ProviderAuthError,
    ProviderError,
    ProviderQuotaError,
    ProviderTemporaryError,
    ProviderThrottledError,
)
from pitrix_core.findings import Finding, Level
from pitrix_core.model import Price, Runtime, TaggedResource, Task
from pitrix_core.testing.fake_cloud import FakeCloud, Thing
from pitrix_core.testing.fake_image import FakeImage
from pitrix_core.testing.fake_interfaces import (
    FAKE_REQUEST_ID,
    FakeCompute,
    FakeNetwork,
    FakeVolume,
    declared,
)
from pitrix_core.testing.fake_settings import FakeCredential, FakeEffect, FakeFault, FakeSettings

__all__ = ["FakeCredential", "FakeEffect", "FakeFault", "FakeProvider", "FakeSettings"]

log = logging.getLogger(__name__)

_RETRY_S: Final = 0.01
_REFUSED: Final = "refused"


def _failure(effect: FakeEffect, operation: str) -> Exception | None:
    message = f"{operation}: Fake.{effect.value} (request {FAKE_REQUEST_ID})"
    facts: Any = {"vendor_code": f"Fake.{effect.value}", "vendor_request_id": FAKE_REQUEST_ID}
    made: dict[FakeEffect, Callable[[], Exception]] = {
        FakeEffect.TEMPORARY: lambda: ProviderTemporaryError(
            message, retry_after_s=_RETRY_S, **facts
        ),
        FakeEffect.THROTTLED: lambda: ProviderThrottledError(
            message, retry_after_s=_RETRY_S, **facts
        ),
        FakeEffect.QUOTA: lambda: ProviderQuotaError(message, **facts),
        FakeEffect.AUTH: lambda: ProviderAuthError(message, **facts),
        FakeEffect.PERMANENT: lambda: ProviderError(message, **facts),
        FakeEffect.UNEXPECTED: lambda: RuntimeError(message),
    }
    return made[effect]() if effect in made else None


class FakeProvider(Provider[FakeSettings, FakeCredential]):
    """One account of the fake cloud."""

    name = "fake"
    settings = FakeSettings
    credential = FakeCredential

    def __init__(
        self,
        runtime: Runtime,
        *,
        settings: FakeSettings,
        credential: FakeCredential,
        context: Context,
    ) -> None:
        """Keep the arguments; the cloud is opened by the first call."""
        super().__init__(runtime, settings=settings, credential=credential, context=context)
        self.cloud = FakeCloud(settings.state_file)
        #: Seconds since the epoch; tests put ``ManualClock.time`` here.
        self.clock: Callable[[], float] = time.time
        self._injected: list[FakeFault] = []
        self._compute = declared(FakeCompute, settings)(self)
        self._volume = declared(FakeVolume, settings)(self)
        self._network = declared(FakeNetwork, settings)(self)
        self._image = FakeImage(self)

    def reopened(self, context: Context | None = None) -> "FakeProvider":
        """Return another object on the same cloud, as another process would have.

        :param context: of another installation that uses the same account.
        """
        other = type(self)(
            self.runtime,
            settings=self.config,
            credential=self.account,
            context=context or self.context,
        )
        other.cloud, other.clock = self.cloud, self.clock
        return other

    def inject(self, fault: FakeFault) -> None:
        """Order a failure of this object's next calls; ``skip`` counts from now on."""
        with self.cloud.rows() as rows:
            before = rows.calls(fault.operation)
        self._injected.append(attrs.evolve(fault, skip=before + fault.skip))

    def check(self) -> list[Finding]:
        """Look whether the key is accepted."""
        with self.call("provider.check"):
            if self.account.api_key != _REFUSED:
                return []
        message = "the fake cloud does not accept the api key"
        return [
            Finding(
                level=Level.ERROR,
                code="provider_auth",
                message=message,
                pointer="/credential/api_key",
                next_step="Use any other key.",
            )
        ]

    @property
    def compute(self) -> ComputeInterface:
        """Machines, unless the settings leave them out."""
        return self._compute if "compute" in self.config.interfaces else super().compute

    @property
    def volume(self) -> VolumeInterface:
        """Volumes, unless the settings leave them out."""
        return self._volume if "volume" in self.config.interfaces else super().volume

    @property
    def network(self) -> NetworkInterface:
        """Networks, unless the settings leave them out."""
        return self._network if "network" in self.config.interfaces else super().network

    @property
    def image(self) -> ImageInterface:
        """Images, unless the settings leave them out."""
        return self._image if "image" in self.config.interfaces else super().image

    def owned(self, *, cluster_id: str | None = None) -> Iterable[TaggedResource]:
        """List what carries the installation's tag and can be seen already."""
        with self.call("provider.owned"), self.cloud.rows() as rows:
            things = rows.of(self.context.installation_id)
        return [
            TaggedResource(
                interface=thing.interface,
                id=thing.id,
                tags=thing.tags,
                age_s=max(0.0, self.clock() - thing.made_at),
            )
            for thing in things
            if self.sees(thing) and cluster_id in (None, thing.tags.cluster_id)
        ]

    def price(self, task: Task) -> Price | None:
        """Return the price of a machine."""
        if task.kind != "compute.create":
            return None
        return Price(
            amount_per_month=self.config.price_per_machine,
            currency="EUR",
            source="price sheet of the fake cloud, 2026-01-01",
        )

    # -- for the interfaces ------------------------------------------------------------------------

    def sees(self, thing: Thing) -> bool:
        """Say whether a resource has been there long enough to be listed."""
        return self.clock() >= thing.made_at + self.config.visible_after_s

    @contextlib.contextmanager
    def call(self, operation: str) -> Iterator[FakeEffect | None]:
        """Stand around a request, and let it fail as ordered."""
        fault = self._due(operation)
        log.debug("fake cloud: %s", operation)
        if fault is None:
            yield None
            return
        failure = _failure(fault.effect, operation)
        if failure is not None:
            raise failure
        if fault.effect is FakeEffect.HANG:
            threading.Event().wait(fault.seconds)
        yield fault.effect
        if fault.effect is FakeEffect.SLOW:
            threading.Event().wait(fault.seconds)
        if fault.effect is FakeEffect.CRASH:
            os._exit(1)
        if fault.effect is FakeEffect.LOST:
            message = f"{operation}: the connection ended before the answer came"
            raise ProviderAnswerLostError(message, retry_after_s=_RETRY_S)

    def _due(self, operation: str) -> FakeFault | None:
        with self.cloud.rows() as rows:
            before = rows.count_call(operation)
        faults = (*self.config.faults, *self._injected)
        return next(
            (
                fault
                for fault in faults
                if fault.operation == operation and fault.skip <= before < fault.skip + fault.count
            ),
            None,
        )
