"""A whole installation for the labs: ``pitrix serve`` and its command line, in any network."""

import contextlib
import json
import os
import signal
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import lab_app
import psutil
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

    def add_runtime(self, name: str, provider: str, settings: Mapping[str, object]) -> None:
        """Add a runtime."""
        options = [
            f"{key}={value if isinstance(value, str) else json.dumps(value)}"
            for key, value in settings.items()
        ]
        words = [word for option in options for word in ("--set", option)]
        self.run("runtime", "add", name, "--provider", provider, *words)

    def log(self) -> str:
        """Return the end of the server's log."""
        path = self.folder / "serve.log"
        return path.read_text()[-4000:] if path.exists() else ""


@contextlib.contextmanager
def serving(
    folder: Path, settings: dict[str, str], *, within: Sequence[str] = ()
) -> Iterator[LabInstallation]:
    """Serve inside the block, with the app ``noted`` in the catalogue.

    Its ``ledger`` and its folder ``images`` are in the folder; all that runs from there ends with
    the block, machines that a failed test has left, too.
    """
    installation = LabInstallation(folder / "server", within=within, settings=settings)
    package = lab_app.write_package(folder, image="lab", ledger=folder / "ledger")
    (folder / "ledger").touch()
    lab_app.write_image(folder / "images/lab")
    try:
        installation.start()
        installation.run("package", "build", str(package), "-o", str(folder / "repo"))
        installation.run("repo", "add", "mine", (folder / "repo").as_uri())
        yield installation
    finally:
        installation.stop()
        _end_what_is_left(folder)


def machines_here(folder: Path, etcd: str) -> dict[str, object]:
    """Return the settings of a runtime of ``local``, with the images of a folder.

    :param etcd: the program that its Frontgate runs.
    """
    images, path = str(folder / "images"), str(Path(etcd).parent)
    return {"isolation": "prefix", "images": [images], "path": [path]}


def _end_what_is_left(folder: Path) -> None:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(folder) in word for word in process.cmdline()):
                process.kill()
