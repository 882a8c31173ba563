"""What drones are told about applications that are containers."""

import json
from typing import Any

import attrs
import pytest
from vm_packages import VM, cluster_json, metadata_request, node, parsed, planned, snapshot

from pitrix_vm.spec import VmSpec

DOCKER = {"type": "docker", "image": "example/web:1"}


def told(spec: VmSpec, **settings: Any) -> list[Any]:
    """Return what the drone of each node is told."""
    current = snapshot(planned(spec))
    request = metadata_request(current)
    runtime = attrs.evolve(request.runtime, settings=settings)
    metadata = VM.metadata(spec, attrs.evolve(request, runtime=runtime))
    texts = [metadata.nodes[node.id].get("agent/container") for node in current.nodes]
    return [None if text is None else json.loads(str(text)) for text in texts]


def test_a_container_is_told_with_its_volumes_and_mirror() -> None:
    """The mirror is the runtime's setting."""
    volume = {"size": 10, "mount_point": "/data"}
    spec = parsed(cluster_json(node("web", container=DOCKER, volume=volume)))

    found = told(spec, image_mirror="https://cache.example")

    expected = {
        "image": "example/web:1",
        "mount_points": ["/data"],
        "mirror": "https://cache.example",
    }
    assert found == [expected] * len(found)
    assert found


def test_the_image_is_the_one_for_the_cloud() -> None:
    """As for machines: the runtime's provider is ``local``."""
    image = {"default": "example/web:1", "local": "cache.example/web:1"}
    spec = parsed(cluster_json(node("web", container={"type": "docker", "image": image})))

    found = told(spec)

    assert {each["image"] for each in found} == {"cache.example/web:1"}


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"container": {"type": "kvm", "image": "web"}}, id="machine"),
        pytest.param({"container": DOCKER, "agent_installed": False}, id="no-agent"),
    ],
)
def test_nothing_is_told_where_no_drone_runs_a_container(members: dict[str, Any]) -> None:
    """Images of machines are the cloud's business."""
    assert set(told(parsed(cluster_json(node("web", **members))))) == {None}
