"""How a machine's files are put together, on a host made for the test."""

import os
from pathlib import Path

import pytest

from pitrix_local.machine import tree
from pitrix_local.machine.launch import NAMESPACE, PREFIX, Launch, Limits, Volume


@pytest.fixture
def small_host(tmp_path: Path) -> Path:
    """Return the root of a small host."""
    host = tmp_path / "host"
    files = {
        "usr/bin/sh": "shell",
        "usr/lib/libc.so": "libc",
        "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "etc/shadow": "root:*\n",
        "etc/hosts": "127.0.0.1 localhost\n",
        "etc/large": "x" * 300_000,
        "etc/ssl/certs": "certs",
        "run/resolve/resolv.conf": "nameserver 192.0.2.1\n",
        "opt/tool/bin/tool": "tool",
        "opt/other/file": "other",
        "tmp/secret": "secret",
        "scratch/file": "scratch",
    }
    for name, text in files.items():
        (host / name).parent.mkdir(parents=True, exist_ok=True)
        (host / name).write_text(text)
    (host / "etc/shadow").chmod(0o600)
    (host / "etc/resolv.conf").symlink_to("../run/resolve/resolv.conf")
    (host / "bin").symlink_to("usr/bin")
    for name in ("dev", "proc", "sys", "lost+found"):
        (host / name).mkdir()
    return host


def launch_of(
    mode: str,
    *,
    image: str = "",
    volumes: tuple[Volume, ...] = (),
    visible: tuple[str, ...] = (),
    boot: int = 1,
) -> Launch:
    """Return a boot."""
    return Launch(
        machine_id="i-1",
        mode=mode,
        hostname="node-1",
        address="127.32.1.1",
        image=image,
        volumes=volumes,
        visible=visible,
        environment={},
        limits=Limits(None, None, None),
        boot=boot,
    )


def test_a_launch_is_read_as_it_was_written() -> None:
    """Nothing of it is lost on the way through its file."""
    launch = launch_of(NAMESPACE, volumes=(Volume("/a", "/b"),), visible=("/opt/x",))

    assert Launch.from_record(launch.to_record()) == launch


def test_system_folders_are_mounted_and_not_filled(small_host: Path, tmp_path: Path) -> None:
    """They are empty places for the host's; its links are made again."""
    root = tmp_path / "rootfs"

    tree.prepare(root, launch_of(NAMESPACE), host=small_host)

    assert tree.tops_of_host(root, host=small_host) == ["scratch", "usr"]
    assert (root / "bin").readlink() == Path("usr/bin")
    assert list((root / "usr").iterdir()) == []
    assert not (root / "lost+found").exists()


def test_own_folders_show_nothing_of_the_host(small_host: Path, tmp_path: Path) -> None:
    """Except what PATH leads through."""
    root = tmp_path / "rootfs"

    tree.prepare(root, launch_of(NAMESPACE, visible=("/opt/tool/bin",)), host=small_host)

    assert [entry.name for entry in (root / "opt").iterdir()] == ["tool"]
    assert (root / "opt/tool").readlink() == Path("/.host/opt/tool")
    assert list((root / "tmp").iterdir()) == []
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777


def test_plain_files_of_etc_are_copied_and_others_linked(small_host: Path, tmp_path: Path) -> None:
    """What not everybody may read is never copied, nor what is large."""
    root = tmp_path / "rootfs"

    tree.prepare(root, launch_of(NAMESPACE), host=small_host)

    etc = root / "etc"
    assert not (etc / "passwd").is_symlink()
    assert (etc / "resolv.conf").read_text() == "nameserver 192.0.2.1\n"
    for name in ("shadow", "large", "ssl"):
        assert (etc / name).readlink() == Path("/.host/etc", name)
    assert (etc / "hosts").read_text() == "127.0.0.1 localhost\n127.32.1.1\tnode-1\n"
    assert (etc / "hostname").read_text() == "node-1\n"


def test_what_a_machine_changed_in_etc_is_kept(small_host: Path, tmp_path: Path) -> None:
    """The next boot adds what is new on the host, and nothing else."""
    root = tmp_path / "rootfs"
    tree.prepare(root, launch_of(NAMESPACE), host=small_host)
    (root / "etc/passwd").write_text("mine\n")
    (small_host / "etc/new").write_text("new\n")

    tree.prepare(root, launch_of(NAMESPACE, boot=2), host=small_host)

    assert (root / "etc/passwd").read_text() == "mine\n"
    assert (root / "etc/new").read_text() == "new\n"
    assert (root / "etc/hosts").read_text().count("node-1") == 1


def test_an_image_in_a_system_folder_is_layered(small_host: Path, tmp_path: Path) -> None:
    """Its own files stay; the host's are links beside them; links of the host become folders."""
    image, root = tmp_path / "image", tmp_path / "rootfs"
    for name in ("usr/bin/own", "bin/own"):
        (image / name).parent.mkdir(parents=True, exist_ok=True)
        (image / name).write_text("own")

    tree.prepare(root, launch_of(NAMESPACE, image=str(image)), host=small_host)

    assert (root / "usr/bin/own").read_text() == "own"
    assert (root / "usr/bin/sh").readlink() == Path("/.host/usr/bin/sh")
    assert (root / "usr/lib").readlink() == Path("/.host/usr/lib")
    assert (root / "bin/sh").readlink() == Path("/.host/bin/sh")
    assert tree.tops_of_host(root, host=small_host) == ["scratch"]


def test_a_volume_in_a_system_folder_makes_it_the_machines(
    small_host: Path, tmp_path: Path
) -> None:
    """Else there were no place to mount it at."""
    root = tmp_path / "rootfs"
    launch = launch_of(NAMESPACE, volumes=(Volume(str(tmp_path), "/scratch/data"),))

    tree.prepare(root, launch, host=small_host)

    assert (root / "scratch/data").is_dir()
    assert (root / "scratch/file").readlink() == Path("/.host/scratch/file")


def test_an_image_that_was_copied_in_part_is_copied_again(tmp_path: Path) -> None:
    """A crash in the middle leaves a draft, never a machine."""
    image, root = tmp_path / "image", tmp_path / "rootfs"
    (image / "opt").mkdir(parents=True)
    (tmp_path / "rootfs.new/rubbish").mkdir(parents=True)

    tree.prepare(root, launch_of(PREFIX, image=str(image)))

    assert not (root / "rubbish").exists()
    assert not (tmp_path / "rootfs.new").exists()


def test_a_volume_is_linked_below_a_prefix(tmp_path: Path) -> None:
    """What the image has there is put out of sight, at each boot that finds something there."""
    root, source = tmp_path / "rootfs", tmp_path / "volume"
    source.mkdir()
    volume = Volume(str(source), "/opt/app")
    tree.prepare(root, launch_of(PREFIX))
    (root / "opt/app").mkdir()
    (root / "opt/app/file").touch()

    for boot in (1, 2):
        tree.prepare(root, launch_of(PREFIX, volumes=(volume,), boot=boot))

    assert (root / "opt/app").readlink() == source
    assert (tmp_path / "hidden-1-0/file").exists()


@pytest.mark.parametrize("target", ["/", "../..", "/etc"])
def test_a_path_that_a_link_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    """On the host's side such a path is a place of the host."""
    root = tmp_path / "rootfs"
    root.mkdir()
    (root / "var").symlink_to(target)

    with pytest.raises(OSError, match="leads out of the machine"):
        tree.ensure_inside(root, "/var/lib")

    assert tree.ensure_inside(root, "/opt/x") == Path(os.path.realpath(root)) / "opt/x"


@pytest.mark.parametrize("link", ["etc", "opt"])
def test_an_images_folder_that_leads_out_is_refused(
    small_host: Path, tmp_path: Path, link: str
) -> None:
    """The host's side writes into it: names, and links to the host's programs."""
    image, outside = tmp_path / "image", tmp_path / "outside"
    image.mkdir()
    outside.mkdir()
    (image / link).symlink_to(outside)
    launch = launch_of(NAMESPACE, image=str(image), visible=("/opt/tool/bin",))

    with pytest.raises(OSError, match="leads out of the machine"):
        tree.prepare(tmp_path / "rootfs", launch, host=small_host)

    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["hosts", "hostname"])
def test_nothing_is_written_through_an_images_link(
    small_host: Path, tmp_path: Path, name: str
) -> None:
    """Before a machine has its root, such a link leads to a file of the host."""
    image, outside = tmp_path / "image", tmp_path / "outside"
    (image / "etc").mkdir(parents=True)
    outside.write_text("the host's")
    (image / "etc" / name).symlink_to(outside)

    tree.prepare(tmp_path / "rootfs", launch_of(NAMESPACE, image=str(image)), host=small_host)

    assert outside.read_text() == "the host's"


def test_an_image_may_link_a_usual_folder_elsewhere(small_host: Path, tmp_path: Path) -> None:
    """Where the link leads is seen in the machine: here there is nothing yet."""
    image = tmp_path / "image"
    (image / "var").mkdir(parents=True)
    (image / "var/log").symlink_to("/data/log")

    tree.prepare(tmp_path / "rootfs", launch_of(NAMESPACE, image=str(image)), host=small_host)

    assert (tmp_path / "rootfs/var/log").readlink() == Path("/data/log")
