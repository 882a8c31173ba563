"""Conformance suite of the interface ``compute``; see ``suite_fixtures`` for how to use it."""

from collections.abc import Callable
from typing import Final

import attrs
import pytest

from pitrix_core.contracts.interface import is_absent
from pitrix_core.convert import to_json
from pitrix_core.errors import ProviderConflictError, ProviderError, ProviderNotFoundError
from pitrix_core.model import (
    ImageQuery,
    InstanceSpec,
    InstanceState,
    NetworkSpec,
    Operation,
    ResourceRef,
    VolumeAttachment,
    VolumeSpec,
)
from pitrix_core.testing.creating_suite import CreatingSuite
from pitrix_core.testing.settling import done
from pitrix_core.testing.suite_fixtures import AnyProvider, Make, NewKey, interface_of, owns

#: Stands in every machine's user-data, and must be seen nowhere else.
_USER_DATA_SECRET: Final = "s3cret-of-the-user-data"  # noqa: S105  # made up
#: Room for what starts an agent that is fetched, with its configuration and certificates.
_LEAST_USER_DATA_BYTES: Final = 12 * 1024


class ComputeSuite(CreatingSuite):
    """Machines. Override ``provider``, and ``instance_spec`` or ``good_image`` where need be."""

    suite_of = "compute"

    @pytest.fixture
    def good_image(self) -> ImageQuery:
        """Return an image that is there: the runtime's default."""
        return ImageQuery(image="")

    @pytest.fixture
    def bad_image(self) -> ImageQuery:
        """Return an image that is nowhere."""
        return ImageQuery(image="no-such-image-anywhere")

    @pytest.fixture
    def docker_image(self) -> ImageQuery:
        """Return an image of Docker's."""
        return ImageQuery(image="docker.io/library/hello-world", container="docker")

    @pytest.fixture
    def network_id(
        self, provider: AnyProvider, cluster_id: str, new_key: NewKey, deadline_s: float
    ) -> str:
        """Return a network for the machines; the runtime's default, where there are networks."""
        if is_absent(provider.network):
            return ""
        spec = NetworkSpec(name="pitrix-suite", cluster_id=cluster_id)
        operation = provider.network.ensure(spec, request_key=new_key())
        return str(done(provider.network, operation, deadline_s=deadline_s).outputs["id"])

    @pytest.fixture
    def instance_spec(
        self, cluster_id: str, good_image: ImageQuery, network_id: str
    ) -> InstanceSpec:
        """Return a small machine."""
        return InstanceSpec(
            name="pitrix-suite-1",
            cluster_id=cluster_id,
            image=good_image,
            cpu=1,
            memory_mib=512,
            network_id=network_id,
            user_data=f"#!/bin/sh\n: {_USER_DATA_SECRET}\n",
            hostname="pitrix-suite-1",
        )

    @pytest.fixture
    def spec(self, instance_spec: InstanceSpec) -> InstanceSpec:
        """Return what the shared clauses are tried with."""
        return instance_spec

    @pytest.fixture
    def switch(
        self, provider: AnyProvider, cluster_id: str, new_key: NewKey, deadline_s: float
    ) -> Callable[[str, str], Operation]:
        """Return a function that carries out ``start``, ``stop`` or ``delete`` on an id."""
        interface = interface_of(provider, "compute")

        def carry_out(verb: str, instance_id: str) -> Operation:
            spec = ResourceRef(id=instance_id, cluster_id=cluster_id)
            operation = interface.starter(verb)(spec, request_key=new_key())
            return done(interface, operation, deadline_s=deadline_s)

        return carry_out

    def test_a_made_machine_runs_and_has_an_address(
        self, provider: AnyProvider, make: Make, request_key: str
    ) -> None:
        """Once its creation is done, a machine runs and has the address that is answered."""
        outputs = make(request_key).outputs

        seen = provider.compute.get(outputs["id"])
        assert (seen.id, seen.state) == (outputs["id"], InstanceState.RUNNING)
        assert seen.ip == outputs["ip"] != ""

    def test_polling_leaves_a_machine_as_it_is(
        self, provider: AnyProvider, make: Make, request_key: str
    ) -> None:
        """A machine is the same before and after its operation is polled again (clause 3)."""
        ended = make(request_key)
        before = provider.compute.get(ended.outputs["id"])

        provider.compute.poll(ended)

        after = provider.compute.get(ended.outputs["id"])
        assert (after.state, after.ip) == (before.state, before.ip)

    @pytest.mark.parametrize("verb", ["start", "stop"])
    def test_an_unknown_machine_is_not_switched(
        self, provider: AnyProvider, verb: str, unknown_id: str, request_key: str
    ) -> None:
        """Starting and stopping an unknown id is not-found (clause 8)."""
        starter = interface_of(provider, "compute").starter(verb)

        with pytest.raises(ProviderNotFoundError):
            starter(ResourceRef(id=unknown_id), request_key=request_key)

    def test_an_unknown_machine_is_not_seen(self, provider: AnyProvider, unknown_id: str) -> None:
        """Looking at an unknown id is not-found (clause 8)."""
        with pytest.raises(ProviderNotFoundError):
            provider.compute.get(unknown_id)

    def test_a_docker_image_that_cannot_be_run_makes_nothing(
        self,
        provider: AnyProvider,
        instance_spec: InstanceSpec,
        docker_image: ImageQuery,
        request_key: str,
    ) -> None:
        """Where the interface ``image`` refuses Docker images, no machine is made for one."""
        if is_absent(provider.image) or _is_resolved(provider, docker_image):
            return
        spec = attrs.evolve(instance_spec, image=docker_image)

        with pytest.raises(ProviderError):
            provider.compute.create(spec, request_key=request_key)
        assert tuple(provider.compute.find(request_key)) == ()

    def test_an_unknown_image_makes_nothing(
        self,
        provider: AnyProvider,
        instance_spec: InstanceSpec,
        bad_image: ImageQuery,
        request_key: str,
    ) -> None:
        """A machine of an image that is not there is refused, and nothing is half-made."""
        spec = attrs.evolve(instance_spec, image=bad_image)

        with pytest.raises(ProviderNotFoundError):
            provider.compute.create(spec, request_key=request_key)
        assert tuple(provider.compute.find(request_key)) == ()

    def test_an_unknown_volume_makes_nothing(
        self,
        provider: AnyProvider,
        instance_spec: InstanceSpec,
        unknown_id: str,
        request_key: str,
    ) -> None:
        """A machine with a volume that is not there is refused, and nothing is half-made."""
        spec = attrs.evolve(instance_spec, volumes=(VolumeAttachment(volume_id=unknown_id),))

        with pytest.raises(ProviderNotFoundError):
            provider.compute.create(spec, request_key=request_key)
        assert tuple(provider.compute.find(request_key)) == ()

    def test_a_stopped_machine_is_stopped(
        self,
        provider: AnyProvider,
        make: Make,
        switch: Callable[[str, str], Operation],
        request_key: str,
    ) -> None:
        """After ``stop`` is done, the machine is stopped; stopping it again is done, too."""
        instance_id = make(request_key).outputs["id"]

        switch("stop", instance_id)
        switch("stop", instance_id)

        assert provider.compute.get(instance_id).state is InstanceState.STOPPED

    def test_a_machine_comes_back_with_its_address(
        self,
        provider: AnyProvider,
        make: Make,
        switch: Callable[[str, str], Operation],
        request_key: str,
    ) -> None:
        """Stop and start keep the address; starting a running machine is done."""
        before = make(request_key).outputs
        switch("stop", before["id"])

        started = switch("start", before["id"])
        again = switch("start", before["id"])

        assert started.outputs["ip"] == again.outputs["ip"] == before["ip"]
        seen = provider.compute.get(before["id"])
        assert (seen.state, seen.ip) == (InstanceState.RUNNING, before["ip"])

    def test_a_removed_machine_is_gone(
        self,
        provider: AnyProvider,
        make: Make,
        switch: Callable[[str, str], Operation],
        request_key: str,
    ) -> None:
        """After ``delete`` is done a machine is not found, or shown as gone."""
        instance_id = make(request_key).outputs["id"]

        switch("delete", instance_id)

        try:
            state = provider.compute.get(instance_id).state
        except ProviderNotFoundError:
            state = InstanceState.GONE
        assert state is InstanceState.GONE

    def test_it_takes_as_much_user_data_as_it_says(
        self,
        provider: AnyProvider,
        instance_spec: InstanceSpec,
        new_key: NewKey,
        deadline_s: float,
    ) -> None:
        """A machine can be made with user-data of ``user_data_limit_bytes``, which is room for what
        starts an agent.
        """
        limit_bytes = provider.compute.user_data_limit_bytes
        spec = attrs.evolve(
            instance_spec, user_data=instance_spec.user_data.ljust(limit_bytes, "#")
        )

        operation = provider.compute.create(spec, request_key=new_key())

        assert done(provider.compute, operation, deadline_s=deadline_s).resource_id
        assert limit_bytes >= _LEAST_USER_DATA_BYTES

    def test_user_data_is_in_no_answer_and_no_log(
        self,
        provider: AnyProvider,
        make: Make,
        instance_spec: InstanceSpec,
        bad_image: ImageQuery,
        caplog: pytest.LogCaptureFixture,
        new_key: NewKey,
    ) -> None:
        """User-data appears in no handle, output, message or log (clause 11)."""
        caplog.set_level("DEBUG")
        key = new_key()
        ended = make(key)
        found = provider.compute.find(key)
        with pytest.raises(ProviderError) as caught:
            provider.compute.create(
                attrs.evolve(instance_spec, image=bad_image), request_key=new_key()
            )

        shown = [str(to_json(ended)), str(to_json(found)), str(caught.value), caplog.text]

        assert not [place for place in shown if _USER_DATA_SECRET in place]

    def test_an_attached_volume_is_kept(
        self,
        provider: AnyProvider,
        instance_spec: InstanceSpec,
        switch: Callable[[str, str], Operation],
        cluster_id: str,
        new_key: NewKey,
        deadline_s: float,
    ) -> None:
        """A stopped machine holds its volumes, and a removed one leaves them.

        Where no volumes are offered, asking for one has to be refused by name.
        """
        if is_absent(provider.volume):
            assert not [kind for kind in provider.offers() if kind.startswith("volume.")]
            return
        volume_id = self._volume(provider, cluster_id, new_key(), deadline_s)
        spec = attrs.evolve(instance_spec, volumes=(VolumeAttachment(volume_id=volume_id),))
        started = provider.compute.create(spec, request_key=new_key())
        instance_id = done(provider.compute, started, deadline_s=deadline_s).outputs["id"]
        ref = ResourceRef(id=volume_id, cluster_id=cluster_id)

        switch("stop", instance_id)

        with pytest.raises(ProviderConflictError):
            provider.volume.delete(ref, request_key=new_key())
        switch("delete", instance_id)
        settle_s = provider.volume.start_of("create").settle_s
        assert owns(provider, cluster_id, volume_id, within_s=settle_s)

    @staticmethod
    def _volume(provider: AnyProvider, cluster_id: str, key: str, deadline_s: float) -> str:
        spec = VolumeSpec(name="pitrix-suite-data", cluster_id=cluster_id, size_gib=1)
        operation = provider.volume.create(spec, request_key=key)
        return str(done(provider.volume, operation, deadline_s=deadline_s).outputs["id"])


def _is_resolved(provider: AnyProvider, query: ImageQuery) -> bool:
    try:
        provider.image.resolve(query)
    except ProviderError:
        return False
    return True
