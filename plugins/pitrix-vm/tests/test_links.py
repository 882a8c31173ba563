"""A configuration's links to other clusters, each with the parameter that names the cluster."""

from typing import Any

import pytest
from vm_packages import VM, cluster_json, config_json, group, leaf, node, parsed

from pitrix_core.errors import TemplateRenderError
from pitrix_core.model import Link

FORM = config_json(
    group(
        "cluster",
        leaf("name", "string", default="app"),
        leaf("subnet", "string", default=""),
        leaf("zk", "service", default="", limits={"app-zk": ["appv-1", "appv-2"], "app-etcd": []}),
        leaf("my.db", "service", default=""),
        group("db", leaf("count", default=1), leaf("peer", "service", default="")),
    ),
)
LIMITS = {"app-zk": ("appv-1", "appv-2"), "app-etcd": ()}


def links(cluster: dict[str, Any], **of: str) -> dict[str, Link]:
    """Return the links of a package with these links, and these values below ``cluster``."""
    spec = parsed(cluster_json(node("db"), links=of), form=FORM)
    return dict(VM.links(spec, {"cluster": cluster}))


def test_a_link_is_known_by_its_parameter() -> None:
    """With the parameter's place and limits."""
    found = links({"zk": "cl-1"}, zk="{{.cluster.zk}}")

    assert found == {"zk": Link(cluster_id="cl-1", pointer="/cluster/zk", limits=LIMITS)}


def test_a_package_without_links_has_none() -> None:
    """Whatever its form asks for."""
    assert links({"zk": "cl-1"}) == {}


def test_an_empty_link_is_told_too() -> None:
    """It is for the core to leave it out."""
    found = links({"zk": ""}, zk="{{.cluster.zk}}")

    assert found["zk"].cluster_id == ""


@pytest.mark.parametrize(
    ("cluster", "tag", "pointer"),
    [
        pytest.param({"my.db": "cl-2"}, "{{.cluster.my.db}}", "/cluster/my.db", id="key-with-dot"),
        pytest.param(
            {"db": {"peer": "cl-2"}}, "{{.cluster.db.peer}}", "/cluster/db/peer", id="of-a-role"
        ),
    ],
)
def test_a_parameter_may_be_called_otherwise(
    cluster: dict[str, Any], tag: str, pointer: str
) -> None:
    """It is found by its value, wherever it stands."""
    assert links(cluster, other=tag)["other"].pointer == pointer


def test_of_two_parameters_with_one_value_each_link_has_its_own() -> None:
    """One cluster may be linked twice."""
    cluster = {"zk": "cl-1", "db": {"peer": "cl-1"}}

    found = links(cluster, peer="{{.cluster.db.peer}}", zk="{{.cluster.zk}}")

    assert {name: link.pointer for name, link in found.items()} == {
        "peer": "/cluster/db/peer",
        "zk": "/cluster/zk",
    }


def test_a_link_of_the_packages_own_has_no_parameter() -> None:
    """Nobody can set it."""
    assert links({"zk": ""}, db="cl-7") == {"db": Link(cluster_id="cl-7")}


def test_a_template_that_gives_no_cluster_has_no_links() -> None:
    """The error says why."""
    with pytest.raises(TemplateRenderError):
        links({"db": {"count": -1}}, zk="{{.cluster.zk}}")


def test_a_link_without_a_parameter_is_remarked_on() -> None:
    """Nobody could choose its cluster; the others are fine."""
    links = {"zk": "{{.cluster.zk}}", "fixed": "cl-9"}
    spec = parsed(cluster_json(node("db"), links=links), form=FORM)

    found = [(f.code, f.pointer) for f in VM.validate(spec)]
    assert found == [("cluster.link", "/links/fixed")]
