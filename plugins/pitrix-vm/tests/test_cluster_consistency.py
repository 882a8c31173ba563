"""What the parts of a cluster document have to say of one another."""

from typing import Any

import pytest
from full_cluster import FULL, full, full_with

from pitrix_core.findings import Level
from pitrix_vm.cluster import read_cluster

ERROR, WARNING = Level.ERROR, Level.WARNING
NODE = "/nodes/0"
SERVICES = f"{NODE}/services"


def found_in(document: Any, code: str) -> list[tuple[Level, str]]:
    """Return level and place of the findings with a code."""
    found = read_cluster(document, file="cluster.json.tmpl").findings
    return [(finding.level, finding.pointer) for finding in found if finding.code == code]


def node(role: str | None, **members: Any) -> dict[str, Any]:
    """Return a small node."""
    named = {} if role is None else {"role": role}
    return {**named, "container": {}, "count": 1, "cpu": 1, "memory": 512, **members}


def nodes(*members: dict[str, Any], **others: Any) -> dict[str, Any]:
    """Return a document of these nodes."""
    return {"nodes": list(members), **others}


@pytest.mark.parametrize(
    ("document", "places"),
    [
        pytest.param(nodes(node("a"), node("a")), ["/nodes/0/role", "/nodes/1/role"], id="twice"),
        pytest.param(nodes(node("a"), node(None)), ["/nodes/1"], id="one-unnamed"),
        pytest.param(nodes(node(None), node(None)), ["/nodes/0", "/nodes/1"], id="both-unnamed"),
        pytest.param(nodes(node("a-replica")), ["/nodes/0/role"], id="reserved"),
        pytest.param(
            nodes(node("a", count=3, server_id_upper_bound=2)), ["/nodes/0/count"], id="too-many"
        ),
    ],
)
def test_roles_are_told_apart(document: Any, places: list[str]) -> None:
    """Machines, metadata and commands are found by their roles."""
    assert found_in(document, "cluster.role") == [(ERROR, place) for place in places]


def test_the_only_role_needs_no_name() -> None:
    """As in many packages of one role."""
    assert read_cluster(nodes(node(None)), file="f").findings == ()


def test_a_cluster_has_an_end() -> None:
    """Replicas count: limits of one role alone would allow a plan that nobody can read."""
    document = nodes(node("a", count=100, replica=20))

    assert found_in(document, "cluster.machine") == [(ERROR, "/nodes")]


@pytest.mark.parametrize(
    ("container", "places"),
    [
        pytest.param({"type": "kvm"}, ["/nodes/0", "/nodes/0"], id="machine"),
        pytest.param({"type": "bm"}, [], id="bare-metal"),
    ],
)
def test_a_machine_without_a_size_is_remarked_on(container: Any, places: list[str]) -> None:
    """Bare metal is what it is; of others, cpu and memory are guessed."""
    document = nodes({"container": container, "count": 1})

    assert found_in(document, "cluster.machine") == [(WARNING, place) for place in places]


@pytest.mark.parametrize(
    ("volume", "is_fine"),
    [
        ({"size": 20}, True),
        ({"size": 25}, False),
        ({"size": 60, "mount_point": ["/a", "/b", "/c"]}, True),
        ({"size": 40, "mount_point": ["/a", "/b", "/c"]}, False),
        ({"size": 25, "skip_check_size": True}, True),
    ],
)
def test_each_mount_point_has_a_multiple_of_ten(volume: Any, is_fine: bool) -> None:
    """Clouds would round, or refuse."""
    expected = [] if is_fine else [(WARNING, f"{NODE}/volume/size")]

    assert found_in(full_with(f"{NODE}/volume", volume), "cluster.volume") == expected


@pytest.mark.parametrize(
    ("name", "level"),
    [
        *((name, ERROR) for name in ("init", "start", "stop", "destroy")),
        *((name, WARNING) for name in ("restart", "scale_in", "upgrade", "get_nodes_order")),
    ],
)
def test_a_service_needs_a_command(name: str, level: Level) -> None:
    """What creating and deleting run is missed at once, the rest later."""
    document = full_with(f"{SERVICES}/{name}", {"order": 1})

    assert found_in(document, "cluster.service") == [(level, f"{SERVICES}/{name}")]


@pytest.mark.parametrize("name", ["backup", "restore", "delete_snapshot", "change_vxnet"])
def test_some_services_need_no_command(name: str) -> None:
    """The platform copies disks itself, and has nothing to run for another network."""
    assert found_in(full_with(f"{SERVICES}/{name}", {"order": 1}), "cluster.service") == []


def test_an_empty_command_runs_nothing() -> None:
    """The author is told, and no task is made of it."""
    document = full_with(f"{SERVICES}/start", {"cmd": " "})

    assert found_in(document, "cluster.service") == [(WARNING, f"{SERVICES}/start/cmd")]


@pytest.mark.parametrize(
    ("service", "attribute", "value"),
    [
        ("start", "post_start_service", True),
        ("stop", "post_stop_service", True),
        ("stop", "allow_force", True),
        ("start", "pre_check", "x"),
        ("start", "service_params", {}),
        ("start", "with_replica", True),
        ("start", "event", ["upgrade"]),
        ("restore", "selector", "x"),
        ("redeploy all of it", "cleanup", "x"),
    ],
)
def test_an_attribute_of_other_services_has_no_effect(
    service: str, attribute: str, value: Any
) -> None:
    """The author probably meant something by it."""
    place = f"{SERVICES}/{service}/{attribute}"

    assert found_in(full_with(place, value), "cluster.service") == [(WARNING, place)]


@pytest.mark.parametrize(
    ("roles", "level"),
    [
        pytest.param(["nobody"], ERROR, id="none-exists"),
        pytest.param(["nobody", "db"], WARNING, id="one-exists"),
        pytest.param(["db-replica"], None, id="replicas"),
        pytest.param([], None, id="any"),
    ],
)
def test_a_tab_is_filled_in_by_a_role_that_exists(roles: list[str], level: Level | None) -> None:
    """Otherwise there is no node to ask."""
    place = "/display_tabs/Users/roles_to_execute_on"
    expected = [] if level is None else [(level, place)]

    assert found_in(full_with(place, roles), "cluster.display_tab") == expected


def test_a_tab_may_name_the_only_role_though_it_has_no_name() -> None:
    """As its parameters do in config.json."""
    document = nodes(node(None), display_tabs={"Users": {"cmd": "x", "roles_to_execute_on": ["a"]}})

    assert found_in(document, "cluster.display_tab") == [
        (WARNING, "/display_tabs/Users/roles_to_execute_on")
    ]


def test_a_service_that_says_nothing_is_none() -> None:
    """Nothing is missed that its author wrote down."""
    document = full_with(f"{SERVICES}/init", {})

    assert found_in(document, "cluster.service") == [(WARNING, f"{SERVICES}/init")]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("/monitor/display", ["nothing"]),
        ("/monitor/alarm", ["nothing"]),
        (f"{NODE}/monitor/groups/Load", ["nothing"]),
        (f"{NODE}/monitor/display", ["load", "Load", "nothing"]),
    ],
)
def test_monitors_show_what_they_measure(place: str, value: Any) -> None:
    """A name may be an item's or a group's, of the role or of the cluster."""
    assert found_in(full_with(place, value), "cluster.monitor") == [(WARNING, place)]


def test_texts_have_no_average() -> None:
    """Only the latest and the most frequent text can be shown."""
    document = full_with(
        f"{NODE}/monitor/items/mode", {"value_type": "str", "statistics_type": "avg"}
    )

    place = f"{NODE}/monitor/items/mode/statistics_type"
    assert found_in(document, "cluster.monitor") == [(WARNING, place)]


@pytest.mark.parametrize(
    ("common", "own", "places"),
    [
        pytest.param({"interval_sec": 60, "timeout_sec": 61}, {}, ["/health_check"], id="cluster"),
        pytest.param(
            {"interval_sec": 60}, {"timeout_sec": 70}, [f"{NODE}/health_check"], id="together"
        ),
        pytest.param({}, {"timeout_sec": 61}, [f"{NODE}/health_check"], id="default-interval"),
        pytest.param({"timeout_sec": 30}, {"interval_sec": 30}, [], id="equal"),
        pytest.param({"enable": True}, {}, ["/health_check"], id="no-command"),
        pytest.param({}, {"enable": True, "check_cmd": "x"}, [], id="own-command"),
    ],
)
def test_health_checks_make_sense(common: Any, own: Any, places: list[str]) -> None:
    """A role's members are judged together with those of the cluster."""
    document = nodes(node("a", health_check=own), health_check=common)

    assert found_in(document, "cluster.health_check") == [(WARNING, place) for place in places]


def test_a_backup_policy_needs_a_service() -> None:
    """Without one, no role is backed up."""
    services = {k: v for k, v in FULL["nodes"][0]["services"].items() if k != "backup"}
    document = full_with(SERVICES, services)

    assert found_in(document, "cluster.backup") == [(WARNING, "/backup_policy")]


@pytest.mark.parametrize(
    ("place", "value", "at"),
    [
        ("/in-place-upgrade-nodes", [], "/upgrading_policy"),
        ("/upgrade_roles/add", ["db", "nobody"], "/upgrade_roles/add/1"),
        (
            "/in-place-upgrade-nodes/0/copy/0/mount_role",
            "nobody",
            "/in-place-upgrade-nodes/0/copy/0/mount_role",
        ),
    ],
)
def test_upgrades_name_what_exists(place: str, value: Any, at: str) -> None:
    """Roles, and what is copied."""
    assert found_in(full_with(place, value), "cluster.upgrade") == [(WARNING, at)]


def test_an_upgrade_that_replaces_images_copies_nothing() -> None:
    """Only in-place upgrades need to say what is copied."""
    document = full(upgrading_policy="sequential")
    del document["in-place-upgrade-nodes"]

    assert found_in(document, "cluster.upgrade") == []
