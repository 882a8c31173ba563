"""The JSON Schema of a filled ``cluster.json``, and the names its members may have.

Names are not closed by the schema: released packages hold rare ones, and a new one should be a
remark, not a refusal. A name that is almost a known one is a misspelling, and is refused
(:mod:`pitrix_vm.reading`). Names: the documents of AppCenter and OpenPitrix, and what released
packages were seen to use.
"""

from collections.abc import Mapping
from typing import Any, Final

_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_FLAG: Final = {"type": "boolean"}
_OBJECT: Final = {"type": "object"}
#: One step of a path in the metadata tree.
_STEP: Final = {"pattern": r"^[^/\x00-\x1f\x7f]+$"}
_ENV: Final = {"type": "object", "propertyNames": _STEP}
#: What the agents' protocol and file names can carry.
_ROLE: Final = {"type": "string", "maxLength": 64, "pattern": r"^([A-Za-z0-9_][A-Za-z0-9._-]*)?$"}
_MOUNT_POINT: Final = {"type": "string", "pattern": r"^(/|[d-z]:$)"}

_VOLUME: Final = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": _COUNT,
        "mount_point": {
            "anyOf": [_MOUNT_POINT, {"type": "array", "items": _MOUNT_POINT, "minItems": 1}]
        },
        "filesystem": {"enum": ["ext4", "xfs", "ntfs"]},
        "mount_options": _TEXT,
        "class": {"type": ["integer", "string"]},
        "skip_check_size": _FLAG,
    },
}
_SERVICE: Final = {
    "type": "object",
    "properties": {
        "cmd": {"type": "string", "minLength": 1},
        "order": {"type": "integer"},
        # Source: AppCenter's specification, "timeout": at most a day
        "timeout": {"type": "integer", "minimum": 1, "maximum": 86400},
        "nodes_to_execute_on": _COUNT,
        "post_start_service": _FLAG,
        "post_stop_service": _FLAG,
        "allow_force": _FLAG,
        "type": _TEXT,
        "pre_check": _TEXT,
        "service_params": _OBJECT,
        "with_replica": _FLAG,
    },
}
_NODE: Final = {
    "type": "object",
    "required": ["container", "count"],
    "properties": {
        "role": _ROLE,
        "container": {
            "type": "object",
            "properties": {
                "type": {"enum": ["kvm", "docker", "lxc", "bm"]},
                "image": _TEXT,
                "zone": _TEXT,
            },
        },
        # Source: OpenPitrix's schema of cluster.json: at most 200 nodes of a role
        "count": {"type": "integer", "minimum": 0, "maximum": 200},
        "cpu": {"type": "integer", "minimum": 1},
        "memory": {"type": "integer", "minimum": 1},
        "instance_class": {"type": ["integer", "string"]},
        "replica": _COUNT,
        "volume": _VOLUME,
        "services": {"type": "object", "additionalProperties": _SERVICE},
        "env": _ENV,
        "agent_installed": _FLAG,
        "health_check": _OBJECT,
        "server_id_upper_bound": {"type": "integer", "minimum": 1},
    },
}
CLUSTER_SCHEMA: Final[Mapping[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["nodes"],
    "properties": {
        "name": _TEXT,
        "description": _TEXT,
        "vxnet": _TEXT,
        "subnet": _TEXT,
        "nodes": {"type": "array", "minItems": 1, "maxItems": 100, "items": _NODE},
        "env": _ENV,
        "links": {"type": "object", "additionalProperties": _TEXT},
        "endpoints": {
            "type": "object",
            "propertyNames": _STEP,
            "additionalProperties": _OBJECT,
        },
        "health_check": _OBJECT,
        "metadata_root_access": _FLAG,
    },
}

CLUSTER_NAMES: Final = frozenset(CLUSTER_SCHEMA["properties"]) | {
    *("advanced_actions", "backup_policy", "incremental_backup_supported", "upgrade_policy"),
    *("upgrading_policy", "in-place-upgrade-nodes", "need_tag", "need_intranet_api_server"),
    *("exclude_node_columns", "monitor", "display_tabs", "advanced_services", "add_links"),
    *("multi_zone_policy", "upgrade_roles", "unsupported_actions", "custom_tags", "nas_id"),
}
NODE_NAMES: Final = frozenset(_NODE["properties"]) | {
    *("cpu_model", "gpu", "gpu_class", "loadbalancer", "passphraseless", "eip_class"),
    *("vertical_scaling_policy", "user_access", "reserved_ips", "extra_quota", "monitor"),
    *("custom_metadata", "advanced_actions", "unsupported_actions", "os_reset", "net"),
    *("nas_mount_point", "instance_type", "nic_multiqueue"),
}
VOLUME_NAMES: Final = frozenset(_VOLUME["properties"])
CONTAINER_NAMES: Final = frozenset({"type", "image", "zone", "sriov_nic", "prefer_type"})
SERVICE_ATTRIBUTES: Final = frozenset(_SERVICE["properties"]) | {"event", "selector", "cleanup"}
#: Services the platform knows; any other one says ``"type": "custom"``.
SERVICE_NAMES: Final = frozenset(
    {
        *("init", "start", "stop", "restart", "scale_out", "scale_in", "destroy", "upgrade"),
        *("rollback", "backup", "restore", "delete_snapshot", "get_nodes_order"),
        "change_vxnet",
    }
)
