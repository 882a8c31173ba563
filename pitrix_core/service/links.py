"""Links between clusters: what a new one names is found and judged; who needs one is told."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from pitrix_core.catalog.links import limit_finding, links_of
from pitrix_core.catalog.recognise import ReadPackage
from pitrix_core.errors import ConfigInvalidError, ConflictError, PitrixError
from pitrix_core.findings import Finding, Level, errors_in
from pitrix_core.model import Cluster, ClusterState, JsonObject, Link, Plan, PlanDraft, Runtime
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction
from pitrix_core.store.catalog import AppVersion
from pitrix_core.validation import pointer_parts, summary

#: Clusters that a next step names; more would not be read.
_NAMED_CANDIDATES: Final = 5
_NETWORK: Final = "network.ensure"


@attrs.frozen(kw_only=True)
class Linked:
    """What the links of a configuration turned out to be."""

    #: With the id of each linked cluster, where the user gave its name.
    config: JsonObject
    #: Link name → cluster.
    clusters: Mapping[str, Cluster] = attrs.field(factory=dict)
    #: None of level error.
    findings: tuple[Finding, ...] = ()


def resolve_links(
    services: Services, package: ReadPackage, config: JsonObject, *, owner: str
) -> Linked:
    """Find the clusters that a configuration links to, by their ids or names.

    :param config: complete, and without secrets.
    :param owner: of the new cluster; it sees nobody else's.
    :raises ConfigInvalidError: one is not there, not active, or not of an app that fits; with a
        finding for each.
    :raises TemplateRenderError: the package's template cannot be rendered with the configuration.
    """
    links = links_of(package, config)
    if not links:
        return Linked(config=config)
    found: dict[str, Cluster] = {}
    findings: list[Finding] = []
    with services.store.read() as tx:
        search = _Search(tx=tx, clusters=_linkable(tx, owner))
        for name, link in links.items():
            named = search.named(link)
            findings += search.findings(name, link, named)
            found.update((name, cluster) for cluster in named)
    if errors_in(findings):
        pointer = errors_in(findings)[0].pointer
        raise ConfigInvalidError(summary(findings), findings=findings, pointer=pointer)
    for name, cluster in found.items():
        config = _with_id(config, links[name], cluster)
    return Linked(config=config, clusters=found, findings=tuple(findings))


def require_linked(services: Services, plan: Plan) -> None:
    """Let a plan be carried out only while what it links to is there.

    :raises ConflictError: a linked cluster is not active any more.
    """
    with services.store.read() as tx:
        version = tx.catalog.version(plan.app_version_id)
    links = links_of(services.loader.load(version), plan.config)
    with services.store.read() as tx:
        for name, link in links.items():
            cluster = tx.clusters.get(link.cluster_id)
            if cluster.state is not ClusterState.ACTIVE:
                raise ConflictError(
                    f"Cluster {cluster.name}, linked as {name}, is {cluster.state} now.",
                    pointer="/plan_id",
                    next_step="Make a new plan.",
                )


def distance_remarks(
    services: Services, linked: Linked, *, runtime: Runtime, draft: PlanDraft
) -> Iterator[Finding]:
    """Say which linked clusters the new one may not reach.

    Only the clouds know which networks are connected; that two are not the same is known here.
    """
    asked = _networks_asked_for(draft)
    for name, cluster in linked.clusters.items():
        with services.store.read() as tx:
            place = tx.runtimes.get(cluster.runtime_id)
            resources = tx.clusters.snapshot(cluster.id).resources
        networks = {one.resource_id for one in resources if one.kind == _NETWORK}
        if place.id != runtime.id:
            yield _distance(name, cluster, f"on runtime {place.name}, not on {runtime.name}")
        elif networks and asked and "" not in asked and networks.isdisjoint(asked):
            yield _distance(name, cluster, f"in network {', '.join(sorted(networks))}")


def dependent_remarks(services: Services, cluster: Cluster) -> Iterator[Finding]:
    """Say which clusters are linked to one that is to go."""
    with services.store.read() as tx:
        mentioning = [
            (one, tx.catalog.version(one.app_version_id))
            for one in tx.clusters.mentioning(cluster.id, owner=cluster.owner)
        ]
    for one, version in mentioning:
        for name in _links_to(services, cluster, one, version):
            yield Finding(
                level=Level.WARNING,
                code="link.dependent",
                message=f"Cluster {one.name} ({one.id}) is linked to it as {name}.",
                next_step=f"Delete that one first: pitrix cluster delete {one.id}",
            )


def _networks_asked_for(draft: PlanDraft) -> set[str]:
    inputs = (task.input.get("existing_id", "") for task in draft.tasks if task.kind == _NETWORK)
    return {network_id for network_id in inputs if isinstance(network_id, str)}


def _links_to(
    services: Services, cluster: Cluster, other: Cluster, version: AppVersion
) -> list[str]:
    try:
        links = links_of(services.loader.load(version), other.config)
    except PitrixError:  # the other's app type may be gone: that must not hold up a removal
        return []
    return [name for name, link in links.items() if link.cluster_id == cluster.id]


def _linkable(tx: Transaction, owner: str) -> list[Cluster]:
    return [cluster for cluster in tx.clusters.search(owner=owner) if not cluster.hidden]


@attrs.frozen(kw_only=True)
class _Search:
    """The clusters that links may mean."""

    tx: Transaction
    clusters: Sequence[Cluster]

    def named(self, link: Link) -> list[Cluster]:
        """Return those a link names: by id, or where a user wrote it, by name."""
        words = [(one, (one.id, one.name) if link.pointer else (one.id,)) for one in self.clusters]
        return [cluster for cluster, names in words if link.cluster_id in names]

    def findings(self, name: str, link: Link, named: Sequence[Cluster]) -> list[Finding]:
        """Judge what a link names."""
        match named:
            case []:
                message = f"there is no cluster {link.cluster_id!r}"
                return [self._finding(name, link, "link.cluster", message)]
            case [cluster]:
                return self._judged(name, link, cluster)
        ids = ", ".join(cluster.id for cluster in named)
        message = f"{len(named)} clusters are called {link.cluster_id!r}"
        finding = self._finding(name, link, "link.cluster", message)
        return [attrs.evolve(finding, next_step=f"Name one by its id: {ids}")]

    def _judged(self, name: str, link: Link, cluster: Cluster) -> list[Finding]:
        if cluster.state is not ClusterState.ACTIVE:
            message = f"cluster {cluster.name} is {cluster.state}, not active"
            return [self._finding(name, link, "link.state", message)]
        found = self._limit_finding(link, cluster)
        if found is None:
            return []
        if found.level is Level.ERROR:
            message = f"cluster {cluster.name} does not fit: {found.message}"
            return [self._finding(name, link, found.code, message)]
        return [_unchecked(name, link, cluster, found)]

    def _finding(self, name: str, link: Link, code: str, message: str) -> Finding:
        return Finding(
            level=Level.ERROR,
            code=code,
            message=f"Link {name}: {message}.",
            pointer=f"/config{link.pointer}",
            next_step=self._next_step(link),
        )

    def _next_step(self, link: Link) -> str:
        fitting = [
            f"{one.name} ({one.id})"
            for one in self.clusters
            if one.state is ClusterState.ACTIVE and self._limit_finding(link, one) is None
        ]
        if not fitting:
            return "Deploy a cluster that fits first; of yours, none is active and known to fit."
        more = ", …" if len(fitting) > _NAMED_CANDIDATES else ""
        return f"Name one that fits: {', '.join(fitting[:_NAMED_CANDIDATES])}{more}"

    def _limit_finding(self, link: Link, cluster: Cluster) -> Finding | None:
        version = self.tx.catalog.version(cluster.app_version_id)
        return limit_finding(self.tx, link, version)


def _unchecked(name: str, link: Link, cluster: Cluster, found: Finding) -> Finding:
    return attrs.evolve(
        found,
        message=f"Link {name}: whether cluster {cluster.name} fits is not known: {found.message}.",
        pointer=f"/config{link.pointer}",
        next_step="Make sure that it is what the application needs.",
    )


def _distance(name: str, cluster: Cluster, where: str) -> Finding:
    return Finding(
        level=Level.WARNING,
        code="link.distance",
        message=f"Link {name}: cluster {cluster.name} is {where}.",
        next_step="Make sure that the new machines can reach it.",
    )


def _with_id(config: JsonObject, link: Link, cluster: Cluster) -> JsonObject:
    if link.cluster_id == cluster.id:
        return config
    path = pointer_parts(link.pointer)
    return _with_value(config, path, cluster.id)


def _with_value(config: JsonObject, path: Sequence[str], value: str) -> JsonObject:
    key, *rest = path
    return {**config, key: _with_value(config[key], rest, value) if rest else value}
