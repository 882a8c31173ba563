"""Conformance suite of the interface ``image``; see ``suite_fixtures`` for how to use it."""

import time

import pytest

from pitrix_core.errors import ProviderNotFoundError
from pitrix_core.model import ImageQuery
from pitrix_core.testing.suite_fixtures import AnyProvider, ProviderFixtures, Reopen


class ImageSuite(ProviderFixtures):
    """Images. Override ``provider``, and ``good_image`` where need be."""

    suite_of = "image"

    @pytest.fixture
    def good_image(self) -> ImageQuery:
        """Return an image that is there: the runtime's default."""
        return ImageQuery(image="")

    @pytest.fixture
    def bad_image(self) -> ImageQuery:
        """Return an image that is nowhere."""
        return ImageQuery(image="no-such-image-anywhere")

    def test_an_image_has_an_id(self, provider: AnyProvider, good_image: ImageQuery) -> None:
        """An image that is there is answered by its id (clause 7)."""
        found = provider.image.resolve(good_image)

        assert isinstance(found, str)
        assert found

    def test_an_image_keeps_its_id(
        self, provider: AnyProvider, reopen: Reopen, good_image: ImageQuery
    ) -> None:
        """Another process resolves a query to the same id (clause 3)."""
        before = provider.image.resolve(good_image)

        assert reopen().image.resolve(good_image) == before

    def test_an_unknown_image_is_not_found(
        self, provider: AnyProvider, bad_image: ImageQuery
    ) -> None:
        """An image that is nowhere is not-found, and the message names it (clause 8)."""
        with pytest.raises(ProviderNotFoundError, match=bad_image.image):
            provider.image.resolve(bad_image)

    def test_resolving_takes_two_requests_at_most(
        self, provider: AnyProvider, good_image: ImageQuery, start_limit_s: float
    ) -> None:
        """Runtimes are matched while a user waits, so that resolving is quick (clause 12)."""
        before = time.monotonic()

        provider.image.resolve(good_image)

        assert time.monotonic() - before < start_limit_s
