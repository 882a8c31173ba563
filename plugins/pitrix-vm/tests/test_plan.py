"""Plans: what is made, in which order, and what can run at a time."""

import graphlib
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import pytest
from vm_packages import (
    VM,
    cluster_json,
    node,
    parsed,
    planned,
    snapshot,
)

from pitrix_core.errors import PlanRefusedError, TemplateRenderError
from pitrix_core.model import PlanDraft, Task
from pitrix_vm.spec import VmSpec

SERVICES = {
    "init": {"cmd": "init", "order": 1},
    "start": {"cmd": "start", "order": 2, "timeout": 60},
    "stop": {"cmd": "stop", "order": 1},
    "destroy": {"cmd": "destroy"},
}


def by_key(draft: PlanDraft) -> Mapping[str, Task]:
    """Return a draft's tasks by key."""
    return {task.key: task for task in draft.tasks}


def levels(draft: PlanDraft) -> list[set[str]]:
    """Return which tasks can run at a time, wave by wave; fails for a cycle or an unknown key."""
    tasks = by_key(draft)
    sorter = graphlib.TopologicalSorter({task.key: task.after for task in draft.tasks})
    sorter.prepare()
    waves = []
    while sorter.is_active():
        wave = set(sorter.get_ready())
        assert wave <= tasks.keys()
        sorter.done(*wave)
        waves.append(wave)
    return waves


def keys(kind: str, names: Iterable[str]) -> set[str]:
    """Return keys of one kind."""
    return {f"{kind}/{name}" for name in names}


@pytest.fixture
def shop() -> VmSpec:
    """Two databases with a disk, and one server that starts before them."""
    web = {"init": {"cmd": "w", "post_start_service": True}, "start": {"cmd": "w", "order": 1}}
    return parsed(
        cluster_json(
            node("db", volume={"size": "{{.cluster.db.size}}"}, services=SERVICES),
            node("web", services=web),
        )
    )


def test_a_creation_goes_wave_by_wave(shop: VmSpec) -> None:
    """All that can run at a time does, and commands wait for every configured agent."""
    waves = levels(planned(shop))

    dbs, nodes = ("db/1", "db/2"), ("db/1", "db/2", "web/1")
    assert waves == [
        {"network.ensure"} | keys("volume.create", dbs),
        keys("compute.create", nodes),
        {"metadata.put"},
        keys("agent.wait", nodes),
        keys("service.run/init", dbs),
        {"service.run/start/web/1"},
        keys("service.run/start", dbs),
        {"service.run/init/web/1"},
    ]


def test_only_data_flow_makes_machines_wait(shop: VmSpec) -> None:
    """A machine waits for its own volume, not for the others'."""
    tasks = by_key(planned(shop))

    assert tasks["compute.create/web/1"].after == ("network.ensure",)
    assert tasks["compute.create/db/2"].after == ("network.ensure", "volume.create/db/2")
    assert tasks["agent.wait/db/2"].after == ("metadata.put", "compute.create/db/2")


def test_a_machine_is_described_for_its_provider(shop: VmSpec) -> None:
    """Names, sizes, references and the agent's own part of its configuration are there."""
    draft = planned(shop, {"cluster": {"subnet": "net-7", "db": {"size": 20}}})

    tasks = by_key(draft)
    first = draft.nodes[0].id
    assert tasks["network.ensure"].input == {
        "name": "Shop 1",
        "cluster_id": "cl-1",
        "existing_id": "net-7",
    }
    assert tasks["volume.create/db/1"].input == {
        "name": "shop-1-db-1",
        "cluster_id": "cl-1",
        "size_gib": 20,
        "volume_class": "",
    }
    assert tasks["compute.create/db/1"].node_id == first
    assert tasks["compute.create/db/1"].input == {
        "name": "shop-1-db-1",
        "cluster_id": "cl-1",
        "image": {"image": "db:1", "container": "docker"},
        "cpu": 1,
        "memory_mib": 512,
        "instance_class": "",
        "network_id": {"$ref": "network.ensure#/id"},
        "volumes": [
            {
                "volume_id": {"$ref": "volume.create/db/1#/id"},
                "mount_points": ["/data"],
                "filesystem": "ext4",
                "mount_options": "defaults,noatime",
            }
        ],
        "hostname": "shop-1-db-1",
        "user_data": {
            "$agent": {
                "agent": "drone",
                "config": {
                    "cluster_id": "cl-1",
                    "node_id": first,
                    "role": "db",
                    "dialect": "openpitrix",
                    "prefix": "/",
                },
            }
        },
    }


def test_nodes_are_named_after_cluster_role_and_number(shop: VmSpec) -> None:
    """A plan made again names the same nodes."""
    nodes = planned(shop).nodes

    assert [(n.role, n.sid, n.gid) for n in nodes] == [("db", 1, 1), ("db", 2, 2), ("web", 1, 1)]
    assert nodes == planned(shop).nodes
    assert nodes[0].planned == {"cpu": 1, "memory_mib": 512, "volume_gib": 10}
    assert all(n.id.startswith("cln-") and len(n.id) == 16 for n in nodes)


def test_a_command_is_described_for_its_agent(shop: VmSpec) -> None:
    """The task outlives the command's own time limit."""
    draft = planned(shop)

    task = by_key(draft)["service.run/start/db/2"]
    assert task.input == {
        "cluster_id": "cl-1",
        "node_id": draft.nodes[1].id,
        "service": "start",
        "cmd": "start",
        "timeout_s": 60,
        "idempotent": False,
        "may_fail": False,
        "supervision": "begin",
    }
    assert task.timeout_s > 60


def test_a_command_may_be_for_some_nodes_only() -> None:
    """The first ones are taken; more than there are means all."""
    services = {
        "init": {"cmd": "x", "nodes_to_execute_on": 1},
        "start": {"cmd": "x", "nodes_to_execute_on": 255},
    }
    draft = planned(parsed(cluster_json(node("db", services=services))))

    runs = {task.key for task in draft.tasks if task.kind == "service.run"}
    assert runs == {"service.run/init/db/1", *keys("service.run/start", ("db/1", "db/2"))}


def test_a_stage_without_nodes_vanishes() -> None:
    """What comes after it waits for what came before it."""
    services = {"init": {"cmd": "x", "nodes_to_execute_on": 0}, "start": {"cmd": "x"}}
    draft = planned(parsed(cluster_json(node("db", services=services))))

    assert set(by_key(draft)["service.run/start/db/1"].after) == keys(
        "agent.wait", ("db/1", "db/2")
    )


def test_a_role_without_agent_is_only_made() -> None:
    """Nothing waits for a machine that will never report."""
    spec = parsed(cluster_json(node("db", agent_installed=False, services=SERVICES), node("web")))

    tasks = by_key(planned(spec))
    assert keys("agent.wait", ("web/1",)) == {k for k in tasks if k.startswith("agent.wait")}
    assert not [task for task in tasks.values() if task.kind == "service.run"]
    assert tasks["compute.create/db/1"].input["user_data"] == ""


def test_an_unnamed_role_has_a_place_in_keys() -> None:
    """The one role of a package may have no name."""
    template = '{"nodes": [{"container": {"image": "i"}, "count": {{cluster.db.count}}}]}'
    draft = planned(parsed(template))

    assert keys("compute.create", ("_/1", "_/2")) <= by_key(draft).keys()
    config = by_key(draft)["compute.create/_/1"].input["user_data"]["$agent"]["config"]
    assert (config["role"], config["dialect"], config["prefix"]) == ("", "appcenter", "/self")


@pytest.mark.parametrize(
    ("members", "prefix"), [({}, "/self"), ({"metadata_root_access": True}, "/")]
)
def test_root_access_moves_the_prefix(members: dict[str, Any], prefix: str) -> None:
    """Images with access to the whole tree write /self themselves."""
    template = '{"nodes": [{"container": {"image": "i"}, "count": {{cluster.db.count}}}]'
    template += "".join(f', "{name}": true' for name in members) + "}"

    config = by_key(planned(parsed(template)))["compute.create/_/1"].input["user_data"]
    assert config["$agent"]["config"]["prefix"] == prefix


@pytest.mark.parametrize(
    ("port", "resolved"),
    [
        pytest.param(80, 80, id="number"),
        pytest.param("9092", 9092, id="text"),
        pytest.param("{{.env.db.port}}", 5432, id="tag"),
        pytest.param("db.env.the.port", 5432, id="role"),
        pytest.param("env.own", 81, id="cluster"),
        pytest.param("env.the.port", 5432, id="some-role"),
        pytest.param("env.nothing", None, id="nothing"),
        pytest.param("9" * 5000, None, id="huge"),
        pytest.param(0, None, id="zero"),
    ],
)
def test_endpoints_are_resolved(port: object, resolved: int | None) -> None:
    """A port may be a number or name the parameter that holds it; others are remarked on."""
    spec = parsed(
        cluster_json(
            node("db", env={"the.port": "{{.env.db.port}}"}),
            env={"own": "81"},
            endpoints={"sql": {"port": port, "protocol": "tcp"}},
        )
    )

    draft = planned(spec)
    endpoints = {"sql": {"port": resolved, "protocol": "tcp"}} if resolved else {}
    assert draft.endpoints == endpoints
    assert [finding.code for finding in draft.findings] == (
        [] if resolved else ["cluster.endpoint"]
    )


def test_the_only_role_is_meant_whatever_it_is_called() -> None:
    """It needs no name in cluster.json, though its parameters stand below one in config.json."""
    only = {**node("db", env={"the.port": "{{.env.db.port}}"}), "role": ""}
    spec = parsed(cluster_json(only, endpoints={"sql": {"port": "db.env.the.port"}}))

    assert planned(spec).endpoints == {"sql": {"port": 5432, "protocol": ""}}


@pytest.mark.parametrize(
    ("config", "code"),
    [
        pytest.param({"db": {"count": 0}, "web": {"count": 0}}, "cluster.empty", id="no-machine"),
        pytest.param({"db": {"count": 1000}}, "cluster.value", id="too-many"),
    ],
)
def test_an_impossible_cluster_is_refused(shop: VmSpec, config: dict[str, Any], code: str) -> None:
    """The findings say why."""
    with pytest.raises(PlanRefusedError) as caught:
        planned(shop, {"cluster": config})

    assert code in {finding.code for finding in caught.value.findings}


def test_an_image_cannot_be_named_for_an_impossible_cluster(shop: VmSpec) -> None:
    """The contract's error says what the template did."""
    with pytest.raises(TemplateRenderError, match="/nodes/0/count"):
        VM.images(shop, {"cluster": {"db": {"count": -1}}})


def test_a_deletion_stops_before_it_removes(shop: VmSpec) -> None:
    """Commands run in their order; then everything else goes, volumes after their machines."""
    created = planned(shop)
    waves = levels(planned(shop, current=snapshot(created)))

    dbs = [n.id for n in created.nodes if n.role == "db"]
    assert waves == [
        keys("service.run/destroy", ("db/1", "db/2")),
        keys("service.run/stop", ("db/1", "db/2")),
        {"metadata.delete"} | keys("compute.delete", [n.id for n in created.nodes]),
        keys("volume.delete", dbs),
    ]


def test_a_deletion_goes_on_where_stop_fails(shop: VmSpec) -> None:
    """What never started well cannot be stopped well; ``destroy`` may object."""
    draft = planned(shop, current=snapshot(planned(shop)))

    tolerated = {t.input["service"]: t.input["may_fail"] for t in draft.tasks if "cmd" in t.input}
    assert tolerated == {"destroy": False, "stop": True}


def test_a_forced_deletion_goes_on_where_destroy_fails(shop: VmSpec) -> None:
    """Users may override what a package says about its own end."""
    draft = planned(shop, current=snapshot(planned(shop)), is_forced=True)

    tolerated = {t.input["service"]: t.input["may_fail"] for t in draft.tasks if "cmd" in t.input}
    assert tolerated == {"destroy": True, "stop": True}
    assert draft.findings == ()


@pytest.fixture
def guarded() -> VmSpec:
    """A database whose ``destroy`` nobody may pass over."""
    services = {**SERVICES, "destroy": {"cmd": "destroy", "allow_force": False}}
    return parsed(cluster_json(node("db", services=services)))


@pytest.mark.parametrize(
    ("state", "is_forced", "codes"),
    [
        pytest.param("configured", True, ["deletion.force"], id="forced"),
        pytest.param("configured", False, [], id="not-forced"),
        pytest.param("starting", True, [], id="where-no-command-can-be-run"),
    ],
)
def test_a_package_may_forbid_force(
    guarded: VmSpec, state: str, is_forced: bool, codes: list[str]
) -> None:
    """Its ``destroy`` may guard data; where it would be run, it has to succeed."""
    current = snapshot(planned(guarded), state=state)

    draft = planned(guarded, current=current, is_forced=is_forced)

    assert [finding.code for finding in draft.findings] == codes


def test_a_resource_is_deleted_by_its_own_id(shop: VmSpec) -> None:
    """The network, which others may use, stays."""
    created = planned(shop)
    draft = planned(shop, current=snapshot(created))

    task = by_key(draft)[f"volume.delete/{created.nodes[0].id}"]
    assert task.input == {"id": "r-volume.create/db/1", "cluster_id": "cl-1"}
    assert not [task for task in draft.tasks if task.kind.startswith("network.")]


def test_destroy_may_come_after_stop() -> None:
    """As the package says."""
    services = {"stop": {"cmd": "x"}, "destroy": {"cmd": "x", "post_stop_service": True}}
    spec = parsed(cluster_json(node("web", services=services)))

    waves = levels(planned(spec, current=snapshot(planned(spec))))
    assert waves[:2] == [{"service.run/stop/web/1"}, {"service.run/destroy/web/1"}]


@pytest.mark.parametrize("state", [None, "configuring", "failed"])
def test_no_command_is_sent_where_nobody_would_answer(shop: VmSpec, state: str | None) -> None:
    """A cluster that was only partly made is removed without its commands."""
    draft = planned(shop, current=snapshot(planned(shop), state=state, revision=0))

    assert {task.kind for task in draft.tasks} == {"compute.delete", "volume.delete"}
    assert levels(draft)[0] >= {t.key for t in draft.tasks if t.kind == "compute.delete"}


def test_a_volume_without_its_machine_is_deleted(shop: VmSpec) -> None:
    """A creation that ended between the two leaves nothing behind."""
    current = snapshot(planned(shop), state=None, revision=0)
    current = attrs.evolve(
        current, resources=tuple(r for r in current.resources if r.kind == "volume.create")
    )

    draft = planned(shop, current=current)
    assert [(task.kind, task.after) for task in draft.tasks] == [("volume.delete", ())] * 2


def test_two_machines_of_one_node_are_both_deleted(shop: VmSpec) -> None:
    """A surplus made by a lost answer has a key of its own."""
    current = snapshot(planned(shop), state=None)
    [first] = [r for r in current.resources if r.kind == "compute.create"][:1]
    second = attrs.evolve(first, resource_id="surplus")
    current = attrs.evolve(current, resources=(*current.resources, second))

    draft = planned(shop, current=current)
    assert {"compute.delete/surplus", f"compute.delete/{first.resource_id}"} <= by_key(draft).keys()
    assert levels(draft)


def test_a_cluster_that_never_got_anywhere_needs_no_tasks(shop: VmSpec) -> None:
    """Nothing was made, so nothing is removed."""
    current = snapshot(planned(shop), state=None, revision=0, made=False)

    assert planned(shop, current=current).tasks == ()


def test_a_cluster_can_be_deleted_when_its_commands_cannot_be_read(shop: VmSpec) -> None:
    """The plan goes on without them, and says so."""
    current = snapshot(planned(shop))
    broken = attrs.evolve(shop, template=attrs.evolve(shop.template, text="{"))

    draft = planned(broken, current=current)
    kinds = {task.kind for task in draft.tasks}
    assert kinds == {"metadata.delete", "compute.delete", "volume.delete"}
    assert [finding.code for finding in draft.findings] == ["deletion.commands"]


IMAGES = {"local": {"z1": "here"}, "aws": "ami-1"}


def test_a_package_names_an_image_for_each_cloud() -> None:
    """The machine starts from the runtime's; all are known before."""
    spec = parsed(cluster_json(node("db", container={"image": IMAGES})))

    images = {t.input["image"]["image"] for t in planned(spec).tasks if "image" in t.input}
    assert images == {"here"}
    assert [len(query.choices) for query in VM.images(spec, {})] == [2]


def test_a_runtime_without_an_image_is_refused() -> None:
    """The finding points at the images there are, and names their clouds."""
    spec = parsed(cluster_json(node("db", container={"image": {"aws": "ami-1"}})))

    with pytest.raises(PlanRefusedError) as caught:
        planned(spec)

    [finding] = caught.value.findings
    assert (finding.code, finding.pointer) == ("cluster.image", "/nodes/0/container/image")
    assert "local (zone z1)" in finding.message
    assert "aws" in finding.message


def test_a_role_without_machines_needs_no_image() -> None:
    """Nothing starts from it."""
    without = node("web", container={"image": {"aws": "ami-1"}})
    draft = planned(parsed(cluster_json(node("db"), without)), {"cluster": {"web": {"count": 0}}})

    assert {n.role for n in draft.nodes} == {"db"}


def test_an_empty_command_is_not_run() -> None:
    """No task is made of it, and what comes after does not wait for it."""
    services = {"init": {"cmd": ""}, "start": {"cmd": "x"}}
    draft = planned(parsed(cluster_json(node("web", services=services))))

    assert by_key(draft)["service.run/start/web/1"].after == ("agent.wait/web/1",)
    assert "service.run/init/web/1" not in by_key(draft)


def test_agents_are_told_the_dialect_of_their_templates() -> None:
    """A package in a dialect that no image is written in has images for AppCenter."""
    spec = attrs.evolve(parsed(cluster_json(node("web"))), dialect="jinja")

    config = by_key(planned(spec))["compute.create/web/1"].input["user_data"]["$agent"]["config"]
    assert (config["dialect"], config["prefix"]) == ("appcenter", "/self")


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"custom_metadata": {"cmd": "x"}}, "/nodes/0/custom_metadata"),
        ({"loadbalancer": [{"port": 80}]}, "/nodes/0/loadbalancer"),
        ({"passphraseless": "ssh-rsa"}, "/nodes/0/passphraseless"),
        ({"reserved_ips": {"vip": {"value": ""}}}, "/nodes/0/reserved_ips"),
        ({"gpu": 1}, "/nodes/0/gpu"),
        ({"net": {"ib": 1}}, "/nodes/0/net"),
        ({"nas_mount_point": "/nas"}, "/nodes/0/nas_mount_point"),
    ],
)
def test_what_has_no_effect_yet_is_said(members: dict[str, Any], pointer: str) -> None:
    """A cluster is made without it, and the plan says so, once for all roles that ask."""
    spec = parsed(cluster_json(node("db", **members), node("web", **members)))

    found = [f.pointer for f in planned(spec).findings if f.code == "cluster.ineffective"]
    assert found == [pointer]


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"endpoints": {"reserved_ips": {"vip": {}}}}, "/endpoints/reserved_ips"),
        ({"need_tag": True}, "/need_tag"),
        ({"need_intranet_api_server": True}, "/need_intranet_api_server"),
        ({"multi_zone_policy": "round_robin"}, "/multi_zone_policy"),
    ],
)
def test_what_of_a_cluster_has_no_effect_yet_is_said(members: dict[str, Any], pointer: str) -> None:
    """What concerns no role is said once, too."""
    found = planned(parsed(cluster_json(node("db"), **members))).findings

    assert [f.pointer for f in found if f.code == "cluster.ineffective"] == [pointer]


def test_users_are_not_told_what_concerns_authors() -> None:
    """What no document describes is taken, and nothing for a user to think about."""
    spec = parsed(cluster_json(node("db"), unsupported_actions=["rollback"]))

    assert [finding.code for finding in VM.validate(spec)] == ["cluster.undocumented"]
    assert planned(spec).findings == ()
