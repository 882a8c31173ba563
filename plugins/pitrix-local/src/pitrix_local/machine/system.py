"""The kernel calls that Python 3.11 does not offer: namespaces, mounts, and what becomes of
orphans.

Source of the numbers: <linux/sched.h>, <linux/mount.h>, <linux/prctl.h> and <linux/fcntl.h> of
Linux 6.1; ``mount_setattr`` has one number on all architectures, for it is newer than 424.
"""

import ctypes
import os
from pathlib import Path
from typing import Any, Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000

MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000

_MNT_DETACH: Final = 2
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000
_MOUNT_ATTR_RDONLY: Final = 0x1
_SYS_MOUNT_SETATTR: Final = 442
#: pivot_root has no wrapper in libc, and its number depends on the architecture.
_SYS_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def unshare(flags: int) -> None:
    """Leave the parent's namespaces.

    :raises OSError: the kernel refuses.
    """
    _check(_libc().unshare(flags), "unshare")


def mount(source: str, target: Path, *, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount, or bind, or change how a mount is shared.

    :raises OSError: the kernel refuses.
    """
    result = _libc().mount(
        source.encode(),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _check(result, f"mount {target}")


def make_readonly(target: Path) -> None:
    """Make a mount and all mounts below it read-only.

    :raises OSError: the kernel refuses, or is older than 5.12.
    """
    attributes = _MountAttributes(attr_set=_MOUNT_ATTR_RDONLY)
    result = _libc().syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(_AT_RECURSIVE),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _check(result, f"mount_setattr {target} (it needs Linux 5.12)")


def change_root(root: Path) -> None:
    """Make a mount the root of this process's mount namespace, and let go of the old one.

    Where the old root cannot be exchanged (an initial RAM disk, a chroot), it is covered instead.

    :raises OSError: the kernel refuses both.
    """
    os.chdir(root)
    number = _SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is not None and _libc().syscall(ctypes.c_long(number), b".", b".") == 0:
        _check(_libc().umount2(b".", _MNT_DETACH), "umount2")
    else:
        os.chroot(".")
    os.chdir("/")


def end_with_parent(number: int) -> None:
    """Have a signal sent to this process when its parent dies.

    :raises OSError: the kernel refuses.
    """
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parent dies.

    :raises OSError: the kernel refuses.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_hostname(name: str) -> None:
    """Name the machine, in this process's namespace.

    :raises OSError: the kernel refuses.
    """
    encoded = name.encode()
    _check(_libc().sethostname(encoded, ctypes.c_size_t(len(encoded))), "sethostname")


def _prctl(option: int, value: int) -> None:
    arguments = (ctypes.c_ulong(value), *(ctypes.c_ulong(0) for _ in range(3)))
    _check(_libc().prctl(ctypes.c_int(option), *arguments), "prctl")


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
