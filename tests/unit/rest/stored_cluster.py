"""A cluster, and a plan for it, as the store has them; both are put there as they are."""

import datetime as dt

from pitrix_core.model import Action, Cluster, ClusterState, Plan, Task, Totals

NOW = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)


def cluster_on(runtime_id: str) -> Cluster:
    """Return a cluster of the admin's at revision 3."""
    return Cluster(
        id="cl-1",
        name="one",
        owner="admin",
        state=ClusterState.ACTIVE,
        runtime_id=runtime_id,
        app_version_id="appv-1",
        config={},
        revision=3,
        created_at=NOW,
        updated_at=NOW,
    )


def plan_on(runtime_id: str) -> Plan:
    """Return a plan to delete that cluster."""
    return Plan(
        id="plan-1",
        action=Action.DELETE,
        owner="admin",
        cluster_id="cl-1",
        cluster_name="one",
        revision=3,
        app_version_id="appv-1",
        runtime_id=runtime_id,
        config={},
        tasks=(Task(key="a", kind="compute.delete", title="A", input={"made": "up"}),),
        nodes=(),
        endpoints={},
        totals=Totals(),
        price=None,
        findings=(),
        digest="d",
        created_at=NOW,
    )
