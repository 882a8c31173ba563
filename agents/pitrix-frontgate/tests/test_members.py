"""Three machines that are one Frontgate: real agents, real etcds, one Pilot."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from frontgate_harness import command, enrolling, eventually, sha256
from machines import PATIENCE_S, Group, three_machines

pytestmark = pytest.mark.timeout(6 * PATIENCE_S)


@pytest.fixture(scope="module")
def group(zipapp: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """A Frontgate of three machines; a test may leave it with two."""
    with three_machines(zipapp, tmp_path_factory.mktemp("machines")) as made:
        yield made


@pytest.fixture
def whole(group: Group) -> Group:
    """The same with all three machines: one that is dead is replaced."""
    eventually(lambda: group.pilot.is_connected, within_s=PATIENCE_S)
    for number in group.dead():
        group.add(number, at=group.machines[group.leader()])
        group.await_all()
    return group


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


def test_a_machine_that_died_is_replaced(group: Group) -> None:
    """By one with a token of its own, at another address; the Pilot is told of it alone."""
    if not group.dead():
        group.kill(next(number for number in group.machines if number != group.leader()))
    [lost] = group.dead()
    before = group.machines[lost].tls_endpoint

    group.add(lost, at=group.machines[group.leader()])
    group.await_all()

    assert before not in group.pilot.hellos[-1]["endpoints"]


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
