"""A repo that trusts keys offers what one of them signed, and nothing else."""

from collections.abc import Callable

import core_world
import pytest

from pitrix_core.errors import NotFoundError
from pitrix_core.package.signing_key import SigningKey, make_key, sign
from pitrix_core.store import Store
from pitrix_core.store.catalog import AppVersion
from pitrix_core.store.repos import Repo

Index = Callable[[], Repo]
VENDOR, OTHER = make_key(), make_key()


@pytest.fixture
def index(store: Store, repo: core_world.RepoFolder) -> Index:
    """Return a function that indexes a repo that trusts the vendor."""
    with store.begin() as tx:
        keys = (OTHER.public.text, VENDOR.public.text)
        tx.repos.add(
            Repo(
                id="repo-1",
                owner="admin",
                name="notes",
                url=repo.url,
                trusted_keys=keys,
                created_at=tx.now,
            )
        )

    def run() -> Repo:
        with store.read() as tx:
            known = tx.repos.get("repo-1")
        return core_world.indexer_of(store, core_world.registry_of()).index(known)

    return run


def add_signed(
    repo: core_world.RepoFolder,
    content: bytes,
    *,
    key: SigningKey = VENDOR,
    of: bytes | None = None,
) -> None:
    """Put an archive into a repo, and beside it a signature.

    :param of: what is signed instead of the archive.
    """
    repo.add(content)
    text = sign(content if of is None else of, key, trusted_comment="file:app-1.0.0.tgz")
    (repo.path / "app-1.0.0.tgz.minisig").write_text(text)


def versions(store: Store) -> list[AppVersion]:
    """Return what is offered."""
    with store.read() as tx:
        try:
            return tx.catalog.versions(tx.catalog.app("app").id)
        except NotFoundError:
            return []


def test_a_signed_package_is_offered_with_its_signer(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """Who signed it is kept with the version."""
    add_signed(repo, core_world.note())

    assert index().findings == ()
    assert [version.signed_by for version in versions(store)] == [VENDOR.id]


def test_any_of_the_trusted_keys_will_do(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """A vendor who changes the key has two for a while."""
    add_signed(repo, core_world.note(), key=OTHER)

    assert index().findings == ()
    assert [version.signed_by for version in versions(store)] == [OTHER.id]


def test_an_unsigned_package_is_left_out(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """The finding says who is trusted, and how to sign."""
    repo.add(core_world.note())

    [finding] = index().findings

    assert finding.code == "package_signature"
    assert "is not signed" in finding.message
    assert {VENDOR.id, OTHER.id} <= set(finding.message.replace(",", "").rstrip(".").split())
    assert "pitrix package sign" in (finding.next_step or "")
    assert versions(store) == []


@pytest.mark.parametrize(
    ("key", "of", "reason"),
    [
        pytest.param(VENDOR, b"an older archive", "not one of this archive", id="other-content"),
        pytest.param(
            SigningKey(number=VENDOR.number, seed=bytes(32)), None, "not one of", id="impostor"
        ),
        pytest.param(
            SigningKey(number=bytes(8), seed=bytes(32)),
            None,
            f"key {'0' * 16}, which",
            id="stranger",
        ),
    ],
)
def test_a_package_that_nobody_trusted_signed_is_left_out(
    store: Store,
    repo: core_world.RepoFolder,
    index: Index,
    key: SigningKey,
    of: bytes | None,
    reason: str,
) -> None:
    """Beside what is well, which is offered."""
    add_signed(repo, core_world.note(), key=key, of=of)

    [finding] = index().findings

    assert finding.code == "package_signature"
    assert reason in finding.message
    assert VENDOR.id in finding.message
    assert versions(store) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "not a signature", id="empty"),
        pytest.param(b"x" * 20_000, "larger than", id="large"),
    ],
)
def test_a_damaged_signature_is_told(
    store: Store, repo: core_world.RepoFolder, index: Index, content: bytes, reason: str
) -> None:
    """It counts as none."""
    repo.add(core_world.note())
    (repo.path / "app-1.0.0.tgz.minisig").write_bytes(content)

    [finding] = index().findings

    assert finding.code == "package_signature"
    assert reason in finding.message
    assert versions(store) == []


def test_a_signature_elsewhere_is_not_read(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """A link out of the repo's folder is not followed."""
    add_signed(repo, core_world.note())
    inside = repo.path / "app-1.0.0.tgz.minisig"
    inside.rename(repo.path.parent / "elsewhere")
    inside.symlink_to(repo.path.parent / "elsewhere")

    [finding] = index().findings

    assert "not a path inside" in finding.message
    assert versions(store) == []


@pytest.mark.parametrize(
    "listed", [("app", "2.0.0"), ("other", "1.0.0")], ids=["as-newer", "as-another-app"]
)
def test_an_old_release_cannot_be_passed_off_as_another(
    store: Store, repo: core_world.RepoFolder, index: Index, listed: tuple[str, str]
) -> None:
    """Nobody signs an index, so what was signed has to say itself what it is."""
    add_signed(repo, core_world.note())
    [entry] = repo.entries.pop("app")
    repo.list(listed[0], listed[1], urls=entry["urls"], digest=entry["digest"])

    [finding] = index().findings

    assert finding.code == "package_signature"
    assert f"{' '.join(listed)}, and what was signed says app 1.0.0" in finding.message
    assert versions(store) == []


def test_a_package_is_offered_once_it_was_signed(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """The index need not change for that."""
    repo.add(core_world.note())
    before = index()
    add_signed(repo, core_world.note())

    after = index()

    assert [finding.code for finding in before.findings] == ["package_signature"]
    assert after.findings == ()
    assert len(versions(store)) == 1


def test_the_archive_is_not_looked_into_before_it_is_trusted(
    store: Store, repo: core_world.RepoFolder, index: Index
) -> None:
    """What is no archive at all is refused for its signature."""
    repo.add(b"no archive")

    [finding] = index().findings

    assert finding.code == "package_signature"
