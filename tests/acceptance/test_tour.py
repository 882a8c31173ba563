"""The README's five minutes, typed as they stand there."""

import os
import re
import subprocess
from pathlib import Path

from .conftest import REPOSITORY, SCRIPTS


def test_the_tour_works(tmp_path: Path, home: Path, etcd_folder: str) -> None:
    """Every command of the README's tour succeeds, one after the other, and nothing is left."""
    script = _script(tmp_path, etcd_folder)
    environment = {
        "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PITRIX_API_PORT": "0",
        "PITRIX_PILOT_PORT": "0",
    }

    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert ran.returncode == 0, f"{script}\n{ran.stdout}\n{ran.stderr}"
    assert "The runtime is gone" in ran.stdout


def _script(folder: Path, etcd_folder: str) -> str:
    """Return the tour with what differs for a test: no installation, folders of its own."""
    readme = (REPOSITORY / "README.md").read_text()
    [block] = re.findall(r"## Five minutes.*?```console\n(.*?)```", readme, flags=re.DOTALL)
    commands = re.findall(r"^\$ (.*?)(?=^\$ |\Z)", block, flags=re.DOTALL | re.MULTILINE)
    first, serve, *rest, last = [command.strip() for command in commands]
    assert first.startswith("make install")
    assert serve.startswith("pitrix serve")
    assert last == "kill %1"
    typed = "\n".join(rest).replace("/tmp/pitrix-repo", str(folder / "repo"))  # noqa: S108
    typed = typed.replace("'$PWD'/.venv/bin", etcd_folder)
    prepare = f"set -euo pipefail; set -m; export PITRIX_DATA={folder / 'data'}"
    trap = "trap 'kill %1 2>/dev/null; wait' EXIT"
    return f"{prepare}\n{serve}\n{trap}\n{typed}\nkill %1\nwait\ntrap - EXIT"
