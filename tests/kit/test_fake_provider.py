"""What can be ordered of the fake provider: delays, faults, several processes."""

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pitrix_core import OperationState, errors
from pitrix_core.model import ImageQuery, InstanceSpec, Operation, ResourceRef, Task
from pitrix_core.testing.fake_provider import FakeEffect, FakeFault, FakeProvider
from pitrix_core.testing.manual_clock import ManualClock
from pitrix_core.testing.settling import DeadlineError, done, eventually, settle

BuildFake = Callable[..., FakeProvider]

SPEC = InstanceSpec(name="db-1", cluster_id="cl-1", image=ImageQuery(image="debian"))

ANOTHER_PROCESS = """
import sys
from pathlib import Path
from pitrix_core import Context
from pitrix_core.model import ImageQuery, InstanceSpec, Runtime
from pitrix_core.testing.fake_provider import *

provider = FakeProvider(
    Runtime(id="rt-1", name="fake", provider="fake", owner="admin"),
    settings=FakeSettings(
        state_file=sys.argv[1],
        faults=(FakeFault(operation="compute.create", effect=FakeEffect.CRASH),),
    ),
    credential=FakeCredential(),
    context=Context(installation_id="a" * 32, state_dir=Path("state")),
)
spec = InstanceSpec(name="db-1", cluster_id="cl-1", image=ImageQuery(image="debian"))
provider.compute.create(spec, request_key="key-1")
print("not reached")
"""


def test_operations_end_after_their_polls(build_fake: BuildFake) -> None:
    """``delay_polls`` polls answer pending, and the next one done."""
    compute = build_fake(delay_polls=2).compute
    operation = compute.create(SPEC, request_key="key-1")

    states = []
    for _ in range(3):
        operation = compute.poll(operation)
        states.append(operation.state.value)

    assert states == ["pending", "pending", "done"]


def test_operations_take_time_of_their_clock(
    build_fake: BuildFake, manual_clock: ManualClock
) -> None:
    """``delay_s`` passes on the provider's clock, also when it is set by hand."""
    provider = build_fake(delay_s=30.0)
    provider.clock = manual_clock.time
    operation = provider.compute.create(SPEC, request_key="key-1")

    before = provider.compute.poll(operation).state
    manual_clock.advance(30.0)

    assert (before, provider.compute.poll(operation).state) == (
        OperationState.PENDING,
        OperationState.DONE,
    )


def test_what_was_made_is_seen_late(build_fake: BuildFake, manual_clock: ManualClock) -> None:
    """``visible_after_s`` keeps a machine from being found and listed at first."""
    provider = build_fake(visible_after_s=5.0, honours_keys=False)
    provider.clock = manual_clock.time
    provider.compute.create(SPEC, request_key="key-1")

    before = (provider.compute.find("key-1"), list(provider.owned()))
    manual_clock.advance(5.0)

    assert before == ((), [])
    assert len(provider.compute.find("key-1")) == len(list(provider.owned())) == 1
    assert provider.compute.start_of("create").settle_s == 5.0


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        (FakeEffect.TEMPORARY, errors.ProviderTemporaryError),
        (FakeEffect.THROTTLED, errors.ProviderThrottledError),
        (FakeEffect.QUOTA, errors.ProviderQuotaError),
        (FakeEffect.AUTH, errors.ProviderAuthError),
        (FakeEffect.PERMANENT, errors.ProviderError),
        (FakeEffect.UNEXPECTED, RuntimeError),
    ],
)
def test_a_fault_comes_as_often_as_ordered(
    build_fake: BuildFake, effect: FakeEffect, kind: type[Exception]
) -> None:
    """A fault hits ``count`` calls after ``skip`` good ones, and makes nothing."""
    fault = FakeFault(operation="compute.create", effect=effect, skip=1, count=2)
    provider = build_fake(faults=(fault,))
    provider.compute.create(SPEC, request_key="key-1")

    for key in ("key-2", "key-3"):
        with pytest.raises(kind):
            provider.compute.create(SPEC, request_key=key)
    provider.compute.create(SPEC, request_key="key-4")

    found = {resource.tags.request_key for resource in provider.owned()}
    assert found == {"key-1", "key-4"}


def test_a_lost_answer_leaves_what_was_made(build_fake: BuildFake) -> None:
    """The call is carried out, and its answer does not arrive."""
    provider = build_fake()
    provider.inject(FakeFault(operation="compute.create", effect=FakeEffect.LOST))

    with pytest.raises(errors.ProviderAnswerLostError):
        provider.compute.create(SPEC, request_key="key-1")

    assert len(provider.compute.find("key-1")) == 1


@pytest.mark.parametrize(
    ("settings", "same"),
    [
        pytest.param({"images": ("debian", "alpine")}, "debian", id="the-first"),
        pytest.param(
            {"images": ("debian", "alpine"), "default_image": "alpine"}, "alpine", id="set"
        ),
        pytest.param({"default_image": "alpine"}, "alpine", id="set-alone"),
    ],
)
def test_the_default_image_can_be_set(
    build_fake: BuildFake, settings: dict[str, Any], same: str
) -> None:
    """As of any cloud."""
    image = build_fake(**settings).image

    assert image.resolve(ImageQuery(image="")) == image.resolve(ImageQuery(image=same))


def test_a_held_call_goes_on(build_fake: BuildFake) -> None:
    """A call that hangs is held for its seconds, and answers then."""
    provider = build_fake()
    fault = FakeFault(operation="image.resolve", effect=FakeEffect.HANG, seconds=0.05)
    provider.inject(fault)
    before = time.monotonic()

    found = provider.image.resolve(ImageQuery(image="debian"))

    assert found.startswith("img-")
    assert time.monotonic() - before >= 0.05


def test_a_slow_answer_comes(build_fake: BuildFake) -> None:
    """What a slow call asks for is done at once; its answer takes its seconds."""
    provider = build_fake()
    fault = FakeFault(operation="compute.create", effect=FakeEffect.SLOW, seconds=0.5)
    provider.inject(fault)

    caller = threading.Thread(
        target=provider.compute.create, args=(SPEC,), kwargs={"request_key": "key-1"}
    )
    caller.start()
    found = eventually(lambda: provider.compute.find("key-1"), within_s=5.0)

    assert found
    assert caller.is_alive()
    caller.join()


def test_a_request_takes_no_longer_than_declared(build_fake: BuildFake) -> None:
    """The settings say how long a creating request takes at the longest."""
    provider = build_fake(request_s=7.0)

    assert provider.compute.start_of("create").timeout_s == 7.0


def test_an_operation_may_fail(build_fake: BuildFake) -> None:
    """A start goes well, and its operation ends as failed, saying why."""
    provider = build_fake()
    provider.inject(FakeFault(operation="compute.create", effect=FakeEffect.FAILED))

    ended = settle(provider.compute, provider.compute.create(SPEC, request_key="key-1"))

    assert (ended.state, ended.error_code) == (OperationState.FAILED, "provider")
    assert "compute.create" in (ended.error or "")


def test_another_process_sees_what_one_that_died_has_made(
    build_fake: BuildFake, tmp_path: Path
) -> None:
    """A process that dies after its request leaves the machine to be found by others."""
    state_file = tmp_path / "cloud"

    died = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(ANOTHER_PROCESS), str(state_file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (died.returncode, died.stdout) == (1, "")
    assert len(build_fake(state_file=str(state_file)).compute.find("key-1")) == 1


def test_a_machine_that_is_gone_fails_its_operation(build_fake: BuildFake) -> None:
    """Polling the creation of a machine that somebody removed ends as failed."""
    provider = build_fake(delay_polls=1)
    operation = provider.compute.create(SPEC, request_key="key-1")
    provider.compute.delete(ResourceRef(id=operation.resource_id or ""), request_key="key-2")

    ended = settle(provider.compute, operation)

    assert (ended.state, ended.error_code) == (OperationState.FAILED, "provider_not_found")


def test_a_refused_key_is_found_by_the_check(build_fake: BuildFake) -> None:
    """The one key that the cloud does not accept is named, without being quoted."""
    provider = build_fake()
    object.__setattr__(provider.account, "api_key", "refused")

    [found] = provider.check()

    assert (found.code, found.pointer) == ("provider_auth", "/credential/api_key")


def test_a_machine_has_a_price(build_fake: BuildFake) -> None:
    """The price of a machine is set, and nothing else has one."""
    provider = build_fake(price_per_machine=Decimal("7.10"))

    machine = provider.price(Task(key="m", kind="compute.create", title="Create"))

    assert machine is not None
    assert (machine.amount_per_month, machine.currency) == (Decimal("7.10"), "EUR")
    assert provider.price(Task(key="v", kind="volume.create", title="Create")) is None


def test_settling_has_a_deadline(build_fake: BuildFake) -> None:
    """What never ends is given up, naming what it was."""
    compute = build_fake(delay_polls=10**6).compute
    operation = compute.create(SPEC, request_key="key-1")

    with pytest.raises(DeadlineError, match=r"compute\.create is pending after"):
        settle(compute, operation, deadline_s=0.05)


def test_eventually_answers_what_it_saw_last() -> None:
    """Looking ends with the first thing that is true, or with the time."""
    seen = iter([[], [], ["found"]])

    assert eventually(lambda: next(seen), within_s=1.0) == ["found"]
    assert eventually(lambda: (), within_s=0.0) == ()


def test_a_state_that_is_a_text_is_named(build_fake: BuildFake) -> None:
    """It would be taken for a failure without a reason."""
    state: Any = "done"
    operation = Operation(request_key="key-1", kind="compute.create", state=state)

    with pytest.raises(AssertionError, match=r"OperationState\.DONE"):
        done(build_fake().compute, operation)
