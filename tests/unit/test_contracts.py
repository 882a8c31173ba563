"""The contracts themselves: what is declared of verbs, and how what is absent refuses."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pitrix_core import ComputeInterface, Context, Interface, Provider, errors, starts
from pitrix_core.contracts import ImageInterface, NetworkInterface, VolumeInterface, absent
from pitrix_core.contracts.interface import is_absent
from pitrix_core.model import (
    InstanceSpec,
    NetworkSpec,
    NoCredential,
    NoSettings,
    Operation,
    OperationState,
    ResourceRef,
    Runtime,
    Task,
    VolumeSpec,
)

PENDING = Operation(request_key="key-1", kind="snapshot.take", state=OperationState.PENDING)


class Snapshots(Interface):
    """An interface that the core does not know."""

    name = "snapshot"

    @starts(ResourceRef, creates=True, settle_s=7.0)
    def take(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Answer at once."""
        return PENDING

    def poll(self, operation: Operation) -> Operation:
        """Answer the same."""
        return operation

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Find nothing."""
        return ()


class HonestSnapshots(Snapshots):
    """A provider's own snapshots, which honour their keys."""

    @starts(ResourceRef, creates=True, honours_key=True, timeout_s=5.0)
    def take(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Answer at once."""
        return PENDING


class Quiet(Provider[NoSettings, NoCredential]):
    """A provider with nothing but snapshots."""

    name = "quiet"

    def check(self) -> list[Any]:
        """Find nothing."""
        return []

    def owned(self, *, cluster_id: str | None = None) -> Iterable[Any]:
        """Own nothing."""
        return ()

    def extra_interfaces(self) -> Iterable[Interface]:
        """Bring snapshots along."""
        return (HonestSnapshots(),)


@pytest.fixture
def provider() -> Quiet:
    """Return a provider that has one interface, which the core does not know."""
    return Quiet(
        Runtime(id="rt-1", name="quiet", provider="quiet", owner="admin"),
        settings=NoSettings(),
        credential=NoCredential(),
        context=Context(installation_id="a" * 32, state_dir=Path("state")),
    )


@pytest.mark.parametrize(
    ("interface", "verbs"),
    [
        (ComputeInterface, {"create": InstanceSpec, "start": ResourceRef, "stop": ResourceRef}),
        (VolumeInterface, {"create": VolumeSpec, "delete": ResourceRef}),
        (NetworkInterface, {"ensure": NetworkSpec, "delete": ResourceRef}),
        (ImageInterface, {}),
    ],
)
def test_verbs_declare_what_they_take(interface: type[Interface], verbs: dict[str, type]) -> None:
    """Each verb of the contract names the class of its argument."""
    assert verbs.keys() <= interface.verbs()
    assert {verb: interface.start_of(verb).spec for verb in verbs} == verbs


def test_a_providers_own_mark_goes_first() -> None:
    """What a provider declares of a verb is in the place of what the contract does."""
    contract, own = Snapshots.start_of("take"), HonestSnapshots.start_of("take")

    assert (contract.honours_key, contract.settle_s) == (False, 7.0)
    assert (own.honours_key, own.timeout_s) == (True, 5.0)


def test_a_mark_is_inherited() -> None:
    """A method that is overridden without a mark keeps the contract's."""

    class Plain(Snapshots):
        def take(self, spec: ResourceRef, *, request_key: str) -> Operation:
            return PENDING

    assert Plain.start_of("take").settle_s == 7.0
    assert Plain.verbs() == {"take"}


def test_an_unknown_verb_is_unsupported() -> None:
    """There is no declaration and no starter of a verb that is not there."""
    with pytest.raises(errors.UnsupportedOperationError, match=r"snapshot\.undo"):
        Snapshots.start_of("undo")
    with pytest.raises(errors.UnsupportedOperationError, match=r"snapshot\.poll"):
        Snapshots().starter("poll")


def test_without_stages_there_is_nothing_to_advance() -> None:
    """An interface that has no stages refuses to advance, naming the operation."""
    with pytest.raises(errors.UnsupportedOperationError, match=r"snapshot\.take"):
        Snapshots().advance(PENDING, request_key="key-2")


@pytest.mark.parametrize(
    "interface", [ComputeInterface, VolumeInterface, NetworkInterface, ImageInterface]
)
def test_a_stand_in_refuses_by_name(interface: type[Any]) -> None:
    """Every call of an interface that is absent names the call and the provider."""
    stand_in = absent(interface, provider="quiet")

    assert is_absent(stand_in)
    for name in sorted(interface.__abstractmethods__):
        with pytest.raises(
            errors.UnsupportedOperationError, match=rf"{interface.name}\.{name}: .*'quiet'"
        ):
            getattr(stand_in, name)()


def test_offers_are_the_verbs_that_are_there(provider: Quiet) -> None:
    """Offers are derived from the interfaces, a plugin's own included."""
    assert provider.offers() == {"snapshot.take"}
    assert set(provider.interfaces()) == {"snapshot"}


def test_an_interface_is_looked_up_by_name(provider: Quiet) -> None:
    """What is there is answered, and what is not is refused by name."""
    assert isinstance(provider.interface("snapshot"), Snapshots)
    with pytest.raises(errors.UnsupportedOperationError, match=r"compute: provider 'quiet'"):
        provider.interface("compute")


def test_a_provider_may_know_no_price(provider: Quiet) -> None:
    """Without a price sheet nothing has a price, and closing needs nothing."""
    provider.close()

    assert provider.price(Task(key="m", kind="compute.create", title="Create")) is None


def test_constructing_keeps_the_arguments(provider: Quiet) -> None:
    """A provider has its runtime, settings, credential and context (clause 20)."""
    assert (provider.config, provider.account) == (NoSettings(), NoCredential())
    assert provider.context.request_timeout_s == 30.0
