"""Plans, and the clusters they make and change."""

from typing import Final

from pitrix_core.model import Cluster, ClusterSnapshot, DisplayTab, Job, Plan
from pitrix_core.model.access import Action
from pitrix_core.rest import replies
from pitrix_core.rest.operation import (
    ACCEPT_LANGUAGE,
    IF_MATCH,
    Call,
    Operation,
    Parameter,
    Shape,
)
from pitrix_core.rest.pagination import slice_in
from pitrix_core.service import clusters, measures, plans, tabs
from pitrix_core.service.inputs import ApplyInput, PlanInput, TabInput
from pitrix_core.service.languages import preferred

#: What is measured is kept for so long.
_TWO_WEEKS_MIN: Final = 14 * 24 * 60


def _create_plan(call: Call) -> Plan:
    language = preferred(call.parameters.get(ACCEPT_LANGUAGE.name))
    return plans.create(call.services, call.actor, call.body, language=language)


def _change_cluster(call: Call) -> Job:
    condition = call.parameters.get("If-Match")
    if condition is not None:
        snapshot = clusters.get(call.services, call.actor, call.path["id"])
        replies.require_revision(condition, snapshot.cluster.revision)
    return clusters.apply(call.services, call.actor, call.body, cluster_id=call.path["id"])


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="createPlan",
        method="POST",
        path="/v1/plans",
        summary="Plan a change: its tasks, totals, price and findings; changes nothing",
        needs=Action.CLUSTERS_WRITE,
        run=_create_plan,
        input=PlanInput,
        answer=Plan,
        status=201,
        location="/v1/plans/{id}",
        parameters=(ACCEPT_LANGUAGE,),
    ),
    Operation(
        id="getPlan",
        path="/v1/plans/{id}",
        summary="Show a plan",
        needs=Action.CLUSTERS_READ,
        run=lambda c: plans.get(c.services, c.actor, c.path["id"]),
        answer=Plan,
    ),
    Operation(
        id="createCluster",
        method="POST",
        path="/v1/clusters",
        summary="Carry out a plan that creates a cluster",
        needs=Action.CLUSTERS_WRITE,
        run=lambda c: clusters.apply(c.services, c.actor, c.body),
        input=ApplyInput,
        answer=Job,
        status=202,
        location="/v1/jobs/{id}",
    ),
    Operation(
        id="changeCluster",
        method="POST",
        path="/v1/clusters/{id}/jobs",
        summary="Carry out a plan that changes a cluster",
        needs=Action.CLUSTERS_WRITE,
        run=_change_cluster,
        input=ApplyInput,
        answer=Job,
        status=202,
        location="/v1/jobs/{id}",
        parameters=(IF_MATCH,),
    ),
    Operation(
        id="listClusters",
        path="/v1/clusters",
        summary="List the clusters",
        needs=Action.CLUSTERS_READ,
        run=lambda c: clusters.search(
            c.services,
            c.actor,
            runtime_id=c.parameters.get("runtime_id"),
            hidden=c.parameters["hidden"],
            part=slice_in(c.parameters),
        ),
        shape=Shape.SLICE,
        answer=Cluster,
        parameters=(
            Parameter(name="runtime_id", description="Only those on this runtime."),
            Parameter(
                name="hidden",
                description="Instead, those that pitrix made for itself.",
                schema={"type": "boolean", "default": False},
            ),
        ),
    ),
    Operation(
        id="getCluster",
        path="/v1/clusters/{id}",
        summary="Show a cluster with its nodes and resources, by id or name",
        needs=Action.CLUSTERS_READ,
        run=lambda c: clusters.get(c.services, c.actor, c.path["id"]),
        answer=ClusterSnapshot,
    ),
    Operation(
        id="getMeasures",
        path="/v1/clusters/{id}/measures",
        summary="Show what was measured on a cluster's nodes: each five minutes of the last day, "
        "and one in an hour of two weeks",
        needs=Action.CLUSTERS_READ,
        run=lambda c: measures.measured(
            c.services,
            c.actor,
            c.path["id"],
            minutes=c.parameters["minutes"],
            node_id=c.parameters.get("node_id"),
        ),
        answer=measures.Measures,
        parameters=(
            Parameter(name="node_id", description="Only what was measured on this node."),
            Parameter(
                name="minutes",
                description="Of how long until now.",
                schema={
                    "type": "integer",
                    "minimum": 1,
                    "maximum": _TWO_WEEKS_MIN,
                    "default": 60,
                },
            ),
        ),
    ),
    Operation(
        id="listTabs",
        path="/v1/clusters/{id}/tabs",
        summary="List the tables that a cluster's nodes can fill in",
        needs=Action.CLUSTERS_READ,
        run=lambda c: tabs.tabs(c.services, c.actor, c.path["id"]),
        shape=Shape.PAGE,
        answer=DisplayTab,
    ),
    Operation(
        id="askForTab",
        method="POST",
        path="/v1/clusters/{id}/tabs",
        summary="Have a node fill in a table; who asks again within 5 s gets the same answer",
        needs=Action.CLUSTERS_READ,
        run=lambda c: tabs.ask(c.services, c.actor, c.path["id"], c.body),
        input=TabInput,
        answer=tabs.TabAnswer,
        status=202,
        location="/v1/tabs/{id}",
    ),
    Operation(
        id="getTab",
        path="/v1/tabs/{id}",
        summary="Show a table that was asked for, once its node has answered",
        needs=Action.CLUSTERS_READ,
        run=lambda c: tabs.answer(c.services, c.actor, c.path["id"]),
        answer=tabs.TabAnswer,
    ),
)
