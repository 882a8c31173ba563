"""A whole installation for the labs: ``pitrix serve`` and its command line, in any network."""

import json
import os
import signal
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from lab_etcd import eventually

_SCRIPTS: Final = Path(sysconfig.get_path("scripts"))
_START_S: Final = 120.0
_RUN_S: Final = 240.0


@attrs.define
class LabInstallation:
    """One server.

    :param folder: its data, home and log.
    :param within: words before each command, such as those of a network namespace.
    :param settings: more of its environment.
    """

    folder: Path
    within: Sequence[str] = ()
    settings: dict[str, str] = attrs.field(factory=dict)
    _server: "subprocess.Popen[bytes] | None" = None
    _commands: "list[subprocess.Popen[str]]" = attrs.field(factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Environment of every command."""
        return {
            "PATH": os.pathsep.join((os.environ["PATH"], str(_SCRIPTS))),
            "HOME": str(self.folder),
            "PITRIX_DATA": str(self.folder / "data"),
            "LANG": "C.UTF-8",
            **self.settings,
        }

    def start(self) -> None:
        """Start serving, and wait until it answers."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "serve.log").open("ab") as log:
            self._server = subprocess.Popen(
                [*self.within, str(_SCRIPTS / "pitrix"), "serve"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        url = self.folder / "data" / "url"
        eventually(url.exists, f"the server answers; {self.log()}", within_s=_START_S)

    def stop(self) -> None:
        """Stop serving as Ctrl-C would; commands that nobody waited for end at once."""
        for command in self._commands:
            command.kill()
            command.communicate()
        server, self._server = self._server, None
        if server is None:
            return
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=60)
        finally:
            server.kill()
            server.wait()

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """Begin a command; :meth:`finish` tells how it went."""
        command = subprocess.Popen(
            [*self.within, str(_SCRIPTS / "pitrix"), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._commands.append(command)
        return command

    def finish(self, command: "subprocess.Popen[str]") -> str:
        """Wait for a command, which has to succeed, and return what it printed."""
        try:
            out, err = command.communicate(timeout=_RUN_S)
        except subprocess.TimeoutExpired:
            command.kill()
            out, err = command.communicate()
        self._commands.remove(command)
        assert command.returncode == 0, f"{command.args}: {out}\n{err}\n{self.log()}"
        return out

    def run(self, *arguments: str) -> str:
        """Run a command, which has to succeed."""
        return self.finish(self.begin(*arguments))

    def ask(self, *arguments: str) -> Any:
        """Run a command that prints JSON."""
        return json.loads(self.run(*arguments, "--json"))

    def log(self) -> str:
        """Return the end of the server's log."""
        path = self.folder / "serve.log"
        return path.read_text()[-4000:] if path.exists() else ""
