"""The fake provider passes the suites, however slow or forgetful it is set."""

from pathlib import Path

import pytest

from pitrix_core import Context
from pitrix_core.testing.compute_suite import ComputeSuite
from pitrix_core.testing.fake_provider import FakeProvider
from pitrix_core.testing.image_suite import ImageSuite
from pitrix_core.testing.network_suite import NetworkSuite
from pitrix_core.testing.provider_suite import ProviderSuite
from pitrix_core.testing.volume_suite import VolumeSuite


class Fakes:
    """Every suite is run with each of these."""

    @pytest.fixture(
        params=[
            pytest.param({}, id="at-once"),
            pytest.param({"delay_polls": 2, "stages": 3, "polls_at_once": 20}, id="slow-in-stages"),
            pytest.param({"honours_keys": False, "visible_after_s": 0.05}, id="forgetful"),
            pytest.param({"interfaces": ()}, id="offering-nothing"),
        ]
    )
    def provider(
        self, request: pytest.FixtureRequest, build_fake: object, tmp_path: Path
    ) -> FakeProvider:
        """Return a fake whose cloud is a file, so that another object sees it."""
        return build_fake(state_file=str(tmp_path / "cloud"), **request.param)


class TestProvider(Fakes, ProviderSuite):
    """The fake as a whole."""


class TestCompute(Fakes, ComputeSuite):
    """Its machines."""


class TestVolume(Fakes, VolumeSuite):
    """Its volumes."""


class TestNetwork(Fakes, NetworkSuite):
    """Its networks."""


class TestImage(Fakes, ImageSuite):
    """Its images."""


class TestComputeInMemory(ComputeSuite):
    """Machines of a cloud that is in memory, which two objects share."""

    @pytest.fixture
    def provider(self, build_fake: object) -> FakeProvider:
        """Return a fake whose cloud is in memory."""
        return build_fake()

    @pytest.fixture
    def reopen(self, provider: FakeProvider) -> object:
        """Return a function that shares the cloud with another object."""

        def again(context: Context | None = None) -> FakeProvider:
            return provider.reopened(context)

        return again
