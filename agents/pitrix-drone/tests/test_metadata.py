"""The view of one node on its cluster's metadata."""

from __future__ import annotations

import pytest

from pitrix_drone.etcd import KeyValue
from pitrix_drone.keystore import Store, base, clean, folder, select
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


@pytest.mark.parametrize(
    ("prefix", "keys", "wanted"),
    [
        ("/self", ["/"], {"/a": "1", "/ab/c": "2"}),
        ("/self", ["/a"], {"/a": "1"}),
        ("/self/", ["ab"], {"/ab/c": "2"}),
        ("/", ["/"], {"/self/a": "1", "/self/ab/c": "2"}),
        ("/sel", ["/"], {}),
    ],
)
def test_a_resource_sees_its_keys_without_the_prefix(
    prefix: str, keys: list[str], wanted: dict[str, str]
) -> None:
    """A key stands for itself and all below it."""
    assert select({"/self/a": "1", "/self/ab/c": "2"}, prefix=prefix, keys=keys) == wanted


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("/a/*", ["/a/x1", "/a/y"]),
        ("/a/?", ["/a/y"]),
        ("/a/[w-y]*", ["/a/x1", "/a/y"]),
        ("/a/[^y]*", ["/a/x1"]),
        ("/*/*/z", ["/a/d/z"]),
        ("/a/y", ["/a/y"]),
        (r"/a/\y", ["/a/y"]),
        ("/a", []),
    ],
)
def test_a_glob_stays_within_one_part(pattern: str, wanted: list[str]) -> None:
    """As Go's ``path.Match``."""
    store = Store({"/a/x1": "1", "/a/y": "2", "/a/d/z": "3"})

    assert [key for key, _ in store.matching(pattern)] == wanted


@pytest.mark.parametrize("pattern", ["/[", "/[]", "/a\\", "/[z-a]"])
def test_a_malformed_glob_is_an_error(pattern: str) -> None:
    """As in Go."""
    with pytest.raises(ValueError, match="syntax error in pattern"):
        Store({"/a": "1"}).matching(pattern)


@pytest.mark.parametrize(
    ("path", "cleaned", "last", "rest"),
    [
        ("/a/b/", "/a/b", "b", "/a/b"),
        ("a", "a", "a", "."),
        ("", ".", ".", "."),
        ("/", "/", "/", "/"),
        ("//a/./c/../b", "/a/b", "b", "/a"),
        ("/../a", "/a", "a", "/"),
    ],
)
def test_paths_are_taken_apart_as_in_go(path: str, cleaned: str, last: str, rest: str) -> None:
    """Clean, Base and Dir."""
    assert (clean(path), base(path), folder(path)) == (cleaned, last, rest)
