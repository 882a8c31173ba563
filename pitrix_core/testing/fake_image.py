"""Images of the fake cloud: names, and what is made of them."""

import hashlib
from contextlib import AbstractContextManager
from typing import Final, Protocol

from pitrix_core.contracts import ImageInterface
from pitrix_core.errors import ProviderNotFoundError
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
            return image_id(query, images=self._account.config.images, called="image.resolve")

    def poll(self, operation: Operation) -> Operation:
        """Answer for nothing: images start no operation."""
        raise ProviderNotFoundError(f"image.poll: there is no operation {operation.kind!r}")

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Answer nothing: images make nothing."""
        return ()


def image_id(query: ImageQuery, *, images: tuple[str, ...], called: str) -> str:
    """Return the id of an image; an empty name is the default image.

    :param images: what is there; when empty, anything not named like ``no-such-…``.
    :raises ProviderNotFoundError: it is not there.
    """
    name = query.image or (images[0] if images else "default")
    if name.startswith(_NO_IMAGE) or (images and name not in images):
        raise ProviderNotFoundError(f"{called}: the fake cloud has no image {name!r}")
    return "img-" + hashlib.sha256(name.encode()).hexdigest()[:8]
