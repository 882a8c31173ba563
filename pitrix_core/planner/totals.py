"""Adds up what a plan makes or frees, and what that costs."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

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
from pitrix_core.model.usage import Size

#: Kinds of tasks that make what has a size and a price.
_SIZED: Final = frozenset({"compute.create", "volume.create"})


def totals_of(tasks: Iterable[Task]) -> Totals:
    """Add up what the tasks make; what is known only once they run does not count."""
    made = list(tasks)
    sizes = [size_of(task.kind, task.input) for task in made if task.kind in _SIZED]
    return Totals(
        machines=sum(task.kind == "compute.create" for task in made),
        cpu=sum(size.cpu for size in sizes),
        memory_mib=sum(size.memory_mib for size in sizes),
        volume_gib=sum(size.disk_gib for size in sizes),
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


def priced(tasks: Iterable[Task], price: Callable[[Task], Price | None]) -> tuple[Task, ...]:
    """Write beside each task that makes something what that costs."""
    return tuple(
        attrs.evolve(task, price=price(task) if task.kind in _SIZED else None) for task in tasks
    )


def price_of(tasks: Iterable[Task], *, action: Action) -> Price | None:
    """Add up the prices of what the tasks make.

    :returns: None where nothing is made, or a price is not known: half a sum misleads.
    """
    if action is not Action.CREATE:
        return None
    prices = [task.price for task in tasks if task.kind in _SIZED]
    known = [found for found in prices if found is not None]
    if not known or len(known) < len(prices) or len({found.currency for found in known}) > 1:
        return None
    return Price(
        amount_per_month=sum((found.amount_per_month for found in known), Decimal(0)),
        currency=known[0].currency,
        source=known[0].source,
    )


def size_of(kind: str, given: JsonObject) -> Size:
    """Return how large a task's input says a machine or a volume is."""
    match kind.partition(".")[0]:
        case "compute":
            cpu = _number(given, "cpu", InstanceSpec)
            return Size(cpu=cpu, memory_mib=_number(given, "memory_mib", InstanceSpec))
        case "volume":
            return Size(disk_gib=_number(given, "size_gib", VolumeSpec))
        case _:
            return Size()


def _number(given: JsonObject, name: str, spec: type) -> int:
    """Return a number of a task's input, or what its schema says where it is left out."""
    found = given.get(name, attrs.fields_dict(spec)[name].default)
    return found if isinstance(found, int) else 0
