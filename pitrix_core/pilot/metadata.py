"""Makes a cluster's metadata from what is known now, of it and of the clusters it is linked to."""

from collections.abc import Iterator, Mapping

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.links import links_of
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.recognise import ReadPackage
from pitrix_core.contracts.apptype import LinkedCluster, MetadataRequest
from pitrix_core.errors import NotFoundError, TaskFailedError
from pitrix_core.model import (
    ClusterSnapshot,
    ClusterState,
    JsonValue,
    Link,
    Metadata,
    Runtime,
)
from pitrix_core.model.json import marker_of
from pitrix_core.store import Store


@attrs.frozen(kw_only=True)
class Deployed:
    """A cluster, where it is, and the package it was made from."""

    snapshot: ClusterSnapshot
    runtime: Runtime
    package: ReadPackage


@attrs.frozen(kw_only=True)
class MetadataMaker:
    """Has app types make metadata; what comes out holds secrets as markers only."""

    store: Store
    loader: PackageLoader

    def deployed(self, cluster_id: str) -> Deployed:
        """Return a cluster as it is now.

        :raises NotFoundError: there is no such cluster.
        """
        with self.store.read() as tx:
            snapshot = tx.clusters.snapshot(cluster_id)
            version = tx.catalog.version(snapshot.cluster.app_version_id)
            runtime = tx.runtimes.get(snapshot.cluster.runtime_id)
        return Deployed(snapshot=snapshot, runtime=runtime, package=self.loader.load(version))

    def make(self, deployed: Deployed) -> Metadata:
        """Make a cluster's metadata.

        :raises TaskFailedError: a cluster it is linked to is gone, or it names a secret of others.
        :raises PackageError: an app type fails.
        """
        cluster = deployed.snapshot.cluster
        links = links_of(deployed.package, cluster.config)
        metadata = _metadata_of(
            deployed,
            links={name: self._linked(name, link, cluster.owner) for name, link in links.items()},
        )
        self._require_own_secrets(metadata, cluster.owner)
        return metadata

    def _require_own_secrets(self, metadata: Metadata, owner: str) -> None:
        """Refuse what would show a secret of somebody else: packages come from strangers."""
        with self.store.read() as tx:
            for secret_id in {*_secrets_in(metadata)}:
                if tx.secrets.owner_of(secret_id) != owner:
                    raise TaskFailedError(
                        f"metadata.put: the package names secret {secret_id}, which is not one of"
                        " the cluster's owner",
                        next_step="Do not use this package; tell whom it comes from.",
                    )

    def _linked(self, name: str, link: Link, owner: str) -> LinkedCluster:
        """Look at a linked cluster; its own links are left out, or two could never be made."""
        try:
            with self.store.read() as tx:
                cluster = tx.clusters.get(link.cluster_id)
        except NotFoundError as ex:
            raise _gone(name, link) from ex
        if cluster.owner != owner or cluster.state is ClusterState.DELETED:
            raise _gone(name, link)
        linked = self.deployed(cluster.id)
        return LinkedCluster(snapshot=linked.snapshot, metadata=_metadata_of(linked, links={}))


def _metadata_of(deployed: Deployed, *, links: dict[str, LinkedCluster]) -> Metadata:
    package = deployed.package
    request = MetadataRequest(
        snapshot=deployed.snapshot,
        runtime=deployed.runtime,
        config=deployed.snapshot.cluster.config,
        links=links,
    )
    with asking(package.app_type, to="make the metadata"):
        return package.app_type.metadata(package.spec, request)


def _secrets_in(metadata: Metadata) -> Iterator[str]:
    trees: list[Mapping[str, JsonValue]] = [
        metadata.shared,
        *metadata.roles.values(),
        *metadata.nodes.values(),
    ]
    for tree in trees:
        for leaf in tree.values():
            match marker_of(leaf):
                case ("$secret", secret_id):
                    yield str(secret_id)


def _gone(name: str, link: Link) -> TaskFailedError:
    return TaskFailedError(
        f"metadata.put: cluster {link.cluster_id}, linked as {name}, is not there any more",
        next_step="Delete this cluster, and deploy it again with another one linked.",
    )
