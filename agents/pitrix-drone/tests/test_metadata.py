"""The view of one node on its cluster's metadata."""

from __future__ import annotations

from pitrix_drone.etcd import KeyValue
from pitrix_drone.metadata import Metadata, lay_over, places

_WHERE = places(cluster_id="cl-1", node_id="n1", role="")


def test_the_unnamed_role_is_an_underscore() -> None:
    """As the Frontgate writes it."""
    assert _WHERE.role == "/c/cl-1/roles/_/"


def test_three_prefixes_become_one_tree() -> None:
    """The node's own values lie on top; the revision is no value."""
    keys = {
        "/c/cl-1/nodes/n1/host/ip": "1",
        "/c/cl-1/roles/_/host/ip": "role",
        "/c/cl-1/roles/_/env/a": "2",
        "/c/cl-1/shared/hosts/x/ip": "3",
        "/c/cl-1/shared/host/ip": "shared",
        "/c/cl-1/shared/revision": "7",
    }

    metadata = lay_over((KeyValue(key, keys[key], 1, 1) for key in keys), _WHERE)

    assert metadata == Metadata(
        7, {"/self/host/ip": "1", "/self/env/a": "2", "/self/hosts/x/ip": "3"}
    )


def test_no_metadata_is_revision_zero() -> None:
    """Nothing was put yet."""
    assert lay_over([], _WHERE) == Metadata(0, {})


def test_what_is_for_the_drone_is_not_for_templates() -> None:
    """A node's own folder ``agent`` is split off; one that all nodes share is not."""
    keys = {
        f"{_WHERE.node}agent/supervision": "{}",
        f"{_WHERE.shared}agent/name": "smith",
        f"{_WHERE.node}host/ip": "10.0.0.1",
    }

    metadata = lay_over((KeyValue(key, keys[key], 1, 1) for key in keys), _WHERE)

    assert metadata.own == {"supervision": "{}"}
    assert metadata.values == {"/self/agent/name": "smith", "/self/host/ip": "10.0.0.1"}
