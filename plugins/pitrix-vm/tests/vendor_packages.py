"""Packages as vendors write them: what released ones hold, put together by chance.

Which members, types and values there are, and which oddities, is counted over released packages;
what each is worth here is made up.
"""

import json
import re
from typing import Any

from hypothesis import strategies as st
from vm_packages import config_json, group, leaf

from pitrix_core.package import Package

#: Quotes around tags, which only keep them in JSON while a template is put together.
_QUOTED_TAG = re.compile(r'"(\{\{[^"]*\}\}[^"]*)"')
#: Roles with the oddest names there are; a cluster's only role may have none.
ROLES = ("node", "es_node", "hdfs-master", "zk.node", "Redis_1")
#: How packages say that something is required, or is not.
REQUIRED = st.sampled_from(["yes", "no", "true", "false", True, False, "nos", "o", None])
LABELS = st.sampled_from(["", "CPU", "节点数量", "cluster.env-help {x}"])


def _leaf(key: str, kind: str, **attributes: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return a parameter; attributes may be strategies."""
    made = {
        name: value if isinstance(value, st.SearchStrategy) else st.just(value)
        for name, value in {"label": LABELS, "required": REQUIRED, **attributes}.items()
    }
    return st.fixed_dictionaries(made, optional={"changeable": st.booleans()}).map(
        lambda found: {**leaf(key, kind), **found}
    )


#: Parameters of an application, each with a key that begins with or holds others.
PARAMETERS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "port": _leaf("port", "integer", default=st.sampled_from([9092, "9092", 9092.0]), min="1"),
    "conf.source": _leaf("conf.source", "string", default=st.sampled_from(["", "a b", 5, None])),
    "conf.source.password": _leaf("conf.source.password", "password"),
    "web.enabled": _leaf(
        "web.enabled",
        "boolean",
        default=st.sampled_from([True, "true", "", None]),
        range=st.sampled_from([[True, False], ["true", "false"], []]),
    ),
    "factor": _leaf("factor", "number", default=st.sampled_from([0.75, 1, "0.5"]), min=0, max=1),
    "kind": _leaf(
        "kind",
        "string",
        default=st.sampled_from(["a", "zzz", ""]),
        range=["a", "b"],
        multiline="no",
    ),
    "many": _leaf(
        "many", "string", default=st.sampled_from(["a", "a|b", ""]), range=["a", "b"]
    ).map(lambda made: {**made, "multichoice": True, "separator": "|"}),
    "user-name": _leaf(
        "user-name",
        "string",
        default=st.sampled_from(["root", "", "no match!"]),
        pattern=st.sampled_from([r"^[\w-]{1,20}$", "^(?=.*[a-z]).{4,}$", "[", ""]),
    ),
    "keys": _leaf("keys", "accesskey"),
    "address": _leaf("address", "eip", default="", associate_mode=st.sampled_from([0, 1])),
    "shown": _leaf("shown", "string", default="x").map(
        lambda made: {**made, "dependencies": [{"refkey": "kind", "values": ["b"]}]}
    ),
    "lost": _leaf("lost", "integer", default=0, range=[101, 201]),
    "bounds": _leaf("bounds", "integer", default=5, min=10, max=1),
}
#: Members of a role beside those that every role has: those of cluster.json, by chance.
MONITOR = st.fixed_dictionaries(
    {
        "enable": st.sampled_from([True, "true", 1]),
        "cmd": st.just("appctl measure"),
        "items": st.integers(0, 60).map(
            lambda number: {
                f"item {n}": {
                    "unit": "%",
                    "statistics_type": ("delta", "latest", "max", "avg", "min", "rate")[n % 6],
                    "scale_factor_when_display": (1, 0.01, 1e-06)[n % 3],
                    **({} if n % 5 else {"value_type": "str", "enums": ["up", 1]}),
                }
                for n in range(number)
            }
        ),
    },
    optional={
        "groups": st.just({"All": [f"item {n}" for n in range(7)]}),
        "display": st.just(["All", "item 1"]),
        "alarm": st.sampled_from([[], ["item 1"], "item 1"]),
    },
)
HEALTH_CHECK = st.fixed_dictionaries(
    {"enable": st.booleans(), "interval_sec": st.sampled_from([60, 10]), "check_cmd": st.just("x")},
    optional={
        "timeout_sec": st.sampled_from([10, 60]),
        "action_timeout_sec": st.just(30),
        "healthy_threshold": st.sampled_from([1, 3]),
        "unhealthy_threshold": st.just(3),
        "action_cmd": st.sampled_from(["", None, "appctl revive"]),
    },
)
_OF_ANY_SERVICE: dict[str, st.SearchStrategy[Any]] = {
    "order": st.integers(0, 6),
    "timeout": st.sampled_from([60, 600, 86400, "900"]),
    "nodes_to_execute_on": st.sampled_from([1, 10, 255, "1"]),
}


def _service(**members: Any) -> st.SearchStrategy[dict[str, Any]]:
    always = {name: st.just(value) for name, value in members.items()}
    return st.fixed_dictionaries(always, optional=_OF_ANY_SERVICE)


SERVICES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "init": _service(cmd="appctl init", post_start_service=True),
    "start": _service(cmd="mkdir -p /data && systemctl start x | tee /tmp/log"),
    "stop": _service(cmd="appctl stop"),
    "restart": _service(cmd=""),
    "scale_in": _service(cmd="appctl in", pre_check="appctl pre"),
    "destroy": _service(cmd="appctl gone", allow_force=False, post_stop_service=False),
    "upgrade": _service(cmd="appctl up", post_start_service="true"),
    "backup": _service(),
    "change_vxnet": _service(pre_check="appctl pre"),
    "get_nodes_order": _service(cmd="appctl order", event=["upgrade", "scale_vertical"]),
    "redeploy WAR for QingStor": _service(
        type="custom", cmd="deploy", service_params={"key": "{{service_params.key}}"}
    ),
}
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "advanced_actions": st.sampled_from([["change_vxnet", "attach_keypairs"], "associate_eip", []]),
    "passphraseless": st.sampled_from(["ssh-rsa", "ssh-dsa", ""]),
    "user_access": st.sampled_from([True, "true", 0]),
    "vertical_scaling_policy": st.sampled_from(["sequential", "parallel", "", None]),
    "server_id_upper_bound": st.just(255),
    "replica": st.sampled_from([0, 1, "0", None]),
    "gpu": st.sampled_from([0, "", None]),
    "gpu_class": st.just(0),
    "cpu_model": st.sampled_from(["", "Skylake"]),
    "custom_metadata": st.just({"cmd": "token"}),
    "extra_quota": st.just({"volume": {"size": 10, "count": 1}, "security_group": 1}),
    "unsupported_actions": st.just(["rollback"]),
    "loadbalancer": st.sampled_from([[], "", None]),
    "monitor": MONITOR,
    "health_check": HEALTH_CHECK,
    "services": st.fixed_dictionaries({}, optional=SERVICES),
    "nas_mount_point": st.none(),
    "env": st.just({"port": "{{env.port}}", "own": "{{env.conf.source}}"}),
}
VOLUMES = st.fixed_dictionaries(
    {"size": st.sampled_from(["{{…volume_size}}", "{{…memory}} * 3 / 1024", 0, 25, "30"])},
    optional={
        "mount_point": st.sampled_from(["/data", "", ["/data", "/data2", "/data3"], "d:"]),
        "filesystem": st.sampled_from(["ext4", "xfs", ""]),
        "mount_options": st.sampled_from(["defaults,noatime", ""]),
        "class": st.sampled_from([0, 3, "3", 200, "", 2.0]),
        "skip_check_size": st.booleans(),
    },
)
CONTAINERS = st.fixed_dictionaries(
    {"type": st.sampled_from(["kvm", "lxc", "docker", ""]), "image": st.just("img-1")},
    optional={
        "zone": st.sampled_from(["pek3a", None, ""]),
        "sriov_nic": st.just(True),
        "prefer_type": st.just("lxc"),
    },
)
#: Ports that lead somewhere, and nowhere.
PORTS = st.sampled_from(
    [9092, "9092", "env.port", "{{env.port}}", "node.env.port", "", None, "env.a.b"]
)
TOP: dict[str, st.SearchStrategy[Any]] = {
    "endpoints": st.fixed_dictionaries(
        {},
        optional={
            name: st.fixed_dictionaries(
                {"port": PORTS},
                optional={"protocol": st.sampled_from(["http", "请用浏览器访问", ""])},
            )
            for name in ("ES Head on Kibana", "hdfs.client_port", "HTTP/HTTPS")
        },
    ),
    "env": st.just({"port": "{{env.port}}", "gone": "{{env.gone}}"}),
    "links": st.sampled_from([{"zk_service": "{{cluster.zk_service}}"}, {}, []]),
    "upgrade_policy": st.sampled_from([["appv-1", "appv-2"], [], ""]),
    "upgrading_policy": st.sampled_from(["sequential", "in-place-parallel", ""]),
    "in-place-upgrade-nodes": st.just(
        [{"container": {"snapshot": "ss-1"}, "copy": [{"mount_role": "node"}]}]
    ),
    "backup_policy": st.sampled_from(["device", ""]),
    "incremental_backup_supported": st.sampled_from([True, "false"]),
    "multi_zone_policy": st.just("round_robin"),
    "custom_tags": st.sampled_from([["a"], {"a": 1}]),
    "upgrade_roles": st.just({"add": ["es_node"]}),
    "add_links": st.just(["zk_service"]),
    "metadata_root_access": st.booleans(),
    "need_tag": st.sampled_from([None, True]),
    "exclude_node_columns": st.sampled_from([["private_ip", "instance_class"], "private_ip"]),
    "display_tabs": st.just({"状态": {"cmd": "x", "timeout": 30, "description": "一"}}),
    "advanced_services": st.just({"update_nodes_names": {"cmd": "x", "timeout": 60}}),
    "monitor": MONITOR,
    "health_check": HEALTH_CHECK,
    "nas_id": st.none(),
    "no_such_member": st.just(1),
}


def _role_form(key: str, draw: st.DrawFn) -> dict[str, Any]:
    count = st.sampled_from([3, "3", 1])
    memory = [1024, 2048, 4096]
    return group(
        key,
        draw(_leaf("cpu", "integer", default=1, range=[1, 2], resource_group=[1, 2])),
        draw(_leaf("memory", "integer", default=2048, range=memory, resource_group=[1024, 2048])),
        draw(_leaf("count", "integer", default=count, min=1, max=100, auto_scale_step=1)),
        draw(_leaf("instance_class", "integer", default=0, range=[101, 201])),
        draw(_leaf("volume_size", "integer", default=30, min=10, max=1000, step=10)),
    )


def _role_node(key: str, name: str | None, draw: st.DrawFn) -> dict[str, Any]:
    named = draw(st.sampled_from([{}, {"role": ""}, {"role": None}])) if not name else {}
    at = f"cluster.{key}"
    node = {
        **({"role": name} if name else named),
        "container": draw(CONTAINERS),
        "count": f"{{{{{at}.count}}}}",
        "cpu": f"{{{{{at}.cpu}}}}",
        "memory": f"{{{{{at}.memory}}}}",
        "instance_class": f"{{{{{at}.instance_class}}}}",
        **draw(st.fixed_dictionaries({}, optional={"volume": VOLUMES | st.just({}), **MEMBERS})),
    }
    volume = node.get("volume") or {}
    if isinstance(volume.get("size"), str):
        volume["size"] = volume["size"].replace("…", f"{at}.")
    return node


@st.composite
def vendor_packages(draw: st.DrawFn) -> Package:
    """Return packages of all kinds that vendors have released."""
    keys = draw(st.lists(st.sampled_from(ROLES), min_size=1, max_size=4, unique=True))
    is_unnamed = len(keys) == 1 and draw(st.booleans())
    chosen = draw(st.lists(st.sampled_from(sorted(PARAMETERS)), unique=True))
    form = config_json(
        group(
            "cluster",
            draw(_leaf("name", "string", default="App")),
            draw(_leaf("description", "string", default="")),
            draw(_leaf("vxnet", "string", default="")),
            leaf("resource_group", "string", default="基础型", range=["基础型", "企业型"]),
            draw(_leaf("zk_service", "service", default=st.sampled_from(["", None]), tag=["zk"])),
            *(_role_form(key, draw) for key in keys),
        ),
        group("env", *(draw(PARAMETERS[key]) for key in sorted({"port", *chosen}))),
        group("service_params", group(keys[0], draw(_leaf("key", "string", default="")))),
    )
    document = {
        **{name: f"{{{{cluster.{name}}}}}" for name in ("name", "description", "vxnet")},
        "nodes": [_role_node(key, None if is_unnamed else key, draw) for key in keys],
        **draw(st.fixed_dictionaries({}, optional=TOP)),
    }
    document["env"] = {
        **(document.get("env") or {}),
        **{key: f"{{{{env.{key}}}}}" for key in chosen},
    }
    return _package(form, document, draw)


def _package(form: Any, document: Any, draw: st.DrawFn) -> Package:
    text = json.dumps(document, indent=draw(st.sampled_from([None, 2, "\t"])))
    dialect = draw(st.sampled_from(["cluster.json.mustache", "cluster.json.tmpl"]))
    if dialect.endswith("tmpl") and draw(st.booleans()) and "}} *" not in text:
        text = text.replace("{{", "{{.")
    else:
        text = _QUOTED_TAG.sub(r"\1", text)
    texts = {
        "package.json": '{"name": "app", "version": "0.1.0"}',
        "config.json": json.dumps(form, ensure_ascii=draw(st.booleans())),
        dialect: draw(_written(text)),
        "locale/zh-cn.json": '{"CPU": "处理器", "err_code2": "不行", "CPU": "核"}',
        "replace_policy.json": '[{"src": "0", "dst": 1}]',
    }
    return Package(digest="", files={name: text.encode() for name, text in texts.items()})


def _written(text: str) -> st.SearchStrategy[str]:
    """Return how a template is written down: with the slips that are in released ones."""
    return st.sampled_from(
        [
            text,
            text.replace("\n", "\r\n"),
            text.replace("{{", "{{ ").replace("}}", " }}"),
            text.replace('"nodes"', '"nodes": [], "nodes"', 1),
            re.sub(r"\}$", ",}", text),
            text.replace('"nodes"', '{{! the roles }}"nodes"', 1),
        ]
    )
