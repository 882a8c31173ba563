"""How much people may have."""

from typing import Final

from pitrix_core.model.access import Action
from pitrix_core.model.quota import Quota, QuotaReport
from pitrix_core.rest.operation import Operation, Shape
from pitrix_core.service import quotas
from pitrix_core.service.quotas import QuotaInput

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="setQuota",
        method="PUT",
        path="/v1/quotas",
        summary="Set all of the quota of a group, of a user, or of every user",
        needs=Action.QUOTAS_WRITE,
        run=lambda c: quotas.put(c.services, c.actor, c.body),
        input=QuotaInput,
        answer=Quota,
    ),
    Operation(
        id="listQuotas",
        path="/v1/quotas",
        summary="List the quotas that count for the caller, and those the caller may look at",
        needs=Action.QUOTAS_READ,
        run=lambda c: quotas.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=QuotaReport,
    ),
    Operation(
        id="getQuota",
        path="/v1/quotas/{id}",
        summary="Show a quota beside what there is",
        needs=Action.QUOTAS_READ,
        run=lambda c: quotas.get(c.services, c.actor, c.path["id"]),
        answer=QuotaReport,
    ),
    Operation(
        id="removeQuota",
        method="DELETE",
        path="/v1/quotas/{id}",
        summary="Remove a quota; nothing is limited by it any more",
        needs=Action.QUOTAS_WRITE,
        run=lambda c: quotas.remove(c.services, c.actor, c.path["id"]),
        shape=Shape.NOTHING,
    ),
)
