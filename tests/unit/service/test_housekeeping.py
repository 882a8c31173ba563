"""An installation keeps itself in order."""

import logging
import threading
import time
from collections.abc import Callable

import core_world
import pytest

from pitrix_core.jobs.orphans import ORPHAN_AGE
from pitrix_core.model import Runtime, Tags
from pitrix_core.service import events, housekeeping
from pitrix_core.service.housekeeping import Keeping
from pitrix_core.service.services import Services
from pitrix_core.store.events import Event
from pitrix_core.testing.fake_provider import FakeEffect, FakeFault, FakeProvider

ADMIN = core_world.ADMIN
KEEPING = Keeping(messages_s=1.0, answers_s=1.0, events_s=1e-9, jobs_s=1.0, look_every_s=3600.0)


@pytest.fixture
def provider(services: Services, register: Callable[..., Runtime]) -> FakeProvider:
    """The provider of a runtime with an orphan in its account."""
    provider: FakeProvider = services.gates.of(register().id).provider  # type: ignore[assignment]
    tags = Tags(
        installation_id=provider.context.installation_id,
        cluster_id="cl-gone",
        request_key="t-gone-1",
    )
    made_at = time.time() - 2 * ORPHAN_AGE.total_seconds()
    with provider.cloud.rows() as rows:
        rows.add("volume", prefix="v", tags=tags, made_at=made_at, facts={})
    return provider


def found(services: Services) -> list[Event]:
    """Return what was told of orphans."""
    return [e for e in events.after(services, ADMIN, 0) if e.kind == "runtime.orphans"]


def do(services: Services, keeping: Keeping = KEEPING) -> None:
    housekeeping.do_chores(services, keeping, threading.Event())


@pytest.mark.usefixtures("provider")
def test_orphans_are_told_by_an_event_once_in_a_while(services: Services) -> None:
    """Nothing is deleted."""
    do(services)
    do(services)

    [event] = found(services)
    assert event.data["orphans"] == {"count": 1, "ids": ["v-000001"]}


def test_an_account_that_agrees_is_no_event(
    services: Services, register: Callable[..., Runtime]
) -> None:
    """There is nothing to tell."""
    register()

    do(services)

    assert found(services) == []


def test_a_cloud_that_is_away_is_asked_the_next_time(
    services: Services, provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged."""
    provider.inject(FakeFault(operation="provider.owned", effect=FakeEffect.TEMPORARY))

    with caplog.at_level(logging.WARNING):
        do(services)

    assert "Runtime here was not looked at" in caplog.text
    assert found(services) == []


def test_what_is_old_is_dropped_in_bounded_batches(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """As many transactions as it takes."""
    with services.store.begin() as tx:
        for _ in range(450):
            tx.events.add("k", "s", owner="admin", data={})

    with caplog.at_level(logging.INFO):
        do(services)

    assert "Dropped old events: 449" in caplog.text
    assert len(events.after(services, ADMIN, 0)) == 1


@pytest.mark.usefixtures("provider")
def test_nothing_is_begun_once_the_end_has_come(services: Services) -> None:
    """A process that is told to end does not look at accounts any more."""
    stop = threading.Event()
    stop.set()

    housekeeping.do_chores(services, KEEPING, stop)

    assert found(services) == []
