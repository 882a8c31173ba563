"""The table of the API: every operation, what it takes, and which use it asks."""

from typing import Final

from pitrix_core.model import Cluster, ClusterSnapshot, Job, JsonObject, Plan, Runtime
from pitrix_core.plugins.discovery import PluginInfo
from pitrix_core.plugins.registry import PluginReport
from pitrix_core.rest import answers, replies
from pitrix_core.rest.operation import IF_MATCH, Call, Operation, Parameter, Shape
from pitrix_core.rest.refusals import UnhealthyError
from pitrix_core.service import (
    agents,
    apps,
    clusters,
    events,
    jobs,
    plans,
    plugins,
    providers,
    repos,
    runtimes,
)
from pitrix_core.service.inputs import ApplyInput, PlanInput, RepoInput, RuntimeInput
from pitrix_core.store.catalog import App, AppVersion, Repo
from pitrix_core.store.events import Event

# -- uses that take more than the table can say ----------------------------------------------------


def _health(call: Call) -> answers.Health:
    try:
        with call.services.store.read() as tx:
            tx.identity.has_tokens()
    except Exception as ex:
        raise UnhealthyError from ex
    return answers.Health()


def _change_cluster(call: Call) -> Job:
    condition = call.parameters.get("If-Match")
    if condition is not None:
        snapshot = clusters.get(call.services, call.actor, call.path["id"])
        replies.require_revision(condition, snapshot.cluster.revision)
    return clusters.apply(call.services, call.actor, call.body, cluster_id=call.path["id"])


def _check_runtime(call: Call) -> answers.Findings:
    found = runtimes.check(call.services, call.actor, call.path["id"])
    return answers.Findings(findings=tuple(found))


def _delete_runtime(call: Call) -> answers.Jobs | None:
    begun = runtimes.delete(call.services, call.actor, call.path["id"])
    return answers.Jobs(jobs=tuple(begun)) if begun else None


def _tasks(call: Call) -> list[answers.JobTask]:
    records = jobs.tasks(call.services, call.actor, call.path["id"])
    return [answers.task_of(record) for record in records]


def _events(call: Call) -> list[Event]:
    return events.after(
        call.services,
        call.actor,
        call.parameters["after"],
        subjects=frozenset(call.parameters.get("subject", ())),
        limit=call.parameters["limit"],
    )


def _config_schema(call: Call) -> JsonObject:
    return apps.config_schema(
        call.services, call.actor, call.path["id"], language=call.parameters["language"]
    )


# -- the table -------------------------------------------------------------------------------------

_PLUGINS: Final = (
    Operation(
        id="listPlugins",
        method="GET",
        path="/v1/plugins",
        summary="List the installed plugins, sound and broken",
        run=lambda c: plugins.report(c.services, c.actor),
        shape=Shape.PAGE,
        answer=PluginReport,
    ),
    Operation(
        id="listProviders",
        method="GET",
        path="/v1/providers",
        summary="List the providers that runtimes can be registered with",
        run=lambda c: providers.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=PluginInfo,
    ),
    Operation(
        id="getProvider",
        method="GET",
        path="/v1/providers/{name}",
        summary="Describe a provider: the JSON Schemas of its settings and credential",
        run=lambda c: providers.describe(c.services, c.actor, c.path["name"]),
    ),
    Operation(
        id="getAgent",
        method="GET",
        path="/v1/agents/{name}/{digest}",
        summary="Download an agent; its code is public, and who asks pins its digest",
        run=lambda c: agents.agent_file(c.services, c.path["name"], c.path["digest"]),
        shape=Shape.OCTETS,
        media_type="application/octet-stream",
        is_open=True,
    ),
)

_CATALOGUE: Final = (
    Operation(
        id="addRepo",
        method="POST",
        path="/v1/repos",
        summary="Register a repo and index it",
        run=lambda c: repos.add(c.services, c.actor, c.body),
        input=RepoInput,
        answer=Repo,
        status=201,
        location="/v1/repos/{id}",
    ),
    Operation(
        id="listRepos",
        method="GET",
        path="/v1/repos",
        summary="List the repos",
        run=lambda c: repos.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=Repo,
    ),
    Operation(
        id="getRepo",
        method="GET",
        path="/v1/repos/{id}",
        summary="Show a repo, by id or name",
        run=lambda c: repos.get(c.services, c.actor, c.path["id"]),
        answer=Repo,
    ),
    Operation(
        id="indexRepo",
        method="POST",
        path="/v1/repos/{id}/index",
        summary="Index a repo now",
        run=lambda c: repos.index(c.services, c.actor, c.path["id"]),
        answer=Repo,
    ),
    Operation(
        id="listApps",
        method="GET",
        path="/v1/apps",
        summary="List the apps of the store",
        run=lambda c: apps.search(c.services, c.actor, text=c.parameters.get("search")),
        shape=Shape.PAGE,
        answer=App,
        parameters=(Parameter(name="search", description="Words to look for."),),
    ),
    Operation(
        id="getApp",
        method="GET",
        path="/v1/apps/{id}",
        summary="Show an app, by id or name",
        run=lambda c: apps.get(c.services, c.actor, c.path["id"]),
        answer=App,
    ),
    Operation(
        id="listAppVersions",
        method="GET",
        path="/v1/apps/{id}/versions",
        summary="List an app's versions, newest first",
        run=lambda c: apps.versions(c.services, c.actor, c.path["id"]),
        shape=Shape.PAGE,
        answer=AppVersion,
    ),
    Operation(
        id="getAppVersion",
        method="GET",
        path="/v1/app_versions/{id}",
        summary="Show an app version",
        run=lambda c: apps.version(c.services, c.actor, c.path["id"]),
        answer=AppVersion,
    ),
    Operation(
        id="getConfigSchema",
        method="GET",
        path="/v1/app_versions/{id}/config_schema",
        summary="Return the JSON Schema of an app version's configuration",
        run=_config_schema,
        parameters=(
            Parameter(
                name="language",
                description="Language of titles and descriptions: `en`, `zh-CN`.",
                schema={"type": "string", "minLength": 1, "default": "en"},
            ),
        ),
    ),
)

_RUNTIMES: Final = (
    Operation(
        id="addRuntime",
        method="POST",
        path="/v1/runtimes",
        summary="Register a runtime",
        run=lambda c: runtimes.add(c.services, c.actor, c.body),
        input=RuntimeInput,
        answer=Runtime,
        status=201,
        location="/v1/runtimes/{id}",
    ),
    Operation(
        id="listRuntimes",
        method="GET",
        path="/v1/runtimes",
        summary="List the runtimes",
        run=lambda c: runtimes.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=Runtime,
    ),
    Operation(
        id="getRuntime",
        method="GET",
        path="/v1/runtimes/{id}",
        summary="Show a runtime, by id or name",
        run=lambda c: runtimes.get(c.services, c.actor, c.path["id"]),
        answer=Runtime,
    ),
    Operation(
        id="checkRuntime",
        method="POST",
        path="/v1/runtimes/{id}/check",
        summary="Ask a runtime's cloud whether it can be used",
        run=_check_runtime,
        answer=answers.Findings,
    ),
    Operation(
        id="deleteRuntime",
        method="DELETE",
        path="/v1/runtimes/{id}",
        summary="Delete a runtime; jobs remove what pitrix keeps running on it",
        run=_delete_runtime,
        answer=answers.Jobs,
        status=202,
        may_be_empty=True,
    ),
)

_CLUSTERS: Final = (
    Operation(
        id="createPlan",
        method="POST",
        path="/v1/plans",
        summary="Plan a change: its tasks, totals, price and findings; changes nothing",
        run=lambda c: plans.create(c.services, c.actor, c.body),
        input=PlanInput,
        answer=Plan,
        status=201,
        location="/v1/plans/{id}",
    ),
    Operation(
        id="getPlan",
        method="GET",
        path="/v1/plans/{id}",
        summary="Show a plan",
        run=lambda c: plans.get(c.services, c.actor, c.path["id"]),
        answer=Plan,
    ),
    Operation(
        id="createCluster",
        method="POST",
        path="/v1/clusters",
        summary="Carry out a plan that creates a cluster",
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
        run=_change_cluster,
        input=ApplyInput,
        answer=Job,
        status=202,
        location="/v1/jobs/{id}",
        parameters=(IF_MATCH,),
    ),
    Operation(
        id="listClusters",
        method="GET",
        path="/v1/clusters",
        summary="List the clusters",
        run=lambda c: clusters.search(
            c.services, c.actor, runtime_id=c.parameters.get("runtime_id")
        ),
        shape=Shape.PAGE,
        answer=Cluster,
        parameters=(Parameter(name="runtime_id", description="Only those on this runtime."),),
    ),
    Operation(
        id="getCluster",
        method="GET",
        path="/v1/clusters/{id}",
        summary="Show a cluster with its nodes and resources, by id or name",
        run=lambda c: clusters.get(c.services, c.actor, c.path["id"]),
        answer=ClusterSnapshot,
    ),
)

_JOBS: Final = (
    Operation(
        id="listJobs",
        method="GET",
        path="/v1/jobs",
        summary="List the jobs, newest first",
        run=lambda c: jobs.search(c.services, c.actor, cluster_id=c.parameters.get("cluster_id")),
        shape=Shape.PAGE,
        answer=Job,
        parameters=(Parameter(name="cluster_id", description="Only those of this cluster."),),
    ),
    Operation(
        id="getJob",
        method="GET",
        path="/v1/jobs/{id}",
        summary="Show a job and how far it is",
        run=lambda c: jobs.get(c.services, c.actor, c.path["id"]),
        answer=Job,
    ),
    Operation(
        id="listTasks",
        method="GET",
        path="/v1/jobs/{id}/tasks",
        summary="List a job's tasks in the order of its plan",
        run=_tasks,
        shape=Shape.PAGE,
        answer=answers.JobTask,
    ),
    Operation(
        id="retryJob",
        method="POST",
        path="/v1/jobs/{id}/retry",
        summary="Let a failed job go on from where it failed",
        run=lambda c: jobs.retry(c.services, c.actor, c.path["id"]),
        answer=Job,
        status=202,
        location="/v1/jobs/{id}",
    ),
    Operation(
        id="listEvents",
        method="GET",
        path="/v1/events",
        summary="List what happened, oldest first; or stream it, as server-sent events",
        run=_events,
        shape=Shape.EVENTS,
        answer=Event,
        parameters=(
            Parameter(
                name="subject",
                description="Only events about these: ids of clusters, jobs, tasks.",
                schema={"type": "array", "items": {"type": "string", "minLength": 1}},
            ),
            Parameter(
                name="after",
                description="Id of the event after which to begin.",
                schema={"type": "integer", "minimum": 0, "default": 0},
            ),
        ),
    ),
)

_HEALTH: Final = Operation(
    id="getHealth",
    method="GET",
    path="/healthz",
    summary="Answer once the database does",
    run=_health,
    answer=answers.Health,
    is_open=True,
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    _HEALTH,
    *_PLUGINS,
    *_CATALOGUE,
    *_RUNTIMES,
    *_CLUSTERS,
    *_JOBS,
)
