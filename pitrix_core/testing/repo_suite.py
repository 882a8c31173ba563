"""Tests that every kind of repo passes; an author overrides one fixture, or two."""

import abc
import contextlib
import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from pitrix_core.catalog.fetcher import HttpFetcher
from pitrix_core.catalog.reach import Reach
from pitrix_core.contracts.repo import Fetcher, Release, RepoKind
from pitrix_core.errors import (
    PackageDigestError,
    RepoError,
    RepoNotFoundError,
    UnsupportedOperationError,
)
from pitrix_core.findings import Finding
from pitrix_core.package import IndexEntry, digest_of
from pitrix_core.package.index import IndexReader
from pitrix_core.package.signature import SIGNATURE_SUFFIX

#: Opens the repo under test once more.
Open: TypeAlias = Callable[[], RepoKind]
#: Puts packages into it.
Fill: TypeAlias = Callable[[Release], None]

_LIMIT_BYTES = 1024 * 1024


class RepoKindSuite(abc.ABC):
    """The contract of :mod:`pitrix_core.contracts.repo`, one test for each promise.

    The repo is empty at first, and another one in each test. Whether it has an index then is its
    own business.
    """

    @pytest.fixture
    @abc.abstractmethod
    def opened(self) -> Any:
        """Return a function that opens the repo (:data:`Open`); override it."""

    @pytest.fixture
    def fill(self, opened: Open) -> Fill:
        """Return a function that puts a package into the repo; override it for one that is only
        read.
        """
        return lambda release: opened().push(release)

    def test_what_is_there_is_listed_and_read(self, opened: Open, fill: Fill) -> None:
        """With the digest of its bytes, where one is said (clause 61)."""
        release = release_of("1.0.0")
        fill(release)

        [entry] = entries_of(opened())

        assert (entry.name, entry.version) == ("demo", "1.0.0")
        assert entry.digest in ("", digest_of(release.archive))
        assert opened().read(entry.urls[0], limit_bytes=_LIMIT_BYTES) == release.archive

    def test_an_unchanged_index_is_not_given_again(self, opened: Open, fill: Fill) -> None:
        """To whoever says its tag (clause 61)."""
        fill(release_of("1.0.0"))
        found = opened().read_index(None)
        assert found is not None
        found.file.close()

        assert opened().read_index(found.tag) is None

    def test_a_changed_index_has_another_tag(self, opened: Open, fill: Fill) -> None:
        """And lists what was there, too (clause 61)."""
        fill(release_of("1.0.0"))
        before = opened().read_index(None)
        assert before is not None
        before.file.close()
        fill(release_of("2.0.0+build.1"))

        after = opened().read_index(before.tag)

        assert after is not None
        after.file.close()
        assert after.tag != before.tag
        assert {entry.version for entry in entries_of(opened())} == {"1.0.0", "2.0.0+build.1"}

    def test_a_tag_that_it_never_gave_changes_nothing(self, opened: Open, fill: Fill) -> None:
        """A repo may have been somewhere else before."""
        fill(release_of("1.0.0"))

        found = opened().read_index("etag:of somebody else")

        assert found is not None
        found.file.close()

    def test_what_is_not_there_is_told_from_what_cannot_be_read(
        self, opened: Open, fill: Fill
    ) -> None:
        """A signature need not be there (clause 65)."""
        fill(release_of("1.0.0"))
        [entry] = entries_of(opened())

        with pytest.raises(RepoNotFoundError):
            opened().read(entry.urls[0] + SIGNATURE_SUFFIX, limit_bytes=_LIMIT_BYTES)

    def test_a_signature_is_read_beside_its_archive(self, opened: Open, fill: Fill) -> None:
        """At the archive's address with its ending."""
        fill(release_of("1.0.0", signature=b"signed"))
        [entry] = entries_of(opened())

        address = entry.urls[0] + SIGNATURE_SUFFIX

        assert opened().read(address, limit_bytes=_LIMIT_BYTES) == b"signed"

    def test_no_more_than_allowed_is_read(self, opened: Open, fill: Fill) -> None:
        """An archive one byte larger is refused (clause 62)."""
        release = release_of("1.0.0")
        fill(release)
        [entry] = entries_of(opened())

        with pytest.raises(RepoError, match="larger"):
            opened().read(entry.urls[0], limit_bytes=len(release.archive) - 1)

    @pytest.mark.parametrize(
        "address",
        [
            "file:///etc/passwd",
            "gopher://localhost/",
            "http://169.254.169.254/latest/meta-data/",
            "../../../../../../etc/passwd",
            "%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "",
        ],
    )
    def test_an_address_that_leads_elsewhere_is_not_followed(
        self, opened: Open, fill: Fill, address: str
    ) -> None:
        """Indexes come from strangers (clause 64)."""
        fill(release_of("1.0.0"))

        with pytest.raises(RepoError):
            opened().read(address, limit_bytes=_LIMIT_BYTES)

    def test_a_released_version_never_changes(self, opened: Open) -> None:
        """Other bytes of it are refused, the same are taken for done (clause 66)."""
        release = release_of("1.0.0")
        _push_or_skip(opened(), release)
        opened().push(release)

        with pytest.raises(PackageDigestError):
            opened().push(release_of("1.0.0", words="others"))

        [entry] = entries_of(opened())
        assert opened().read(entry.urls[0], limit_bytes=_LIMIT_BYTES) == release.archive

    def test_a_file_that_is_no_package_is_refused(self, opened: Open) -> None:
        """Before anything is written."""
        _push_or_skip(opened(), release_of("1.0.0"))

        with pytest.raises(Exception, match=r"demo-2\.0\.0\.tgz"):
            opened().push(Release(file_name="demo-2.0.0.tgz", archive=b"no archive"))

        assert [entry.version for entry in entries_of(opened())] == ["1.0.0"]


@contextlib.contextmanager
def loopback_fetcher() -> Iterator[Fetcher]:
    """Give the core's fetcher, for storage that a test has started on this machine."""
    fetcher = HttpFetcher(Reach.parse("127.0.0.0/8"))
    try:
        yield fetcher
    finally:
        fetcher.close()


def release_of(version: str, *, signature: bytes | None = None, words: str = "") -> Release:
    """Return a small package."""
    about = {"name": "demo", "version": version, "description": words}
    content = json.dumps(about).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:") as archive:
        info = tarfile.TarInfo("demo/package.json")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))

    return Release(
        file_name=f"demo-{version}.tgz",
        archive=gzip.compress(packed.getvalue(), mtime=0),
        signature=signature,
    )


def entries_of(kind: RepoKind) -> list[IndexEntry]:
    """Return what a repo lists; there is nothing wrong with it."""
    found = kind.read_index(None)
    assert found is not None
    with found:
        items = list(IndexReader(found.file))
    assert [item for item in items if isinstance(item, Finding)] == []
    return [item for item in items if isinstance(item, IndexEntry)]


def _push_or_skip(kind: RepoKind, release: Release) -> None:
    try:
        kind.push(release)
    except UnsupportedOperationError:
        pytest.skip("this kind is only read")
