"""What authors are advised of, and where their findings are."""

from collections.abc import Mapping

import pytest

from pitrix_core.findings import Finding, Level
from pitrix_core.package import Package
from pitrix_core.package.advice import file_advice
from pitrix_core.package.locating import located_in_json

WHOLE = {
    "package.json": b'{"name": "a", "version": "1.0.0", "description": "d", "icon": "i"}',
    "README.md": b"",
    "LICENSE": b"",
}


def package(**files: bytes) -> Package:
    """Return a package with everything in it, and more."""
    return Package(digest="", files={**WHOLE, **files})


def without(*names: str) -> Mapping[str, bytes]:
    """Return the files of a whole package without some."""
    return {name: content for name, content in WHOLE.items() if name not in names}


def finding(pointer: str, *, file: str | None = "a.json", line: int | None = None) -> Finding:
    """Return a finding about a place."""
    return Finding(level=Level.ERROR, code="x", message="y", pointer=pointer, file=file, line=line)


def test_a_whole_package_needs_no_advice() -> None:
    """Nothing is said where nothing is amiss."""
    assert file_advice(package()) == []


@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param(without("README.md"), "package.readme", id="readme"),
        pytest.param(without("LICENSE"), "package.license", id="licence"),
        pytest.param(
            {**WHOLE, "package.json": b'{"name": "a", "version": "1.0.0", "icon": "i"}'},
            "package.description",
            id="description",
        ),
        pytest.param(
            {**WHOLE, "package.json": b'{"name": "a", "version": "1.0.0", "description": "d"}'},
            "package.icon",
            id="icon",
        ),
    ],
)
def test_what_is_not_there_is_said(files: Mapping[str, bytes], code: str) -> None:
    """Users would be helped by it, and nothing breaks without."""
    [found] = file_advice(Package(digest="", files=files))

    assert (found.code, found.level) == (code, Level.INFO)


@pytest.mark.parametrize("name", ["readme.MD", "README", "Readme.rst"])
def test_a_readme_may_be_called_otherwise(name: str) -> None:
    """The beginning of its name tells, whatever its case."""
    files = {**without("README.md"), name: b""}

    assert file_advice(Package(digest="", files=files)) == []


def test_a_byte_order_mark_is_said() -> None:
    """Only of files that programs read."""
    [found] = file_advice(package(**{"a.json": b"\xef\xbb\xbf{}", "b.md": b"\xef\xbb\xbf"}))

    assert (found.code, found.file, found.line) == ("package.bom", "a.json", 1)


def test_a_member_that_is_there_twice_is_said() -> None:
    """Its pointer leads to the one that counts, and the message has its name."""
    [found] = file_advice(package(**{"a.json": b'{"a/b": 1,\n "a/b": 2}'}))

    assert (found.code, found.pointer) == ("json.duplicate", "/a~1b")
    assert "'a/b'" in found.message


@pytest.mark.parametrize("content", [b"{", b"\xff", b""])
def test_a_file_that_cannot_be_read_has_no_duplicates(content: bytes) -> None:
    """That it is broken is said where it is read."""
    assert file_advice(package(**{"a.json": content})) == []


def test_more_json_than_anybody_writes_is_not_looked_at() -> None:
    """Looking is slow, so that it ends somewhere; small files are looked at all the same."""
    large = b"[" + b"1," * (2 * 1024 * 1024) + b'{"a": 1, "a": 2}]'

    found = file_advice(package(**{"a.json": large, "b.json": b'{"b": 1, "b": 2}'}))

    assert [(f.file, f.pointer) for f in found] == [("b.json", "/b")]


def test_a_pointer_becomes_a_place() -> None:
    """A member is where its name begins; columns count characters."""
    reader = package(**{"a.json": '{"ä": {\n  "ü": 1, "b": 2}}'.encode()})

    [found] = located_in_json(reader, [finding("/ä/b")])

    assert (found.line, found.column) == (2, 11)


def test_the_place_of_what_is_missing_is_what_it_is_missing_in() -> None:
    """The nearest part around it that is there."""
    reader = package(**{"a.json": b'{\n "a": {}}'})

    [found] = located_in_json(reader, [finding("/a/b/c")])

    assert (found.line, found.column) == (2, 2)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(finding("/a", line=7), id="has-a-line"),
        pytest.param(finding(""), id="is-about-the-whole-file"),
        pytest.param(finding("/a", file=None), id="is-about-no-file"),
        pytest.param(finding("/a", file="gone.json"), id="file-is-not-there"),
        pytest.param(finding("/a", file="broken.json"), id="file-is-no-json"),
        pytest.param(finding("/a", file="binary.json"), id="file-is-no-text"),
        pytest.param(finding("/a", file="README.md"), id="file-is-something-else"),
    ],
)
def test_other_findings_stay_as_they_are(known: Finding) -> None:
    """A place is added only where it is certain."""
    reader = package(**{"a.json": b'{"a": 1}', "broken.json": b"{", "binary.json": b"\xff"})

    assert located_in_json(reader, [known]) == (known,)
