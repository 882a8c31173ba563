"""What a machine sees, what is its own, and that the host stays as it is."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from local_kit import Host, provider_on

from pitrix_local.commands import namespace_refusal
from pitrix_local.machine import processes

#: Folders that a machine has for itself.
OWN_FOLDERS = ("/opt", "/data", "/etc", "/var/lib", "/var/log", "/root", "/home", "/run", "/")

#: User number of nobody on Debian and others.
_NOBODY = 65534
_HERE = Path(__file__).parent
_AS_NOBODY = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
_AS_ANOTHER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from local_kit import Host, provider_on
root = Path(sys.argv[2], "root")
host = Host(provider_on(root, "auto"), root, "")
machine = host.create("id -u; mkdir /data; touch /data/x; ls -d /data; echo END")
print(host.get(machine).details["mode"], host.printed(machine, "END"))
host.delete(machine)
"""


def test_an_image_is_laid_over_the_root(image_host: Host) -> None:
    """Its files are at their places, and the host's stay beside them."""
    host = image_host
    machine_id = host.create(
        "cat $R/opt/app/version $R/etc/confd/node.toml; test -e /etc/passwd && echo END",
        image="app",
    )

    printed = host.printed(machine_id, "END")
    assert printed.splitlines() == ["1", "[template]", "END"]


def test_a_machine_cannot_change_its_image(image_host: Host, image_folder: Path) -> None:
    """Writing changes the machine's own copy."""
    machine_id = image_host.create("echo 2 > $R/opt/app/version; echo END", image="app")

    image_host.printed(machine_id, "END")
    assert (image_folder / "app/opt/app/version").read_text() == "1\n"
    assert image_host.own(machine_id, "/opt/app/version").read_text() == "2\n"


def test_two_machines_have_one_port_each_at_their_own_addresses(host: Host) -> None:
    """No machine has to know of the other's ports."""
    serve = (
        "mkdir -p $R/srv; cd $R/srv; echo $PITRIX_ADDRESS > me; "
        'exec python3 -m http.server 18080 --bind "$PITRIX_ADDRESS"'
    )
    ids = [host.create(serve, key=f"k-{number}") for number in (1, 2)]

    answers = [_fetch(host.get(machine_id).ip, 18080) for machine_id in ids]

    assert answers == [host.get(machine_id).ip for machine_id in ids]


def test_absolute_paths_are_a_machines_own(namespace_host: Host) -> None:
    """Each machine has its own /opt, /data, /etc and /var, and the host has neither."""
    mark = f"pitrix-test-{time.monotonic_ns()}"
    write = (
        f"for f in {' '.join(OWN_FOLDERS)}; do mkdir -p $f; hostname > $f/{mark}; done; echo END"
    )
    one = namespace_host.create(write, key="k-1", hostname="one")
    two = namespace_host.create(write, key="k-2", hostname="two")

    for machine_id in (one, two):
        namespace_host.printed(machine_id, "END")
    assert namespace_host.own(one, f"/opt/{mark}").read_text() == "one\n"
    assert namespace_host.own(two, f"/opt/{mark}").read_text() == "two\n"
    for folder in OWN_FOLDERS:
        assert not os.path.lexists(f"{folder}/{mark}")


def test_the_host_can_be_read_and_not_written(namespace_host: Host) -> None:
    """Neither by its own names nor behind the view of it."""
    mark = f"pitrix-test-{time.monotonic_ns()}"
    machine_id = namespace_host.create(
        f"touch /usr/{mark} /.host/tmp/{mark} /sys/{mark}; ls /usr/bin/env; echo END"
    )

    printed = namespace_host.printed(machine_id, "END")
    assert printed.count("cannot touch") == 3
    assert "/usr/bin/env" in printed
    assert not Path("/usr", mark).exists()
    assert not Path("/tmp", mark).exists()  # noqa: S108 - the very folder is meant


def test_programs_of_the_host_work_inside(namespace_host: Host) -> None:
    """A shell, Python with certificates, names of users and hosts, and the kernel's folders."""
    machine_id = namespace_host.create(
        "python3 -c 'import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 9)'\n"
        "getent hosts localhost node-1 >/dev/null && echo NAMES; id -un; hostname\n"
        "echo x > /dev/null && test -r /proc/self/stat && echo KERNEL; echo END",
        hostname="node-1",
    )

    printed = namespace_host.printed(machine_id, "END").splitlines()
    assert printed == ["True", "NAMES", "root", "node-1", "KERNEL", "END"]


def test_a_machine_sees_its_own_processes_only(namespace_host: Host) -> None:
    """It cannot even name one of the host's."""
    machine_id = namespace_host.create(
        "cat /proc/1/environ | tr '\\0' '\\n' | grep PITRIX_INSTANCE; ls -d /proc/[0-9]* | wc -l"
        "; echo END"
    )

    own, count, _end = namespace_host.printed(machine_id, "END").splitlines()
    assert own == f"PITRIX_INSTANCE={machine_id}"
    assert int(count) < 10


def test_an_image_may_add_to_folders_of_the_host(namespace_host: Host, image_folder: Path) -> None:
    """A program in /usr/local/bin, and one in /bin though that is a link on the host."""
    provider = provider_on(namespace_host.root, "namespace", images=(str(image_folder),))
    image_host = Host(provider, namespace_host.root, "namespace")
    for folder in ("usr/local/bin", "bin"):
        program = image_folder / "app" / folder / f"own-{folder.partition('/')[0]}"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\necho OWN\n")
        program.chmod(0o755)

    machine_id = image_host.create(
        "export PATH=/usr/local/bin:/usr/bin:/bin; own-usr; own-bin; /bin/ls -d /usr/bin /usr/lib; "
        "echo END",
        image="app",
    )

    printed = image_host.printed(machine_id, "END").splitlines()
    assert printed == ["OWN", "OWN", "/usr/bin", "/usr/lib", "END"]


def test_a_folder_of_path_below_a_hidden_one_is_seen(
    root: Path, tmp_path: Path, refusal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host's /tmp is not the machine's, but a program of PATH in it is."""
    if refusal:
        pytest.skip(f"no namespaces here ({refusal}); try: sysctl user.max_user_namespaces=10000")
    tool = tmp_path / "bin/our-tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho TOOL\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    host = Host(provider_on(root, "namespace"), root, "namespace")

    machine_id = host.create("our-tool")

    host.printed(machine_id, "TOOL")


def test_a_link_of_an_image_does_not_lead_out_of_the_machine(
    image_host: Host, image_folder: Path, tmp_path: Path
) -> None:
    """Before a machine has its root, its paths are the host's: such an image is refused."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (image_folder / "app/var").symlink_to(outside)

    with pytest.raises(AssertionError, match="leads out of the machine"):
        image_host.create(image="app")

    assert list(outside.iterdir()) == []


def test_a_trial_of_namespaces_leaves_nothing(tmp_path: Path) -> None:
    """Neither files, nor mounts, nor processes."""
    namespace_refusal(tmp_path)

    assert list(tmp_path.iterdir()) == []
    assert processes.marked("probe") == []
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def test_another_user_can_have_namespaces() -> None:
    """Root is not needed where the host allows user namespaces."""
    trial = [*_AS_NOBODY, "unshare", "-Urm", sys.executable, "-c", "import pitrix_local"]
    tried = subprocess.run(trial, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"nobody has no namespaces here; try as root: {shlex.join(trial)}")
    with tempfile.TemporaryDirectory(prefix="pitrix-nobody-") as place:
        shutil.chown(place, user=_NOBODY)
        command = [
            *_AS_NOBODY,
            sys.executable,
            "-c",
            _AS_ANOTHER,
            str(Path(__file__).parent),
            place,
        ]

        said = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
            env={**os.environ, "XDG_STATE_HOME": place},
        )

        assert said.stdout.split() == ["namespace", "0", "/data", "END"], said.stderr
        assert list(Path(place).glob("root/machines/*")) == []


def _fetch(address: str, port: int) -> str:
    """Ask a machine who it is, until it answers."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection((address, port), timeout=5) as connection:
                connection.sendall(b"GET /me HTTP/1.0\r\n\r\n")
                return connection.makefile().read().splitlines()[-1]
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
