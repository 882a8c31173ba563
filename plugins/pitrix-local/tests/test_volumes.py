"""Volumes are folders that outlive the machines they are attached to."""

import pytest
from local_kit import Host, spec_of

from pitrix_core import OperationState
from pitrix_core.errors import ProviderConflictError, ProviderError, ProviderNotFoundError
from pitrix_core.model import ResourceRef, VolumeAttachment, VolumeSpec


def make_volume(host: Host, key: str = "k-vol") -> str:
    """Make a volume."""
    spec = VolumeSpec(name="data", cluster_id="cl-1", size_gib=1)
    return str(host.provider.volume.create(spec, request_key=key).outputs["id"])


def test_a_volume_is_seen_at_its_mount_point_and_outlives_its_machine(host: Host) -> None:
    """The next machine finds what the first one wrote."""
    volume = make_volume(host)
    part = VolumeAttachment(volume_id=volume, mount_points=("/data",))
    first = host.create("echo kept > $R/data/file; echo END", volumes=(part,))
    host.printed(first, "END")
    host.delete(first)

    second = host.create("cat $R/data/file", key="k-2", volumes=(part,))

    host.printed(second, "kept")


def test_several_mount_points_share_a_volume(host: Host) -> None:
    """Each has a folder of its own in it."""
    volume = make_volume(host)
    part = VolumeAttachment(volume_id=volume, mount_points=("/data/a", "/mnt/b"))

    machine_id = host.create(
        "echo 1 > $R/data/a/x; echo 2 > $R/mnt/b/x; cat $R/data/a/x $R/mnt/b/x; echo END",
        volumes=(part,),
    )

    assert host.printed(machine_id, "END").splitlines() == ["1", "2", "END"]


def test_a_volume_hides_what_the_image_has_at_its_place(image_host: Host) -> None:
    """As a mount does."""
    volume = make_volume(image_host)
    part = VolumeAttachment(volume_id=volume, mount_points=("/opt/app",))

    machine_id = image_host.create("ls $R/opt/app | wc -l; echo END", image="app", volumes=(part,))

    assert image_host.printed(machine_id, "END").splitlines() == ["0", "END"]


def test_a_volume_may_be_mounted_in_another(host: Host) -> None:
    """In the order of the attachments, also at the next boot."""
    outer, inner = make_volume(host, "k-outer"), make_volume(host, "k-inner")
    parts = (
        VolumeAttachment(volume_id=outer, mount_points=("/data",)),
        VolumeAttachment(volume_id=inner, mount_points=("/data/log",)),
    )
    machine_id = host.create(
        "echo 1 >> $R/data/x; echo 2 >> $R/data/log/x; cat $R/data/x $R/data/log/x; echo END",
        volumes=parts,
    )
    host.printed(machine_id, "END")
    host.stop(machine_id)

    host.start(machine_id)

    host.printed(machine_id, "1")
    assert (host.root / "volumes" / inner / "data/x").read_text().startswith("2\n")


def test_a_volume_is_there_again_after_a_restart(host: Host) -> None:
    """Each boot attaches the machine's volumes."""
    part = VolumeAttachment(volume_id=make_volume(host))
    machine_id = host.create("echo x >> $R/data/boots; wc -l < $R/data/boots", volumes=(part,))
    host.printed(machine_id, "1")
    host.stop(machine_id)

    host.start(machine_id)

    host.printed(machine_id, "2")


def test_the_same_key_answers_the_same_volume(host: Host) -> None:
    """Clause 2."""
    assert make_volume(host) == make_volume(host)


def test_an_attached_volume_cannot_be_deleted(host: Host) -> None:
    """Also not while its machine is stopped."""
    volume = make_volume(host)
    machine_id = host.create(volumes=(VolumeAttachment(volume_id=volume),))
    host.stop(machine_id)

    with pytest.raises(ProviderConflictError, match=f"attached to machine {machine_id}"):
        host.provider.volume.delete(ResourceRef(id=volume), request_key="k-delete")


def test_a_volume_has_one_machine_at_a_time(host: Host) -> None:
    """A second one is refused, and nothing is made of it."""
    part = VolumeAttachment(volume_id=make_volume(host))
    host.create(volumes=(part,))

    with pytest.raises(ProviderConflictError, match="is attached"):
        host.provider.compute.create(spec_of(volumes=(part,)), request_key="k-2")

    assert len(list(host.root.glob("machines/*"))) == 1


def test_a_deleted_volume_is_gone(host: Host) -> None:
    """Deleting it twice is fine, and its late request makes no second one."""
    volume = make_volume(host)
    made = host.provider.volume.find("k-vol")
    for key in ("k-1", "k-2"):
        deleted = host.provider.volume.delete(ResourceRef(id=volume), request_key=key)
        assert deleted.state is OperationState.DONE

    assert host.provider.volume.find("k-vol") == ()
    assert host.provider.volume.poll(made[0]).error_code == "provider_not_found"
    assert list(host.root.glob("volumes/*")) == []
    with pytest.raises(ProviderConflictError):
        make_volume(host)


def test_a_volume_that_is_not_there_cannot_be_attached(host: Host) -> None:
    """Nothing is made of the machine."""
    spec = spec_of(volumes=(VolumeAttachment(volume_id="vol-none"),))

    with pytest.raises(ProviderNotFoundError, match=r"compute\.create: there is no volume"):
        host.provider.compute.create(spec, request_key="k-1")

    assert list(host.root.glob("machines/*")) == []


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(("data",), id="relative"),
        pytest.param(("/data/../../etc",), id="leads-up"),
        pytest.param(("/",), id="the-root"),
        pytest.param(("/dev/disk-of-mine",), id="in-a-folder-of-the-kernel"),
        pytest.param(("/.host/x",), id="in-the-view-of-the-host"),
        pytest.param(("/a\0b",), id="no-name"),
        pytest.param(("/data", "/data/"), id="twice"),
    ],
)
def test_a_place_that_cannot_be_mounted_at_is_refused(host: Host, points: tuple[str, ...]) -> None:
    """Before anything is made."""
    part = VolumeAttachment(volume_id=make_volume(host), mount_points=points)

    with pytest.raises(ProviderError, match="mount"):
        host.provider.compute.create(spec_of(volumes=(part,)), request_key="k-1")

    assert list(host.root.glob("machines/*")) == []
