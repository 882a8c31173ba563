"""Runtimes: where clusters can run."""

from typing import Final

from pitrix_core.model import Runtime, RuntimeAtWork, RuntimeLimits
from pitrix_core.model.access import Action
from pitrix_core.rest import answers
from pitrix_core.rest.operation import Call, Operation, Parameter, Shape
from pitrix_core.service import runtimes, sharing
from pitrix_core.service.inputs import RuntimeInput


def _check_runtime(call: Call) -> answers.Findings:
    found = runtimes.check(call.services, call.actor, call.path["id"])
    return answers.Findings(findings=tuple(found))


def _delete_runtime(call: Call) -> answers.Jobs | None:
    if call.parameters["forget"]:
        runtimes.forget(call.services, call.actor, call.path["id"])
        return None
    begun = runtimes.delete(call.services, call.actor, call.path["id"])
    return answers.Jobs(jobs=tuple(begun)) if begun else None


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="addRuntime",
        method="POST",
        path="/v1/runtimes",
        summary="Register a runtime",
        needs=Action.RUNTIMES_WRITE,
        run=lambda c: runtimes.add(c.services, c.actor, c.body),
        input=RuntimeInput,
        answer=Runtime,
        status=201,
        location="/v1/runtimes/{id}",
    ),
    Operation(
        id="listRuntimes",
        path="/v1/runtimes",
        summary="List the runtimes",
        needs=Action.RUNTIMES_READ,
        run=lambda c: runtimes.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=Runtime,
    ),
    Operation(
        id="getRuntime",
        path="/v1/runtimes/{id}",
        summary="Show a runtime, by id or name, and how much its cloud is asked for now",
        needs=Action.RUNTIMES_READ,
        run=lambda c: runtimes.at_work(c.services, c.actor, c.path["id"]),
        answer=RuntimeAtWork,
    ),
    Operation(
        id="limitRuntime",
        method="POST",
        path="/v1/runtimes/{id}/limit",
        summary="Change how much a runtime's cloud is asked for",
        needs=Action.RUNTIMES_WRITE,
        run=lambda c: runtimes.limit(c.services, c.actor, c.path["id"], c.body),
        input=RuntimeLimits,
        answer=Runtime,
    ),
    Operation(
        id="shareRuntime",
        method="POST",
        path="/v1/runtimes/{id}/share",
        summary="Say who sees a runtime, and can deploy on it",
        needs=Action.RUNTIMES_WRITE,
        run=lambda c: sharing.share_runtime(c.services, c.actor, c.path["id"], c.body),
        input=sharing.ShareInput,
        answer=Runtime,
    ),
    Operation(
        id="checkRuntime",
        method="POST",
        path="/v1/runtimes/{id}/check",
        summary="Ask a runtime's cloud whether it can be used",
        needs=Action.RUNTIMES_READ,
        run=_check_runtime,
        answer=answers.Findings,
    ),
    Operation(
        id="deleteRuntime",
        method="DELETE",
        path="/v1/runtimes/{id}",
        summary="Delete a runtime; jobs remove what pitrix keeps running on it",
        needs=Action.RUNTIMES_WRITE,
        run=_delete_runtime,
        answer=answers.Jobs,
        status=202,
        may_be_empty=True,
        parameters=(
            Parameter(
                name="forget",
                description="Its cloud does not answer any more: remove nothing from there.",
                schema={"type": "boolean", "default": False},
            ),
        ),
    ),
)
