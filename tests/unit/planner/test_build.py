"""A draft becomes a plan: completed, checked, totalled, priced, and with a digest."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from pitrix_core import convert
from pitrix_core.errors import PlanRefusedError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import (
    Action,
    Cluster,
    ClusterSnapshot,
    ClusterState,
    Node,
    NodeState,
    Plan,
    PlanDraft,
    PlannedNode,
    Price,
    Ref,
    Task,
    Totals,
)
from pitrix_core.planner.build import digest_of_plan

Build = Callable[..., Plan]
NOW = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)


def machine(key: str = "m", **given: Any) -> Task:
    """Return a task that makes a machine."""
    values = {"name": key, "cluster_id": "cl-1", "image": {"image": "debian"}, **given}
    return Task(key=key, kind="compute.create", title=key, input=values)


def volume(key: str = "v", **given: Any) -> Task:
    """Return a task that makes a volume."""
    values = {"name": key, "cluster_id": "cl-1", "size_gib": 10, **given}
    return Task(key=key, kind="volume.create", title=key, input=values)


def snapshot() -> ClusterSnapshot:
    """Return a cluster of one machine."""
    cluster = Cluster(
        id="cl-1",
        name="one",
        owner="admin",
        state=ClusterState.ACTIVE,
        runtime_id="rt-1",
        app_version_id="appv-1",
        config={},
        revision=1,
        created_at=NOW,
        updated_at=NOW,
    )
    node = Node(
        id="n",
        cluster_id="cl-1",
        role="",
        sid=1,
        gid=1,
        gsid=1,
        state=NodeState.RUNNING,
        planned={"cpu": 2, "memory_mib": 512, "volume_gib": 10},
    )
    return ClusterSnapshot(cluster=cluster, nodes=(node,), resources=())


def test_a_plan_says_what_it_makes(build: Build) -> None:
    """Totals are over all machines and volumes."""
    plan = build(
        machine("a", cpu=2, memory_mib=512), machine("b", cpu=4, memory_mib=1024), volume()
    )

    assert plan.totals == Totals(machines=2, cpu=6, memory_mib=1536, volume_gib=10)
    assert plan.revision == 0
    assert plan.cluster_name == "one"


def test_what_is_left_out_counts_as_its_default(build: Build) -> None:
    """A machine without a size is still a machine of the default size."""
    assert build(machine()).totals == Totals(machines=1, cpu=1, memory_mib=1024)


def test_what_is_known_later_does_not_count(build: Build) -> None:
    """A size that an earlier task will tell is no reason to fail."""
    later = machine("a", cpu=Ref("m", "/cpu").to_json())

    plan = build(machine(), attrs.evolve(later, after=("m",)))

    assert plan.totals == Totals(machines=2, cpu=1, memory_mib=2048)


def test_a_removal_frees_what_was_planned(build: Build) -> None:
    """As negative numbers, and at no price."""
    plan = build(action=Action.DELETE, current=snapshot(), revision=1)

    assert plan.totals == Totals(machines=-1, cpu=-2, memory_mib=-512, volume_gib=-10)
    assert plan.price is None
    assert plan.revision == 1


def test_prices_are_added(build: Build) -> None:
    """Each machine has its own."""
    assert build(machine("a"), machine("b")).price == Price(
        amount_per_month=Decimal("10.00"), currency="EUR", source="a price sheet"
    )


def test_each_task_says_what_it_costs(build: Build) -> None:
    """As far as that is known, and whatever the app type has said of it."""
    free = Price(amount_per_month=Decimal(0), currency="EUR", source="the package")
    tasks = build(machine(), attrs.evolve(volume(), price=free)).tasks

    assert [task.price and task.price.amount_per_month for task in tasks] == [Decimal("5.00"), None]


def test_a_plan_that_makes_nothing_has_no_price(build: Build) -> None:
    """Nothing is not the same as free."""
    assert build().price is None


def test_half_a_sum_is_no_price(build: Build) -> None:
    """A volume of unknown price makes the whole unknown."""
    assert build(machine(), volume()).price is None


def test_two_currencies_make_no_price(build: Build, provider: Any) -> None:
    """They cannot be added."""
    provider.prices["volume.create"] = Price(
        amount_per_month=Decimal(1), currency="USD", source="another sheet"
    )

    assert build(machine(), volume()).price is None


def test_a_plan_that_cannot_be_carried_out_is_refused_with_every_reason(build: Build) -> None:
    """Kinds, graph and nodes are told together; inputs, which need sound kinds, are not."""
    nodes = tuple(PlannedNode(id="n", role="", sid=number, gid=1) for number in (1, 2))
    tasks = (Task(key="x", kind="gone.away", title="", after=("y",)), machine(cpu="two"))

    with pytest.raises(PlanRefusedError) as caught:
        build(draft=PlanDraft(tasks=tasks, nodes=nodes))

    assert [finding.code for finding in caught.value.findings] == [
        "plan.node",
        "plan.kind",
        "plan.after",
    ]


def test_bad_inputs_are_refused(build: Build) -> None:
    """With the task they are of."""
    with pytest.raises(PlanRefusedError) as caught:
        build(machine(cpu="two"))

    [finding] = caught.value.findings
    assert (finding.file, finding.pointer) == ("m", "/cpu")


def test_an_objection_of_the_app_type_is_kept(build: Build) -> None:
    """A warning goes with the plan; an error stops it."""
    warning = Finding(level=Level.WARNING, code="w", message="Mind this.")
    error = attrs.evolve(warning, level=Level.ERROR)

    plan = build(draft=PlanDraft(tasks=(), findings=(warning,)))

    assert plan.findings == (warning,)
    with pytest.raises(PlanRefusedError):
        build(draft=PlanDraft(tasks=(), findings=(error,)))


def test_equal_plans_have_equal_digests(build: Build) -> None:
    """What they are called, and when they were made, does not matter."""
    one = build(machine())
    other = build(machine(), id="pln-2", created_at=NOW + dt.timedelta(days=1))

    assert one.digest == other.digest
    assert len(one.digest) == 64


def test_a_plan_keeps_its_digest_in_the_database(build: Build) -> None:
    """Turned into JSON and back it is the same plan."""
    plan = build(machine())

    again = convert.from_json(convert.to_json(plan), Plan)

    assert again == plan
    assert digest_of_plan(again) == plan.digest


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"cluster_name": "two"}, id="name"),
        pytest.param({"cluster_id": "cl-2"}, id="cluster"),
        pytest.param({"revision": 2}, id="revision"),
        pytest.param({"owner": "somebody"}, id="owner"),
        pytest.param({"runtime_id": "rt-2"}, id="runtime"),
        pytest.param({"config": {"size": 2}}, id="config"),
        pytest.param({"tasks": ()}, id="tasks"),
        pytest.param({"tasks": (machine(cpu=2),)}, id="input"),
        pytest.param({"totals": Totals()}, id="totals"),
        pytest.param({"price": None}, id="price"),
        pytest.param({"nodes": (PlannedNode(id="n", role="", sid=1, gid=1),)}, id="nodes"),
        pytest.param({"endpoints": {"client": {"port": 1}}}, id="endpoints"),
        pytest.param({"action": Action.DELETE}, id="action"),
    ],
)
def test_any_change_changes_the_digest(build: Build, changes: dict[str, Any]) -> None:
    """Nothing that would be done differently has the same digest."""
    plan = build(machine())

    assert digest_of_plan(attrs.evolve(plan, **changes)) != plan.digest
