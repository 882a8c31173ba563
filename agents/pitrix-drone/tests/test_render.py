"""Files from templates, with checks and reloads."""

from __future__ import annotations

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


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root: run pytest with sudo")
def test_a_file_gets_its_owner(machine: Machine, renderer: Renderer) -> None:
    """By name here."""
    machine.add_resource("a", "x", owner="nobody")

    assert renderer.render({}).problems == ()
    assert machine.at("/opt/a").owner() == "nobody"


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
