"""A provider is built from JSON, with every violation at its place and no secret in a message."""

from pathlib import Path
from typing import Any

import attrs
import pytest

from pitrix_core import Context, errors
from pitrix_core.model import Runtime
from pitrix_core.plugins import build_provider
from pitrix_core.testing.fake_provider import FakeProvider

CONTEXT = Context(installation_id="a" * 32, state_dir=Path("state"))


@attrs.frozen
class StrictCredential:
    """A credential whose key has a form."""

    api_key: str = attrs.field(repr=False, validator=attrs.validators.max_len(8))


class Strict(FakeProvider):
    """A provider that is particular about its credential."""

    credential = StrictCredential


class Stumbling(FakeProvider):
    """A provider whose construction fails."""

    def __init__(self, runtime: Any, **rest: Any) -> Any:
        raise KeyError("zone")


def runtime(**settings: Any) -> Runtime:
    """Return a runtime with settings."""
    return Runtime(id="rt-1", name="fake", provider="fake", owner="admin", settings=settings)


def test_settings_and_credential_are_records() -> None:
    """The provider gets instances of its own classes."""
    built = build_provider(
        FakeProvider,
        runtime(delay_polls=2, faults=[{"operation": "compute.create", "effect": "quota"}]),
        credential={"api_key": "k3y"},
        context=CONTEXT,
    )

    assert (built.config.delay_polls, built.account.api_key) == (2, "k3y")
    assert built.config.faults[0].effect.value == "quota"


def test_every_violation_has_its_place() -> None:
    """All violations of both documents are found at once."""
    with pytest.raises(errors.InvalidInputError) as caught:
        build_provider(
            FakeProvider,
            runtime(delay_polls="two", colour="red"),
            credential={"api_key": 7},
            context=CONTEXT,
        )

    pointers = {finding.pointer for finding in caught.value.findings}
    assert pointers == {"/settings/colour", "/settings/delay_polls", "/credential/api_key"}


@pytest.mark.parametrize(
    "credential",
    [
        pytest.param({"api_key": ["t0p-secret"]}, id="of-another-type"),
        pytest.param("t0p-secret", id="no-object"),
        pytest.param({"api_key": "t0p-secret"}, id="too-long"),
    ],
)
def test_a_wrong_credential_is_not_quoted(credential: Any) -> None:
    """Messages and causes say what is wrong with a credential without saying what it is."""
    with pytest.raises(errors.InvalidInputError) as caught:
        build_provider(Strict, runtime(), credential=credential, context=CONTEXT)

    shown = f"{caught.value!r} {caught.value.findings} {caught.value.__cause__!r}"
    assert "t0p-secret" not in shown
    assert caught.value.findings[0].pointer.startswith("/credential")


def test_a_constructor_that_fails_is_the_providers_fault() -> None:
    """An unknown exception of a constructor is a permanent failure with its cause."""
    with pytest.raises(errors.ProviderError, match="clause 20") as caught:
        build_provider(Stumbling, runtime(), credential={}, context=CONTEXT)

    assert isinstance(caught.value.__cause__, KeyError)


def test_settings_that_contradict_themselves_are_told() -> None:
    """What a constructor says of its settings arrives as it is."""

    class Picky(FakeProvider):
        def __init__(self, runtime: Any, **rest: Any) -> None:
            raise errors.InvalidInputError("zone and region exclude one another")

    with pytest.raises(errors.InvalidInputError, match="exclude one another"):
        build_provider(Picky, runtime(), credential={}, context=CONTEXT)
