"""Files from templates, with checks and reloads."""

from __future__ import annotations

import errno
import os
import pathlib
import threading

import pytest
from drone_world import Machine

from pitrix_drone.config import Layout
from pitrix_drone.render import Commands, Renderer


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> Machine:
    """A machine without a drone's process."""
    return Machine(tmp_path, tmp_path / "unused.pyz", "http://127.0.0.1:1")


@pytest.fixture
def renderer(machine: Machine) -> Renderer:
    """A renderer of that machine."""
    layout = Layout(root=str(machine.root))
    commands = Commands(stop=threading.Event(), scratch=layout.state)
    return Renderer(layout, prefix="/self", dialect="confd", commands=commands)


def test_a_file_that_is_right_is_left_alone(machine: Machine, renderer: Renderer) -> None:
    """The second pass changes nothing and reloads nothing."""
    machine.add_resource("a", "x", reload_cmd=f"echo x >> {machine.root}/reloads")
    first = renderer.render({})
    second = renderer.render({})

    assert (first.changed, second.changed) == (("/opt/a",), ())
    assert machine.at("/reloads").read_text("utf-8") == "x\n"


def test_a_changed_mode_is_put_right(machine: Machine, renderer: Renderer) -> None:
    """Content is not all that is compared."""
    machine.add_resource("a", "x", mode="0640")
    renderer.render({})
    machine.at("/opt/a").chmod(0o666)

    assert renderer.render({}).changed == ("/opt/a",)
    assert machine.at("/opt/a").stat().st_mode & 0o777 == 0o640


def test_without_a_mode_that_of_the_file_is_kept(machine: Machine, renderer: Renderer) -> None:
    """As confd does; a new file is 0644."""
    machine.add_resource("a", "x")
    renderer.render({})
    new = machine.at("/opt/a").stat().st_mode & 0o777
    machine.at("/opt/a").chmod(0o600)
    machine.write("/etc/confd/templates/a.tmpl", "y")
    renderer.render({})

    assert (new, machine.at("/opt/a").stat().st_mode & 0o777) == (0o644, 0o600)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: sudo -E pytest tests/test_render.py")
def test_a_file_gets_its_owner(machine: Machine, renderer: Renderer) -> None:
    """By name here."""
    machine.add_resource("a", "x", owner="nobody")

    assert renderer.render({}).problems == ()
    assert machine.at("/opt/a").owner() == "nobody"


def test_who_is_not_root_renders_below_a_folder_all_the_same(
    machine: Machine, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file there can be another's: it stays the author's own."""

    def refuse(path: object, uid: int, gid: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    machine.add_resource("a", "x", owner="root")
    monkeypatch.setattr(os, "chown", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert renderer.render({}).problems == ()
    assert machine.at("/opt/a").read_text("utf-8") == "x"


def test_an_unknown_owner_is_a_problem(machine: Machine, renderer: Renderer) -> None:
    """The file is not written."""
    machine.add_resource("a", "x", owner="no-such-user")

    assert renderer.render({}).problems[0].startswith("a.toml: uid, gid: cannot be set")
    assert not machine.at("/opt/a").exists()


def test_a_failed_check_leaves_the_old_file(machine: Machine, renderer: Renderer) -> None:
    """The check is given the staged file; nothing is left of it."""
    machine.add_resource("a", "good", check_cmd="grep -q good {{.src}} || { echo bad; exit 4; }")
    renderer.render({})
    machine.write("/etc/confd/templates/a.tmpl", "wrong")

    rendered = renderer.render({})

    assert rendered.problems == ("a.toml: check_cmd ended with exit code 4: bad",)
    assert machine.at("/opt/a").read_text("utf-8") == "good"
    assert [path.name for path in machine.at("/opt").iterdir()] == ["a"]


def test_a_missing_template_is_a_problem_of_its_resource(
    machine: Machine, renderer: Renderer
) -> None:
    """The message names the field."""
    machine.add_resource("a", "x")
    machine.at("/etc/confd/templates/a.tmpl").unlink()

    assert renderer.render({}).problems[0].startswith("a.toml: src: ")


def test_a_file_of_the_image_is_replaced(machine: Machine, renderer: Renderer) -> None:
    """Folders on the way are made."""
    machine.add_resource("a", '{{getv "/env/a"}}')
    machine.write("/opt/a", "from the image")

    renderer.render({"/self/env/a": "ü\n"})

    assert machine.at("/opt/a").read_text("utf-8") == "ü\n"


def test_a_reload_that_succeeds_after_all_is_not_repeated(
    machine: Machine, renderer: Renderer
) -> None:
    """What was due is crossed out on disk."""
    machine.add_resource(
        "a", "x", reload_cmd=f"echo x >> {machine.root}/tries; test -e {machine.root}/ready"
    )
    problems = [len(renderer.render({}).problems) for _ in range(2)]
    machine.write("/ready", "")
    problems += [len(renderer.render({}).problems) for _ in range(2)]

    assert problems == [1, 1, 0, 0]
    assert len(machine.at("/tries").read_text("utf-8").split()) == 3


def test_a_template_may_be_in_fragments(machine: Machine, renderer: Renderer) -> None:
    """In the order of their names; one opens what another closes."""
    machine.add_resource("a", "")
    machine.at("/etc/confd/templates/a.tmpl").unlink()
    machine.write("/etc/confd/templates/a/02.tail.tmpl", "{{end}}z")
    machine.write("/etc/confd/templates/a/01.head.tmpl", "{{if true}}a")
    machine.write("/etc/confd/templates/a/README", "not one of them")

    assert renderer.render({}).problems == ()
    assert machine.at("/opt/a").read_text("utf-8") == "a\nz\n"


def test_a_mistake_in_a_fragment_names_it(machine: Machine, renderer: Renderer) -> None:
    """With the line within."""
    machine.add_resource("a", "")
    machine.at("/etc/confd/templates/a.tmpl").unlink()
    machine.write("/etc/confd/templates/a/01.head.tmpl", "a\nb\n")
    machine.write("/etc/confd/templates/a/02.tail.tmpl", 'c\n{{getv "/x"}}')

    assert (
        renderer.render({})
        .problems[0]
        .startswith("a.toml: template: a.tmpl/02.tail.tmpl:2: error calling getv: ")
    )


def test_line_ends_stay_as_they_are(machine: Machine, renderer: Renderer) -> None:
    """A template is bytes, not lines."""
    machine.add_resource("a", "")
    machine.at("/etc/confd/templates/a.tmpl").write_bytes(b"a\r\n\xff{{print 1}}\r\n")
    renderer.render({})

    assert machine.at("/opt/a").read_bytes() == b"a\r\n\xff1\r\n"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/data/real", id="absolute"),
        pytest.param("../data/real", id="relative"),
        pytest.param("../../../../data/real", id="beyond-the-root"),
    ],
)
def test_a_link_is_followed(machine: Machine, renderer: Renderer, target: str) -> None:
    """It stays a link, and leads below the root as on a machine of its own."""
    machine.add_resource("a", "x")
    machine.at("/opt").mkdir()
    machine.at("/opt/a").symlink_to(target)
    renderer.render({})

    assert machine.at("/opt/a").is_symlink()
    assert machine.at("/data/real").read_text("utf-8") == "x"


def test_links_in_a_circle_are_a_problem(machine: Machine, renderer: Renderer) -> None:
    """Not an endless walk."""
    machine.add_resource("a", "x")
    machine.at("/opt").mkdir()
    machine.at("/opt/a").symlink_to("a")

    assert renderer.render({}).problems[0].startswith("a.toml: dest: more than 40 links")


def test_a_file_that_is_a_mount_is_written_into(
    machine: Machine, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other file can take its name; its mode is put right, too."""

    def refuse(self: pathlib.Path, target: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    machine.add_resource("a", "new", mode="0640")
    machine.write("/opt/a", "of the image")
    inode = machine.at("/opt/a").stat().st_ino
    monkeypatch.setattr(pathlib.Path, "replace", refuse)
    renderer.render({})

    facts = machine.at("/opt/a").stat()
    assert (facts.st_ino, facts.st_mode & 0o777) == (inode, 0o640)
    assert machine.at("/opt/a").read_text("utf-8") == "new"


def test_commands_are_told_the_file(machine: Machine, renderer: Renderer) -> None:
    """A check the staged one and the one it is for; other braces in a reload are not ours."""
    machine.add_resource(
        "a",
        "x",
        check_cmd=f"echo {{{{.src}}}} {{{{.dest}}}} >> {machine.root}/told",
        reload_cmd=f"echo {{{{ .src }}}} '{{{{.Names}}}}' >> {machine.root}/told",
    )
    renderer.render({})

    checked, reloaded = machine.at("/told").read_text("utf-8").splitlines()
    stage, dest = checked.split()
    assert stage.startswith(f"{machine.root}/opt/.a.")
    assert dest == f"{machine.root}/opt/a"
    assert reloaded == f"{machine.root}/opt/a {{{{.Names}}}}"
