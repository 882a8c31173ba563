"""Begins a package: a small and sound one, in any of the dialects, for an author to go on from.

Its files are in ``skeleton_files``. What differs between the dialects is the template, the name of
the network, and how yes and no are written.
"""

import importlib.resources
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from typing import Final

import attrs

from pitrix_core.errors import InvalidInputError
from pitrix_vm.template import APPCENTER, JINJA, OPENPITRIX

_FOLDER: Final = "skeleton_files"
_TEMPLATE: Final = "cluster.json."


@attrs.frozen(kw_only=True)
class _Dialect:
    """What is written in its own way."""

    template: str
    network: str = "subnet"
    network_type: str = "string"
    yes: str = "true"
    no: str = "false"


_DIALECTS: Final[Mapping[str, _Dialect]] = {
    JINJA: _Dialect(template="cluster.json.j2"),
    OPENPITRIX: _Dialect(template="cluster.json.tmpl"),
    APPCENTER: _Dialect(
        template="cluster.json.mustache",
        network="vxnet",
        network_type="vxnet",
        yes='"yes"',
        no='"no"',
    ),
}
#: The recommended one first.
SKELETON_DIALECTS: Final = tuple(_DIALECTS)


def skeleton_files(name: str, *, dialect: str = "") -> Mapping[str, bytes]:
    """Return the files of a new package.

    :param name: of the application: what a package may be called.
    :param dialect: by its name, or by the ending of its template; empty for the recommended one.
    :raises InvalidInputError: there is no such dialect.
    """
    found = _found(dialect or SKELETON_DIALECTS[0])
    if found is None:
        raise InvalidInputError(
            f"there is no dialect {dialect!r}", next_step=f"Take {' or '.join(SKELETON_DIALECTS)}."
        )
    folder = importlib.resources.files("pitrix_vm.authoring") / _FOLDER
    return {
        path: _written(text, name, found).encode()
        for path, text in sorted(_texts(folder))
        if not path.startswith(_TEMPLATE) or path == found.template
    }


def _found(name: str) -> _Dialect | None:
    endings = {each.template.removeprefix(_TEMPLATE): each for each in _DIALECTS.values()}
    return _DIALECTS.get(name) or endings.get(name)


def _texts(folder: Traversable, at: str = "") -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _texts(entry, f"{at}{entry.name}/")
        else:
            yield f"{at}{entry.name}", entry.read_text("utf-8")


def _written(text: str, name: str, dialect: _Dialect) -> str:
    words = {
        '"@yes@"': dialect.yes,
        '"@no@"': dialect.no,
        "@NAME@": name,
        "@template@": dialect.template,
        "@network@": dialect.network,
        "@network type@": dialect.network_type,
    }
    for word, meant in words.items():
        text = text.replace(word, meant)
    return text
