"""What the tests of the kit share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pitrix_core import Context
from pitrix_core.model import Runtime
from pitrix_core.testing.fake_provider import FakeCredential, FakeProvider, FakeSettings

BuildFake = Callable[..., FakeProvider]


@pytest.fixture
def build_fake(tmp_path: Path) -> BuildFake:
    """Return a function that builds a fake provider with settings."""

    def build(**settings: object) -> FakeProvider:
        return FakeProvider(
            Runtime(id="rt-1", name="fake", provider="fake", owner="admin"),
            settings=FakeSettings(**settings),
            credential=FakeCredential(api_key="k3y-of-the-account"),
            context=Context(installation_id="a" * 32, state_dir=tmp_path / "state"),
        )

    return build
