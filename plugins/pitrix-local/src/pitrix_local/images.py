"""The interface ``image``: folders laid over a machine's root."""

from pathlib import Path
from typing import Final

from pitrix_core.contracts import ImageInterface
from pitrix_core.errors import ProviderNotFoundError, UnsupportedOperationError
from pitrix_core.model import ImageQuery, Operation

#: Id of the empty image: a machine that has nothing but the host's programs. No folder can be
#: called so, for an image's name begins with a letter or digit.
HOST_IMAGE: Final = "@host"


#: What a package calls an image of Docker's.
_DOCKER: Final = "docker"


class LocalImages(ImageInterface):
    """Images: the sub folders of the folders in the setting ``images``; an image's id is its
    name. The default image is the setting ``default_image``, or nothing but the host's programs.
    """

    def __init__(self, folders: tuple[str, ...], *, default: str = "") -> None:
        """Keep the arguments; touches no file."""
        self._folders = tuple(Path(folder) for folder in folders)
        self._default = default or HOST_IMAGE

    def resolve(self, query: ImageQuery) -> str:
        """Return the image's name, if it is there."""
        self.folder_of(query, operation="image.resolve")
        return self.name_of(query)

    def name_of(self, query: ImageQuery) -> str:
        """Return an image's name, whether it is there or not."""
        return query.image or self._default

    def folder_of(self, query: ImageQuery, *, operation: str) -> Path | None:
        """Return an image's folder, or None for nothing but the host's programs.

        :param operation: what needs it; the error begins with it.
        :raises ProviderNotFoundError: there is no such image.
        :raises UnsupportedOperationError: it is one of Docker's.
        """
        if query.container == _DOCKER:
            raise UnsupportedOperationError(f"{operation}: local does not run Docker images yet")
        name = self.name_of(query)
        if name == HOST_IMAGE:
            return None
        if name[0].isalnum() and "/" not in name and "\0" not in name:
            for folder in self._folders:
                if (folder / name).is_dir():
                    return folder / name
        places = ", ".join(map(str, self._folders)) or "no folder: the setting `images` is empty"
        called = "image" if query.image else "default image"
        raise ProviderNotFoundError(
            f"{operation}: there is no {called} {name!r}; looked in {places}",
            next_step="Put a folder of that name there, or add its parent to the setting `images`.",
        )

    def poll(self, operation: Operation) -> Operation:
        """Return the operation: nothing here is ever started."""
        return operation

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Answer nothing: nothing here is ever made."""
        return ()
