"""Says which other clusters a configuration links to, and which of its parameters say so."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, Link
from pitrix_core.package import pointer_to
from pitrix_vm.cluster import ClusterDocument
from pitrix_vm.form import CONFIG_FILE, Form, Group, Leaf

_SERVICE = "service"


def cluster_links(cluster: ClusterDocument, form: Form, config: JsonObject) -> dict[str, Link]:
    """Return the links of a filled ``cluster.json``, each with the parameter that it is from.

    That is the one of type ``service`` with the same value; of several, the one that is called like
    the link. A link that is from no parameter is the package's own.
    """
    holders = list(_holders(form.root, config, ()))
    return {
        name: _link(name, cluster_id, [one for one in holders if one.value == cluster_id])
        for name, cluster_id in cluster.links.items()
    }


def link_findings(cluster: ClusterDocument, form: Form, *, file: str) -> Iterator[Finding]:
    """Say which links have no parameter of their own name, in which users choose the cluster."""
    known = {leaf.key for leaf in form.root.leaves() if leaf.type == _SERVICE}
    for name in sorted(cluster.links.keys() - known):
        yield Finding(
            level=Level.WARNING,
            code="cluster.link",
            message=f"link {name!r}: {CONFIG_FILE} has no parameter {name!r} of type {_SERVICE}",
            pointer=pointer_to(("links", name)),
            file=file,
        )


@attrs.frozen(kw_only=True)
class _Holder:
    """A parameter that holds a cluster's id."""

    leaf: Leaf
    pointer: str
    value: str


def _holders(group: Group, config: Any, keys: tuple[str, ...]) -> Iterator[_Holder]:
    for member in group.members:
        if not isinstance(config, Mapping) or member.key not in config:
            continue
        value, path = config[member.key], (*keys, member.key)
        if isinstance(member, Group):
            yield from _holders(member, value, path)
        elif member.type == _SERVICE:
            yield _Holder(leaf=member, pointer=pointer_to(path), value=value)


def _link(name: str, cluster_id: str, holders: list[_Holder]) -> Link:
    if not holders:
        return Link(cluster_id=cluster_id)
    found = next((holder for holder in holders if holder.leaf.key == name), holders[0])
    return Link(cluster_id=cluster_id, pointer=found.pointer, limits=found.leaf.limits)
