"""A package in memory, after its archive was checked; what app types read from."""

import codecs
import hashlib
from collections.abc import Mapping

import attrs

from pitrix_core.errors import PackageDigestError
from pitrix_core.model import JsonValue, PackageIndex
from pitrix_core.package.faults import invalid_file
from pitrix_core.package.json import parse_json
from pitrix_core.package.places import place_at


def digest_of(content: bytes) -> str:
    """Return a package's identity: ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def check_digest(content: bytes, promised: str, *, by: str, next_step: str) -> str:
    """Return a package's digest, once it is the one that was promised.

    :param promised: empty where nothing was.
    :param by: who promised it, to begin the message with.
    :raises PackageDigestError: it is another one; the message names both.
    """
    found = digest_of(content)
    if promised and promised != found:
        raise PackageDigestError(
            f"{by} promises {promised}, and the archive has {found}.", next_step=next_step
        )
    return found


@attrs.frozen(kw_only=True)
class Package:
    """Implements :class:`pitrix_core.contracts.reader.PackageReader`."""

    digest: str
    #: Path inside the package, the one top folder taken off → content.
    files: Mapping[str, bytes] = attrs.field(repr=False)

    @property
    def index(self) -> PackageIndex:
        """What files there are."""
        return PackageIndex(files={path: len(self.files[path]) for path in sorted(self.files)})

    def read_bytes(self, path: str) -> bytes:
        """Return a file's content.

        :raises PackageInvalidError: there is no such file.
        """
        try:
            return self.files[path]
        except KeyError as ex:
            raise invalid_file(path, "package.missing_file", "there is no such file") from ex

    def read_text(self, path: str) -> str:
        """Return a file's text, without a byte order mark.

        :raises PackageInvalidError: there is no such file, or it is not UTF-8.
        """
        content = self.read_bytes(path).removeprefix(codecs.BOM_UTF8)
        try:
            return content.decode()
        except UnicodeDecodeError as ex:
            sound = content[: ex.start].decode()
            place = place_at(sound, len(sound))
            raise invalid_file(path, "package.encoding", "this is not UTF-8", place=place) from ex

    def read_json(self, path: str) -> JsonValue:
        """Return what a JSON file holds; of members with one name the last counts.

        :raises PackageInvalidError: it is not there, or not JSON; the finding names line and
            column.
        """
        return parse_json(self.read_text(path), file=path)
