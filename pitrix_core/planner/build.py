"""Makes a plan of what an app type drafted."""

import datetime as dt
import hashlib
from typing import Protocol

import attrs

from pitrix_core import convert
from pitrix_core.contracts.interface import Start
from pitrix_core.errors import PlanRefusedError
from pitrix_core.findings import Finding, errors_in
from pitrix_core.model import Plan, PlanDraft, PlanRequest, Price, Task, Totals
from pitrix_core.planner.agents import with_frontgate
from pitrix_core.planner.checks import check_graph, check_inputs, check_kinds, check_nodes
from pitrix_core.planner.totals import freed_totals, price_of, priced, totals_of


class Offers(Protocol):
    """What the planner asks of a runtime's provider; none of it makes a request."""

    def offers(self) -> frozenset[str]:
        """Return the task kinds it carries out."""

    def start_of(self, kind: str) -> Start:
        """Return what it declares of a kind."""

    def price(self, task: Task) -> Price | None:
        """Return what a planned resource costs."""


@attrs.frozen(kw_only=True)
class PlanFrame:
    """What a plan is besides its tasks."""

    id: str
    owner: str
    revision: int
    app_version_id: str
    created_at: dt.datetime
    package_digest: str = ""


def build_plan(
    request: PlanRequest, draft: PlanDraft, *, frame: PlanFrame, provider: Offers
) -> Plan:
    """Complete, check, total and price a draft.

    :raises PlanRefusedError: the plan cannot be carried out; with every reason.
    """
    tasks = with_frontgate(draft.tasks, cluster_id=request.cluster_id)
    findings = [*draft.findings, *check_nodes(draft.nodes), *_check(tasks, provider)]
    if errors_in(findings):
        raise PlanRefusedError("The plan cannot be carried out.", findings=findings)
    tasks = priced(tasks, provider.price)
    plan = Plan(
        id=frame.id,
        action=request.action,
        owner=frame.owner,
        cluster_id=request.cluster_id,
        cluster_name=request.name,
        revision=frame.revision,
        app_version_id=frame.app_version_id,
        runtime_id=request.runtime.id,
        config=request.config,
        tasks=tasks,
        nodes=draft.nodes,
        endpoints=draft.endpoints,
        totals=_totals(request, tasks),
        price=price_of(tasks, action=request.action),
        findings=tuple(findings),
        digest="",
        created_at=frame.created_at,
        package_digest=frame.package_digest,
    )
    return attrs.evolve(plan, digest=digest_of_plan(plan))


def digest_of_plan(plan: Plan) -> str:
    """Return the SHA-256 over what a plan would do: equal plans have equal digests."""
    content = attrs.evolve(plan, id="", digest="", created_at=dt.datetime.fromtimestamp(0, dt.UTC))
    return hashlib.sha256(convert.canonical(content).encode()).hexdigest()


def _check(tasks: tuple[Task, ...], provider: Offers) -> list[Finding]:
    kinds = check_kinds(tasks, provider.offers())
    graph = check_graph(tasks)
    return [*kinds, *graph] or check_inputs(tasks, provider.start_of)


def _totals(request: PlanRequest, tasks: tuple[Task, ...]) -> Totals:
    if request.action.frees and request.current is not None:
        return freed_totals(request.current)
    return totals_of(tasks)
