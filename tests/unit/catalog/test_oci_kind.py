"""A registry's tags become an index, and its artifacts packages, as Helm keeps charts there."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import core_world
import pytest
from fake_registry import Registry
from web import Said, Web, serving

from pitrix_core.catalog.fetcher import HttpFetcher
from pitrix_core.catalog.reach import Reach
from pitrix_core.catalog.sources import oci
from pitrix_core.catalog.sources.oci import OciCredential, OciKind, OciSettings
from pitrix_core.catalog.sources.registry import digest_of
from pitrix_core.contracts.repo import Release
from pitrix_core.errors import (
    InvalidInputError,
    PackageDigestError,
    RepoAuthError,
    RepoError,
    RepoNotFoundError,
)


@pytest.fixture
def registry() -> Registry:
    """What the registry keeps."""
    return Registry()


@pytest.fixture
def web(registry: Registry) -> Iterator[Web]:
    """Its server."""
    with serving(registry) as served:
        yield served


Open = Callable[..., OciKind]


@pytest.fixture
def opened(web: Web) -> Iterator[Open]:
    """Return a function that opens a place of the registry."""
    fetcher = HttpFetcher(Reach.parse("127.0.0.0/8"))

    def run(path: str = "charts", *, account: str = "", charts: tuple[str, ...] = ()) -> OciKind:
        username, _, password = account.partition(":")
        return OciKind(
            f"oci://127.0.0.1:{web.port}/{path}",
            settings=OciSettings(plain_http=True, charts=charts),
            credential=OciCredential(username=username, password=password),
            fetcher=fetcher,
        )

    yield run
    fetcher.close()


def listed(kind: OciKind) -> dict[str, list[dict[str, Any]]]:
    """Return the entries of the index."""
    found = kind.read_index(None)
    assert found is not None
    with found:
        entries: dict[str, list[dict[str, Any]]] = json.loads(found.file.read())["entries"]
    return entries


def test_tags_become_an_index(opened: Open, registry: Registry) -> None:
    """With what the artifact says of itself, and the digest of its archive."""
    archive = core_world.note()
    registry.tag("charts/app", "1.0.0", archive)

    kind = opened()
    [entry] = listed(kind)["app"]

    assert (entry["name"], entry["version"], entry["description"]) == ("app", "1.0.0", "a note")
    assert entry["digest"] == digest_of(archive)
    assert kind.read(entry["urls"][0], limit_bytes=10**6) == archive


def test_an_underscore_in_a_tag_is_a_plus(opened: Open, registry: Registry) -> None:
    """Tags cannot hold what versions can."""
    registry.tag("charts/app", "1.0.0_build.2", core_world.note())

    [entry] = listed(opened())["app"]

    assert entry["version"] == "1.0.0+build.2"
    assert entry["urls"][0].endswith("/charts/app:1.0.0_build.2")


def test_tags_that_are_no_versions_are_left_alone(opened: Open, registry: Registry) -> None:
    """Signatures of other programs, and names that move."""
    for tag in ("latest", "sha256-0a.sig", "1.0.0"):
        registry.tag("charts/app", tag, core_world.note())

    assert [entry["version"] for entry in listed(opened())["app"]] == ["1.0.0"]


def test_a_place_may_be_one_chart(opened: Open, registry: Registry) -> None:
    """As Helm's references are."""
    registry.tag("charts/app", "1.0.0", core_world.note())
    registry.tag("charts/other", "1.0.0", core_world.note())

    assert list(listed(opened("charts/app"))) == ["app"]


def test_charts_can_be_named_where_the_registry_does_not_list_them(
    opened: Open, registry: Registry
) -> None:
    """Many do not."""
    registry.lists_names = False
    registry.tag("charts/app", "1.0.0", core_world.note())

    with pytest.raises(RepoNotFoundError):
        opened().read_index(None)
    assert list(listed(opened(charts=("app",)))) == ["app"]


def test_every_page_of_tags_is_read(opened: Open, registry: Registry) -> None:
    """Registries list as many as they like."""
    registry.page_size = 2
    for number in range(5):
        registry.tag("charts/app", f"1.0.{number}", core_world.note())

    assert len(listed(opened())["app"]) == 5


def test_unchanged_tags_are_only_listed(opened: Open, registry: Registry, web: Web) -> None:
    """No artifact is looked at again."""
    registry.tag("charts/app", "1.0.0", core_world.note())
    found = opened(charts=("app",)).read_index(None)
    assert found is not None
    found.file.close()
    web.asked.clear()

    assert opened(charts=("app",)).read_index(found.tag) is None
    assert [asked.path for asked in web.asked] == ["/v2/charts/app/tags/list?n=1000"]


def test_one_bad_artifact_does_not_hide_the_others(opened: Open, registry: Registry) -> None:
    """It is listed without an address, which the indexer tells of."""
    registry.tag("charts/app", "1.0.0", core_world.note())
    registry.tag("charts/app", "2.0.0", core_world.note())
    registry.manifests["charts/app", "2.0.0"] = b'{"config": 5}'

    good, bad = listed(opened())["app"]

    assert "urls" in good
    assert "urls" not in bad


def test_an_index_that_would_be_too_large_is_not_made(
    opened: Open, registry: Registry, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever artifacts say of themselves; the rest is not asked for."""
    monkeypatch.setattr(oci, "INDEX_LIMIT_BYTES", 10_000)
    for number in range(5):
        registry.tag("charts/app", f"{number}.0.0", core_world.note(), {"description": "x" * 9000})

    with pytest.raises(RepoError, match="larger"):
        opened().read_index(None)

    assert not [asked for asked in web.asked if asked.path.endswith("/manifests/4.0.0")]


def test_bytes_that_are_not_the_promised_ones_are_refused(
    opened: Open, registry: Registry, web: Web
) -> None:
    """What is fetched is what the manifest names."""
    archive = core_world.note()
    registry.tag("charts/app", "1.0.0", archive)
    registry.blobs[digest_of(archive)] = b"other"

    with pytest.raises(RepoError, match="other bytes"):
        opened().read(f"oci://127.0.0.1:{web.port}/charts/app:1.0.0", limit_bytes=10**6)


@pytest.mark.parametrize(
    "address",
    ["oci://other.example/charts/app:1.0.0", "secret/app:1.0.0", "charts/../x:1", "charts/app", ""],
)
def test_addresses_outside_of_the_repo_are_refused(opened: Open, address: str) -> None:
    """An index of somebody else's names them."""
    with pytest.raises(RepoError, match="not inside"):
        opened().read(address, limit_bytes=10)


def test_a_token_is_fetched_with_the_credential(opened: Open, registry: Registry, web: Web) -> None:
    """Once for all that the same repository is asked for."""
    registry.account = "me:word"
    registry.tag("charts/app", "1.0.0", core_world.note())

    listed(opened(charts=("app",), account="me:word"))

    assert [asked.path for asked in web.asked].count(
        "/token?scope=repository%3Acharts%2Fapp%3Apull&service=test"
    ) == 1


@pytest.mark.parametrize("account", ["", "me:wrong"], ids=["nobody", "a-wrong-password"])
def test_a_credential_that_is_not_taken_is_told(
    opened: Open, registry: Registry, account: str
) -> None:
    """Without its password."""
    registry.account = "me:word"
    registry.tag("charts/app", "1.0.0", core_world.note())

    with pytest.raises(RepoAuthError) as caught:
        opened(account=account).read_index(None)

    assert "wrong" not in str(caught.value)


def test_a_password_is_not_sent_elsewhere_over_plain_http(opened: Open) -> None:
    """A registry may name any host to get tokens from."""
    challenge = {"WWW-Authenticate": 'Bearer realm="http://other.example/token"'}
    with serving(lambda _: Said(status=401, headers=challenge)) as web:
        fetcher = HttpFetcher(Reach.parse("127.0.0.0/8"))
        kind = OciKind(
            f"oci://127.0.0.1:{web.port}/charts",
            settings=OciSettings(plain_http=True),
            credential=OciCredential(username="me", password="planted"),
            fetcher=fetcher,
        )
        with pytest.raises(RepoAuthError, match="plain HTTP"):
            kind.read_index(None)
        fetcher.close()


def test_a_pushed_package_is_read_back(opened: Open, registry: Registry) -> None:
    """Under the tag of its version, with its signature."""
    archive = core_world.note("app", "1.0.0+b")
    registry.account = "me:word"
    kind = opened(account="me:word")

    kind.push(Release(file_name="app-1.0.0+b.tgz", archive=archive, signature=b"signed"))

    [entry] = listed(opened(charts=("app",), account="me:word"))["app"]
    assert kind.read(entry["urls"][0], limit_bytes=10**6) == archive
    assert kind.read(entry["urls"][0] + ".minisig", limit_bytes=100) == b"signed"


def test_an_artifact_without_a_signature_has_none(opened: Open, registry: Registry) -> None:
    """That is told from one that cannot be read."""
    registry.tag("charts/app", "1.0.0", core_world.note())
    [entry] = listed(opened())["app"]

    with pytest.raises(RepoNotFoundError):
        opened().read(entry["urls"][0] + ".minisig", limit_bytes=100)


def test_a_released_version_never_changes(opened: Open, registry: Registry) -> None:
    """The tag stays what it was."""
    kind = opened()
    kind.push(Release(file_name="app-1.0.0.tgz", archive=core_world.note()))
    before = dict(registry.manifests)

    with pytest.raises(PackageDigestError):
        kind.push(Release(file_name="app-1.0.0.tgz", archive=core_world.note(more="words")))

    assert registry.manifests == before


@pytest.mark.parametrize(
    "url",
    ["oci://", "oci://host/Charts", "oci://host/a:1.0.0", "oci://a:b@host/x", "oci://host/?x"],
)
def test_urls_that_cannot_be_meant_are_refused(url: str) -> None:
    """Before anything is asked."""
    with pytest.raises(InvalidInputError):
        OciKind(
            url,
            settings=OciSettings(),
            credential=OciCredential(),
            fetcher=HttpFetcher(Reach()),
        )
