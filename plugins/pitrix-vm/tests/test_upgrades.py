"""What clusters of one version lose with another one."""

from typing import Any

import pytest
from vm_packages import VM, cluster_json, node, parsed


def volume(*points: str) -> dict[str, Any]:
    """Return a volume with mount points."""
    return {"size": 10, "mount_point": list(points)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([node("db")], [node("db")], id="same"),
        pytest.param([node("db")], [node("web"), node("db")], id="new-role"),
        pytest.param(
            [node("db", volume=volume("/a"))],
            [node("db", volume={**volume("/a"), "size": 20})],
            id="larger-volume",
        ),
    ],
)
def test_what_can_go_on_loses_nothing(before: list[Any], after: list[Any]) -> None:
    """New roles and larger volumes are no obstacle."""
    found = VM.upgrade_findings(parsed(cluster_json(*before)), parsed(cluster_json(*after)))

    assert found == []


@pytest.mark.parametrize(
    ("before", "after", "code", "pointer"),
    [
        pytest.param(
            [node("db"), node("web")], [node("web")], "upgrade.role", "/nodes", id="role-gone"
        ),
        pytest.param(
            [node("db", volume=volume("/a"))],
            [node("web"), node("db", volume=volume("/b"))],
            "upgrade.mount_point",
            "/nodes/1/volume",
            id="mount-point-moved",
        ),
        pytest.param(
            [node("db", volume=volume("/a"))],
            [node("db")],
            "upgrade.mount_point",
            "/nodes/0/volume",
            id="volume-gone",
        ),
    ],
)
def test_what_has_no_place_any_more_is_a_warning(
    before: list[Any], after: list[Any], code: str, pointer: str
) -> None:
    """Roles and mount points of clusters that are there have to stay."""
    found = VM.upgrade_findings(parsed(cluster_json(*before)), parsed(cluster_json(*after)))

    assert [(f.level, f.code, f.pointer) for f in found] == [("warning", code, pointer)]


def test_replicas_are_told_with_their_masters_only() -> None:
    """A volume that moved is one finding, though the replicas' moved with it."""
    before = parsed(cluster_json(node("db", replica=1, volume=volume("/a"))))
    after = parsed(cluster_json(node("db", replica=1, volume=volume("/b"))))

    found = VM.upgrade_findings(before, after)

    assert len(found) == 1
