"""What a runtime's account and the database do not agree on."""

from typing import Final

from pitrix_core.model import AccountReport, Job
from pitrix_core.model.access import Action
from pitrix_core.rest.operation import Operation
from pitrix_core.service import sweeping
from pitrix_core.service.inputs import SweepInput

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listOrphans",
        path="/v1/runtimes/{id}/orphans",
        summary="Ask a runtime's cloud for what belongs to nothing here, and for what is missing",
        needs=Action.ORPHANS_READ,
        run=lambda c: sweeping.report(c.services, c.actor, c.path["id"]),
        answer=AccountReport,
    ),
    Operation(
        id="sweepOrphans",
        method="POST",
        path="/v1/runtimes/{id}/orphans/sweep",
        summary="Delete orphans; each is looked at again before it goes",
        needs=Action.ORPHANS_WRITE,
        run=lambda c: sweeping.sweep(c.services, c.actor, c.path["id"], c.body),
        input=SweepInput,
        answer=Job,
        status=202,
        location="/v1/jobs/{id}",
        may_be_empty=True,
    ),
)
