"""Reading a package's files, with findings that name the place."""

import pytest

from pitrix_core.errors import PackageInvalidError
from pitrix_core.package import Package, violations


def package(content: bytes) -> Package:
    """Return a package of one file."""
    return Package(digest="sha256:0", files={"a.json": content})


def test_a_byte_order_mark_is_left_out() -> None:
    """Text and JSON are read without it."""
    assert package(b"\xef\xbb\xbf{}").read_text("a.json") == "{}"


def test_a_missing_file_is_named() -> None:
    """The finding says which file is missing."""
    with pytest.raises(PackageInvalidError, match=r"b\.json: there is no such file"):
        package(b"").read_bytes("b.json")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b'{"a":\n  }', "line 2, column 3", id="syntax"),
        pytest.param(b'{"a":\n \xff}', "line 2, column 2: this is not UTF-8", id="encoding"),
        pytest.param(b'{"a": NaN}', "NaN is not a JSON number", id="nan"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep"),
        pytest.param(b'["\\ud800"]', "half of a surrogate pair", id="surrogate"),
        pytest.param(b"9" * 5000, "not JSON", id="huge-number"),
    ],
)
def test_bad_json_is_refused_with_its_place(content: bytes, reason: str) -> None:
    """The finding names the file, and line and column where they are known."""
    with pytest.raises(PackageInvalidError, match=reason) as caught:
        package(content).read_json("a.json")

    assert [finding.file for finding in caught.value.findings] == ["a.json"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        pytest.param(b"{}\n\xff", (2, 1), id="begins-a-line"),
        pytest.param("äöü".encode() + b"\xff", (1, 4), id="characters-count"),
        pytest.param(b"\xef\xbb\xbfa\xff", (1, 2), id="a-mark-does-not"),
    ],
)
def test_what_is_not_utf8_has_its_place(content: bytes, place: tuple[int, int]) -> None:
    """The line and column of the first byte that cannot be read."""
    with pytest.raises(PackageInvalidError) as caught:
        package(content).read_text("a.json")

    [finding] = caught.value.findings
    assert (finding.code, finding.message) == ("package.encoding", "this is not UTF-8")
    assert (finding.line, finding.column) == place


def test_every_violation_of_a_schema_has_its_place() -> None:
    """Findings are in the order of the document, and never show a secret."""
    schema = {
        "properties": {
            "a/b": {"type": "integer"},
            "secret": {"pattern": "^x", "writeOnly": True},
        },
        "required": ["c"],
    }

    found = violations({"a/b": "1", "secret": "hidden"}, schema, file="f", pointer="/top")

    assert [(finding.pointer, finding.code) for finding in found] == [
        ("/top/a~1b", "schema.type"),
        ("/top/c", "schema.required"),
        ("/top/secret", "schema.pattern"),
    ]
    assert "hidden" not in found[2].message
    assert {finding.file for finding in found} == {"f"}
