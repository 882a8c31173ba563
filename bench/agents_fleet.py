"""Many drones on one machine, each a process with a root folder of its own.

A process that has imported the drone forks them, for a thousand interpreters would take minutes to
start; from there on each runs as ``drone run`` does. What a drone takes of memory is therefore
measured apart, on drones started from their archive.

``python -m bench.agents_fleet FOLDER`` is that process: it ends with SIGTERM, and its drones too.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from bench.agents_store import CLUSTER, ROLE, Store, node_of
from bench.results import MeasurementError
from pitrix_drone import cli
from pitrix_drone.build import build

_LOOK_S: Final = 0.1
_END_S: Final = 30.0
_TEMPLATE: Final = '{{getv "/change"}}\n'
#: With the shell's own words only: what other programs take is no matter of the drone's.
_RELOAD: Final = "read number < {root}/opt/change; echo $number > {root}/opt/reloaded"


@attrs.frozen(kw_only=True)
class Fleet:
    """Drones that run."""

    roots: Sequence[Path]

    def await_reload(self, revision: int, *, within_s: float) -> list[float]:
        """Wait until every drone has reloaded for a revision.

        :returns: when each did, in seconds since the epoch, by the clock of the file system, which
            is behind by a tick of the kernel at most: 4 ms where it has 250 of them a second.
        :raises MeasurementError: one did not.
        """
        waiting = [root / "opt/reloaded" for root in self.roots]
        deadline = time.monotonic() + within_s
        at = []
        while waiting:
            ready = [path for path in waiting if _number_in(path) == revision]
            at += [path.stat().st_mtime for path in ready]
            waiting = [path for path in waiting if path not in set(ready)]
            if waiting and time.monotonic() > deadline:
                raise MeasurementError(
                    f"{len(waiting)} of {len(self.roots)} drones did not reload for revision "
                    f"{revision} within {within_s:g} s"
                )
            time.sleep(_LOOK_S)
        return at


@contextlib.contextmanager
def forked_fleet(store: Store, folder: Path, count: int) -> Iterator[Fleet]:
    """Run drones inside the block, forked from one process."""
    roots = [_write_root(folder / node_of(number), store, number) for number in range(count)]
    log = (folder / "fleet.log").open("wb")
    command = [sys.executable, "-m", "bench.agents_fleet", str(folder)]
    with log, _ending(subprocess.Popen(command, stderr=log, stdout=log)):
        yield Fleet(roots=roots)


@contextlib.contextmanager
def archived_fleet(store: Store, folder: Path, count: int) -> Iterator[list[int]]:
    """Run drones inside the block, each from its archive as user-data does; gives their pids."""
    archive = folder / "drone.pyz"
    build(archive)
    roots = [_write_root(folder / node_of(number), store, number) for number in range(count)]
    with contextlib.ExitStack() as stack:
        quiet = stack.enter_context((folder / "drones.log").open("wb"))
        drones = [
            subprocess.Popen(
                [sys.executable, "-I", str(archive), "run"],
                stderr=quiet,
                env={"PATH": os.environ["PATH"], "PITRIX_ROOT": str(root)},
            )
            for root in roots
        ]
        for drone in drones:
            stack.enter_context(_ending(drone))
        yield [drone.pid for drone in drones]


def _write_root(root: Path, store: Store, number: int) -> Path:
    """Write the root folder of a node that has enrolled before."""
    user, password = store.login_of(number)
    config = {
        "protocol": 2,
        "cluster_id": CLUSTER,
        "node_id": user,
        "role": ROLE,
        "endpoints": [store.endpoint],
        "ca": store.ca,
        "enrol_url": store.endpoint,
        "enrolment": "-" * 32,  # it was good once
    }
    login = {"node_id": user, "password": password, "is_confirmed": True}
    resource = ["[template]", 'src = "change.tmpl"', 'dest = "/opt/change"', 'keys = ["/"]']
    resource.append(f"reload_cmd = {json.dumps(_RELOAD.format(root=root))}")
    files = {
        "etc/pitrix/drone.json": json.dumps(config),
        "var/lib/pitrix/drone/login.json": json.dumps(login),
        "etc/confd/conf.d/change.toml": "\n".join([*resource, ""]),
        "etc/confd/templates/change.tmpl": _TEMPLATE,
        "opt/reloaded": "",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def _number_in(path: Path) -> int:
    text = path.read_text().strip()
    return int(text) if text.isdigit() else 0


@contextlib.contextmanager
def _ending(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _main(folder: Path) -> None:
    """Fork a drone for each root in a folder, and wait for SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    drones = []
    for root in sorted(path for path in folder.iterdir() if path.is_dir()):
        pid = os.fork()
        if not pid:
            _be_drone(root)
        drones.append(pid)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    for pid in drones:
        os.kill(pid, signal.SIGKILL)  # what they would do in peace takes a thousand of them long
    for pid in drones:
        os.waitpid(pid, 0)


def _be_drone(root: Path) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    os.environ["PITRIX_ROOT"] = str(root)
    code = 1
    try:
        code = cli.main(["run"])
    finally:
        os._exit(code)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
