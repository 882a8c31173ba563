"""Fakes that are broken in one way each, and the tests that have to notice."""

import itertools
import logging
import time
from collections.abc import Sequence
from typing import Any

import attrs

from pitrix_core.contracts import ComputeInterface, ImageInterface, VolumeInterface, starts
from pitrix_core.errors import ProviderConflictError, ProviderError, ProviderNotFoundError
from pitrix_core.model import (
    ImageQuery,
    InstanceSpec,
    InstanceState,
    Operation,
    OperationState,
    ResourceRef,
)
from pitrix_core.testing.fake_image import FakeImage
from pitrix_core.testing.fake_interfaces import FakeCompute, FakeVolume, declared
from pitrix_core.testing.fake_provider import FakeProvider, FakeSettings

log = logging.getLogger(__name__)


def with_compute(compute: type[FakeCompute]) -> type[FakeProvider]:
    """Return a fake provider with other machines."""

    class Broken(FakeProvider):
        @property
        def compute(self) -> ComputeInterface:
            return declared(compute, self.config)(self)

    return Broken


def with_volume(volume: type[FakeVolume]) -> type[FakeProvider]:
    """Return a fake provider with other volumes."""

    class Broken(FakeProvider):
        @property
        def volume(self) -> VolumeInterface:
            return declared(volume, self.config)(self)

    return Broken


def with_image(image: type[FakeImage]) -> type[FakeProvider]:
    """Return a fake provider with other images."""

    class Broken(FakeProvider):
        @property
        def image(self) -> ImageInterface:
            return image(self)

    return Broken


class ForgetsTheKey(FakeCompute):
    """Makes another machine for each request, whatever its key; says it does not."""

    def _remembered(self, rows: Any, request_key: str) -> None:
        return None


class WaitsForTheCloud(FakeCompute):
    """Returns only when the machine is there."""

    @starts(InstanceSpec, creates=True)
    def create(self, spec: InstanceSpec, *, request_key: str) -> Operation:
        time.sleep(0.15)
        return super().create(spec, request_key=request_key)


class PollsAndStarts(FakeCompute):
    """Starts whatever it polls: makes another machine."""

    def poll(self, operation: Operation) -> Operation:
        with self._account.cloud.rows() as rows:
            thing = rows.get(operation.handle["id"])
            if thing is not None and operation.state is OperationState.DONE:
                tags = attrs.evolve(thing.tags, request_key="of-a-poll")
                rows.add("compute", prefix="i", tags=tags, made_at=0.0, facts=dict(thing.facts))
        return super().poll(operation)


class PollRestarts(FakeCompute):
    """Stops a machine whenever its finished operation is polled again."""

    def poll(self, operation: Operation) -> Operation:
        with self._account.cloud.rows() as rows:
            if rows.get(operation.handle["id"]) and operation.state is OperationState.DONE:
                rows.set_facts(operation.handle["id"], state=InstanceState.STOPPED)
        return super().poll(operation)


class MixesAnswersUp(FakeCompute):
    """Answers for several in an order of its own."""

    def poll_many(self, operations: Sequence[Operation]) -> list[Operation | ProviderError]:
        return super().poll_many(operations)[::-1]


class KeepsOperationsInMemory(FakeCompute):
    """Polls only what this very object has started."""

    def __init__(self, account: Any) -> None:
        super().__init__(account)
        account.__dict__.setdefault("started", set())

    @starts(InstanceSpec, creates=True)
    def create(self, spec: InstanceSpec, *, request_key: str) -> Operation:
        operation = super().create(spec, request_key=request_key)
        self._account.started.add(operation.resource_id)
        return attrs.evolve(operation, state=OperationState.PENDING)

    def find(self, request_key: str) -> tuple[Operation, ...]:
        found = super().find(request_key)
        self._account.started.update(operation.resource_id for operation in found)
        return found

    def poll(self, operation: Operation) -> Operation:
        if operation.resource_id not in self._account.started:
            raise ProviderNotFoundError("compute.poll: never heard of it")
        return super().poll(operation)


class AdvancesAnew(FakeCompute):
    """Takes another step each time it is told to advance, whatever the stage's key."""

    numbers = itertools.count()

    def advance(self, operation: Operation, *, request_key: str) -> Operation:
        with self._account.cloud.rows() as rows:
            stage = rows.get(operation.handle["id"]).facts["stage"]
        later = attrs.evolve(operation, handle={**operation.handle, "stage": stage})
        return super().advance(later, request_key=f"{request_key}-{next(self.numbers)}")


class HandleIsTooBig(FakeCompute):
    """Keeps half a megabyte in the handle."""

    def _started(self, *arguments: Any) -> Operation:
        operation = super()._started(*arguments)
        return attrs.evolve(operation, handle={**operation.handle, "log": "x" * 500_000})


class HandleIsNoJson(FakeCompute):
    """Keeps a tuple in the handle, which comes back as a list."""

    @starts(InstanceSpec, creates=True)
    def create(self, spec: InstanceSpec, *, request_key: str) -> Operation:
        operation = super().create(spec, request_key=request_key)
        return attrs.evolve(operation, handle={**operation.handle, "zones": ("a", "b")})


class FindsTheGone(FakeCompute):
    """Answers for machines that were removed."""

    @starts(ResourceRef)
    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        with self._account.cloud.rows() as rows:
            thing = rows.get(spec.id)
            if thing is not None:
                tags = attrs.evolve(thing.tags, installation_id="gone" * 8)
                facts = {**thing.facts, "of": thing.tags.installation_id}
                rows.add("grave", prefix="g", tags=tags, made_at=0.0, facts=facts)
        return super().delete(spec, request_key=request_key)

    def find(self, request_key: str) -> tuple[Operation, ...]:
        with self._account.cloud.rows() as rows:
            graves = rows.by_key("grave", request_key)
        gone = [self._started("compute.create", grave, request_key, None) for grave in graves]
        return (*super().find(request_key), *gone)


class MissesTheUnfinished(FakeCompute):
    """Finds a machine only once its creation has been polled to its end."""

    def poll(self, operation: Operation) -> Operation:
        polled = super().poll(operation)
        with self._account.cloud.rows() as rows:
            if polled.state is OperationState.DONE and rows.get(operation.handle["id"]):
                rows.set_facts(operation.handle["id"], is_polled=True)
        return polled

    def find(self, request_key: str) -> tuple[Operation, ...]:
        found = super().find(request_key)
        with self._account.cloud.rows() as rows:
            return tuple(op for op in found if "is_polled" in rows.get(op.resource_id).facts)


class ChangesAddresses(FakeCompute):
    """Gives a machine another address at each start."""

    def _switch(self, called: str, *arguments: Any) -> Operation:
        operation = super()._switch(called, *arguments)
        with self._account.cloud.rows() as rows:
            if called == "compute.start":
                number = rows.get(operation.resource_id).facts["number"]
                rows.set_facts(operation.resource_id, number=number + 1000)
        return operation


class ListsTheNeighbours(FakeProvider):
    """Lists everything in the account, whosesoever it is."""

    def owned(self, *, cluster_id: str | None = None) -> Any:
        installation_id = self.context.installation_id
        with self.cloud.rows() as rows:
            others = {thing.tags.installation_id for thing in rows.all("compute")}
        found = []
        for other in others | {installation_id}:
            context = attrs.evolve(self.context, installation_id=other)
            found += FakeProvider.owned(self.reopened(context), cluster_id=cluster_id)
        return found


class ForgetsTheCluster(FakeCompute):
    """Writes no cluster into the tags."""

    def _made(self, rows: Any, kind: str, cluster_id: str, *rest: Any, **facts: Any) -> Any:
        return super()._made(rows, kind, "", *rest, **facts)


class TellsUserData(FakeCompute):
    """Logs what it is asked for."""

    @starts(InstanceSpec, creates=True)
    def create(self, spec: InstanceSpec, *, request_key: str) -> Operation:
        log.debug("creates %s with %s", spec.name, spec.user_data)
        return super().create(spec, request_key=request_key)


class TellsTheCredential(FakeCompute):
    """Keeps the key in the handle, to have it at hand."""

    def _started(self, *arguments: Any) -> Operation:
        operation = super()._started(*arguments)
        key = self._account.account.api_key
        return attrs.evolve(operation, handle={**operation.handle, "key": key})


class StumblesOverTheAbsent(FakeCompute):
    """Takes removing what is not there for an error."""

    @starts(ResourceRef)
    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        self.get(spec.id)
        return super().delete(spec, request_key=request_key)


class RemovesWhatIsInUse(FakeVolume):
    """Removes a volume under the feet of its machine."""

    @starts(ResourceRef)
    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        try:
            return super().delete(spec, request_key=request_key)
        except ProviderConflictError:
            with self._account.cloud.rows() as rows:
                rows.set_facts(spec.id, attached_to="")
            return super().delete(spec, request_key=request_key)


class HalfMakes(FakeCompute):
    """Makes a machine first and looks for its image and volumes then."""

    def _new(self, rows: Any, spec: InstanceSpec, request_key: str) -> Any:
        try:
            return super()._new(rows, spec, request_key)
        except ProviderNotFoundError:
            facts = {"name": spec.name, "hostname": "", "image": "", "network_id": ""}
            self._made(
                rows,
                "compute.create",
                spec.cluster_id,
                request_key,
                **facts,
                volumes=[],
                state=InstanceState.RUNNING,
            )
            rows._db.execute("COMMIT")
            rows._db.execute("BEGIN")
            raise


class BootsDockerImages(FakeCompute):
    """Makes a machine of whatever an image is."""

    def _new(self, rows: Any, spec: InstanceSpec, request_key: str) -> Any:
        image = attrs.evolve(spec.image, container="kvm")
        return super()._new(rows, attrs.evolve(spec, image=image), request_key)


class MissesDockerImages(FakeImage):
    """Says that an image is not there where it could not be run."""

    def resolve(self, query: ImageQuery) -> str:
        if query.container == "docker":
            raise ProviderNotFoundError(f"image.resolve: there is no image {query.image!r}")
        return super().resolve(query)


class TakesLessUserData(FakeCompute):
    """Refuses user-data that it says it takes."""

    @starts(InstanceSpec, creates=True)
    def create(self, spec: InstanceSpec, *, request_key: str) -> Operation:
        if len(spec.user_data) > self.user_data_limit_bytes / 2:
            raise ProviderError("compute.create: InvalidParameterValue: user data is too long")
        return super().create(spec, request_key=request_key)


class AnswersNumbers(FakeCompute):
    """Answers its own numbers among the outputs."""

    def _outputs(self, thing: Any) -> dict[str, Any]:
        return {**super()._outputs(thing), "vcpus": 2}


class AnswersForAnother(FakeCompute):
    """Answers for a key of its own making."""

    numbers = itertools.count()

    def poll(self, operation: Operation) -> Operation:
        polled = super().poll(operation)
        return attrs.evolve(polled, request_key=f"own-{next(self.numbers)}")


class OffersByMood(FakeProvider):
    """Offers volumes only after it was checked."""

    is_checked = False

    def check(self) -> Any:
        self.is_checked = True
        return super().check()

    @property
    def volume(self) -> Any:
        return (
            super().volume
            if self.is_checked
            else FakeProvider(
                self.runtime,
                settings=FakeSettings(interfaces=()),
                credential=self.account,
                context=self.context,
            ).volume
        )
