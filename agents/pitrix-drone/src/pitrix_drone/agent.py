"""The running drone: watches its metadata, renders, reports, and runs commands.

Threads: one for each prefix that is watched, one for commands, one for display tabs, one for the
health check, one for the monitor, one that renders and reports. A
watch only says that something changed; what is rendered is read anew, from all prefixes in one
transaction, so that no template sees two revisions and no change can be lost.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any, Callable, Final

from pitrix_drone.commands import CommandRunner
from pitrix_drone.config import Config, Layout
from pitrix_drone.container import PATH as CONTAINER
from pitrix_drone.container import Application
from pitrix_drone.etcd import EtcdClient, EtcdError
from pitrix_drone.etcd_retry import Backoff, until_done
from pitrix_drone.gates import PATH as GATES
from pitrix_drone.gates import Gates
from pitrix_drone.health import HealthChecks
from pitrix_drone.journal import Journal
from pitrix_drone.login import Login
from pitrix_drone.metadata import Metadata, lay_over, places
from pitrix_drone.mirrors import frontgate_mirror
from pitrix_drone.monitor import MonitorRunner
from pitrix_drone.render import Commands, Rendered, Renderer
from pitrix_drone.reports import boot_id, status
from pitrix_drone.supervision import Supervision
from pitrix_drone.turns import Turns

log = logging.getLogger(__name__)

#: Changes this close together are rendered as one.
_SETTLE_S: Final = 0.02
#: Between two passes, however fast changes come.
_LEAST_INTERVAL_S: Final = 0.3
#: Everything is compared again after this, in case a file was changed by hand.
_RESYNC_S: Final = 600.0
#: While the Frontgate does not know this node yet, waiting long would slow the deployment.
_FIRST_WAIT_LAST_S: Final = 1.0
_EAGER_S: Final = 300.0
_RETRY_LAST_S: Final = 30.0
_REPORT_LAST_S: Final = 5.0
_READ_LAST_S: Final = 10.0
_JOIN_S: Final = 8.0


class Agent:
    """One drone; started once, stopped once."""

    def __init__(self, config: Config, layout: Layout) -> None:
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._where = places(cluster_id=config.cluster_id, node_id=config.node_id, role=config.role)
        self._status_key = self._where.reports + "status"
        self._gates = Gates(config, layout.gates)
        self._client = _client(config, layout, self._gates)
        scratch = layout.state / "scratch"
        self._application = Application(
            layout,
            node_id=config.node_id,
            prefix=config.prefix,
            dialect=config.dialect,
            stop=self._stop,
            mirror=lambda: frontgate_mirror(
                self._gates.endpoints[0], authority=config.ca, root=layout.root
            ),
        )
        shell = self._application.shell
        self._supervision = Supervision(layout.state / "started")
        turns = Turns()
        self._renderer = Renderer(
            layout,
            prefix=config.prefix,
            dialect=config.dialect,
            commands=Commands(stop=self._stop, scratch=scratch),
        )
        self._runner = CommandRunner(
            self._client,
            self._where,
            journal=Journal(layout.state / "commands"),
            scratch=scratch,
            stop=self._stop,
            shell=shell,
            supervision=self._supervision,
            turns=turns,
        )
        self._checks = HealthChecks(
            self._supervision,
            turns,
            report=lambda found: self._store("health", found),
            scratch=scratch,
            stop=self._stop,
            shell=shell,
        )
        self._monitor = MonitorRunner(
            self._supervision,
            report=lambda found: self._store("measures", found),
            scratch=scratch,
            stop=self._stop,
            shell=shell,
        )
        self._boot = boot_id()
        self._reported: tuple[str, int, str] | None = None
        self._threads: list[threading.Thread] = []

    def start(self, *, on_failure: Callable[[], None]) -> None:
        """Start every thread and return.

        :param on_failure: called when a thread ended though nobody stopped the drone.
        """
        self._spawn(self._render_loop, on_failure)
        self._spawn(self._runner.run, on_failure)
        self._spawn(self._runner.answer_tabs, on_failure)
        self._spawn(self._checks.run, on_failure)
        self._spawn(self._monitor.run, on_failure)
        for prefix in self._where.watched:
            self._spawn(self._watcher(prefix), on_failure)
        self._spawn(self._watch_commands, on_failure)

    def stop(self) -> None:
        """Stop every thread, within about 8 s."""
        self._stop.set()
        self._changed.set()
        self._runner.wake()
        self._supervision.wake()
        deadline = time.monotonic() + _JOIN_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._client.close()

    def _spawn(self, work: Callable[[], None], on_failure: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception:
                log.exception("the drone cannot go on")
            if not self._stop.is_set():
                on_failure()

        thread = threading.Thread(target=guarded, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _watcher(self, prefix: str) -> Callable[[], None]:
        def watch() -> None:
            self._wait_until_known()
            self._client.watch(
                prefix,
                on_snapshot=lambda _: self._changed.set(),
                on_events=lambda _: self._changed.set(),
                stop=self._stop,
            )

        return watch

    def _watch_commands(self) -> None:
        self._wait_until_known()
        self._client.watch(
            self._where.commands,
            on_snapshot=self._runner.on_snapshot,
            on_events=self._runner.on_events,
            stop=self._stop,
        )

    def _wait_until_known(self) -> None:
        """Wait until the Frontgate has made this node's user and let it read.

        Asks about once a second for five minutes, then less often.
        """
        eager_until = time.monotonic() + _EAGER_S
        backoff = Backoff(last_s=_FIRST_WAIT_LAST_S)
        patient = Backoff(first_s=_FIRST_WAIT_LAST_S)
        while not self._stop.is_set():
            try:
                self._client.get_prefix(self._where.commands)
            except EtcdError as ex:
                log.debug("not let in yet: %s", ex)
            else:
                return
            is_eager = time.monotonic() < eager_until
            self._stop.wait((backoff if is_eager else patient).pause_s())

    def _render_loop(self) -> None:
        self._wait_until_known()
        self._report("configuring", 0, "")
        seen: Metadata | None = None
        retry = Backoff(first_s=0.5, last_s=_RETRY_LAST_S)
        self._changed.set()
        wait_s = 0.0
        while not self._stop.is_set():
            is_changed = self._changed.wait(wait_s)
            began = time.monotonic()
            self._changed.clear()
            metadata = self._read()
            if metadata != seen:
                retry.reset()
            if not (is_changed and metadata == seen and self._is_configured(metadata)):
                seen = metadata
                self._apply(metadata)
            is_settled = self._is_configured(metadata) or metadata.revision == 0
            wait_s = _RESYNC_S if is_settled else retry.pause_s()
            self._stop.wait(max(_SETTLE_S, _LEAST_INTERVAL_S - (time.monotonic() - began)))

    def _is_configured(self, metadata: Metadata) -> bool:
        return self._reported == ("configured", metadata.revision, "")

    def _read(self) -> Metadata:
        """Read all metadata at one revision; asks again until etcd answers.

        A status that is gone, as after the Frontgate lost its store, will be written again.
        """
        prefixes = (*self._where.watched, self._status_key)
        found = until_done(
            lambda: self._client.read(prefixes),
            "reading the metadata",
            stop=self._stop,
            last_pause_s=_READ_LAST_S,
        )
        if found is None:
            return Metadata(revision=0, values={})
        if not any(item.key == self._status_key for item in found.items):
            self._reported = None
        metadata = lay_over(found.items, self._where)
        if self._gates.learn(metadata.own.get(GATES)):
            self._client.reach(self._gates.endpoints)
        return metadata

    def _apply(self, metadata: Metadata) -> None:
        if self._stop.is_set():
            return
        if metadata.revision == 0:
            self._report("configuring", 0, "")
            return
        rendered = self._rendered(metadata)
        if self._stop.is_set():
            return  # commands were cut short: what failed says nothing
        for problem in rendered.problems:
            log.warning("%s", problem)
        state = "failed" if rendered.problems else "configured"
        self._report(state, metadata.revision, "\n".join(rendered.problems))
        if not rendered.problems:
            self._supervision.configure(metadata.own)

    def _rendered(self, metadata: Metadata) -> Rendered:
        """Bring the node's container up to date, if it has one; else the machine's own files."""
        asked = metadata.own.get(CONTAINER)
        if asked is None and not self._application.is_asked_for:
            return self._renderer.render(metadata.values)
        return self._application.render(asked, metadata.values)

    def _report(self, state: str, revision: int, detail: str) -> None:
        """Store a status that differs from the last one; asks again until it is stored."""
        facts = (state, revision, detail)
        if facts == self._reported:
            return
        self._store(
            "status", status(state=state, revision=revision, detail=detail, boot=self._boot)
        )
        self._reported = facts
        log.info("%s at revision %s", state, revision)

    def _store(self, name: str, report: dict[str, Any]) -> None:
        """Store one of the node's reports in the place of the last one; asks again until it is."""
        text = json.dumps(report)
        until_done(
            lambda: self._client.put(self._where.reports + name, text),
            f"storing the {name}",
            stop=self._stop,
            last_pause_s=_REPORT_LAST_S,
        )


def _client(config: Config, layout: Layout, gates: Gates) -> EtcdClient:
    """Make the client of the Frontgate's etcd; of protocol 1 without TLS, but where it says so."""
    if config.protocol == 1:
        return EtcdClient(config.endpoints, user=config.user, password=config.password)
    login = Login(config, layout.login, enrol_urls=lambda: gates.enrol_urls)
    return EtcdClient(gates.endpoints, user=config.node_id, password=login.password, ca=config.ca)
