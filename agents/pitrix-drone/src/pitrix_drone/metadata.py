"""What a drone knows of its cluster: the prefixes it reads, laid over one another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from pitrix_drone.etcd_wire import KeyValue

UNNAMED_ROLE: Final = "_"
_REVISION_PATH: Final = "revision"
#: What stands here among a node's own keys is for its drone; templates do not see it.
#: Source: agents/protocol/README.md, section 2.
_OF_THE_DRONE: Final = "agent/"


class Metadata(NamedTuple):
    """What a drone knows about its cluster at one revision.

    :param revision: of the metadata, as in ``shared/revision``; 0 while there is none.
    :param values: path under ``/self`` → value.
    :param own: what is for the drone itself, path → value.
    """

    revision: int
    values: Mapping[str, str]
    own: Mapping[str, str] = {}


class Places(NamedTuple):
    """Where in etcd a drone reads and writes; every prefix ends with a slash."""

    shared: str
    role: str
    node: str
    commands: str
    reports: str

    @property
    def watched(self) -> tuple[str, str, str]:
        """The prefixes laid over one another as ``/self``, the later ones on top."""
        return (self.shared, self.role, self.node)


def places(*, cluster_id: str, node_id: str, role: str) -> Places:
    """Return where the data of one node is."""
    cluster = f"/c/{cluster_id}"
    return Places(
        shared=f"{cluster}/shared/",
        role=f"{cluster}/roles/{role or UNNAMED_ROLE}/",
        node=f"{cluster}/nodes/{node_id}/",
        commands=f"{cluster}/commands/{node_id}/",
        reports=f"{cluster}/reports/{node_id}/",
    )


def lay_over(items: Iterable[KeyValue], where: Places) -> Metadata:
    """Return the view of one node on what was read from its prefixes."""
    values: dict[str, str] = {}
    revision = 0
    layers: dict[str, dict[str, str]] = {prefix: {} for prefix in where.watched}
    for item in items:
        for prefix, layer in layers.items():
            if item.key.startswith(prefix):
                layer[item.key[len(prefix) :]] = item.value
                break
    written = layers[where.shared].pop(_REVISION_PATH, "")
    if written.isdigit():
        revision = int(written)
    own = _split_off(layers[where.node], _OF_THE_DRONE)
    for layer in layers.values():
        values.update((f"/self/{path}", value) for path, value in layer.items())
    return Metadata(revision=revision, values=values, own=own)


def _split_off(layer: dict[str, str], prefix: str) -> dict[str, str]:
    paths = [path for path in layer if path.startswith(prefix)]
    return {path[len(prefix) :]: layer.pop(path) for path in paths}
