"""Turns resources and metadata into files, and runs what has to follow.

A file is staged beside its destination and compared; only a difference is checked, renamed into
place and followed by the reload command. That a reload is due is noted on disk before the rename,
and crossed out when the command has succeeded: neither a failure nor a crash loses it.
One resource that fails does not stop the others.
"""

from __future__ import annotations

import grp
import logging
import os
import pathlib
import posixpath
import pwd
import re
import stat
import threading
import urllib.parse
from collections.abc import Mapping
from typing import Final, NamedTuple

from pitrix_drone.config import Layout
from pitrix_drone.files import (
    put_in_place,
    remove_durably,
    sha256_of,
    staged,
    write_durably,
)
from pitrix_drone.functions import functions
from pitrix_drone.gotemplate import Template, TemplateError
from pitrix_drone.keystore import Store, clean, select
from pitrix_drone.processes import MACHINE, Shell, run_shell
from pitrix_drone.resources import Resource, load_resources
from pitrix_drone.sources import SourceError, read_source

log = logging.getLogger(__name__)

_CHECK_TIMEOUT_S: Final = 60.0
_RELOAD_TIMEOUT_S: Final = 600.0
_DEFAULT_MODE: Final = 0o644
_SHOWN_OUTPUT_CHARS: Final = 500
#: Names of files end at 255 bytes; write_durably puts something before them.
_MOST_NAME_CHARS: Final = 200
#: As many as Linux follows. Source: https://man7.org/linux/man-pages/man7/path_resolution.7.html
_MAX_LINKS: Final = 40
#: What stands for the file in a reload command. The rest is left as it is: confd does not take the
#: command for a template, and ``docker ps --format '{{.Names}}'`` is one for somebody else.
_DEST: Final = re.compile(r"\{\{-?\s*\.(?:src|dest)\s*-?\}\}")


class RenderError(Exception):
    """One resource could not be brought up to date."""


#: What a resource may fail with; the next one has its turn all the same.
_FAILURES: Final = (RenderError, SourceError, TemplateError, OSError, LookupError, ValueError)


class Rendered(NamedTuple):
    """What one pass over all resources came to.

    :param changed: destinations that were written.
    :param problems: what went wrong, each beginning with the resource's file name.
    """

    changed: tuple[str, ...]
    problems: tuple[str, ...]


class Commands:
    """Runs check and reload commands."""

    def __init__(
        self, *, stop: threading.Event, scratch: pathlib.Path, shell: Shell = MACHINE
    ) -> None:
        self._stop = stop
        self._scratch = scratch
        self._shell = shell

    def run(self, field: str, command: str, *, timeout_s: float) -> None:
        """Run a command and wait for it.

        :param field: what the command is, for messages.
        :raises RenderError: it failed, took too long, or the drone is stopping.
        """
        try:
            outcome = run_shell(
                command,
                timeout_s=timeout_s,
                stop=self._stop,
                scratch=self._scratch,
                shell=self._shell,
            )
        except OSError as ex:
            raise RenderError(f"{field} could not be started: {ex}") from ex
        if outcome.exit_code is None:
            raise RenderError(f"{field} was stopped, after {timeout_s:g} s at the latest")
        if outcome.exit_code:
            tail = outcome.output[-_SHOWN_OUTPUT_CHARS:].strip()
            raise RenderError(
                f"{field} ended with exit code {outcome.exit_code}" + (f": {tail}" if tail else "")
            )


class NoCommands(Commands):
    """Runs none: for authors, who render without a machine to reload."""

    def run(self, field: str, command: str, *, timeout_s: float) -> None:
        """Only say what would have run."""
        log.info("%s not run: %s", field, command)


class Renderer:
    """Brings the files of all resources up to date; one pass at a time.

    :param prefix: what resource keys are relative to.
    :param dialect: of the template functions.
    :param reloads: where it is noted which reloads are due; below the drone's state by default.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        prefix: str,
        dialect: str,
        commands: Commands,
        reloads: pathlib.Path | None = None,
    ) -> None:
        self._layout = layout
        self._reloads = reloads or layout.state / "reloads"
        self._prefix = prefix
        self._dialect = dialect
        self._commands = commands

    def render(self, values: Mapping[str, str]) -> Rendered:
        """Go once over all resources.

        :param values: the metadata: absolute path → value.
        """
        loaded = load_resources(self._layout.confd / "conf.d", dialect=self._dialect)
        problems = list(loaded.problems)
        changed = []
        stores: dict[tuple[str, ...], Store] = {}
        for resource in loaded.resources:
            if resource.keys not in stores:
                chosen = select(values, prefix=self._prefix, keys=resource.keys)
                stores[resource.keys] = Store(chosen)
            try:
                if self._bring_up_to_date(resource, stores[resource.keys]):
                    changed.append(resource.dest)
            except (
                RenderError,
                SourceError,
                TemplateError,
                OSError,
                LookupError,
                ValueError,
            ) as ex:
                problems.append(f"{resource.name}: {ex}")
        return Rendered(tuple(changed), tuple(problems))

    def _bring_up_to_date(self, resource: Resource, store: Store) -> bool:
        dest = self._layout.at(self._followed(resource.dest))
        content = self._content(resource, store)
        with staged(dest, content.encode("utf-8", "surrogateescape")) as stage:
            self._dress(stage, dest, resource)
            is_changed = not _same(stage, dest)
            if is_changed:
                self._check(resource, stage, dest)
                self._note_reload(resource)
                put_in_place(stage, dest)
                log.info("wrote %s", dest)
        self._reload_if_due(resource)
        return is_changed

    def _followed(self, dest: str) -> str:
        """Return where a link leads to, as a path of the machine; the link itself stays."""
        for _ in range(_MAX_LINKS):
            try:
                target = str(self._layout.at(dest).readlink())
            except OSError:
                return dest
            dest = clean(posixpath.join(posixpath.dirname(dest), target))
        raise RenderError(f"dest: more than {_MAX_LINKS} links one after the other")

    def _content(self, resource: Resource, store: Store) -> str:
        source = read_source(self._layout.confd / "templates", resource.src)
        known = functions(self._dialect, store, root=self._layout.root)
        try:
            return Template(source.text, name=source.name, functions=known).render()
        except TemplateError as ex:
            raise RenderError(source.located(str(ex))) from ex

    def _dress(self, stage: pathlib.Path, dest: pathlib.Path, resource: Resource) -> None:
        """Give the staged file its owner and mode; the owner first, as chown drops bits."""
        if resource.uid is not None or resource.gid is not None:
            self._change_owner(stage, resource)
        mode = resource.mode
        if mode is None:
            mode = stat.S_IMODE(dest.stat().st_mode) if dest.exists() else _DEFAULT_MODE
        stage.chmod(mode)

    def _change_owner(self, stage: pathlib.Path, resource: Resource) -> None:
        try:
            os.chown(stage, _user_id(resource.uid), _group_id(resource.gid))
        except (OSError, LookupError) as ex:
            if not self._layout.root or os.geteuid() == 0:
                raise RenderError(f"uid, gid: cannot be set: {ex}") from ex
            # Below a folder of somebody's who is not root no file can be another's.
            log.warning("%s: uid, gid: left as they are: %s", resource.name, ex)

    def _check(self, resource: Resource, stage: pathlib.Path, dest: pathlib.Path) -> None:
        if resource.check_cmd:
            template = Template(resource.check_cmd, name="check_cmd")
            command = template.render({"src": str(stage), "dest": str(dest)})
            self._commands.run("check_cmd", command, timeout_s=_CHECK_TIMEOUT_S)

    def _due_file(self, resource: Resource) -> pathlib.Path:
        name = urllib.parse.quote(resource.dest, safe="")
        is_name = len(name) <= _MOST_NAME_CHARS
        return self._reloads / (name if is_name else sha256_of(resource.dest.encode()))

    def _note_reload(self, resource: Resource) -> None:
        if resource.reload_cmd:
            write_durably(self._due_file(resource), resource.dest)

    def _reload_if_due(self, resource: Resource) -> None:
        due = self._due_file(resource)
        if resource.reload_cmd and due.exists():
            dest = str(self._layout.at(resource.dest))
            command = _DEST.sub(lambda _: dest, resource.reload_cmd)
            self._commands.run("reload_cmd", command, timeout_s=_RELOAD_TIMEOUT_S)
            remove_durably(due)


def _user_id(user: int | str | None) -> int:
    if isinstance(user, str):
        return pwd.getpwnam(user).pw_uid
    return -1 if user is None else user


def _group_id(group: int | str | None) -> int:
    if isinstance(group, str):
        return grp.getgrnam(group).gr_gid
    return -1 if group is None else group


def _same(stage: pathlib.Path, dest: pathlib.Path) -> bool:
    try:
        old = dest.stat()
    except FileNotFoundError:
        return False
    new = stage.stat()
    if (old.st_uid, old.st_gid, old.st_mode, old.st_size) != (
        new.st_uid,
        new.st_gid,
        new.st_mode,
        new.st_size,
    ):
        return False
    return os.access(dest, os.R_OK) and dest.read_bytes() == stage.read_bytes()
