"""Who looks after an installation sees how Frontgates stand, and can shut them out."""

import datetime as dt

import core_world
import pytest
from cluster_rows import add_cluster

from pitrix_core.errors import ConflictError, ForbiddenError, NotFoundError
from pitrix_core.model import ClusterState, Runtime
from pitrix_core.model.access import BUILT_IN_ROLES, Actor
from pitrix_core.model.frontgate import FrontgateState
from pitrix_core.pilot.frontgates import register_frontgate
from pitrix_core.pilot.inbox import Admission, Desk
from pitrix_core.service import frontgates
from pitrix_core.service.services import Services
from pitrix_core.store import Store
from pitrix_core.store.agents import Message


@pytest.fixture
def enrolment(store: Store) -> str:
    """What a Frontgate may enrol with; it serves a cluster that is there and one that is gone."""
    with store.begin() as tx:
        runtime = Runtime(id="rt-1", name="here", provider="fake", owner="admin")
        tx.runtimes.add(runtime, credential_id=None)
        add_cluster(tx, "cl-1")
        add_cluster(tx, "cl-2", state=ClusterState.DELETED)
        frontgate = register_frontgate(tx, runtime, frontgate_id="fg-1", network_id="net-1")
        tx.clusters.set_state(frontgate.cluster_id, ClusterState.ACTIVE)
        for cluster_id in ("cl-1", "cl-2"):
            tx.agents.serve(cluster_id, frontgate_id="fg-1")
        return tx.secrets.get(frontgate.secret_id)


def welcome(store: Store, **shown: str | list[str]) -> Admission:
    """Have the Frontgate come."""
    said = {
        "protocol": 2,
        "frontgate_id": "fg-1",
        "version": "0.1.0",
        "endpoints": ["http://10.0.0.2:2379"],
        **shown,
    }
    return Desk(store=store, pilot_id="pil-1").welcome(said)


def state(services: Services) -> FrontgateState:
    """Return how the Frontgate stands."""
    return frontgates.get(services, core_world.ADMIN, "fg-1").state


def test_a_frontgate_is_shown_with_its_work(
    services: Services, store: Store, enrolment: str
) -> None:
    """Its connection, its token, the clusters it serves and what waits for it."""
    welcome(store, enrolment=enrolment)
    with store.begin() as tx:
        for number in range(3):
            tx.agents.send(Message(id=f"m-{number}", frontgate_id="fg-1", type="x", body={}))
        tx.agents.acknowledge("m-0", frontgate_id="fg-1")

    [found] = frontgates.search(services, core_world.ADMIN)

    assert (found.id, found.state, found.protocol) == ("fg-1", FrontgateState.CONNECTED, 2)
    assert (found.version, found.pilot_id) == ("0.1.0", "pil-1")
    assert found.endpoints == ("http://10.0.0.2:2379",)
    assert (found.clusters, found.messages_waiting) == (("cl-1",), 2)
    assert found.oldest_message_at is not None
    assert found.token_expires_at is not None


def test_a_frontgate_of_three_is_shown_with_the_machines_that_are_there(
    services: Services, store: Store, enrolment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks sees that one is missing."""
    # the settings of a runtime that there is cannot be changed
    monkeypatch.setattr(Runtime, "frontgate_nodes", property(lambda _: 3))
    endpoints = ["https://10.0.0.3:2381", "https://10.0.0.2:2381"]
    welcome(store, enrolment=enrolment, endpoints=endpoints)

    found = frontgates.get(services, core_world.ADMIN, "fg-1")

    assert (found.machines, found.endpoints) == (3, tuple(endpoints))


def test_how_a_frontgate_stands(services: Services, store: Store, enrolment: str) -> None:
    """From its first day until it is shut out."""
    seen = [state(services)]
    admission = welcome(store, enrolment=enrolment)
    seen.append(state(services))
    desk = Desk(store=store, pilot_id="pil-1")
    desk.settle_in(admission.held)
    desk.goodbye(admission.held)
    seen.append(state(services))
    frontgates.revoke(services, core_world.ADMIN, "fg-1")
    seen.append(state(services))

    assert [str(each) for each in seen] == ["enrolling", "connected", "away", "shut_out"]


@pytest.mark.parametrize("ends", ["enrolment", "token"])
def test_a_frontgate_whose_time_is_over_is_shut_out(
    services: Services, store: Store, enrolment: str, ends: str
) -> None:
    """It would come in vain."""
    with store.begin() as tx:
        past = tx.now - dt.timedelta(seconds=1)
        if ends == "token":
            tx.agents.let_enrol("fg-1", sha256=None, expires_at=None)
            tx.agents.note_token("fg-1", expires_at=past)
        else:
            tx.agents.let_enrol("fg-1", sha256="0" * 64, expires_at=past)

    assert state(services) is FrontgateState.SHUT_OUT


def test_one_with_a_static_token_can_come_until_it_is_revoked(
    services: Services, store: Store, enrolment: str
) -> None:
    """Of before there were enrolments: what it shows has no end of its own."""
    with store.begin() as tx:
        tx.agents.let_enrol("fg-1", sha256=None, expires_at=None)
        held = tx.agents.connect("fg-1", pilot_id="pil-1", endpoints=[], protocol=1)
        tx.agents.disconnect("fg-1", connection=held)

    before = state(services)
    frontgates.revoke(services, core_world.ADMIN, "fg-1")

    assert (str(before), str(state(services))) == ("away", "shut_out")


def test_revoking_cuts_the_connection_and_tells_of_it(
    services: Services, store: Store, enrolment: str
) -> None:
    """The Pilot that holds it finds that it does not count any more."""
    welcome(store, enrolment=enrolment)

    found = frontgates.revoke(services, core_world.ADMIN, "fg-1")

    assert (found.generation, found.connected_at) == (2, None)
    assert Desk(store=store, pilot_id="pil-1").held() == {}
    with store.read() as tx:
        kinds = [event.kind for event in tx.events.after(0, limit=100)]
    assert kinds[-2:] == ["frontgate.connected", "frontgate.revoked"]


def test_renewing_submits_a_job_and_tells_of_it(
    services: Services, store: Store, enrolment: str
) -> None:
    """It replaces the machine; what the one before had is worth nothing from then on."""
    with store.begin() as tx:
        machine = core_world.machine_of(tx.agents.frontgate("fg-1").cluster_id)
        tx.clusters.put_resource(machine, owner="system", runtime_id="rt-1")
    welcome(store, enrolment=enrolment)

    job = frontgates.renew(services, core_world.ADMIN, "fg-1")

    with store.read() as tx:
        removal, *_ = tx.jobs.tasks(job.id)
        *_, renewed = tx.events.after(0, limit=100)
    assert (removal.kind, removal.input["id"]) == ("compute.delete", machine.resource_id)
    assert (renewed.kind, renewed.data) == ("frontgate.renewed", {"job_id": job.id})
    assert state(services) is FrontgateState.ENROLLING
    assert frontgates.get(services, core_world.ADMIN, "fg-1").generation == 2


def test_what_has_no_machine_is_not_renewed(services: Services, enrolment: str) -> None:
    """The message names its cluster, where to look."""
    with pytest.raises(ConflictError) as caught:
        frontgates.renew(services, core_world.ADMIN, "fg-1")

    cluster_id = frontgates.get(services, core_world.ADMIN, "fg-1").cluster_id
    assert caught.value.next_step == f"Look at its cluster: pitrix cluster show {cluster_id}"


@pytest.mark.parametrize("use", [frontgates.get, frontgates.revoke, frontgates.renew])
def test_an_unknown_frontgate_is_not_found(services: Services, use: object) -> None:
    """The message says how to find those there are."""
    with pytest.raises(NotFoundError) as caught:
        use(services, core_world.ADMIN, "fg-9")  # type: ignore[operator]

    assert caught.value.next_step == "List them: pitrix frontgate list"


@pytest.mark.parametrize("use", [frontgates.get, frontgates.revoke, frontgates.renew])
def test_frontgates_are_the_admins(services: Services, enrolment: str, use: object) -> None:
    """Others have no say in what all clusters of a network share."""
    user = Actor(owner="somebody", actions=BUILT_IN_ROLES["user"])

    with pytest.raises(ForbiddenError):
        use(services, user, "fg-1")  # type: ignore[operator]
