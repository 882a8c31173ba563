"""A new cluster is linked to clusters that are there, fit, and belong to the same owner."""

from collections.abc import Callable
from typing import Any

import attrs
import core_world
import pytest

from pitrix_core.errors import ConfigInvalidError, ConflictError, PackageError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import Action, ClusterState, OwnedResource, Plan, Runtime, Task
from pitrix_core.service import clusters, plans
from pitrix_core.service.inputs import ApplyInput, PlanInput
from pitrix_core.service.services import Services

Release = Callable[..., str]
Register = Callable[..., Runtime]
Deploy = Callable[..., str]
PlanLinked = Callable[..., Plan]
USER = core_world.USER


@pytest.fixture
def deploy(services: Services, release: Release, register: Register) -> Deploy:
    """Return a function that deploys a note and returns the cluster's id."""
    here = register("here")

    def make(
        name: str,
        *,
        actor: Any = USER,
        state: ClusterState = ClusterState.ACTIVE,
        runtime: str = here.id,
        config: Any = None,
        of: str = "zookeeper",
        **says: Any,
    ) -> str:
        version = release(name=of, empty=True, **says)
        data = PlanInput(app_version_id=version, name=name, runtime_id=runtime, config=config or {})
        plan = plans.create(services, actor, data)
        clusters.apply(services, actor, ApplyInput(plan_id=plan.id))
        with services.store.begin() as tx:
            tx.clusters.set_state(plan.cluster_id, state)
        return plan.cluster_id

    return make


@pytest.fixture
def plan_linked(services: Services, release: Release) -> PlanLinked:
    """Return a function that plans a cluster of an app with a link ``zk``."""

    def make(zk: str, *, actor: Any = USER, limits: Any = None, **given: Any) -> Plan:
        links = {"zk": limits or {}, "db": {}}
        schema = core_world.LINKED_SCHEMA
        version = release(name="kafka", empty=True, links=links, schema=schema)
        given = {"runtime_id": "here", "config": {"links": {"zk": zk}}, **given}
        data = PlanInput(app_version_id=version, **given)
        return plans.create(services, actor, data)

    return make


def refusals(plan: Callable[[], Any]) -> tuple[Finding, ...]:
    """Return why a plan is refused."""
    with pytest.raises(ConfigInvalidError) as caught:
        plan()
    return caught.value.findings


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_link_is_kept_by_id(deploy: Deploy, plan_linked: PlanLinked, by: str) -> None:
    """A name may be given to another cluster later."""
    cluster_id = deploy("my-zk")

    plan = plan_linked(cluster_id if by == "id" else "my-zk")

    assert plan.config["links"] == {"zk": cluster_id, "db": ""}
    assert plan.findings == ()


def test_without_links_nothing_is_looked_for(deploy: Deploy, plan_linked: PlanLinked) -> None:
    """An empty link is none."""
    plan = plan_linked("")

    assert plan.config["links"] == {"zk": "", "db": ""}
    assert plan.findings == ()


def test_a_cluster_that_is_not_there_is_told_with_those_that_are(
    deploy: Deploy, plan_linked: PlanLinked
) -> None:
    """At the parameter that names it."""
    cluster_id = deploy("my-zk")

    [finding] = refusals(lambda: plan_linked("your-zk"))

    assert (finding.code, finding.pointer) == ("link.cluster", "/config/links/zk")
    assert finding.message == "Link zk: there is no cluster 'your-zk'."
    assert finding.next_step == f"Name one that fits: my-zk ({cluster_id})"


def test_where_there_is_none_to_link_to_the_next_step_says_so(
    deploy: Deploy, plan_linked: PlanLinked
) -> None:
    """One that is not active is none."""
    deploy("my-zk", state=ClusterState.CREATING)

    [finding] = refusals(lambda: plan_linked("your-zk"))

    assert (finding.next_step or "").startswith("Deploy a cluster that fits first")


def test_another_owners_cluster_is_not_there(deploy: Deploy, plan_linked: PlanLinked) -> None:
    """Not even for an admin: its secrets would go to another's machines."""
    cluster_id = deploy("their-zk", actor=core_world.OTHER)

    for actor in (USER, core_world.ADMIN):
        [finding] = refusals(lambda actor=actor: plan_linked(cluster_id, actor=actor))
        assert finding.message == f"Link zk: there is no cluster {cluster_id!r}."
        assert "their-zk" not in (finding.next_step or "")


@pytest.mark.parametrize("state", set(ClusterState) - {ClusterState.ACTIVE, ClusterState.DELETED})
def test_only_an_active_cluster_can_be_linked(
    deploy: Deploy, plan_linked: PlanLinked, state: ClusterState
) -> None:
    """The others have nothing to offer yet, or any more."""
    cluster_id = deploy("my-zk", state=state)

    [finding] = refusals(lambda: plan_linked(cluster_id))

    assert finding.code == "link.state"
    assert finding.message == f"Link zk: cluster my-zk is {state}, not active."


def test_a_name_that_several_have_is_no_answer(deploy: Deploy, plan_linked: PlanLinked) -> None:
    """Their ids are."""
    ids = [deploy("my-zk"), deploy("my-zk")]

    [finding] = refusals(lambda: plan_linked("my-zk"))

    assert finding.message == "Link zk: 2 clusters are called 'my-zk'."
    assert all(cluster_id in (finding.next_step or "") for cluster_id in ids)


def test_every_link_is_judged(deploy: Deploy, plan_linked: PlanLinked) -> None:
    """All that is wrong is told at once."""
    found = refusals(lambda: plan_linked("", config={"links": {"zk": "one", "db": "two"}}))

    assert [finding.pointer for finding in found] == ["/config/links/db", "/config/links/zk"]


@pytest.mark.parametrize("state", [ClusterState.DELETING, ClusterState.DELETED])
def test_a_plan_is_not_carried_out_when_the_linked_cluster_has_gone(
    services: Services, deploy: Deploy, plan_linked: PlanLinked, state: ClusterState
) -> None:
    """No machine is made that would wait for it."""
    cluster_id = deploy("my-zk")
    plan = plan_linked("my-zk")
    with services.store.begin() as tx:
        tx.clusters.set_state(cluster_id, state)

    with pytest.raises(ConflictError) as caught:
        clusters.apply(services, USER, ApplyInput(plan_id=plan.id))

    assert caught.value.message == f"Cluster my-zk, linked as zk, is {state} now."
    assert caught.value.next_step == "Make a new plan."


# -- limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({}, id="any-app"),
        pytest.param({"zookeeper": []}, id="any-version"),
        pytest.param({"zookeeper": ["1.0.0", "2.0.0"]}, id="its-version"),
        pytest.param({"etcd": [], "zookeeper": []}, id="one-of-two-apps"),
    ],
)
def test_a_cluster_within_the_limits_fits(
    deploy: Deploy, plan_linked: PlanLinked, limits: Any
) -> None:
    """By the names of app and version."""
    deploy("my-zk")

    assert plan_linked("my-zk", limits=limits).findings == ()


def test_limits_may_name_ids(services: Services, deploy: Deploy, plan_linked: PlanLinked) -> None:
    """Of the app and its version."""
    cluster_id = deploy("my-zk")
    with services.store.read() as tx:
        version = tx.catalog.version(tx.clusters.get(cluster_id).app_version_id)

    assert plan_linked("my-zk", limits={version.app_id: [version.id]}).findings == ()


@pytest.mark.parametrize(
    ("limits", "code", "message"),
    [
        pytest.param(
            {"kafka": []},
            "link.app",
            "it is of app zookeeper; the package asks for kafka",
            id="another-app",
        ),
        pytest.param(
            {"kafka": [], "app-elsewhere": []},
            "link.app",
            "it is of app zookeeper; the package asks for app-elsewhere, kafka",
            id="one-that-is-known",
        ),
        pytest.param(
            {"zookeeper": ["0.9.0", "2.0.0"]},
            "link.version",
            "it is of zookeeper 1.0.0; the package asks for 0.9.0, 2.0.0",
            id="another-version",
        ),
    ],
)
def test_a_cluster_beyond_the_limits_is_refused(
    deploy: Deploy, plan_linked: PlanLinked, limits: Any, code: str, message: str
) -> None:
    """With what it is, what is asked for, and which fit."""
    fitting = deploy("old-zk", version="0.9.0")
    deploy("my-zk")

    [finding] = refusals(lambda: plan_linked("my-zk", limits=limits))

    assert finding.code == code
    assert finding.message == f"Link zk: cluster my-zk does not fit: {message}."
    assert (fitting in (finding.next_step or "")) is (code == "link.version")


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        pytest.param({"app-elsewhere": ["appv-elsewhere"]}, "link.app", id="app"),
        pytest.param({"zookeeper": ["appv-elsewhere"]}, "link.version", id="version"),
    ],
)
def test_limits_of_another_catalogue_cannot_be_checked(
    deploy: Deploy, plan_linked: PlanLinked, limits: Any, code: str
) -> None:
    """Packages made for another installation name ids that are unknown here."""
    deploy("my-zk")

    [finding] = plan_linked("my-zk", limits=limits).findings

    assert (finding.level, finding.code) == (Level.WARNING, code)
    assert "elsewhere, unknown here" in finding.message
    assert finding.pointer == "/config/links/zk"
    assert finding.next_step is not None


# -- the app type ----------------------------------------------------------------------------------


def test_an_app_type_that_fails_to_say_what_is_linked_is_named(
    services: Services, release: Release, deploy: Deploy
) -> None:
    """Like any other failure of it."""
    version = release(raises="links")

    with pytest.raises(PackageError, match="App type note failed to say what is linked"):
        plans.create(services, USER, PlanInput(app_version_id=version))


def test_a_link_that_names_another_parameter_is_the_app_types_failure(
    services: Services, release: Release, deploy: Deploy
) -> None:
    """The id would be put in the wrong place."""
    version = release(links={"zk": {}})  # its form has no such parameter

    with pytest.raises(PackageError, match="App type note failed to say what is linked"):
        plans.create(services, USER, PlanInput(app_version_id=version))


# -- how far ---------------------------------------------------------------------------------------


def test_a_cluster_on_another_runtime_is_remarked(
    deploy: Deploy, plan_linked: PlanLinked, register: Register
) -> None:
    """Its network may not be reached from here."""
    register("there")
    deploy("my-zk", runtime="there")

    [finding] = plan_linked("my-zk").findings

    assert (finding.level, finding.code) == (Level.WARNING, "link.distance")
    assert finding.message == "Link zk: cluster my-zk is on runtime there, not on here."


@pytest.mark.parametrize(
    ("asked", "is_remarked"),
    [
        pytest.param("net-2", True, id="another"),
        pytest.param("net-1", False, id="the-same"),
        pytest.param("", False, id="the-default-one-which-may-be-the-same"),
    ],
)
def test_a_cluster_in_another_network_is_remarked(
    services: Services,
    deploy: Deploy,
    plan_linked: PlanLinked,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    is_remarked: bool,
) -> None:
    """Where the new one asks for a network of its own."""
    cluster_id = deploy("my-zk")
    own_network(services, cluster_id, "net-1")
    asks_for_network(monkeypatch, asked)

    findings = plan_linked("my-zk").findings

    assert [finding.message for finding in findings] == (
        ["Link zk: cluster my-zk is in network net-1."] if is_remarked else []
    )


def own_network(services: Services, cluster_id: str, network_id: str) -> None:
    """Write down that a cluster uses a network."""
    network = OwnedResource(
        cluster_id=cluster_id,
        kind="network.ensure",
        resource_id=network_id,
        node_id=None,
        request_key=f"key-{cluster_id}",
    )
    with services.store.begin() as tx:
        tx.clusters.put_resource(network, owner=USER.owner, runtime_id="rt-1")


def asks_for_network(monkeypatch: pytest.MonkeyPatch, network_id: str) -> None:
    """Let notes plan a network."""
    planned = core_world.NoteType.plan

    def with_network(self: Any, request: Any) -> Any:
        network = Task(
            key="network.ensure",
            kind="network.ensure",
            title="Have a network",
            input={"name": "n", "cluster_id": request.cluster_id, "existing_id": network_id},
        )
        return attrs.evolve(planned(self, request), tasks=(network,))

    monkeypatch.setattr(core_world.NoteType, "plan", with_network)


# -- removal ---------------------------------------------------------------------------------------


def removal_of(services: Services, cluster_id: str, actor: Any = USER) -> Plan:
    """Plan to delete a cluster."""
    data = PlanInput(action=Action.DELETE, cluster_id=cluster_id)
    return plans.create(services, actor, data)


def test_a_removal_names_who_is_linked_to_the_cluster(
    services: Services, deploy: Deploy, plan_linked: PlanLinked
) -> None:
    """It may go nevertheless: the user has been told."""
    zk = deploy("my-zk")
    plan = plan_linked("my-zk")
    clusters.apply(services, USER, ApplyInput(plan_id=plan.id))

    [finding] = removal_of(services, zk).findings

    assert (finding.level, finding.code) == (Level.WARNING, "link.dependent")
    assert finding.message == f"Cluster kafka ({plan.cluster_id}) is linked to it as zk."
    assert plan.cluster_id in (finding.next_step or "")


def test_a_removal_of_what_nobody_needs_has_no_remark(
    services: Services, deploy: Deploy, plan_linked: PlanLinked
) -> None:
    """A plan is no cluster yet, and a text that happens to be an id is no link."""
    zk = deploy("my-zk")
    plan_linked("my-zk")
    deploy("a-note", of="note", schema={"type": "object"}, config={"remark": zk})

    assert removal_of(services, zk).findings == ()


def test_a_dependent_that_cannot_be_read_holds_up_no_removal(
    services: Services, deploy: Deploy, plan_linked: PlanLinked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its app type may have changed since it was deployed."""
    zk = deploy("my-zk")
    plan = plan_linked("my-zk")
    clusters.apply(services, USER, ApplyInput(plan_id=plan.id))
    monkeypatch.setattr(core_world.NoteType, "links", None)

    assert removal_of(services, zk).findings == ()
