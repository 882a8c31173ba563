"""What the provider says of itself: checks, ownership, offers, settings, errors."""

import errno
from pathlib import Path

import pytest
from local_kit import Host, provider_on, spec_of

from pitrix_core import Level, Operation, OperationState
from pitrix_core.contracts import Context
from pitrix_core.errors import (
    InvalidInputError,
    ProviderAuthError,
    ProviderError,
    ProviderNotFoundError,
    ProviderQuotaError,
    ProviderTemporaryError,
    UnsupportedOperationError,
)
from pitrix_core.model import (
    ImageQuery,
    InstanceSpec,
    NetworkSpec,
    NoCredential,
    ResourceRef,
    Runtime,
    VolumeSpec,
)
from pitrix_local import provider as provider_module
from pitrix_local.failures import translated
from pitrix_local.provider import LocalProvider
from pitrix_local.settings import LocalSettings


def test_building_a_provider_touches_nothing(tmp_path: Path) -> None:
    """Clause 20."""
    provider_on(tmp_path / "root", "auto")

    assert list(tmp_path.iterdir()) == []


def test_the_provider_offers_all_task_kinds(tmp_path: Path) -> None:
    """Every interface is there."""
    assert provider_on(tmp_path, "auto").offers() == {
        "compute.create",
        "compute.delete",
        "compute.start",
        "compute.stop",
        "network.delete",
        "network.ensure",
        "volume.create",
        "volume.delete",
    }


def test_a_check_tells_the_mode(host: Host) -> None:
    """And where machines are kept."""
    findings = host.provider.check()

    assert {finding.level for finding in findings} == {Level.INFO}
    assert str(host.root) in findings[0].message
    assert f"mode {host.mode}" in findings[1].message


@pytest.mark.parametrize(
    ("isolation", "level"),
    [pytest.param("auto", Level.WARNING), pytest.param("namespace", Level.ERROR)],
)
def test_a_check_tells_that_namespaces_are_not_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolation: str, level: Level
) -> None:
    """A warning where a prefix will do, an error where it will not."""
    monkeypatch.setattr(provider_module, "namespace_refusal", lambda _folder: "unshare: EPERM")

    _root, finding = provider_on(tmp_path, isolation).check()

    assert finding.level is level
    assert "unshare: EPERM" in finding.message
    assert finding.next_step


def test_a_machine_is_not_made_without_the_isolation_that_was_asked_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never falls back silently."""
    monkeypatch.setattr(provider_module, "namespace_refusal", lambda _folder: "unshare: EPERM")

    with pytest.raises(ProviderError, match=r"compute\.create: .*unshare: EPERM"):
        provider_on(root, "namespace").compute.create(spec_of(), request_key="k-1")

    assert list(root.glob("machines/*")) == []


def test_auto_falls_back_to_a_prefix(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where namespaces are not possible."""
    monkeypatch.setattr(provider_module, "namespace_refusal", lambda _folder: "unshare: EPERM")
    host = Host(provider_on(root, "auto"), root, "prefix")

    assert host.get(host.create()).details["mode"] == "prefix"


def test_a_check_tells_that_the_root_cannot_be_written(tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "root").touch()

    [finding] = provider_on(tmp_path / "root", "auto").check()

    assert finding.level is Level.ERROR
    assert str(tmp_path / "root") in finding.message


def test_a_check_warns_of_missing_folders(tmp_path: Path) -> None:
    """They may still be on their way, so it is no error."""
    findings = provider_on(tmp_path, "prefix", images=("/no/such/images",)).check()

    assert [finding.message for finding in findings if finding.level is Level.WARNING] == [
        "/no/such/images is not there."
    ]


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        pytest.param(LocalSettings(root="here"), "/settings/root", id="root"),
        pytest.param(LocalSettings(images=("/a", "b")), "/settings/images/1", id="images"),
        pytest.param(LocalSettings(path=("bin",)), "/settings/path/0", id="path"),
    ],
)
def test_a_relative_folder_is_refused(settings: LocalSettings, pointer: str) -> None:
    """It would mean another folder in every process."""
    with pytest.raises(InvalidInputError) as caught:
        LocalProvider(
            Runtime(id="rt-1", name="here", provider="local", owner="tests"),
            settings=settings,
            credential=NoCredential(),
            context=Context(installation_id="0" * 32, state_dir=Path("/nowhere")),
        )

    assert caught.value.pointer == pointer


def test_owned_lists_this_installations_things_and_no_other(host: Host) -> None:
    """Clause 22; with their tags, from the first moment."""
    other = provider_on(host.root, host.mode, installation_id="1" * 32)
    spec = VolumeSpec(name="v", cluster_id="cl-2", size_gib=1)
    machine_id = host.create()
    volume = host.provider.volume.create(spec, request_key="k-vol").resource_id
    other.volume.create(spec, request_key="k-vol")

    owned = {(thing.interface, thing.id) for thing in host.provider.owned()}
    of_cluster = [thing.id for thing in host.provider.owned(cluster_id="cl-1")]

    assert owned == {("compute", machine_id), ("volume", volume)}
    assert of_cluster == [machine_id]
    [machine, _volume] = host.provider.owned()
    assert machine.tags.request_key == "k-1"
    assert machine.age_s is not None
    assert 0 <= machine.age_s < 60


def test_there_is_one_network(tmp_path: Path) -> None:
    """The loopback, which is never removed."""
    network = provider_on(tmp_path, "prefix").network
    spec = NetworkSpec(name="n", cluster_id="c")

    first = network.ensure(spec, request_key="k-1")
    second = network.ensure(spec, request_key="k-2")
    deleted = network.delete(ResourceRef(id="local"), request_key="k-3")

    assert first.outputs == second.outputs == {"id": "local", "cidr": "127.0.0.0/8"}
    assert network.poll(deleted).state == "done"
    assert network.find("k-1") == ()


def test_another_network_is_not_there(tmp_path: Path) -> None:
    """Clause 8."""
    network = provider_on(tmp_path, "prefix").network

    with pytest.raises(ProviderNotFoundError, match=r"network\.ensure: there is no network"):
        network.ensure(NetworkSpec(name="n", cluster_id="c", existing_id="vpc"), request_key="k-1")


def test_the_first_folder_that_has_an_image_wins(tmp_path: Path) -> None:
    """Images are looked for in the order of the setting."""
    for name in ("one/app", "two/app", "two/db"):
        (tmp_path / name).mkdir(parents=True)
    images = provider_on(
        tmp_path, "prefix", images=(str(tmp_path / "one"), str(tmp_path / "two"))
    ).image

    assert images.folder_of(ImageQuery(image="app"), operation="x") == tmp_path / "one/app"
    assert images.folder_of(ImageQuery(image="db"), operation="x") == tmp_path / "two/db"
    assert images.resolve(ImageQuery(image="db")) == "db"


def test_images_start_nothing(tmp_path: Path) -> None:
    """So there is nothing to poll or to find."""
    images = provider_on(tmp_path, "prefix").image
    operation = Operation(request_key="k-1", kind="image.none", state=OperationState.DONE)

    assert images.poll(operation) == operation
    assert images.find("k-1") == ()
    assert images.verbs() == frozenset()


def test_the_empty_image_is_the_host(tmp_path: Path) -> None:
    """Its id can be resolved again."""
    images = provider_on(tmp_path, "prefix").image

    resolved = images.resolve(ImageQuery(image=""))

    assert resolved
    assert images.resolve(ImageQuery(image=resolved)) == resolved


@pytest.mark.parametrize(
    ("named", "image"), [("", "base"), ("app", "app")], ids=["no-name", "a-name"]
)
def test_the_default_image_is_for_machines_without_one(
    root: Path, tmp_path: Path, named: str, image: str
) -> None:
    """An operator names it; a machine is made of its folder."""
    images = tmp_path / "images"
    for name in ("base", "app"):
        (images / name).mkdir(parents=True)
    local = provider_on(root, "prefix", images=(str(images),), default_image="base")
    host = Host(local, root, "prefix")

    machine = host.get(host.create(image=named))

    assert machine.details["image"] == image
    assert local.image.resolve(ImageQuery(image=named)) == image
    assert local.image.folder_of(ImageQuery(image=named), operation="x") == images / image


def test_a_default_image_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By a check of the runtime, and by whoever needs it."""
    host = provider_on(tmp_path, "prefix", images=(str(tmp_path),), default_image="base")
    told = f"image.resolve: there is no default image 'base'; looked in {tmp_path}"

    findings = host.check()

    with pytest.raises(ProviderNotFoundError) as caught:
        host.image.resolve(ImageQuery(image=""))
    assert caught.value.message == told
    assert [(f.code, f.message) for f in findings if f.level is Level.WARNING] == [
        ("local.image", f"{told}.")
    ]


def test_docker_images_are_refused(tmp_path: Path) -> None:
    """Even where a folder has the name."""
    (tmp_path / "nginx").mkdir()
    images = provider_on(tmp_path, "prefix", images=(str(tmp_path),)).image

    with pytest.raises(UnsupportedOperationError) as caught:
        images.resolve(ImageQuery(image="nginx", container="docker"))

    assert caught.value.message == "image.resolve: local does not run Docker images yet"


@pytest.mark.parametrize("name", ["none", "../images/app", "/etc", ".", "..", ".hidden", "a\0b"])
def test_an_image_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    """The message says where it was looked for."""
    (tmp_path / "images/app").mkdir(parents=True)
    images = provider_on(tmp_path, "prefix", images=(str(tmp_path / "images"),)).image

    with pytest.raises(ProviderNotFoundError) as caught:
        images.resolve(ImageQuery(image=name))

    assert caught.value.message.startswith("image.resolve: ")
    assert str(tmp_path / "images") in caught.value.message


def test_a_hostname_that_is_none_is_refused(root: Path) -> None:
    """It would become a line of /etc/hosts."""
    spec = spec_of(hostname="a\nb")

    with pytest.raises(ProviderError, match="cannot be a host's name"):
        provider_on(root, "prefix").compute.create(spec, request_key="k-1")


def test_a_machine_without_hostname_has_its_name(root: Path) -> None:
    """Where that can be a host's; else its id."""
    compute = provider_on(root, "prefix").compute
    image = ImageQuery(image="")
    named = InstanceSpec(name="db-1", cluster_id="c", image=image)
    odd = InstanceSpec(name="my db", cluster_id="c", image=image)

    first = compute.create(named, request_key="k-1")
    second = compute.create(odd, request_key="k-2")

    assert compute.get(first.resource_id or "").details["hostname"] == "db-1"
    assert compute.get(second.resource_id or "").details["hostname"] == second.resource_id


def test_user_data_is_in_no_operation_and_no_record(host: Host) -> None:
    """Clause 11: it may hold an agent's secret."""
    machine_id = host.create("# s3cret-word")

    [found] = host.provider.compute.find("k-1")
    records = [path.read_text() for path in host.folder(machine_id).glob("*.json")]
    assert "s3cret-word" not in repr((found, host.get(machine_id), records))
    assert (host.folder(machine_id) / "user-data").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        pytest.param(errno.ENOSPC, ProviderQuotaError, id="disk-full"),
        pytest.param(errno.EACCES, ProviderAuthError, id="not-allowed"),
        pytest.param(errno.EMFILE, ProviderTemporaryError, id="too-many-open-files"),
        pytest.param(errno.EISDIR, ProviderError, id="anything-else"),
    ],
)
def test_the_hosts_failures_arrive_as_ours(number: int, kind: type[ProviderError]) -> None:
    """Clause 10: with the operation first and the host's code."""
    with pytest.raises(ProviderError) as caught, translated("volume.create"):
        raise OSError(number, "no", "/some/file")

    assert type(caught.value) is kind
    assert str(caught.value) == f"volume.create: {errno.errorcode[number]}: no: /some/file"


def test_a_lock_that_is_held_is_a_passing_failure() -> None:
    """The core comes back."""
    with (
        pytest.raises(ProviderTemporaryError, match=r"compute\.create: held"),
        translated("compute.create"),
    ):
        raise TimeoutError("held")
