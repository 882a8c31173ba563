"""``package new``: packages to go on from."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Result
from shop_type import Shop

from pitrix_core.cli.authoring.beginning import Skeleton, skeleton, write_skeleton
from pitrix_core.cli.problems import CliError
from pitrix_core.errors import InvalidInputError, PackageError

Type = Callable[..., Result]


class Other(Shop):
    """Another app type that begins packages, in a dialect of its own."""

    name = "other"
    dialects = ("odd",)


class Silent(Shop):
    """An app type that begins none."""

    name = "silent"

    def skeleton(self, name: str, *, dialect: str = "") -> dict[str, bytes]:
        return {}


class Failing(Shop):
    """An app type that fails."""

    name = "failing"

    def skeleton(self, name: str, *, dialect: str = "") -> dict[str, bytes]:
        raise RuntimeError("no ink")


@pytest.mark.usefixtures("shops")
def test_a_package_is_begun(tmp_path: Path, type_command: Type) -> None:
    """Its files are in a folder of its name, and listed."""
    result = type_command("package", "new", "corner", "-t", "shop", "-o", str(tmp_path))

    assert result.code == 0
    about = json.loads((tmp_path / "corner" / "package.json").read_text())
    assert about["name"] == "corner"
    assert str(tmp_path / "corner" / "shop.json") in result.out.splitlines()


@pytest.mark.usefixtures("shops")
def test_what_was_begun_can_be_built(tmp_path: Path, type_command: Type) -> None:
    """The next verb works on it as it is."""
    type_command("package", "new", "corner", "-t", "shop", "-o", str(tmp_path))

    result = type_command("package", "build", str(tmp_path / "corner"), "-o", str(tmp_path / "r"))

    assert result.code == 0


@pytest.mark.usefixtures("shops")
def test_a_program_learns_what_was_written(tmp_path: Path, type_command: Type) -> None:
    """With --json folder, app type and files are members."""
    words = ("package", "new", "corner", "-t", "shop", "-o", str(tmp_path), "--json")

    read = json.loads(type_command(*words).out)

    assert read["app_type"] == "shop"
    assert read["files"] == ["package.json", "shop.json"]


@pytest.mark.usefixtures("shops")
def test_nothing_is_overwritten(tmp_path: Path, type_command: Type) -> None:
    """What is there stays as it is, whatever it is."""
    (tmp_path / "corner").write_text("mine")

    result = type_command("package", "new", "corner", "-t", "shop", "-o", str(tmp_path))

    assert result.code == 1
    assert (tmp_path / "corner").read_text() == "mine"


@pytest.mark.usefixtures("shops")
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["../up", "-t", "shop"], id="path"),
        pytest.param(["corner", "-t", "nothing"], id="app-type"),
        pytest.param(["corner", "-t", "shop", "--dialect", "x"], id="dialect"),
    ],
)
def test_what_cannot_be_begun_is_refused(
    tmp_path: Path, words: list[str], type_command: Type
) -> None:
    """Names of no package, app types and dialects that are not there leave nothing behind."""
    output = tmp_path / "out"

    result = type_command("package", "new", *words, "-o", str(output))

    assert result.code == 1
    assert not output.exists()


def test_the_only_one_that_begins_packages_is_taken() -> None:
    """The app type need not be named where there is no choice."""
    made = skeleton("corner", app_types={"silent": Silent(), "shop": Shop()})

    assert made.app_type == "shop"


def test_several_have_to_be_told_apart() -> None:
    """Where several begin packages, they are named."""
    with pytest.raises(CliError, match="other, shop"):
        skeleton("corner", app_types={"other": Other(), "shop": Shop()})


def test_a_dialect_tells_app_types_apart() -> None:
    """The one that has the dialect is taken."""
    made = skeleton("corner", app_types={"other": Other(), "shop": Shop()}, dialect="odd")

    assert made.app_type == "other"


def test_a_dialect_of_nobody_is_refused() -> None:
    """What the app type says of it is what is raised."""
    with pytest.raises(InvalidInputError, match="no dialect x"):
        skeleton("corner", app_types={"shop": Shop()}, dialect="x")


def test_nobody_begins_packages() -> None:
    """Where none does, the plugins are worth a look."""
    with pytest.raises(CliError, match="No app type"):
        skeleton("corner", app_types={"silent": Silent()})


def test_an_app_type_that_fails_is_named() -> None:
    """Its failure is no crash."""
    with pytest.raises(PackageError, match="App type failing failed to begin a package"):
        skeleton("corner", app_types={"failing": Failing()})


def test_files_outside_of_the_folder_are_refused(tmp_path: Path) -> None:
    """A path that leads out is not written, and neither is anything else."""
    made = Skeleton(app_type="shop", files={"a": b"", "../b": b""})

    with pytest.raises(PackageError, match="leads upwards"):
        write_skeleton(tmp_path / "corner", made)

    assert list(tmp_path.iterdir()) == []
