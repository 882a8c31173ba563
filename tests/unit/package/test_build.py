"""Building archives from folders."""

import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from pitrix_core.errors import PackageArchiveError, PackageInvalidError
from pitrix_core.package import build_archive, read_archive, read_folder
from pitrix_core.package.pack import ArchiveFormat


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package's folder, with things in it that do not belong there."""
    for name, text in {
        "package.json": '{"name": "app", "version": "1.2.3"}',
        "locale/en.json": "{}",
        ".git/HEAD": "x",
        "a.swp": "x",
        "__pycache__/x.pyc": "x",
    }.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "source"


def test_a_folder_becomes_an_archive_of_its_name(folder: Path) -> None:
    """The archive reads back as what the folder holds, without what is ignored."""
    built = build_archive(folder)

    assert built.file_name == "app-1.2.3.tgz"
    assert read_archive(built.content).index.files == {"locale/en.json": 2, "package.json": 35}
    assert read_archive(built.content).digest == built.digest


def test_a_zip_holds_the_same(folder: Path) -> None:
    """The format is the vendor's choice; its name says which."""
    built = build_archive(folder, archive_format="zip")

    assert built.file_name == "app-1.2.3.zip"
    assert read_archive(built.content).files == read_archive(build_archive(folder).content).files


@pytest.mark.parametrize("archive_format", ["tgz", "zip"])
def test_the_same_files_give_the_same_bytes(
    folder: Path, tmp_path: Path, archive_format: ArchiveFormat
) -> None:
    """Times, modes, the order they were made in, and where they lie do not matter."""
    before = build_archive(folder, archive_format=archive_format)
    other = tmp_path / "other"
    (other / "locale").mkdir(parents=True)
    for name in ("locale/en.json", "package.json"):
        (other / name).write_bytes((folder / name).read_bytes())
    os.utime(other / "package.json", (1, 1))
    (other / "locale/en.json").chmod(0o700)

    after = build_archive(other, archive_format=archive_format)

    assert (after.content, after.digest) == (before.content, before.digest)


@pytest.mark.parametrize(
    ("archive_format", "reader", "name"),
    [
        pytest.param("tgz", "import sys, tarfile; t = tarfile.open(sys.argv[1])", "t.getnames()"),
        pytest.param(
            "zip", "import sys, zipfile; t = zipfile.ZipFile(sys.argv[1])", "t.namelist()"
        ),
    ],
    ids=["tgz", "zip"],
)
def test_other_tools_read_it(
    folder: Path, tmp_path: Path, archive_format: ArchiveFormat, reader: str, name: str
) -> None:
    """One top folder of the package's name, long names and others than ASCII in it."""
    long = "locale/" + "\u00e9" * 80 + ".json"
    (folder / long).write_text("{}")
    built = build_archive(folder, archive_format=archive_format)
    archive = tmp_path / built.file_name
    archive.write_bytes(built.content)

    done = subprocess.run(
        [sys.executable, "-c", f"{reader}; print(ascii({name}))", archive],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == ascii(["app/locale/en.json", f"app/{long}", "app/package.json"])
    assert read_archive(built.content).index.has(long)


#: What the folder above is packed to, on every platform and Python with zlib itself.
PACKED = {
    "tgz": "e6d175099d64555713eeef56255265c60eabf40472b4439b991b4fdd272812ac",
    "zip": "bf6be7efdc15020f9e59968a992ff99e9fdfd7e71fe259cfc3d195d6ffd88155",
}


@pytest.mark.parametrize("archive_format", ["tgz", "zip"])
def test_the_digest_is_the_same_everywhere(folder: Path, archive_format: ArchiveFormat) -> None:
    """Vendors who build one source on two machines release one package."""
    if "ng" in zlib.ZLIB_RUNTIME_VERSION:
        pytest.skip("run with a Python on plain zlib, such as python:3.11: zlib-ng packs otherwise")

    built = build_archive(folder, archive_format=archive_format)

    assert built.digest == f"sha256:{PACKED[archive_format]}"


def test_no_machine_is_named_in_a_header(folder: Path) -> None:
    """The byte for the operating system says "unknown", and no time and no name follow."""
    assert build_archive(folder).content[:10] == bytes.fromhex("1f8b08000000000002ff")


def test_a_given_name_and_version_are_written_into_the_archive(folder: Path) -> None:
    """A package without metadata gets them."""
    (folder / "package.json").unlink()

    built = build_archive(folder, name="other", version="0.1.0")

    assert built.file_name == "other-0.1.0.tgz"
    assert read_archive(built.content).read_json("package.json") == {
        "api_version": "v1",
        "name": "other",
        "version": "0.1.0",
    }


def test_a_given_version_replaces_the_packages_own(folder: Path) -> None:
    """The rest of the metadata is kept, and the folder is not changed."""
    built = build_archive(folder, version="2.0.0")

    assert (built.info.name, built.info.version) == ("app", "2.0.0")
    assert "1.2.3" in (folder / "package.json").read_text()


def test_without_a_name_the_next_step_is_said(folder: Path) -> None:
    """The refusal names the command that helps."""
    (folder / "package.json").unlink()

    with pytest.raises(PackageInvalidError, match="unknown") as caught:
        build_archive(folder)

    assert "--name" in (caught.value.next_step or "")


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        pytest.param('{"name": "a/b", "version": "1.0.0"}', "/name", id="name"),
        pytest.param('{"name": "app", "version": "one"}', "/version", id="version"),
    ],
)
def test_bad_metadata_are_refused(folder: Path, text: str, pointer: str) -> None:
    """The finding points at the member."""
    (folder / "package.json").write_text(text)

    with pytest.raises(PackageInvalidError) as caught:
        build_archive(folder)

    assert [finding.pointer for finding in caught.value.findings] == [pointer]


def test_a_chart_keeps_its_own_name(folder: Path) -> None:
    """A name given for a Helm chart is refused, since the chart says it itself."""
    (folder / "package.json").unlink()
    (folder / "Chart.yaml").write_text("name: app\nversion: 1.10.0\n")

    with pytest.raises(PackageInvalidError, match="itself"):
        build_archive(folder, name="other")

    assert build_archive(folder).file_name == "app-1.10.0.tgz"


def test_links_are_refused(folder: Path) -> None:
    """A link is refused even where it leads into the folder itself."""
    (folder / "link").symlink_to("package.json")

    with pytest.raises(PackageArchiveError, match="'link': links are not allowed"):
        build_archive(folder)


def test_a_fifo_is_refused(folder: Path) -> None:
    """What would block for ever is not opened."""
    os.mkfifo(folder / "pipe")

    with pytest.raises(PackageArchiveError, match="'pipe': only plain files"):
        build_archive(folder)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """A folder that is not there is an error of ours."""
    with pytest.raises(PackageArchiveError, match="no such folder"):
        build_archive(tmp_path / "nowhere")


def test_a_folder_reads_like_its_archive(folder: Path) -> None:
    """A folder with one subfolder only keeps that subfolder."""
    (folder / "package.json").unlink()

    assert read_folder(folder).index.files == {"locale/en.json": 2}
