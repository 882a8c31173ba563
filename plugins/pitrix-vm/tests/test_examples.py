"""The packages and images of the repository's examples: checked, and one of them run for real.

They are beside this distribution in the repository only; without them, there is nothing to check.
"""

import importlib
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest
from vm_packages import VM, metadata_request, parsed_folder, planned, snapshot

from pitrix_core.model import PlanDraft
from pitrix_core.package import build_archive, read_archive
from pitrix_vm.spec import VmSpec

EXAMPLES = Path(__file__).parents[3] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("images/*/**/*.sh"))

pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="in a checkout, for its examples: cd plugins/pitrix-vm && pytest"
)


@pytest.fixture(params=sorted(p.name for p in EXAMPLES.glob("packages/*")))
def spec(request: pytest.FixtureRequest) -> VmSpec:
    """Each example as it is read from the archive that is built of it."""
    return parsed_folder(EXAMPLES / "packages" / request.param)


def test_an_example_is_without_remarks(spec: VmSpec) -> None:
    """What is shown as an example has no findings, and can be planned as it is."""
    draft = planned(spec)

    assert VM.validate(spec) == []
    assert draft.nodes
    assert draft.endpoints


def test_an_example_brings_its_images(spec: VmSpec) -> None:
    """Every image is a folder beside the packages."""
    names = {query.image for query in VM.images(spec, {})}

    assert {name for name in names if (EXAMPLES / "images" / name).is_dir()} == names


def test_an_archive_of_an_example_is_always_the_same() -> None:
    """Two builds give one digest."""
    folder = EXAMPLES / "packages/etcd"

    assert build_archive(folder).digest == read_archive(build_archive(folder).content).digest


@pytest.mark.parametrize("script", [pytest.param(path, id=path.name) for path in SCRIPTS])
def test_a_script_is_one_of_every_shell(script: Path) -> None:
    """The shell reads it, and every absolute path in it begins with the machine's root."""
    checked = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False)

    code = re.sub(r"(?m)^\s*#.*$", "", script.read_text())
    assert (checked.returncode, checked.stderr) == (0, "")
    assert not re.search(r"""[\s"'=](?!/proc/|/dev/null)/[a-z]""", code)


# -- the example etcd, run by its own scripts ------------------------------------------------------


@attrs.frozen
class Member:
    """A machine without a root of its own."""

    root: Path
    address: str

    def start_of(self, script: str) -> subprocess.Popen[str]:
        """Start one of the image's scripts."""
        return subprocess.Popen(
            [str(self.root / "opt/etcd/bin" / script)],
            env={**os.environ, "PITRIX_ROOT": str(self.root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, script: str) -> tuple[int, str]:
        """Run one of the image's scripts."""
        process = self.start_of(script)
        output, _ = process.communicate(timeout=50)
        return process.returncode, output


def free_ports(addresses: list[str]) -> tuple[int, int]:
    """Return two ports that are free at all the addresses."""
    with socket.socket() as one, socket.socket() as two:
        one.bind((addresses[0], 0))
        two.bind((addresses[0], 0))
        return one.getsockname()[1], two.getsockname()[1]


def with_addresses(draft: PlanDraft, addresses: list[str]) -> Mapping[str, dict[str, str]]:
    """Return the facts of each node's machine."""
    pairs = zip(draft.nodes, addresses, strict=True)
    return {node.id: {"id": f"i-{node.sid}", "ip": address} for node, address in pairs}


@pytest.fixture
def members(tmp_path: Path) -> Iterator[list[Member]]:
    """Three machines with the image, configured as a drone would; stopped at the end."""
    render = pytest.importorskip(
        "pitrix_drone.render", reason="pip install ../../agents/pitrix-drone"
    )
    config_module = importlib.import_module("pitrix_drone.config")
    if shutil.which("etcd") is None or shutil.which("etcdctl") is None:
        pytest.skip("needs etcd and etcdctl on PATH: apt-get install etcd-server etcd-client")
    addresses = ["127.77.0.1", "127.77.0.2", "127.77.0.3"]
    client, peer = free_ports(addresses)
    config = {"env": {"etcd": {"client_port": client, "peer_port": peer}}}
    package = parsed_folder(EXAMPLES / "packages/etcd")
    draft = planned(package, config)
    facts = with_addresses(draft, addresses)
    current = snapshot(draft)
    nodes = tuple(attrs.evolve(node, facts=facts[node.id]) for node in current.nodes)
    metadata = VM.metadata(package, metadata_request(attrs.evolve(current, nodes=nodes), config))
    made = []
    for node, address in zip(draft.nodes, addresses, strict=True):
        root = tmp_path / f"machine {node.sid}"  # a blank, as users' folders have
        shutil.copytree(EXAMPLES / "images/etcd", root)
        own = {**metadata.shared, **metadata.roles["etcd"], **metadata.nodes[node.id]}
        renderer = render.Renderer(
            config_module.Layout(root=str(root)),
            prefix="/",
            dialect="openpitrix",
            commands=render.NoCommands(stop=None, scratch=tmp_path),
        )
        assert not renderer.render({f"/self/{path}": own[path] for path in own}).problems
        made.append(Member(root=root, address=f"http://{address}:{client}"))
    try:
        yield made
    finally:
        for member in made:
            member.run("stop.sh")


@pytest.mark.timeout(120)
def test_the_example_etcd_becomes_a_cluster(members: list[Member]) -> None:
    """Started at a time, the members find one another, and share what is written to one."""
    assert [member.run("init.sh")[0] for member in members] == [0, 0, 0]
    starts = [member.start_of("start.sh") for member in members]
    outputs = [process.communicate(timeout=50)[0] for process in starts]
    assert [process.returncode for process in starts] == [0, 0, 0], outputs

    control = ["etcdctl", "--endpoints"]
    subprocess.run([*control, members[0].address, "put", "k", "v"], check=True, timeout=20)
    read = subprocess.run(
        [*control, members[2].address, "get", "k", "-w", "json"],
        check=True,
        capture_output=True,
        timeout=20,
    )

    assert json.loads(read.stdout)["count"] == 1
    assert members[1].run("health.sh") == (0, "")
    assert members[1].run("start.sh")[0] == 0  # running already
    assert members[1].run("stop.sh") == (0, "")
    assert members[1].run("stop.sh") == (0, "")  # stopped already
    assert members[1].run("health.sh") == (1, "etcd: it does not run\n")


def test_a_member_that_cannot_run_says_so_at_once(members: list[Member]) -> None:
    """Its last words are in the output, for the task that ran the script."""
    member = members[0]
    settings = member.root / "opt/etcd/etc/etcd.env"
    settings.write_text(settings.read_text() + "export ETCD_SNAPSHOT_COUNT=none\n")

    code, output = member.run("start.sh")

    assert code == 1
    assert "it ended at once" in output
    assert "none" in output
