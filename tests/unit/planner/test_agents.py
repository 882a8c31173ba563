"""Machines that start a drone get a Frontgate before them, and what the drone has to know."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from pitrix_core.errors import PlanRefusedError
from pitrix_core.model import (
    AgentStart,
    Cluster,
    ClusterSnapshot,
    ClusterState,
    OwnedResource,
    Plan,
    Runtime,
    Task,
)
from pitrix_core.planner.agents import (
    as_spoken,
    frontgate_secret,
    node_secret,
    with_frontgate,
)
from pitrix_core.planner.frontgate import (
    FrontgatePlan,
    PilotPlace,
    draft_frontgate,
    draft_removal,
)

NETWORK = Task(key="net", kind="network.ensure", title="", input={"name": "n", "cluster_id": "c"})


def machine(key: str, user_data: object = "", *after: str) -> Task:
    """Return a machine."""
    return Task(
        key=key,
        kind="compute.create",
        title="",
        input={
            "name": key,
            "cluster_id": "cl-1",
            "image": {"image": ""},
            "user_data": user_data,
        },
        after=after,
    )


def drone(node_id: str) -> Any:
    """Return the user-data of a machine with a drone."""
    return {"$agent": {"agent": "drone", "config": {"node_id": node_id, "role": "db"}}}


@pytest.mark.parametrize(
    "user_data",
    [
        pytest.param("", id="nothing"),
        pytest.param("#!/bin/sh\n", id="a-script"),
        pytest.param({"$secret": "sec-1"}, id="a-secret"),
        pytest.param({"$agent": {"agent": "frontgate", "config": {}}}, id="a-frontgate"),
        pytest.param({"$agent": "drone"}, id="no-description"),
    ],
)
def test_machines_without_a_drone_need_no_frontgate(user_data: object) -> None:
    """Their tasks stay as they are."""
    tasks = (NETWORK, machine("m", user_data))

    assert with_frontgate(tasks, cluster_id="cl-1") == tasks


def test_a_frontgate_comes_before_the_first_drone() -> None:
    """Right after the network it is in; machines without a drone do not wait for it."""
    tasks = (NETWORK, machine("plain", "", "net"), machine("m", drone("n"), "net"))

    completed = with_frontgate(tasks, cluster_id="cl-1")

    assert [task.key for task in completed] == ["net", "plain", "frontgate.ensure", "m"]
    ensure = completed[2]
    assert ensure.after == ("net",)
    assert ensure.input == {"cluster_id": "cl-1", "network_id": {"$ref": "net#/id"}}
    assert completed[1].after == ("net",)
    assert completed[3].after == ("net", "frontgate.ensure")


def test_without_a_network_it_is_in_the_default_one() -> None:
    """Providers without networks have one place for all machines."""
    [ensure, _] = with_frontgate((machine("m", drone("n")),), cluster_id="cl-1")

    assert ensure.input["network_id"] == ""
    assert ensure.after == ()


def test_a_drone_is_told_how_to_get_in() -> None:
    """What it shows is a secret's id; the rest is known once the Frontgate is there."""
    [_, completed] = with_frontgate((machine("m", drone("n")),), cluster_id="cl-1")

    assert completed.input["user_data"]["$agent"]["config"] == {
        "node_id": "n",
        "role": "db",
        "protocol": {"$ref": "frontgate.ensure#/protocol"},
        "endpoints": {"$ref": "frontgate.ensure#/endpoints"},
        "ca": {"$ref": "frontgate.ensure#/ca"},
        "enrol_url": {"$ref": "frontgate.ensure#/enrol_url"},
        "user": "n",
        "password": {"$secret": "sec-n"},
        "enrolment": {"$secret": "sec-n"},
    }
    assert node_secret("n").id == "sec-n"


@pytest.mark.parametrize(
    ("protocol", "members"),
    [
        pytest.param(1, {"user", "password"}, id="version-1"),
        pytest.param(2, {"ca", "enrol_url", "enrolment"}, id="version-2"),
    ],
)
def test_a_drone_gets_the_members_of_its_frontgates_version(
    protocol: int, members: set[str]
) -> None:
    """A plan has those of all: it is made before the Frontgate is known."""
    [_, completed] = with_frontgate((machine("m", drone("n")),), cluster_id="cl-1")
    config = completed.input["user_data"]["$agent"]["config"]

    told = as_spoken(AgentStart(agent="drone", config={**config, "protocol": protocol}))

    common = {"node_id", "role", "protocol", "endpoints"}
    assert told.config.keys() == common | members


def test_other_agents_are_told_all() -> None:
    """A Frontgate's configuration is of one version from the beginning."""
    start = AgentStart(agent="frontgate", config={"protocol": 2, "password": "x"})

    assert as_spoken(start) == start


@pytest.mark.parametrize(
    "described",
    [
        pytest.param({"agent": "drone"}, id="no-config"),
        pytest.param({"agent": "drone", "config": {}}, id="no-node"),
        pytest.param({"agent": "drone", "config": {"node_id": 5}}, id="a-number"),
    ],
)
def test_a_drone_for_no_node_is_refused(described: object) -> None:
    """It is the app type's fault, and it is told by the task's name."""
    with pytest.raises(PlanRefusedError, match="Task m starts a drone") as caught:
        with_frontgate((machine("m", {"$agent": described}),), cluster_id="cl-1")

    assert caught.value.findings[0].file == "m"


def test_a_frontgate_of_the_app_type_is_refused(build: Callable[..., Plan]) -> None:
    """There can be one task of that key only, and it is the core's."""
    own = Task(
        key="frontgate.ensure",
        kind="frontgate.ensure",
        title="",
        input={"cluster_id": "cl-1", "network_id": ""},
    )

    with pytest.raises(PlanRefusedError) as caught:
        build(own, machine("m", drone("n")))

    assert caught.value.findings[0].message == "Two tasks have the key frontgate.ensure."


def test_the_frontgates_own_plan_can_be_built(build: Callable[..., Plan]) -> None:
    """It starts from user-data alone, is small, and waits until it has connected."""
    frontgate = FrontgatePlan(
        cluster_id="cl-fg",
        frontgate_id="fg-1",
        network_id="net-1",
        pilot=PilotPlace(
            urls=("wss://pilot",), ca="PEM", agents_url="https://api/v1/agents", agents_ca="PEM-2"
        ),
        runtime=Runtime(
            id="rt-1",
            name="here",
            provider="fake",
            owner="admin",
            settings={
                "image_mirror": "https://mirror.example",
                "frontgate_proxy": "http://proxy.example:3128",
            },
            throw_away=True,
        ),
    )

    plan = build(draft=draft_frontgate(frontgate), cluster_id="cl-fg")

    assert [task.kind for task in plan.tasks] == ["compute.create", "frontgate.wait"]
    config = plan.tasks[0].input["user_data"]["$agent"]["config"]
    assert config["enrolment"] == frontgate_secret("fg-1").to_json() == {"$secret": "sec-fg-1"}
    assert (config["pilot_urls"], config["pilot_ca"]) == (["wss://pilot"], "PEM")
    assert (config["agents_url"], config["agents_ca"]) == ("https://api/v1/agents", "PEM-2")
    assert config["throw_away"] is True
    assert config["image_mirror"] == "https://mirror.example"
    assert config["proxy"] == "http://proxy.example:3128"
    assert plan.totals.machines == 1


def test_a_frontgates_removal_takes_its_machines() -> None:
    """Also one that an earlier try has left behind; whatever else it owns is not a machine."""
    resources = [
        OwnedResource(
            cluster_id="cl-fg",
            kind=kind,
            resource_id=f"i-{number}",
            node_id="n",
            request_key=f"k-{number}",
        )
        for number, kind in enumerate(["compute.create", "network.ensure", "compute.create"])
    ]
    current = ClusterSnapshot(cluster=_cluster("cl-fg"), nodes=(), resources=tuple(resources))

    draft = draft_removal(current)

    assert [task.input["id"] for task in draft.tasks] == ["i-0", "i-2"]
    assert len({task.key for task in draft.tasks}) == 2


def _cluster(cluster_id: str) -> Cluster:
    now = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)
    return Cluster(
        id=cluster_id,
        name="fg",
        owner="system",
        state=ClusterState.ACTIVE,
        runtime_id="rt-1",
        app_version_id="frontgate",
        config={},
        revision=1,
        hidden=True,
        created_at=now,
        updated_at=now,
    )


def test_a_frontgate_of_three_begins_with_one_that_lets_the_others_in(
    build: Callable[..., Plan],
) -> None:
    """Each shows what is its own; the job waits until all are there."""
    runtime = Runtime(
        id="rt-1", name="here", provider="fake", owner="admin", settings={"frontgate_nodes": 3}
    )
    frontgate = FrontgatePlan(
        cluster_id="cl-fg",
        frontgate_id="fg-1",
        network_id="net-1",
        pilot=PilotPlace(urls=("wss://pilot",)),
        runtime=runtime,
    )

    plan = build(draft=draft_frontgate(frontgate), cluster_id="cl-fg")

    first, wait, second, third, settle = plan.tasks
    configs = [each.input["user_data"]["$agent"]["config"] for each in (first, second, third)]
    assert [config["member"] for config in configs] == [1, 2, 3]
    assert [config["enrolment"]["$secret"] for config in configs] == [
        "sec-fg-1",
        "sec-fg-1-2",
        "sec-fg-1-3",
    ]
    assert "join_urls" not in configs[0]
    assert configs[1]["join_urls"] == {"$ref": f"{wait.key}#/join_urls"}
    assert second.after == third.after == (wait.key,)
    assert settle.after == (second.key, third.key)
    assert settle.input["members"] == [1, 2, 3]
    assert plan.totals.machines == 3
