"""``package test``: the cases that authors wrote, tried without a cloud."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from conftest import Result
from hypothesis import strategies as st
from shop_type import Shop, files_of, write_package

from pitrix_core.catalog.recognise import read_with
from pitrix_core.cli.authoring.case_files import read_cases
from pitrix_core.cli.authoring.cases import tried
from pitrix_core.errors import PackageInvalidError
from pitrix_core.package import Package

pytestmark = pytest.mark.usefixtures("shops")

Try = Callable[..., Result]


@pytest.fixture
def try_cases(tmp_path: Path, type_command: Callable[..., Result]) -> Try:
    """Try a package with cases in a file."""

    def tried(text: str, *words: str, file: str = "tests/a.yaml") -> Result:
        files = {**files_of(), file: text.encode()}
        folder = write_package(tmp_path / "shop", files)
        return type_command("package", "test", str(folder), *words)

    return tried


@pytest.mark.parametrize(
    "case",
    [
        pytest.param("expect: {rendered: {/shelves: 2}}", id="defaults"),
        pytest.param("{set: {size: 3}, expect: {rendered: {/shelves: 3}}}", id="setting"),
        pytest.param(
            "{set: {till.port.no: 3}, expect: {rendered: {/till: {port: 3}}}}", id="dotted-setting"
        ),
        pytest.param(
            "{config: {size: 4}, set: {size: 3}, expect: {rendered: {/shelves: 3}}}",
            id="setting-over-config",
        ),
        pytest.param("expect: {rendered: {'': {shelves: 2}}}", id="part-of-the-whole"),
        pytest.param("expect: {rendered: {'shop#/shelves': 2}}", id="named-document"),
        pytest.param("expect: {absent: [/lights, /till/lights]}", id="absent"),
        pytest.param(
            "{set: {password: long-enough}, expect: {rendered: {/secret: long-enough}}}",
            id="secret",
        ),
        pytest.param(
            "{set: {size: 9}, expect: {findings: [{code: shop.large, pointer: /shelves}]}}",
            id="finding",
        ),
        pytest.param(
            "{set: {size: 0}, expect: {findings: [{code: schema.minimum, level: error}]}}",
            id="violation",
        ),
        pytest.param("{set: {size: 0}, expect: {error: {code: config_invalid}}}", id="error"),
        pytest.param(
            "{set: {size: 0}, expect: {error: {message_contains: /config/size}}}", id="message"
        ),
    ],
)
def test_a_case_passes(try_cases: Try, case: str) -> None:
    """What comes out as expected is said to be ok."""
    result = try_cases(case)

    assert (result.code, result.err) == (0, "")
    assert result.out == "ok      a  (tests/a.yaml:1)\n1 case, 0 failed\n"


@pytest.mark.parametrize(
    ("case", "said"),
    [
        pytest.param(
            "expect: {rendered: {/shelves: 3}}", "/shelves: expected 3, found 2", id="value"
        ),
        pytest.param(
            "expect: {rendered: {/shelves: true}}", "/shelves: expected true, found 2", id="type"
        ),
        pytest.param(
            "expect: {rendered: {/till: {port: 1, open: true}}}",
            "/till/open: expected true, found nothing",
            id="member",
        ),
        pytest.param(
            "expect: {rendered: {/lights: 1}}", "/lights: expected 1, found nothing", id="missing"
        ),
        pytest.param(
            "expect: {rendered: {/shelves: [2]}}", "/shelves: expected [2], found 2", id="list"
        ),
        pytest.param(
            "expect: {absent: [/till]}", '/till: expected nothing, found {"port": 80}', id="absent"
        ),
        pytest.param(
            "expect: {findings: [{code: shop.large}]}",
            "findings: expected code shop.large, found nothing",
            id="no-finding",
        ),
        pytest.param(
            "{set: {size: 9}, expect: {}}",
            "findings: expected no error, found error shop.large at /shelves: too large",
            id="unexpected-finding",
        ),
        pytest.param(
            "{set: {size: 0}, expect: {}}", "error: it was not rendered: /config/size", id="error"
        ),
        pytest.param(
            "expect: {error: {code: config_invalid}}",
            "error: it was rendered, and should have failed",
            id="no-error",
        ),
        pytest.param(
            "{set: {size: 0}, expect: {error: {code: template}}}",
            "error: expected code template, found config_invalid",
            id="other-error",
        ),
        pytest.param(
            "{set: {size: 0}, expect: {error: {message_contains: till}}}",
            "error: expected a message with 'till', found",
            id="other-message",
        ),
        pytest.param(
            "{set: {size.x: 0}, expect: {}, config: {size: 1}}",
            "error: it was not rendered: set size.x: 'size' is a value",
            id="setting-below-a-value",
        ),
    ],
)
def test_a_case_fails(try_cases: Try, case: str, said: str) -> None:
    """What is different is said: where, what was expected, what was found."""
    result = try_cases(case)

    assert result.code == 1
    assert result.out.startswith("FAILED  a  (tests/a.yaml:1)\n")
    assert said in result.out
    assert result.out.endswith("1 case, 1 failed\n")


def test_lists_are_compared_item_by_item(
    tmp_path: Path, type_command: Callable[..., Result]
) -> None:
    """Every item is compared as far as it is named, and none may be too many."""
    files = files_of(documents={"shop": {"goods": [{"a": 1, "b": 2}, {"a": 3}]}})
    cases = [
        {"name": "part", "expect": {"rendered": {"/goods": [{"a": 1}, {"a": 3}]}}},
        {"name": "short", "expect": {"rendered": {"/goods": [{"a": 1}]}}},
    ]
    files["tests/a.json"] = json.dumps(cases).encode()
    folder = write_package(tmp_path / "shop", files)

    result = type_command("package", "test", str(folder))

    assert result.out.splitlines()[0].startswith("ok      part")
    assert "FAILED  short" in result.out


def test_several_cases_of_a_file_are_told_apart(try_cases: Try) -> None:
    """Without a name each is called after its file and number, and has its line."""
    result = try_cases("- expect: {}\n- expect: {}\n- name: third\n  expect: {}\n")

    assert "ok      a 1  (tests/a.yaml:1)" in result.out
    assert "ok      a 2  (tests/a.yaml:2)" in result.out
    assert "ok      third  (tests/a.yaml:3)" in result.out


def test_cases_are_chosen_by_name(try_cases: Try) -> None:
    """-k tries those with the text in their names alone."""
    text = "- {name: one, expect: {}}\n- {name: two, expect: {}}\n"

    result = try_cases(text, "-k", "tw")

    assert "1 case, 0 failed" in result.out
    assert "one" not in result.out


def test_a_program_reads_the_results(try_cases: Try) -> None:
    """With --json every mismatch has its place, what was expected and what was found."""
    result = try_cases("expect: {rendered: {/shelves: 3}}", "--json")

    read = json.loads(result.out)
    assert result.code == 1
    assert (read["count"], read["failed"]) == (1, 1)
    [mismatch] = read["cases"][0]["mismatches"]
    assert (mismatch["at"], mismatch["expected"], mismatch["found"]) == ("/shelves", 3, 2)


@pytest.mark.parametrize("words", [(), ("-k", "other")], ids=["no-case", "none-of-that-name"])
def test_nothing_to_try_is_a_failure(
    tmp_path: Path, type_command: Callable[..., Result], words: tuple[str, ...]
) -> None:
    """A package that is thought to be tested, and is not, is found out."""
    folder = write_package(tmp_path / "shop", files_of())

    result = type_command("package", "test", str(folder), *words)

    assert result.code == 1
    assert "tests/NAME.yaml" in result.err


@pytest.mark.parametrize(
    ("text", "file", "said"),
    [
        pytest.param("- expct: {}\n", "tests/a.yaml", "tests/a.yaml", id="misspelt"),
        pytest.param("- expect: {}\n  set: 3\n", "tests/a.yaml", "tests/a.yaml:2:8", id="type"),
        pytest.param("a: [", "tests/a.yml", "not YAML", id="no-yaml"),
        pytest.param("{", "tests/a.json", "tests/a.json", id="no-json"),
        pytest.param("- 3\n", "tests/a.yaml", "tests/a.yaml:1:3", id="no-object"),
        pytest.param(
            "expect: {rendered: {shelves: 2}}", "tests/a.yaml", "such as /nodes", id="no-pointer"
        ),
    ],
)
def test_a_broken_file_is_an_error_with_its_place(
    try_cases: Try, text: str, file: str, said: str
) -> None:
    """Nothing is tried before every file can be read."""
    result = try_cases(text, file=file)

    assert (result.code, result.out) == (1, "")
    assert said in result.err


def test_a_broken_file_names_line_and_column(try_cases: Try) -> None:
    """A program learns where it is."""
    result = try_cases("- expect: {}\n\n- expect:\n    findings: [{}]\n", "--json")

    [finding] = json.loads(result.err)["findings"]
    assert (finding["file"], finding["line"]) == ("tests/a.yaml", 4)


def test_other_files_of_the_folder_are_no_cases(
    tmp_path: Path, type_command: Callable[..., Result]
) -> None:
    """Only YAML and JSON directly in tests/ is read."""
    others = {"tests/run.sh": b"echo", "tests/deep/a.yaml": b"{", "docs/tests/a.yaml": b"{"}
    files = {**files_of(), **others, "tests/a.yaml": b"expect: {}"}
    folder = write_package(tmp_path / "shop", files)

    result = type_command("package", "test", str(folder))

    assert "1 case, 0 failed" in result.out


def test_an_archive_brings_its_cases(tmp_path: Path, type_command: Callable[..., Result]) -> None:
    """Cases are part of what is built."""
    folder = write_package(tmp_path / "shop", {**files_of(), "tests/a.yaml": b"expect: {}"})
    type_command("package", "build", str(folder), "-o", str(tmp_path))

    result = type_command("package", "test", str(tmp_path / "shop-1.0.0.tgz"))

    assert "1 case, 0 failed" in result.out


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("- name: a\n  expect: 3\n", 2, id="type"),
        pytest.param("- expect: {}\n- expect: *x\n", 2, id="no-yaml"),
    ],
)
def test_lint_names_what_is_wrong_with_cases(
    tmp_path: Path, type_command: Callable[..., Result], text: str, line: int
) -> None:
    """It is a warning with its place: the package can be offered all the same."""
    folder = write_package(tmp_path / "shop", {**files_of(), "tests/a.yaml": text.encode()})

    result = type_command("package", "lint", str(folder), "--json")

    assert result.code == 0
    found = [f for f in json.loads(result.out)["findings"] if f["file"] == "tests/a.yaml"]
    assert [(f["level"], f["line"]) for f in found] == [("warning", line)]


def test_lint_leaves_tests_of_other_tools(
    tmp_path: Path, type_command: Callable[..., Result]
) -> None:
    """A file that expects nothing is none of ours."""
    files = {**files_of(), "tests/a.yaml": b"kind: [", "tests/b.json": b"{"}
    folder = write_package(tmp_path / "shop", files)

    result = type_command("package", "lint", str(folder))

    assert "tests/" not in result.out


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "/a", "size", "#/"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["config", "set", "expect", "rendered", "absent", "error", "/shelves"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@hypothesis.settings(deadline=None, derandomize=True)
@hypothesis.given(JSON, JSON, JSON)
def test_no_case_is_too_strange(config: Any, settings: Any, expect: Any) -> None:
    """Whatever a file says, it is refused with findings, or tried."""
    case = {"config": config, "set": settings, "expect": expect}
    files = {**files_of(), "tests/a.json": json.dumps(case).encode()}
    package = read_with(Shop(), Package(digest="sha256:0", files=files))

    with contextlib.suppress(PackageInvalidError):
        results = list(tried(package, read_cases(package.reader)))

        assert [result.name for result in results] == ["a"]


def test_endless_cases_are_refused(try_cases: Try) -> None:
    """A package of a stranger keeps nobody busy for hours."""
    result = try_cases("- expect: {}\n" * 1001)

    assert result.code == 1
    assert "1001 cases; 1000 are allowed" in result.err
