"""Names in cluster.json: unknown ones, misspelt ones, undocumented ones, and the author's own."""

from typing import Any

import pytest
from full_cluster import full, full_with

from pitrix_core.findings import Finding, Level
from pitrix_vm.cluster import read_cluster

NODE = "/nodes/0"


def remarks_on(document: Any, code: str) -> list[Finding]:
    """Return the findings with a code."""
    found = read_cluster(document, file="cluster.json.tmpl").findings
    return [finding for finding in found if finding.code == code]


@pytest.mark.parametrize(
    ("pointer", "suggestion"),
    [
        ("/helth_check", "health_check"),
        ("/advanced_action", "advanced_actions"),
        ("/Vxnets", "vxnet"),
        (f"{NODE}/roles", "role"),
        (f"{NODE}/container/images", "image"),
        (f"{NODE}/volume/mount_points", "mount_point"),
        (f"{NODE}/services/start/time_out", "timeout"),
        (f"{NODE}/services/strat", "start"),
        (f"{NODE}/services/start2", "start"),
        (f"{NODE}/health_check/interval_secs", "interval_sec"),
        (f"{NODE}/monitor/items/load/units", "unit"),
        ("/display_tabs/Users/time_out", "timeout"),
        ("/endpoints/web.ui/protocoll", "protocol"),
    ],
)
def test_a_misspelt_name_is_refused_with_a_suggestion(pointer: str, suggestion: str) -> None:
    """The right name must not be there as well, unless the wrong one only has a number more."""
    document = full_with(pointer, {"cmd": "x"})
    parent = _parent(document, pointer)
    if not pointer.endswith("2"):
        parent.pop(suggestion, None)

    [found] = remarks_on(document, "cluster.misspelt")
    assert (found.level, found.pointer) == (Level.ERROR, pointer)
    assert found.next_step == f"Write {suggestion!r}, or remove it."


@pytest.mark.parametrize(
    "pointer",
    [
        "/something",
        f"{NODE}/anything_else",
        f"{NODE}/container/colour",
        f"{NODE}/services/make_coffee",
        f"{NODE}/services/start/colour",
        f"{NODE}/monitor/colour",
        "/in-place-upgrade-nodes/0/copy/0/when",
        "/_comment",
        f"{NODE}/_volume",
        f"{NODE}/services/start/#timeout",
    ],
)
def test_an_unknown_name_is_remarked_on(pointer: str) -> None:
    """It may be new; it has no effect, and nothing is refused."""
    reading = read_cluster(full_with(pointer, {"cmd": "x"}), file="f")

    found = [f for f in reading.findings if f.code == "cluster.unknown"]
    assert [(f.level, f.pointer) for f in found] == [(Level.WARNING, pointer)]
    assert reading.cluster is not None


def test_a_service_of_the_authors_own_has_to_say_so() -> None:
    """The next step is how."""
    [found] = remarks_on(full_with(f"{NODE}/services/make_coffee", {"cmd": "x"}), "cluster.unknown")

    assert found.next_step == 'Add "type": "custom" if it is one of your own, or remove it.'


def test_a_name_beside_the_one_it_is_like_is_only_unknown() -> None:
    """Both are there, so it is no misspelling."""
    document = full_with(f"{NODE}/health_checks", {})

    assert remarks_on(document, "cluster.misspelt") == []
    assert len(remarks_on(document, "cluster.unknown")) == 1


@pytest.mark.parametrize(
    "pointer",
    [
        "/env/nodes",
        "/env/vxnets",
        f"{NODE}/env/roles",
        "/links/endpoint",
        "/endpoints/reserved_ip 2",
        "/endpoints/reserved_ips/vips",
        f"{NODE}/monitor/items/units",
        f"{NODE}/monitor/groups/grouped",
        "/display_tabs/Userss",
        f"{NODE}/reserved_ips/ownn",
        f"{NODE}/services/upgrade/service_params/cmdd",
        f"{NODE}/loadbalancer/0/ports",
    ],
)
def test_names_of_the_author_are_free(pointer: str) -> None:
    """However much they look like others."""
    document = full_with(pointer, _VALUES.get(pointer.split("/")[-2], "x"))

    assert remarks_on(document, "cluster.misspelt") == []
    assert remarks_on(document, "cluster.unknown") == []


def test_a_custom_service_may_be_called_anything() -> None:
    """Its type says that the name is meant."""
    document = full_with(f"{NODE}/services/restarts", {"type": "custom", "cmd": "x"})

    assert remarks_on(document, "cluster.misspelt") == []


@pytest.mark.parametrize(
    "pointer",
    [
        "/multi_zone_policy",
        "/upgrade_roles",
        "/add_links",
        "/unsupported_actions",
        "/custom_tags",
        "/nas_id",
        f"{NODE}/container/sriov_nic",
        f"{NODE}/container/prefer_type",
        f"{NODE}/volume/skip_check_size",
        f"{NODE}/services/change_vxnet",
        f"{NODE}/services/backup/selector",
        f"{NODE}/services/backup/cleanup",
        f"{NODE}/os_reset",
        f"{NODE}/net",
        f"{NODE}/nas_mount_point",
    ],
)
def test_what_no_document_describes_is_good_to_know(pointer: str) -> None:
    """Packages use it, so it is taken; the author should not count on it."""
    found = [f for f in remarks_on(full(), "cluster.undocumented") if f.pointer == pointer]

    assert [finding.level for finding in found] == [Level.INFO]


def test_the_number_of_remarks_is_bounded() -> None:
    """A document of nothing but mistakes is not worth thousands of them."""
    many = {f"unknown {number}": 1 for number in range(10_000)}

    reading = read_cluster(full(**many), file="f")

    assert len(reading.findings) < 500
    assert reading.cluster is not None


def test_the_number_of_contradictions_is_bounded() -> None:
    """However many names are of nothing, and a message holds a few of them only."""
    document = full_with(f"{NODE}/monitor/display", [f"nothing {n}" for n in range(400)])
    document["nodes"][0]["monitor"]["groups"] = {f"group {n}": ["nothing"] for n in range(400)}

    found = remarks_on(document, "cluster.monitor")

    assert len(found) < 100
    assert max(len(finding.message) for finding in found) < 300


def test_an_error_after_many_remarks_counts() -> None:
    """However many warnings come first, the document is refused."""
    many = {f"unknown {number}": 1 for number in range(10_000)}

    reading = read_cluster({**many, **full_with(f"{NODE}/count", -1)}, file="f")

    assert reading.cluster is None
    assert [f.pointer for f in reading.findings if f.level is Level.ERROR] == [f"{NODE}/count"]


#: What stands in objects whose members' names are free.
_VALUES: dict[str, Any] = {
    "endpoints": {"port": 1},
    "items": {},
    "groups": ["load"],
    "display_tabs": {"cmd": "x"},
    "reserved_ips": {},
}


def _parent(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:-1]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document
