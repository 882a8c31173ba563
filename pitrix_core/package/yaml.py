"""Reads YAML that strangers wrote: every scalar a text, no aliases, bounded size and depth.

Scalars stay texts because a version such as ``1.10`` must not become the number 1.1. Aliases are
refused because a few hundred bytes of them can unfold to gigabytes; generators of indexes and
charts' metadata do not use them.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import yaml

from pitrix_core.package.faults import invalid_file
from pitrix_core.package.places import Place

#: The parser of libyaml where PyYAML was built with it: ten times as fast.
LOADER: Final[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
#: The largest public index known has 25 MB (bitnami, 2023).
_TEXT_LIMIT: Final = 64 * 1024 * 1024
DEPTH_LIMIT: Final = 32
NO_ALIASES: Final = "aliases are not allowed"


class YamlFaultError(Exception):
    """Something that YAML can say and we do not take; becomes an error with its place."""

    def __init__(self, reason: str, at: yaml.Node | yaml.Event | None) -> None:
        """Keep what is wrong, and with what; None where nothing was read before."""
        super().__init__(reason)
        self.reason = reason
        self.place = place_of_mark(at.start_mark) if at else None


def parse_yaml(text: str, *, file: str) -> Any:
    """Return what a YAML text says: mappings, lists and texts.

    :param file: for the finding.
    :raises PackageInvalidError: it is not YAML, holds an alias, or is beyond a limit; the finding
        names line and column where they are known.
    """
    with bounded(text, file=file, limit=_TEXT_LIMIT):
        return yaml.load(text, Loader=LOADER)  # noqa: S506  a base loader makes texts only


@contextlib.contextmanager
def bounded(text: str, *, file: str, limit: int) -> Iterator[None]:
    """Let a text be read inside the block that is within bounds, and translate what goes wrong.

    :param file: for the finding.
    :param limit: of its length, in characters.
    :raises PackageInvalidError: it is not YAML, holds an alias, or is beyond a limit; the finding
        names line and column where they are known.
    """
    if len(text) > limit:
        raise invalid_file(file, "package.yaml", f"it has more than {limit} characters")
    with translated(file):
        _check_events(text)
        yield


@contextlib.contextmanager
def translated(file: str) -> Iterator[None]:
    """Raise what goes wrong with YAML inside the block as our own error.

    :param file: for the finding.
    :raises PackageInvalidError: it is not YAML, or holds what we do not take; the finding names
        line and column where they are known.
    """
    try:
        yield
    except YamlFaultError as ex:
        raise invalid_file(file, "package.yaml", ex.reason, place=ex.place) from ex
    except yaml.MarkedYAMLError as ex:
        place = place_of_mark(ex.problem_mark or ex.context_mark)
        raise invalid_file(file, "package.yaml", f"not YAML: {ex.problem}", place=place) from ex
    except (yaml.YAMLError, ValueError) as ex:
        message = f"not YAML: {str(ex).splitlines()[0]}"
        raise invalid_file(file, "package.yaml", message) from ex


def place_of_mark(mark: Any) -> Place | None:
    """Return a place as the parser marks it, which counts from 0."""
    return Place(mark.line + 1, mark.column + 1) if mark else None


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise YamlFaultError(NO_ALIASES, event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_LIMIT:
                raise YamlFaultError(f"nested deeper than {DEPTH_LIMIT}", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
