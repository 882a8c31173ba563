"""Gives a process namespaces of its own: processes, host name and mounts, with the machine's folder
as its root.

As root this needs nothing; others go through a user namespace in which they are root, where the
host allows it. No mount is ever made in the host's namespace, so none can be left there.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

from pitrix_local.machine import system
from pitrix_local.machine.launch import Launch
from pitrix_local.machine.tree import HOST_VIEW, ensure_inside, tops_of_host

_PLAIN: Final = system.MS_NOSUID | system.MS_NODEV


def separate() -> None:
    """Have the *children* of this process in a process namespace of their own.

    :raises OSError: the host does not allow it.
    """
    if os.geteuid() == 0:
        with contextlib.suppress(PermissionError):  # a container's root: try as others do
            system.unshare(system.CLONE_NEWPID)
            return
    user, group = os.geteuid(), os.getegid()
    system.unshare(system.CLONE_NEWUSER | system.CLONE_NEWPID)
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny", encoding="ascii")  # else gid_map is refused
    (own / "uid_map").write_text(f"0 {user} 1", encoding="ascii")
    (own / "gid_map").write_text(f"0 {group} 1", encoding="ascii")


def enter(root: Path, launch: Launch) -> None:
    """Make a prepared tree the root of this process, which is the first of its namespace.

    :raises OSError: the host does not allow it.
    """
    system.unshare(system.CLONE_NEWNS | system.CLONE_NEWUTS)
    system.mount("none", Path("/"), flags=system.MS_REC | system.MS_PRIVATE)
    tops = tops_of_host(root)
    system.mount(str(root), root, flags=system.MS_BIND)
    _bind_readonly(Path("/"), root / HOST_VIEW)
    for name in tops:
        _bind_readonly(Path("/", name), root / name)
    _mount_kernel(root)
    for volume in launch.volumes:
        place = ensure_inside(root, volume.mount_point)
        place.mkdir(parents=True, exist_ok=True)  # it may be in the volume mounted before
        system.mount(volume.source, place, flags=system.MS_BIND)
    system.set_hostname(launch.hostname)
    system.change_root(root)


def _mount_kernel(root: Path) -> None:
    system.mount("/dev", root / "dev", flags=system.MS_BIND | system.MS_REC)
    with contextlib.suppress(OSError):  # a /dev without shm
        system.mount("tmpfs", root / "dev/shm", kind="tmpfs", flags=_PLAIN, options="mode=1777")
    _bind_readonly(Path("/sys"), root / "sys")
    try:
        system.mount("proc", root / "proc", kind="proc", flags=_PLAIN | system.MS_NOEXEC)
    except PermissionError:
        # A container whose own /proc is partly covered may not mount a new one.
        system.mount("/proc", root / "proc", flags=system.MS_BIND | system.MS_REC)


def _bind_readonly(source: Path, target: Path) -> None:
    system.mount(str(source), target, flags=system.MS_BIND | system.MS_REC)
    system.make_readonly(target)
