"""The clauses of the provider contract, in each mode of machines."""

import pytest
from local_kit import Host

from pitrix_core.testing.compute_suite import ComputeSuite
from pitrix_core.testing.image_suite import ImageSuite
from pitrix_core.testing.network_suite import NetworkSuite
from pitrix_core.testing.provider_suite import ProviderSuite
from pitrix_core.testing.volume_suite import VolumeSuite
from pitrix_local.provider import LocalProvider


class OnThisHost:
    """The fixture of all suites."""

    @pytest.fixture
    def provider(self, host: Host) -> LocalProvider:
        """Return a provider on a folder of its own."""
        return host.provider


class TestProvider(OnThisHost, ProviderSuite):
    """The provider as a whole."""


class TestCompute(OnThisHost, ComputeSuite):
    """Machines."""


class TestVolume(OnThisHost, VolumeSuite):
    """Volumes."""


class TestNetwork(OnThisHost, NetworkSuite):
    """The network."""


class TestImage(OnThisHost, ImageSuite):
    """Images."""
