"""Reports that come too often are held back; the last one arrives all the same."""

import json
import threading
from typing import Any, cast

import pytest
from frontgate_harness import Clock
from protocol_schemas import examples
from report_store import StandIn

from pitrix_drone.etcd import EtcdClient
from pitrix_frontgate.outbox import Outbox
from pitrix_frontgate.reports import Reports

HEALTH = "/c/cl-1/reports/cln-1/health"
STATUS = "/c/cl-1/reports/cln-1/status"


def details(outbox: Outbox) -> list[str]:
    """Take everything that is to be sent, and acknowledge it."""
    found = []
    while (frame := outbox.take(within_s=0)) is not None:
        found.append(frame.body["detail"])
        outbox.settle(frame.id, remember=True)
    return found


@pytest.fixture
def written() -> StandIn:
    """Ten reports of a node's health, and as many of its status."""
    etcd = StandIn()
    health, status = (
        json.loads(examples(2, "valid", name)[0].read_text())
        for name in ("node-health", "node-status")
    )
    for number in range(10):
        etcd.write(HEALTH, {**health, "detail": f"health {number}"})
        etcd.write(STATUS, {**status, "detail": f"status {number}"})
    return etcd


def reports_of(written: StandIn, outbox: Outbox, **more: Any) -> Reports:
    """Return what follows the reports."""
    return Reports(cast("EtcdClient", written), outbox, store_id="0badcafe", **more)


def test_the_last_report_arrives_in_its_time(written: StandIn) -> None:
    """What stands in etcd then is what is sent; statuses are waited for, and may come faster."""
    clock, outbox = Clock(), Outbox()
    reports = reports_of(written, outbox, protocol=2, clock=clock)
    reports.run(threading.Event())
    first = details(outbox)
    reports.catch_up()
    too_early = details(outbox)
    clock.now_s = 10
    reports.catch_up()
    in_time = details(outbox)
    reports.catch_up()

    assert sorted(first) == ["health 5", "status 9"]
    assert (too_early, in_time, details(outbox)) == ([], ["health 9"], [])


def test_what_cannot_be_read_now_is_offered_later(written: StandIn) -> None:
    """etcd may be away just then."""
    clock, outbox = Clock(), Outbox()
    reports = reports_of(written, outbox, clock=clock)
    reports.run(threading.Event())
    details(outbox)
    clock.now_s = 10
    written.is_away = True
    reports.catch_up()
    away = details(outbox)
    written.is_away = False

    reports.catch_up()

    assert (away, details(outbox)) == ([], ["health 9"])


def test_a_pilot_of_version_1_is_sent_what_it_knows(written: StandIn) -> None:
    """Each report would be answered that it cannot be used."""
    outbox = Outbox()

    reports_of(written, outbox, protocol=1).run(threading.Event())

    assert details(outbox) == ["status 9"]


def test_statuses_beyond_what_a_job_makes_are_held_back() -> None:
    """A node that writes all day is work for the Pilot's database now and then only."""
    etcd, clock, outbox = StandIn(), Clock(), Outbox()
    status = json.loads(examples(2, "valid", "node-status")[0].read_text())
    for number in range(40):
        etcd.write(STATUS, {**status, "detail": f"status {number}"})
    reports = reports_of(etcd, outbox, clock=clock)
    reports.run(threading.Event())
    first = details(outbox)
    clock.now_s = 2.0
    reports.catch_up()

    assert (first, details(outbox)) == (["status 29"], ["status 39"])


def test_what_a_node_may_not_have_there_is_removed_and_counted() -> None:
    """Also when etcd is away at first; what was over is not sent."""
    etcd, outbox = StandIn(), Outbox()
    etcd.write("/c/cl-1/reports/cln-1/anything", {})
    etcd.write(STATUS, {"detail": "x" * 600_000})
    reports = reports_of(etcd, outbox)
    reports.run(threading.Event())
    etcd.is_away = True
    reports.catch_up()
    etcd.is_away = False
    reports.catch_up()

    assert etcd.removed == ["/c/cl-1/reports/cln-1/anything", STATUS]
    assert reports.dropped == 2
    assert details(outbox) == []
