"""Reads YAML that strangers wrote: every scalar a text, no aliases, bounded size and depth.

Scalars stay texts because a version such as ``1.10`` must not become the number 1.1. Aliases are
refused because a few hundred bytes of them can unfold to gigabytes; generators of indexes and
charts' metadata do not use them.
"""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from pitrix_core.errors import PackageInvalidError
from pitrix_core.package.faults import invalid_file
from pitrix_core.package.json_records import Place

#: The largest public index known has 25 MB (bitnami, 2023).
_TEXT_LIMIT: Final = 64 * 1024 * 1024
_DEPTH_LIMIT: Final = 32
#: The parser of libyaml where PyYAML was built with it: ten times as fast.
_LOADER: Final[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def parse_yaml(text: str, *, file: str) -> Any:
    """Return what a YAML text says: mappings, lists and texts.

    :param file: for the finding.
    :raises PackageInvalidError: it is not YAML, holds an alias, or is beyond a limit; the finding
        names line and column where they are known.
    """
    if len(text) > _TEXT_LIMIT:
        raise _invalid(file, f"it has more than {_TEXT_LIMIT} characters")
    try:
        for reason, event in _faults(text):
            raise _invalid(file, reason, event.start_mark)
        return yaml.load(text, Loader=_LOADER)  # noqa: S506  a base loader makes texts only
    except yaml.MarkedYAMLError as ex:
        mark = ex.problem_mark or ex.context_mark
        raise _invalid(file, f"not YAML: {ex.problem}", mark) from ex
    except (yaml.YAMLError, ValueError) as ex:
        raise _invalid(file, f"not YAML: {str(ex).splitlines()[0]}") from ex


def _faults(text: str) -> Iterator[tuple[str, yaml.Event]]:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            yield "aliases are not allowed", event
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEPTH_LIMIT:
                yield f"nested deeper than {_DEPTH_LIMIT}", event
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _invalid(file: str, message: str, mark: Any = None) -> PackageInvalidError:
    place = Place(mark.line + 1, mark.column + 1) if mark else None
    return invalid_file(file, "package.yaml", message, place=place)
