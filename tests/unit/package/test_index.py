"""Reading and writing repository indexes."""

import datetime as dt
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import archives
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pitrix_core.errors import PackageArchiveError, PackageDigestError, PackageInvalidError
from pitrix_core.findings import Finding
from pitrix_core.package import IndexEntry, Limits, build_archive, read_index, write_index
from pitrix_core.package.index import IndexReader
from pitrix_core.package.yaml import LOADER

NOW = dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)
DIGEST = "ab" * 32
GOOD = f"""
apiVersion: v1
generated: 2026-01-01T00:00:00Z
entries:
  app:
  - {{name: app, version: 1.9.0, digest: {DIGEST}, urls: [app-1.9.0.tgz], appVersion: 1.10}}
  - {{name: app, version: 1.10.0, digest: "sha256:{DIGEST}", urls: [app-1.10.0.tgz]}}
  - {{name: app, version: 2.0.0-rc.1, urls: [app-2.tgz], created: 2026-13-45, removed: true}}
"""


def test_an_index_lists_the_newest_version_first() -> None:
    """Versions are ordered as numbers, and texts that look like numbers stay texts."""
    index = read_index(GOOD)

    assert [e.version for e in index.entries] == ["2.0.0-rc.1", "1.10.0", "1.9.0"]
    assert {e.digest for e in index.entries} == {f"sha256:{DIGEST}", ""}
    assert index.entries[2].app_version == "1.10"
    assert index.findings == ()


@pytest.mark.parametrize(
    ("entry", "pointer"),
    [
        pytest.param("{version: 1.0.0}", "/entries/bad/0/urls", id="no-address"),
        pytest.param("{version: one, urls: [x]}", "/entries/bad/0/version", id="version"),
        pytest.param("{urls: [x]}", "/entries/bad/0/version", id="no-version"),
        pytest.param(
            "{version: 1.0.0, urls: [x], digest: x}", "/entries/bad/0/digest", id="digest"
        ),
        pytest.param("{version: 1.0.0, urls: [x], name: y}", "/entries/bad/0/name", id="name"),
        pytest.param("text", "/entries/bad/0", id="text"),
        pytest.param("{version: 1.0.0, version: 2.0.0}", "/entries/bad/0", id="name-twice"),
        pytest.param("{[version]: 1.0.0}", "/entries/bad/0", id="name-of-no-text"),
        pytest.param(r'{description: "\0"}', "/entries/bad/0", id="nul-character"),
        pytest.param(f"{{description: {'x' * 1_100_000}}}", "/entries/bad/0", id="too-large"),
        pytest.param(f"[{'[],' * 20_000}]", "/entries/bad/0", id="too-many-parts"),
        pytest.param(
            f"{{version: 1.{chr(48) * 300}, urls: [x]}}",
            "/entries/bad/0/version",
            id="long-version",
        ),
        pytest.param(
            "{version: 99999999999999999999.0.0, urls: [x]}", "/entries/bad/0/version", id="absurd"
        ),
    ],
)
def test_a_bad_entry_is_left_out_with_a_finding(entry: str, pointer: str) -> None:
    """The other entries are kept."""
    index = read_index(f"{GOOD}  bad:\n  - {entry}\n")

    assert len(index.entries) == 3
    assert [finding.pointer for finding in index.findings] == [pointer]


def test_a_version_that_is_listed_twice_counts_once() -> None:
    """The first one is kept, and the second is remarked on."""
    index = read_index(f"{GOOD}  - {{name: app, version: 1.9.0, urls: [other.tgz]}}\n")

    assert [e.urls for e in index.entries if e.version == "1.9.0"] == [("app-1.9.0.tgz",)]
    assert [finding.message for finding in index.findings] == ["version 1.9.0 is listed twice"]


def test_an_app_that_differs_in_case_only_is_left_out() -> None:
    """Nobody could tell the two apart in time."""
    index = read_index(f"{GOOD}  App:\n  - {{version: 3.0.0, urls: [x]}}\n")

    assert {entry.name for entry in index.entries} == {"app"}
    assert [finding.message for finding in index.findings] == ["it differs from 'app' in case only"]


def test_an_app_that_is_named_twice_has_the_versions_of_both() -> None:
    """What is listed in both places is there once, and remarked on."""
    more = "[{version: 1.9.0, urls: [x]}, {version: 3.0.0, urls: [x]}]"

    index = read_index(f"{GOOD}  app: {more}\n")

    assert [e.version for e in index.entries] == ["3.0.0", "2.0.0-rc.1", "1.10.0", "1.9.0"]
    assert [finding.message for finding in index.findings] == ["version 1.9.0 is listed twice"]


def test_bytes_that_are_no_text_spoil_their_entry_only() -> None:
    """Wherever a read happens to end in the middle of a character."""
    filler = "é" * 40_000
    text = f"{GOOD}  good:\n  - {{version: 1.0.0, urls: [x], home: {filler}}}\n  bad:\n  - "
    content = text.encode() + b"{version: 1.0.0\xff, urls: [x]}\n"

    found = list(IndexReader(io.BytesIO(content)))

    assert [each.pointer for each in found if isinstance(each, Finding)] == [
        "/entries/bad/0/version"
    ]
    assert [e.home for e in found if isinstance(e, IndexEntry) and e.name == "good"] == [filler]


@pytest.mark.parametrize("before", range(12))
def test_json_may_write_a_character_as_two_escapes(before: int) -> None:
    """As most libraries do; wherever a read happens to end between them."""
    entry = {"version": "1.0.0", "urls": ["x"], "description": "\U0001f600\\ud83d"}
    text = json.dumps({"filler": "x" * before, "entries": {"app": [entry]}})
    cut = text.index("\\ud83d")
    pieces = [text[: cut + before], text[cut + before :]]

    [found] = IndexReader(Pieces(pieces))

    assert isinstance(found, IndexEntry)
    assert found.description == entry["description"]


class Pieces(io.BytesIO):
    """A file that is read in certain pieces."""

    def __init__(self, pieces: list[str]) -> None:
        super().__init__()
        self._pieces = [piece.encode() for piece in pieces]

    def read(self, size: int | None = -1) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def test_entries_come_one_by_one() -> None:
    """Those before the place where an index breaks off were given by then."""
    reader = iter(IndexReader(io.BytesIO(f"{GOOD}  'cut off".encode())))

    first = next(reader)

    assert isinstance(first, IndexEntry)
    with pytest.raises(PackageInvalidError, match="not YAML"):
        list(reader)


def test_an_index_that_lists_too_much_is_refused() -> None:
    """With the place of the one too many."""
    with pytest.raises(PackageInvalidError, match=r"line 7.*more than is taken"):
        list(IndexReader(io.BytesIO(GOOD.encode()), limit=2))

    with pytest.raises(PackageInvalidError, match="more than is taken"):
        list(IndexReader(io.BytesIO(b"entries: {a: [], b: [], c: []}"), limit=2))


NAMES = st.sampled_from(["a", "b-1", "c_2", "d.3", "1e3"])
TEXTS = st.one_of(
    st.sampled_from(
        ["1.10", "null", "- a: b", "x: y # z", "line\n  two\n\nthree\n", "'", "[", "…"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30),
)
LISTED = st.dictionaries(
    NAMES,
    st.lists(
        st.fixed_dictionaries(
            {
                "version": st.integers(0, 99).map(lambda n: f"1.{n}.0"),
                "urls": st.builds(lambda: ["x"]),
            },
            optional={"description": TEXTS, "annotations": st.dictionaries(TEXTS, TEXTS)},
        ),
        unique_by=lambda entry: entry["version"],
        max_size=4,
    ),
    max_size=4,
)


@settings(max_examples=30, deadline=None)
@given(LISTED, st.sampled_from(["block", "flow", "json"]))
def test_an_index_is_read_as_it_was_written(listed: Any, form: str) -> None:
    """However it is laid out."""
    document = {"apiVersion": "v1", "entries": listed, "generated": "now"}
    text = (
        json.dumps(document)
        if form == "json"
        else yaml.safe_dump(document, default_flow_style=form == "flow", allow_unicode=True)
    )

    index = read_index(text)

    assert {(e.name, e.version, e.description) for e in index.entries} == {
        (name, entry["version"], entry.get("description", ""))
        for name, entries in listed.items()
        for entry in entries
    }
    assert (index.findings, index.generated) == ((), "now")


REAL = sorted(Path(os.environ.get("PITRIX_SHARED", "/none"), "corpus", "index").rglob("*.yaml"))


@pytest.mark.skipif(
    not REAL,
    reason="needs FOLDER/corpus/index: PITRIX_SHARED=FOLDER pytest tests/unit/package",
)
def test_real_indexes_are_read() -> None:
    """All of their entries, but those with a finding."""
    refused = []
    for path in REAL:
        text = path.read_text("utf-8")
        try:
            index = read_index(text)
        except PackageInvalidError:
            refused.append(path.name)
            continue
        listed = yaml.load(text, Loader=LOADER)["entries"]  # noqa: S506  texts only
        count = sum(len(versions) for versions in listed.values()) if listed else 0
        assert len(index.entries) + len(index.findings) == count, path.name

    assert all("malformed" in name or "unversioned" in name for name in refused)


@pytest.mark.parametrize(
    ("entries", "findings"),
    [("{}", 0), ("", 0), ("[1]", 1), ("{a: 1}", 1), ("{[a]: 1}", None)],
)
def test_entries_of_any_form_do_no_harm(entries: str, findings: int | None) -> None:
    """An index without entries is empty, and one of another form has findings."""
    text = f"entries: {entries}\n"

    if findings is None:
        with pytest.raises(PackageInvalidError):
            read_index(text)
    else:
        assert len(read_index(text).findings) == findings


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("<html>not found</html>", "no entries", id="html"),
        pytest.param("a: b: c", "line 1, column 5", id="syntax"),
        pytest.param("entries: &a [*a]", "aliases", id="alias"),
        pytest.param("entries: " + "[" * 5000, "nested deeper", id="deep"),
        pytest.param("entries: \x00", "not YAML", id="control-character"),
        pytest.param("entries: {}\n--- a\n", "second document", id="two-documents"),
        pytest.param(f"entries: '{'x' * 9_000_000}'", "more than 8388608 bytes", id="huge-line"),
        pytest.param("a: &a b\nentries: {}\nb: *a", "aliases", id="alias-elsewhere"),
    ],
)
def test_what_is_no_index_is_refused(text: str, reason: str) -> None:
    """The message says why it cannot be read."""
    with pytest.raises(PackageInvalidError, match=reason):
        read_index(text)


def test_broken_yaml_has_its_place() -> None:
    """The finding has line and column of its own."""
    with pytest.raises(PackageInvalidError) as caught:
        read_index("entries:\n  a: b: c")

    [finding] = caught.value.findings
    assert (finding.code, finding.line, finding.column) == ("package.yaml", 2, 7)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A folder with one archive in it."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "package.json").write_text('{"name": "app", "version": "1.0.0", "app_version": "9"}')
    folder = tmp_path / "repo"
    folder.mkdir()
    built = build_archive(source)
    (folder / built.file_name).write_bytes(built.content)
    return folder


def test_a_folders_archives_are_listed(repo: Path) -> None:
    """The index that is written reads back as what was answered."""
    written = write_index(repo, now=NOW)

    [entry] = read_index((repo / "index.yaml").read_text()).entries
    assert written.entries == (entry,)
    assert (entry.name, entry.app_version, entry.created) == ("app", "9", "2026-08-01T12:00:00Z")
    assert entry.urls == ("app-1.0.0.tgz",)


def test_an_entry_that_is_listed_already_is_kept(repo: Path) -> None:
    """Writing an index again changes the time of the index only."""
    write_index(repo, now=NOW)
    again = write_index(repo, now=NOW + dt.timedelta(days=1))

    assert again.entries[0].created == "2026-08-01T12:00:00Z"
    assert again.generated == "2026-08-02T12:00:00Z"


def test_entries_without_an_archive_are_kept_whole(repo: Path) -> None:
    """Members this program does not know survive."""
    (repo / "index.yaml").write_text(GOOD)

    write_index(repo, now=NOW)

    assert "removed: 'true'" in (repo / "index.yaml").read_text()


def test_a_version_that_changed_is_refused(repo: Path) -> None:
    """Nothing is written, and the next step is said."""
    write_index(repo, now=NOW)
    text = (repo / "index.yaml").read_text()
    archive = repo / "app-1.0.0.tgz"
    source = repo.parent / "source"
    (source / "README.md").write_text("more")
    archive.write_bytes(build_archive(source).content)

    with pytest.raises(PackageDigestError, match=r"app 1\.0\.0"):
        write_index(repo, now=NOW)

    assert (repo / "index.yaml").read_text() == text


def test_an_archive_under_the_name_of_another_is_refused(repo: Path) -> None:
    """The index would promise a digest that the file does not have any more."""
    write_index(repo, now=NOW)
    built = build_archive(repo.parent / "source", version="2.0.0")
    (repo / "app-1.0.0.tgz").write_bytes(built.content)

    with pytest.raises(PackageDigestError, match=r"app 1\.0\.0 is listed with sha256:") as caught:
        write_index(repo, now=NOW)

    assert built.digest in caught.value.message


def test_two_archives_of_one_version_are_refused(repo: Path) -> None:
    """Which of them the version is, nobody could tell."""
    built = build_archive(repo.parent / "source", archive_format="zip")
    (repo / built.file_name).write_bytes(built.content)

    with pytest.raises(PackageDigestError, match=r"app-1\.0\.0\.zip"):
        write_index(repo, now=NOW)


def test_an_entry_without_a_digest_gets_its_archives(repo: Path) -> None:
    """From then on the archive cannot be changed unnoticed."""
    write_index(repo, now=NOW)
    index = repo / "index.yaml"
    lines = index.read_text().splitlines()
    index.write_text("\n".join(line for line in lines if "digest" not in line))

    [entry] = write_index(repo, now=NOW).entries

    assert entry.digest == build_archive(repo.parent / "source").digest


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["pipe", "folder"])
def test_what_is_called_like_an_archive_and_is_no_file_is_named(
    repo: Path, make: Callable[[Path], object]
) -> None:
    """Nobody waits for a pipe."""
    make(repo / "odd.tgz")

    with pytest.raises(PackageArchiveError, match=r"^odd\.tgz: it is not a file"):
        write_index(repo, now=NOW)


def test_an_archive_that_is_too_large_is_not_read(repo: Path) -> None:
    """No further than the limit."""
    with pytest.raises(PackageArchiveError, match="more than 10 bytes"):
        write_index(repo, now=NOW, limits=Limits(archive_bytes=10))


def test_a_bad_archive_is_named(repo: Path) -> None:
    """The message begins with the file's name."""
    (repo / "bad.tgz").write_bytes(b"x")

    with pytest.raises(PackageArchiveError, match=r"^bad\.tgz: "):
        write_index(repo, now=NOW)


def test_an_archive_without_metadata_is_named(repo: Path) -> None:
    """The message says which archive does not say its name and version."""
    (repo / "nameless.tgz").write_bytes(archives.tgz({"a.txt": b""}))

    with pytest.raises(PackageInvalidError, match=r"^nameless\.tgz: .*unknown"):
        write_index(repo, now=NOW)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """An index is not made where there is no folder."""
    with pytest.raises(PackageArchiveError, match="no such folder"):
        write_index(tmp_path / "nowhere", now=NOW)


def test_an_index_of_before_that_is_no_text_is_refused(repo: Path) -> None:
    """What is there is not thrown away."""
    (repo / "index.yaml").write_bytes(b"\xff\xfe")

    with pytest.raises(PackageInvalidError, match=r"index\.yaml"):
        write_index(repo, now=NOW)

    assert (repo / "index.yaml").read_bytes() == b"\xff\xfe"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.text(max_size=4)), max_size=6))
def test_a_mixed_up_index_is_read_or_refused(changes: list[tuple[int, str]]) -> None:
    """Nothing but our own error comes of it."""
    text = GOOD
    for place, piece in changes:
        text = text[:place] + piece + text[place + 2 :]

    try:
        entries = read_index(text).entries
    except PackageInvalidError as ex:
        assert ex.findings  # noqa: PT017  either outcome is right
    else:
        assert all(entry.urls for entry in entries)
