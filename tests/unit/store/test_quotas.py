"""What clusters count for is promised when they are planned, and counts until they are deleted."""

from collections.abc import Callable
from decimal import Decimal

import attrs
import pytest

from pitrix_core.errors import NotFoundError
from pitrix_core.model import Cluster, ClusterState, Plan, Price, Totals
from pitrix_core.model.quota import Limits, Quota, Scope, Use
from pitrix_core.store import Store
from pitrix_core.testing.manual_clock import ManualClock

PRICE = Price(amount_per_month=Decimal("12.34"), currency="EUR", source="a sheet")
TOTALS = Totals(machines=2, cpu=4, memory_mib=1536, volume_gib=30)
USED = Use(
    clusters=1,
    nodes=2,
    cores=4,
    memory_gib=Decimal("1.5"),
    disk_gib=30,
    costs={"EUR": Decimal("12.34")},
)


@pytest.fixture
def quota(store: Store, manual_clock: ManualClock) -> Quota:
    """A stored quota of the whole installation."""
    nothing = Quota(
        id="", scope=Scope.GROUP, subject="/", limits=Limits(cores=8), updated_at=manual_clock()
    )
    with store.begin() as tx:
        tx.groups.ensure_root()
        return tx.quotas.put(nothing, group_id=tx.groups.get("/").id)


def used(store: Store, quota: Quota) -> Use:
    """Return what counts for a quota."""
    with store.read() as tx:
        return tx.quotas.used(quota, owner="alice")


def test_what_is_promised_counts(
    store: Store, quota: Quota, cluster: Cluster, plan_of: Callable[..., Plan]
) -> None:
    """With its cost a month."""
    with store.begin() as tx:
        tx.quotas.allot(plan_of(totals=TOTALS, price=PRICE))

    assert used(store, quota) == USED


def test_a_change_counts_by_its_difference(
    store: Store, quota: Quota, cluster: Cluster, plan_of: Callable[..., Plan]
) -> None:
    """What it adds is added; what it frees counts until it is gone."""
    change = Totals(machines=1, cpu=2, memory_mib=512, volume_gib=-10)
    with store.begin() as tx:
        tx.quotas.allot(plan_of(totals=TOTALS, price=PRICE))
        tx.quotas.allot(plan_of(totals=change))

    more = {"nodes": 3, "cores": 6, "memory_gib": Decimal(2), "disk_gib": 30}
    assert used(store, quota) == attrs.evolve(USED, **more)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"state": ClusterState.DELETED}, id="deleted"),
        pytest.param({"hidden": True}, id="pitrix's-own"),
    ],
)
def test_some_clusters_do_not_count(
    change: dict[str, object],
    store: Store,
    quota: Quota,
    cluster: Cluster,
    plan_of: Callable[..., Plan],
) -> None:
    """They are not there, or nobody has asked for them."""
    with store.begin() as tx:
        tx.clusters.add(attrs.evolve(cluster, id="cl-2", **change))
        tx.quotas.allot(plan_of(totals=TOTALS, cluster_id="cl-2"))

    assert used(store, quota) == Use(clusters=1, unpriced_clusters=1)


def test_a_cluster_of_no_known_size_counts_as_a_cluster(
    store: Store, quota: Quota, cluster: Cluster
) -> None:
    """Such as one that an older release makes while this one is brought in."""
    assert used(store, quota) == Use(clusters=1, unpriced_clusters=1)


def test_a_quota_of_a_user_who_goes_goes_along(store: Store, manual_clock: ManualClock) -> None:
    """Whoever is called so next has one of their own."""
    own = Quota(id="", scope=Scope.USER, subject="alice", updated_at=manual_clock())
    with store.begin() as tx:
        stored = tx.quotas.put(own, group_id=None)
        tx.quotas.remove_of("alice")

    with store.read() as tx, pytest.raises(NotFoundError, match="There is no quota"):
        tx.quotas.get(stored.id)
