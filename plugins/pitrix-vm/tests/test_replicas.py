"""Replicas of nodes: a role of their own, with the gid of their masters."""

from typing import Any

import pytest
from vm_packages import VM, cluster_json, metadata_request, node, parsed, planned, snapshot

from pitrix_core.model import Metadata
from pitrix_vm.spec import VmSpec

REPLICATED = {"count": 2, "replica": 2}


def package_of(*, services: dict[str, Any] | None = None, **members: Any) -> VmSpec:
    """Return a package in the OpenPitrix dialect with a role that has replicas."""
    return parsed(cluster_json(node("db", services=services or {}, **REPLICATED, **members)))


def appcenter_package() -> VmSpec:
    """Return one in the AppCenter dialect, whose role has no name."""
    return parsed(
        '{"name": {{cluster.name}}, "env": {"a": 1}, '
        '"nodes": [{"container": {"image": "i"}, "count": 1, "replica": 1}]}'
    )


def metadata_of(spec: VmSpec) -> Metadata:
    """Return the metadata of a cluster whose machines are all there."""
    return VM.metadata(spec, metadata_request(snapshot(planned(spec))))


def runs_of(spec: VmSpec) -> set[str]:
    """Return the commands that creating a package's cluster runs: ``SERVICE/ROLE/SID``."""
    keys = (task.key for task in planned(spec).tasks if task.kind == "service.run")
    return {key.removeprefix("service.run/") for key in keys}


def test_each_node_has_its_own() -> None:
    """A replica has a number within its own role, and the gid of its master."""
    nodes = planned(package_of()).nodes

    assert [(n.role, n.sid, n.gid) for n in nodes] == [
        ("db", 1, 1),
        ("db", 2, 2),
        ("db-replica", 1, 1),
        ("db-replica", 2, 1),
        ("db-replica", 3, 2),
        ("db-replica", 4, 2),
    ]


def test_they_are_machines_like_their_masters() -> None:
    """With a disk of the same size, and an agent that knows its own role."""
    tasks = {t.key: t.input for t in planned(package_of(volume={"size": 10})).tasks}

    master, replica = tasks["compute.create/db/1"], tasks["compute.create/db-replica/4"]
    assert (replica["cpu"], replica["image"]) == (master["cpu"], master["image"])
    assert tasks["volume.create/db-replica/4"]["size_gib"] == 10
    assert replica["user_data"]["$agent"]["config"]["role"] == "db-replica"


def test_no_replica_is_made_of_no_node() -> None:
    """A role without machines has none of the other kind either."""
    spec = parsed(cluster_json(node("db", count=0, replica=2), node("web")))

    assert {n.role for n in planned(spec).nodes} == {"web"}


@pytest.mark.parametrize(
    ("limit", "replicas"),
    [
        pytest.param({}, 4, id="all"),
        pytest.param({"nodes_to_execute_on": 2}, 4, id="as-many-as-there-are"),
        pytest.param({"nodes_to_execute_on": 255}, 4, id="more-than-there-are"),
        pytest.param({"nodes_to_execute_on": 1}, 0, id="some-nodes"),
        pytest.param({"nodes_to_execute_on": 0}, 0, id="no-node"),
    ],
)
def test_they_run_what_all_of_their_masters_run(limit: dict[str, int], replicas: int) -> None:
    """A command for some nodes only leaves the replicas out."""
    runs = runs_of(package_of(services={"start": {"cmd": "x", **limit}}))

    assert len([run for run in runs if run.startswith("start/db-replica/")]) == replicas


@pytest.mark.parametrize("is_asked", [True, False])
def test_they_are_backed_up_only_on_request(is_asked: bool) -> None:
    """Their data are their masters'."""
    spec = package_of(services={"backup": {"cmd": "x", "with_replica": is_asked}})

    replicas = next(role for role in spec.sample.roles if role.master is not None)
    assert ("backup" in replicas.services) == is_asked


def test_appcenter_shows_them_under_their_own_name() -> None:
    """Templates read ``/hosts/ROLE-replica``; of an unnamed role, ``/hosts/replica``."""
    metadata = metadata_of(appcenter_package())

    assert metadata.shared["hosts/i-1/sid"] == "1"
    assert metadata.shared["hosts/replica/i-2/sid"] == "1"
    assert metadata.shared["hosts/replica/i-2/role"] == "replica"


def test_openpitrix_shows_them_among_their_masters() -> None:
    """The leaf ``role`` tells them apart."""
    shared = metadata_of(package_of()).shared

    assert shared["hosts/db/i-1/role"] == "db"
    assert shared["hosts/db/i-3/role"] == "db-replica"
    assert not [path for path in shared if path.startswith("hosts/db-replica/")]


def test_they_read_the_parameters_of_their_masters() -> None:
    """Configuration is made from the same values."""
    assert metadata_of(appcenter_package()).roles == {
        "_": {"env/a": "1"},
        "replica": {"env/a": "1"},
    }


def test_they_are_stopped_and_removed_with_the_others() -> None:
    """Nothing of a cluster stays behind."""
    spec = package_of(services={"stop": {"cmd": "x"}})
    created = planned(spec)

    draft = planned(spec, current=snapshot(created))

    stopped = {t.node_id for t in draft.tasks if t.kind == "service.run"}
    removed = {t.node_id for t in draft.tasks if t.kind == "compute.delete"}
    assert stopped == removed == {n.id for n in created.nodes}
