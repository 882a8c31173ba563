"""What becomes of creating requests whose answer is lost: nothing is made twice or forgotten."""

from collections.abc import Callable

import attrs
import pytest
from driven_engine import Engine, volume

from pitrix_core.errors import ProviderError
from pitrix_core.jobs.outcome import Failed, Postponed, Retry
from pitrix_core.model import Operation
from pitrix_core.testing.fake_provider import FakeEffect

#: The fake cloud's requests take 60 s at the longest.
SURE_S = 60.0


def test_a_lost_answer_is_settled_before_the_request_is_sent_again(engine: Engine) -> None:
    """Where the cloud forgets keys, the one resource that was made is found and kept."""
    job = engine.submit(volume())
    engine.fault("volume.create", FakeEffect.LOST)

    [first] = engine.turn()
    engine.clock.advance(5)
    [early] = engine.turn()

    assert isinstance(first, Postponed)
    assert first.error_code == "provider_answer_lost"
    assert isinstance(early, Postponed)
    assert engine.run(job).state == "succeeded"
    assert len(engine.in_cloud()) == 1
    assert engine.recorded(job) == engine.in_cloud()


def test_a_cloud_that_remembers_keys_is_asked_again_at_once(
    make_engine_of: Callable[..., Engine],
) -> None:
    """The second request under the key answers the first one's resource."""
    engine = make_engine_of(honours_keys=True)
    job = engine.submit(volume())
    engine.fault("volume.create", FakeEffect.LOST)

    engine.turn()
    engine.clock.advance(2)
    engine.turn()

    assert engine.job(job).state == "succeeded"
    assert engine.recorded(job) == engine.in_cloud()
    assert len(engine.in_cloud()) == 1


def test_a_request_that_made_nothing_is_sent_again(engine: Engine) -> None:
    """A runner that died before its request left costs one attempt, and no failure."""
    job = engine.submit(volume())
    engine.claim()
    engine.die()

    engine.clock.advance(1)
    [early] = engine.turn()
    engine.clock.advance(SURE_S)
    [settled] = engine.turn()

    assert isinstance(early, Postponed)
    assert settled == Retry(
        after_s=0.0, error="The request was lost; it is sent again.", error_code="lost"
    )
    assert engine.run(job).state == "succeeded"
    assert engine.task(job, "volume.create/1").attempts == 2


def test_a_resource_that_shows_late_is_waited_for(make_engine_of: Callable[..., Engine]) -> None:
    """The time the cloud needs to show what it made is part of the wait."""
    engine = make_engine_of(honours_keys=False, visible_after_s=300.0)
    job = engine.submit(volume())
    engine.fault("volume.create", FakeEffect.LOST)

    engine.turn()
    engine.clock.advance(SURE_S + 200)
    [still] = engine.turn()

    assert isinstance(still, Postponed)
    assert engine.run(job).state == "succeeded"
    assert len(engine.in_cloud()) == 1


@pytest.mark.parametrize("effect", [FakeEffect.TEMPORARY, FakeEffect.AUTH, FakeEffect.UNEXPECTED])
def test_a_failing_look_does_not_send_again(engine: Engine, effect: FakeEffect) -> None:
    """While the cloud does not tell what it made, nothing is sent and nothing is given up."""
    job = engine.submit(volume())
    engine.fault("volume.create", FakeEffect.LOST)
    engine.fault("volume.find", effect, count=3)

    ended = engine.run(job)

    assert ended.state == "succeeded"
    assert len(engine.in_cloud()) == 1
    assert engine.recorded(job) == engine.in_cloud()


def test_looking_ends_and_a_retry_looks_again(engine: Engine) -> None:
    """A cloud that never tells fails the task, says so, and keeps the key for the retry."""
    job = engine.submit(volume(timeout_s=600.0))
    engine.fault("volume.create", FakeEffect.LOST)
    engine.fault("volume.find", FakeEffect.AUTH, count=1000)
    ended = engine.run(job)
    failed = engine.task(job, "volume.create/1")
    engine.provider._injected.clear()

    engine.retry(job)
    retried = engine.run(job)

    assert ended.state == "failed"
    assert "not known" in str(ended.error)
    assert failed.sent_at is not None
    assert retried.state == "succeeded"
    assert engine.task(job, "volume.create/1").request_key == failed.request_key
    assert engine.recorded(job) == engine.in_cloud()
    assert len(engine.in_cloud()) == 1


@pytest.mark.parametrize("honours_keys", [True, False])
def test_answers_that_are_always_lost_end_the_task(
    make_engine_of: Callable[..., Engine], honours_keys: bool
) -> None:
    """However often the answer is lost: what was made is found, and the job ends."""
    engine = make_engine_of(honours_keys=honours_keys)
    job = engine.submit(volume())
    engine.fault("volume.create", FakeEffect.LOST, count=1000)

    ended = engine.run(job)

    assert ended.state == "succeeded"
    assert engine.recorded(job) == engine.in_cloud()
    assert len(engine.in_cloud()) == 1


@pytest.mark.parametrize("honours_keys", [True, False])
def test_requests_that_never_arrive_end_the_task(
    make_engine_of: Callable[..., Engine], honours_keys: bool
) -> None:
    """A runner that dies at every start does not keep its job alive for ever."""
    engine = make_engine_of(honours_keys=honours_keys)
    job = engine.submit(volume(max_attempts=3))

    for _ in range(60):
        engine.claim()
        engine.die()
        engine.clock.advance(SURE_S)
    ended = engine.run(job)

    assert ended.state in ("failed", "succeeded")
    assert engine.recorded(job) == engine.in_cloud()


def test_a_refusal_after_a_lost_answer_proves_nothing(
    make_engine_of: Callable[..., Engine],
) -> None:
    """Asked again, the cloud refuses; what the first request made is found all the same."""
    engine = make_engine_of(honours_keys=True)
    job = engine.submit(volume())
    engine.fault("volume.create", FakeEffect.LOST)
    engine.fault("volume.create", FakeEffect.AUTH, skip=1)

    ended = engine.run(job)

    assert ended.state == "succeeded"
    assert engine.recorded(job) == engine.in_cloud()
    assert len(engine.in_cloud()) == 1


def test_a_refusal_after_a_request_that_was_never_sent_fails_at_last(
    make_engine_of: Callable[..., Engine],
) -> None:
    """With nothing to be found, the cloud's own words are the task's error."""
    engine = make_engine_of(honours_keys=True)
    job = engine.submit(volume())
    engine.claim()
    engine.die()
    engine.fault("volume.create", FakeEffect.QUOTA, count=1000)
    engine.fault("volume.find", FakeEffect.TEMPORARY)

    ended = engine.run(job)

    assert ended.state == "failed"
    assert "Fake.quota" in str(ended.error)
    assert engine.task(job, "volume.create/1").error_code == "provider_quota"
    assert engine.in_cloud() == set()


def test_surplus_is_removed_and_one_is_kept(engine: Engine) -> None:
    """Three were made under one key: one is recorded, and the cloud has no other in the end."""
    job = engine.submit(volume())
    engine.fault("volume.create", FakeEffect.LOST)
    engine.turn()
    key = engine.task(job, "volume.create/1").request_key or ""
    _make_more(engine, job.cluster_id, key, 2)
    engine.fault("volume.delete", FakeEffect.TEMPORARY)

    ended = engine.run(job)

    assert ended.state == "succeeded"
    assert len(engine.in_cloud()) == 1
    assert engine.recorded(job) == engine.in_cloud()


def test_surplus_that_stays_does_not_keep_the_task_for_ever(engine: Engine) -> None:
    """A cloud that lists what is being removed for longer than the task may take is left to it."""
    job = engine.submit(volume(timeout_s=100.0))
    engine.fault("volume.create", FakeEffect.LOST)
    engine.turn()
    key = engine.task(job, "volume.create/1").request_key or ""
    discarded: list[str | None] = []
    handler = engine.kinds.handler_of("volume.create")
    engine.kinds.known["volume.create"] = _Keeping(handler, discarded)
    _make_more(engine, job.cluster_id, key, 1)

    ended = engine.run(job)

    assert ended.state == "failed" or len(discarded) > 1
    assert len(engine.recorded(job)) == 1
    assert len(set(discarded)) == 1


def test_a_lost_request_of_a_provider_that_is_gone_is_not_forgotten(engine: Engine) -> None:
    """Without its plugin the task fails, and its request is settled once the plugin is back."""
    job = engine.submit(volume())
    engine.fault("volume.create", FakeEffect.LOST)
    engine.turn()
    engine.kinds.known["volume.create"] = _Gone()
    engine.clock.advance(SURE_S)
    [outcome] = engine.turn()
    failed = engine.job(job)
    del engine.kinds.known["volume.create"]

    engine.retry(job)
    retried = engine.run(job)

    assert isinstance(outcome, Failed)
    assert outcome.undecided
    assert failed.state == "failed"
    assert retried.state == "succeeded"
    assert len(engine.in_cloud()) == 1
    assert engine.recorded(job) == engine.in_cloud()


@pytest.mark.parametrize("look", ["seen", "refused"])
def test_a_provider_that_breaks_down_after_the_cloud_said_yes_loses_nothing(
    engine: Engine, look: str
) -> None:
    """An answer that breaks the contract fails nothing that is found; else a retry looks again."""
    job = engine.submit(volume())
    create = engine.provider.volume.create
    if look == "refused":
        engine.fault("volume.find", FakeEffect.AUTH)

    def broken(spec: object, *, request_key: str) -> Operation:
        operation = create(spec, request_key=request_key)
        return attrs.evolve(operation, handle={"too": "x" * 20_000})

    engine.provider.volume.create = broken
    first = engine.run(job)
    del engine.provider.volume.create
    if look == "refused":
        engine.retry(job)
    ended = engine.run(job)

    assert first.state == ("succeeded" if look == "seen" else "failed")
    assert ended.state == "succeeded"
    assert len(engine.in_cloud()) == 1
    assert engine.recorded(job) == engine.in_cloud()


class _Gone:
    """A handler whose provider cannot be built."""

    def __getattr__(self, name: str) -> object:
        raise ProviderError("the provider is not installed")


class _Keeping:
    """A handler whose cloud does not remove anything."""

    def __init__(self, inner: object, discarded: list[str | None]) -> None:
        self._inner = inner
        self._discarded = discarded

    def __getattr__(self, name: str) -> object:
        if name == "discard":
            return lambda _call, operation: self._discarded.append(operation.resource_id)
        return getattr(self._inner, name)


def _make_more(engine: Engine, cluster_id: str, key: str, count: int) -> None:
    spec_class = engine.provider.volume.start_of("create").spec
    for _ in range(count):
        spec = spec_class(name="more", cluster_id=cluster_id, size_gib=1)
        engine.provider._injected.clear()
        engine.provider.volume.create(spec, request_key=key)
