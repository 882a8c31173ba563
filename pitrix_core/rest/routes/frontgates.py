"""Frontgates: what connects the machines of a network."""

from typing import Final

from pitrix_core.model import Job
from pitrix_core.model.access import Action
from pitrix_core.model.frontgate import FrontgateReport
from pitrix_core.rest.operation import Operation, Shape
from pitrix_core.service import frontgates

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listFrontgates",
        path="/v1/frontgates",
        summary="List the Frontgates",
        needs=Action.FRONTGATES_READ,
        run=lambda c: frontgates.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=FrontgateReport,
    ),
    Operation(
        id="getFrontgate",
        path="/v1/frontgates/{id}",
        summary="Show a Frontgate: its connection, its token, what waits for it",
        needs=Action.FRONTGATES_READ,
        run=lambda c: frontgates.get(c.services, c.actor, c.path["id"]),
        answer=FrontgateReport,
    ),
    Operation(
        id="revokeFrontgate",
        method="POST",
        path="/v1/frontgates/{id}/revoke",
        summary="Make a Frontgate's tokens worth nothing, and cut its connection",
        needs=Action.FRONTGATES_WRITE,
        run=lambda c: frontgates.revoke(c.services, c.actor, c.path["id"]),
        answer=FrontgateReport,
    ),
    Operation(
        id="renewFrontgate",
        method="POST",
        path="/v1/frontgates/{id}/renew",
        summary="Give a Frontgate another machine, which enrols anew",
        needs=Action.FRONTGATES_WRITE,
        run=lambda c: frontgates.renew(c.services, c.actor, c.path["id"]),
        answer=Job,
        status=202,
        location="/v1/jobs/{id}",
    ),
)
