"""What is reported of nodes' health and measurements is kept, told, and bounded."""

import datetime as dt
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from pitrix_core.model import NodeHealth, Sample
from pitrix_core.pilot.inbox import Frame
from pitrix_core.pilot.supervision import take_report
from pitrix_core.store import Store, tables

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

THEN = "2026-08-01T09:30:00.000Z"
LATER = "2026-08-01T09:45:00.000Z"
NOW = dt.datetime.now(dt.UTC)


class Desk:
    """Where the reports of Frontgates arrive."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def receive(self, frontgate_id: str, frame: Frame) -> None:
        """Let a report take effect."""
        with self._store.begin() as tx:
            take_report(tx, frontgate_id, kind=frame.type, body=frame.body)


@pytest.fixture
def desk(store: Store, world: Any) -> Desk:
    """Where the reports of cluster cl-1 arrive, which Frontgate fg-1 serves."""
    world.cluster()
    world.frontgate("fg-1", "cl-1")
    return Desk(store)


def health(state: str, **body: Any) -> Frame:
    """Return a report of a health check."""
    said = {"state": state, "since": THEN, "detail": "", "action": None, "at": LATER}
    about = {"cluster_id": "cl-1", "node_id": "cln-cl-1"}
    return Frame(id=f"h-{state}", type="node.health", body={**said, **about, **body})


def measures(at: dt.datetime, **body: Any) -> Frame:
    """Return a report of a monitor."""
    said = {"at": at.isoformat(), "values": {"load": 0.5}, "detail": ""}
    about = {"cluster_id": "cl-1", "node_id": "cln-cl-1"}
    return Frame(id="m-1", type="node.measures", body={**said, **about, **body})


def health_in(store: Store) -> NodeHealth | None:
    """Return the health of the one node."""
    with store.read() as tx:
        [node] = tx.clusters.nodes("cl-1")
    return node.health


def samples_in(store: Store) -> list[Sample]:
    """Return everything that was measured on the cluster."""
    with store.read() as tx:
        long_ago = tx.now - dt.timedelta(days=365)
        return tx.supervision.samples("cl-1", since=long_ago, node_id=None, limit=10_000)


def told(store: Store) -> list[tuple[str, Any]]:
    """Return the events about nodes: kind, and which node."""
    with store.read() as tx:
        events = tx.events.after(0, limit=100)
    return [(e.kind, e.data["node_id"]) for e in events if e.kind.startswith("node.")]


def now(store: Store) -> dt.datetime:
    """Return the database's time, to the minute."""
    with store.read() as tx:
        return tx.now.replace(second=0, microsecond=0)


def test_health_is_kept_with_its_node(store: Store, desk: Desk) -> None:
    """With the reason, and what was done about it."""
    action = {"at": LATER, "exit_code": 0, "output": "restarted"}
    desk.receive("fg-1", health("unhealthy", detail="exit code 2", action=action))

    found = health_in(store)
    assert found is not None
    assert (found.state, found.detail, found.action) == ("unhealthy", "exit code 2", action)
    assert found.since == dt.datetime.fromisoformat(THEN)


def test_only_changes_of_state_are_told(store: Store, desk: Desk) -> None:
    """Reports are repeated, and a node that was never checked has lost nothing."""
    for minute, state in enumerate(("unknown", "healthy", "healthy", "unhealthy", "healthy")):
        desk.receive("fg-1", health(state, at=f"2026-08-01T09:{minute:02}:00Z"))

    kinds = ("node.healthy", "node.unhealthy", "node.healthy")
    assert told(store) == [(kind, "cln-cl-1") for kind in kinds]


def test_an_action_is_told_once(store: Store, desk: Desk) -> None:
    """The report that holds it is repeated."""
    first, second = ({"at": at, "exit_code": 0, "output": ""} for at in (THEN, LATER))
    for minute, action in enumerate((None, first, first, second)):
        desk.receive(
            "fg-1", health("unhealthy", at=f"2026-08-01T09:{minute:02}:00Z", action=action)
        )

    kinds = ("node.unhealthy", "node.acted", "node.acted")
    assert told(store) == [(kind, "cln-cl-1") for kind in kinds]


def test_a_state_keeps_its_beginning(store: Store, desk: Desk) -> None:
    """A drone that was started anew does not know it."""
    desk.receive("fg-1", health("healthy"))

    desk.receive("fg-1", health("healthy", since=LATER, at="2026-08-01T09:50:00Z"))

    found = health_in(store)
    assert found is not None
    assert found.since == dt.datetime.fromisoformat(THEN)


def test_a_report_that_comes_again_says_nothing_new(store: Store, desk: Desk) -> None:
    """A Frontgate that is started again sends those of nodes that may be gone by now."""
    desk.receive("fg-1", health("healthy"))
    first = health_in(store)

    desk.receive("fg-1", health("healthy"))

    assert health_in(store) == first


def test_measurements_are_kept(store: Store, desk: Desk) -> None:
    """To the minute, with what went wrong."""
    at = now(store)
    desk.receive("fg-1", measures(at + dt.timedelta(seconds=20), detail="a: a number is needed"))

    assert samples_in(store) == [
        Sample(node_id="cln-cl-1", at=at, values={"load": 0.5}, detail="a: a number is needed")
    ]


def test_a_minute_takes_one_measurement(store: Store, desk: Desk) -> None:
    """What comes again, or too often, takes no room."""
    at = now(store)
    for second in range(5):
        desk.receive("fg-1", measures(at + dt.timedelta(seconds=second), values={"load": second}))

    assert [sample.values for sample in samples_in(store)] == [{"load": 0}]


@pytest.mark.parametrize("hours", [-25, 1])
def test_a_clock_that_is_wrong_is_not_believed(store: Store, desk: Desk, hours: int) -> None:
    """Otherwise a node could fill the table with minutes of any year."""
    at = now(store)

    desk.receive("fg-1", measures(at + dt.timedelta(hours=hours)))

    [sample] = samples_in(store)
    assert at <= sample.at <= at + dt.timedelta(minutes=10)


def test_samples_are_thinned_as_they_age(store: Store, desk: Desk) -> None:
    """All of a day are kept, then the first of each hour for two weeks."""
    hour = now(store).replace(minute=0) - dt.timedelta(hours=2)
    times = [hour + dt.timedelta(minutes=minutes) for minutes in (1, 6, 11, 61)]
    for at in times:
        desk.receive("fg-1", measures(at))

    with store.begin() as tx:
        dropped = [tx.retention.drop_samples(limit=10)]
    age(store, days=1, minutes=130)
    with store.begin() as tx:
        dropped.append(tx.retention.drop_samples(limit=10))
    kept = [sample.at for sample in samples_in(store)]
    age(store, days=13)
    with store.begin() as tx:
        dropped.append(tx.retention.drop_samples(limit=10))

    assert dropped == [0, 2, 2]
    assert len(kept) == 2
    assert samples_in(store) == []


def age(store: Store, **time: int) -> None:
    """Let samples be so much older."""
    columns = tables.samples.c
    with store.engine.begin() as connection:
        rows = connection.execute(sa.select(columns.at, columns.expires_at)).all()
        for row in rows:
            connection.execute(
                tables.samples.update()
                .where(columns.at == row.at)
                .values(
                    at=row.at - dt.timedelta(**time),
                    expires_at=row.expires_at - dt.timedelta(**time),
                )
            )


@pytest.mark.parametrize("frame", [health("unhealthy"), measures(NOW)])
def test_a_report_on_a_cluster_it_does_not_serve_changes_nothing(
    store: Store, desk: Desk, world: Any, frame: Frame
) -> None:
    """One network's Frontgate has no say in another's."""
    world.frontgate("fg-2")

    desk.receive("fg-2", frame)

    assert (health_in(store), samples_in(store)) == (None, [])


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(health("fine"), id="no-state"),
        pytest.param(health("healthy", since="yesterday"), id="no-time"),
        pytest.param(health("healthy", since="2026-08-01T00:00:00"), id="no-zone"),
        pytest.param(health("healthy", since="0001-01-01T00:00:00+10:00"), id="before-all-time"),
        pytest.param(health("healthy", action=[1]), id="no-action"),
        pytest.param(
            attrs.evolve(measures(NOW), body={**measures(NOW).body, "at": None}), id="never"
        ),
        pytest.param(measures(NOW, values=7), id="no-values"),
        pytest.param(Frame(id="m-1", type="node.measures", body={}), id="nothing"),
        pytest.param(
            attrs.evolve(measures(NOW), body={"node_id": "cln-cl-1"}),
            id="no-members",
        ),
    ],
)
def test_a_malformed_report_is_dropped(store: Store, desk: Desk, frame: Frame) -> None:
    """It is safe all the same: a Frontgate would send it again for ever."""
    desk.receive("fg-1", frame)

    assert (health_in(store), samples_in(store)) == (None, [])
