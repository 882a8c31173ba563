"""Images of the fake cloud: names, and what is made of them."""

import hashlib
from contextlib import AbstractContextManager
from typing import Final, Protocol

from pitrix_core.contracts import ImageInterface
from pitrix_core.errors import ProviderNotFoundError, UnsupportedOperationError
from pitrix_core.model import ImageQuery, Operation
from pitrix_core.testing.fake_settings import FakeEffect, FakeSettings

#: Names of images that are not there.
_NO_IMAGE: Final = "no-such-"


class ImageAccount(Protocol):
    """What images need of their provider."""

    config: FakeSettings

    def call(self, operation: str) -> AbstractContextManager[FakeEffect | None]:
        """Stand around a request."""


class FakeImage(ImageInterface):
    """Images by name."""

    def __init__(self, account: ImageAccount) -> None:
        """Work for an account."""
        self._account = account

    def resolve(self, query: ImageQuery) -> str:
        """Make an id of the name."""
        with self._account.call("image.resolve"):
            return image_id(query, config=self._account.config, called="image.resolve")

    def poll(self, operation: Operation) -> Operation:
        """Answer for nothing: images start no operation."""
        raise ProviderNotFoundError(f"image.poll: there is no operation {operation.kind!r}")

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Answer nothing: images make nothing."""
        return ()


def image_id(query: ImageQuery, *, config: FakeSettings, called: str) -> str:
    """Return the id of an image; an empty name is the default image.

    :raises ProviderNotFoundError: it is not there.
    :raises UnsupportedOperationError: it is one of Docker's.
    """
    if query.container == "docker":
        raise UnsupportedOperationError(f"{called}: the fake cloud does not run Docker images yet")
    images = config.images
    name = query.image or config.default_image or (images[0] if images else "default")
    if name.startswith(_NO_IMAGE) or (images and name not in images):
        raise ProviderNotFoundError(f"{called}: the fake cloud has no image {name!r}")
    return "img-" + hashlib.sha256(name.encode()).hexdigest()[:8]
