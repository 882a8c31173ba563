"""Runs the commands a node is given, each at most once, one after the other.

Those that fill in a display tab only look, and somebody waits for them: they stand in a line of
their own, are not noted on disk, and may be run again.
"""

from __future__ import annotations

import json
import logging
import pathlib
import queue
import re
import threading
from typing import Any, Callable, Final, NamedTuple

from pitrix_drone.etcd import (
    EtcdClient,
    Event,
    KeyValue,
    Snapshot,
    if_missing,
    if_mod_revision,
    op_put,
)
from pitrix_drone.etcd_retry import until_done
from pitrix_drone.journal import Entry, Journal, Process
from pitrix_drone.metadata import Places
from pitrix_drone.processes import (
    MACHINE,
    Outcome,
    Shell,
    ask_shell,
    kill_leftover,
    run_shell,
    start_ticks,
)
from pitrix_drone.reports import boot_id, now, result
from pitrix_drone.supervision import BEGIN, END, Supervision
from pitrix_drone.turns import Turns

log = logging.getLogger(__name__)

_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]{0,99}")
#: A week. Source: agents/protocol/schemas/v2/common.schema.json, timeout_s.
_MAX_TIMEOUT_S: Final = 604_800
_LAST_PAUSE_S: Final = 5.0
#: Tabs that may wait; for more than that nobody would wait long enough.
_MOST_TABS: Final = 16


class CommandError(Exception):
    """What stands in etcd is not a command."""


class Command(NamedTuple):
    """One command of the protocol."""

    command_id: str
    cmd: str
    timeout_s: float
    is_idempotent: bool
    #: ``begin`` or ``end`` where it starts or stops the application; empty otherwise.
    supervision: str = ""


class CommandRunner:
    """Takes commands from a watch in any thread, and runs them in the one that calls ``run``.

    :param scratch: a folder for output while commands run.
    """

    def __init__(  # noqa: PLR0913  # what it works with
        self,
        client: EtcdClient,
        where: Places,
        *,
        journal: Journal,
        scratch: pathlib.Path,
        stop: threading.Event,
        shell: Shell = MACHINE,
        supervision: Supervision,
        turns: Turns,
    ) -> None:
        self._client = client
        self._where = where
        self._journal = journal
        self._scratch = scratch
        self._stop = stop
        self._shell = shell
        self._boot = boot_id()
        self._supervision = supervision
        self._turns = turns
        self._waiting: queue.Queue[KeyValue | None] = queue.Queue()
        self._tabs: queue.Queue[KeyValue | None] = queue.Queue()

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Take every command there is, the oldest first."""
        for item in sorted(snapshot.items, key=lambda item: item.create_revision):
            self._take(item)

    def on_events(self, events: tuple[Event, ...]) -> None:
        """Take new commands."""
        for event in events:
            if event.type == "PUT":
                self._take(event.kv)

    def wake(self) -> None:
        """Make ``run`` and ``answer_tabs`` look whether they have to stop."""
        self._waiting.put(None)
        self._tabs.put(None)

    def run(self) -> None:
        """Run commands as they come, until the drone stops."""
        self._journal.drop_oldest()
        while not self._stop.is_set():
            item = self._waiting.get()
            if item is not None and not self._stop.is_set():
                self._settle(item)

    def answer_tabs(self) -> None:
        """Fill in display tabs as they are asked for, until the drone stops."""
        while not self._stop.is_set():
            item = self._tabs.get()
            if item is None or self._stop.is_set():
                continue
            is_late = self._tabs.qsize() > _MOST_TABS
            found = self._refused(item) if is_late else self._filled_in(item)
            if not self._stop.is_set():
                self._report(found, item)

    def _take(self, item: KeyValue) -> None:
        line = self._tabs if _is_tab(item.value) else self._waiting
        line.put(item)

    def _refused(self, item: KeyValue) -> dict[str, Any]:
        command_id = item.key[len(self._where.commands) :]
        output = "too many tabs are asked for at a time"
        return result(command_id, state="refused", started_at=None, output=output)

    def _filled_in(self, item: KeyValue) -> dict[str, Any]:
        command_id = item.key[len(self._where.commands) :]
        started_at = now()
        try:
            command = read_command(command_id, item.value)
            outcome = ask_shell(
                command.cmd,
                timeout_s=command.timeout_s,
                stop=self._stop,
                scratch=self._scratch,
                shell=self._shell,
            )
        except (CommandError, OSError) as ex:
            return result(command_id, state="refused", started_at=None, output=str(ex))
        return _ended(command_id, outcome, started_at=started_at)

    def _settle(self, item: KeyValue) -> None:
        command_id = item.key[len(self._where.commands) :]
        if not _ID.fullmatch(command_id):
            log.warning("passed over %s: not the id of a command", item.key)
            return
        found = self._outcome(command_id, item.value)
        if found is not None:
            self._report(found, item)

    def _outcome(self, command_id: str, value: str) -> dict[str, Any] | None:
        """Return the result of a command, running it if that was not done; None when stopped."""
        entry = self._journal.find(command_id)
        if entry is not None and entry.result is not None:
            return entry.result
        try:
            command = read_command(command_id, value)
        except CommandError as ex:
            return self._finished(
                result(command_id, state="refused", started_at=None, output=str(ex))
            )
        if entry is not None:
            self._end_leftover(entry)
        if entry is not None and not command.is_idempotent:
            return self._finished(result(command_id, state="unknown", started_at=entry.started_at))
        return self._carried_out(command)

    def _carried_out(self, command: Command) -> dict[str, Any] | None:
        started_at = now()
        self._journal.start(command.command_id, started_at=started_at)
        log.info("command %s started", command.command_id)

        def on_start(pid: int) -> None:
            process = Process(self._boot, pid, start_ticks(pid))
            self._journal.note_process(command.command_id, started_at=started_at, process=process)

        try:
            outcome = self._ran(command, on_start)
        except OSError as ex:
            message = f"the shell could not be started: {ex}"
            return self._finished(
                result(command.command_id, state="refused", started_at=None, output=message)
            )
        if outcome.exit_code is None and self._stop.is_set():
            return None  # interrupted: the next start finds it begun and without an end
        return self._finished(_ended(command.command_id, outcome, started_at=started_at))

    def _ran(self, command: Command, on_start: Callable[[int], None]) -> Outcome:
        """Run a command, without checks and actions beside it."""
        with self._turns.command():
            was_started = self._supervision.current().is_started
            if command.supervision == END:
                self._supervision.end()
            outcome = run_shell(
                command.cmd,
                timeout_s=command.timeout_s,
                stop=self._stop,
                scratch=self._scratch,
                shell=self._shell,
                on_start=on_start,
            )
            is_good = outcome.exit_code == 0
            if command.supervision == BEGIN and is_good:
                self._supervision.begin()
            if command.supervision == END and was_started and not is_good:
                self._supervision.begin()  # as far as anybody knows, it runs on
            return outcome

    def _end_leftover(self, entry: Entry) -> None:
        """End what a drone that was killed left running, before anything is done about it."""
        if entry.process is not None and entry.process.boot_id == self._boot:
            kill_leftover(entry.process.pid, entry.process.start_ticks)

    def _finished(self, found: dict[str, Any]) -> dict[str, Any]:
        self._journal.finish(found["command_id"], result=found)
        log.info("command %s: %s", found["command_id"], found["state"])
        return found

    def _report(self, found: dict[str, Any], item: KeyValue) -> None:
        """Store a result, unless it is there or nobody waits for it any more."""
        key = f"{self._where.reports}results/{found['command_id']}"
        conditions = [if_missing(key), if_mod_revision(item.key, item.mod_revision)]
        until_done(
            lambda: self._client.txn(conditions, [op_put(key, json.dumps(found))]),
            f"storing the result of {found['command_id']}",
            stop=self._stop,
            last_pause_s=_LAST_PAUSE_S,
        )


def read_command(command_id: str, value: str) -> Command:
    """Read a command as it stands in etcd.

    :raises CommandError: it is not one; the message says why.
    """
    try:
        data = json.loads(value)
    except (ValueError, RecursionError):
        raise CommandError("the command is not JSON") from None
    if not isinstance(data, dict):
        raise CommandError("the command is not a JSON object")
    if data.get("command_id") != command_id:
        raise CommandError("command_id is not the one in the key")
    cmd, timeout_s = data.get("cmd"), data.get("timeout_s")
    if not isinstance(cmd, str) or not cmd or "\0" in cmd:
        raise CommandError("cmd: text is needed")
    if isinstance(timeout_s, bool) or not isinstance(timeout_s, (int, float)):
        raise CommandError("timeout_s: a number is needed")
    if not 0 < timeout_s <= _MAX_TIMEOUT_S:
        raise CommandError(f"timeout_s: more than 0, at most {_MAX_TIMEOUT_S}")
    if not isinstance(data.get("idempotent"), bool):
        raise CommandError("idempotent: true or false is needed")
    supervision = data.get("supervision", "")
    if supervision not in ("", BEGIN, END):
        raise CommandError(f"supervision: {BEGIN} or {END}, if it is there")
    return Command(command_id, cmd, float(timeout_s), data["idempotent"], supervision)


def _is_tab(value: str) -> bool:
    """Tell whether a display tab is asked for; what cannot be read is refused in its turn."""
    try:
        data = json.loads(value)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and data.get("answer") == "table"


def _ended(command_id: str, outcome: Outcome, *, started_at: str) -> dict[str, Any]:
    return result(
        command_id,
        state="timed_out" if outcome.exit_code is None else "done",
        started_at=started_at,
        exit_code=outcome.exit_code,
        output=outcome.output,
        is_truncated=outcome.is_truncated,
    )
