"""A folder's index and archives are read, and nothing outside of the folder."""

import os
from pathlib import Path

import pytest

from pitrix_core.catalog import sources
from pitrix_core.catalog.sources import FolderSource, open_source
from pitrix_core.errors import InvalidInputError, PackageArchiveError
from pitrix_core.package import IndexEntry


def entry(url: str) -> IndexEntry:
    """Return an entry whose archive is somewhere."""
    return IndexEntry(name="app", version="1.0.0", urls=(url,))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repo's folder beside a file that is none of its business."""
    (tmp_path / "secret.tgz").write_bytes(b"none of its business")
    made = tmp_path / "repo"
    made.mkdir()
    (made / "index.yaml").write_bytes(b"entries: {}")
    (made / "a b.tgz").write_bytes(b"an archive")
    return made


@pytest.mark.parametrize(
    "url", ["a b.tgz", "a%20b.tgz", "./a%20b.tgz", "x/../a%20b.tgz", "a b.tgz?query#part"]
)
def test_an_archive_is_read_by_its_address(folder: Path, url: str) -> None:
    """Relative to the index, with or without percent signs."""
    assert FolderSource(folder).read_package(entry(url)) == b"an archive"


def test_an_absolute_address_inside_of_the_folder_is_read(folder: Path) -> None:
    """An index may have been written with the folder's own URL."""
    url = (folder / "a b.tgz").as_uri()

    assert FolderSource(folder).read_package(entry(url)) == b"an archive"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("../secret.tgz", id="up"),
        pytest.param("x/../../secret.tgz", id="up-from-below"),
        pytest.param("%2e%2e/secret.tgz", id="up-in-percent"),
        pytest.param("..%2fsecret.tgz", id="slash-in-percent"),
        pytest.param("FOLDER/../secret.tgz", id="absolute"),
        pytest.param("file:///etc/passwd", id="absolute-url"),
        pytest.param("//host/a b.tgz", id="another-host"),
        pytest.param("file://host/FOLDER/a b.tgz", id="another-hosts-url"),
        pytest.param("http://127.0.0.1:1/a.tgz", id="the-web"),
        pytest.param("link.tgz", id="link"),
        pytest.param("linked/secret.tgz", id="below-a-link"),
    ],
)
def test_nothing_outside_of_the_folder_is_read(folder: Path, url: str) -> None:
    """However the way out is written."""
    (folder / "link.tgz").symlink_to(folder.parent / "secret.tgz")
    (folder / "linked").symlink_to(folder.parent)

    with pytest.raises(PackageArchiveError, match="not a path inside") as caught:
        FolderSource(folder).read_package(entry(url.replace("FOLDER", str(folder))))

    assert caught.value.next_step is not None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("gone.tgz", "No such file", id="gone"),
        pytest.param("http://[", "Invalid IPv6", id="no-url"),
        pytest.param("a%00b.tgz", "null", id="a-null-byte"),
        pytest.param("loop.tgz", "loop|levels of symbolic", id="a-loop-of-links"),
        pytest.param("x" * 300, "File name too long", id="too-long"),
        pytest.param("pipe.tgz", "not a file", id="a-pipe"),
        pytest.param(".", "not a file", id="a-folder"),
    ],
)
def test_what_cannot_be_read_is_a_clear_error(folder: Path, url: str, reason: str) -> None:
    """One entry's address must not stop, or hang, the others."""
    (folder / "loop.tgz").symlink_to(folder / "loop.tgz")
    os.mkfifo(folder / "pipe.tgz")

    with pytest.raises(PackageArchiveError, match=reason):
        FolderSource(folder).read_package(entry(url))


def test_too_large_an_archive_is_not_read_to_its_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is beyond the package reader's limit need not fill memory before."""
    monkeypatch.setattr(sources, "_ARCHIVE_LIMIT_BYTES", 9)

    with pytest.raises(PackageArchiveError, match="larger than 9 bytes"):
        FolderSource(folder).read_package(entry("a b.tgz"))


def test_too_large_an_index_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read whole before it is looked at."""
    monkeypatch.setattr(sources, "_INDEX_LIMIT_BYTES", 3)

    with pytest.raises(InvalidInputError, match="larger than 3 bytes"):
        FolderSource(folder).read_index()


def test_a_folder_without_an_index_is_refused_with_the_next_step(tmp_path: Path) -> None:
    """The command that makes one is named."""
    with pytest.raises(InvalidInputError, match="No such file") as caught:
        FolderSource(tmp_path).read_index()

    assert caught.value.pointer == "/url"
    assert "package build" in (caught.value.next_step or "")


def test_a_folders_url_is_opened(tmp_path: Path) -> None:
    """Percent signs are taken for what they stand for."""
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "index.yaml").write_bytes(b"x")

    assert open_source((tmp_path / "a b").as_uri()).read_index() == b"x"


@pytest.mark.parametrize(
    "url",
    ["http://example.org/", "s3://bucket", "/srv/repo", "", "file:", "file://host/x", "x://["],
)
def test_other_kinds_of_url_are_refused(url: str) -> None:
    """With what can be given instead."""
    with pytest.raises(InvalidInputError) as caught:
        open_source(url)

    assert caught.value.pointer == "/url"
    assert "file:///" in (caught.value.next_step or "")


def test_a_null_byte_in_a_folders_name_is_refused() -> None:
    """It is found when the index is read."""
    with pytest.raises(InvalidInputError, match="null"):
        open_source("file:///a%00b").read_index()
