"""What an operator can set of a runtime of the provider ``local``."""

import enum
from pathlib import Path

import attrs

from pitrix_core.errors import InvalidInputError


class Isolation(enum.StrEnum):
    """How a machine's files are kept apart from the host's."""

    AUTO = "auto"  #: ``namespace`` where the host allows it, else ``prefix``
    NAMESPACE = "namespace"  #: a file system view and a process tree of its own
    PREFIX = "prefix"  #: nothing but a folder, named by ``PITRIX_ROOT``


def _says(description: str) -> dict[str, str]:
    """Describe a setting to operators; ``pitrix provider show local`` prints it."""
    return {"description": description}


@attrs.frozen(kw_only=True)
class LocalSettings:
    """Settings of a runtime whose machines are process trees on this host."""

    root: str = attrs.field(
        default="",
        metadata=_says("Absolute folder that everything is kept in; empty for the runtime's own."),
    )
    images: tuple[str, ...] = attrs.field(
        default=(),
        metadata=_says("Absolute folders of images; the first that has a folder NAME wins."),
    )
    default_image: str = attrs.field(
        default="",
        metadata=_says("Image of machines whose package names none; empty for the host's files."),
    )
    frontgate_nodes: int = attrs.field(
        default=1,
        validator=attrs.validators.in_((1, 3)),
        metadata=_says("Machines that a Frontgate is: 1, or 3, of which one may be lost."),
    )
    path: tuple[str, ...] = attrs.field(
        default=(), metadata=_says("Absolute folders put in front of the machines' PATH.")
    )
    isolation: Isolation = attrs.field(
        default=Isolation.AUTO,
        metadata=_says("How machines are kept apart; one keeps the mode it was made with."),
    )
    open_files: int = attrs.field(
        default=65536,
        validator=attrs.validators.ge(64),
        metadata=_says("Files that one process may have open; never more than the host allows."),
    )
    file_size_gib: int = attrs.field(
        default=0,
        validator=attrs.validators.ge(0),
        metadata=_says("Largest file that a process may write, in GiB; 0 for no limit."),
    )
    # Off, for programs written in Go and Java reserve far more than they use.
    limit_address_space: bool = attrs.field(
        default=False,
        metadata=_says("Limit each process's address space to the machine's memory."),
    )


def checked(settings: LocalSettings) -> LocalSettings:
    """Return the settings.

    :raises InvalidInputError: a folder is not absolute.
    """
    folders = [("root", settings.root)] if settings.root else []
    folders += [(f"images/{number}", folder) for number, folder in enumerate(settings.images)]
    folders += [(f"path/{number}", folder) for number, folder in enumerate(settings.path)]
    for place, folder in folders:
        if not Path(folder).is_absolute():
            raise InvalidInputError(
                f"settings: {folder!r} is not an absolute folder",
                pointer=f"/settings/{place}",
                next_step="Write the path from / on.",
            )
    return settings
