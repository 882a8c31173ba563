"""The interface ``image``: what machines start from."""

import abc

from pitrix_core.contracts.interface import Interface
from pitrix_core.model import ImageQuery


class ImageInterface(Interface):
    """Images: resolve what a package names to what the cloud knows.

    The empty name is the runtime's *default image*: what a machine starts from of which the package
    says nothing else. By convention, an operator names it in the provider's setting
    ``default_image``; where that is empty, the provider says in its description which one it
    takes.

    The container ``docker`` asks for a Docker image to be run inside a machine, which itself starts
    from the default image; that image has to have docker or podman. A provider that cannot have
    this done refuses the query. By convention, an operator names a mirror of Docker's registry in
    the provider's setting ``image_mirror``, a URL.

    It starts nothing yet: copying an image to where it is needed will be its first verb.
    """

    name = "image"

    @abc.abstractmethod
    def resolve(self, query: ImageQuery) -> str:
        """Return the cloud's id of an image; at most two requests.

        Called when runtimes are matched with a package, long before a machine is made. The same
        query may be put to ``compute.create`` as ``InstanceSpec.image``, which refuses what is
        refused here.

        :param query: a plain one: the core has chosen among the images of a package that names one
            for each cloud.
        :returns: never empty.
        :raises ProviderNotFoundError: there is no such image here; the message says where it was
            looked for.
        :raises UnsupportedOperationError: machines here cannot run what the query's container asks
            for, such as a Docker image.
        """
