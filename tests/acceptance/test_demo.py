"""``pitrix demo``: the main job on the embedded default."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from .conftest import REPOSITORY, SCRIPTS, wait_for


@pytest.fixture
def environment(home: Path, tmp_path: Path, etcd_folder: str) -> dict[str, str]:
    """Environment of somebody who has nothing yet."""
    return {
        "PATH": f"{etcd_folder}:{os.environ['PATH']}",
        "HOME": str(home),
        "TMPDIR": str(tmp_path),
        "LANG": "C.UTF-8",
    }


@pytest.mark.parametrize("mode", ["namespace", "prefix"])
def test_it_deploys_uses_and_removes(
    environment: dict[str, str], tmp_path: Path, mode: str
) -> None:
    """Its last line is one object that says so; nothing is left behind."""
    ran = subprocess.run(
        [*_command(), "--json", "--mode", mode],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    result = json.loads(ran.stdout.splitlines()[-1])
    if mode == "namespace" and "namespace" in result.get("error", ""):
        pytest.skip(f"this host has no namespaces; as root: unshare --mount true ({ran.stderr})")
    assert ran.returncode == 0, ran.stderr
    assert result["status"] == "ok"
    assert result["mode"] == mode
    assert len(result["endpoints"]) == 3
    assert _left(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_interrupted_it_removes_everything(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """Stopped in the middle of the deployment, it takes away what is there by then."""
    with (tmp_path / "demo.log").open("w") as log:
        demo = subprocess.Popen(
            [*_command(), "--json"], env=environment, stdout=log, stderr=log, text=True
        )
    wait_for(lambda: "Create machine" in (tmp_path / "demo.log").read_text(), limit_s=60)

    demo.send_signal(number)
    code = demo.wait(timeout=90)

    assert code != 0
    assert _left(tmp_path) == [], (tmp_path / "demo.log").read_text()


def _command() -> list[str]:
    return [str(SCRIPTS / "pitrix"), "demo", "--examples", str(REPOSITORY / "examples")]


def _left(folder: Path) -> list[str]:
    """Return processes and files of a demo that are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_text() + (process / "environ").read_text()
        except OSError:
            continue
        if str(folder) in text and int(process.name) != os.getpid():
            found.append(text.replace("\0", " ")[:200])
    files = [str(path) for path in folder.iterdir() if path.name not in {"home", "demo.log"}]
    return found + files
