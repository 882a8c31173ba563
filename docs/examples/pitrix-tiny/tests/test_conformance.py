"""The contract, as this provider keeps it."""

from pathlib import Path

import pytest
from pitrix_tiny import TinyProvider, TinySettings

from pitrix_core import Context
from pitrix_core.model import NoCredential, Runtime
from pitrix_core.testing.compute_suite import ComputeSuite
from pitrix_core.testing.provider_suite import ProviderSuite


@pytest.fixture
def provider(tmp_path: Path) -> TinyProvider:
    """Return the provider under test."""
    return TinyProvider(
        Runtime(id="rt-1", name="here", provider="tiny", owner="me"),
        settings=TinySettings(),
        credential=NoCredential(),
        context=Context(installation_id="0" * 32, state_dir=tmp_path),
    )


class TestProvider(ProviderSuite):
    """What every provider does."""

    @pytest.fixture
    def provider(self, provider: TinyProvider) -> TinyProvider:
        """Use the one above."""
        return provider


class TestCompute(ComputeSuite):
    """It has no machines, so it has to refuse them by name."""

    @pytest.fixture
    def provider(self, provider: TinyProvider) -> TinyProvider:
        """Use the one above."""
        return provider
