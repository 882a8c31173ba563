"""The core's own kinds of repos keep what the contract promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_registry import Registry
from fake_shelf import Files
from web import serving

from pitrix_core.catalog.fetcher import HttpFetcher
from pitrix_core.catalog.reach import Reach
from pitrix_core.catalog.sources.file import FileKind
from pitrix_core.catalog.sources.http import HttpCredential, HttpKind, HttpSettings
from pitrix_core.catalog.sources.oci import OciCredential, OciKind, OciSettings
from pitrix_core.model import NoCredential, NoSettings
from pitrix_core.testing.repo_suite import Open, RepoKindSuite


@pytest.fixture
def fetcher() -> Iterator[HttpFetcher]:
    """A fetcher that may ask this machine."""
    made = HttpFetcher(Reach.parse("127.0.0.0/8"))
    yield made
    made.close()


class TestFile(RepoKindSuite):
    """A folder."""

    @pytest.fixture
    def opened(self, tmp_path: Path, fetcher: HttpFetcher) -> Open:
        """Open the folder."""
        return lambda: FileKind(
            tmp_path.as_uri(), settings=NoSettings(), credential=NoCredential(), fetcher=fetcher
        )


class TestHttp(RepoKindSuite):
    """A web server that accepts PUT."""

    @pytest.fixture
    def opened(self, fetcher: HttpFetcher) -> Iterator[Open]:
        """Open its folder."""
        with serving(Files()) as web:
            yield lambda: HttpKind(
                f"{web.url}/stable",
                settings=HttpSettings(),
                credential=HttpCredential(),
                fetcher=fetcher,
            )


class TestOci(RepoKindSuite):
    """A registry."""

    @pytest.fixture
    def opened(self, fetcher: HttpFetcher) -> Iterator[Open]:
        """Open a place in it."""
        with serving(Registry()) as web:
            yield lambda: OciKind(
                f"oci://127.0.0.1:{web.port}/charts",
                settings=OciSettings(plain_http=True),
                credential=OciCredential(),
                fetcher=fetcher,
            )
