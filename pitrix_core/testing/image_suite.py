"""Conformance suite of the interface ``image``; see ``suite_fixtures`` for how to use it."""

import time

import pytest

from pitrix_core.errors import ProviderNotFoundError, UnsupportedOperationError
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

    @pytest.fixture
    def docker_image(self) -> ImageQuery:
        """Return an image of Docker's, which is there where such images can be run."""
        return ImageQuery(image="docker.io/library/hello-world", container="docker")

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

    def test_the_default_image_is_there_or_can_be_named(self, provider: AnyProvider) -> None:
        """A query without a name is answered by the runtime's default image; where an operator has
        to name one first, the refusal says how (clause 8).
        """
        try:
            answer: str | None = provider.image.resolve(ImageQuery(image=""))
        except ProviderNotFoundError as ex:
            answer = ex.next_step

        assert answer

    def test_a_docker_image_is_found_or_refused_by_name(
        self, provider: AnyProvider, docker_image: ImageQuery
    ) -> None:
        """Machines that cannot run Docker images have this said when runtimes are matched, and not
        taken for an image that is missing (clause 8).
        """
        try:
            answer = provider.image.resolve(docker_image)
        except UnsupportedOperationError as ex:
            answer = ex.message
            assert "Docker" in answer

        assert answer

    def test_resolving_takes_two_requests_at_most(
        self, provider: AnyProvider, good_image: ImageQuery, start_limit_s: float
    ) -> None:
        """Runtimes are matched while a user waits, so that resolving is quick (clause 12)."""
        before = time.monotonic()

        provider.image.resolve(good_image)

        assert time.monotonic() - before < start_limit_s
