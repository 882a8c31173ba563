"""Half a day without a Pilot: the outbox, the pacing and the quotas together, on one clock.

The clock is advanced by hand, five minutes at a time; etcd is a stand-in, so that what is shown is
the Frontgate's own bookkeeping: that nothing is lost or doubled, however little room there is in
memory, and that what is held there stays bounded. That etcd keeps what it has acknowledged is shown
by the tests that kill it.
"""

import json
import threading
from collections import Counter
from typing import Any, cast

from frontgate_harness import Clock, result, status
from protocol_schemas import examples
from report_store import StandIn

from pitrix_drone.etcd import EtcdClient
from pitrix_frontgate.frames import Frame
from pitrix_frontgate.outbox import Outbox
from pitrix_frontgate.reports import Reports

NODES = 40
#: Twelve hours in steps of the interval at which drones report.
STEPS = 12 * 12
STEP_S = 300.0
ROOM = 100_000


def test_half_a_day_without_a_pilot_loses_and_doubles_nothing() -> None:
    """Of 5,760 rounds of reports the last of each node arrives, and each of 2,880 results once."""
    clock, etcd = Clock(), StandIn()
    outbox = Outbox(clock=clock, most_chars=ROOM)
    reports = Reports(cast("EtcdClient", etcd), outbox, store_id="0badcafe", clock=clock)
    reports.run(threading.Event())
    health, measures = (
        json.loads(examples(2, "valid", name)[0].read_text())
        for name in ("node-health", "node-measures")
    )
    held = []
    for step in range(STEPS):
        clock.now_s += STEP_S
        for node in range(NODES):
            place = f"/c/cl-1/reports/cln-{node}/"
            etcd.write(place + "health", {**health, "detail": f"{step}"})
            etcd.write(place + "measures", {**measures, "detail": f"{step}"})
            etcd.write(place + "status", json.loads(status(revision=step)))
        for number in range(20):
            name = f"c-{step}-{number}"
            place = f"/c/cl-1/reports/cln-{number}/results/"
            etcd.write(place + name, json.loads(result(name)))
        reports.catch_up()
        held.append(outbox.load().size)

    arrived = _delivered(outbox, reports, clock)

    counts = Counter(frame.type for frame in arrived)
    results = [frame.body["command_id"] for frame in arrived if frame.type == "command.result"]
    assert max(held) <= ROOM
    assert sorted(results) == sorted(f"c-{s}-{n}" for s in range(STEPS) for n in range(20))
    assert counts["node.status"] == counts["node.health"] == counts["node.measures"] == NODES
    assert _last(arrived, "node.status", "revision") == {STEPS - 1}
    assert _last(arrived, "node.health", "detail") == {str(STEPS - 1)}
    assert _last(arrived, "node.measures", "detail") == {str(STEPS - 1)}
    assert reports.dropped == 0


def _delivered(outbox: Outbox, reports: Reports, clock: Clock) -> list[Frame]:
    """Have a Pilot come back: it acknowledges all but every seventh frame, which it gets again."""
    arrived: dict[str, Frame] = {}
    number = 0
    outbox.reconnected()
    while outbox.load().frames or outbox.load().left_out:
        clock.now_s += 31.0
        while (frame := outbox.take(within_s=0)) is not None:
            number += 1
            if number % 7:
                arrived[frame.id] = frame
                outbox.settle(frame.id, remember=True)
        reports.catch_up()
    return list(arrived.values())


def _last(arrived: list[Frame], kind: str, member: str) -> set[Any]:
    """List what the last frames of a type say of each node."""
    last = {frame.body["node_id"]: frame.body[member] for frame in arrived if frame.type == kind}
    return set(last.values())
