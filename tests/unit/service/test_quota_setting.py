"""Quotas are set by those above whom they limit, and shown to those whom they concern."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import core_world
import pytest
from people_world import actor_of

from pitrix_core.errors import ForbiddenError, InvalidInputError, NotFoundError
from pitrix_core.model import Plan
from pitrix_core.model.quota import Limits, Quota, Scope
from pitrix_core.service import clusters, plans, quotas
from pitrix_core.service.inputs import ApplyInput, PlanInput
from pitrix_core.service.quotas import QuotaInput, QuotaReview
from pitrix_core.service.services import Services
from pitrix_core.store import Store

ADMIN = core_world.ADMIN

pytestmark = pytest.mark.usefixtures("people")


@pytest.fixture
def plugins(store: Store) -> dict[str, object]:
    """The core's own review, as the wiring adds it."""
    return {"quotas": QuotaReview(store)}


@pytest.fixture
def plan(
    services: Services, release: Callable[..., str], register: Callable[..., Any]
) -> Callable[[], Plan]:
    """Return a function that plans two machines of ada's, of one core and 1 GiB each."""
    register(settings={"price_per_machine": "5.00"})
    data = PlanInput(app_version_id=release(), config={"cluster": {"count": 2}})
    return lambda: plans.create(services, actor_of(services, "ada"), data)


def allow(services: Services, group: str | None = None, *, user: str | None = None) -> Quota:
    """Allow no cluster."""
    data = QuotaInput(group=group, user=user, limits=Limits(clusters=0))
    return quotas.put(services, ADMIN, data)


def test_a_quota_is_set_as_a_whole(services: Services) -> None:
    """What is not named any more is not limited any more."""
    data = QuotaInput(group="/acme", limits=Limits(clusters=1), budgets={"EUR": "10"})
    first = quotas.put(services, ADMIN, data)

    second = quotas.put(services, ADMIN, QuotaInput(group="/acme", limits=Limits(cores=8)))

    assert second.id == first.id
    assert (second.limits, second.budgets) == (Limits(cores=8), {})


def test_a_quota_is_shown_beside_what_there_is(
    services: Services, plan: Callable[[], Plan]
) -> None:
    """With what it costs a month."""
    ada = actor_of(services, "ada")
    clusters.apply(services, ada, ApplyInput(plan_id=plan().id))
    quota = allow(services, "/acme")

    used = quotas.get(services, ADMIN, quota.id).used

    assert (used.clusters, used.nodes, used.cores, used.memory_gib) == (1, 2, 2, Decimal(2))
    assert used.costs == {"EUR": Decimal(10)}


def test_one_sees_what_counts_for_oneself(services: Services) -> None:
    """Of groups above and of every user; not of others."""
    for group in ("/acme", "/other", None):
        allow(services, group)
    allow(services, user="boss")

    seen = quotas.search(services, actor_of(services, "ada"))

    found = {(each.scope, each.subject) for each in seen}
    assert found == {(Scope.GROUP, "/acme"), (Scope.EVERY_USER, "")}


def test_who_runs_a_group_sees_the_quotas_in_it(services: Services) -> None:
    """Of groups below, and of their users; not of others'."""
    allow(services, "/acme/web")
    for user in ("ada", "eve"):
        allow(services, user=user)

    seen = quotas.search(services, actor_of(services, "boss"))

    assert {each.subject for each in seen} == {"/acme/web", "ada"}


def test_a_quota_that_may_not_be_seen_is_not_there(services: Services) -> None:
    """Not found, as one that is not there at all."""
    quota = allow(services, "/other")

    with pytest.raises(NotFoundError, match="There is no quota"):
        quotas.get(services, actor_of(services, "ada"), quota.id)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param({"group": "/acme"}, id="the-group-they-run"),
        pytest.param({"group": "/"}, id="the-group-above"),
        pytest.param({}, id="every-user"),
    ],
)
def test_nobody_limits_themselves(subject: dict[str, str], services: Services) -> None:
    """The right on a group is for what is below it, and for its people."""
    data = QuotaInput(**subject, limits=Limits(cores=1000))

    with pytest.raises(ForbiddenError, match=r"right quotas\.write on group"):
        quotas.put(services, actor_of(services, "boss"), data)


@pytest.mark.parametrize(
    ("theirs", "nobodys"),
    [
        pytest.param({"group": "/other"}, {"group": "/gone"}, id="another-group"),
        pytest.param({"user": "eve"}, {"user": "gone"}, id="a-user-of-another-group"),
    ],
)
def test_strangers_are_not_there_to_be_limited(
    theirs: dict[str, str],
    nobodys: dict[str, str],
    services: Services,
) -> None:
    """What is said is what is said of nobody: neither who there is, nor in which group."""
    [told] = theirs.values()
    [untold] = nobodys.values()
    said = []
    for subject in (theirs, nobodys):
        with pytest.raises(NotFoundError) as caught:
            quotas.put(services, actor_of(services, "boss"), QuotaInput(**subject))
        said.append((caught.value.message, caught.value.next_step))

    assert said[0] == (said[1][0].replace(untold, told), said[1][1])


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param({"group": "/acme/web"}, id="a-group-below"),
        pytest.param({"user": "ada"}, id="a-user-of-the-group"),
    ],
)
def test_who_runs_a_group_limits_what_is_below(subject: dict[str, str], services: Services) -> None:
    """With a grant on the group, and for no more than it leaves."""
    data = QuotaInput(**subject, limits=Limits(cores=4))

    assert quotas.put(services, actor_of(services, "boss"), data).limits.cores == 4


def test_a_quota_that_is_removed_limits_nothing(
    services: Services, plan: Callable[[], Plan]
) -> None:
    """It is as if it had not been set."""
    quota = allow(services, "/acme")

    quotas.remove(services, ADMIN, quota.id)

    assert plan().findings == ()


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        pytest.param({"group": "/", "user": "ada"}, "/user", id="for-two"),
        pytest.param({"limits": Limits(cores=-1)}, "/limits/cores", id="below-nothing"),
        pytest.param({"limits": Limits(cores=10**30)}, "/limits/cores", id="beyond-all"),
        pytest.param({"budgets": {"EUR": "much"}}, "/budgets/EUR", id="no-amount"),
        pytest.param({"budgets": {"EUR": "NaN"}}, "/budgets/EUR", id="no-number"),
        pytest.param({"budgets": {"EUR": "1e99"}}, "/budgets/EUR", id="no-amount-at-all"),
        pytest.param({"budgets": {"euro": "1"}}, "/budgets", id="no-currency"),
    ],
)
def test_what_is_no_quota_is_refused_with_its_place(
    data: dict[str, Any], pointer: str, services: Services
) -> None:
    """Before anything is stored."""
    with pytest.raises(InvalidInputError) as caught:
        quotas.put(services, ADMIN, QuotaInput(**data))

    assert caught.value.pointer == pointer
