"""Kinds of repos are loaded like other plugins, and nothing that they raise may surprise."""

import io
from typing import Any, ClassVar

import attrs
import pytest

from pitrix_core import RepoKind, errors
from pitrix_core.contracts.repo import IndexFile, Release
from pitrix_core.errors import InvalidInputError, RepoError, RepoNotFoundError
from pitrix_core.plugins.discovery import REPO_KINDS
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.plugins.repo_kinds import OpenRepo, open_repo, scheme_of
from pitrix_core.testing.entry_points import entry_point

#: In the place of a fetcher: nothing is fetched here.
NOBODY: Any = None


@attrs.frozen(kw_only=True)
class Account:
    """What the kind asks for."""

    password: str = attrs.field(default="", repr=False)


class Kept(RepoKind):
    """A repo in memory."""

    schemes: ClassVar[tuple[str, ...]] = ("kept",)
    credential: ClassVar[type] = Account

    def __init__(self, url: str, **given: Any) -> None:
        """Take everything."""

    def read_index(self, known: str | None) -> IndexFile | None:
        """Answer one that never changes."""
        return None if known == "one" else IndexFile(tag="one", file=io.BytesIO(b"entries: {}"))

    def read(self, address: str, *, limit_bytes: int) -> bytes:
        """Answer the address."""
        return address.encode()


class Halves(RepoKind):
    """Lacks what is abstract."""

    schemes = ("halves",)


class Future(Kept):
    """Was written for a contract that is not there yet."""

    schemes = ("future",)
    contract_version = 2


class Formless(Kept):
    """Has settings that no form can be drawn from."""

    schemes = ("formless",)
    settings = dict


@pytest.mark.parametrize(
    ("scheme", "plugin", "reason"),
    [
        pytest.param("halves", Halves, "lacks __init__, read, read_index", id="lacks-methods"),
        pytest.param("future", Future, "contract version 2", id="of-another-contract"),
        pytest.param("formless", Formless, "no attrs class", id="without-forms"),
        pytest.param("other", Kept, "does not have 'other'", id="another-scheme"),
        pytest.param("object", object(), "no subclass", id="an-object"),
        pytest.param("raises", ImportError("no sdk"), "no sdk", id="raises-at-import"),
    ],
)
def test_a_broken_kind_is_refused_by_name(scheme: str, plugin: object, reason: str) -> None:
    """With whose it is; the others work on."""
    registry = PluginRegistry(
        entry_points=[
            entry_point(REPO_KINDS, scheme, plugin, distribution="bad", version="0.3"),
            entry_point(REPO_KINDS, "kept", Kept),
        ]
    )

    with pytest.raises(errors.PluginLoadError, match=r"bad 0\.3.*" + reason):
        registry.repo_kind(scheme)
    assert registry.repo_kind("kept") is Kept


def test_the_cores_own_kinds_need_not_be_enabled() -> None:
    """Others do, where the operator names what is enabled."""
    registry = PluginRegistry(
        entry_points=[
            entry_point(REPO_KINDS, "kept", Kept, distribution="pitrix-core"),
            entry_point(REPO_KINDS, "other", Kept, distribution="others"),
        ],
        enabled=frozenset({"aws"}),
    )

    assert set(registry.repo_kinds()) == {"kept"}
    with pytest.raises(errors.PluginDisabledError):
        registry.repo_kind("other")


class Raising(Kept):
    """Raises what no contract knows."""

    def read_index(self, known: str | None) -> IndexFile | None:
        """Fail."""
        raise KeyError("planted")

    def read(self, address: str, *, limit_bytes: int) -> bytes:
        """Fail."""
        raise RecursionError

    def push(self, release: Release) -> None:
        """Fail."""
        raise OSError

    def close(self) -> None:
        """Fail."""
        raise ValueError


def test_what_a_kind_raises_is_an_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """Whose text may hold anything, so that only the log has it."""
    opened = OpenRepo(Raising("kept://x"))

    for call in (
        opened.read_index,
        lambda: opened.read("x", limit_bytes=1),
        lambda: opened.push(Release(file_name="x", archive=b"")),
    ):
        with pytest.raises(RepoError, match="Raising: unexpected") as caught:
            call()
        assert "planted" not in str(caught.value)
    opened.close()


class Talkative(Kept):
    """Repeats what it was given when it fails."""

    def __init__(self, url: str, *, credential: Account, **given: Any) -> None:
        """Keep the credential."""
        self._credential = credential

    def read_index(self, known: str | None) -> IndexFile | None:
        """Fail."""
        raise ValueError(f"cannot log in with {self._credential.password}")


def test_a_credential_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """It is taken out of what an unknown exception says."""
    credential = {"password": "planted-password"}
    opened = open_repo(Talkative, "kept://x", settings={}, credential=credential, fetcher=NOBODY)

    with pytest.raises(RepoError):
        opened.read_index()

    assert "cannot log in with [hidden]" in caplog.text
    assert "planted-password" not in caplog.text


class Careless(Kept):
    """Answers what it must not."""

    def read_index(self, known: str | None) -> Any:
        """Answer bytes."""
        return b"entries: {}"


def test_answers_that_break_the_contract_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Instead of going on with them."""
    with pytest.raises(RepoError):
        OpenRepo(Careless("kept://x")).read_index()
    with pytest.raises(RepoError):
        OpenRepo(Kept("kept://x")).read("four", limit_bytes=3)


def test_errors_of_ours_go_through() -> None:
    """They say what is to be done."""

    class Empty(Kept):
        def read(self, address: str, *, limit_bytes: int) -> bytes:
            raise RepoNotFoundError("There is nothing.")

    with pytest.raises(RepoNotFoundError, match=r"^There is nothing\.$"):
        OpenRepo(Empty("kept://x")).read("x", limit_bytes=1)


def test_a_kind_that_cannot_be_built_is_an_error_of_ours() -> None:
    """The contract lets it refuse URLs and settings, and nothing else stop it."""

    class Unbuilt(Kept):
        def __init__(self, url: str, **given: Any) -> None:
            raise ZeroDivisionError

    with pytest.raises(RepoError, match="clause 60"):
        open_repo(Unbuilt, "kept://x", settings={}, credential={}, fetcher=NOBODY)


def test_a_credential_that_does_not_fit_is_not_quoted() -> None:
    """It is a secret also where it is wrong."""
    with pytest.raises(InvalidInputError) as caught:
        open_repo(
            Kept, "kept://x", settings={}, credential={"password": {"planted": 1}}, fetcher=NOBODY
        )

    assert caught.value.pointer == "/credential/password"
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "/srv/repo", "host", "http://[", "x://["])
def test_urls_of_no_kind_are_refused(url: str) -> None:
    """With what can be written."""
    with pytest.raises(InvalidInputError) as caught:
        scheme_of(url)

    assert caught.value.pointer == "/url"
    assert "file:///FOLDER" in (caught.value.next_step or "")
