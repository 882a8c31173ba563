"""A repo of a web server is read as Helm reads it, and costs one request while it is unchanged."""

import gzip
from collections.abc import Callable, Iterator
from typing import Any

import core_world
import pytest
from fake_shelf import Files
from web import Asked, Said, Web, serving

from pitrix_core.catalog.fetcher import HttpFetcher
from pitrix_core.catalog.reach import Reach
from pitrix_core.catalog.sources.http import HttpCredential, HttpKind, HttpSettings
from pitrix_core.contracts.repo import Release
from pitrix_core.errors import (
    InvalidInputError,
    PackageDigestError,
    PackageInvalidError,
    RepoAuthError,
    RepoError,
    RepoNotFoundError,
    RepoTemporaryError,
)

INDEX = b"entries: {}"
Open = Callable[..., HttpKind]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Return a function that opens a repo of this machine."""
    fetcher = HttpFetcher(Reach.parse("127.0.0.0/8"))

    def run(url: str, *, credential: HttpCredential | None = None, **settings: Any) -> HttpKind:
        return HttpKind(
            url,
            settings=HttpSettings(**settings),
            credential=credential or HttpCredential(),
            fetcher=fetcher,
        )

    yield run
    fetcher.close()


def read_index(kind: HttpKind, known: str | None = None) -> tuple[str, bytes] | None:
    """Return an index's tag and bytes."""
    found = kind.read_index(known)
    if found is None:
        return None
    with found:
        return found.tag, found.file.read()


@pytest.mark.parametrize(
    "suffix", ["/stable", "/stable/", "/stable/index.yaml"], ids=["folder", "slash", "index"]
)
def test_an_index_is_read_below_the_url(opened: Open, suffix: str) -> None:
    """Whether or not the URL ends with a slash, or with the index itself."""
    with serving(lambda _: Said(body=INDEX)) as web:
        found = read_index(opened(web.url + suffix))

    assert found is not None
    assert found[1] == INDEX
    assert [asked.path for asked in web.asked] == ["/stable/index.yaml"]


def test_a_packed_index_is_unpacked(opened: Open) -> None:
    """Indexes are large, and pack well."""
    said = Said(headers={"Content-Encoding": "gzip"}, body=gzip.compress(INDEX))
    with serving(lambda _: said) as web:
        found = read_index(opened(web.url))

    assert found is not None
    assert found[1] == INDEX


def conditional(**validators: str) -> Callable[[Asked], Said]:
    """Return a server that says 304 to who knows what it has."""

    def answer(asked: Asked) -> Said:
        known = asked.headers.get("if-none-match") or asked.headers.get("if-modified-since")
        if known is not None and known in validators.values():
            return Said(status=304)
        return Said(headers=validators, body=INDEX)

    return answer


@pytest.mark.parametrize(
    "validators",
    [
        pytest.param({"ETag": '"one"'}, id="etag"),
        pytest.param({"ETag": 'W/"one"'}, id="weak-etag"),
        pytest.param({"Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT"}, id="date"),
    ],
)
def test_an_unchanged_index_costs_one_request(opened: Open, validators: dict[str, str]) -> None:
    """Which the server answers without it."""
    with serving(conditional(**validators)) as web:
        first = read_index(opened(web.url))
        assert first is not None
        second = read_index(opened(web.url), first[0])

    assert second is None
    assert len(web.asked) == 2


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"ETag": '"' + "x" * 5000 + '"'}, id="too-long-an-etag"),
        pytest.param({"Last-Modified": "Sat, 01 Jan 2095 00:00:00 GMT"}, id="just-changed"),
        pytest.param({"Last-Modified": "yesterday"}, id="no-date"),
    ],
)
def test_where_a_server_says_nothing_of_use_the_bytes_are_compared(
    opened: Open, headers: dict[str, str]
) -> None:
    """An index that was changed in this second may change once more in it."""
    with serving(lambda _: Said(headers=headers, body=INDEX)) as web:
        first = read_index(opened(web.url))
        assert first is not None
        second = read_index(opened(web.url), first[0])

    assert first[0].startswith("sha256:")
    assert second is None


def test_a_changed_index_is_read(opened: Open) -> None:
    """With another tag."""
    tags = iter(['"one"', '"two"'])
    with serving(lambda _: Said(headers={"ETag": next(tags)}, body=INDEX)) as web:
        first = read_index(opened(web.url))
        assert first is not None
        second = read_index(opened(web.url), first[0])

    assert second is not None
    assert second[0] != first[0]


def test_that_nothing_changed_is_not_believed_where_it_was_not_asked(opened: Open) -> None:
    """There would be no index at all."""
    with serving(lambda _: Said(status=304)) as web, pytest.raises(RepoError, match="304"):
        opened(web.url).read_index(None)


@pytest.mark.parametrize(
    ("credential", "header"),
    [
        pytest.param(
            HttpCredential(username="me", password="word"), "Basic bWU6d29yZA==", id="basic"
        ),
        pytest.param(HttpCredential(token="word"), "Bearer word", id="bearer"),
    ],
)
def test_a_credential_is_shown(opened: Open, credential: HttpCredential, header: str) -> None:
    """For the index and for what it names."""
    with serving(lambda _: Said(body=INDEX)) as web:
        kind = opened(web.url, credential=credential)
        read_index(kind)
        kind.read("a.tgz", limit_bytes=100)

    assert [asked.headers["authorization"] for asked in web.asked] == [header, header]


def test_archives_on_another_host_are_read_without_the_credential(opened: Open) -> None:
    """An index names whatever it likes."""
    with serving(lambda _: Said(body=b"there")) as other, serving(lambda _: Said()) as web:
        kind = opened(web.url, credential=HttpCredential(token="planted"))
        found = kind.read(f"{other.url}/a.tgz", limit_bytes=100)

    assert found == b"there"
    assert "authorization" not in other.asked[0].headers
    assert web.asked == []


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("a.tgz", "/stable/a.tgz"),
        ("charts/a b.tgz", "/stable/charts/a%20b.tgz"),
        ("../other/a.tgz", "/other/a.tgz"),
        ("/top.tgz", "/top.tgz"),
        ("a.tgz?token=1", "/stable/a.tgz?token=1"),
    ],
    ids=["beside", "below", "above", "top", "query"],
)
def test_addresses_are_relative_to_the_index(opened: Open, address: str, path: str) -> None:
    """As those of a page are."""
    with serving(lambda _: Said(body=b"x")) as web:
        opened(f"{web.url}/stable").read(address, limit_bytes=10)

    assert web.asked[0].path == path


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "oci://host/x", "http://[", "gopher://h"]
)
def test_other_addresses_are_refused(opened: Open, address: str) -> None:
    """Nothing of this machine is read."""
    with pytest.raises(RepoError):
        opened("http://127.0.0.1:1").read(address, limit_bytes=10)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, RepoNotFoundError),
        (401, RepoAuthError),
        (403, RepoAuthError),
        (429, RepoTemporaryError),
        (500, RepoTemporaryError),
        (503, RepoTemporaryError),
        (418, RepoError),
    ],
)
def test_a_refusal_becomes_the_matching_error(
    opened: Open, status: int, kind: type[RepoError]
) -> None:
    """What may pass is tried again; a signature need not be there."""
    with serving(lambda _: Said(status=status)) as web, pytest.raises(RepoError) as caught:
        opened(web.url).read("a.tgz", limit_bytes=10)

    assert type(caught.value) is kind
    assert str(caught.value) == f"{web.url}/a.tgz answers {status}."


@pytest.mark.parametrize(
    "url",
    ["http://", "https://user:planted@host/", "http://host/?a=planted", "http://[", "http://h:0x1"],
)
def test_urls_that_cannot_be_meant_are_refused(opened: Open, url: str) -> None:
    """Before anything is asked, and without what may be secret in them."""
    with pytest.raises(InvalidInputError) as caught:
        opened(url)

    assert caught.value.pointer == "/url"
    assert "planted" not in caught.value.message


@pytest.fixture
def files() -> Files:
    """What the server keeps."""
    return Files()


@pytest.fixture
def web(files: Files) -> Iterator[Web]:
    """The server."""
    with serving(files) as served:
        yield served


def release(version: str = "1.0.0", *, signature: bytes | None = None, more: str = "") -> Release:
    """Return a package to push."""

    archive = core_world.note("app", version, more=more)
    return Release(file_name=f"app-{version}.tgz", archive=archive, signature=signature)


def test_a_pushed_package_is_read_back(opened: Open, web: Web) -> None:
    """Archive, signature and index."""
    kind = opened(web.url)
    pushed = release(signature=b"signed")

    kind.push(pushed)

    index = read_index(kind)
    assert index is not None
    assert b"app-1.0.0.tgz" in index[1]
    assert kind.read("app-1.0.0.tgz", limit_bytes=10**6) == pushed.archive
    assert kind.read("app-1.0.0.tgz.minisig", limit_bytes=100) == b"signed"


def test_what_the_index_names_is_there_before_it(opened: Open, web: Web) -> None:
    """Nobody who reads it looks for something in vain."""
    opened(web.url).push(release(signature=b"signed"))

    assert [asked.path for asked in web.asked if asked.method == "PUT"] == [
        "/app-1.0.0.tgz",
        "/app-1.0.0.tgz.minisig",
        "/index.yaml",
    ]


def test_of_two_who_push_both_are_listed(opened: Open, web: Web, files: Files) -> None:
    """The second one writes the index between the first one's reading and writing it."""
    files.meanwhile = lambda: opened(web.url).push(release("2.0.0"))

    opened(web.url).push(release("1.0.0"))

    index = read_index(opened(web.url))
    assert index is not None
    assert b"app-1.0.0.tgz" in index[1]
    assert b"app-2.0.0.tgz" in index[1]


def test_pushing_the_same_again_changes_nothing(opened: Open, web: Web, files: Files) -> None:
    """A push whose answer was lost is repeated."""
    opened(web.url).push(release())
    before = dict(files.kept)

    opened(web.url).push(release())

    assert files.kept == before


def test_a_released_version_never_changes(opened: Open, web: Web, files: Files) -> None:
    """Other bytes of it are refused before anything is written."""
    opened(web.url).push(release())
    before = dict(files.kept)

    with pytest.raises(PackageDigestError, match="other bytes"):
        opened(web.url).push(release(more="words"))

    assert files.kept == before


def test_an_index_with_entries_that_cannot_be_read_is_left_alone(
    opened: Open, web: Web, files: Files
) -> None:
    """Somebody else may know what they are."""
    files.kept["/index.yaml"] = b"entries: {other: [{version: not a version, urls: [x]}]}"

    with pytest.raises(PackageInvalidError) as caught:
        opened(web.url).push(release())

    assert [finding.pointer for finding in caught.value.findings] == ["/entries/other/0/version"]
    assert b"other" in files.kept["/index.yaml"]


def test_a_server_that_takes_no_files_says_so(opened: Open) -> None:
    """With what can be done instead."""

    def answer(asked: Asked) -> Said:
        return Said(status=405 if asked.method == "PUT" else 404)

    with serving(answer) as web, pytest.raises(RepoError, match="takes no files") as caught:
        opened(web.url).push(release())

    assert "repo index" in (caught.value.next_step or "")
