"""The interface ``image``: what machines start from."""

import abc

from pitrix_core.contracts.interface import Interface
from pitrix_core.model import ImageQuery


class ImageInterface(Interface):
    """Images: resolve what a package names to what the cloud knows.

    It starts nothing yet: copying an image to where it is needed will be its first verb.
    """

    name = "image"

    @abc.abstractmethod
    def resolve(self, query: ImageQuery) -> str:
        """Return the cloud's id of an image; at most two requests.

        Called when runtimes are matched with a package, long before a machine is made.

        :raises ProviderNotFoundError: there is no such image here; the message says where it was
            looked for.
        """
