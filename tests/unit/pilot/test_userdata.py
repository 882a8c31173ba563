"""The user-data configure, start and keep an agent running, with a shell and Python alone."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

import attrs
import pytest
from booting import RECORDER, Machine, Server

HOSTILE = [
    "PITRIX_CONFIG",
    "\nPITRIX_CONFIG\ntouch /tmp/owned\n",
    "$(touch /tmp/owned) `id` ${HOME} \\ \" ' ; & |",
    "{{ agent }} {% raw %} ünïcödé \u2028 \x07",
]


@pytest.mark.parametrize("agent_name", ["drone", "frontgate", "other"])
@pytest.mark.parametrize("value", HOSTILE, ids=["marker", "line", "shell", "template"])
def test_the_script_is_sound_whatever_is_in_the_configuration(
    machine: Machine, value: str, agent_name: str
) -> None:
    """The shell can read it to its end."""
    script = machine.script({"password": value}, agent=agent_name)

    checked = subprocess.run(
        ["/bin/sh", "-n"], input=script, capture_output=True, text=True, check=False
    )

    assert script.startswith("#!/bin/sh\n")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "busybox sh"])
def test_the_agent_is_started_with_its_configuration(machine: Machine, shell: str) -> None:
    """Which only its user may read, and which arrives as it was, whatever is in it."""
    program = shell.partition(" ")[0]
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}: apt-get install {program}")
    config = {f"value-{number}": value for number, value in enumerate(HOSTILE)}

    done = machine.boot(machine.script(config), shell=shell)

    assert done.returncode == 0, done.stderr
    assert machine.said["config"] == config
    assert machine.said["mode"] == 0o600
    assert machine.said["arguments"] == [
        "run",
        "--config",
        f"{machine.root}/etc/pitrix/drone.json",
    ]
    assert (machine.root / "var/lib/pitrix/drone").is_dir()
    assert not Path("/tmp/owned").exists()  # noqa: S108  # what the hostile values would make


def test_what_the_agent_writes_is_readable_as_usual(machine: Machine) -> None:
    """The mask that keeps its configuration private is not handed on to the application."""
    machine.boot(machine.script())

    assert machine.said["umask"] == 0o022


def test_a_machine_without_python_is_told_so(machine: Machine) -> None:
    """There is nothing to run the agent with."""
    for name in ("sh", "cat", "mkdir", "mv"):
        (machine.programs / name).symlink_to(shutil.which(name) or "")

    done = machine.boot(machine.script(), path=str(machine.programs))

    assert done.returncode == 1
    assert "needs Python 3.9 or newer" in done.stderr


# -- keeping it running ----------------------------------------------------------------------------


#: An agent that is killed the first time, fails the second, and ends well the third.
_DYING = """
import os, signal, sys
with open(os.environ["PITRIX_ROOT"] + "/starts", "a+") as file:
    file.write("x")
    file.flush()
    file.seek(0)
    starts = len(file.read())
if starts == 1:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(1 if starts == 2 else 0)
"""


def test_an_agent_that_dies_is_started_again(
    machine: Machine, server: Server, tmp_path: Path
) -> None:
    """Until it ends well, as it does when it is told to end."""
    (tmp_path / "source/__main__.py").write_text(_DYING)
    zipapp.create_archive(tmp_path / "source", tmp_path / "dying.pyz")
    server.content = (tmp_path / "dying.pyz").read_bytes()
    machine.file = attrs.evolve(
        machine.file,
        sha256=hashlib.sha256(server.content).hexdigest(),
        size_bytes=len(server.content),
    )

    done = machine.boot(machine.script(again_s=0))

    assert done.returncode == 0
    assert (machine.root / "starts").read_text() == "xxx"
    assert done.stderr.count("the drone ended; it is started again in 0 s") == 2


def test_systemd_gets_a_unit_that_a_reboot_starts(machine: Machine) -> None:
    """The script itself ends, so that the machine's start can go on."""
    machine.put_systemd_in_charge()

    done = machine.boot(machine.script(), instance="")

    assert done.returncode == 0, done.stderr
    assert machine.calls() == [
        "systemctl daemon-reload",
        "systemctl enable pitrix-drone.service",
        "systemctl --no-block restart pitrix-drone.service",
    ]
    unit = (machine.root / "etc/systemd/system/pitrix-drone.service").read_text()
    assert f"-I -S {machine.agent} run --config {machine.root}/etc/pitrix/drone.json\n" in unit


def test_a_second_run_disturbs_no_agent_at_work(machine: Machine) -> None:
    """One that stands still is started."""
    machine.put_systemd_in_charge()
    machine.boot(machine.script(), instance="")
    machine.calls()

    machine.boot(machine.script(), instance="")

    assert machine.calls()[-1] == "systemctl --no-block start pitrix-drone.service"


def test_a_new_configuration_is_taken_up(machine: Machine) -> None:
    """By an agent that is at work already."""
    machine.put_systemd_in_charge()
    machine.boot(machine.script(), instance="")
    machine.calls()

    machine.boot(machine.script({"role": "web"}), instance="")

    assert machine.calls()[-1] == "systemctl --no-block restart pitrix-drone.service"


def test_an_image_may_run_its_agent_its_own_way(machine: Machine, server: Server) -> None:
    """A unit that it brings is given a configuration, and started; that is all."""
    machine.put_systemd_in_charge()
    own = machine.root / "usr/lib/systemd/system/pitrix-drone.service"
    own.parent.mkdir(parents=True)
    own.touch()

    done = machine.boot(machine.script({"role": "web"}), instance="")

    assert done.returncode == 0, done.stderr
    assert server.requests == 0
    assert not machine.agent.exists()
    assert not (machine.root / "etc/systemd").exists()
    config = json.loads((machine.root / "etc/pitrix/drone.json").read_text())
    assert config == {"role": "web"}
    assert machine.calls()[-1] == "systemctl --no-block restart pitrix-drone.service"


@pytest.mark.parametrize("agent_name", ["drone", "frontgate", "other"])
def test_systemd_understands_the_unit(machine: Machine, agent_name: str) -> None:
    """Every word of it."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    machine.put_systemd_in_charge()
    (machine.root / "etcd").touch()
    machine.boot(machine.script(agent=agent_name), instance="")
    unit = machine.root / f"etc/systemd/system/pitrix-{agent_name}.service"

    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    about_it = [line for line in found.stderr.splitlines() if "pitrix" in line]
    assert about_it == []
    assert "ExecStart=" in unit.read_text()


# -- a Frontgate's etcd ----------------------------------------------------------------------------


#: Installs an etcd, as far as the agent of these tests can tell.
_APT_GET = (
    RECORDER
    + """
case "$*" in *install*) touch "$PITRIX_ROOT/etcd";; esac
"""
)


def test_a_frontgate_without_etcd_has_it_installed(machine: Machine) -> None:
    """The package's own service is kept from taking its place."""
    machine.add_program("apt-get", _APT_GET)

    done = machine.boot(machine.script(agent="frontgate"), instance="")

    assert done.returncode == 0, done.stderr
    update, install = machine.calls()
    assert update.endswith(" update")
    assert install.endswith(" install --no-install-recommends etcd-server")
    masked = machine.root / "etc/systemd/system/etcd.service"
    assert masked.readlink() == Path("/dev/null")
    assert machine.said["arguments"][0] == "run"


@pytest.mark.parametrize("instance", ["", "i-1"], ids=["own-machine", "guest"])
def test_nothing_is_installed_that_is_there(machine: Machine, instance: str) -> None:
    """Nor on a system that has other guests, where it is the operator's business."""
    machine.add_program("apt-get")
    if not instance:
        (machine.root / "etcd").touch()

    done = machine.boot(machine.script(agent="frontgate"), instance=instance)

    assert done.returncode == 0, done.stderr
    assert machine.calls() == []


@pytest.mark.parametrize(
    ("apt_get", "said"),
    [
        pytest.param("#!/bin/sh\nexit 100\n", "etcd-server could not be installed", id="fails"),
        pytest.param(RECORDER, "the etcd of this distribution is not fit", id="too-old"),
    ],
)
def test_a_frontgate_that_cannot_have_etcd_says_so(
    machine: Machine, apt_get: str, said: str
) -> None:
    """And what to do about it."""
    machine.add_program("apt-get", apt_get)

    done = machine.boot(machine.script(agent="frontgate"), instance="")

    assert done.returncode == 1
    assert said in done.stderr
    assert "use an image" in done.stderr


@pytest.mark.parametrize("apt_get", [RECORDER, "#!/bin/sh\nexit 100\n"], ids=["there", "fails"])
def test_a_frontgate_gets_a_registry_where_images_are_mirrored(
    machine: Machine, apt_get: str
) -> None:
    """As far as there is one: nothing else depends on it."""
    (machine.root / "etcd").touch()
    machine.add_program("apt-get", apt_get)
    script = machine.script({"image_mirror": "https://mirror.example"}, agent="frontgate")

    done = machine.boot(script, instance="", path=_without("docker-registry", machine.programs))

    assert done.returncode == 0, done.stderr
    assert [call.split()[-1] for call in machine.calls()] in (["docker-registry"], [])
    assert ("could not be installed" in done.stderr) is (apt_get is not RECORDER)
    assert machine.said["arguments"][0] == "run"


def _without(program: str, folder: Path) -> str:
    """Return a PATH that lacks a program, which this machine may have."""
    for name in ("sh", "cat", "mkdir", "mv", "rm", "ln"):
        (folder / name).symlink_to(shutil.which(name) or "")
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    assert not (folder / program).exists()
    return str(folder)
