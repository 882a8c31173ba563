"""How the machines of a cluster are: their health, what is measured on them, tables to look at."""

import datetime as dt
import enum
from collections.abc import Iterable
from typing import Final

import attrs

from pitrix_core.model.json import JsonObject


class HealthState(enum.StrEnum):
    """What is known of a node, or of a whole cluster."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"  #: not checked yet, or not heard of for too long


#: A report comes every 5 minutes at least; agents/protocol/README.md section 5.
_PATIENCE: Final = dt.timedelta(minutes=15)


@attrs.frozen(kw_only=True)
class NodeHealth:
    """Last report of a node's health check."""

    state: HealthState
    #: Since when, by the node's clock.
    since: dt.datetime
    #: Why it is not healthy.
    detail: str = ""
    #: What was last done about it: ``at``, ``exit_code``, ``output``; None for nothing yet.
    action: JsonObject | None = None
    #: When it was last heard of, by the database's clock.
    reported_at: dt.datetime
    #: When it was said, by the node's clock: tells what is new from what came again.
    said_at: dt.datetime | None = None

    def at(self, now: dt.datetime) -> "NodeHealth":
        """Return what is known of it at a moment: nothing, where it was not heard of for long."""
        if now - self.reported_at <= _PATIENCE or self.state is HealthState.UNKNOWN:
            return self
        return attrs.evolve(
            self,
            state=HealthState.UNKNOWN,
            since=self.reported_at,
            detail=f"its agent is silent; the last it said was {self.state}",
        )


@attrs.frozen(kw_only=True)
class MeasuredItem:
    """One value that is measured on nodes."""

    name: str
    unit: str = ""
    #: What a number is multiplied by before it is shown.
    scale: float = 1
    #: How the values of some minutes become one: ``avg``, ``max``, ``latest``, …
    statistics: str = "avg"


@attrs.frozen(kw_only=True)
class Sample:
    """What was measured on one node."""

    node_id: str
    at: dt.datetime
    #: Item → number or text, not scaled yet.
    values: JsonObject
    #: What went wrong with measuring; empty for nothing.
    detail: str = ""


@attrs.frozen(kw_only=True)
class DisplayTab:
    """A table that a command of the package fills in when somebody looks at it."""

    title: str
    cmd: str
    #: Roles of which one node runs it; none for any.
    roles: tuple[str, ...] = ()
    description: str = ""
    timeout_s: float = 10.0


def health_of(states: Iterable[HealthState]) -> HealthState | None:
    """Return the health of a cluster: the worst of its nodes that are checked, if any is."""
    worst_first = (HealthState.UNHEALTHY, HealthState.UNKNOWN, HealthState.HEALTHY)
    return min(states, key=worst_first.index, default=None)
