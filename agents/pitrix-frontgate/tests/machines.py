"""Three machines that are one Frontgate, each a process of its own, and a Pilot."""

import contextlib
import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from authority import Authority
from frontgate_harness import (
    ENROLMENT,
    FrontgateProcess,
    Json,
    Pilot,
    eventually,
    running,
    sha256,
)
from websockets.exceptions import ConnectionClosed

#: Three etcds, and as many Pythons, are slow to start on a machine that is busy.
PATIENCE_S = 90.0


class Group:
    """A Frontgate of several machines.

    :param stack: ends them.
    :param throw_away: do not wait for the disk.
    """

    def __init__(
        self,
        zipapp: Path,
        folder: Path,
        pilot: Pilot,
        stack: ExitStack,
        *,
        throw_away: bool = True,
    ) -> None:
        self._throw_away = throw_away
        self._zipapp = zipapp
        self._folder = folder
        self.pilot = pilot
        self._stack = stack
        self._expected: list[Json] = []
        self.machines: dict[int, FrontgateProcess] = {}

    def begin(self) -> None:
        """Start three machines, and wait until they are one Frontgate."""
        self._start(1, {"enrolment": ENROLMENT})
        eventually(self.machines[1].places.identity.exists, within_s=PATIENCE_S)
        eventually(lambda: self.pilot.is_connected, within_s=PATIENCE_S)
        for number in (2, 3):  # both at once: they take turns
            self.add(number, at=self.machines[1])
        self.await_all()

    def add(self, number: int, *, at: FrontgateProcess) -> None:
        """Start another machine, or one in the place of an earlier one, and tell the Pilot."""
        token = secrets.token_urlsafe(32)
        tomorrow = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        expected = {"number": number, "enrolment_sha256": sha256(token), "expires_at": tomorrow}
        self._expected = [each for each in self._expected if each["number"] != number]
        self._expected.append(expected)
        self.tell("etcd.members", {"members": self._expected})
        assert self.pilot.authority is not None
        join = {"join_urls": [at.enrol_url], "join_ca": self.pilot.authority.pem}
        self._start(number, {"enrolment": token, **join})

    def tell(self, kind: str, body: Json) -> None:
        """Send a frame until it is acknowledged, by whichever machine's turn it is then."""
        frame_id = secrets.token_hex(8)

        def is_told() -> bool:
            with contextlib.suppress(ConnectionClosed, AssertionError):
                self.pilot.send(kind, body, frame_id=frame_id)
                eventually(lambda: frame_id in self.pilot.acknowledged, within_s=3.0)
            return frame_id in self.pilot.acknowledged

        eventually(is_told, within_s=PATIENCE_S)

    def endpoints(self) -> set[str]:
        """Return where the machines that are there answer."""
        return {machine.tls_endpoint for machine in self.machines.values()}

    def await_all(self) -> None:
        """Wait until the Pilot is told of every machine that is there, and of no other."""
        eventually(
            lambda: (
                self.pilot.is_connected
                and set(self.pilot.hellos[-1]["endpoints"]) == self.endpoints()
            ),
            within_s=PATIENCE_S,
        )

    def kill(self, number: int) -> None:
        """Kill a machine: its agent, and its etcd with it."""
        machine = self.machines[number]
        machine.kill()
        eventually(lambda: machine.etcd_pid() is None)

    def dead(self) -> list[int]:
        """Return the numbers of the machines that were killed."""
        return [n for n, each in self.machines.items() if each.process.poll() is not None]

    def etcd_pids(self) -> set[int | None]:
        """Return the process of every machine's etcd; None for one that has none now."""
        return {machine.etcd_pid() for machine in self.machines.values()}

    def end(self) -> None:
        """Kill them all: those that are asked to end wait for one another."""
        for number in self.machines.keys() - self.dead():
            self.machines[number].kill()

    def leader(self) -> int:
        """Return the number of the machine whose turn it is."""
        eventually(lambda: self.pilot.is_connected, within_s=PATIENCE_S)
        return int(self.pilot.hellos[-1]["member"])

    def _start(self, number: int, more: Json) -> None:
        name = f"machine-{number}-{secrets.token_hex(2)}"
        machine = FrontgateProcess(self._zipapp, self._folder / name, [self.pilot.url])
        config = {
            "protocol": 2,
            "frontgate_id": "fg-1",
            "pilot_urls": [self.pilot.url],
            "throw_away": self._throw_away,
            "member": number,
        }
        machine.configure({**config, **more})
        self._stack.enter_context(running(machine))
        self.machines[number] = machine


@contextlib.contextmanager
def three_machines(zipapp: Path, folder: Path, *, throw_away: bool = True) -> Iterator[Group]:
    """Have a Frontgate of three inside the block; every frame that it sends obeys the schemas."""
    pilot = Pilot()
    pilot.authority = Authority()
    pilot.start()
    with ExitStack() as stack:
        stack.callback(pilot.stop)
        group = Group(zipapp, folder, pilot, stack, throw_away=throw_away)
        group.begin()
        yield group
        group.end()
    assert pilot.faults == []
