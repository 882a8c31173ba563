"""A bucket keeps what the contract of repos promises."""

import pytest
from conftest import Open

from pitrix_core.testing.repo_suite import RepoKindSuite


class TestS3(RepoKindSuite):
    """Against a server of S3."""

    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        """Open a folder of a bucket."""
        return opened
