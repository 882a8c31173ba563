"""What was used, by whom, and what of it the vendor of an app is told."""

from typing import Final

from pitrix_core.model.access import Action
from pitrix_core.model.usage import AppStatistics, UsageBy, UsageReport
from pitrix_core.rest.operation import Call, Operation, Parameter, Shape
from pitrix_core.service import usage
from pitrix_core.service.usage import Asked

_PERIOD: Final = (
    Parameter(
        name="from",
        description="Beginning: a day, in UTC, or a time (RFC 3339); left out, the first of this "
        "month.",
    ),
    Parameter(name="to", description="End, which is not in it; left out, now."),
)
_BY: Final = Parameter(
    name="by",
    description="What is added up for.",
    schema={"type": "string", "enum": [str(by) for by in UsageBy], "default": "cluster"},
)


def _asked(call: Call) -> Asked:
    return Asked(since=call.parameters.get("from"), until=call.parameters.get("to"))


def _report(call: Call) -> UsageReport:
    by = UsageBy(call.parameters["by"])
    return usage.report(call.services, call.actor, by, _asked(call))


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="getUsage",
        path="/v1/usage",
        summary="Add up core-, memory- and disk-hours and their cost in a period",
        needs=Action.USAGE_READ,
        run=_report,
        answer=UsageReport,
        parameters=(_BY, *_PERIOD),
    ),
    Operation(
        id="exportUsage",
        path="/v1/usage.csv",
        summary="Return the same as CSV",
        needs=Action.USAGE_READ,
        run=lambda c: usage.as_csv(_report(c)),
        shape=Shape.OCTETS,
        media_type="text/csv; charset=utf-8",
        parameters=(_BY, *_PERIOD),
    ),
    Operation(
        id="getAppStatistics",
        path="/v1/apps/{id}/statistics",
        summary="Tell the vendor of an app how it was used in a period; nobody is named",
        needs=Action.STATISTICS_READ,
        run=lambda c: usage.statistics(c.services, c.actor, c.path["id"], _asked(c)),
        answer=AppStatistics,
        parameters=_PERIOD,
    ),
)
