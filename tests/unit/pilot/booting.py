"""A machine that boots with user-data, and the server that it fetches its agent from."""

import hashlib
import http.server
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pitrix_core.model import AgentStart
from pitrix_core.pilot.packing import packed
from pitrix_core.pilot.userdata import AgentFile, FetchRules, make_user_data

#: An agent that writes down how it was started; it takes a configuration, and has an etcd, where a
#: file says so.
AGENT = """
import json, os, sys
mask, root, verb = os.umask(0), os.environ["PITRIX_ROOT"], sys.argv[1]
if verb != "run":
    sys.exit(0 if os.path.exists(root + "/" + verb) else "no " + verb)
config = sys.argv[sys.argv.index("--config") + 1]
said = {"arguments": sys.argv[1:], "umask": mask, "config": json.load(open(config)),
        "mode": os.stat(config).st_mode & 0o777}
json.dump(said, open(root + "/said.json", "w"))
"""

#: A program that writes down how it was called.
RECORDER = """#!/bin/sh
echo "${0##*/} $*" >> "$PITRIX_ROOT/calls"
"""


class Server(http.server.ThreadingHTTPServer):
    """Serves one file, as wrongly as a test wants."""

    content = b""
    #: Answers given before the right one.
    before: list[Callable[[http.server.BaseHTTPRequestHandler], None]] = []  # noqa: RUF012
    #: What was asked for.
    paths: list[str] = []  # noqa: RUF012

    @property
    def requests(self) -> int:
        """How often it was asked."""
        return len(self.paths)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers from the server's list."""

    server: Server

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        if self.server.before:
            self.server.before.pop(0)(self)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_arguments: Any) -> None:
        pass


class Machine:
    """A machine that boots with some user-data, below a folder."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.root = folder / "root"
        self.programs = folder / "programs"
        for made in (self.root, self.programs):
            made.mkdir()
        self.file = AgentFile(
            url=f"http://127.0.0.1:{server.server_port}/$HOME;a?c='d'&e=(f)",
            sha256=hashlib.sha256(server.content).hexdigest(),
            size_bytes=len(server.content),
            packed=packed(server.content),
        )

    def script(self, config: Any = None, *, agent: str = "drone", **rules: Any) -> str:
        """Return the user-data of an agent, which is fetched."""
        start = AgentStart(agent=agent, config=config or {})
        again_s = rules.pop("again_s", 3)
        limit_bytes = rules.pop("limit_bytes", 0)
        return make_user_data(
            start,
            self.file,
            limit_bytes=limit_bytes,
            rules=FetchRules(**{"tries": 3, **rules}),
            again_s=again_s,
        )

    def boot(
        self, script: str, *, shell: str = "/bin/sh", instance: str = "i-1", path: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """Run user-data for real.

        :param instance: as a guest of this name; empty for a machine of its own.
        :param path: where programs are; empty for the usual places.
        """
        environment = {
            "PATH": path or f"{self.programs}:{os.environ['PATH']}",
            "PITRIX_ROOT": str(self.root),
            "PITRIX_INSTANCE": instance,
        }
        return subprocess.run(
            [*shell.split(), "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def add_program(self, name: str, text: str = RECORDER) -> None:
        """Put a program in front of all others."""
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def put_systemd_in_charge(self) -> None:
        """Have services started by a stand-in that writes down what it was told."""
        (self.root / "run/systemd/system").mkdir(parents=True)
        self.add_program("systemctl")
        self.add_program("sync", "#!/bin/sh\n")

    def calls(self) -> list[str]:
        """Return what was called since the last time."""
        calls = self.root / "calls"
        found = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return found

    @property
    def agent(self) -> Path:
        """The drone's archive."""
        return self.root / "opt/pitrix/drone.pyz"

    @property
    def said(self) -> Any:
        """What the agent wrote down."""
        return json.loads((self.root / "said.json").read_text())
