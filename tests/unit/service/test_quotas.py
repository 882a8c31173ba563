"""Plans are held against what people may have, when they are made and when they are applied."""

import threading
from collections.abc import Callable
from typing import Any

import attrs
import core_world
import pytest

from pitrix_core.errors import (
    PlanRefusedError,
    QuotaExceededError,
)
from pitrix_core.findings import Level
from pitrix_core.jobs.effects import end_job
from pitrix_core.model import Action, ClusterState, Plan
from pitrix_core.model.access import Actor
from pitrix_core.model.quota import Limits, Unpriced
from pitrix_core.service import clusters, plans, quotas
from pitrix_core.service.inputs import ApplyInput, PlanInput
from pitrix_core.service.quotas import QuotaInput, QuotaReview
from pitrix_core.service.services import Services
from pitrix_core.store import Store

ADMIN = core_world.ADMIN

#: Runs a test on both kinds of database.
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def plugins(store: Store) -> dict[str, object]:
    """The core's own review, as the wiring adds it."""
    return {"quotas": QuotaReview(store)}


@pytest.fixture
def people(services: Services) -> Callable[[str], Actor]:
    """Alice of /acme/web, bob of /acme, carol of /beta, and olga, who runs /acme."""
    homes = {"alice": "/acme/web", "bob": "/acme", "carol": "/beta", "olga": "/acme"}
    with services.store.begin() as tx:
        tx.groups.ensure_root()
        acme = tx.groups.add("grp-acme", "acme", parent=tx.groups.get("/"))
        tx.groups.add("grp-web", "web", parent=acme)
        tx.groups.add("grp-beta", "beta", parent=tx.groups.get("/"))
        for name, path in homes.items():
            tx.users.add(name, group_id=tx.groups.get(path).id, role="user")
        tx.users.grant(tx.users.get("olga").id, role="operator", group_id=acme.id)

    def actor(name: str) -> Actor:
        with services.store.read() as tx:
            found = tx.access.actor(name)
        assert found is not None
        return found

    return actor


@pytest.fixture
def plan(
    services: Services,
    people: Callable[[str], Actor],
    release: Callable[..., str],
    register: Callable[..., Any],
) -> Callable[..., Plan]:
    """Return a function that plans machines, of one core and 1 GiB and 5 EUR a month each."""
    register(settings={"price_per_machine": "5.00"})
    version_id = release()

    def make(name: str = "alice", *, machines: int = 1) -> Plan:
        data = PlanInput(app_version_id=version_id, config={"cluster": {"count": machines}})
        return plans.create(services, people(name), data)

    return make


@pytest.fixture
def deploy(
    services: Services, people: Callable[[str], Actor], plan: Callable[..., Plan]
) -> Callable[..., Plan]:
    """Return a function that plans machines and applies the plan."""

    def make(name: str = "alice", **given: Any) -> Plan:
        made = plan(name, **given)
        clusters.apply(services, people(name), ApplyInput(plan_id=made.id))
        return made

    return make


@pytest.fixture
def allow(services: Services, people: Callable[[str], Actor]) -> Callable[..., Any]:
    """Return a function that sets a quota, for a group unless more is said."""

    def put(group: str | None = "/acme", **values: Any) -> Any:
        limits = Limits(**{key: values.pop(key) for key in list(values) if key in WORDS})
        return quotas.put(services, ADMIN, QuotaInput(group=group, limits=limits, **values))

    return put


WORDS = ("clusters", "nodes", "cores", "memory_gib", "disk_gib")


def refusal(act: Callable[[], object]) -> PlanRefusedError:
    """Return why a plan is refused."""
    with pytest.raises(PlanRefusedError) as caught:
        act()
    return caught.value


def test_without_a_quota_nothing_is_said(plan: Callable[..., Plan]) -> None:
    """Whoever sets none is not bothered."""
    assert plan(machines=5).findings == ()


def test_what_fits_is_not_remarked_on(plan: Callable[..., Plan], allow: Callable[..., Any]) -> None:
    """Far from every limit nothing is said."""
    allow(clusters=10, nodes=10, cores=10, memory_gib=10, disk_gib=0)

    assert plan().findings == ()


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        pytest.param({"clusters": 1}, "1 cluster. In use: 1. Added: 1.", id="clusters"),
        pytest.param({"nodes": 4}, "4 nodes. In use: 2. Added: 3.", id="nodes"),
        pytest.param({"cores": 4}, "4 cores. In use: 2. Added: 3.", id="cores"),
        pytest.param({"memory_gib": 4}, "4 GiB of memory. In use: 2. Added: 3.", id="memory"),
    ],
)
def test_what_exceeds_a_limit_is_refused_with_the_sum(
    limit: dict[str, int],
    told: str,
    plan: Callable[..., Plan],
    deploy: Callable[..., Plan],
    allow: Callable[..., Any],
) -> None:
    """It says what may be, what is, what is added, and whom to ask."""
    deploy(machines=2)
    allow(**limit)

    [finding] = refusal(lambda: plan(machines=3)).findings

    assert finding.code == "quota.exceeded"
    assert finding.message == f"Group /acme may have {told}"
    assert finding.next_step is not None


def test_who_may_change_a_quota_is_named(
    services: Services, plan: Callable[..., Plan], allow: Callable[..., Any]
) -> None:
    """A group below another is limited by those who run the other."""
    allow("/acme/web", clusters=0)

    [finding] = refusal(plan).findings

    assert finding.next_step is not None
    assert finding.next_step.endswith("ask who may change the quota: olga.")


def test_those_nearest_to_a_group_are_named_first(
    services: Services, plan: Callable[..., Plan], allow: Callable[..., Any]
) -> None:
    """And nobody who is disabled."""
    with services.store.begin() as tx:
        root, acme = tx.groups.get("/"), tx.groups.get("/acme")
        for name, group in (("adam", root), ("abel", acme)):
            tx.users.add(name, group_id=group.id, role="user")
            tx.users.grant(tx.users.get(name).id, role="operator", group_id=group.id)
        tx.users.change(tx.users.get("abel").id, disabled_at=tx.now)
    allow("/acme/web", clusters=0)

    [finding] = refusal(plan).findings

    assert str(finding.next_step).endswith("ask who may change the quota: olga, adam.")


def test_near_a_limit_there_is_a_warning(
    plan: Callable[..., Plan], deploy: Callable[..., Plan], allow: Callable[..., Any]
) -> None:
    """From nine tenths on."""
    deploy(machines=5)
    allow(cores=10)

    [finding] = plan(machines=4).findings

    assert (finding.level, finding.code) == (Level.WARNING, "quota.near")
    assert finding.message == "Group /acme will have 9 of 10 cores."


def test_every_group_above_counts(
    plan: Callable[..., Plan], deploy: Callable[..., Plan], allow: Callable[..., Any]
) -> None:
    """What bob of /acme has leaves less for alice of /acme/web; /beta's is no matter."""
    deploy("bob", machines=3)
    deploy("carol", machines=3)
    allow("/acme/web", cores=4)
    allow("/acme", cores=5)
    allow("/", cores=9)

    told = [finding.message for finding in refusal(lambda: plan(machines=5)).findings]

    assert told == [
        "The installation may have 9 cores. In use: 6. Added: 5.",
        "Group /acme may have 5 cores. In use: 3. Added: 5.",
        "Group /acme/web may have 4 cores. In use: 0. Added: 5.",
    ]


def test_each_user_has_a_quota_alone(
    plan: Callable[..., Plan], deploy: Callable[..., Plan], allow: Callable[..., Any]
) -> None:
    """What others have does not count."""
    allow(None, clusters=1)
    deploy("bob")
    deploy("alice")

    [finding] = refusal(lambda: plan("alice")).findings

    assert finding.message == "Each user may have 1 cluster. In use: 1. Added: 1."


def test_ones_own_quota_stands_for_that_of_each_user(
    deploy: Callable[..., Plan], plan: Callable[..., Plan], allow: Callable[..., Any]
) -> None:
    """More than others may have, and no more."""
    allow(None, clusters=1)
    allow(None, user="alice", clusters=2)
    deploy("alice")
    deploy("alice")

    [finding] = refusal(lambda: plan("alice")).findings

    assert finding.message.startswith("User alice may have 2 clusters")


def test_what_is_deleted_leaves_room(
    services: Services,
    plan: Callable[..., Plan],
    deploy: Callable[..., Plan],
    allow: Callable[..., Any],
) -> None:
    """A cluster counts until it is gone."""
    allow(clusters=1)
    made = deploy()
    with services.store.begin() as tx:
        tx.clusters.set_state(made.cluster_id, ClusterState.DELETED)

    assert plan().cluster_id


def test_who_has_too_much_can_still_delete(
    services: Services,
    people: Callable[[str], Actor],
    deploy: Callable[..., Plan],
    allow: Callable[..., Any],
) -> None:
    """A limit that was lowered is no reason to keep what is there."""
    made = deploy(machines=3)
    allow(clusters=0, cores=0)
    with services.store.begin() as tx:
        [job] = tx.jobs.search(cluster_id=made.cluster_id)
        tx.courses.stop(job.id, error="not wanted", error_code="cancelled")
        end_job(tx, job.id)

    data = PlanInput(action=Action.DELETE, cluster_id=made.cluster_id)
    assert plans.create(services, people("alice"), data).findings == ()


# -- budgets ---------------------------------------------------------------------------------------


def test_what_exceeds_a_budget_is_refused(
    plan: Callable[..., Plan], deploy: Callable[..., Plan], allow: Callable[..., Any]
) -> None:
    """What is there and what is added are told in the budget's currency."""
    deploy(machines=2)
    allow(budgets={"EUR": "12.50"})

    [finding] = refusal(plan).findings

    assert finding.code == "budget.exceeded"
    assert finding.message == ("Group /acme may spend 12.5 EUR a month. In use: 10. Added: 5.")


def test_near_a_budget_there_is_a_warning(
    plan: Callable[..., Plan], allow: Callable[..., Any]
) -> None:
    """From nine tenths on."""
    allow(budgets={"EUR": "5.00"})

    [finding] = plan().findings

    assert (finding.level, finding.code) == (Level.WARNING, "budget.near")


@pytest.mark.parametrize(
    ("unpriced", "level"),
    [
        pytest.param(Unpriced.WARN, Level.WARNING, id="warned-of"),
        pytest.param(Unpriced.REFUSE, Level.ERROR, id="refused"),
    ],
)
@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({}, "is in EUR", id="in-another-currency"),
        pytest.param({"price": None}, "is not known", id="not-known"),
    ],
)
def test_a_cost_that_a_budget_cannot_tell_is_as_the_quota_says(
    change: dict[str, None],
    why: str,
    unpriced: Unpriced,
    level: Level,
    services: Services,
    plan: Callable[..., Plan],
    allow: Callable[..., Any],
) -> None:
    """It cannot be held against the budget, and that is said."""
    made = attrs.evolve(plan(), **change)
    allow(budgets={"USD": "1.00"}, unpriced=unpriced)

    with services.store.read() as tx:
        [finding] = quotas.review(tx, made)

    assert (finding.level, finding.code) == (level, "budget.unpriced")
    assert finding.message == (
        f"What this costs {why}, and cannot be held against the budget (USD) of group /acme."
    )


# -- applying --------------------------------------------------------------------------------------


@BOTH
def test_plans_that_fit_only_alone_are_not_applied_together(
    services: Services,
    people: Callable[[str], Actor],
    plan: Callable[..., Plan],
    allow: Callable[..., Any],
) -> None:
    """Of six plans that are applied at once, by two people of one group, three find room."""
    allow(clusters=3)
    made = [("alice", plan("alice")) for _ in range(3)] + [("bob", plan("bob")) for _ in range(3)]
    actors = {name: people(name) for name in ("alice", "bob")}
    together, outcomes = threading.Barrier(len(made)), []

    def apply(name: str, planned: Plan) -> None:
        together.wait(60.0)
        try:
            clusters.apply(services, actors[name], ApplyInput(plan_id=planned.id))
            outcomes.append("applied")
        except QuotaExceededError as ex:
            outcomes.append(ex.findings[0].code)

    threads = [threading.Thread(target=apply, args=each) for each in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)

    assert sorted(outcomes) == ["applied"] * 3 + ["quota.exceeded"] * 3


def test_a_plan_that_fits_no_more_says_why(
    services: Services,
    people: Callable[[str], Actor],
    plan: Callable[..., Plan],
    allow: Callable[..., Any],
) -> None:
    """A quota that was set after the plan was made holds."""
    made = plan()
    allow(clusters=0)

    with pytest.raises(QuotaExceededError, match="no room") as caught:
        clusters.apply(services, people("alice"), ApplyInput(plan_id=made.id))

    [finding] = caught.value.findings
    assert finding.message == "Group /acme may have 0 clusters. In use: 0. Added: 1."
