"""A cluster document with every member there is, each with a value that nothing is wrong with."""

import json
from typing import Any

SERVICE: dict[str, Any] = {"cmd": "/bin/run", "order": 1, "timeout": 60, "nodes_to_execute_on": 1}

FULL: dict[str, Any] = {
    "name": "shop",
    "description": "a shop",
    "vxnet": "vxnet-1",
    "subnet": "",
    "links": {"zk": "cl-9", "none": ""},
    "env": {"port": 80, "the.dotted-key": None},
    "advanced_actions": ["change_vxnet", "scale_horizontal", "associate_eip", "add_nodes"],
    "endpoints": {
        "sql over tcp": {"port": 5432, "protocol": "tcp"},
        "web.ui": {"port": "env.port", "protocol": "http, for people"},
        "reserved_ips": {"vip": {"value": ""}},
    },
    "health_check": {"enable": True, "interval_sec": 60, "check_cmd": "check"},
    "monitor": {"enable": True, "cmd": "measure", "items": {"load": {}}, "display": ["load"]},
    "display_tabs": {
        "Users": {
            "cmd": "users",
            "roles_to_execute_on": ["db"],
            "description": "who is there",
            "timeout": 10,
        }
    },
    "backup_policy": "device",
    "incremental_backup_supported": True,
    "upgrade_policy": ["appv-1"],
    "upgrading_policy": "in-place-sequential",
    "in-place-upgrade-nodes": [
        {
            "container": {"snapshot": "ss-1", "zone": "z"},
            "copy": [
                {
                    "mount_role": "db",
                    "mount_point": "/upgrade",
                    "mount_options": "ro",
                    "filesystem": "ext4",
                    "source": "/upgrade/bin",
                    "destination": "/opt/bin",
                }
            ],
        }
    ],
    "need_tag": True,
    "need_intranet_api_server": True,
    "exclude_node_columns": ["private_ip"],
    "metadata_root_access": True,
    "advanced_services": {"update_nodes_names": {"cmd": "names", "timeout": 5}},
    "multi_zone_policy": "round_robin",
    "upgrade_roles": {"add": ["db"]},
    "add_links": ["zk"],
    "unsupported_actions": ["rollback"],
    "custom_tags": ["one"],
    "nas_id": "nas-1",
    "nodes": [
        {
            "role": "db",
            "container": {
                "type": "kvm",
                "image": {"default": "img-1", "aws": {"eu-west-1": "ami-1"}, "local": "db"},
                "zone": "z",
                "sriov_nic": True,
                "prefer_type": "lxc",
            },
            "count": 3,
            "cpu": 2,
            "memory": 2048,
            "cpu_model": "any",
            "gpu": 1,
            "gpu_class": 0,
            "instance_class": 101,
            "instance_type": "bm-1",
            "volume": {
                "size": 60,
                "mount_point": ["/data", "/data2", "/log"],
                "mount_options": "defaults,noatime",
                "filesystem": "xfs",
                "class": 3,
                "skip_check_size": False,
            },
            "replica": 2,
            "env": {"own": "x"},
            "services": {
                "init": {**SERVICE, "post_start_service": True},
                "start": SERVICE,
                "stop": SERVICE,
                "restart": SERVICE,
                "scale_out": {**SERVICE, "pre_check": "may I"},
                "scale_in": {**SERVICE, "pre_check": "may I"},
                "destroy": {**SERVICE, "post_stop_service": True, "allow_force": False},
                "upgrade": {**SERVICE, "post_start_service": True, "service_params": {"a": 1}},
                "rollback": SERVICE,
                "backup": {
                    **SERVICE,
                    "service_params": {"full": True},
                    "with_replica": True,
                    "selector": "which",
                    "cleanup": "clean",
                },
                "restore": {**SERVICE, "service_params": {}, "with_replica": True},
                "delete_snapshot": {**SERVICE, "service_params": {}},
                "get_nodes_order": {
                    "cmd": "sort",
                    "event": ["upgrade", "rollback", "scale_vertical", "stop"],
                },
                "change_vxnet": {"pre_check": "may I"},
                "redeploy all of it": {
                    **SERVICE,
                    "type": "custom",
                    "service_params": {"what": None},
                    "pre_check": "may I",
                },
            },
            "health_check": {
                "timeout_sec": 10,
                "action_timeout_sec": 30,
                "healthy_threshold": 2,
                "unhealthy_threshold": 4,
                "action_cmd": "mend",
            },
            "monitor": {
                "items": {
                    "load": {
                        "unit": "%",
                        "value_type": "int",
                        "statistics_type": "rate",
                        "scale_factor_when_display": 0.01,
                    },
                    "mode": {"value_type": "str", "enums": ["leader", "follower"]},
                },
                "groups": {"Load": ["load"]},
                "alarm": ["load"],
            },
            "reserved_ips": {"own": {"value": ""}},
            "advanced_actions": ["scale_horizontal"],
            "vertical_scaling_policy": "sequential",
            "loadbalancer": [{"listener": "lbl-1", "port": 80, "policy": "lbp-1"}],
            "passphraseless": "ssh-rsa",
            "custom_metadata": {"cmd": "token"},
            "user_access": True,
            "agent_installed": True,
            "eip_class": "base",
            "server_id_upper_bound": 5,
            "extra_quota": {
                "cpu": 1,
                "memory": 1024,
                "instance_class": 1,
                "gpu": 0,
                "gpu_class": 0,
                "count": 1,
                "loadbalancer": 1,
                "bucket": 1,
                "security_group": 1,
                "volume": {"size": 10, "count": 1, "class": 3},
            },
            "unsupported_actions": ["stop"],
            "os_reset": True,
            "net": {"vxnet": "x", "ib": 1, "base": True},
            "nas_mount_point": "/nas",
            "nic_multiqueue": 1,
        }
    ],
}


def full(**members: Any) -> dict[str, Any]:
    """Return the document, with other values for some of its members."""
    # NOTE(copies): deepcopy would keep equal services one object
    return {**json.loads(json.dumps(FULL)), **members}


def full_with(pointer: str, value: Any) -> dict[str, Any]:
    """Return the document with another value at a JSON pointer."""
    document: Any = {"": full()}
    *parts, last = ["", *pointer.split("/")[1:]]
    here = document
    for part in parts:
        here = here[int(part)] if isinstance(here, list) else here[part]
    if isinstance(here, list):
        here[int(last)] = value
    else:
        here[last] = value
    made: dict[str, Any] = document[""]
    return made
