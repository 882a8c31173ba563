"""Who changed what."""

import datetime as dt
from typing import Final

from pitrix_core.model.access import Action
from pitrix_core.model.audit import AuditEntry
from pitrix_core.rest.operation import Call, Operation, Parameter, Shape
from pitrix_core.rest.pagination import slice_in
from pitrix_core.rest.refusals import ParameterError
from pitrix_core.service import audit
from pitrix_core.service.audit import ChainEnds, PruneInput
from pitrix_core.store.audit import AuditFilter


def _entries(call: Call) -> list[AuditEntry]:
    part = slice_in(call.parameters)
    return audit.search(
        call.services,
        call.actor,
        AuditFilter(
            user=call.parameters.get("user"),
            action=call.parameters.get("action"),
            subject=call.parameters.get("subject"),
            since=_time(call, "since"),
            until=_time(call, "until"),
        ),
        after=_number(part.after),
        limit=part.limit,
        newest_first=call.parameters["order"] == "newest",
    )


def _time(call: Call, name: str) -> dt.datetime | None:
    text = call.parameters.get(name)
    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError) as ex:
        raise ParameterError(
            f"query {name}: this is no time.", next_step="Write it as 2026-11-01T12:00:00Z."
        ) from ex


def _number(after: str | None) -> int | None:
    if after is None:
        return None
    if not (after.isascii() and after.isdecimal() and len(after) < _DIGITS):
        raise ParameterError(
            "query cursor: no page ended with this one.",
            next_step="Use the next_cursor of the last page, or none to begin with the first.",
        )
    return int(after)


#: Of the number of an entry: a BIGINT has 19.
_DIGITS: Final = 19

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listAudit",
        path="/v1/audit",
        summary="List who changed what",
        needs=Action.AUDIT_READ,
        run=_entries,
        shape=Shape.SLICE,
        answer=AuditEntry,
        parameters=(
            Parameter(name="user", description="Only what this user did."),
            Parameter(name="action", description="Only this operation, such as `addRuntime`."),
            Parameter(name="subject", description="Only what was done to the thing of this id."),
            Parameter(name="since", description="Only from this time on (RFC 3339)."),
            Parameter(name="until", description="Only before this time (RFC 3339)."),
            Parameter(
                name="order",
                description="Which come first.",
                schema={"type": "string", "enum": ["newest", "oldest"], "default": "newest"},
            ),
        ),
    ),
    Operation(
        id="getAuditEnds",
        path="/v1/audit/ends",
        summary="Show where the audit's chain begins and ends; to be kept elsewhere",
        needs=Action.AUDIT_READ,
        run=lambda c: audit.ends(c.services, c.actor),
        answer=ChainEnds,
    ),
    Operation(
        id="pruneAudit",
        method="POST",
        path="/v1/audit/prune",
        summary="Drop the audit up to an entry that was exported; only who may do everything",
        run=lambda c: audit.prune(c.services, c.actor, c.body),
        input=PruneInput,
        answer=ChainEnds,
    ),
)
