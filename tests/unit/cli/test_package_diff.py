"""``package diff``: what differs between two packages, and whom it hurts."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Result
from shop_type import ABOUT, DOCUMENT, SCHEMA, Shop, files_of, write_package

from pitrix_core.catalog.recognise import read_with
from pitrix_core.cli.authoring.difference import difference
from pitrix_core.package import Package

pytestmark = pytest.mark.usefixtures("shops")

Compare = Callable[..., Result]


class Other(Shop):
    """An app type of another name."""

    name = "other"


@pytest.fixture
def compare(tmp_path: Path, type_command: Callable[..., Result]) -> Compare:
    """Compare the sound package with another one."""

    def compared(*words: str, **other: Any) -> Result:
        before = write_package(tmp_path / "before", files_of())
        after = write_package(tmp_path / "after", files_of(**other))
        return type_command("package", "diff", str(before), str(after), *words)

    return compared


def schema_with(**properties: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the schema with other properties; None for one that is gone."""
    members = {**SCHEMA["properties"], **properties}
    return {**SCHEMA, "properties": {name: p for name, p in members.items() if p is not None}}


def test_equal_packages_have_no_difference(compare: Compare) -> None:
    """The same files are no difference, and no failure."""
    result = compare("--exit-code")

    assert (result.code, result.out) == (0, "No difference.\n")


@pytest.mark.parametrize(
    ("other", "line"),
    [
        pytest.param(
            {"about": {**ABOUT, "version": "1.1.0"}},
            '  ~ /version: "1.0.0" → "1.1.0"',
            id="version",
        ),
        pytest.param({"README_md": "hello"}, "  + README.md: 5", id="file"),
        pytest.param(
            {"schema": schema_with(size={**SCHEMA["properties"]["size"], "default": 3})},
            '  ~ /size: {"default": 2} → {"default": 3}',
            id="default",
        ),
        pytest.param(
            {"documents": {"shop": {**DOCUMENT, "shelves": 7}}},
            "  ~ shop#/shelves: 2 → 7",
            id="document",
        ),
        pytest.param(
            {"documents": {"shop": DOCUMENT, "bin": {}}}, "  + bin#: {}", id="new-document"
        ),
        pytest.param({"documents": {"bin": {}}}, "  + bin#: {}", id="other-document"),
        pytest.param(
            {"documents": {"shop": {**DOCUMENT, "till": [1]}}},
            '  ~ shop#/till: {"port": 80} → [1]',
            id="kind",
        ),
    ],
)
def test_what_differs_is_shown(compare: Compare, other: dict[str, Any], line: str) -> None:
    """Each difference is a line with what was and what is."""
    result = compare(**other)

    assert result.code == 0
    assert line in result.out.splitlines()


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        pytest.param(schema_with(size=None), "upgrade.removed", id="gone"),
        pytest.param(
            {**schema_with(sign={"type": "string", "title": "S"}), "required": ["sign"]},
            "upgrade.required",
            id="new-and-mandatory",
        ),
        pytest.param(
            {**SCHEMA, "required": ["password", "size"]}, "upgrade.required", id="mandatory-now"
        ),
        pytest.param(
            {
                **schema_with(rack={"$ref": "#/$defs/Rack"}),
                "$defs": {"Rack": {"required": ["u"], "properties": {"u": {"type": "integer"}}}},
            },
            "upgrade.required",
            id="new-and-mandatory-behind-a-reference",
        ),
        pytest.param(
            schema_with(size={"type": "string", "default": "2"}), "upgrade.type", id="type"
        ),
        pytest.param(
            schema_with(size={**SCHEMA["properties"]["size"], "maximum": 5}),
            "upgrade.narrowed",
            id="maximum",
        ),
        pytest.param(
            schema_with(size={**SCHEMA["properties"]["size"], "enum": [1, 2]}),
            "upgrade.narrowed",
            id="choices",
        ),
        pytest.param(
            schema_with(size={**SCHEMA["properties"]["size"], "multipleOf": 2}),
            "upgrade.narrowed",
            id="step",
        ),
    ],
)
def test_what_hurts_users_is_a_warning(compare: Compare, schema: Any, code: str) -> None:
    """A parameter that is gone, mandatory or narrower is found, at its pointer."""
    read = json.loads(compare("--json", schema=schema, documents={"shop": {}}).out)

    found = [(finding["code"], finding["level"]) for finding in read["findings"]]
    assert found == [(code, "warning")]


def test_what_may_be_more_hurts_nobody(compare: Compare) -> None:
    """A wider range and a new parameter with a default are changes without a warning."""
    size = {**SCHEMA["properties"]["size"], "maximum": 99, "minimum": 0}
    schema = schema_with(size=size, sign={"type": "string", "default": "open"})

    read = json.loads(compare("--json", schema=schema).out)

    assert [change["at"] for change in read["parameters"]] == ["/size", "/sign"]
    assert read["findings"] == []


def test_the_app_type_says_what_an_upgrade_loses(compare: Compare) -> None:
    """What only the app type knows is among the warnings."""
    result = compare(documents={})

    assert "warning shop is gone" in result.out


def test_another_app_type_is_a_warning(tmp_path: Path) -> None:
    """No cluster goes from one to the other, and nobody is asked whether it could."""
    package = Package(digest="sha256:0", files=files_of())
    shop, other = Shop(), Other()

    found = difference(read_with(shop, package), read_with(other, package))

    assert [finding.code for finding in found.findings] == ["upgrade.app_type"]
    assert [(c.at, c.before, c.after) for c in found.metadata] == [("/app_type", "shop", "other")]


def test_documents_that_cannot_be_made_are_a_warning(compare: Compare) -> None:
    """The rest is compared all the same."""
    result = compare(documents={"shop": {"x": "$nothing"}}, README_md="hello")

    assert result.code == 0
    assert "the documents were not compared" in result.out
    assert "README.md" in result.out


def test_a_difference_is_an_exit_code_on_demand(compare: Compare) -> None:
    """With --exit-code scripts can tell."""
    result = compare("--exit-code", README_md="hello")

    assert result.code == 1


def test_trouble_is_another_exit_code(tmp_path: Path, type_command: Callable[..., Result]) -> None:
    """A package that cannot be read is not taken for one that differs."""
    sound = write_package(tmp_path / "sound", files_of())
    broken = write_package(tmp_path / "broken", {"a": b""})

    result = type_command("package", "diff", str(sound), str(broken), "--exit-code")

    assert result.code == 2
    assert "Error: " in result.err


def test_secrets_are_not_shown(compare: Compare) -> None:
    """What stands for a secret is no value."""
    result = compare(documents={"shop": {**DOCUMENT, "again": "$password"}})

    assert '  + shop#/again: "***"' in result.out.splitlines()
