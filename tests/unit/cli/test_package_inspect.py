"""``package inspect``: what a package is, at a glance."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Result
from shop_type import SCHEMA, files_of, write_package

pytestmark = pytest.mark.usefixtures("shops")

Type = Callable[..., Result]


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """A package in a folder."""
    return str(write_package(tmp_path / "shop", files_of(README_md="hello")))


def test_a_person_reads_the_essentials(shop: str, type_command: Type) -> None:
    """Name, version, type, files and what the type says of it are there; empty things are not."""
    result = type_command("package", "inspect", shop)

    assert result.code == 0
    for text in ("name         shop", "1.0.0", "app type     shop", "3 files", "documents  1"):
        assert text in result.out
    assert "owner" not in result.out


def test_lists_of_objects_are_tables(shop: str, type_command: Type) -> None:
    """Their columns stand below one another."""
    result = type_command("package", "inspect", shop)

    assert "goods\n  good   price\n  bread  3\n  salt   12\n" in result.out


def test_remarks_are_counted(shop: str, type_command: Type) -> None:
    """How many there are is said, with the command that shows them."""
    result = type_command("package", "inspect", shop)

    assert "1 warning" in result.out
    assert f"pitrix package lint {shop}" in result.out


def test_a_program_reads_all_of_it(shop: str, type_command: Type) -> None:
    """With --json sizes, outline and counts are members."""
    read = json.loads(type_command("package", "inspect", shop, "--json").out)

    assert read["app_type"] == "shop"
    assert read["files"]["README.md"] == 5
    assert read["outline"]["documents"] == 1
    assert read["findings"]["warning"] == 1


def test_the_digest_is_the_archives(shop: str, tmp_path: Path, type_command: Type) -> None:
    """A folder has the digest and the size of the archive that is built of it."""
    type_command("package", "build", shop, "-o", str(tmp_path / "repo"))
    archive = str(tmp_path / "repo" / "shop-1.0.0.tgz")

    of_folder = json.loads(type_command("package", "inspect", shop, "--json").out)
    of_archive = json.loads(type_command("package", "inspect", archive, "--json").out)

    assert of_folder == of_archive
    assert of_archive["size_bytes"] == Path(archive).stat().st_size


def test_the_schema_can_be_seen(shop: str, type_command: Type) -> None:
    """--schema prints what a configuration has to fulfil."""
    result = type_command("package", "inspect", shop, "--schema")

    assert json.loads(result.out) == SCHEMA


def test_what_nobody_recognises_is_an_error(tmp_path: Path, type_command: Type) -> None:
    """A folder of no app type is named as such."""
    folder = write_package(tmp_path / "x", {"package.json": b'{"name": "x", "version": "1.0.0"}'})

    result = type_command("package", "inspect", str(folder))

    assert result.code == 1
    assert "No installed app type" in result.err
