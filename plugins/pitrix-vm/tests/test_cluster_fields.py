"""Every member of cluster.json: taken with a good value, refused or remarked on with a bad one."""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pytest
from full_cluster import full, full_with

from pitrix_core.findings import Finding, Level
from pitrix_vm.cluster import CLUSTER_SCHEMA, read_cluster

ERROR, WARNING, INFO = Level.ERROR, Level.WARNING, Level.INFO
NODE = "/nodes/0"
START = f"{NODE}/services/start"


def findings_of(document: Any) -> list[Finding]:
    """Return what is said of a document, but for what is only good to know."""
    found = read_cluster(document, file="cluster.json.tmpl").findings
    return [finding for finding in found if finding.level is not INFO]


def members_of(schema: Mapping[str, Any], value: Any) -> Iterator[tuple[tuple[int, str], bool]]:
    """Return every member of the schema, and whether the value has it here. A kind of object that
    has several places, such as a service, is one.
    """
    if isinstance(value, list):
        for item in value:
            yield from members_of(schema.get("items", {}), item)
    if not isinstance(value, dict):
        return
    known = schema.get("properties", {})
    for name, member in known.items():
        yield (id(known), name), name in value
        yield from members_of(member, value.get(name))
    for name in value.keys() - known.keys():
        yield from members_of(schema.get("additionalProperties", {}), value[name])


def test_the_schema_is_a_schema() -> None:
    """It is one of the standard's, so that editors can use it."""
    jsonschema.Draft202012Validator.check_schema(CLUSTER_SCHEMA)


def test_a_document_with_every_member_is_taken() -> None:
    """Nothing is wrong with any of them, and the document lacks none that the schema has."""
    places = sorted(members_of(CLUSTER_SCHEMA, full()), key=lambda pair: pair[1])
    missing = [name for (_, name), is_there in dict(places).items() if not is_there]

    assert findings_of(full()) == []
    assert missing == []


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        pytest.param(f"{NODE}/container/image", "img-1", id="one-image"),
        pytest.param(f"{NODE}/container", {}, id="default-image"),
        pytest.param(f"{NODE}/volume/mount_point", "/data", id="one-mount-point"),
        pytest.param(f"{NODE}/volume/mount_point", ["d:", "e:", "f:"], id="drives"),
        pytest.param(f"{NODE}/volume/mount_point", [], id="default-mount-point"),
        pytest.param(f"{NODE}/instance_class", "large", id="named-class"),
        pytest.param(f"{NODE}/volume/size", 0, id="no-disk"),
        pytest.param(f"{NODE}/loadbalancer", [], id="no-balancer"),
        pytest.param(f"{START}/nodes_to_execute_on", 255, id="more-than-there-are"),
        pytest.param(f"{START}/order", -1, id="negative-order"),
        pytest.param(f"{START}/timeout", 86400, id="a-day"),
        pytest.param(f"{NODE}/services/backup", {"order": 1}, id="backup-by-device"),
        pytest.param(f"{NODE}/services/get_nodes_order/event", "upgrade", id="one-event"),
        pytest.param(f"{NODE}/volume", {"size": 25, "skip_check_size": True}, id="size-unchecked"),
        pytest.param("/upgrade_policy", [], id="no-upgrade"),
        pytest.param("/links", {"zk": None}, id="link-of-nobody"),
        pytest.param("/endpoints/web.ui/port", "9092", id="port-as-text"),
        pytest.param("/env", {"port": 80, "a": {"b": [None]}}, id="any-parameter"),
        pytest.param(
            f"{NODE}/monitor/items/load/scale_factor_when_display", 1e-06, id="tiny-scale"
        ),
    ],
)
def test_a_documented_value_is_taken(pointer: str, value: Any) -> None:
    """Nothing is said of it."""
    assert findings_of(full_with(pointer, value)) == []


#: A value that a member must not have, and the code of what is said.
BAD: list[tuple[str, Any, str]] = [
    ("/name", ["x"], "cluster.type"),
    ("/description", ["x"], "cluster.type"),
    ("/vxnet", {"a": 1}, "cluster.type"),
    ("/subnet", True, "cluster.type"),
    ("/nodes", "x", "cluster.type"),
    ("/nodes", [], "cluster.value"),
    ("/links", ["zk"], "cluster.type"),
    ("/links", {"a/b": ""}, "cluster.value"),
    ("/links/zk", ["x"], "cluster.type"),
    ("/env", "x", "cluster.type"),
    ("/env", {"a/b": 1}, "cluster.value"),
    ("/env", {"a\n": 1}, "cluster.value"),
    ("/advanced_actions", 1, "cluster.type"),
    ("/endpoints", [1], "cluster.type"),
    ("/endpoints", {"a//b": {"port": 1}}, "cluster.value"),
    ("/endpoints/web.ui", 80, "cluster.type"),
    ("/endpoints/web.ui/port", 80.5, "cluster.type"),
    ("/endpoints/web.ui/protocol", ["x"], "cluster.type"),
    ("/endpoints/reserved_ips/vip/value", ["x"], "cluster.type"),
    ("/health_check/enable", "maybe", "cluster.type"),
    ("/health_check/interval_sec", -1, "cluster.value"),
    ("/health_check/check_cmd", ["x"], "cluster.type"),
    (f"{NODE}/health_check/timeout_sec", "soon", "cluster.type"),
    (f"{NODE}/health_check/action_timeout_sec", -1, "cluster.value"),
    (f"{NODE}/health_check/healthy_threshold", -1, "cluster.value"),
    (f"{NODE}/health_check/unhealthy_threshold", -1, "cluster.value"),
    (f"{NODE}/health_check/action_cmd", ["x"], "cluster.type"),
    ("/monitor/enable", 2, "cluster.type"),
    ("/monitor/cmd", ["x"], "cluster.type"),
    ("/monitor/items", ["load"], "cluster.type"),
    ("/monitor/display", {"a": 1}, "cluster.type"),
    (f"{NODE}/monitor/groups/Load", {"a": 1}, "cluster.type"),
    (f"{NODE}/monitor/alarm/0", ["x"], "cluster.type"),
    (f"{NODE}/monitor/items/load/unit", ["x"], "cluster.type"),
    (f"{NODE}/monitor/items/load/value_type", ["x"], "cluster.type"),
    (f"{NODE}/monitor/items/load/statistics_type", ["x"], "cluster.type"),
    (f"{NODE}/monitor/items/load/scale_factor_when_display", "x", "cluster.type"),
    (f"{NODE}/monitor/items/mode/enums", 1, "cluster.type"),
    ("/display_tabs", ["x"], "cluster.type"),
    ("/display_tabs/Users", {"timeout": 1}, "cluster.missing"),
    ("/display_tabs/Users/cmd", ["x"], "cluster.type"),
    ("/display_tabs/Users/roles_to_execute_on", True, "cluster.type"),
    ("/display_tabs/Users/description", ["x"], "cluster.type"),
    ("/display_tabs/Users/timeout", -1, "cluster.value"),
    ("/backup_policy", True, "cluster.type"),
    ("/incremental_backup_supported", "often", "cluster.type"),
    ("/upgrade_policy", {"a": 1}, "cluster.type"),
    ("/upgrading_policy", ["x"], "cluster.type"),
    ("/in-place-upgrade-nodes", "x", "cluster.type"),
    ("/in-place-upgrade-nodes/0/container/snapshot", ["x"], "cluster.type"),
    ("/in-place-upgrade-nodes/0/copy/0/mount_role", ["x"], "cluster.type"),
    ("/need_tag", 3, "cluster.type"),
    ("/need_intranet_api_server", "perhaps", "cluster.type"),
    ("/exclude_node_columns", 1, "cluster.type"),
    ("/metadata_root_access", 2, "cluster.type"),
    ("/advanced_services/update_nodes_names/cmd", ["x"], "cluster.type"),
    ("/advanced_services/update_nodes_names/timeout", -1, "cluster.value"),
    ("/multi_zone_policy", ["x"], "cluster.type"),
    ("/upgrade_roles/add", True, "cluster.type"),
    ("/add_links", 1, "cluster.type"),
    ("/unsupported_actions", 1, "cluster.type"),
    ("/nas_id", ["x"], "cluster.type"),
    (f"{NODE}/role", "a b", "cluster.value"),
    (f"{NODE}/role", "db\n", "cluster.value"),
    (f"{NODE}/role", "r" * 57, "cluster.value"),
    (f"{NODE}/container", "kvm", "cluster.type"),
    (f"{NODE}/container/type", "kvn", "cluster.value"),
    (f"{NODE}/container/image", 1, "cluster.type"),
    (f"{NODE}/container/image/aws", "", "cluster.value"),
    (f"{NODE}/container/image/aws/eu-west-1", ["x"], "cluster.type"),
    (f"{NODE}/container/image/default", {"a": "b"}, "cluster.type"),
    (f"{NODE}/container/zone", ["x"], "cluster.type"),
    (f"{NODE}/container/sriov_nic", "always", "cluster.type"),
    (f"{NODE}/container/prefer_type", ["x"], "cluster.type"),
    (f"{NODE}/count", -1, "cluster.value"),
    (f"{NODE}/count", 201, "cluster.value"),
    (f"{NODE}/count", None, "cluster.missing"),
    (f"{NODE}/count", "", "cluster.missing"),
    (f"{NODE}/count", True, "cluster.type"),
    (f"{NODE}/count", {"$secret": "sec-1"}, "cluster.type"),
    (f"{NODE}/cpu", 0, "cluster.value"),
    (f"{NODE}/memory", 0, "cluster.value"),
    (f"{NODE}/memory", 0.5, "cluster.type"),
    (f"{NODE}/cpu_model", ["x"], "cluster.type"),
    (f"{NODE}/gpu", -1, "cluster.value"),
    (f"{NODE}/gpu_class", [1], "cluster.type"),
    (f"{NODE}/instance_class", [101], "cluster.type"),
    (f"{NODE}/instance_type", True, "cluster.type"),
    (f"{NODE}/volume", "x", "cluster.type"),
    (f"{NODE}/volume/size", None, "cluster.missing"),
    (f"{NODE}/volume/size", -10, "cluster.value"),
    (f"{NODE}/volume/mount_point", "data", "cluster.value"),
    (f"{NODE}/volume/mount_point", ["/a", "/a"], "cluster.value"),
    (f"{NODE}/volume/filesystem", "ext5", "cluster.value"),
    (f"{NODE}/volume/mount_options", ["x"], "cluster.type"),
    (f"{NODE}/volume/class", {"a": 1}, "cluster.type"),
    (f"{NODE}/volume/skip_check_size", "x", "cluster.type"),
    (f"{NODE}/replica", 21, "cluster.value"),
    (f"{NODE}/env", [1], "cluster.type"),
    (f"{NODE}/env", dict.fromkeys(map(str, range(5001))), "cluster.value"),
    (f"{NODE}/monitor/items", {str(n): {} for n in range(501)}, "cluster.value"),
    (f"{NODE}/services", ["start"], "cluster.type"),
    (START, "start.sh", "cluster.type"),
    (f"{START}/cmd", ["a", "b"], "cluster.type"),
    (f"{START}/cmd", "x" * 32_001, "cluster.value"),
    (f"{START}/order", "first", "cluster.type"),
    (f"{START}/order", 1.5, "cluster.type"),
    (f"{START}/timeout", 0, "cluster.value"),
    (f"{START}/timeout", 86401, "cluster.value"),
    (f"{START}/nodes_to_execute_on", -1, "cluster.value"),
    (f"{START}/type", ["x"], "cluster.type"),
    (f"{NODE}/services/init/post_start_service", "after", "cluster.type"),
    (f"{NODE}/services/destroy/post_stop_service", 2, "cluster.type"),
    (f"{NODE}/services/destroy/allow_force", [1], "cluster.type"),
    (f"{NODE}/services/scale_in/pre_check", ["x"], "cluster.type"),
    (f"{NODE}/services/upgrade/service_params", "a", "cluster.type"),
    (f"{NODE}/services/backup/with_replica", "x", "cluster.type"),
    (f"{NODE}/services/backup/selector", ["x"], "cluster.type"),
    (f"{NODE}/services/backup/cleanup", ["x"], "cluster.type"),
    (f"{NODE}/services/get_nodes_order/event", 1, "cluster.type"),
    (f"{NODE}/reserved_ips", ["x"], "cluster.type"),
    (f"{NODE}/reserved_ips", {"a/b": {}}, "cluster.value"),
    (f"{NODE}/vertical_scaling_policy", ["x"], "cluster.type"),
    (f"{NODE}/loadbalancer/0", 1, "cluster.type"),
    (f"{NODE}/passphraseless", True, "cluster.type"),
    (f"{NODE}/custom_metadata", {"timeout": 1}, "cluster.missing"),
    (f"{NODE}/user_access", "sometimes", "cluster.type"),
    (f"{NODE}/agent_installed", 7, "cluster.type"),
    (f"{NODE}/eip_class", [1], "cluster.type"),
    (f"{NODE}/server_id_upper_bound", 0, "cluster.value"),
    (f"{NODE}/extra_quota", "x", "cluster.type"),
    (f"{NODE}/nas_mount_point", ["x"], "cluster.type"),
]


@pytest.mark.parametrize(
    ("pointer", "value", "code"),
    [pytest.param(p, v, code, id=f"{p[1:]}-{n}") for n, (p, v, code) in enumerate(BAD)],
)
def test_what_breaks_a_deployment_is_refused(pointer: str, value: Any, code: str) -> None:
    """The error points at the member, and no other is refused."""
    errors = [f for f in findings_of(full_with(pointer, value)) if f.level is ERROR]

    assert {(finding.code, finding.pointer) for finding in errors} == {(code, pointer)}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/advanced_actions", ["fly"]),
        ("/backup_policy", "never"),
        ("/upgrading_policy", "at-once"),
        ("/health_check/interval_sec", 30),
        ("/health_check/interval_sec", 0),
        ("/health_check/timeout_sec", 2),
        ("/health_check/action_timeout_sec", 2),
        ("/health_check/healthy_threshold", 1),
        ("/health_check/unhealthy_threshold", 1),
        ("/monitor/items", {f"load{n}": {} for n in range(51)}),
        ("/monitor/items/load/value_type", "float"),
        ("/monitor/items/load/statistics_type", "sum"),
        (f"{NODE}/monitor/groups/Load", []),
        (f"{NODE}/monitor/groups/Load", ["load"] * 6),
        ("/display_tabs", {f"tab {n}": {"cmd": "x"} for n in range(6)}),
        ("/display_tabs/Users/timeout", 11),
        ("/display_tabs/Users/timeout", 0),
        ("/endpoints", {"HTTP/HTTPS": {"port": 80}}),
        ("/advanced_services/update_nodes_names/timeout", 31),
        (f"{NODE}/cpu", 3),
        (f"{NODE}/gpu", 3),
        (f"{NODE}/volume/mount_point", ["/a", "/b", "/c", "/d"]),
        (f"{NODE}/vertical_scaling_policy", "one by one"),
        (f"{NODE}/passphraseless", "ed25519"),
        (f"{NODE}/eip_class", "fast"),
        (f"{START}/cmd", "x" * 1001),
        (f"{START}/type", "special"),
        (f"{NODE}/services/get_nodes_order/event", ["start"]),
    ],
)
def test_a_documented_limit_that_packages_break_is_remarked_on(pointer: str, value: Any) -> None:
    """It is taken as it is, and the author is told."""
    found = [f for f in findings_of(full_with(pointer, value)) if f.code == "cluster.limit"]

    assert [(f.level, f.pointer.startswith(pointer)) for f in found] == [(WARNING, True)]


@pytest.mark.parametrize(
    ("pointer", "value", "taken"),
    [
        pytest.param(f"{NODE}/count", "3", 3, id="number"),
        pytest.param(f"{NODE}/services/start/order", " 2 ", 2, id="number-with-blanks"),
        pytest.param(f"{NODE}/monitor/items/load/scale_factor_when_display", "0.1", 0.1, id="part"),
        pytest.param("/need_tag", "true", True, id="true"),
        pytest.param("/need_tag", "Yes", True, id="yes"),
        pytest.param("/need_tag", "no", False, id="no"),
        pytest.param("/need_tag", 1, True, id="one-for-true"),
        pytest.param("/need_tag", "0", False, id="zero-for-false"),
        pytest.param("/vxnet", 7, "'7'", id="number-for-a-text"),
        pytest.param("/upgrade_policy", "appv-1", "a list of it", id="item-for-a-list"),
        pytest.param("/monitor/display", "load", "a list of it", id="name-for-a-list"),
        pytest.param(
            "/in-place-upgrade-nodes", {"copy": []}, "a list of it", id="object-for-a-list"
        ),
        pytest.param("/upgrade_policy", "", None, id="empty-text-for-a-list"),
        pytest.param("/env", [], None, id="empty-list-for-an-object"),
        pytest.param(f"{NODE}/gpu", "", None, id="empty-text-for-a-number"),
        pytest.param(f"{NODE}/volume/filesystem", "", None, id="empty-text-for-a-word"),
        pytest.param(f"{NODE}/volume/mount_point", "", None, id="empty-text-for-a-path"),
        pytest.param(f"{NODE}/container/type", "", None, id="empty-text-for-a-type"),
        pytest.param("/backup_policy", "", None, id="empty-text-for-a-policy"),
        pytest.param(f"{NODE}/volume", {}, None, id="empty-object-for-a-disk"),
        pytest.param(f"{NODE}/custom_metadata", {}, None, id="empty-object-for-a-command"),
    ],
)
def test_a_value_with_a_plain_meaning_is_taken(pointer: str, value: Any, taken: Any) -> None:
    """The author is told what it is taken for."""
    reading = read_cluster(full_with(pointer, value), file="cluster.json.tmpl")

    meaning = "nothing" if taken is None else str(taken).lower()
    [found] = [f for f in reading.findings if f.code == "cluster.spelling"]
    assert (found.level, found.pointer) == (WARNING, pointer)
    assert found.message.endswith(f"taken for {meaning}")
    assert reading.cluster is not None


def test_whole_numbers_may_be_calculated() -> None:
    """``8192 * 3 / 1024`` is 24.0, and a size all the same; nothing is said."""
    document = full_with(f"{NODE}/volume", {"size": 30.0})

    reading = read_cluster(document, file="f")
    assert reading.cluster is not None
    assert reading.cluster.roles[0].volume is not None
    assert repr(reading.cluster.roles[0].volume.size_gib) == "30"


def test_a_secret_stands_in_parameters_only() -> None:
    """Elsewhere it would be stored in the clear; the message does not hold it."""
    document = full_with("/name", {"$secret": "sec-1"})

    assert [finding.message for finding in findings_of(document)] == ["a secret is not a text"]
