"""A machine and a Frontgate's etcd for the tests: users, metadata, and a drone's process."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
from typing import Any, Final

from drone_harness import EtcdServer, wait_for

from pitrix_drone.etcd import EtcdClient, op_put

CLUSTER: Final = "cl-1"
NODE: Final = "cl-1-n1"
ROLE: Final = "etcd_node"
PASSWORD: Final = "a-long-password"
_TOP: Final = f"/c/{CLUSTER}"


class Frontgate:
    """What a Frontgate does in its etcd, for one cluster of one node."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.client = EtcdClient([endpoint], user="root", password="r")
        self.client.user_add("root", "r")
        self.client.role_add("root")
        self.client.user_grant_role("root", "root")
        self.client.auth_enable()

    def add_user(self) -> None:
        """Let the node in."""
        self.client.role_add(NODE)
        for part in ("shared", f"roles/{ROLE}", f"nodes/{NODE}", f"commands/{NODE}"):
            self.client.role_grant_prefix(NODE, f"{_TOP}/{part}/", permission="READ")
        self.client.role_grant_prefix(NODE, f"{_TOP}/reports/{NODE}/", permission="READWRITE")
        self.client.user_add(NODE, PASSWORD)
        self.client.user_grant_role(NODE, NODE)

    def put_metadata(self, revision: int, **env: str) -> None:
        """Write metadata over the old, in one transaction."""
        self.client.txn(
            [],
            [
                op_put(f"{_TOP}/shared/hosts/{ROLE}/i-1/ip", "127.0.0.1"),
                op_put(f"{_TOP}/shared/revision", str(revision)),
                op_put(f"{_TOP}/nodes/{NODE}/host/ip", "127.0.0.1"),
                *(op_put(f"{_TOP}/roles/{ROLE}/env/{name}", env[name]) for name in env),
            ],
        )

    def put_command(self, command_id: str, cmd: str, **more: Any) -> None:
        """Give the node a command."""
        body = {"command_id": command_id, "cmd": cmd, "timeout_s": 20, "idempotent": False}
        body.update(more)
        self.client.put(f"{_TOP}/commands/{NODE}/{command_id}", json.dumps(body))

    def status(self) -> dict[str, Any]:
        """Return the node's last status, or nothing."""
        return self.report("status")

    def result(self, command_id: str) -> dict[str, Any]:
        """Return a command's result, or nothing."""
        return self.report(f"results/{command_id}")

    def wait_for_result(self, command_id: str, *, within_s: float = 15.0) -> dict[str, Any]:
        """Return a command's result as soon as it is there."""
        what = f"the result of {command_id}"
        return wait_for(lambda: self.result(command_id), what, within_s=within_s)

    def wait_for_status(self, state: str, revision: int) -> dict[str, Any]:
        """Return the status as soon as it is this one."""

        def found() -> dict[str, Any]:
            status = self.status()
            wanted = (state, revision)
            return status if (status.get("state"), status.get("revision")) == wanted else {}

        return wait_for(found, f"the status {state} at {revision}")

    def report(self, path: str) -> dict[str, Any]:
        """Return what the node wrote below its reports, or nothing."""
        found = self.client.get(f"{_TOP}/reports/{NODE}/{path}")
        return json.loads(found.value) if found else {}


class Machine:
    """A private root with a drone in it."""

    def __init__(self, root: pathlib.Path, zipapp: pathlib.Path, endpoint: str) -> None:
        self.root = root
        self.zipapp = zipapp
        self._process: subprocess.Popen[bytes] | None = None
        self.write(
            "/etc/pitrix/drone.json",
            json.dumps(
                {
                    "protocol": 1,
                    "cluster_id": CLUSTER,
                    "node_id": NODE,
                    "role": ROLE,
                    "endpoints": [endpoint],
                    "user": NODE,
                    "password": PASSWORD,
                    "dialect": "appcenter",
                }
            ),
        )

    def at(self, path: str) -> pathlib.Path:
        """Return where an absolute path of the machine is."""
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str) -> None:
        """Write a file of the machine."""
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).write_text(text, "utf-8")

    def add_resource(self, name: str, template: str, **fields: str) -> None:
        """Put a resource with its template into the image."""
        lines = [f'src = "{name}.tmpl"', f'dest = "/opt/{name}"', 'keys = ["/"]']
        lines += [f"{field} = {json.dumps(value)}" for field, value in fields.items()]
        self.write(f"/etc/confd/conf.d/{name}.toml", "\n".join(["[template]", *lines, ""]))
        self.write(f"/etc/confd/templates/{name}.tmpl", template)

    def start(self) -> None:
        """Start the drone as user-data does."""
        with self.at("/drone.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", self.zipapp, "run"],
                env={"PATH": os.environ["PATH"], "PITRIX_ROOT": str(self.root)},
                stderr=log,
                start_new_session=True,
            )

    def end(self, how: int = signal.SIGTERM) -> int:
        """End the drone with a signal; return its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(how)
        exit_code = self._process.wait(10)
        self._process = None
        return exit_code


def frontgate(server: EtcdServer) -> Frontgate:
    """Return the Frontgate of a fresh etcd."""
    return Frontgate(server.endpoint)
