"""The gate: errors of unknown kinds, broken answers, secrets, and plugins around a call."""

import contextlib
import logging
from typing import Any

import attrs
import pytest

from pitrix_core import OperationState, errors, hookimpl
from pitrix_core.contracts import absent
from pitrix_core.contracts.compute import ComputeInterface
from pitrix_core.model import (
    ImageQuery,
    InstanceSpec,
    InstanceState,
    ResourceRef,
    Task,
    VolumeSpec,
)
from pitrix_core.plugins import Hooks, ProviderGate
from pitrix_core.testing.fake_interfaces import FakeCompute, declared
from pitrix_core.testing.fake_provider import FakeEffect, FakeFault, FakeProvider

SECRET = "p4ssword-in-user-data"
SPEC = InstanceSpec(
    name="db-1",
    cluster_id="cl-1",
    image=ImageQuery(image="debian"),
    user_data=f"#!/bin/sh\n{SECRET}",
)


@pytest.fixture
def gate(build_fake: Any) -> ProviderGate:
    """Return the gate of a sound provider."""
    return ProviderGate(build_fake(), runtime_id="rt-1")


def gate_of_compute(build_fake: Any, *, hooks: Any = None, **methods: Any) -> ProviderGate:
    """Return the gate of a provider whose machines have other methods."""
    compute = type("Odd", (FakeCompute,), methods)

    class Odd(FakeProvider):
        @property
        def compute(self) -> Any:
            return declared(compute, self.config)(self)

    return ProviderGate(build_fake(Odd), runtime_id="rt-1", hooks=hooks)


def changed(**fields: Any) -> Any:
    """Return a ``poll`` that answers something else than it should."""

    def poll(self: Any, operation: Any) -> Any:
        return attrs.evolve(FakeCompute.poll(self, operation), **fields)

    return poll


def test_a_machine_goes_through(gate: Any) -> None:
    """Start, poll, find, look, list and remove: what a provider answers arrives."""
    started = gate.start("compute.create", SPEC, request_key="key-1")
    polled = gate.poll(started)

    machine = polled.outputs["id"]
    assert [found.resource_id for found in gate.find("compute.create", "key-1")] == [machine]
    assert gate.get_instance(machine).state is InstanceState.RUNNING
    assert [found.id for found in gate.owned("cl-1")] == [machine]
    removal = gate.start("compute.delete", ResourceRef(id=machine), request_key="key-2")
    assert removal.state is OperationState.DONE
    assert gate.owned() == ()


def test_a_runtime_is_looked_at(gate: Any) -> None:
    """Check, images, offers, declarations and prices arrive as well."""
    task = Task(key="m", kind="compute.create", title="Create")

    assert gate.check() == []
    assert gate.resolve_image(ImageQuery(image="debian")).startswith("img-")
    assert "volume.create" in gate.offers()
    assert gate.start_of("volume.create").spec is VolumeSpec
    assert gate.user_data_limit_bytes() == 16 * 1024
    assert gate.price(task).currency == "EUR"
    assert gate.price(attrs.evolve(task, kind="volume.create")) is None


def test_stages_are_advanced(build_fake: Any) -> None:
    """An operation of several stages is advanced under keys of its own."""
    gate = ProviderGate(build_fake(stages=2), runtime_id="rt-1")
    started = gate.start("compute.create", SPEC, request_key="key-1")

    advanced = gate.advance(started, request_key="key-1-s2")

    assert started.state is OperationState.NEXT_STAGE
    assert advanced.state is OperationState.DONE


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        pytest.param(FakeEffect.TEMPORARY, errors.ProviderTemporaryError, id="temporary"),
        pytest.param(FakeEffect.QUOTA, errors.ProviderQuotaError, id="quota"),
        pytest.param(FakeEffect.PERMANENT, errors.ProviderError, id="permanent"),
    ],
)
def test_errors_of_the_contract_pass(gate: Any, effect: Any, kind: Any) -> None:
    """What the provider raises of the contract's errors arrives as it is."""
    gate.provider.inject(FakeFault(operation="compute.create", effect=effect))

    with pytest.raises(kind) as caught:
        gate.start("compute.create", SPEC, request_key="key-1")

    assert type(caught.value) is kind


def test_other_errors_are_permanent_failures(gate: Any, caplog: Any) -> None:
    """Any other exception is a permanent failure with its cause, and a traceback in the log."""
    fault = FakeFault(operation="compute.create", effect=FakeEffect.UNEXPECTED)
    gate.provider.inject(fault)

    with pytest.raises(errors.ProviderError, match=r"compute\.create: unexpected RuntimeError"):
        gate.start("compute.create", SPEC, request_key="key-1")

    [record] = [found for found in caplog.records if found.levelno == logging.ERROR]
    assert "Traceback" in record.getMessage()
    assert (record.action, record.provider, record.runtime_id) == ("compute.create", "fake", "rt-1")


@pytest.mark.parametrize("failure", [SystemExit(1), RecursionError()], ids=["exit", "recursion"])
def test_a_driver_cannot_end_the_program(build_fake: Any, failure: Any) -> None:
    """Whatever a driver raises to end the program is its own failure."""

    def poll(self: Any, operation: Any) -> Any:
        raise failure

    gate = gate_of_compute(build_fake, poll=poll)
    started = gate.start("compute.create", SPEC, request_key="key-1")

    with pytest.raises(errors.ProviderError, match="unexpected"):
        gate.poll(started)


def test_secrets_are_in_no_message_and_no_log(build_fake: Any, caplog: Any) -> None:
    """User-data and credential are taken out of what an unknown exception says."""

    def create(self: Any, spec: Any, *, request_key: Any) -> Any:
        last = spec.user_data.splitlines()[-1]
        raise ValueError(f"cannot send {last} as {self._account.account.api_key}")

    gate = gate_of_compute(build_fake, create=create)
    caplog.set_level(logging.DEBUG)

    with pytest.raises(errors.ProviderError) as caught:
        gate.start("compute.create", SPEC, request_key="key-1")

    shown = str(caught.value) + caplog.text
    assert "cannot send [hidden] as [hidden]" in str(caught.value)
    assert SECRET not in shown
    assert "k3y-of-the-account" not in shown


@pytest.mark.parametrize(
    ("fields", "clause"),
    [
        pytest.param({"request_key": "another"}, "clause 2", id="another-key"),
        pytest.param({"kind": "compute.stop"}, "clause 1", id="another-kind"),
        pytest.param({"handle": {"at": object()}}, "clause 5", id="handle-no-json"),
        pytest.param({"handle": {"log": "x" * 17_000}}, "clause 5", id="handle-too-big"),
        pytest.param({"handle": {"ratio": float("nan")}}, "clause 5", id="handle-not-a-number"),
        pytest.param({"handle": ["a"]}, "clause 5", id="handle-a-list"),
        pytest.param({"outputs": {"id": object()}}, "clause 7", id="outputs-no-json"),
        pytest.param({"outputs": {"ip": "198.18.0.1"}}, "clause 7", id="no-id"),
        pytest.param({"outputs": {"id": ""}}, "clause 7", id="empty-id"),
        pytest.param({"state": "done"}, "clause 3", id="no-state"),
        pytest.param({"retry_after_s": float("inf")}, "clause 3", id="pause-without-end"),
    ],
)
def test_a_broken_answer_names_its_clause(build_fake: Any, fields: Any, clause: Any) -> None:
    """An operation that breaks the contract is a failure that says which clause."""
    gate = gate_of_compute(build_fake, poll=changed(**fields))
    started = gate.start("compute.create", SPEC, request_key="key-1")

    with pytest.raises(errors.ProviderError, match=rf"compute\.poll: .*{clause} "):
        gate.poll(started)


def test_nothing_is_no_answer(build_fake: Any) -> None:
    """None is refused where an operation has to be, with plugins around the call or without."""

    class Watching:
        @hookimpl(wrapper=True)
        def pitrix_provider_call(self, call: Any) -> Any:
            return (yield)

    for hooks in (Hooks(), Hooks({"watching": Watching()})):
        gate = gate_of_compute(build_fake, hooks=hooks, poll=lambda self, operation: None)
        started = gate.start("compute.create", SPEC, request_key="key-1")

        with pytest.raises(errors.ProviderError, match="an object of NoneType, no Operation"):
            gate.poll(started)


def test_a_found_resource_has_an_id(build_fake: Any) -> None:
    """``find`` without the resource's id cannot be settled (clause 6)."""

    def find(self: Any, request_key: Any) -> Any:
        return [attrs.evolve(found, resource_id=None) for found in FakeCompute.find(self, "key-1")]

    gate = gate_of_compute(build_fake, find=find)
    gate.start("compute.create", SPEC, request_key="key-1")

    with pytest.raises(errors.ProviderError, match="clause 6"):
        gate.find("compute.create", "key-1")


def test_the_neighbours_are_not_ours(build_fake: Any) -> None:
    """A listing with another installation's resource is refused as a whole (clause 22)."""

    class Neighbourly(FakeProvider):
        def owned(self, *, cluster_id: Any = None) -> Any:
            for found in super().owned():
                tags = attrs.evolve(found.tags, installation_id="b" * 32)
                yield attrs.evolve(found, tags=tags)

    gate = ProviderGate(build_fake(Neighbourly), runtime_id="rt-1")
    gate.start("compute.create", SPEC, request_key="key-1")

    with pytest.raises(errors.ProviderError, match="another installation"):
        gate.owned()


def test_what_is_not_offered_is_refused(build_fake: Any) -> None:
    """A kind of an interface that is not there is unsupported, by name."""
    gate = ProviderGate(build_fake(interfaces=("image",)), runtime_id="rt-1")

    with pytest.raises(errors.UnsupportedOperationError, match="compute"):
        gate.start("compute.create", SPEC, request_key="key-1")
    with pytest.raises(errors.UnsupportedOperationError, match=r"image\.copy"):
        gate.start("image.copy", SPEC, request_key="key-1")


class Audit:
    """Remembers what it sees."""

    def __init__(self) -> None:
        self.calls = []

    @hookimpl(wrapper=True)
    def pitrix_provider_call(self, call: Any) -> Any:
        self.calls.append(call)
        return (yield)


def test_plugins_see_calls_without_secrets(build_fake: Any) -> None:
    """The arguments a plugin sees are named, and hold no user-data."""
    audit = Audit()
    gate = ProviderGate(build_fake(), runtime_id="rt-1", hooks=Hooks({"audit": audit}))

    gate.start("compute.create", SPEC, request_key="key-1")
    gate.check()

    assert [call.operation for call in audit.calls] == ["compute.create", "provider.check"]
    arguments = audit.calls[0].arguments
    assert (arguments["request_key"], arguments["spec"]["name"]) == ("key-1", "db-1")
    assert SECRET not in str(arguments)


def test_the_real_call_is_made_once(build_fake: Any) -> None:
    """However often plugins proceed, the provider is called once."""

    class Eager:
        @hookimpl
        def pitrix_provider_call(self, call: Any) -> Any:
            call.proceed()
            call.proceed()

    gate = ProviderGate(
        build_fake(honours_keys=False), runtime_id="rt-1", hooks=Hooks({"eager": Eager()})
    )

    gate.start("compute.create", SPEC, request_key="key-1")

    with gate.provider.cloud.rows() as rows:
        assert rows.calls("compute.create") == 1


def test_a_plugin_fails_a_call(build_fake: Any) -> None:
    """What a plugin raises is taken as if the provider had raised it."""

    class Chaos:
        @hookimpl
        def pitrix_provider_call(self, call: Any) -> Any:
            raise errors.ProviderThrottledError("compute.create: chaos", retry_after_s=1.0)

    gate = ProviderGate(build_fake(), runtime_id="rt-1", hooks=Hooks({"chaos": Chaos()}))

    with pytest.raises(errors.ProviderThrottledError, match="chaos"):
        gate.start("compute.create", SPEC, request_key="key-1")


def test_interfaces_are_looked_up_once(build_fake: Any) -> None:
    """Polls are cheap: what is offered is asked for once (clause 23)."""
    looks = []

    class Counting(FakeProvider):
        @property
        def compute(self) -> Any:
            looks.append("compute")
            return super().compute

    gate = ProviderGate(build_fake(Counting), runtime_id="rt-1")
    started = gate.start("compute.create", SPEC, request_key="key-1")

    for _ in range(3):
        gate.poll(started)

    assert looks == ["compute"]


def test_closing_reaches_the_provider(build_fake: Any) -> None:
    """The end of a process is told to the provider."""
    closed = []

    class Closing(FakeProvider):
        def close(self) -> Any:
            closed.append(self.name)

    ProviderGate(build_fake(Closing), runtime_id="rt-1").close()

    assert closed == ["fake"]


def test_a_stand_in_refuses_behind_the_gate_too(build_fake: Any) -> None:
    """Looking at a machine where there are none is unsupported, by name."""
    gate = ProviderGate(build_fake(interfaces=()), runtime_id="rt-1")

    with pytest.raises(errors.UnsupportedOperationError, match=r"compute\.get"):
        gate.get_instance("i-1")
    assert absent(ComputeInterface, provider="fake").name == "compute"


def test_another_clusters_resource_is_not_listed(build_fake: Any) -> None:
    """A listing of one cluster that holds another's is refused (clause 22)."""

    class Generous(FakeProvider):
        def owned(self, *, cluster_id: Any = None) -> Any:
            return super().owned()

    gate = ProviderGate(build_fake(Generous), runtime_id="rt-1")
    gate.start("compute.create", SPEC, request_key="key-1")

    with pytest.raises(errors.ProviderError, match="another cluster"):
        gate.owned("cl-2")


def test_what_has_no_parts_is_no_list(build_fake: Any) -> None:
    """A plugin's answer in the place of the provider's is checked like any other."""

    class DryRun:
        @hookimpl
        def pitrix_provider_call(self, call: Any) -> Any:
            return 7

    gate = ProviderGate(build_fake(), runtime_id="rt-1", hooks=Hooks({"dry-run": DryRun()}))

    with pytest.raises(errors.ProviderError, match=r"provider\.check: .*clause 21 .*no list"):
        gate.check()


def test_an_image_has_an_id(build_fake: Any) -> None:
    """An empty id of an image is refused (clause 7)."""

    class Nameless(FakeProvider):
        @property
        def image(self) -> Any:
            image = super().image
            image.resolve = lambda query: ""
            return image

    gate = ProviderGate(build_fake(Nameless), runtime_id="rt-1")

    with pytest.raises(errors.ProviderError, match=r"image\.resolve: .*clause 7"):
        gate.resolve_image(ImageQuery(image="debian"))


def test_a_failed_call_is_not_made_again(build_fake: Any) -> None:
    """A plugin that proceeds again after a failure gets the same failure."""

    class Stubborn:
        @hookimpl
        def pitrix_provider_call(self, call: Any) -> Any:
            with contextlib.suppress(errors.ProviderQuotaError):
                call.proceed()

    gate = ProviderGate(build_fake(), runtime_id="rt-1", hooks=Hooks({"stubborn": Stubborn()}))
    gate.provider.inject(FakeFault(operation="compute.create", effect=FakeEffect.QUOTA))

    with pytest.raises(errors.ProviderQuotaError):
        gate.start("compute.create", SPEC, request_key="key-1")
    with gate.provider.cloud.rows() as rows:
        assert rows.calls("compute.create") == 1
