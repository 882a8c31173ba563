"""Reading archives: what is accepted, and what is refused with the member and the limit named."""

import gzip
import stat
import tarfile
import zipfile
from collections.abc import Callable, Mapping

import archives
import pytest

from pitrix_core.errors import PackageArchiveError
from pitrix_core.package import Limits, read_archive

FILES = {"app/package.json": b'{"name": "app"}', "app/locale/en.json": b"{}"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(archives.tgz(FILES), id="tgz"),
        pytest.param(archives.zipped(FILES), id="zip"),
        pytest.param(archives.tgz({f"./{k}": v for k, v in FILES.items()}), id="tgz-with-dots"),
        pytest.param(archives.tgz({k[4:]: v for k, v in FILES.items()}), id="without-top-folder"),
        pytest.param(archives.zipped({**FILES, "__MACOSX/app/._x": b""}), id="from-a-desktop"),
        pytest.param(archives.tgz(FILES) + b"\0" * 512, id="padded"),
        pytest.param(
            archives.tgz(FILES, extra=[archives.tar_member("app/empty", tarfile.DIRTYPE)]),
            id="tgz-with-folder",
        ),
        pytest.param(archives.zipped({**FILES, "app/": b"", "empty/": b""}), id="zip-with-folder"),
        pytest.param(archives.zipped(FILES, mode=0o104755), id="setuid-ignored"),
    ],
)
def test_an_archive_is_read_without_its_top_folder(content: bytes) -> None:
    """Whatever the format, paths begin inside the one top folder."""
    package = read_archive(content)

    assert package.index.files == {"locale/en.json": 2, "package.json": 15}
    assert package.read_json("package.json") == {"name": "app"}
    assert package.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "neither", id="nothing"),
        pytest.param(b"not an archive", "neither", id="text"),
        pytest.param(archives.tar(FILES), "neither", id="plain-tar"),
        pytest.param(archives.tgz(FILES)[:-20], "truncated", id="truncated-tgz"),
        pytest.param(archives.tgz(FILES)[:40], "truncated", id="truncated-early"),
        pytest.param(archives.zipped(FILES)[:-20], "damaged", id="truncated-zip"),
        pytest.param(gzip.compress(archives.tar(FILES)[:700]), "damaged|ends", id="cut-tar"),
        pytest.param(gzip.compress(b"x" * 2048), "damaged", id="gzip-of-no-tar"),
        pytest.param(archives.tgz({}), "no file", id="empty-tgz"),
        pytest.param(archives.zipped({}), "no file", id="empty-zip"),
        pytest.param(archives.tgz({"/etc/passwd": b""}), "absolute", id="absolute"),
        pytest.param(archives.zipped({"/etc/passwd": b""}), "absolute", id="absolute-zip"),
        pytest.param(archives.tgz({"a/../../b": b""}), "upwards", id="upwards"),
        pytest.param(archives.zipped({"../b": b""}), "upwards", id="upwards-zip"),
        pytest.param(archives.tgz({"a\\b": b""}), "Windows", id="backslash"),
        pytest.param(archives.tgz({"C:/b": b""}), "Windows", id="drive"),
        pytest.param(archives.tgz({"a\nb": b""}), "control character", id="newline"),
        pytest.param(archives.tgz({"a": b"", "b": b"", "A": b""}), "'a' already", id="case"),
        pytest.param(archives.tgz({"a": b"", "a/b": b""}), "'a' is a file", id="file-and-folder"),
        pytest.param(archives.tgz({"a/b": b"", "a": b""}), "'a' already", id="folder-and-file"),
        pytest.param(archives.tgz({"a\udcff": b""}), "UTF-8", id="latin-1"),
        pytest.param(archives.tgz({"/".join("a" * 40): b""}), "deeper than 32", id="deep"),
        pytest.param(archives.tgz({"a" * 256: b""}), "255 bytes", id="long-name"),
        pytest.param(archives.zipped({"a": b""}, mode=stat.S_IFLNK), "links", id="link-in-zip"),
        pytest.param(archives.zipped({"a": b""}, mode=stat.S_IFIFO), "plain", id="fifo-in-zip"),
        pytest.param(archives.zipped(FILES, method=zipfile.ZIP_BZIP2), "deflate", id="bzip2"),
    ],
)
def test_a_bad_archive_is_refused(content: bytes, reason: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(PackageArchiveError, match=reason):
        read_archive(content)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(tarfile.SYMTYPE, id="symbolic-link"),
        pytest.param(tarfile.LNKTYPE, id="hard-link"),
        pytest.param(tarfile.CHRTYPE, id="device"),
        pytest.param(tarfile.FIFOTYPE, id="fifo"),
        pytest.param(b"Z", id="unknown"),
    ],
)
def test_only_files_and_folders_are_taken_from_a_tar(kind: bytes) -> None:
    """Links and devices are refused by name, even where they lead nowhere."""
    content = archives.tgz(FILES, extra=[archives.tar_member("app/x", kind, link="package.json")])

    with pytest.raises(PackageArchiveError, match="app/x"):
        read_archive(content)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param(Limits(archive_bytes=10), "10 are allowed", id="archive"),
        pytest.param(Limits(file_bytes=10), "package.json.*10 are allowed", id="file"),
        pytest.param(Limits(total_bytes=16), "16 bytes", id="total"),
        pytest.param(Limits(files=1), "more than 1 files", id="files"),
        pytest.param(Limits(path_bytes=8), "longer than 8 bytes", id="path"),
    ],
)
@pytest.mark.parametrize(
    "content",
    [pytest.param(archives.tgz(FILES), id="tgz"), pytest.param(archives.zipped(FILES), id="zip")],
)
def test_limits_are_kept(content: bytes, limits: Limits, reason: str) -> None:
    """Each limit is named by the refusal."""
    with pytest.raises(PackageArchiveError, match=reason):
        read_archive(content, limits=limits)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(gzip.compress(b"\0" * 40_000_000), id="gzip"),
        pytest.param(archives.zipped({f"a{i}": b"\0" * 4_000_000 for i in range(5)}), id="zip"),
    ],
)
def test_a_compression_bomb_is_refused(content: bytes) -> None:
    """Unpacking stops at the ratio allowed, long before the total."""
    limits = Limits(ratio_free_bytes=1_000_000, files=10)

    with pytest.raises(PackageArchiveError, match="unpacks to more than"):
        read_archive(content, limits=limits)


def test_an_encrypted_member_is_refused() -> None:
    """Nobody could give the password."""
    content = bytearray(archives.zipped({"a": b"x"}))
    content[6] |= 1  # in the member's own header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and in the directory

    with pytest.raises(PackageArchiveError, match="'a': it is encrypted"):
        read_archive(bytes(content))


def test_a_name_in_another_encoding_is_refused() -> None:
    """A name that is not UTF-8 would be another one on every machine."""
    content = archives.zipped({"abc": b"x"}).replace(b"abc", b"\xb0\xa1c")

    with pytest.raises(PackageArchiveError, match="not UTF-8"):
        read_archive(content)


@pytest.mark.parametrize("pack", [archives.tgz, archives.zipped])
def test_folders_are_counted_too(pack: Callable[[Mapping[str, bytes]], bytes]) -> None:
    """Members without end are refused before there are too many files."""
    content = pack({f"f{number}": b"" for number in range(5)})

    with pytest.raises(PackageArchiveError, match="more than"):
        read_archive(content, limits=Limits(files=2))


def test_a_zip_that_lies_about_a_size_is_refused() -> None:
    """The size that counts is the one unpacked."""
    content = archives.zipped({"a": b"x" * 1000})
    lying = content.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))

    with pytest.raises(PackageArchiveError, match="damaged"):
        read_archive(lying)


def test_a_damaged_header_is_not_taken_for_the_end() -> None:
    """Files after a damaged header do not vanish silently."""
    plain = bytearray(archives.tar(FILES))
    plain[1024] ^= 0xFF

    with pytest.raises(PackageArchiveError, match="no header"):
        read_archive(gzip.compress(bytes(plain)))
