"""Adds up what a plan makes or frees, and what that costs."""

from collections.abc import Callable, Iterable
from decimal import Decimal

import attrs

from pitrix_core.model import (
    Action,
    ClusterSnapshot,
    InstanceSpec,
    JsonObject,
    Price,
    Task,
    Totals,
    VolumeSpec,
)


def totals_of(tasks: Iterable[Task]) -> Totals:
    """Add up what the tasks make; what is known only once they run does not count."""
    made = list(tasks)
    machines = [task.input for task in made if task.kind == "compute.create"]
    volumes = [task.input for task in made if task.kind == "volume.create"]
    return Totals(
        machines=len(machines),
        cpu=sum(_number(machine, "cpu", InstanceSpec) for machine in machines),
        memory_mib=sum(_number(machine, "memory_mib", InstanceSpec) for machine in machines),
        volume_gib=sum(_number(volume, "size_gib", VolumeSpec) for volume in volumes),
    )


def freed_totals(current: ClusterSnapshot) -> Totals:
    """Add up what goes with a whole cluster, as negative numbers."""
    planned = [node.planned for node in current.nodes]
    return Totals(
        machines=-len(planned),
        cpu=-sum(int(node.get("cpu", 0)) for node in planned),
        memory_mib=-sum(int(node.get("memory_mib", 0)) for node in planned),
        volume_gib=-sum(int(node.get("volume_gib", 0)) for node in planned),
    )


def price_of(
    tasks: Iterable[Task], price: Callable[[Task], Price | None], *, action: Action
) -> Price | None:
    """Add up the prices of what the tasks make.

    :returns: None where nothing is made, or a price is not known: half a sum misleads.
    """
    if action is not Action.CREATE:
        return None
    prices = [price(task) for task in tasks if task.kind in ("compute.create", "volume.create")]
    known = [found for found in prices if found is not None]
    if not known or len(known) < len(prices) or len({found.currency for found in known}) > 1:
        return None
    return Price(
        amount_per_month=sum((found.amount_per_month for found in known), Decimal(0)),
        currency=known[0].currency,
        source=known[0].source,
    )


def _number(given: JsonObject, name: str, spec: type) -> int:
    """Return a number of a task's input, or what its schema says where it is left out."""
    found = given.get(name, attrs.fields_dict(spec)[name].default)
    return found if isinstance(found, int) else 0
