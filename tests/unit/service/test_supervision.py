"""Clusters are looked at: how their nodes are, what was measured, and what tabs show."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import core_world
import pytest
import sqlalchemy as sa

from pitrix_core.errors import ConflictError, InvalidInputError, NotFoundError, PackageError
from pitrix_core.model import ClusterState, HealthState, NodeHealth, Runtime, Sample
from pitrix_core.service import clusters, measures, plans, tabs
from pitrix_core.service.inputs import ApplyInput, PlanInput, TabInput
from pitrix_core.service.services import Services
from pitrix_core.store import Cipher, Store, tables
from pitrix_core.store.agents import Frontgate, Message
from pitrix_core.testing.manual_clock import ManualClock

ADMIN, OTHER = core_world.ADMIN, core_world.OTHER


@pytest.fixture
def deploy(
    services: Services, release: Callable[..., str], register: Callable[..., Runtime]
) -> Callable[..., str]:
    """Return a function that makes an active cluster of two nodes with a Frontgate."""

    def make(**says: Any) -> str:
        runtime = register()
        data = PlanInput(app_version_id=release(**says), config={"cluster": {"count": 2}})
        plan = plans.create(services, ADMIN, data)
        clusters.apply(services, ADMIN, ApplyInput(plan_id=plan.id))
        with services.store.begin() as tx:
            tx.clusters.set_state(plan.cluster_id, ClusterState.ACTIVE)
            for node in plan.nodes:
                tx.clusters.set_node_facts(node.id, {"id": "i-1"})
            serve(tx, plan.cluster_id, runtime.id)
            for node in plan.nodes:
                tx.clusters.set_node_agent(node.id, {"state": "configured"}, reported_by="fg-1")
        update(services, tables.frontgates, connected_at=now(services), protocol=2)
        return plan.cluster_id

    return make


def serve(tx: Any, cluster_id: str, runtime_id: str) -> None:
    """Let a connected Frontgate of protocol 2 serve a cluster."""
    secret = tx.secrets.add("token", owner="system")
    frontgate = Frontgate(
        id="fg-1",
        owner="system",
        cluster_id=cluster_id,
        runtime_id=runtime_id,
        network_id="net",
        secret_id=secret.id,
    )
    tx.agents.add_frontgate(frontgate)
    tx.agents.serve(cluster_id, frontgate_id="fg-1")


def update(services: Services, table: sa.Table, **values: object) -> None:
    """Write something into every row."""
    with services.store.engine.begin() as connection:
        connection.execute(table.update().values(**values))


def now(services: Services) -> dt.datetime:
    """Return the database's time."""
    with services.store.read() as tx:
        return tx.now


def health(services: Services, state: HealthState, node_id: str, *, age_min: int = 0) -> None:
    """Let a node have been reported so."""
    with services.store.begin() as tx:
        at = tx.now - dt.timedelta(minutes=age_min)
        tx.supervision.set_health(node_id, NodeHealth(state=state, since=at, reported_at=at))


def reply(
    services: Services, request_id: str, *, kind: str = "command.result", **body: Any
) -> None:
    """Let the Frontgate answer a request for a tab."""
    result = {"state": "done", "exit_code": 0, "output": "", "truncated": False, **body}
    message = Message(
        id=f"f-{request_id}", frontgate_id="fg-1", type=kind, body=result, reply_to=request_id
    )
    with services.store.begin() as tx:
        tx.agents.receive(message)


# -- health ----------------------------------------------------------------------------------------


def test_a_cluster_is_as_its_worst_node(services: Services, deploy: Callable[..., str]) -> None:
    """In the list of clusters, and where it is shown itself."""
    cluster_id = deploy()
    health(services, HealthState.HEALTHY, f"cln-{cluster_id}-1")
    health(services, HealthState.UNHEALTHY, f"cln-{cluster_id}-2")

    found = clusters.get(services, ADMIN, cluster_id)
    [listed] = clusters.search(services, ADMIN)

    assert [node.health and node.health.state for node in found.nodes] == ["healthy", "unhealthy"]
    assert (found.cluster.state, found.cluster.health) == ("active", "unhealthy")
    assert listed.health == "unhealthy"


def test_a_silent_node_is_not_known_to_be_well(
    services: Services, deploy: Callable[..., str]
) -> None:
    """What its agent said last is said, too."""
    cluster_id = deploy()
    health(services, HealthState.HEALTHY, f"cln-{cluster_id}-1", age_min=20)

    found = clusters.get(services, ADMIN, cluster_id)
    [listed] = clusters.search(services, ADMIN)

    assert found.cluster.health == listed.health == "unknown"
    assert found.nodes[0].health is not None
    assert "silent" in found.nodes[0].health.detail


def test_a_cluster_that_is_not_checked_has_no_health(
    services: Services, deploy: Callable[..., str]
) -> None:
    """Nothing is made up."""
    deploy()

    assert [cluster.health for cluster in clusters.search(services, ADMIN)] == [None]


# -- measurements ----------------------------------------------------------------------------------


@pytest.fixture
def measured(services: Services, deploy: Callable[..., str]) -> str:
    """A cluster with measurements of now and of two hours ago, on one node each."""
    cluster_id = deploy(measures=["load"])
    with services.store.begin() as tx:
        for number, minutes in ((1, 0), (2, 120)):
            at = tx.now - dt.timedelta(minutes=minutes)
            sample = Sample(node_id=f"cln-{cluster_id}-{number}", at=at, values={"load": number})
            tx.supervision.add_sample(sample, cluster_id=cluster_id)
    return cluster_id


@pytest.mark.parametrize(
    ("minutes", "number", "values"),
    [
        pytest.param(60, None, [1], id="the-last-hour"),
        pytest.param(180, None, [2, 1], id="all-the-oldest-first"),
        pytest.param(180, 2, [2], id="one-node"),
    ],
)
def test_what_was_measured_is_returned(
    services: Services, measured: str, minutes: int, number: int | None, values: list[int]
) -> None:
    """With the items as the package has them."""
    node_id = None if number is None else f"cln-{measured}-{number}"

    found = measures.measured(services, ADMIN, measured, minutes=minutes, node_id=node_id)

    assert [sample.values["load"] for sample in found.samples] == values
    assert [item.name for item in found.items[""]] == ["load"]
    assert not found.is_cut


def test_an_answer_is_bounded(
    services: Services, measured: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest are kept, and it is said."""
    monkeypatch.setattr(measures, "_MOST_SAMPLES", 1)

    found = measures.measured(services, ADMIN, measured, minutes=180)

    assert ([sample.values["load"] for sample in found.samples], found.is_cut) == ([1], True)


def test_measurements_of_an_unknown_node_are_refused(services: Services, measured: str) -> None:
    """An empty answer would look as if it did nothing."""
    with pytest.raises(InvalidInputError, match="no node"):
        measures.measured(services, ADMIN, measured, minutes=60, node_id="cln-9")


def test_a_type_that_fails_to_say_what_is_measured_is_an_error_of_ours(
    services: Services, deploy: Callable[..., str]
) -> None:
    """Plugins may raise anything."""
    cluster_id = deploy(raises="measured_items")

    with pytest.raises(PackageError, match="say what is measured"):
        measures.measured(services, ADMIN, cluster_id, minutes=60)


# -- tabs ------------------------------------------------------------------------------------------


@pytest.fixture
def shop(deploy: Callable[..., str]) -> str:
    """A cluster with a tab."""
    return deploy(tabs={"Users": [""], "Secret": ["admin"]})


def ask(services: Services, cluster_id: str, title: str = "Users", **more: Any) -> tabs.TabAnswer:
    """Ask for a tab."""
    return tabs.ask(services, ADMIN, cluster_id, TabInput(title=title, **more))


def test_tabs_are_listed(services: Services, shop: str) -> None:
    """As the package has them."""
    assert [tab.title for tab in tabs.tabs(services, ADMIN, shop)] == ["Users", "Secret"]


def test_a_tab_is_asked_for_with_a_command(services: Services, shop: str) -> None:
    """It goes to a node that is well, and waits for nobody."""
    health(services, HealthState.UNHEALTHY, f"cln-{shop}-1")

    answer = ask(services, shop)

    with services.store.read() as tx:
        [(_, message)] = tx.agents.unacknowledged({"fg-1": 0})
    assert (answer.state, answer.node_id) == ("asked", f"cln-{shop}-2")
    assert (message.id, message.type) == (answer.id, "command.run")
    assert message.body == {
        "command_id": answer.id,
        "cluster_id": shop,
        "node_id": f"cln-{shop}-2",
        "cmd": "show Users",
        "timeout_s": 10.0,
        "idempotent": True,
        "answer": "table",
    }


def test_who_asks_again_at_once_gets_the_same_answer(
    services: Services, shop: str, tmp_path: Path
) -> None:
    """A node is not kept busy by someone who is impatient."""
    clock = ManualClock(now(services))
    store = Store(
        services.store.engine, cipher=Cipher.from_file(tmp_path / "key"), clock=lambda _: clock()
    )
    impatient = attrs.evolve(services, store=store)

    ids = [ask(impatient, shop).id for _ in range(2)]
    clock.advance(5)
    ids.append(ask(impatient, shop).id)

    assert ids[0] == ids[1]
    assert ids[1] != ids[2]


def test_a_certain_node_can_be_asked(services: Services, shop: str) -> None:
    """Whatever is known of its health."""
    health(services, HealthState.UNHEALTHY, f"cln-{shop}-1")

    assert ask(services, shop, node_id=f"cln-{shop}-1").node_id == f"cln-{shop}-1"


def test_a_table_comes_back(services: Services, shop: str) -> None:
    """Whatever stands in its cells is shown as text."""
    answer = ask(services, shop)
    output = json.dumps({"labels": ["name", "age"], "data": [["ann", 7], [None, [1]]]})

    reply(services, answer.id, output=output)

    found = tabs.answer(services, ADMIN, answer.id)
    assert (found.state, found.labels) == ("done", ("name", "age"))
    assert found.rows == (("ann", "7"), ("", "[1]"))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param({"output": "three users"}, "did not print", id="no-json"),
        pytest.param({"output": "[" * 60_000}, "did not print", id="nested-too-deeply"),
        pytest.param({"output": '{"labels": [], "data": [1]}'}, "did not print", id="no-rows"),
        pytest.param({"exit_code": 3}, "exit code 3", id="failing"),
        pytest.param({"state": "timed_out", "exit_code": None}, "in time", id="timed-out"),
        pytest.param({"state": "refused", "output": "too many"}, "too many", id="refused"),
        pytest.param({"truncated": True}, "64 KiB", id="too-long"),
        pytest.param({"kind": "failed", "message": "no node"}, "no node", id="no-such-node"),
    ],
)
def test_what_goes_wrong_with_a_tab_is_told(
    services: Services, shop: str, body: dict[str, Any], error: str
) -> None:
    """In words for who asked."""
    answer = ask(services, shop)

    reply(services, answer.id, **body)

    found = tabs.answer(services, ADMIN, answer.id)
    assert found.state == "failed"
    assert error in found.error


def test_a_node_that_does_not_answer_is_given_up(services: Services, shop: str) -> None:
    """Nobody waits for ever."""
    answer = ask(services, shop)
    update(services, tables.outbox, created_at=now(services) - dt.timedelta(minutes=1))

    assert tabs.answer(services, ADMIN, answer.id).state == "failed"


@pytest.mark.parametrize(
    ("title", "node_id", "error", "words"),
    [
        pytest.param("Cars", None, InvalidInputError, "no tab", id="unknown-tab"),
        pytest.param("Users", "cln-9", InvalidInputError, "no node", id="unknown-node"),
        pytest.param("Secret", None, ConflictError, "No node", id="no-node-of-the-role"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    services: Services,
    shop: str,
    title: str,
    node_id: str | None,
    error: type[Exception],
    words: str,
) -> None:
    """With what to do instead."""
    with pytest.raises(error, match=words):
        ask(services, shop, title, node_id=node_id)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        pytest.param(tables.clusters, {"state": "deleting"}, id="cluster-that-goes"),
        pytest.param(tables.nodes, {"state": "planned"}, id="no-machine-yet"),
        pytest.param(tables.nodes, {"agent": {"state": "configuring"}}, id="agent-that-configures"),
    ],
)
def test_nodes_that_are_not_ready_are_not_asked(
    services: Services, shop: str, table: sa.Table, values: dict[str, Any]
) -> None:
    """Nobody would answer."""
    update(services, table, **values)

    with pytest.raises(ConflictError, match="No node can fill in 'Users' now"):
        ask(services, shop)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"connected_at": None}, "not connected", id="away"),
        pytest.param({"protocol": 1}, "too old", id="older-version"),
    ],
)
def test_a_frontgate_that_cannot_pass_it_on_refuses(
    services: Services, shop: str, values: dict[str, Any], words: str
) -> None:
    """At once: nobody should wait for what cannot come."""
    update(services, tables.frontgates, **values)

    with pytest.raises(ConflictError, match=words):
        ask(services, shop)


def test_the_tabs_of_others_are_not_there(services: Services, shop: str) -> None:
    """Neither the cluster nor the answer."""
    answer = ask(services, shop)

    with pytest.raises(NotFoundError):
        tabs.tabs(services, OTHER, shop)
    with pytest.raises(NotFoundError):
        tabs.answer(services, OTHER, answer.id)


@pytest.mark.parametrize("request_id", ["tab-1", "key-1"])
def test_an_unknown_request_has_no_answer(services: Services, shop: str, request_id: str) -> None:
    """Nor has a command of a job, which is no tab."""
    body = {"cluster_id": shop, "node_id": f"cln-{shop}-1", "timeout_s": 10.0}
    with services.store.begin() as tx:
        tx.agents.send(
            Message(id="key-1", frontgate_id="fg-1", type="command.run", body=body),
        )

    with pytest.raises(NotFoundError):
        tabs.answer(services, ADMIN, request_id)
