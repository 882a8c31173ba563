"""Conformance suite of the interface ``volume``; see ``suite_fixtures`` for how to use it."""

import pytest

from pitrix_core.contracts.interface import is_absent
from pitrix_core.errors import ProviderConflictError
from pitrix_core.model import (
    ImageQuery,
    InstanceSpec,
    NetworkSpec,
    ResourceRef,
    VolumeAttachment,
    VolumeSpec,
)
from pitrix_core.testing.creating_suite import CreatingSuite
from pitrix_core.testing.settling import done
from pitrix_core.testing.suite_fixtures import AnyProvider, Make, NewKey, owns


class VolumeSuite(CreatingSuite):
    """Volumes. Override ``provider``, and ``volume_spec`` where need be."""

    suite_of = "volume"

    @pytest.fixture
    def good_image(self) -> ImageQuery:
        """Return an image that is there: the runtime's default."""
        return ImageQuery(image="")

    @pytest.fixture
    def volume_spec(self, cluster_id: str) -> VolumeSpec:
        """Return a small volume."""
        return VolumeSpec(name="pitrix-suite-data", cluster_id=cluster_id, size_gib=1)

    @pytest.fixture
    def spec(self, volume_spec: VolumeSpec) -> VolumeSpec:
        """Return what the shared clauses are tried with."""
        return volume_spec

    @pytest.fixture
    def holder(
        self, provider: AnyProvider, cluster_id: str, good_image: ImageQuery
    ) -> InstanceSpec:
        """Return a machine to attach volumes to."""
        return InstanceSpec(name="pitrix-suite-holder", cluster_id=cluster_id, image=good_image)

    def test_an_attached_volume_is_not_removed(
        self,
        provider: AnyProvider,
        make: Make,
        holder: InstanceSpec,
        cluster_id: str,
        new_key: NewKey,
        deadline_s: float,
    ) -> None:
        """Deleting a volume that a machine uses is a conflict, and the volume stays.

        A provider without machines has nothing to attach it to; there, a volume is removed.
        """
        volume = ResourceRef(id=make(new_key()).outputs["id"], cluster_id=cluster_id)
        if is_absent(provider.compute):
            removal = provider.volume.delete(volume, request_key=new_key())
            done(provider.volume, removal, deadline_s=deadline_s)
            assert volume.id not in {found.id for found in provider.owned(cluster_id=cluster_id)}
            return
        attach(provider, holder, volume.id, new_key=new_key, deadline_s=deadline_s)

        with pytest.raises(ProviderConflictError):
            provider.volume.delete(volume, request_key=new_key())

        settle_s = provider.volume.start_of("create").settle_s
        assert owns(provider, cluster_id, volume.id, within_s=settle_s)


def attach(
    provider: AnyProvider,
    holder: InstanceSpec,
    volume_id: str,
    *,
    new_key: NewKey,
    deadline_s: float,
) -> None:
    """Make a machine that uses a volume."""
    network_id = ""
    if not is_absent(provider.network):
        wanted = NetworkSpec(name="pitrix-suite", cluster_id=holder.cluster_id)
        ensured = provider.network.ensure(wanted, request_key=new_key())
        network_id = done(provider.network, ensured, deadline_s=deadline_s).outputs["id"]
    spec = InstanceSpec(
        name=holder.name,
        cluster_id=holder.cluster_id,
        image=holder.image,
        network_id=holder.network_id or network_id,
        volumes=(VolumeAttachment(volume_id=volume_id),),
    )
    started = provider.compute.create(spec, request_key=new_key())
    done(provider.compute, started, deadline_s=deadline_s)
