"""Three machines that are one Frontgate: real agents, real etcds, one Pilot."""

import contextlib
import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from authority import Authority
from frontgate_harness import (
    ENROLMENT,
    FrontgateProcess,
    Json,
    Pilot,
    command,
    enrolling,
    eventually,
    running,
    sha256,
)
from websockets.exceptions import ConnectionClosed

#: Three etcds, and as many Pythons, are slow to start on a machine that is busy.
PATIENCE_S = 90.0

pytestmark = pytest.mark.timeout(6 * PATIENCE_S)


class Group:
    """A Frontgate of several machines."""

    def __init__(self, zipapp: Path, folder: Path, pilot: Pilot, stack: ExitStack) -> None:
        self._zipapp = zipapp
        self._folder = folder
        self.pilot = pilot
        self._stack = stack
        self._expected: list[Json] = []
        self.machines: dict[int, FrontgateProcess] = {}

    def begin(self) -> None:
        """Start the first machine."""
        self._start(1, {"enrolment": ENROLMENT})

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

    def etcd_pids(self) -> set[int | None]:
        """Return the process of every machine's etcd; None for one that has none now."""
        return {machine.etcd_pid() for machine in self.machines.values()}

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
            "throw_away": True,
            "member": number,
        }
        machine.configure({**config, **more})
        self._stack.enter_context(running(machine))
        self.machines[number] = machine


@pytest.fixture(scope="module")
def group(zipapp: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """A Frontgate of three machines; a test may leave it with fewer."""
    pilot = Pilot()
    pilot.authority = Authority()
    pilot.start()
    with ExitStack() as stack:
        stack.callback(pilot.stop)
        made = Group(zipapp, tmp_path_factory.mktemp("machines"), pilot, stack)
        made.begin()
        eventually(lambda: pilot.is_connected, within_s=PATIENCE_S)
        eventually(made.machines[1].places.identity.exists, within_s=PATIENCE_S)
        eventually(lambda: pilot.is_connected, within_s=PATIENCE_S)
        for number in (2, 3):  # both at once: they take turns
            made.add(number, at=made.machines[1])
        made.await_all()
        yield made
    assert pilot.faults == []


@pytest.fixture
def whole(group: Group) -> Group:
    """The same with all three machines: those that are not there, or are dead, are replaced."""
    eventually(lambda: group.pilot.is_connected, within_s=PATIENCE_S)
    for number in (1, 2, 3):
        if number not in group.machines or group.machines[number].process.poll() is not None:
            group.add(number, at=group.machines[group.leader()])
            group.await_all()
    return group


def test_nothing_is_lost_when_the_machine_that_leads_is_killed(whole: Group) -> None:
    """Another one takes over, shows the Pilot the newest token, and has what was acknowledged."""
    pilot = whole.pilot
    whole.tell("metadata.put", enrolling("cl-1", 1))
    whole.tell("command.run", command("cl-1", "c-1"))
    first = whole.leader()
    whole.kill(first)

    eventually(lambda: pilot.is_connected and whole.leader() != first, within_s=PATIENCE_S)
    found = whole.machines[whole.leader()].status()

    assert pilot.hellos[-1]["token"] in pilot.tokens
    assert found["leads"]
    assert found["clusters"]["cl-1"]["revision"] == 1
    assert found["clusters"]["cl-1"]["commands_outstanding"] == 1


def test_a_node_that_is_left_out_is_cut_off_at_every_machine(whole: Group) -> None:
    """Each etcd is restarted, and the Frontgate goes on, whichever machine leads then."""
    whole.tell("metadata.put", enrolling("cl-3", 1, 2, credential_sha256=sha256("made-before")))
    before = whole.etcd_pids()
    fewer = enrolling("cl-3", 2, 1, credential_sha256=sha256("made-before"))

    whole.tell("metadata.put", fewer)

    eventually(lambda: not before & whole.etcd_pids(), within_s=PATIENCE_S)
    whole.await_all()
    found = whole.machines[whole.leader()].status()
    assert found["clusters"]["cl-3"]["revision"] == 2
    assert list(found["clusters"]["cl-3"]["nodes"]) == ["cl-3-n1"]


def test_a_machine_that_died_is_replaced(whole: Group) -> None:
    """By one with a token of its own, at another address; the Pilot is told of it alone."""
    lost = next(number for number in whole.machines if number != whole.leader())
    before = whole.machines[lost].tls_endpoint
    whole.kill(lost)

    whole.add(lost, at=whole.machines[whole.leader()])
    whole.await_all()

    assert before not in whole.pilot.hellos[-1]["endpoints"]


def test_without_a_majority_it_says_so_and_goes_on_with_one(whole: Group) -> None:
    """One of three does nothing; two are the Frontgate again, with all that there was."""
    pilot = whole.pilot
    whole.tell("metadata.put", enrolling("cl-2", 1))
    first, second, last = whole.machines
    whole.kill(first)
    whole.kill(second)
    machine = whole.machines[last]
    eventually(lambda: not machine.status()["etcd"]["healthy"], within_s=PATIENCE_S)

    whole.machines[first].start()

    found = eventually(
        lambda: (found := machine.status())["etcd"]["healthy"] and found, within_s=PATIENCE_S
    )
    eventually(lambda: pilot.is_connected, within_s=PATIENCE_S)
    assert found["clusters"]["cl-2"]["revision"] == 1
