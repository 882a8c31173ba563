"""A node that is a container: made, filled, started and kept so, by docker's command line."""

from __future__ import annotations

import json
import pathlib
import shutil
import signal
import subprocess
import threading
from typing import Any

import pytest
from docker_world import IMAGE, Docker
from drone_harness import wait_for

from pitrix_drone.config import Layout
from pitrix_drone.container import Application
from pitrix_drone.mirrors import Source, full_name, sources
from pitrix_drone.processes import kill_leftover, run_shell, start_ticks


@pytest.fixture
def docker(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """A machine with docker."""
    made = Docker(tmp_path / "docker")
    monkeypatch.setenv("PATH", f"{made.programs}:/usr/bin:/bin")
    return made


def application(
    tmp_path: pathlib.Path, *, mirror: str = "", stop: threading.Event | None = None
) -> Application:
    """Return a drone's part that is about containers."""
    return Application(
        Layout(root=str(tmp_path / "machine")),
        node_id="cln-1",
        prefix="/self",
        dialect="confd",
        stop=stop or threading.Event(),
        mirror=lambda: mirror,
        steady_s=0,
    )


def asked(**members: Any) -> str:
    """Return what the metadata ask for."""
    return json.dumps({"image": IMAGE, **members})


def environment(**values: str) -> dict[str, str]:
    """Return metadata with parameters."""
    return {f"/self/env/{name}": value for name, value in values.items()}


def test_the_container_is_made_and_started(docker: Docker, tmp_path: pathlib.Path) -> None:
    """On the machine's network and with its folders, again whenever it ends."""
    docker.add_image()

    rendered = application(tmp_path).render(asked(mount_points=["/data"]), {})

    assert rendered.problems == ()
    assert (docker.container / "running").read_text() == "true\n"
    [create] = [call for call in docker.calls() if call.startswith("create")]
    for option in ("--network=host", "--restart=always", "--volume=/data:/data"):
        assert option in create.split()


def test_the_parameters_are_its_environment(docker: Docker, tmp_path: pathlib.Path) -> None:
    """Not by arguments, which others can see, but for those of several lines."""
    docker.add_image()

    values = environment(
        PASSWORD="s3cret", CERT="a\nb", **{"a b": "1", "#x": "2", "db.size-1": "3"}
    )

    application(tmp_path).render(asked(), values)

    assert (docker.container / "environment").read_text() == "PASSWORD=s3cret\ndb.size-1=3\n"
    assert not [call for call in docker.calls() if "s3cret" in call]
    assert not (tmp_path / "machine/var/lib/pitrix/drone/scratch/environment").exists()


def test_its_files_are_there_when_it_starts(docker: Docker, tmp_path: pathlib.Path) -> None:
    """Rendered from the image's own resources, with their modes; a reload has nothing to do yet."""
    docker.configure_by_files(docker.add_image())

    rendered = application(tmp_path).render(asked(), environment(colour="red"))

    file = docker.container / "root/etc/web.conf"
    assert rendered.problems == ()
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("red", 0o640)
    assert not (docker.container / "root/reloads").exists()


def test_a_change_arrives_before_its_reload(docker: Docker, tmp_path: pathlib.Path) -> None:
    """In the container that is there: one that has resources need not be made anew."""
    docker.configure_by_files(docker.add_image())
    drone = application(tmp_path)
    drone.render(asked(), environment(colour="red"))
    docker.calls()

    rendered = drone.render(asked(), environment(colour="blue"))

    assert rendered.changed == ("/etc/web.conf",)
    reloads = docker.container / "root/reloads"
    assert reloads.read_text() == "reloaded with blue\n"
    assert not [call for call in docker.calls() if call.startswith("create")]


def test_a_pass_without_a_change_does_nothing(docker: Docker, tmp_path: pathlib.Path) -> None:
    """Also of a drone that was started again."""
    docker.configure_by_files(docker.add_image())
    application(tmp_path).render(asked(), environment(colour="red"))
    docker.calls()

    application(tmp_path).render(asked(), environment(colour="red"))

    assert {call.split()[0] for call in docker.calls()} == {
        "--version",
        "ps",
        "image",
        "container",
    }


@pytest.mark.parametrize("change", ["image", "new build", "environment", "folders", "removed"])
def test_a_container_that_is_not_the_one_asked_for_is_made_anew(
    docker: Docker, tmp_path: pathlib.Path, change: str
) -> None:
    """The old one is stopped first, and given the time to end."""
    docker.add_image()
    docker.add_image("docker.io/example/web:2", number=2)
    drone = application(tmp_path)
    drone.render(asked(), environment(colour="red"))
    before = (docker.container / "id").read_text()
    members: dict[str, Any] = {}
    values = environment(colour="red")
    if change == "image":
        members["image"] = "docker.io/example/web:2"
    elif change == "new build":
        (docker.folder / "images/docker.io_example_web_1/id").write_text(f"sha256:{3:064d}\n")
    elif change == "environment":
        values = environment(colour="blue")
    elif change == "folders":
        members["mount_points"] = ["/data"]
    else:
        shutil.rmtree(docker.container)

    rendered = drone.render(asked(**members), values)

    assert rendered.problems == ()
    assert (docker.container / "id").read_text() != before
    assert (docker.container / "running").read_text() == "true\n"


@pytest.mark.parametrize("lost", ["note", "stopped"])
def test_what_was_interrupted_goes_on(docker: Docker, tmp_path: pathlib.Path, lost: str) -> None:
    """Whatever the drone or the machine was at."""
    docker.add_image()
    application(tmp_path).render(asked(), {})
    if lost == "note":
        (tmp_path / "machine/var/lib/pitrix/drone/container/note.json").write_text("{}")
    else:
        (docker.container / "running").write_text("false\n")

    rendered = application(tmp_path).render(asked(), {})

    assert rendered.problems == ()
    assert (docker.container / "running").read_text() == "true\n"


def test_a_container_that_ends_at_once_is_a_problem(docker: Docker, tmp_path: pathlib.Path) -> None:
    """Told with its exit code and its last words."""
    root = docker.add_image()
    (root.parent / "broken").touch()

    rendered = application(tmp_path).render(asked(), {})

    [problem] = rendered.problems
    assert "it ended at once with exit code 7: the application's last words" in problem


def test_a_container_is_removed_when_none_is_asked_for(
    docker: Docker, tmp_path: pathlib.Path
) -> None:
    """Commands run on the machine again."""
    docker.add_image()
    drone = application(tmp_path)
    drone.render(asked(), {})

    rendered = drone.render(None, {})

    assert rendered.problems == ()
    assert not docker.container.exists()
    assert not drone.is_asked_for
    assert drone.shell.enter("id").argv == ("/bin/sh", "-c", "id")


# -- commands --------------------------------------------------------------------------------------


def test_commands_run_in_the_container(docker: Docker, tmp_path: pathlib.Path) -> None:
    """Also those of a drone that was started again, before it has heard anything."""
    docker.add_image()
    application(tmp_path).render(asked(), {})

    outcome = run_shell(
        "pwd; exit 3",
        timeout_s=20,
        stop=threading.Event(),
        scratch=tmp_path,
        shell=application(tmp_path).shell,
    )

    where = pathlib.Path(outcome.output.strip())
    assert (outcome.exit_code, where.resolve()) == (3, docker.container / "root")


def test_no_command_runs_on_the_machine_while_the_container_is_not_there(
    docker: Docker, tmp_path: pathlib.Path
) -> None:
    """It is meant for the image."""
    drone = application(tmp_path)
    drone.render(asked(), {})

    with pytest.raises(OSError, match="the node's container is not there"):
        run_shell("true", timeout_s=20, stop=threading.Event(), scratch=tmp_path, shell=drone.shell)


#: Detaches a process from the command, as what runs in a container is from the engine's program.
_DETACHED = "setsid sleep 300 & echo $! > pid; wait"


def _pid(docker: Docker) -> int:
    """Wait for the detached process, and return its number."""
    file = docker.container / "root/pid"
    return int(wait_for(lambda: file.exists() and file.read_text().strip(), "the process"))


def test_what_takes_too_long_is_killed_in_the_container(
    docker: Docker, tmp_path: pathlib.Path
) -> None:
    """To kill the engine's program would not do it."""
    docker.add_image()
    drone = application(tmp_path)
    drone.render(asked(), {})
    stop = threading.Event()

    def stop_it() -> None:
        _pid(docker)
        stop.set()

    watcher = threading.Thread(target=stop_it)
    watcher.start()

    outcome = run_shell(_DETACHED, timeout_s=60, stop=stop, scratch=tmp_path, shell=drone.shell)

    watcher.join(20)
    pid = _pid(docker)
    assert outcome.exit_code is None
    assert wait_for(lambda: start_ticks(pid) is None, "its end")


def test_what_a_killed_drone_left_in_the_container_is_killed(
    docker: Docker, tmp_path: pathlib.Path
) -> None:
    """By the next one, which only knows the engine's program."""
    docker.add_image()
    drone = application(tmp_path)
    drone.render(asked(), {})
    # A program that keeps the words it was called with, as docker itself does.
    argv = drone.shell.enter(_DETACHED).argv
    program = subprocess.Popen(
        ["/bin/sh", "-c", '"$@" & wait', "sh", *argv], start_new_session=True
    )
    inside = _pid(docker)

    kill_leftover(program.pid, start_ticks(program.pid))

    assert program.wait(20) == -signal.SIGKILL
    assert wait_for(lambda: start_ticks(inside) is None, "its end")


# -- images ----------------------------------------------------------------------------------------


def test_an_image_that_is_there_is_not_pulled(docker: Docker, tmp_path: pathlib.Path) -> None:
    """The machine's image may bring it."""
    docker.add_image(where="images")

    application(tmp_path).render(asked(), {})

    assert not [call for call in docker.calls() if call.startswith("pull")]


def test_mirrors_are_asked_first(docker: Docker, tmp_path: pathlib.Path) -> None:
    """The network's own, then the runtime's; the image has its own name at last."""
    docker.add_image("cache.example/hub/example/web:1")

    rendered = application(tmp_path, mirror="https://10.0.0.1:5000").render(
        asked(mirror="https://cache.example/hub/"), {}
    )

    assert rendered.problems == ()
    pulls = [call.split()[-1] for call in docker.calls() if call.startswith("pull")]
    assert pulls == ["10.0.0.1:5000/example/web:1", "cache.example/hub/example/web:1"]
    assert (docker.folder / "images/docker.io_example_web_1").is_dir()


def test_an_image_that_is_nowhere_is_a_problem(docker: Docker, tmp_path: pathlib.Path) -> None:
    """Told for each place it was looked for in."""
    rendered = application(tmp_path).render(asked(mirror="http://cache.example"), {})

    [problem] = rendered.problems
    assert problem.startswith(f"container: image {IMAGE} cannot be got: ")
    assert "cache.example/example/web:1: pull failed: " in problem
    assert f"; {IMAGE}: pull failed: " in problem


def test_links_of_an_image_do_not_lead_to_the_machine(
    docker: Docker, tmp_path: pathlib.Path
) -> None:
    """A template is nothing but a file of the image."""
    secret = tmp_path / "secret"
    secret.write_text("of the machine")
    root = docker.add_image()
    docker.configure_by_files(root)
    (root / "etc/confd/templates/web.tmpl").unlink()
    (root / "etc/confd/templates/web.tmpl").symlink_to(secret)

    rendered = application(tmp_path).render(asked(), {})

    [problem] = rendered.problems
    assert problem.startswith("web.toml: src: ")
    assert not (docker.container / "root/etc/web.conf").exists()


@pytest.mark.parametrize(
    "src",
    [
        pytest.param("../../../../secret", id="relative"),
        pytest.param("/etc/passwd", id="absolute"),
        pytest.param("//etc/passwd", id="absolute-with-two-slashes"),
    ],
)
def test_resources_of_an_image_do_not_lead_to_the_machine(
    docker: Docker, tmp_path: pathlib.Path, src: str
) -> None:
    """A template is a file of the image."""
    root = docker.add_image()
    docker.configure_by_files(root)
    resource = root / "etc/confd/conf.d/web.toml"
    resource.write_text(resource.read_text().replace("web.tmpl", src))

    rendered = application(tmp_path).render(asked(), environment(colour="red"))

    assert rendered.problems == ("container: web.toml: src leads out of the image",)
    assert (docker.container / "running").read_text() == "false\n"


def test_files_of_an_image_stay_inside(docker: Docker, tmp_path: pathlib.Path) -> None:
    """Above its root there is nothing."""
    root = docker.add_image()
    docker.configure_by_files(root)
    resource = root / "etc/confd/conf.d/web.toml"
    resource.write_text(resource.read_text().replace("/etc/web.conf", "/../../../../web.conf"))

    application(tmp_path).render(asked(), environment(colour="red"))

    found = {path for path in tmp_path.rglob("web.conf") if not path.is_symlink()}
    assert docker.container / "root/web.conf" in found
    assert {path.parent.name for path in found} == {"root", "files"}


# -- what is wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("web", "docker.io/library/web"),
        ("web:1", "docker.io/library/web:1"),
        ("example/web@sha256:0", "docker.io/example/web@sha256:0"),
        ("index.docker.io/example/web", "docker.io/example/web"),
        ("localhost/web", "localhost/web"),
        ("registry:5000/web", "registry:5000/web"),
        ("quay.io/a/b/c:1", "quay.io/a/b/c:1"),
    ],
)
def test_names_are_made_full(name: str, full: str) -> None:
    """As docker does, and podman only where it is configured so."""
    assert full_name(name) == full


def test_another_registry_has_no_mirror() -> None:
    """Its images come from where their names say."""
    assert sources("quay.io/web:1", ("https://cache.example",)) == (Source("quay.io/web:1"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[", "not a JSON object", id="no-json"),
        pytest.param("[" * 100_000, "not a JSON object", id="deep"),
        pytest.param("{}", "image", id="no-image"),
        pytest.param('{"image": "--privileged"}', "image", id="option"),
        pytest.param(asked(mount_points=["/a:/etc"]), "mount_points", id="other-place"),
        pytest.param(asked(mount_points="/data"), "mount_points", id="no-list"),
        pytest.param(asked(mirror="cache.example"), "mirror", id="no-url"),
    ],
)
def test_strange_metadata_are_a_problem(
    docker: Docker, tmp_path: pathlib.Path, text: str, said: str
) -> None:
    """Nothing is made of them."""
    rendered = application(tmp_path).render(text, {})

    [problem] = rendered.problems
    assert problem.startswith(f"container: {said}")
    assert docker.calls() == []


def test_a_machine_without_an_engine_says_what_to_do(
    docker: Docker, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its image is the operator's choice."""
    monkeypatch.setenv("PATH", str(tmp_path))

    rendered = application(tmp_path).render(asked(), {})

    [problem] = rendered.problems
    assert "neither docker nor podman is there" in problem
    assert "default_image" in problem


def test_an_engine_that_comes_up_later_is_waited_for(
    docker: Docker, tmp_path: pathlib.Path
) -> None:
    """Each pass looks again."""
    docker.add_image()
    (docker.folder / "down").touch()
    drone = application(tmp_path)
    before = drone.render(asked(), {})
    (docker.folder / "down").unlink()

    after = drone.render(asked(), {})

    assert "Cannot connect to the Docker daemon" in before.problems[0]
    assert after.problems == ()
