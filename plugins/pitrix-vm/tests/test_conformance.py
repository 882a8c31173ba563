"""The contract's own suite, with a package of each dialect."""

import pytest
from vm_packages import VM, cluster_json, config_json, group, leaf, node, package

from pitrix_core.package import Package
from pitrix_core.testing.app_type_suite import AppTypeSuite
from pitrix_vm.apptype import VmAppType

SERVICES = {
    "init": {"cmd": "init", "post_start_service": True},
    "start": {"cmd": "start", "order": 1},
    "stop": {"cmd": "stop"},
    "destroy": {"cmd": "destroy"},
}
QUOTED = cluster_json(
    node(
        "db",
        volume={"size": "{{.cluster.db.size}}", "class": 3},
        services=SERVICES,
        env={"port": "{{.env.db.port}}", "password": "{{.env.password}}"},
    ),
    node("web"),
    endpoints={"sql": {"port": "db.env.port", "protocol": "tcp"}},
)
BARE = """{
  "name": {{cluster.name}}, "vxnet": {{cluster.subnet}},
  "nodes": [{
    "container": {"type": "kvm", "image": "i"}, "count": {{cluster.db.count}},
    "volume": {"size": {{cluster.db.size}}, "mount_point": ["/data", "/data2"]},
    "services": {"start": {"cmd": "start"}}
  }],
  "env": {"db.port": {{env.db.port}}}
}"""


class TestQuotedTags(AppTypeSuite):
    """A package in the OpenPitrix dialect."""

    @pytest.fixture
    def app_type(self) -> VmAppType:
        """Return the type."""
        return VM

    @pytest.fixture
    def package(self) -> Package:
        """Return the package."""
        return package(QUOTED)


class TestBareTags(AppTypeSuite):
    """A package in the AppCenter dialect, whose one role has no name."""

    @pytest.fixture
    def app_type(self) -> VmAppType:
        """Return the type."""
        return VM

    @pytest.fixture
    def package(self) -> Package:
        """Return the package."""
        return package(BARE)


class TestLinked(AppTypeSuite):
    """A package whose cluster needs another one."""

    @pytest.fixture
    def app_type(self) -> VmAppType:
        """Return the type."""
        return VM

    @pytest.fixture
    def package(self) -> Package:
        """Return the package."""
        form = config_json(
            group("cluster", leaf("zk", "service", default=""), group("db", leaf("count"))),
        )
        cluster = cluster_json(node("db", count=1), links={"zk": "{{.cluster.zk}}"})
        return package({**cluster, "name": "", "subnet": ""}, form=form)
