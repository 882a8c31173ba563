"""``pitrix package lint``: what people, programs and other tools read of it, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from conftest import Result

from pitrix_core import Finding, Level
from pitrix_core.cli.authoring.checking import Checked
from pitrix_core.cli.authoring.lint_report import Linted, report_json, report_lines
from pitrix_core.cli.authoring.sarif import sarif_log
from pitrix_core.findings import Rule
from pitrix_core.model import AppInfo

PLACED = Finding(
    level=Level.ERROR,
    code="cluster.unknown",
    message="'cuont' is not known here; is it 'count'?",
    pointer="/nodes/0/cuont",
    file="cluster.json.tmpl",
    line=12,
    column=5,
    next_step="Write 'count', or remove it.",
)
UNPLACED = Finding(
    level=Level.WARNING, code="house.rule", message="ugly", pointer="/a", file="a b.json"
)
WHOLE = Finding(level=Level.INFO, code="package.license", message="there is no LICENSE")
EXPLAINED = "What a rule means: pitrix package lint --explain RULE"
RULES = {
    "cluster.unknown": Rule(code="cluster.unknown", summary="Unknown.", remedy="Look for it."),
    "package.license": Rule(code="package.license", summary="None.", remedy="Add one."),
}


def linted(path: Path, *findings: Finding, is_archive: bool = False) -> Linted:
    """Return a package with findings."""
    info = AppInfo(name="app", version="1.0.0")
    checked = Checked(info=info, app_type="vm", findings=findings)
    return Linted(path=path, is_archive=is_archive, checked=checked)


def run_of(*packages: Linted, folder: Path) -> dict[str, Any]:
    """Return the one run of a SARIF log."""
    log = sarif_log(packages, RULES, folder=folder)
    run: dict[str, Any] = log["runs"][0]
    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a package that no app type recognises, below the current one."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "source"
    made.mkdir()
    (made / "package.json").write_text('{"name": "app"}')
    return made


# -- for people ------------------------------------------------------------------------------------


def test_findings_look_like_a_compilers() -> None:
    """Editors find file, line and column; what to do stands below, and a summary at the end."""
    lines = report_lines([linted(Path("app"), WHOLE, UNPLACED, PLACED)])

    assert [click.unstyle(line) for line in lines] == [
        "app: info package.license: there is no LICENSE",
        "app/a b.json: warning house.rule: ugly (at /a)",
        f"app/cluster.json.tmpl:12:5: error cluster.unknown: {PLACED.message}",
        "    Write 'count', or remove it.",
        f"1 error, 1 warning and 1 remark in 1 package. {EXPLAINED}",
    ]


def test_a_file_in_an_archive_is_told_from_one_beside_it() -> None:
    """The archive's own name comes first."""
    first, *_ = report_lines([linted(Path("app.tgz"), PLACED, is_archive=True)])

    assert first.startswith("app.tgz!/cluster.json.tmpl:12:5: ")


def test_several_sound_packages_are_one_sentence() -> None:
    """Nothing is found, which is said."""
    assert list(report_lines([linted(Path("a")), linted(Path("b"))])) == [
        "Nothing found in 2 packages."
    ]


# -- for programs ----------------------------------------------------------------------------------


def test_programs_get_one_object() -> None:
    """The packages, their findings with all they hold, and how many there are."""
    answer = report_json([linted(Path("app"), WHOLE, PLACED)])

    assert answer["packages"] == [
        {
            "path": "app",
            "name": "app",
            "version": "1.0.0",
            "app_type": "vm",
            "files": ["cluster.json.tmpl"],
        }
    ]
    assert answer["findings"][1] == {
        "package": "app",
        "level": "error",
        "code": "cluster.unknown",
        "message": PLACED.message,
        "pointer": "/nodes/0/cuont",
        "file": "cluster.json.tmpl",
        "line": 12,
        "column": 5,
        "next_step": PLACED.next_step,
    }
    assert answer["counts"] == {"error": 1, "warning": 0, "info": 1}


# -- for other tools -------------------------------------------------------------------------------


def test_a_log_says_what_it_is(tmp_path: Path) -> None:
    """Version, tool, and what a column counts. Source: SARIF 2.1.0, sections 3.13 and 3.14."""
    log = sarif_log([], RULES, folder=tmp_path)

    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("/sarif-schema-2.1.0.json")
    [run] = log["runs"]
    assert run["tool"]["driver"]["name"] == "pitrix"
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["results"] == []


def test_rules_have_texts(tmp_path: Path) -> None:
    """Section 3.49: an id, a short description, and help."""
    rules = run_of(folder=tmp_path)["tool"]["driver"]["rules"]

    assert rules[0] == {
        "id": "cluster.unknown",
        "shortDescription": {"text": "Unknown."},
        "help": {"text": "Look for it."},
    }


def test_a_result_has_its_rule_and_its_place(tmp_path: Path) -> None:
    """Section 3.27; the path is relative to the folder, as section 3.4.3 asks."""
    run = run_of(linted(tmp_path / "app", PLACED), folder=tmp_path)

    uri = "app/cluster.json.tmpl"
    assert run["artifacts"] == [{"location": {"uri": uri}}]
    assert run["results"] == [
        {
            "ruleId": "cluster.unknown",
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": f"{PLACED.message} {PLACED.next_step}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": uri, "index": 0},
                        "region": {"startLine": 12, "startColumn": 5},
                    },
                    "logicalLocations": [{"fullyQualifiedName": "/nodes/0/cuont"}],
                }
            ],
        }
    ]


def test_a_code_without_a_rule_becomes_one(tmp_path: Path) -> None:
    """Plugins have codes of their own; every index has to lead to the id."""
    run = run_of(linted(tmp_path, UNPLACED, WHOLE, PLACED), folder=tmp_path)

    rules = run["tool"]["driver"]["rules"]
    assert rules[2] == {"id": "house.rule"}
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [
        result["ruleId"] for result in run["results"]
    ]


def test_levels_are_those_of_the_format(tmp_path: Path) -> None:
    """Section 3.27.10: a remark is a note."""
    run = run_of(linted(tmp_path, UNPLACED, WHOLE, PLACED), folder=tmp_path)

    assert [result["level"] for result in run["results"]] == ["warning", "note", "error"]


def test_a_finding_without_a_line_has_no_region(tmp_path: Path) -> None:
    """A region has to begin somewhere; the file's name is escaped as in any URI."""
    run = run_of(linted(tmp_path / "app", UNPLACED), folder=tmp_path)

    [location] = run["results"][0]["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "app/a%20b.json", "index": 0}
    }


def test_a_file_in_an_archive_names_its_parent(tmp_path: Path) -> None:
    """Section 3.24.3: a nested artifact is named inside the one that holds it."""
    packed = linted(tmp_path / "app.tgz", WHOLE, PLACED, is_archive=True)

    run = run_of(packed, folder=tmp_path)

    assert run["artifacts"] == [
        {"location": {"uri": "app.tgz"}},
        {"location": {"uri": "cluster.json.tmpl"}, "parentIndex": 0},
    ]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [place["artifactLocation"]["index"] for place in places] == [0, 1]


def test_a_file_elsewhere_is_absolute(tmp_path: Path) -> None:
    """Section 3.4.4: a relative path must not lead upwards."""
    run = run_of(linted(tmp_path / "app", PLACED), folder=tmp_path / "else")

    [artifact] = run["artifacts"]
    assert artifact["location"]["uri"] == (tmp_path / "app" / "cluster.json.tmpl").as_uri()


# -- typed -----------------------------------------------------------------------------------------


def test_errors_fail(folder: Path, type_command: Callable[..., Result]) -> None:
    """The findings are on standard output, since they are what was asked for."""
    result = type_command("package", "lint", "source")

    assert result.code == 1
    assert "source/package.json:1:1: error package.version: " in result.out
    assert "source: error package_unknown: " in result.out


def test_json_can_be_read(folder: Path, type_command: Callable[..., Result]) -> None:
    """One object, with the exit code of the same."""
    result = type_command("package", "lint", "source", "--json")

    assert result.code == 1
    assert json.loads(result.out)["counts"]["error"] == 2


def test_sarif_can_be_read(folder: Path, type_command: Callable[..., Result]) -> None:
    """Paths are relative to where the command was typed."""
    result = type_command("package", "lint", "source", "--sarif")

    assert result.code == 1
    [run] = json.loads(result.out)["runs"]
    uris = [artifact["location"]["uri"] for artifact in run["artifacts"]]
    assert uris == ["source", "source/package.json"]


def test_a_rule_is_explained(type_command: Callable[..., Result]) -> None:
    """What it means and how it is mended; no package is needed."""
    result = type_command("package", "lint", "--explain", "package.bom")

    assert result.code == 0
    assert result.out.startswith("package.bom\n  A text file begins with a byte order mark.\n")
    assert "byte order mark" in result.out.partition("\n\n")[2]


def test_a_rule_can_be_read_by_programs(type_command: Callable[..., Result]) -> None:
    """The same as one object."""
    result = type_command("package", "lint", "--rule", "package.bom", "--json")

    assert json.loads(result.out).keys() == {"code", "summary", "remedy"}


def test_an_unknown_rule_names_those_that_are_alike(type_command: Callable[..., Result]) -> None:
    """A misspelling is put right."""
    result = type_command("package", "lint", "--explain", "package.bomb")

    assert result.code == 1
    assert "package.bom" in result.err


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="no-package"),
        pytest.param(("source", "--json", "--sarif"), id="two-formats"),
        pytest.param(("nowhere",), id="no-such-folder"),
    ],
)
def test_what_is_typed_wrongly_is_said(
    words: tuple[str, ...], folder: Path, type_command: Callable[..., Result]
) -> None:
    """The exit code is that of wrong typing."""
    assert type_command("package", "lint", *words).code == 2
