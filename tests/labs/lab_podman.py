"""Debian's podman, with images and containers in a folder of its own.

It does without what it may not have in a machine's container: control groups of its own, overlays,
higher limits.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import lab_needs

#: Each call has mounts of its own: its configuration in the place of this machine's, and no second
#: hierarchy of control groups, which crun does not take.
_PODMAN: Final = """\
#!/bin/sh
exec unshare --mount /bin/sh -c '
  mount --bind "$1/containers" /etc/containers || exit 125
  if mountpoint -q /sys/fs/cgroup/unified; then
    umount /sys/fs/cgroup/unified || exit 125
  fi
  export CONTAINERS_CONF="$1/containers.conf" CONTAINERS_STORAGE_CONF="$1/storage.conf"
  podman=$2
  shift 2
  exec "$podman" "$@"
' sh "{folder}" "{podman}" "$@"
"""
_CONFIGURATION: Final = """\
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
"""
_STORAGE: Final = """\
[storage]
driver = "vfs"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""
_LIMIT_S: Final = 120
_PROBE: Final = "localhost/probe:1"

#: An application that writes down that it was started, with what, and stays.
APPLICATION: Final = """\
#!/bin/sh
echo "$colour $(cat /etc/app.conf 2>/dev/null)" >> /data/starts
trap 'exit 0' TERM
while :; do sleep 0.1; done
"""
_PROGRAMS: Final = ("cat", "echo", "ls", "pwd", "setsid", "sh", "sleep", "stat")


class Podman:
    """The program, and its folder."""

    def __init__(self, folder: Path, *, real: str) -> None:
        """Put a program of its name into the folder ``programs``."""
        self.folder = folder
        self.programs = folder / "programs"
        self.programs.mkdir(parents=True)
        self.data = folder / "data"
        self.data.mkdir()
        shutil.copytree("/etc/containers", folder / "containers", symlinks=True)
        (folder / "containers.conf").write_text(_CONFIGURATION)
        (folder / "storage.conf").write_text(_STORAGE.format(folder=folder))
        program = self.programs / "podman"
        program.write_text(_PODMAN.format(folder=folder, podman=real))
        program.chmod(0o755)

    def run(self, *arguments: str) -> str:
        """Call it, and return what it says."""
        done = self.tried(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tried(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Call it, and return how that ended."""
        return subprocess.run(
            [str(self.programs / "podman"), *arguments],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )

    def add_image(self, name: str, *, files: dict[str, str], busybox: str) -> None:
        """Make an image of busybox, the application and some files."""
        root = self.folder / "root"
        for folder in ("bin", "etc", "data", "tmp", "proc", "dev", "sys"):
            (root / folder).mkdir(parents=True)
        shutil.copy(busybox, root / "bin/busybox")
        for program in _PROGRAMS:
            (root / "bin" / program).symlink_to("busybox")
        for path, text in {"bin/app": APPLICATION, **files}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        (root / "bin/app").chmod(0o755)
        archive = shutil.make_archive(str(self.folder / "root"), "tar", root)
        shutil.rmtree(root)
        self.run("import", "--change", 'CMD ["/bin/app"]', archive, name)


def podman_in(folder: Path) -> Iterator[Podman]:
    """Have podman in a folder; nothing runs any more afterwards."""
    made = Podman(folder, real=lab_needs.program("podman", package="podman"))
    refusal = _refusal(made)
    if refusal:
        lab_needs.skip_for_rights("run containers", refusal)
    try:
        yield made
    finally:
        made.tried("rm", "--all", "--force", "--time=0")


def _refusal(podman: Podman) -> str:
    """Try a container, which not every machine allows."""
    looked = podman.tried("ps")
    if looked.returncode:
        return looked.stderr.strip()
    busybox = lab_needs.program("busybox", package="busybox-static")
    podman.add_image(_PROBE, files={}, busybox=busybox)
    # One that stays: podman may wait long for the end of one that is gone already.
    tried = podman.tried("run", "--detach", "--network=host", _PROBE, "/bin/sleep", "60")
    podman.tried("rm", "--all", "--force", "--time=0")
    return tried.stderr.strip() if tried.returncode else ""
