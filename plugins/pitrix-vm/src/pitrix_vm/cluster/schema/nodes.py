"""Nodes: the roles of a cluster, their machines and disks."""

from typing import Final

from pitrix_vm.cluster.schema.monitoring import HEALTH_CHECK, MONITOR
from pitrix_vm.cluster.schema.services import SERVICES, command
from pitrix_vm.cluster.schema.words import (
    ADVANCED_ACTIONS,
    ENV,
    RESERVED_IPS,
    UNSUPPORTED_ACTIONS,
    Schema,
    advised,
    anything,
    class_of,
    flag,
    listing,
    needing,
    record,
    text,
    undocumented,
    whole,
)

_MOUNT_POINT: Final = {
    "pattern": r"^(/|[d-zD-Z]:$)",
    "x-words": "a path that begins with a slash, or a drive from d: to z:",
}
_VOLUME: Final[Schema] = record(
    "The data disk of each machine.",
    size=whole("GiB in all, shared evenly by the mount points; none where 0.", least=0),
    mount_point={
        "description": "Where it is seen; /data if not given, on ntfs d:.",
        "type": ["string", "array"],
        **_MOUNT_POINT,
        "items": {"type": "string", **_MOUNT_POINT},
        "uniqueItems": True,
        # Source: AppCenter's specification, mount_point: at most three
        **advised(maxItems=3),
    },
    mount_options=text("Options of mount(8)."),
    filesystem=text("ext4, xfs or ntfs.", enum=["ext4", "xfs", "ntfs"]),
    **{"class": class_of("The cloud's class of disks; follows instance_class if not given.")},
    skip_check_size=undocumented(flag("Sizes other than multiples of 10 are meant.")),
) | needing("size")
_IMAGE: Final[Schema] = {
    "description": (
        "What the machines start from: one image for all clouds; provider → image, or provider → "
        "region or zone → image, each with default for the others; the runtime's default image if "
        "not given."
    ),
    "type": ["string", "object"],
    "properties": {"default": text("For all other clouds.", minLength=1)},
    "additionalProperties": {
        "type": ["string", "object"],
        "minLength": 1,
        "additionalProperties": {"type": "string", "minLength": 1},
    },
}
_CONTAINER: Final[Schema] = record(
    "What the machines are.",
    type=text(
        "kvm if not given; docker: the image is a Docker image, to be run inside the machine.",
        enum=["kvm", "docker", "lxc", "bm"],
    ),
    image=_IMAGE,
    zone=text("The cloud's zone the image is kept in."),
    sriov_nic=undocumented(flag("The machines have a part of a network card.")),
    prefer_type=undocumented(text("The type to take where there are several.")),
)
_EXTRA_QUOTA: Final[Schema] = record(
    "What else it takes of the user's quotas; nothing is made of it.",
    **dict.fromkeys(
        (
            *("cpu", "memory", "instance_class", "gpu", "gpu_class", "count", "loadbalancer"),
            *("bucket", "security_group"),
        ),
        anything("How much, or which."),
    ),
    volume=record(
        "Disks.", **dict.fromkeys(("size", "count", "class"), anything("How much, or which."))
    ),
)

#: Longest name of a role; leaves room for ``-replica`` in what the agents' protocol can carry: 64.
_ROLE_CHARACTERS: Final = 56

NODE: Final[Schema] = record(
    "A role: a group of equal machines.",
    role=text(
        "Its name; the only role of a cluster needs none.",
        maxLength=_ROLE_CHARACTERS,
        pattern=r"^([A-Za-z0-9_][A-Za-z0-9._-]*)?$",
        **{
            "x-words": "a name of letters, digits, dots, dashes and underscores that begins with "
            "no dot and no dash"
        },
    ),
    container=_CONTAINER,
    # Source: OpenPitrix's schema of cluster.json: at most 200 nodes of a role
    count=whole("Machines of it.", least=0, maximum=200),
    cpu=whole(
        # Source: AppCenter's specification, cpu
        "Processors of each.",
        least=1,
        **advised(enum=[1, 2, 4, 8, 12, 16, 24, 32, 64]),
    ),
    memory=whole("MiB of each.", least=1),
    cpu_model=text("The cloud's name of a processor."),
    gpu=whole("Graphics processors of each.", least=0, **advised(enum=[0, 1, 2, 4, 8])),
    gpu_class=class_of("The cloud's class of graphics processors."),
    instance_class=class_of("The cloud's class of machines."),
    instance_type=class_of("The cloud's class of bare-metal machines."),
    volume=_VOLUME,
    # Source: OpenPitrix's schema of cluster.json: at most 20
    replica=whole("Replicas of each machine.", least=0, maximum=20),
    env=ENV,
    services=SERVICES,
    health_check=HEALTH_CHECK,
    monitor=MONITOR,
    reserved_ips=RESERVED_IPS,
    advanced_actions=ADVANCED_ACTIONS,
    vertical_scaling_policy=text(
        "How machines are resized; parallel if not given.",
        **advised(enum=["sequential", "parallel"]),
    ),
    loadbalancer=listing("Load balancers in front of it.", {"type": ["object", "string"]}),
    passphraseless=text(
        "Each node has a key pair of this kind, and knows the others' public keys.",
        **advised(enum=["ssh-rsa", "ssh-dsa"]),
    ),
    custom_metadata=record(
        "A command whose output the others see as the node's token.",
        cmd=command("Run before start; prints the token."),
    )
    | needing("cmd"),
    user_access=flag("Users may log in."),
    agent_installed=flag("Whether its image has an agent; true if not given."),
    eip_class={**class_of("The class of public addresses."), **advised(enum=["base"])},
    server_id_upper_bound=whole("The highest sid.", least=1),
    extra_quota=_EXTRA_QUOTA,
    unsupported_actions=UNSUPPORTED_ACTIONS,
    os_reset=undocumented(anything("The system disk is made anew.")),
    net=undocumented(anything("Networks besides the cluster's.")),
    nas_mount_point=undocumented(text("Where a shared file system is seen.")),
    nic_multiqueue=undocumented(anything("Queues of a network card.")),
) | needing("container", "count")
