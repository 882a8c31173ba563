"""A Frontgate process between a Pilot and nodes: nothing is lost, nothing happens twice."""

import json
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from frontgate_harness import (
    ENROLMENT,
    TOKEN,
    FrontgateProcess,
    Pilot,
    command,
    eventually,
    metadata,
    password_of,
    result,
    running,
    status,
)
from protocol_schemas import examples

from pitrix_drone.etcd import EtcdClient, EtcdUnavailableError, op_put

REPORTS = "/c/cl-1/reports/cl-1-n1"
SILENT = {"state": None, "revision": 0, "detail": "", "at": None}
NODE_STATUS = {"state": "configured", "revision": 1, "detail": "", "at": "2026-11-23T12:00:00Z"}


@pytest.fixture
def node(frontgate: FrontgateProcess, pilot: Pilot) -> Iterator[EtcdClient]:
    """The etcd as node 1 of cluster ``cl-1`` sees it; the cluster has two nodes."""
    pilot.ask("metadata.put", metadata("cl-1", 1, nodes=2))
    client = EtcdClient([frontgate.endpoint], user="cl-1-n1", password=password_of("cl-1-n1"))
    yield client
    client.close()


@pytest.fixture
def root(frontgate: FrontgateProcess, pilot: Pilot) -> Iterator[EtcdClient]:
    """The etcd as the Frontgate sees it."""
    eventually(lambda: pilot.is_connected)
    password = frontgate.places.root_password.read_text()
    client = EtcdClient([frontgate.endpoint], user="root", password=password)
    yield client
    client.close()


def _persistently(call: Callable[[], Any]) -> Any:
    """Make a call as a drone does: again while etcd is away."""

    def attempt() -> tuple[Any]:
        try:
            return (call(),)
        except EtcdUnavailableError:
            time.sleep(0.05)
            return ()  # type: ignore[return-value]

    return eventually(attempt)[0]


def test_it_says_hello_as_configured(frontgate: FrontgateProcess, pilot: Pilot) -> None:
    """The Pilot learns who it is and where drones reach its etcd."""
    hello = eventually(lambda: pilot.hellos)[0]

    assert (hello["protocol"], hello["frontgate_id"]) == (2, "fg-1")
    assert hello["enrolment"] == ENROLMENT
    assert hello["endpoints"] == [frontgate.tls_endpoint]


def test_a_pilot_that_starts_later_is_found(frontgate: FrontgateProcess, pilot: Pilot) -> None:
    """After attempts in vain, that is."""
    eventually(lambda: pilot.is_connected)
    pilot.stop()
    threading.Event().wait(2.0)

    pilot.start()

    assert eventually(lambda: pilot.is_connected)


def test_a_pilot_further_down_the_list_is_found(zipapp: Path, tmp_path: Path, pilot: Pilot) -> None:
    """Each URL is tried in turn."""
    urls = ["ws://127.0.0.1:9", "http://127.0.0.1:9", pilot.url.replace("ws:", "http:") + "/"]

    with running(FrontgateProcess(zipapp, tmp_path, urls)):
        found = eventually(lambda: pilot.is_connected)

    assert found


def test_a_refusal_is_not_argued_with(zipapp: Path, tmp_path: Path, pilot: Pilot) -> None:
    """It is logged, and the next attempt comes much later."""
    pilot.welcomes = lambda body: False
    frontgate = FrontgateProcess(zipapp, tmp_path, [pilot.url])

    with running(frontgate):
        eventually(lambda: "unknown-token" in frontgate.log.read_text())
        threading.Event().wait(1.5)

    assert len(pilot.hellos) == 1


def test_metadata_reaches_the_node(node: EtcdClient, pilot: Pilot) -> None:
    """A put is acknowledged when the node can read it."""
    answer = pilot.ask("metadata.put", metadata("cl-1", 2))

    assert answer is not None
    assert answer["body"] == {"cluster_id": "cl-1", "revision": 2}
    found = node.get("/c/cl-1/shared/revision")
    assert found is not None
    assert found.value == "2"


def test_a_command_and_its_result_make_a_round_trip(
    node: EtcdClient, root: EtcdClient, pilot: Pilot
) -> None:
    """The result reaches the Pilot once, and both are cleared away."""
    pilot.ask("command.run", command("cl-1", "c-1"))
    assert node.get("/c/cl-1/commands/cl-1-n1/c-1") is not None

    node.put(f"{REPORTS}/results/c-1", result("c-1", output="hi\n"))
    eventually(lambda: pilot.effects("command.result"))
    eventually(lambda: not root.get_prefix("/c/cl-1/commands/").items)

    (body,) = pilot.effects("command.result")
    assert (body["command_id"], body["node_id"], body["output"]) == ("c-1", "cl-1-n1", "hi\n")
    assert not root.get_prefix(f"{REPORTS}/results/").items


def test_health_and_measurements_arrive(node: EtcdClient, pilot: Pilot) -> None:
    """The last of each; what else a node writes about itself is left out."""
    health = json.loads((examples(2, "valid", "node-health")[0]).read_text())
    measures = json.loads((examples(2, "valid", "node-measures")[0]).read_text())
    node.put(f"{REPORTS}/measures", json.dumps({**measures, "values": {"up": True}}))
    node.put(f"{REPORTS}/health", json.dumps({**health, "node_id": "cl-1-n2"}))
    node.put(f"{REPORTS}/measures", json.dumps(measures))

    eventually(lambda: pilot.effects("node.health") and pilot.effects("node.measures"))

    about = {"cluster_id": "cl-1", "node_id": "cl-1-n1"}
    assert pilot.effects("node.health") == [{**health, **about}]
    assert pilot.effects("node.measures") == [{**measures, **about}]


def test_reports_of_an_absent_pilot_arrive_in_order(node: EtcdClient, pilot: Pilot) -> None:
    """All results, and the last status, once each, in the order in which they were written."""
    pilot.stop()
    for number in range(20):
        node.put(f"{REPORTS}/status", status("configuring", revision=number))
        node.put(f"{REPORTS}/results/c-{number}", result(f"c-{number}"))
    node.put(f"{REPORTS}/status", status("configured", revision=20))

    pilot.start()
    eventually(lambda: pilot.effects("node.status"))

    results = [body["command_id"] for body in pilot.effects("command.result")]
    assert results == [f"c-{number}" for number in range(20)]
    assert [body["revision"] for body in pilot.effects("node.status")] == [20]
    assert len(pilot.received) == len({frame["id"] for frame in pilot.received})


def test_reports_that_are_not_acknowledged_are_sent_again(
    node: EtcdClient, root: EtcdClient, pilot: Pilot
) -> None:
    """Under the same id, after the connection broke, until they are acknowledged."""
    pilot.acknowledges = lambda frame: False
    node.put(f"{REPORTS}/results/c-1", result("c-1"))
    eventually(lambda: pilot.effects("command.result"))
    assert root.get_prefix(f"{REPORTS}/results/").items

    pilot.acknowledges = lambda frame: True
    pilot.hang_up()
    eventually(lambda: not root.get_prefix(f"{REPORTS}/results/").items)

    assert len([frame for frame in pilot.received if frame["type"] == "command.result"]) > 1
    assert len(pilot.effects("command.result")) == 1


def test_a_frame_that_comes_twice_acts_once(node: EtcdClient, pilot: Pilot) -> None:
    """The copy is acknowledged like the first."""
    pilot.ask("command.run", command("cl-1", "c-1"), frame_id="twice")
    first = node.get("/c/cl-1/commands/cl-1-n1/c-1")

    pilot.ask("command.run", command("cl-1", "c-1"), frame_id="twice")

    assert first is not None
    assert node.get("/c/cl-1/commands/cl-1-n1/c-1") == first


def test_frames_sent_while_the_connection_breaks_lose_nothing(
    node: EtcdClient, pilot: Pilot
) -> None:
    """A Pilot that repeats what was not acknowledged gets every command written, once."""
    wanted = [f"c-{number}" for number in range(30)]
    for name in wanted:
        pilot.send("command.run", command("cl-1", name), frame_id=f"f-{name}")
    pilot.hang_up()
    eventually(lambda: len(pilot.hellos) > 1 and pilot.is_connected)

    for name in wanted:
        if f"f-{name}" not in pilot.acknowledged:
            pilot.ask("command.run", command("cl-1", name), frame_id=f"f-{name}")

    written = node.get_prefix("/c/cl-1/commands/cl-1-n1/").items
    assert sorted(item.key.rpartition("/")[2] for item in written) == sorted(wanted)
    assert all(item.mod_revision == item.create_revision for item in written)


def test_a_killed_etcd_is_served_again(
    frontgate: FrontgateProcess, node: EtcdClient, pilot: Pilot
) -> None:
    """Frames wait for it, reports go on, the connection stays."""
    pid = frontgate.etcd_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    answer = pilot.ask("metadata.put", metadata("cl-1", 2, nodes=2))
    _persistently(lambda: node.put(f"{REPORTS}/results/c-1", result("c-1")))
    eventually(lambda: pilot.effects("command.result"))

    assert answer is not None
    assert answer["body"]["revision"] == 2
    assert len(pilot.hellos) == 1
    assert frontgate.etcd_pid() != pid


def test_thousands_of_results_outlast_an_absent_pilot_and_a_killed_etcd(
    frontgate: FrontgateProcess, pilot: Pilot, root: EtcdClient
) -> None:
    """Each arrives, and nothing is left of them once the Pilot has them."""
    pilot.stop()
    names = [f"c-{number:04}" for number in range(2000)]
    for start in range(0, len(names), 100):
        steps = [op_put(f"{REPORTS}/results/{n}", result(n)) for n in names[start : start + 100]]
        if start == 1000:
            os.kill(eventually(frontgate.etcd_pid), signal.SIGKILL)
        _persistently(lambda steps=steps: root.txn([], steps))

    pilot.start()

    eventually(lambda: len(pilot.received) >= len(names), within_s=90)
    found = [body["command_id"] for body in pilot.effects("command.result")]
    assert sorted(found) == names
    left = eventually(
        lambda: not _persistently(lambda: (root.get_prefix(f"{REPORTS}/results/").items,))[0],
        within_s=90,
    )
    assert left


def test_a_frontgate_killed_before_it_acknowledged_loses_and_doubles_nothing(
    frontgate: FrontgateProcess, node: EtcdClient, pilot: Pilot
) -> None:
    """Killed at any moment after the frames left the Pilot, it ends in the same state."""
    pilot.send("metadata.put", metadata("cl-1", 2, nodes=2), frame_id="put")
    for number in range(100):
        pilot.send("command.run", command("cl-1", f"c-{number}"), frame_id=f"f-{number}")
    eventually(lambda: node.get("/c/cl-1/commands/cl-1-n1/c-2"))
    frontgate.kill()
    early = set(pilot.acknowledged)
    eventually(lambda: not pilot.is_connected)
    frontgate.start()

    pilot.ask("metadata.put", metadata("cl-1", 2, nodes=2), frame_id="put")
    for number in range(100):
        pilot.ask("command.run", command("cl-1", f"c-{number}"), frame_id=f"f-{number}")

    written = _persistently(lambda: node.get_prefix("/c/cl-1/commands/cl-1-n1/").items)
    assert "f-99" not in early
    assert len(written) == 100
    assert all(item.mod_revision == item.create_revision for item in written)


def test_a_frontgate_killed_before_a_result_was_acknowledged_reports_it_again(
    frontgate: FrontgateProcess, node: EtcdClient, pilot: Pilot
) -> None:
    """The Pilot sees the same id twice, and so one result; the command does not run again."""
    pilot.ask("command.run", command("cl-1", "c-1"), frame_id="first")
    pilot.acknowledges = lambda frame: False
    node.put(f"{REPORTS}/results/c-1", result("c-1"))
    eventually(lambda: pilot.effects("command.result"))
    frontgate.kill()
    pilot.acknowledges = lambda frame: True
    eventually(lambda: not pilot.is_connected)
    frontgate.start()

    eventually(lambda: not _persistently(lambda: node.get_prefix(f"{REPORTS}/results/").items))
    pilot.ask("command.run", command("cl-1", "c-1"), frame_id="second")

    assert len(pilot.effects("command.result")) == 1
    assert _persistently(lambda: node.get("/c/cl-1/commands/cl-1-n1/c-1")) is None


def test_what_a_node_writes_cannot_hurt(node: EtcdClient, pilot: Pilot) -> None:
    """Malformed reports are left out; those of others arrive; nobody speaks for another."""
    bad = ["", "[]", "{}", "\udcff", '{"a":"\\ud800"}', "[" * 9999, '{"exit_code": 1e999}']
    for number, value in enumerate([*bad, "x" * 1_000_000, result("another")]):
        node.put(f"{REPORTS}/results/bad-{number}", value)
    node.put(f"{REPORTS}/unheard-of", "x")
    lying = result("c-1", output="\udcff\x00").replace("{", '{"node_id":"cl-1-n2",', 1)
    node.put(f"{REPORTS}/results/c-1", lying)

    eventually(lambda: pilot.effects("command.result"))

    (body,) = pilot.effects("command.result")
    assert (body["command_id"], body["node_id"]) == ("c-1", "cl-1-n1")


def test_an_unknown_frame_is_failed_and_the_connection_goes_on(
    frontgate: FrontgateProcess, pilot: Pilot
) -> None:
    """A newer Pilot learns that this Frontgate is older."""
    answer = pilot.ask("metadata.patch", {})

    assert answer is not None
    assert answer["type"] == "failed"
    assert answer["body"]["code"] == "unknown-type"
    assert len(pilot.hellos) == 1


def test_status_tells_what_it_holds(
    frontgate: FrontgateProcess, node: EtcdClient, pilot: Pilot
) -> None:
    """The connection, its token, etcd, clusters, nodes' last status, and what is outstanding."""
    pilot.acknowledges = lambda frame: False
    pilot.ask("command.run", command("cl-1", "c-1"))
    node.put(f"{REPORTS}/status", status())
    eventually(lambda: pilot.effects("node.status"))

    found = eventually(lambda: (now := frontgate.status())["oldest_unacknowledged"] and now)

    assert found["clusters"] == {
        "cl-1": {
            "revision": 1,
            "nodes": {"cl-1-n1": NODE_STATUS, "cl-1-n2": SILENT},
            "commands_outstanding": 1,
            "results_unacknowledged": 0,
        }
    }
    assert (found["pilot_url"], found["way"]) == (pilot.url, "websocket")
    assert found["token_expires_at"] == "2036-12-23T12:00:00Z"
    assert found["etcd"] == {"healthy": True, "error": None}
    assert found["reports"]["unacknowledged"] == 1


def test_it_shows_the_token_it_was_given(frontgate: FrontgateProcess, pilot: Pilot) -> None:
    """From the second connection on, also after it was killed; the enrolment is shown no more."""
    eventually(lambda: pilot.is_connected)
    eventually(frontgate.places.token.exists)
    frontgate.kill()
    frontgate.start()

    hello = eventually(lambda: len(pilot.hellos) == 2 and pilot.hellos[1])

    assert hello["token"] == pilot.tokens[0]
    assert "enrolment" not in hello


def test_an_older_configuration_speaks_the_older_protocol(
    zipapp: Path, tmp_path: Path, pilot: Pilot
) -> None:
    """With its static token, as before; a newer archive on the same machine changes nothing."""
    with running(FrontgateProcess(zipapp, tmp_path / "root", [pilot.url], protocol=1)) as process:
        hello = eventually(lambda: pilot.hellos)[0]
        answer = pilot.ask("metadata.put", metadata("cl-1", 1))
        told = process.status()

    assert (hello["protocol"], hello["token"]) == (1, TOKEN)
    assert hello["endpoints"] == [process.endpoint]
    assert answer is not None
    assert answer["type"] == "metadata.stored"
    assert not process.places.token.exists()
    assert told["protocol"] == 1


def test_it_ends_when_it_is_asked_to(frontgate: FrontgateProcess, pilot: Pilot) -> None:
    """By SIGTERM, with etcd and its notes gone."""
    eventually(lambda: pilot.is_connected and frontgate.places.running.exists())

    code = frontgate.terminate()

    assert code == 0
    assert frontgate.etcd_pid() is None
    assert not frontgate.places.running.exists()


def test_it_ends_while_nobody_answers(frontgate: FrontgateProcess, pilot: Pilot) -> None:
    """An absent Pilot does not hold it up."""
    eventually(lambda: pilot.is_connected)
    pilot.stop()

    assert frontgate.terminate() == 0


def test_secrets_stay_private(frontgate: FrontgateProcess, node: EtcdClient) -> None:
    """No password and no token in the log or in what others may read."""
    log = frontgate.log.read_text()

    secrets = [ENROLMENT, password_of("cl-1-n1"), frontgate.places.root_password.read_text()]
    assert not [secret for secret in secrets if secret in log]
    for path in frontgate.places.state.rglob("*"):
        if path.is_file() and path.name != "lock" and "etcd" not in path.parts:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_second_frontgate_keeps_its_hands_off(frontgate: FrontgateProcess, pilot: Pilot) -> None:
    """Two in one folder would share one etcd."""
    eventually(lambda: pilot.is_connected)
    first = frontgate.process
    frontgate.start()
    second = frontgate.process

    code = second.wait(timeout=10)

    frontgate.take_back(first)
    assert code == 1
    assert "another Frontgate" in frontgate.log.read_text()
