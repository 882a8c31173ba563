"""What a cluster document says, as records."""

from typing import Any

import attrs
import pytest
from full_cluster import full, full_with

from pitrix_core.model import DisplayTab, ImageChoice, ImageQuery
from pitrix_vm.cluster import (
    ClusterDocument,
    HealthCheck,
    InPlaceCopy,
    InPlaceUpgrade,
    MonitorItem,
    NodeNames,
    Role,
    Service,
    Volume,
    read_cluster,
)


def cluster_of(document: Any) -> ClusterDocument:
    """Return a document's cluster."""
    cluster = read_cluster(document, file="f").cluster
    assert cluster is not None
    return cluster


def role_of(document: Any) -> Role:
    """Return a document's first role."""
    return cluster_of(document).roles[0]


def role_with(**members: Any) -> Role:
    """Return the role of a document with nothing else."""
    node = {"role": "db", "container": {}, "count": 1, "cpu": 1, "memory": 512, **members}
    return role_of({"nodes": [node]})


def test_a_cluster_is_read_in_full() -> None:
    """Every member of the document is somewhere in its record."""
    cluster = attrs.evolve(cluster_of(full()), roles=(), env={})

    assert cluster == ClusterDocument(
        name="shop",
        description="a shop",
        network="vxnet-1",
        roles=(),
        endpoints={
            "sql over tcp": {"port": 5432, "protocol": "tcp"},
            "web.ui": {"port": 80, "protocol": "http, for people"},
        },
        reserved_ips={"vip": ""},
        links={"zk": "cl-9", "none": ""},
        has_metadata_root_access=True,
        display_tabs=(
            DisplayTab(
                title="Users",
                cmd="users",
                roles=("db",),
                description="who is there",
                timeout_s=10,
            ),
        ),
        advanced_actions=frozenset(
            {"change_vxnet", "scale_horizontal", "associate_eip", "add_nodes"}
        ),
        unsupported_actions=frozenset({"rollback"}),
        backup_policy="device",
        supports_incremental_backup=True,
        upgrade_policy=("appv-1",),
        upgrading_policy="in-place-sequential",
        in_place_upgrades=(
            InPlaceUpgrade(
                snapshot="ss-1",
                zone="z",
                copies=(
                    InPlaceCopy(
                        role="db",
                        mount_point="/upgrade",
                        mount_options="ro",
                        filesystem="ext4",
                        source="/upgrade/bin",
                        destination="/opt/bin",
                    ),
                ),
            ),
        ),
        upgrade_roles=("db",),
        added_links=("zk",),
        needs_tag=True,
        needs_api_server=True,
        hidden_columns=("private_ip",),
        node_names=NodeNames(cmd="names", timeout_s=5),
        multi_zone_policy="round_robin",
        custom_tags=["one"],
        nas_id="nas-1",
    )


def test_a_role_is_read_in_full() -> None:
    """Services, checks and monitors are tried on their own."""
    role = role_of(full())
    cleared = attrs.evolve(
        role, services={}, image=ImageQuery(image=""), env={}, extra_quota={}, net=None
    )

    assert attrs.evolve(cleared, health_check=HealthCheck(), monitor=role_with().monitor) == Role(
        name="db",
        replicas_per_node=2,
        image=ImageQuery(image=""),
        image_zone="z",
        has_sriov_nic=True,
        preferred_container="lxc",
        count=3,
        cpu=2,
        cpu_model="any",
        memory_mib=2048,
        gpu=1,
        gpu_class="0",
        instance_class="101",
        volume=Volume(
            size_gib=60,
            mount_points=("/data", "/data2", "/log"),
            filesystem="xfs",
            mount_options="defaults,noatime",
            volume_class="3",
        ),
        reserved_ips={"own": ""},
        passphraseless="ssh-rsa",
        token_cmd="token",
        load_balancers=({"listener": "lbl-1", "port": 80, "policy": "lbp-1"},),
        vertical_scaling_policy="sequential",
        advanced_actions=frozenset({"scale_horizontal"}),
        unsupported_actions=frozenset({"stop"}),
        has_user_access=True,
        eip_class="base",
        server_id_upper_bound=5,
        nas_mount_point="/nas",
        os_reset=True,
        nic_multiqueue=1,
    )
    assert (role.env, role.net) == ({"own": "x"}, {"vxnet": "x", "ib": 1, "base": True})
    assert role.extra_quota["volume"] == {"size": 10, "count": 1, "class": 3}


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param({"cmd": " x "}, Service(name="start", cmd="x"), id="defaults"),
        pytest.param(
            {
                "cmd": "x",
                "order": 2,
                "timeout": 30,
                "nodes_to_execute_on": 1,
                "post_start_service": True,
                "post_stop_service": True,
                "allow_force": False,
                "pre_check": "p",
                "service_params": {"a": None},
                "with_replica": True,
                "event": "upgrade",
                "selector": "s",
                "cleanup": "c",
                "type": "custom",
                "colour": "red",
            },
            Service(
                name="start",
                cmd="x",
                order=2,
                timeout_s=30,
                nodes_to_execute_on=1,
                is_custom=True,
                is_post_start=True,
                is_post_stop=True,
                allows_force=False,
                pre_check="p",
                params={"a": None},
                is_with_replica=True,
                events=("upgrade",),
                selector="s",
                cleanup="c",
                extra={"colour": "red"},
            ),
            id="all",
        ),
    ],
)
def test_a_service_is_read(service: dict[str, Any], expected: Service) -> None:
    """What is not given has the documented default; what is not known is kept."""
    assert role_with(services={"start": service}).services["start"] == expected


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        pytest.param({"size": 0}, None, id="none"),
        pytest.param(
            {"size": 10},
            Volume(
                size_gib=10,
                mount_points=("/data",),
                filesystem="ext4",
                mount_options="defaults,noatime",
            ),
            id="defaults",
        ),
        pytest.param(
            {"size": 10, "filesystem": "xfs"},
            Volume(
                size_gib=10,
                mount_points=("/data",),
                filesystem="xfs",
                mount_options="rw,noatime,inode64,allocsize=16m",
            ),
            id="xfs",
        ),
        pytest.param(
            {"size": 20, "mount_point": ["d:", "e:"]},
            Volume(size_gib=20, mount_points=("d:", "e:"), filesystem="ntfs", mount_options=""),
            id="drives",
        ),
        pytest.param(
            {"size": 20, "filesystem": "ntfs"},
            Volume(size_gib=20, mount_points=("d:",), filesystem="ntfs", mount_options=""),
            id="windows",
        ),
    ],
)
def test_a_volume_is_read(volume: dict[str, Any], expected: Volume | None) -> None:
    """File system and options follow from what is given."""
    assert role_with(volume=volume).volume == expected


def test_a_health_check_has_defaults() -> None:
    """Source: AppCenter's specification."""
    assert role_with().health_check == HealthCheck(
        is_enabled=False,
        interval_s=60,
        timeout_s=10,
        action_timeout_s=30,
        healthy_threshold=3,
        unhealthy_threshold=3,
    )


def test_a_roles_own_checks_win_one_by_one() -> None:
    """What the role does not say is the cluster's."""
    assert role_of(full()).health_check == HealthCheck(
        is_enabled=True,
        interval_s=60,
        timeout_s=10,
        action_timeout_s=30,
        healthy_threshold=2,
        unhealthy_threshold=4,
        check_cmd="check",
        action_cmd="mend",
    )


def test_a_roles_own_monitor_wins_one_by_one() -> None:
    """Items are one member: the role's replace the cluster's."""
    monitor = role_of(full()).monitor

    assert (monitor.is_enabled, monitor.cmd) == (True, "measure")
    assert monitor.items == (
        MonitorItem(name="load", unit="%", statistics_type="rate", scale=0.01),
        MonitorItem(
            name="mode",
            value_type="str",
            statistics_type="latest",
            choices=("leader", "follower"),
        ),
    )
    assert monitor.groups == {"Load": ("load",)}
    assert (monitor.display, monitor.alarm) == (("load",), ("load",))


def test_bare_metal_names_its_class_in_its_own_way() -> None:
    """There is one word for the class of a machine."""
    assert role_with(instance_type="bm-1").instance_class == "bm-1"


@pytest.mark.parametrize(
    ("written", "taken"), [(101, "101"), (101.0, "101"), ("fast", "fast"), (0, "0")]
)
def test_a_class_is_a_text(written: Any, taken: str) -> None:
    """Whatever it is written as."""
    role = role_with(instance_class=written, gpu_class=written)

    assert (role.instance_class, role.gpu_class) == (taken, taken)


def test_what_is_not_known_is_kept() -> None:
    """Nothing of a package is lost."""
    cluster = cluster_of({**full_with("/nodes/0/colour", "red"), "smell": 1})

    assert (cluster.extra, cluster.roles[0].extra) == ({"smell": 1}, {"colour": "red"})


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        pytest.param({}, ImageQuery(image=""), id="default"),
        pytest.param({"image": ""}, ImageQuery(image=""), id="empty"),
        pytest.param({"image": "img-1", "type": "lxc"}, ImageQuery(image="img-1", container="lxc")),
        pytest.param(
            {"image": {"aws": "ami-1"}},
            ImageQuery(image="", choices=(ImageChoice(provider="aws", image="ami-1"),)),
            id="one-provider",
        ),
        pytest.param(
            {"image": {"aws": {"eu-1": "ami-1", "default": "ami-2"}, "default": "img-1"}},
            ImageQuery(
                image="img-1",
                choices=(
                    ImageChoice(provider="aws", region="eu-1", image="ami-1"),
                    ImageChoice(provider="aws", image="ami-2"),
                ),
            ),
            id="regions-and-defaults",
        ),
    ],
)
def test_an_image_is_named_once_or_for_each_cloud(
    container: dict[str, Any], expected: ImageQuery
) -> None:
    """The name ``default`` stands for what is not named."""
    assert role_with(container=container).image == expected
