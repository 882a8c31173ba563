"""What one step decides: starts, polls, stages, errors, time, and the values a task refers to."""

import datetime as dt
from collections.abc import Callable

import attrs
import pytest
import sqlalchemy.exc
from driven_engine import Engine, machine, volume
from scripted import Scripted, operation

from pitrix_core.errors import (
    PitrixError,
    ProviderAnswerLostError,
    ProviderError,
    ProviderQuotaError,
    ProviderTemporaryError,
    ProviderThrottledError,
)
from pitrix_core.jobs.outcome import Failed, Postponed, Retry, Succeeded, Waiting
from pitrix_core.jobs.retry import Policy, Repeats, after_hang, backoff_s, policy_of
from pitrix_core.model import JsonObject, Operation, OperationState
from pitrix_core.store.queue import Claim
from pitrix_core.testing.fake_provider import FakeEffect

LATER = dt.timedelta(seconds=700)
NEVER = Repeats.NEVER


# -- operations ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(
            operation(OperationState.DONE, outputs={"id": "x"}),
            Succeeded(
                outputs={"id": "x"},
                operation=operation(OperationState.DONE, outputs={"id": "x"}),
                creates=False,
            ),
            id="done",
        ),
        pytest.param(
            operation(retry_after_s=7.0),
            Waiting(operation=operation(retry_after_s=7.0), after_s=7.0, creates=False),
            id="pending",
        ),
        pytest.param(
            operation(retry_after_s=7000.0),
            Waiting(operation=operation(retry_after_s=7000.0), after_s=600.0, creates=False),
            id="pending-for-longer-than-there-is-time",
        ),
        pytest.param(
            operation(OperationState.NEXT_STAGE),
            Waiting(operation=operation(OperationState.NEXT_STAGE), after_s=0.0, creates=False),
            id="next-stage",
        ),
        pytest.param(
            operation(OperationState.FAILED, error="no", error_code="provider_quota"),
            Failed(
                error="no",
                error_code="provider_quota",
                operation=operation(OperationState.FAILED, error="no", error_code="provider_quota"),
                creates=False,
            ),
            id="failed",
        ),
        pytest.param(
            operation(OperationState.FAILED),
            Failed(
                error="thing.do failed",
                error_code="provider",
                operation=operation(OperationState.FAILED),
                creates=False,
            ),
            id="failed-without-a-word",
        ),
    ],
)
def test_an_operations_state_decides(
    engine: Engine,
    scripted: Scripted,
    claim_of: Callable[..., Claim],
    answer: Operation,
    outcome: object,
) -> None:
    """What was answered to the start becomes the task's outcome."""
    scripted.answer = answer

    assert engine.step(claim_of()) == outcome


@pytest.mark.parametrize("state", [OperationState.PENDING, OperationState.NEXT_STAGE])
def test_time_that_is_up_ends_an_operation(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim], state: OperationState
) -> None:
    """One more look is taken; then the task fails, with what it was waiting for."""
    scripted.answer = operation(state, error="the agent is away")
    claim = claim_of(operation=operation())

    outcome = engine.step(attrs.evolve(claim, claimed_at=claim.claimed_at + LATER))

    assert isinstance(outcome, Failed)
    assert outcome.error == "Not done within 600 s: the agent is away"
    assert outcome.operation == scripted.answer


def test_a_resource_is_named_before_it_is_given_up(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim]
) -> None:
    """An operation that names no resource yet is looked up, so that deletion can find it."""
    scripted.creates = True
    scripted.answer = operation()
    scripted.found = (operation(resource_id="thing-1"),)
    claim = claim_of(operation=operation())

    outcome = engine.step(attrs.evolve(claim, claimed_at=claim.claimed_at + LATER))

    assert isinstance(outcome, Failed)
    assert outcome.operation == operation(resource_id="thing-1")


def test_what_failed_is_named(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim]
) -> None:
    """A failed operation that names no resource may have made one: a retry has to remove it."""
    scripted.creates = True
    scripted.answer = operation(OperationState.FAILED)
    scripted.found = (operation(resource_id="thing-1"),)

    outcome = engine.step(claim_of(operation=operation()))

    assert isinstance(outcome, Failed)
    assert outcome.operation == operation(OperationState.FAILED, resource_id="thing-1")


def test_a_resource_without_a_name_is_given_up_all_the_same(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim]
) -> None:
    """Where the cloud shows nothing, there is nothing to record."""
    scripted.creates = True
    scripted.answer = operation()
    claim = claim_of(operation=operation())

    outcome = engine.step(attrs.evolve(claim, claimed_at=claim.claimed_at + LATER))

    assert isinstance(outcome, Failed)
    assert outcome.operation == operation()


# -- errors ----------------------------------------------------------------------------------------


def test_a_temporary_error_is_tried_again_as_often_as_the_plan_allows(engine: Engine) -> None:
    """After the last attempt the task fails with the cloud's words."""
    job = engine.submit(volume(max_attempts=3))
    engine.fault("volume.create", FakeEffect.TEMPORARY, count=5)

    ended = engine.run(job)

    assert ended.state == "failed"
    assert engine.task(job, "volume.create/1").attempts == 3
    assert engine.task(job, "volume.create/1").error_code == "provider_temporary"


def test_attempts_are_made_while_there_is_time(engine: Engine) -> None:
    """A plan that allows many attempts does not prolong the task's time."""
    job = engine.submit(volume(max_attempts=1000, timeout_s=100.0))
    engine.fault("volume.create", FakeEffect.THROTTLED, count=1000)

    ended = engine.run(job, step_s=10.0)

    assert ended.state == "failed"
    assert "Not done within 100 s" in str(ended.error)


@pytest.mark.parametrize(
    ("error", "least_s", "is_counted"),
    [
        pytest.param(ProviderTemporaryError("busy"), 5.0, True, id="temporary"),
        pytest.param(ProviderThrottledError("slow", retry_after_s=99), 99, False, id="throttled"),
        pytest.param(ProviderQuotaError("full", retry_after_s=300), 300, True, id="quota-for-now"),
    ],
)
def test_the_clouds_own_delay_is_kept(
    engine: Engine,
    scripted: Scripted,
    claim_of: Callable[..., Claim],
    error: ProviderError,
    least_s: float,
    is_counted: bool,
) -> None:
    """It goes before the backoff where it is longer."""
    scripted.answer = error

    outcome = engine.step(claim_of())

    assert outcome == Retry(
        after_s=least_s, error=error.message, error_code=error.code, is_counted=is_counted
    )


@pytest.mark.parametrize("retry_after_s", [None, 1000.0], ids=["not-told-when", "too-late"])
def test_a_quota_fails_the_task_unless_it_is_lifted_in_time(
    engine: Engine,
    scripted: Scripted,
    claim_of: Callable[..., Claim],
    retry_after_s: float | None,
) -> None:
    """And the failure says what a person can do."""
    scripted.answer = ProviderQuotaError("thing.do: full.", retry_after_s=retry_after_s)

    outcome = engine.step(claim_of())

    assert isinstance(outcome, Failed)
    assert outcome.error == (
        "thing.do: full. Free something in the account or have its limit raised, "
        "then retry the job."
    )


def test_being_throttled_costs_no_attempt(engine: Engine) -> None:
    """A task that may be tried once is tried until the cloud lets it through."""
    job = engine.submit(volume(max_attempts=1))
    engine.fault("volume.create", FakeEffect.THROTTLED, count=4)

    ended = engine.run(job)

    assert ended.state == "succeeded"
    assert engine.task(job, "volume.create/1").attempts == 1


@pytest.mark.parametrize(
    ("waited_s", "asked_s", "pause_s"),
    [
        pytest.param(10.0, 2.0, 2.0, id="at-first-as-asked"),
        pytest.param(100.0, 2.0, 10.0, id="then-a-tenth-of-the-time-waited"),
        pytest.param(500.0, 2.0, 30.0, id="never-above-half-a-minute"),
        pytest.param(500.0, 50.0, 50.0, id="unless-asked-for"),
        pytest.param(590.0, 2.0, 10.0, id="never-beyond-the-tasks-time"),
    ],
)
def test_pauses_between_polls_grow(
    engine: Engine,
    scripted: Scripted,
    claim_of: Callable[..., Claim],
    waited_s: float,
    asked_s: float,
    pause_s: float,
) -> None:
    """What takes long is looked at less often."""
    scripted.answer = operation(retry_after_s=asked_s)
    claim = claim_of(operation=operation())
    later = claim.claimed_at + dt.timedelta(seconds=waited_s)

    outcome = engine.step(attrs.evolve(claim, claimed_at=later))

    assert isinstance(outcome, Waiting)
    assert outcome.after_s == pytest.approx(pause_s)


def test_every_error_has_a_policy() -> None:
    """The nearest one of its bases, and none that is repeated by accident."""
    repeated = {cls for cls in _all_errors(PitrixError) if _policy_of(cls).repeats is not NEVER}

    assert repeated == {
        ProviderTemporaryError,
        ProviderThrottledError,
        ProviderAnswerLostError,
        ProviderQuotaError,
    }


def _all_errors(cls: type[PitrixError]) -> set[type[PitrixError]]:
    below = [each for each in cls.__subclasses__() if each.__module__ == "pitrix_core.errors"]
    return {cls}.union(*(_all_errors(each) for each in below))


def _policy_of(cls: type[PitrixError]) -> Policy:
    return policy_of(cls.__new__(cls))


def test_a_lost_answer_that_made_nothing_is_a_temporary_error(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim]
) -> None:
    """What does not create may be asked any number of times; each one counts."""
    scripted.answer = ProviderAnswerLostError("lost", retry_after_s=9.0)

    outcome = engine.step(claim_of())

    assert outcome == Retry(after_s=9.0, error="lost", error_code="provider_answer_lost")


def test_what_does_not_create_is_asked_again_after_a_crash(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim]
) -> None:
    """Nothing has to be settled."""
    scripted.answer = operation(OperationState.DONE)
    claim = attrs.evolve(claim_of(), maybe_sent=True)

    outcome = engine.step(claim)

    assert isinstance(outcome, Succeeded)


def test_what_never_answers_ends_with_its_time(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim]
) -> None:
    """A step that kills its runner each time is not repeated for ever."""
    claim = attrs.evolve(claim_of(), maybe_sent=True)

    outcome = engine.step(attrs.evolve(claim, claimed_at=claim.claimed_at + LATER))

    assert isinstance(outcome, Failed)
    assert outcome.error_code == "task_timeout"
    assert scripted.keys == []


@pytest.mark.parametrize(
    ("creates", "state"),
    [(True, "undecided"), (False, "decided")],
)
def test_an_exception_nobody_knows_fails_the_task(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim], creates: bool, state: str
) -> None:
    """Whether a creating one made something is for a retry to find out."""
    scripted.creates = creates
    scripted.answer = KeyError("surprise")

    outcome = engine.step(claim_of())

    assert isinstance(outcome, Failed)
    assert outcome.error == "KeyError: 'surprise'"
    assert outcome.error_code == "internal"
    assert outcome.undecided == (state == "undecided")


def test_a_database_that_is_away_decides_nothing(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim]
) -> None:
    """The step is taken again."""
    scripted.answer = sqlalchemy.exc.OperationalError("select", {}, Exception("locked"))

    outcome = engine.step(claim_of())

    assert isinstance(outcome, Postponed)


@pytest.mark.parametrize("error", [PitrixError("no"), ProviderError("no")])
def test_a_permanent_error_fails_the_task(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim], error: PitrixError
) -> None:
    """With its code and its words."""
    scripted.answer = error

    outcome = engine.step(claim_of())

    assert outcome == Failed(error="no", error_code=error.code, operation=None, creates=False)


def test_a_missing_output_fails_the_task(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim]
) -> None:
    """A reference to what is not there is named."""
    outcome = engine.step(claim_of(input={"a": [{"$ref": "other#/id"}]}))

    assert isinstance(outcome, Failed)
    assert outcome.error == "Task other has no output /id."
    assert scripted.keys == []


# -- hangs and delays ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("over_s", "has_operation", "expected"),
    [
        pytest.param(-1.0, True, "postponed", id="poll-in-time"),
        pytest.param(1.0, True, "failed", id="poll-too-late"),
        pytest.param(-1.0, False, "postponed", id="start-in-time"),
        pytest.param(599.0, False, "postponed", id="settling-in-time"),
        pytest.param(601.0, False, "undecided", id="settling-too-late"),
    ],
)
def test_a_hung_step_is_repeated_while_there_is_time(
    scripted: Scripted,
    claim_of: Callable[..., Claim],
    over_s: float,
    has_operation: bool,
    expected: str,
) -> None:
    """A call that never comes back does not keep its task for ever."""
    claim = claim_of(operation=operation() if has_operation else None)
    late = claim.claimed_at + dt.timedelta(seconds=600 + over_s)

    outcome = after_hang(attrs.evolve(claim, claimed_at=late))

    match outcome:
        case Postponed():
            assert expected == "postponed"
        case Failed(undecided=undecided):
            assert expected == ("undecided" if undecided else "failed")
        case _:
            raise AssertionError(outcome)


@pytest.mark.parametrize(
    ("attempts", "longest_s"), [(0, 1.0), (1, 1.0), (2, 2.0), (4, 8.0), (7, 60.0), (10**6, 60.0)]
)
def test_the_backoff_doubles_up_to_a_minute(attempts: int, longest_s: float) -> None:
    """It is jittered by half."""
    delay_s = backoff_s(attempts)

    assert longest_s / 2 <= delay_s <= longest_s


# -- values that are put in ------------------------------------------------------------------------


def test_secrets_and_agents_are_put_in_for_the_call_alone(engine: Engine) -> None:
    """The provider gets user-data; the task keeps the markers."""
    agent = _agent_with_a_secret_of(engine, "admin")
    task = machine("vm")
    task.input["user_data"] = agent
    job = engine.submit(task)

    engine.run(job)

    assert engine.task(job, "vm").state == "succeeded"
    assert engine.task(job, "vm").input["user_data"] == agent


def test_a_secret_of_somebody_else_is_put_into_nothing(engine: Engine) -> None:
    """Packages come from strangers: what they name has to be the task's owner's."""
    task = machine("vm")
    task.input["user_data"] = _agent_with_a_secret_of(engine, "bob")
    job = engine.submit(task)

    engine.run(job)

    assert engine.task(job, "vm").state == "failed"
    assert "is not one of admin's" in (engine.task(job, "vm").error or "")
    assert engine.in_cloud() == set()


def _agent_with_a_secret_of(engine: Engine, owner: str) -> JsonObject:
    with engine.store.begin() as tx:
        password = tx.secrets.add("pa55word", owner=owner)
    return {"$agent": {"agent": "drone", "config": {"password": password.to_json()}}}
