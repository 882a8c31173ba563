"""The tree that a cluster's machines read."""

import json
from typing import Any

import attrs
import pytest
from vm_packages import (
    FORM,
    VM,
    cluster_json,
    config_json,
    group,
    leaf,
    metadata_request,
    node,
    parsed,
    planned,
    snapshot,
)

from pitrix_core.contracts.apptype import LinkedCluster
from pitrix_core.model import Metadata
from pitrix_vm.spec import VmSpec


def metadata_of(spec: VmSpec, config: dict[str, Any] | None = None) -> Metadata:
    """Return the metadata of a cluster whose machines are all there."""
    current = snapshot(planned(spec, config))
    return VM.metadata(spec, metadata_request(current, config))


def bare(template: dict[str, Any]) -> VmSpec:
    """Return a package in the AppCenter dialect: one tag without quotes is enough."""
    text = json.dumps(template).replace('"{{.cluster.name}}"', "{{cluster.name}}")
    return parsed(text.replace('"{{.', "{{").replace('}}"', "}}"))


def test_hosts_are_shown_with_their_facts() -> None:
    """Every value is a text, and each node sees itself as the host."""
    spec = parsed(cluster_json(node("db", volume={"size": 10, "class": 3}, instance_class=1)))
    first = planned(spec).nodes[0].id

    metadata = metadata_of(spec)

    expected = {
        "ip": "127.0.0.1",
        "sid": "1",
        "gid": "1",
        "gsid": "101",
        "node_id": first,
        "instance_id": "i-1",
        "role": "db",
        "zone": "z1",
        "cpu": "1",
        "memory": "512",
        "volume_size": "10",
        "instance_class": "1",
        "volume_class": "3",
    }
    shown = {path: value for path, value in metadata.nodes[first].items() if "agent/" not in path}
    assert shown == {f"host/{name}": value for name, value in expected.items()}
    assert {
        path.removeprefix("hosts/db/i-1/"): value
        for path, value in metadata.shared.items()
        if path.startswith("hosts/db/i-1/")
    } == expected
    assert metadata.shared["hosts/db/i-2/ip"] == "127.0.0.2"


def test_a_machine_that_is_not_there_is_not_shown() -> None:
    """Nobody is told of a machine without an address."""
    spec = parsed(cluster_json(node("db")))
    current = snapshot(planned(spec))
    gone = attrs.evolve(current.nodes[0], facts={})

    metadata = VM.metadata(
        spec, metadata_request(attrs.evolve(current, nodes=(gone, *current.nodes[1:])))
    )
    assert set(metadata.nodes) == {current.nodes[1].id}


def test_an_unnamed_role_has_no_folder_among_hosts() -> None:
    """Its parameters are kept under the name that stands for none."""
    template = (
        '{"nodes": [{"container": {"image": "i"}, "count": 1, "env": {"a": {{env.db.port}}}}]}'
    )

    metadata = metadata_of(parsed(template))

    assert metadata.shared["hosts/i-1/ip"] == "127.0.0.1"
    assert metadata.roles == {"_": {"env/a": "5432"}}


def test_values_become_texts_and_secrets_stay_markers() -> None:
    """Booleans are written as templates compare them."""
    env = {"a": True, "b": 1.5, "c": None, "d": [1], "e.f": "{{.env.password}}", "g": "x"}
    spec = parsed(cluster_json(node("db", env=env)))

    metadata = metadata_of(spec, {"env": {"password": {"$secret": "sec-1"}}})

    assert metadata.roles["db"] == {
        "env/a": "true",
        "env/b": "1.5",
        "env/c": "",
        "env/d": "[1]",
        "env/g": "x",
        "env/e.f": {"$secret": "sec-1"},
    }


TWO_ROLES = cluster_json(
    node("db", env={"own": 1}),
    node("web"),
    env={"common": 2, "own": 3},
    endpoints={"sql": {"port": 5432, "protocol": "tcp"}},
)


def test_openpitrix_has_its_own_places() -> None:
    """A role's parameters hide the cluster's; endpoints are at the top; the network is a subnet."""
    metadata = metadata_of(parsed(TWO_ROLES), {"cluster": {"subnet": "net-7"}})

    assert metadata.roles == {"db": {"env/own": "1"}, "web": {"env/common": "2", "env/own": "3"}}
    assert metadata.shared["endpoints/sql/port"] == "5432"
    assert metadata.shared["cluster/subnet"] == "net-7"
    assert metadata.shared["cluster/provider"] == "local"


def test_appcenter_has_its_own_places() -> None:
    """A role's parameters are laid over the cluster's; endpoints are the cluster's."""
    metadata = metadata_of(bare(TWO_ROLES))

    assert metadata.roles["db"] == {"env/common": "2", "env/own": "1"}
    assert metadata.shared["cluster/endpoints/sql/protocol"] == "tcp"
    assert metadata.shared["cluster/vxnet"] == "r-network.ensure"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app_id", "app"),
        ("cluster_id", "cl-1"),
        ("user_id", "admin"),
        ("zone", "z1"),
    ],
)
def test_the_cluster_is_shown(name: str, value: str) -> None:
    """What identifies a cluster is there in either dialect."""
    assert metadata_of(parsed(TWO_ROLES)).shared[f"cluster/{name}"] == value


KEY = {"access_key_id": "AK1", "secret_access_key": {"$secret": "sec-2"}}


def test_an_access_key_has_two_parts() -> None:
    """The key's own leaf is its id; the secret stays a marker."""
    form = config_json(FORM["properties"][0], group("env", leaf("key", "accesskey")))
    spec = parsed(cluster_json(node("db", env={"key": "{{.env.key}}"})), form=form)

    assert metadata_of(spec, {"env": {"key": KEY}}).roles["db"] == {
        "env/key": "AK1",
        "env/key/access_key_id": "AK1",
        "env/key/secret_access_key": {"$secret": "sec-2"},
    }


def test_addresses_to_be_reserved_are_shown_without_values() -> None:
    """Templates find the leaf; the platform does not fill it in yet."""
    vip = {"vip": {"value": ""}}
    spec = bare(cluster_json(node("db", reserved_ips=vip), endpoints={"reserved_ips": vip}))

    shared = metadata_of(spec).shared

    assert shared["cluster/endpoints/reserved_ips/vip/value"] == ""
    assert shared["hosts/db/i-1/reserved_ips/vip/value"] == ""


def test_what_the_package_says_of_its_machines_is_shown() -> None:
    """Classes as the package writes them; what it does not say has no leaf."""
    spec = parsed(cluster_json(node("db", gpu=2, gpu_class=1), node("web")))

    metadata = metadata_of(spec)

    [db, _, web] = metadata.nodes.values()
    assert (db["host/gpu"], db["host/gpu_class"]) == ("2", "1")
    assert "host/gpu" not in web


def test_a_linked_cluster_is_shown_as_a_whole() -> None:
    """Its hosts and endpoints; its parameters with their role, and those of all roles without."""
    other = Metadata(
        shared={"hosts/zk/i-9/ip": "10.0.0.9", "cluster/endpoints/client/port": "2181"},
        roles={
            "zk": {"env/common": "1", "env/own": {"$secret": "sec-1"}},
            "web": {"env/common": "1"},
        },
        nodes={"cln-9": {"host/ip": "10.0.0.9"}},
    )
    spec = parsed(cluster_json(node("db")))
    current = snapshot(planned(spec))
    linked = LinkedCluster(snapshot=current, metadata=other)
    request = attrs.evolve(metadata_request(current), links={"zk_service": linked})

    shared = VM.metadata(spec, request).shared

    assert {path: value for path, value in shared.items() if path.startswith("links/")} == {
        "links/zk_service/hosts/zk/i-9/ip": "10.0.0.9",
        "links/zk_service/cluster/endpoints/client/port": "2181",
        "links/zk_service/env/common": "1",
        "links/zk_service/env/zk/common": "1",
        "links/zk_service/env/web/common": "1",
    }


def test_a_linked_cluster_of_one_unnamed_role_has_no_role_level() -> None:
    """Nor has it among its hosts."""
    other = Metadata(roles={"_": {"env/port": "2181"}})
    spec = parsed(cluster_json(node("db")))
    current = snapshot(planned(spec))
    linked = LinkedCluster(snapshot=current, metadata=other)

    shared = VM.metadata(spec, attrs.evolve(metadata_request(current), links={"zk": linked})).shared

    assert {path for path in shared if path.startswith("links/")} == {"links/zk/env/port"}


LINKED = Metadata(roles={"main": {"env/password": {"$secret": "sec-1"}, "env/port": "1"}})
PASSWORD = "links/db/env/main/password"


def _sharing(**envs: dict[str, str]) -> Metadata:
    """Return the metadata of a cluster with roles of these parameters, linked to ``cl-db``."""
    nodes = [node(role, env=env) for role, env in envs.items()]
    spec = parsed(cluster_json(*nodes, links={"db": "cl-db"}))
    request = metadata_request(snapshot(planned(spec)))
    linked = LinkedCluster(snapshot=request.snapshot, metadata=LINKED)
    return VM.metadata(spec, attrs.evolve(request, links={"db": linked}))


def test_a_linked_clusters_password_goes_to_the_roles_that_name_it() -> None:
    """The others see everything else of it."""
    metadata = _sharing(web={"db_service": "cl-db"}, db={"size": "1"})

    assert metadata.roles["web"][PASSWORD] == {"$secret": "sec-1"}
    assert PASSWORD not in metadata.roles["db"]
    assert metadata.shared["links/db/env/main/port"] == "1"


def test_a_link_of_the_whole_cluster_is_for_all_roles() -> None:
    """Where no role names the linked cluster, any may read what it needs."""
    metadata = _sharing(web={}, db={})

    assert all(PASSWORD in metadata.roles[role] for role in ("web", "db"))


@pytest.mark.parametrize("envs", [{"web": {"s": "cl-db"}}, {"web": {}}], ids=["named", "whole"])
def test_no_password_is_shared(envs: dict[str, dict[str, str]]) -> None:
    """What every node of the cluster reads holds no secret at all."""
    metadata = _sharing(**envs, db={})

    assert not [path for path, value in metadata.shared.items() if not isinstance(value, str)]


def test_a_roles_own_password_stays_with_it() -> None:
    """Another role of the same package does not see it."""
    spec = parsed(
        cluster_json(node("db", env={"password": "{{.env.password}}"}), node("web", env={"a": 1}))
    )

    metadata = metadata_of(spec, {"env": {"password": {"$secret": "sec-1"}}})

    assert metadata.roles["db"] == {"env/password": {"$secret": "sec-1"}}
    assert metadata.roles["web"] == {"env/a": "1"}
