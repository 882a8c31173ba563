"""People, operators and runners who change the same things at once never wait in a circle."""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import core_world
import pytest
import sqlalchemy as sa

from pitrix_core.errors import PitrixError
from pitrix_core.jobs.provider_tasks import ProviderTasks
from pitrix_core.jobs.runner import Runner, RunnerSettings
from pitrix_core.jobs.worker import Worker
from pitrix_core.model import Action, Job, Runtime
from pitrix_core.model.audit import BEGINNING, check_chain
from pitrix_core.model.quota import Limits
from pitrix_core.service import clusters, jobs, plans, quotas, users
from pitrix_core.service.inputs import ApplyInput, CancelInput, PlanInput
from pitrix_core.service.quotas import QuotaInput, QuotaReview
from pitrix_core.service.services import Services
from pitrix_core.service.users import UserChange
from pitrix_core.store import Store
from pitrix_core.store.audit import Deed
from pitrix_core.store.engine import is_collision

ADMIN = core_world.ADMIN
#: What each does over and over.
ROUNDS = 8


@attrs.frozen
class OneHandler:
    """Carries out every kind of task alike."""

    handler: Any

    def handler_of(self, kind: str) -> Any:
        """Return it."""
        return self.handler


@pytest.fixture
def plugins(store: Store) -> dict[str, object]:
    """The core's own review, as the wiring adds it."""
    return {"quotas": QuotaReview(store)}


@pytest.fixture
def runner(services: Services) -> Iterator[None]:
    """A runner that is at work."""
    tasks = ProviderTasks(
        gate=services.gates.of,
        secret=lambda _id, _owner: "",
        user_data=lambda start, _limit: repr(start),
    )
    settings = RunnerSettings(slots=4, look_s=0.02, told_look_s=0.1)
    runner = Runner(services.store, Worker(services.store, OneHandler(tasks)), settings)
    stop = threading.Event()
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join(timeout=60)


@pytest.fixture
def collisions(store: Store) -> list[str]:
    """Statements of transactions that the database ended, as they come."""
    found: list[str] = []

    def note(context: sa.ExceptionContext) -> None:
        if context.sqlalchemy_exception is not None and is_collision(context.sqlalchemy_exception):
            found.append(str(context.statement))

    sa.event.listen(store.engine, "handle_error", note)
    return found


def asked(services: Services, action: str) -> Services:
    """Return the parts as they are used for the sake of a request, which is told of."""
    store = services.store.on_behalf(Deed(actor=ADMIN, action=action))
    return attrs.evolve(services, store=store)


def repeated(act: Callable[[int], object], failures: list[Exception]) -> threading.Thread:
    """Do something over and over; who comes too late is refused, and goes on."""

    def run() -> None:
        for number in range(ROUNDS):
            try:
                with contextlib.suppress(PitrixError):
                    act(number)
            except Exception as ex:  # noqa: BLE001  # it is looked at
                failures.append(ex)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@attrs.frozen
class Crowd:
    """What people and operators do, each over and over."""

    services: Services
    version_id: str
    #: Names of users that go, one a round.
    leaving: tuple[str, ...]
    numbers: Iterator[int] = attrs.field(factory=itertools.count)

    @property
    def acts(self) -> tuple[Callable[[int], object], ...]:
        """All of it; each is told the round."""
        return self.deploy, self.stop_and_delete, self.limit, self.move, self.hand_over

    def deploy(self, _number: int, name: str = "alice") -> Job:
        own = asked(self.services, "createCluster")
        with own.store.read() as tx:
            actor = tx.access.actor(name)
        assert actor is not None
        config = {"cluster": {"name": f"c{next(self.numbers)}", "count": 2}}
        plan = plans.create(own, actor, PlanInput(app_version_id=self.version_id, config=config))
        return clusters.apply(own, actor, ApplyInput(plan_id=plan.id))

    def stop_and_delete(self, number: int) -> None:
        job = self.deploy(number, name="bob")
        own = asked(self.services, "cancelJob")
        with contextlib.suppress(PitrixError):
            jobs.pause(own, ADMIN, job.id)
            jobs.cancel(own, ADMIN, job.id, CancelInput())
        wanted = PlanInput(action=Action.DELETE, cluster_id=job.cluster_id)
        plan = plans.create(own, ADMIN, wanted)
        clusters.apply(own, ADMIN, ApplyInput(plan_id=plan.id), cluster_id=job.cluster_id)

    def limit(self, number: int) -> None:
        own = asked(self.services, "setQuota")
        limits = Limits(clusters=1000 + number)
        quotas.put(own, ADMIN, QuotaInput(group="/acme", limits=limits))
        quota = quotas.put(own, ADMIN, QuotaInput(group="/", limits=limits))
        quotas.remove(own, ADMIN, quota.id)

    def move(self, number: int) -> None:
        home = ("/acme", "/beta")[number % 2]
        users.change(asked(self.services, "changeUser"), ADMIN, "bob", UserChange(group=home))

    def hand_over(self, number: int) -> None:
        name = self.leaving[number]
        self.deploy(number, name=name)
        users.delete(asked(self.services, "deleteUser"), ADMIN, name, to="alice")


@pytest.fixture
def crowd(
    services: Services, release: Callable[..., str], register: Callable[..., Runtime]
) -> Crowd:
    """An installation with a runtime, an app, and users of two groups."""
    register()
    leaving = tuple(f"user{number}" for number in range(ROUNDS))
    with services.store.begin() as tx:
        tx.groups.ensure_root()
        root = tx.groups.get("/")
        acme = tx.groups.add("grp-acme", "acme", parent=root)
        tx.groups.add("grp-beta", "beta", parent=root)
        for name in ("admin", "alice", "bob", *leaving):
            tx.users.add(name, group_id=acme.id, role="user")
        tx.users.grant(tx.users.get("admin").id, role="admin", group_id=root.id)
    return Crowd(services, release(), leaving)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("runner")
def test_nobody_waits_in_a_circle(crowd: Crowd, collisions: list[str], store: Store) -> None:
    """Deploying, stopping, deleting, limiting, moving and handing over, while a runner works."""
    failures: list[Exception] = []

    threads = [repeated(act, failures) for act in crowd.acts]
    for thread in threads:
        thread.join(timeout=120)

    with store.read() as tx:
        entries = tx.audit.entries()
    assert failures == []
    assert collisions == []
    assert check_chain(entries, start=BEGINNING).fault is None
    assert {entry.action for entry in entries} == {
        "createCluster",
        "cancelJob",
        "setQuota",
        "changeUser",
        "deleteUser",
    }
