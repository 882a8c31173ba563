"""Looking at packages: everything at once, each finding with its place, whatever is in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pitrix_core import AppType, Finding, Level, hookimpl
from pitrix_core.cli.authoring.checking import Checker
from pitrix_core.findings import Rule
from pitrix_core.model import AppInfo, PackageIndex, PackageSpec
from pitrix_core.package import Package, describe, parse_json
from pitrix_core.package.rules import CORE_RULES
from pitrix_core.plugins import PluginRegistry
from pitrix_core.testing.entry_points import entry_point

ABOUT = '{"name": "a", "version": "1.0.0", "description": "d", "icon": "i"}'
SOUND = {
    "notes.json": '{\n "colour": "red"\n}',
    "package.json": ABOUT,
    "README.md": "",
    "LICENSE": "",
}
COLOUR = Rule(code="notes.colour", summary="A colour is not red.", remedy="Write red.")


class Notes(AppType[PackageSpec]):
    """An app type whose packages are notes, and red."""

    name = "notes"

    def claims(self, index: PackageIndex) -> bool:
        return index.has("notes.json")

    def parse(self, reader: Any) -> PackageSpec:
        notes = parse_json(reader.read_text("notes.json"), file="notes.json")
        assert isinstance(notes, dict)
        return PackageSpec(info=describe(reader), dialect=str(notes["colour"]))

    def validate(self, spec: PackageSpec) -> list[Finding]:
        is_red = spec.dialect == "red"
        return [] if is_red else [self._found(Level.ERROR, "/colour", "this is not red")]

    def advice(self, reader: Any, spec: PackageSpec) -> list[Finding]:
        return [self._found(Level.INFO, "", "paint it red")] if spec.dialect == "blue" else []

    def config_schema(self, spec: PackageSpec, *, language: str = "en") -> dict[str, Any]:
        return {}

    def requires(self, spec: PackageSpec) -> frozenset[str]:
        return frozenset()

    def plan(self, request: Any) -> Any:
        raise NotImplementedError

    def rules(self) -> tuple[Rule, ...]:
        return (COLOUR,)

    def _found(self, level: Level, pointer: str, message: str) -> Finding:
        return Finding(
            level=level, code="notes.colour", message=message, pointer=pointer, file="notes.json"
        )


class LosesPlaces(Notes):
    """Raises when it is asked for places."""

    def located(self, reader: Any, findings: Any) -> Any:
        raise RuntimeError("lost")


class ChecksNames:
    """A plugin that has something to say about every package."""

    @hookimpl
    def pitrix_check_package(self, reader: Any, spec: Any, app_type: str) -> Any:
        return [Finding(level=Level.WARNING, code="house.name", message=f"{app_type}: ugly name")]


class Adds:
    """A plugin that adds an app type."""

    def __init__(self, app_type: AppType[Any]) -> None:
        self.app_type = app_type

    @hookimpl
    def pitrix_app_types(self) -> Any:
        return [self.app_type]


def checker(*plugins: object) -> Checker:
    """Return a checker with the given plugins alone."""
    points = [entry_point("pitrix.plugins", f"p{n}", plugin) for n, plugin in enumerate(plugins)]
    return Checker(PluginRegistry(entry_points=points))


def package(files: Mapping[str, str]) -> Package:
    """Return a package of texts."""
    return Package(digest="", files={name: text.encode() for name, text in files.items()})


def codes_of(files: Mapping[str, str], *plugins: object) -> list[str]:
    """Return the codes found in a package."""
    found = checker(*(plugins or (Adds(Notes()),))).check(package(files)).findings
    return [finding.code for finding in found]


def test_nothing_is_said_of_a_sound_package() -> None:
    """Its name and app type are known, and there is no finding."""
    checked = checker(Adds(Notes())).check(package(SOUND))

    assert checked.info == AppInfo(name="a", version="1.0.0", description="d", icon="i")
    assert (checked.app_type, checked.findings) == ("notes", ())


def test_a_finding_has_its_line_and_column() -> None:
    """The pointer of what an app type found leads to a place in the text."""
    [found] = (
        checker(Adds(Notes()))
        .check(package({**SOUND, "notes.json": '{\n  "colour": "green"\n}'}))
        .findings
    )

    assert (found.code, found.line, found.column) == ("notes.colour", 2, 3)


def test_everything_is_said_at_once() -> None:
    """What is wrong in one file does not hide what is wrong in another, or what a plugin minds."""
    broken = {
        "notes.json": '{"colour": "blue", "colour": "blue"}',
        "package.json": '\ufeff{"name": "a", "version": "1.0.0"}',
    }

    assert sorted(codes_of(broken, Adds(Notes()), ChecksNames())) == [
        "house.name",
        "json.duplicate",
        "notes.colour",
        "notes.colour",
        "package.bom",
        "package.description",
        "package.icon",
        "package.license",
        "package.readme",
    ]


def test_package_json_is_judged_where_the_app_type_gives_up() -> None:
    """Its faults are said together with those of the file that cannot be read."""
    found = codes_of({**SOUND, "notes.json": "{", "package.json": '{"name": "?"}'})

    assert {"package.json", "package.name", "package.version"} <= set(found)


def test_a_finding_is_said_once() -> None:
    """What both the app type and the core find wrong with package.json stands there once."""
    found = codes_of({**SOUND, "package.json": '{"name": "?", "version": "1.0.0"}'})

    assert found.count("package.name") == 1


def test_findings_stand_in_the_order_of_the_files() -> None:
    """By file and line; within a place the gravest first."""
    found = checker(Adds(Notes()), ChecksNames()).check(
        package({**SOUND, "notes.json": '{"colour": "blue"}', "package.json": '{"name": 1}'})
    )

    places = [(f.file or "", f.line or 0, f.column or 0) for f in found.findings]
    assert places == sorted(places)


def test_a_package_of_nobody_is_an_error() -> None:
    """Nothing of it was checked, which must not pass for sound."""
    assert "package_unknown" in codes_of({"package.json": ABOUT})


@pytest.mark.parametrize(
    ("files", "app_type", "named"),
    [
        pytest.param({**SOUND, "notes.json": "[]"}, Notes(), "AssertionError", id="reads"),
        pytest.param(SOUND, LosesPlaces(), "RuntimeError: lost", id="finds-places"),
    ],
)
def test_an_app_type_that_fails_is_a_finding(
    files: dict[str, str], app_type: Notes, named: str
) -> None:
    """What it raises is said, and the rest of the package is looked at."""
    found = checker(Adds(app_type)).check(package({**files, "README.md": "\n"})).findings

    assert [f.code for f in found] == ["package"]
    assert named in found[0].message


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff\xfe", id="not-utf-8"),
        pytest.param(b"{" * 5000, id="deep"),
        pytest.param(b'{"a": "\\ud800"}', id="half-a-character"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00" * 100, id="nothing-but-zeros"),
    ],
)
@pytest.mark.parametrize("file", ["notes.json", "package.json", "other.json"])
def test_no_content_makes_it_fail(file: str, content: bytes) -> None:
    """Whatever a file holds, there is an answer."""
    files = {**package(SOUND).files, file: content}

    checked = checker(Adds(Notes())).check(Package(digest="", files=files))

    assert all(isinstance(finding, Finding) for finding in checked.findings)


def test_a_name_and_a_version_are_supplied(tmp_path: Path) -> None:
    """A folder without package.json is sound with both."""
    for file in ("notes.json", "README.md", "LICENSE"):
        (tmp_path / file).write_text(SOUND[file])

    checked = checker(Adds(Notes())).check_at(tmp_path, name="a", version="2.0.0")

    assert checked.info == AppInfo(name="a", version="2.0.0")
    assert {f.level for f in checked.findings} == {Level.INFO}


def test_a_damaged_archive_is_a_finding(tmp_path: Path) -> None:
    """It says what is wrong with the file as a whole."""
    archive = tmp_path / "a.tgz"
    archive.write_bytes(b"\x1f\x8bnot really")

    [found] = checker(Adds(Notes())).check_at(archive).findings

    assert (found.code, found.level) == ("package_archive", Level.ERROR)


def test_a_name_for_a_package_whose_own_file_is_broken(tmp_path: Path) -> None:
    """The broken file is said, whatever is given instead of what it should say."""
    (tmp_path / "notes.json").write_text(SOUND["notes.json"])
    (tmp_path / "package.json").write_text("{")

    found = checker(Adds(Notes())).check_at(tmp_path, name="a", version="1.0.0").findings

    assert [f.code for f in found if f.level is Level.ERROR] == ["package.json"]


def test_rules_of_app_types_stand_beside_the_cores() -> None:
    """Each code is explained once, in alphabetical order."""
    rules = checker(Adds(Notes())).rules()

    assert rules["notes.colour"] is COLOUR
    assert list(rules) == sorted({rule.code for rule in CORE_RULES} | {"notes.colour"})
