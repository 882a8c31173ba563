"""A machine's own files: its image, the usual folders, and what it sees of the host.

In mode ``namespace`` the root of the machine is its folder ``rootfs``. Three kinds of top folders:

* *own* (``/opt``, ``/data``, ``/var``, …): nothing of the host is in them, but for links to those
  of their children that PATH and the like lead through;
* *layered* (``/etc``, and any other folder of the host that the image has files in): the machine's
  own files, and links to those of the host's that it has not; plain files of ``/etc`` are copied,
  so that a package can add a line to them;
* *the host's* (``/usr``, …): empty here; mounted read-only at each boot.

Links to the host lead into ``/.host``, where its root is mounted read-only.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pitrix_local.machine.files import remove_tree
from pitrix_local.machine.launch import NAMESPACE, Launch

#: Where a machine sees the host's root.
HOST_VIEW: Final = ".host"
#: Top folders in which nothing of the host is seen unless it has to be.
OWN: Final = frozenset({"data", "home", "media", "mnt", "opt", "root", "run", "srv", "tmp", "var"})
#: Top folders made by the kernel; they are mounted, never layered.
KERNEL: Final = frozenset({"dev", "proc", "sys"})
#: Not worth showing.
_SKIPPED: Final = frozenset({HOST_VIEW, "lost+found"})
#: Largest file of the host's /etc that is copied, in bytes; larger ones are linked.
_COPY_LIMIT_BYTES: Final = 256 * 1024
_SKELETON: Final = (
    ("etc", 0o755),
    ("opt", 0o755),
    ("root", 0o700),
    ("run/lock", 0o755),
    ("tmp", 0o1777),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/log", 0o755),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
)


def prepare(root: Path, launch: Launch, *, host: Path = Path("/")) -> None:
    """Bring the machine's files into the state a boot starts from; repeated at each boot.

    :raises OSError: the image cannot be copied, or the image's own links lead out of the machine.
    """
    if not root.is_dir():
        _lay_out(root, launch.image)
    for name, mode in _SKELETON:
        _ensure_folder(root, name, mode)
    for name, target in (("run", "../run"), ("lock", "../run/lock")):
        _link(root / "var" / name, target)
    if launch.mode == NAMESPACE:
        for volume in launch.volumes:  # before the layers: what they are in is the machine's own
            ensure_inside(root, volume.mount_point).mkdir(parents=True, exist_ok=True)
        _show_host(root, launch, host)
    else:
        _link_volumes(root, launch)


def tops_of_host(root: Path, *, host: Path = Path("/")) -> list[str]:
    """Return the host's top folders that are mounted into a prepared machine."""
    return [
        entry.name
        for entry in sorted(host.iterdir())
        if _is_plain_folder(entry)
        and entry.name not in OWN | KERNEL | _SKIPPED | {"etc"}
        and _is_empty_folder(root / entry.name)
    ]


def ensure_inside(root: Path, path: str, *, also: Iterable[str] = ()) -> Path:
    """Return where a path of the machine is on the host.

    :param also: other folders that are the machine's: its volumes.
    :raises OSError: a link on the way leads out of the machine's folders.
    """
    place = root / path.lstrip("/")
    parent = Path(os.path.realpath(place.parent))
    if not any(parent.is_relative_to(os.path.realpath(own)) for own in (str(root), *also)):
        raise OSError(f"{path}: a link of the image leads out of the machine, to {parent}")
    return parent / place.name


def _lay_out(root: Path, image: str) -> None:
    """Copy the image beside its place and move it there, so that a crash leaves no half of it."""
    draft = root.with_name(f"{root.name}.new")
    remove_tree(draft)
    if image:
        shutil.copytree(image, draft, symlinks=True)
        draft.chmod(0o755)
    else:
        draft.mkdir(mode=0o755)
    draft.rename(root)


def _ensure_folder(root: Path, name: str, mode: int) -> None:
    place = ensure_inside(root, name)
    if not place.is_symlink() and not place.is_dir():  # a link says what it says in the machine
        place.mkdir(parents=True)
        place.chmod(mode)


def _link(place: Path, target: str) -> None:
    with contextlib.suppress(FileExistsError):
        place.symlink_to(target)


def _link_volumes(root: Path, launch: Launch) -> None:
    """Put links in the places of the mount points; what the image has there is kept out of sight,
    as a mount would.
    """
    sources = [volume.source for volume in launch.volumes]
    for number, volume in enumerate(launch.volumes):
        place = ensure_inside(root, volume.mount_point, also=sources)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        elif place.exists():
            place.rename(root.with_name(f"hidden-{launch.boot}-{number}"))
        place.symlink_to(volume.source)


def _show_host(root: Path, launch: Launch, host: Path) -> None:
    (root / HOST_VIEW).mkdir(exist_ok=True)
    ensure_inside(root, "etc/hosts")
    for entry in sorted(host.iterdir()):
        name = entry.name
        own = root / name
        if name in OWN or name in _SKIPPED:
            continue
        if entry.is_symlink() and not _is_plain_folder(own):
            _link(own, str(entry.readlink()))
        elif _is_folder(entry):
            with contextlib.suppress(FileExistsError):
                own.mkdir()
            if name == "etc":
                _copy_plain_files(own, entry)
            if name == "etc" or (name not in KERNEL and not _is_empty_folder(own)):
                _layer(own, entry, Path("/", HOST_VIEW, name))
    _introduce(root, launch)
    for path in launch.visible:
        _show(root, Path(path), host)


def _layer(own: Path, theirs: Path, view: Path) -> None:
    """Link what the machine has not to the host's, folder by folder."""
    if own.is_symlink() or not own.is_dir():
        return
    with contextlib.suppress(
        PermissionError
    ):  # a folder that even its links' targets are hidden in
        for entry in theirs.iterdir():
            place = own / entry.name
            if _is_plain_folder(entry) and _is_plain_folder(place):
                _layer(place, entry, view / entry.name)
            else:
                _link(place, str(view / entry.name))


def _copy_plain_files(own: Path, theirs: Path) -> None:
    for entry in theirs.iterdir():
        place = own / entry.name
        if _is_copied(entry) and not os.path.lexists(place):
            shutil.copyfile(entry, place)
            place.chmod(stat.S_IMODE(entry.stat().st_mode) | stat.S_IWUSR)


def _is_copied(entry: Path) -> bool:
    """Say whether it is a plain file that everybody may read (never the shadow file)."""
    if entry.name == "resolv.conf":  # mostly a link into /run, which is the machine's own
        return entry.is_file()
    facts = entry.lstat()
    return (
        stat.S_ISREG(facts.st_mode)
        and bool(facts.st_mode & stat.S_IROTH)
        and facts.st_size <= _COPY_LIMIT_BYTES
    )


def _introduce(root: Path, launch: Launch) -> None:
    """Give the machine its name in /etc, at its first boot; a link is left to the image."""
    line = f"{launch.address}\t{launch.hostname}\n"
    hosts, hostname = root / "etc/hosts", root / "etc/hostname"
    text = hosts.read_text(encoding="utf-8", errors="replace") if hosts.is_file() else ""
    if line in text or hosts.is_symlink():
        return
    hosts.write_text(f"{text.rstrip()}\n{line}".lstrip(), encoding="utf-8")
    if not hostname.is_symlink():
        hostname.write_text(f"{launch.hostname}\n", encoding="utf-8")


def _show(root: Path, path: Path, host: Path) -> None:
    """Link the child of an own top folder that a path of the host leads through."""
    for place in _spellings(path):
        parts = place.parts[1:]
        if len(parts) > 1 and parts[0] in OWN and os.path.lexists(host.joinpath(*parts[:2])):
            own = ensure_inside(root, "/".join(parts[:2]))
            own.parent.mkdir(exist_ok=True)
            _link(own, str(Path("/", HOST_VIEW, *parts[:2])))


def _spellings(path: Path) -> Iterable[Path]:
    return {path, Path(os.path.realpath(path))}


def _is_plain_folder(entry: Path) -> bool:
    return _is_folder(entry) and not entry.is_symlink()


def _is_folder(entry: Path) -> bool:
    with contextlib.suppress(OSError):  # another user's FUSE mount says so to root even
        return entry.is_dir()
    return False


def _is_empty_folder(place: Path) -> bool:
    return _is_plain_folder(place) and next(place.iterdir(), None) is None
