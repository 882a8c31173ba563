"""Drives docker or podman, whichever is on the machine, by its command line.

Both understand nearly the same words; where they differ, the difference is here.
"""

from __future__ import annotations

import pathlib
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pitrix_drone.files import write_durably
from pitrix_drone.processes import MARK, Outcome, run_program

_PROGRAMS: Final = ("docker", "podman")
_TIMEOUT_S: Final = 120.0
#: An image of a few GiB over a slow line.
_PULL_TIMEOUT_S: Final = 3600.0
#: A container gets so long to end by itself; both engines' own choice is 10 s.
_GRACE_S: Final = 30
#: Of a container's own log; it would fill the disk otherwise.
_LOG_SIZE: Final = "50m"
_SHOWN_OUTPUT_CHARS: Final = 500
#: Answers are looked for among warnings, which both engines like to give.
_ID: Final = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
_STATE: Final = re.compile(r"([0-9a-f]{64}) (true|false) (-?[0-9]+)")


class EngineError(Exception):
    """The engine is not there, or refused; the message says what it said."""


class Container(NamedTuple):
    """One container, as the engine sees it."""

    id: str
    is_running: bool
    exit_code: int


class Wanted(NamedTuple):
    """A container that is to be made.

    :param mounts: folders of the machine, seen at the same path; then those that are only read.
    """

    name: str
    image: str
    environment: Mapping[str, str]
    mounts: Sequence[str]
    read_only_mounts: Sequence[str]


class Engine:
    """One of the two; finding out which takes a moment.

    :param scratch: a folder for output while commands run.
    :raises EngineError: neither is there, or works.
    """

    def __init__(self, *, stop: threading.Event, scratch: pathlib.Path) -> None:
        self._stop = stop
        self._scratch = scratch
        self.program = self._found()
        # podman may be called docker, too
        self.is_podman = "podman" in self._run("--version").lower()

    def image_id(self, image: str) -> str | None:
        """Return which image a name stands for; None where there is none of the name."""
        outcome = self._outcome("image", "inspect", "--format", "{{.Id}}", image)
        return _id_in(outcome.output) if outcome.exit_code == 0 else None

    def pull(self, reference: str, *, is_plain: bool) -> None:
        """Get an image from where its name says.

        :param is_plain: its registry speaks plain HTTP. Docker asks its own configuration instead.
        """
        options = ["--tls-verify=false"] if is_plain and self.is_podman else []
        self._run("pull", "--quiet", *options, reference, timeout_s=_PULL_TIMEOUT_S)

    def tag(self, reference: str, image: str) -> None:
        """Give an image another name."""
        self._run("tag", reference, image)

    def find(self, name: str) -> Container | None:
        """Look for a container."""
        form = "{{.Id}} {{.State.Running}} {{.State.ExitCode}}"
        outcome = self._outcome("container", "inspect", "--format", form, name)
        state = _STATE.search(outcome.output)
        if outcome.exit_code == 0 and state is not None:
            return Container(state[1], state[2] == "true", int(state[3]))
        if "no such container" in outcome.output.lower():
            return None
        raise EngineError(f"inspect failed: {outcome.output[-_SHOWN_OUTPUT_CHARS:].strip()}")

    def create(self, wanted: Wanted) -> str:
        """Make a container, and return its id; it does not run yet.

        It sees the machine's network, and is started again whenever it ends.
        """
        lines = {name: value for name, value in wanted.environment.items() if "\n" not in value}
        longer = {name: value for name, value in wanted.environment.items() if "\n" in value}
        # A file, for arguments can be seen by others; it knows no values of several lines.
        file = self._scratch / "environment"
        write_durably(file, "".join(f"{name}={value}\n" for name, value in lines.items()))
        try:
            made = self._run(
                "create",
                f"--name={wanted.name}",
                "--pull=never",
                "--network=host",
                "--restart=always",
                "--log-driver=json-file",
                f"--log-opt=max-size={_LOG_SIZE}",
                f"--env-file={file}",
                *(f"--env={name}={value}" for name, value in longer.items()),
                *(f"--volume={folder}:{folder}" for folder in wanted.mounts),
                *(f"--volume={folder}:{folder}:ro" for folder in wanted.read_only_mounts),
                wanted.image,
            )
        finally:
            file.unlink()
        return _id_in(made)

    def start(self, name: str) -> None:
        """Start a container; nothing to do for one that runs."""
        self._run("start", name)

    def remove(self, name: str) -> None:
        """Stop a container, and remove it with its unnamed volumes."""
        self._run("stop", f"--time={_GRACE_S}", name)
        self._run("rm", "--force", "--volumes", name)

    def copy_out(self, name: str, source: str, target: pathlib.Path) -> bool:
        """Copy a folder out of a container.

        :param target: is made by this.
        :returns: whether there is such a folder.
        """
        outcome = self._outcome("cp", f"{name}:{source}", str(target))
        return outcome.exit_code == 0

    def copy_in(self, name: str, archive: pathlib.Path) -> None:
        """Unpack a tar archive over a container's root; owners stay as they are in it."""
        owners = "--archive=false" if self.is_podman else "--archive"
        self._run("cp", owners, "-", f"{name}:/", stdin=archive)

    def last_words(self, name: str) -> str:
        """Return the end of what a container wrote."""
        output = self._outcome("logs", "--tail=10", name).output
        return output[-_SHOWN_OUTPUT_CHARS:].strip()

    def _found(self) -> str:
        import shutil  # noqa: PLC0415  # only nodes that are containers need it

        problems = []
        for name in _PROGRAMS:
            program = shutil.which(name)
            if program is None:
                continue
            outcome = self._outcome_of([program, "ps", "--quiet"], timeout_s=_TIMEOUT_S)
            if outcome.exit_code == 0:
                return program
            problems.append(f"{name}: {outcome.output[-_SHOWN_OUTPUT_CHARS:].strip()}")
        found = "; ".join(problems) or "neither docker nor podman is there"
        raise EngineError(
            f"no container can run on this machine: {found}; "
            "have the runtime's default_image name an image with one of them"
        )

    def _run(
        self, *arguments: str, timeout_s: float = _TIMEOUT_S, stdin: pathlib.Path | None = None
    ) -> str:
        outcome = self._outcome(*arguments, timeout_s=timeout_s, stdin=stdin)
        if outcome.exit_code == 0:
            return outcome.output
        said = outcome.output[-_SHOWN_OUTPUT_CHARS:].strip()
        if outcome.exit_code is None:
            raise EngineError(f"{arguments[0]} was stopped, after {timeout_s:g} s at the latest")
        raise EngineError(f"{arguments[0]} failed: {said}")

    def _outcome(
        self, *arguments: str, timeout_s: float = _TIMEOUT_S, stdin: pathlib.Path | None = None
    ) -> Outcome:
        return self._outcome_of([self.program, *arguments], timeout_s=timeout_s, stdin=stdin)

    def _outcome_of(
        self, argv: Sequence[str], *, timeout_s: float, stdin: pathlib.Path | None = None
    ) -> Outcome:
        try:
            return run_program(
                argv, timeout_s=timeout_s, stop=self._stop, scratch=self._scratch, stdin=stdin
            )
        except OSError as ex:
            raise EngineError(f"{argv[0]} could not be started: {ex}") from ex


def exec_arguments(program: str, name: str, command: str, *, mark: str) -> tuple[str, ...]:
    """Return what runs a shell command in a container, as root, and marks its processes."""
    # The variable is a word of its own, by which the next drone finds what this one left behind.
    return (program, "exec", "--user=0", "-e", f"{MARK}={mark}", name, "/bin/sh", "-c", command)


def _id_in(output: str) -> str:
    found = _ID.findall(output)
    if not found:
        raise EngineError(f"no id was answered: {output[-_SHOWN_OUTPUT_CHARS:].strip()}")
    return str(found[-1])
