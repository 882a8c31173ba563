"""``package render``: documents for a configuration, without a server."""

import json
import tarfile
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
    return str(write_package(tmp_path / "shop", files_of()))


def test_a_folder_is_rendered_with_its_defaults(shop: str, type_command: Type) -> None:
    """One document is printed as it is, its members in the order of the template."""
    result = type_command("package", "render", shop)

    assert (result.code, result.err) == (0, "")
    assert list(json.loads(result.out)) == ["shelves", "secret", "till"]
    assert json.loads(result.out)["shelves"] == 2


def test_values_come_from_the_file_and_the_command_line(
    shop: str, tmp_path: Path, type_command: Type
) -> None:
    """A setting is over the file, and finds names with dots."""
    values = tmp_path / "values.yaml"
    values.write_text("size: 4\ntill: {port.no: 81}\n")

    result = type_command(
        "package", "render", shop, "--values", str(values), "--set", "till.port.no=82"
    )

    assert json.loads(result.out)["shelves"] == 4
    assert json.loads(result.out)["till"] == {"port": 82}


def test_an_archive_is_rendered(shop: str, tmp_path: Path, type_command: Type) -> None:
    """A built package gives what its folder gives."""
    type_command("package", "build", shop, "-o", str(tmp_path / "repo"))

    result = type_command("package", "render", str(tmp_path / "repo" / "shop-1.0.0.tgz"))

    assert result == type_command("package", "render", shop)


def test_every_violation_is_reported_at_once(shop: str, type_command: Type) -> None:
    """What is wrong with the values is said with pointers, and nothing is printed."""
    result = type_command("package", "render", shop, "--set", "size=0", "--set", "colour=red")

    assert (result.code, result.out) == (1, "")
    assert "/config/size" in result.err
    assert "colour" in result.err


def test_a_violation_names_a_command_that_works_here(shop: str, type_command: Type) -> None:
    """The next step is one without a server."""
    result = type_command("package", "render", shop, "--set", "size=0")

    assert "pitrix package inspect" in result.err


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--set", "password=correct-horse"], id="given"),
        pytest.param([], id="made-up"),
    ],
)
def test_a_secret_is_not_printed(shop: str, words: list[str], type_command: Type) -> None:
    """Stars stand for a secret, whether somebody gave it or not."""
    result = type_command("package", "render", shop, *words)

    assert json.loads(result.out)["secret"] == "***"
    assert "correct-horse" not in result.out + result.err


def test_a_secret_is_printed_on_demand(shop: str, type_command: Type) -> None:
    """Whoever says so sees what a machine would see."""
    result = type_command(
        "package", "render", shop, "--set", "password=correct-horse", "--show-secrets"
    )

    assert json.loads(result.out)["secret"] == "correct-horse"


def test_a_secret_that_violates_the_schema_is_refused_unquoted(
    shop: str, type_command: Type
) -> None:
    """A password that is too short is named, not shown."""
    result = type_command("package", "render", shop, "--set", "password=horse")

    assert result.code == 1
    assert "/config/password" in result.err
    assert "horse" not in result.err


def test_findings_of_the_documents_fail_it(shop: str, type_command: Type) -> None:
    """What cannot become a cluster is printed all the same, with what is wrong with it."""
    result = type_command("package", "render", shop, "--set", "size=9")

    assert result.code == 1
    assert json.loads(result.out)["shelves"] == 9
    assert "/shelves: too large" in result.err


def test_a_program_reads_documents_and_findings(shop: str, type_command: Type) -> None:
    """With --json both are in one object, with the pointers of secrets that were made up."""
    result = type_command("package", "render", shop, "--set", "size=9", "--json")

    read = json.loads(result.out)
    assert read["documents"]["shop"]["shelves"] == 9
    assert [found["code"] for found in read["findings"]] == ["shop.large"]
    assert read["placeholders"] == ["/password"]


def test_several_documents_are_told_apart(tmp_path: Path, type_command: Type) -> None:
    """Each has its name above it."""
    folder = write_package(tmp_path / "two", files_of(documents={"a": {}, "b": {}}))

    result = type_command("package", "render", str(folder))

    assert result.out == "# a\n{}\n# b\n{}\n"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param((), id="none"),
        pytest.param(("--name", "bare"), id="half"),
        pytest.param(("--name", "bare", "--version", "0.1.0"), id="given"),
    ],
)
@pytest.mark.parametrize("verb", ["render", "inspect"])
def test_a_package_without_metadata_can_be_looked_at(
    tmp_path: Path, type_command: Type, verb: str, names: tuple[str, ...]
) -> None:
    """What it is called matters only once it is built: AppCenter's packages do not say it."""
    folder = str(write_package(tmp_path / "bare", files_of(about=None)))

    result = type_command("package", verb, folder, *names)

    assert result.code == 0, result.err


def test_a_package_without_metadata_is_not_built(tmp_path: Path, type_command: Type) -> None:
    """Its archive would have no name."""
    folder = str(write_package(tmp_path / "bare", files_of(about=None)))

    result = type_command("package", "build", folder)

    assert result.code == 1
    assert "--name" in result.err


def test_a_package_without_metadata_is_fine_otherwise(tmp_path: Path, type_command: Type) -> None:
    """What building it will ask for is a warning."""
    folder = str(write_package(tmp_path / "bare", files_of(about=None)))

    result = type_command("package", "lint", folder, "--json")

    findings = json.loads(result.out)["findings"]
    levels = {found["code"]: found["level"] for found in findings}
    assert (result.code, levels["package.unnamed"]) == (0, "warning")


def test_an_archive_without_metadata_is_rendered_under_a_given_name(
    tmp_path: Path, type_command: Type
) -> None:
    """--name and --version supply what an archive does not say."""
    folder = write_package(tmp_path / "bare", files_of(about=None))
    archive = tmp_path / "bare.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, "bare")

    result = type_command("package", "render", str(archive), "--name", "b", "--version", "1.0.0")

    assert result.code == 0


def test_a_template_that_fails_is_an_error(tmp_path: Path, type_command: Type) -> None:
    """What the app type says about its template is what is printed."""
    folder = write_package(tmp_path / "bad", files_of(documents={"a": {"x": "$nothing"}}))

    result = type_command("package", "render", str(folder))

    assert result.code == 1
    assert "there is no parameter $nothing" in result.err


def test_a_hidden_secret_is_left_out(tmp_path: Path, type_command: Type) -> None:
    """A password that another parameter hides is not made up."""
    is_hidden = {
        "if": {"properties": {"size": {"const": 2}}, "required": ["size"]},
        "then": {"properties": {"password": {"const": ""}}},
        "else": {"required": ["password"]},
    }
    schema = {**SCHEMA, "required": [], "allOf": [is_hidden]}
    documents = {"shop": {"shelves": "$size"}}
    folder = write_package(tmp_path / "s", files_of(schema=schema, documents=documents))

    result = type_command("package", "render", str(folder))

    assert (result.code, result.err) == (0, "")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, type_command: Type) -> None:
    """Whatever is no package is an error with its path or its reason."""
    (tmp_path / "text.tgz").write_bytes(b"no archive")

    result = type_command("package", "render", str(tmp_path / "text.tgz"))

    assert result.code == 1
    assert "neither a gzipped tar nor a zip" in result.err
