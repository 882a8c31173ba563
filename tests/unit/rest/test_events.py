"""Tests lists and streams of events."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import falcon.testing
import pytest

from pitrix_core.rest.events import Pace, Streams
from pitrix_core.rest.refusals import TooManyStreamsError
from pitrix_core.store import Store

Client = falcon.testing.TestClient
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def happened(store: Store) -> None:
    """Three events: one about each of two clusters, one more about the first."""
    with store.begin() as tx:
        for number, subject in enumerate(("cl-1", "cl-2", "cl-1"), start=1):
            tx.events.add(
                "cluster.active", subject, owner="admin", data={"number": number, "text": "a\nb"}
            )


def _received(text: str) -> list[dict[str, Any]]:
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("id:")]
    return [dict(line.split(": ", 1) for line in block) for block in blocks]


@pytest.mark.usefixtures("happened")
def test_events_are_listed_in_pages(client: Client) -> None:
    """A full page names the event it ended with; an incomplete one is the last."""
    first = client.simulate_get("/v1/events", params={"limit": 2}).json
    second = client.simulate_get(
        "/v1/events", params={"limit": 2, "cursor": first["next_cursor"]}
    ).json

    assert [event["id"] for event in first["items"]] == [1, 2]
    assert [event["id"] for event in second["items"]] == [3]
    assert second["next_cursor"] is None


@pytest.mark.usefixtures("happened")
def test_events_can_be_asked_for_by_subject(client: Client) -> None:
    """Several subjects may be named."""
    one = client.simulate_get("/v1/events", query_string="subject=cl-2").json
    both = client.simulate_get("/v1/events", query_string="subject=cl-1&subject=cl-2").json

    assert [event["id"] for event in one["items"]] == [2]
    assert len(both["items"]) == 3


def test_a_cursor_has_to_be_an_event(client: Client) -> None:
    """Anything else is refused."""
    assert client.simulate_get("/v1/events", params={"cursor": "x"}).status_code == 422


@pytest.mark.usefixtures("happened")
def test_a_stream_sends_events_and_ends(client: Client) -> None:
    """Each event is a block with its id, kind and data; after its time the stream is closed."""
    answer = client.simulate_get("/v1/events", headers=STREAM)

    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.text.startswith("retry: ")
    received = _received(answer.text)
    assert [block["id"] for block in received] == ["1", "2", "3"]
    assert received[0]["event"] == "cluster.active"
    assert json.loads(received[0]["data"])["data"] == {"number": 1, "text": "a\nb"}


@pytest.mark.usefixtures("happened")
def test_a_stream_is_resumed_after_the_last_event_that_was_received(client: Client) -> None:
    """Last-Event-ID comes before whatever the address says."""
    answer = client.simulate_get(
        "/v1/events", params={"after": 0}, headers={**STREAM, "Last-Event-ID": "2"}
    )

    assert [block["id"] for block in _received(answer.text)] == ["3"]


def test_a_last_event_id_has_to_be_a_number(client: Client) -> None:
    """Anything else is refused with 400."""
    answer = client.simulate_get("/v1/events", headers={**STREAM, "Last-Event-ID": "x"})

    assert answer.status_code == 400


def test_a_stream_wants_a_token(anonymous: Client) -> None:
    """Events are for those who may see them."""
    assert anonymous.simulate_get("/v1/events", headers=STREAM).status_code == 401


def test_a_stream_brings_what_happens_while_it_is_open(store: Store) -> None:
    """An event that is written later is sent."""
    stream = _stream_of(store, Streams(pace=Pace(look_every_s=0.001)))
    assert next(stream).startswith(b"retry")
    with store.begin() as tx:
        tx.events.add("job.succeeded", "job-1", owner="admin", data={})

    assert b"event: job.succeeded" in next(stream)


def test_a_silent_stream_shows_that_it_is_alive(store: Store) -> None:
    """A comment is sent after a while without events."""
    stream = _stream_of(store, Streams(pace=Pace(look_every_s=0.001, heartbeat_s=0.001)))
    next(stream)

    assert next(stream) == b":\n\n"


def test_streams_end_when_the_process_stops(store: Store) -> None:
    """Nothing waits for the rest of a stream's time."""
    streams = Streams()
    stream = _stream_of(store, streams)
    next(stream)
    streams.stop()

    assert list(stream) == []


def test_a_stream_that_is_woken_looks_at_once(store: Store) -> None:
    """However seldom it looks by itself."""
    streams = Streams(pace=Pace(look_every_s=60.0))
    stream = _stream_of(store, streams)
    next(stream)
    with store.begin() as tx:
        tx.events.add("late", "cl-1", owner="admin", data={})
    waker = threading.Timer(0.05, streams.wake)
    waker.start()

    frame = next(stream)

    waker.join()
    assert b"late" in frame


def test_streams_are_few(client: Client, streams: Streams) -> None:
    """One too many is told to come back; a list of events is there all the same."""
    held = [streams.open(lambda _: [], after=0) for _ in range(2)]

    refused = client.simulate_get("/v1/events", headers=STREAM)
    listed = client.simulate_get("/v1/events")

    assert refused.status_code == 503
    assert "retry-after" in refused.headers
    assert listed.status_code == 200
    for stream in held:
        stream.close()


def test_a_closed_stream_makes_room_once() -> None:
    """Closing twice frees one place, also when nothing was read."""
    streams = Streams(limit=1)
    stream = streams.open(lambda _: [], after=0)
    stream.close()
    stream.close()
    streams.open(lambda _: [], after=0)

    with pytest.raises(TooManyStreamsError):
        streams.open(lambda _: [], after=0)


def _stream_of(store: Store, streams: Streams) -> Iterator[bytes]:
    def look(last_id: int) -> list[Any]:
        with store.read() as tx:
            return list(tx.events.after(last_id, limit=10))

    return iter(streams.open(look, after=0))
