"""What the drone of a machine is told whose application is a container."""

import json
from typing import Final

from pitrix_core.model import Runtime
from pitrix_vm.cluster import Role

#: Where it stands among a node's own metadata. Source: agents/protocol/README.md section 6.
_PATH: Final = "agent/container"
_DOCKER: Final = "docker"


def container_metadata(role: Role, runtime: Runtime) -> dict[str, str]:
    """Return what the drones of a role's machines are told; nothing where it is no container."""
    image = role.image.at(runtime)
    if image is None or image.container != _DOCKER:
        return {}
    mount_points = role.volume.mount_points if role.volume else ()
    asked = {
        "image": image.image,
        "mount_points": list(mount_points),
        "mirror": runtime.image_mirror,
    }
    return {_PATH: json.dumps(asked)}
