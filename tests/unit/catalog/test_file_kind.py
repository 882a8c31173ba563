"""A folder's index and archives are read, and nothing outside of the folder."""

import os
from pathlib import Path

import pytest

from pitrix_core.catalog.fetcher import HttpFetcher
from pitrix_core.catalog.reach import Reach
from pitrix_core.catalog.sources import file as file_kind
from pitrix_core.catalog.sources.file import FileKind
from pitrix_core.errors import InvalidInputError, RepoError, RepoNotFoundError
from pitrix_core.model import NoCredential, NoSettings


def opened(url: str) -> FileKind:
    """Return the repo at a URL."""
    return FileKind(
        url, settings=NoSettings(), credential=NoCredential(), fetcher=HttpFetcher(Reach())
    )


def read(folder: Path, address: str, *, limit_bytes: int = 100) -> bytes:
    """Read what an index names."""
    return opened(folder.as_uri()).read(address, limit_bytes=limit_bytes)


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
    assert read(folder, url) == b"an archive"


def test_an_absolute_address_inside_of_the_folder_is_read(folder: Path) -> None:
    """An index may have been written with the folder's own URL."""
    url = (folder / "a b.tgz").as_uri()

    assert read(folder, url) == b"an archive"


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

    with pytest.raises(RepoError, match="not a path inside") as caught:
        read(folder, url.replace("FOLDER", str(folder)))

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

    with pytest.raises(RepoError, match=reason):
        read(folder, url)


def test_what_is_not_there_is_told_from_what_cannot_be_read(folder: Path) -> None:
    """A signature need not be there."""
    with pytest.raises(RepoNotFoundError):
        read(folder, "a b.tgz.minisig")


def test_too_large_a_file_is_not_read_to_its_end(folder: Path) -> None:
    """What is beyond the limit need not fill memory before."""
    with pytest.raises(RepoError, match="larger than 9 bytes"):
        read(folder, "a b.tgz", limit_bytes=9)


def test_a_file_as_large_as_allowed_is_read(folder: Path) -> None:
    """The limit is the largest size that is taken."""
    assert read(folder, "a b.tgz", limit_bytes=10) == b"an archive"


def test_too_large_an_index_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not fill the disk."""
    monkeypatch.setattr(file_kind, "INDEX_LIMIT_BYTES", 3)

    with pytest.raises(RepoError, match="larger than 3 bytes"):
        opened(folder.as_uri()).read_index(None)


def test_an_index_that_has_not_changed_is_not_given(folder: Path) -> None:
    """Its tag is its digest, so that any change is seen."""
    repo = opened(folder.as_uri())
    first = repo.read_index(None)
    assert first is not None

    with first:
        assert repo.read_index(first.tag) is None
    (folder / "index.yaml").write_bytes(b"entries: []")
    second = repo.read_index(first.tag)
    assert second is not None
    with second:
        assert second.file.read() == b"entries: []"


def test_a_folder_without_an_index_is_refused_with_the_next_step(tmp_path: Path) -> None:
    """The command that makes one is named."""
    with pytest.raises(RepoNotFoundError, match="No such file") as caught:
        opened(tmp_path.as_uri()).read_index(None)

    assert "repo index" in (caught.value.next_step or "")


def test_percent_signs_in_a_folders_url_are_taken_for_what_they_stand_for(tmp_path: Path) -> None:
    """Names may hold spaces."""
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "index.yaml").write_bytes(b"x")

    found = opened((tmp_path / "a b").as_uri()).read_index(None)

    assert found is not None
    with found:
        assert found.file.read() == b"x"


@pytest.mark.parametrize("url", ["file:", "file://host/x"])
def test_urls_that_name_no_folder_of_this_machine_are_refused(url: str) -> None:
    """With what can be given instead."""
    with pytest.raises(InvalidInputError) as caught:
        opened(url)

    assert caught.value.pointer == "/url"
    assert "file:///" in (caught.value.next_step or "")


def test_a_null_byte_in_a_folders_name_is_refused() -> None:
    """It is found when the index is read."""
    with pytest.raises(RepoError, match="null"):
        opened("file:///a%00b").read_index(None)
