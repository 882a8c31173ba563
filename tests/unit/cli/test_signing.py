"""``package keygen``, ``sign`` and ``verify``, ``package build --sign``, and ``repo add --key``."""

import getpass
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Result
from stand_in import StandIn

from pitrix_core.cli.authoring.signing import write_keys
from pitrix_core.package.signature import parse_public_key
from pitrix_core.package.signing_key import Effort

Command = Callable[..., Result]
#: A password that costs next to nothing to try.
EASY = Effort(operations=32_768, memory_bytes=1024 * 1024)


@pytest.fixture(autouse=True)
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait for a password."""
    monkeypatch.delenv("PITRIX_SIGNING_PASSWORD", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with the least a package needs to be packed."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "etcd", "version": "0.1.0"}')
    return folder


@pytest.fixture
def archive(source: Path, tmp_path: Path, type_command: Command) -> Path:
    """An archive that nobody signed."""
    type_command("package", "build", str(source), "-o", str(tmp_path / "repo"))
    return tmp_path / "repo" / "etcd-0.1.0.tgz"


@pytest.fixture
def bare_key(tmp_path: Path) -> Path:
    """A secret key without a password; its public half is ``vendor.pub``."""
    return write_keys(tmp_path / "vendor.key", password=None).secret


@pytest.fixture
def locked_key(tmp_path: Path) -> Path:
    """A secret key with the password ``right``."""
    return write_keys(tmp_path / "locked.key", password="right", effort=EASY).secret


# -- keys ------------------------------------------------------------------------------------------


def test_a_key_is_made(tmp_path: Path, type_command: Command) -> None:
    """Its secret half is for its owner alone, and its public half is told."""
    result = type_command("package", "keygen", str(tmp_path / "acme.key"), "--no-password")

    assert result.code == 0
    public = parse_public_key((tmp_path / "acme.pub").read_text())
    assert public.id in result.out
    assert public.text in result.out
    assert stat.S_IMODE((tmp_path / "acme.key").stat().st_mode) == 0o600


def test_a_key_has_a_password_by_default(
    tmp_path: Path, archive: Path, type_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one in the environment; without it the key is of no use."""
    key = tmp_path / "acme.key"
    monkeypatch.setenv("PITRIX_SIGNING_PASSWORD", "secret")
    made = type_command("package", "keygen", str(key))
    monkeypatch.delenv("PITRIX_SIGNING_PASSWORD")

    result = type_command("package", "sign", str(archive), "--key", str(key))

    assert made.code == 0
    assert result.code == 1
    assert "PITRIX_SIGNING_PASSWORD" in result.err


@pytest.mark.parametrize("taken", ["acme.key", "acme.pub"])
def test_no_key_is_overwritten(tmp_path: Path, type_command: Command, taken: str) -> None:
    """A lost secret key cannot be had again."""
    (tmp_path / taken).write_text("old")

    result = type_command("package", "keygen", str(tmp_path / "acme.key"), "--no-password")

    assert result.code == 1
    assert taken in result.err
    assert [file.read_text() for file in tmp_path.glob("acme.*")] == ["old"]


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        pytest.param("acme.key", "", "password is empty", id="empty-password"),
        pytest.param("acme.pub", "x", "what the public key is called", id="name-of-the-other-half"),
        pytest.param("nowhere/acme.key", "x", "cannot be written", id="no-such-folder"),
    ],
)
def test_a_key_that_cannot_be_made_says_why(
    tmp_path: Path,
    type_command: Command,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    password: str,
    reason: str,
) -> None:
    """And nothing is left behind."""
    monkeypatch.setenv("PITRIX_SIGNING_PASSWORD", password)

    result = type_command("package", "keygen", str(tmp_path / name))

    assert result.code == 1
    assert reason in result.err
    assert list(tmp_path.glob("**/acme.*")) == []


# -- signing and verifying -------------------------------------------------------------------------


def test_an_archive_is_signed_and_verified(
    tmp_path: Path, archive: Path, bare_key: Path, type_command: Command
) -> None:
    """With the public half of the key, from its file."""
    signed = type_command("package", "sign", str(archive), "--key", str(bare_key))
    result = type_command(
        "package", "verify", str(archive), "--key", str(tmp_path / "vendor.pub"), "--json"
    )

    assert (signed.code, result.code) == (0, 0)
    key = parse_public_key((tmp_path / "vendor.pub").read_text())
    said = json.loads(result.out)
    assert said["signed_by"] == key.id
    assert said["digest"].startswith("sha256:")
    assert "file:etcd-0.1.0.tgz" in said["trusted_comment"]


def test_a_key_may_be_given_in_words(
    tmp_path: Path, archive: Path, bare_key: Path, type_command: Command
) -> None:
    """As it stands on a vendor's page; what the terminal shows names the key."""
    type_command("package", "sign", str(archive), "--key", str(bare_key))
    key = parse_public_key((tmp_path / "vendor.pub").read_text())

    result = type_command("package", "verify", str(archive), "--key", key.text)

    assert result.code == 0
    assert ["signed", "by", key.id] in [line.split() for line in result.out.splitlines()]


def test_programs_are_told_the_files(archive: Path, bare_key: Path, type_command: Command) -> None:
    """Of every archive that was signed."""
    words = ("package", "sign", str(archive), "--key", str(bare_key), "--json")

    said = json.loads(type_command(*words).out)

    assert said["signatures"] == [f"{archive}.minisig"]


@pytest.mark.parametrize("verb", ["sign", "verify"])
def test_a_signature_that_is_no_file_is_told(
    tmp_path: Path, archive: Path, bare_key: Path, type_command: Command, verb: str
) -> None:
    """It can be neither written nor read."""
    archive.with_name("etcd-0.1.0.tgz.minisig").mkdir()
    key = bare_key if verb == "sign" else tmp_path / "vendor.pub"

    result = type_command("package", verb, str(archive), "--key", str(key))

    assert result.code == 1
    assert "etcd-0.1.0.tgz.minisig cannot be" in result.err


def test_signing_again_changes_nothing(
    archive: Path, bare_key: Path, type_command: Command
) -> None:
    """A signature that is right stays; a wrong one is made anew."""
    words = ("package", "sign", str(archive), "--key", str(bare_key))
    signature = archive.with_name("etcd-0.1.0.tgz.minisig")
    type_command(*words)
    first = signature.read_text()
    signature.touch()
    type_command(*words)
    second = signature.read_text()
    signature.write_text("damaged")

    type_command(*words)

    assert first == second
    assert signature.read_text().startswith("untrusted comment: ")


def test_the_password_is_taken_from_the_environment(
    archive: Path, locked_key: Path, type_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As build machines need it."""
    monkeypatch.setenv("PITRIX_SIGNING_PASSWORD", "right")

    assert type_command("package", "sign", str(archive), "--key", str(locked_key)).code == 0


def test_the_password_is_asked_for(
    archive: Path, locked_key: Path, type_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where somebody is there, who does not see it."""
    asked: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda *words, **more: asked.append("x") or "right")

    result = type_command("package", "sign", str(archive), "--key", str(locked_key))

    assert result.code == 0
    assert asked == ["x"]


def test_a_wrong_password_is_told(
    archive: Path, locked_key: Path, type_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is signed."""
    monkeypatch.setenv("PITRIX_SIGNING_PASSWORD", "wrong")

    result = type_command("package", "sign", str(archive), "--key", str(locked_key))

    assert result.code == 1
    assert "password is wrong" in result.err
    assert not archive.with_name("etcd-0.1.0.tgz.minisig").exists()


def test_what_is_no_archive_is_not_signed(
    tmp_path: Path, bare_key: Path, type_command: Command
) -> None:
    """A signature says something about a package."""
    file = tmp_path / "x.tgz"
    file.write_text("x")

    result = type_command("package", "sign", str(file), "--key", str(bare_key))

    assert result.code == 1
    assert "neither a gzipped tar nor a zip" in result.err
    assert not file.with_name("x.tgz.minisig").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda a, s: s.unlink(), "is not signed", id="unsigned"),
        pytest.param(
            lambda a, s: a.write_bytes(a.read_bytes() + b"\0"), "not one of", id="changed"
        ),
        pytest.param(lambda a, s: s.write_text("x"), "not a signature", id="damaged"),
    ],
)
def test_an_archive_that_is_not_as_signed_is_refused(
    tmp_path: Path,
    archive: Path,
    bare_key: Path,
    type_command: Command,
    change: Callable[[Path, Path], object],
    reason: str,
) -> None:
    """By the exit code too."""
    type_command("package", "sign", str(archive), "--key", str(bare_key))
    change(archive, archive.with_name("etcd-0.1.0.tgz.minisig"))

    result = type_command("package", "verify", str(archive), "--key", str(tmp_path / "vendor.pub"))

    assert result.code == 1
    assert reason in result.err


def test_what_is_no_key_is_refused(archive: Path, type_command: Command) -> None:
    """Neither a file nor the key itself."""
    result = type_command("package", "verify", str(archive), "--key", "vendor.bup")

    assert result.code == 1
    assert "vendor.bup is neither a file nor a public key" in result.err


# -- building --------------------------------------------------------------------------------------


@pytest.mark.parametrize("archive_format", ["tgz", "zip"])
def test_a_package_is_built_and_signed(
    tmp_path: Path, source: Path, bare_key: Path, type_command: Command, archive_format: str
) -> None:
    """In one go; the signature lies beside the archive, and the index lists the archive alone."""
    output = tmp_path / "repo"

    result = type_command(
        *("package", "build", str(source), "-o", str(output)),
        *("--format", archive_format, "--sign", str(bare_key), "--json"),
    )

    archive = output / f"etcd-0.1.0.{archive_format}"
    assert json.loads(result.out)["signature"] == f"{archive}.minisig"
    assert json.loads(result.out)["versions"] == 1
    key = str(tmp_path / "vendor.pub")
    assert type_command("package", "verify", str(archive), "--key", key).code == 0


def test_a_key_that_cannot_be_opened_builds_nothing(
    tmp_path: Path, source: Path, locked_key: Path, type_command: Command
) -> None:
    """An unsigned archive would be released by mistake."""
    output = tmp_path / "repo"

    result = type_command(
        "package", "build", str(source), "-o", str(output), "--sign", str(locked_key)
    )

    assert result.code == 1
    assert not output.exists()


def test_a_second_archive_of_a_version_is_not_left_behind(
    tmp_path: Path, source: Path, archive: Path, bare_key: Path, type_command: Command
) -> None:
    """The index lists one: as a zip, the same version would have another digest."""
    result = type_command(
        *("package", "build", str(source), "-o", str(archive.parent)),
        *("--format", "zip", "--sign", str(bare_key)),
    )

    assert result.code == 1
    assert result.err.count("sha256:") == 2
    assert {file.name for file in archive.parent.iterdir()} == {archive.name, "index.yaml"}


def test_what_the_disk_gives_back_is_what_was_built(
    tmp_path: Path, source: Path, type_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that loses bytes releases nothing."""
    write = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda path, content: write(path, content[:-1]))

    result = type_command("package", "build", str(source), "-o", str(tmp_path / "repo"))

    assert result.code == 1
    assert "The build promises sha256:" in result.err
    assert list((tmp_path / "repo").glob("[!.]*")) == []


# -- trusting --------------------------------------------------------------------------------------


def test_a_repo_is_added_with_the_keys_that_are_trusted(
    tmp_path: Path, api: StandIn, bare_key: Path, pitrix: Command
) -> None:
    """The API is sent the keys, and a person is shown their ids."""
    key = parse_public_key((tmp_path / "vendor.pub").read_text())
    repo = {"id": "repo-1", "name": "mine", "url": "file:///r", "trusted_keys": [key.text]}
    api.answers("POST", "/v1/repos", repo, status=201)

    result = pitrix("repo", "add", "mine", "file:///r", "--key", str(tmp_path / "vendor.pub"))

    assert result.code == 0
    [asked] = api.asked("POST", "/v1/repos")
    assert asked.body["trusted_keys"] == [key.text]
    assert ["trusted", "keys", key.id] in [line.split() for line in result.out.splitlines()]


def test_versions_name_their_signer(api: StandIn, pitrix: Command) -> None:
    """Where somebody signed them."""
    version = {"id": "ver-1", "version": "1.0.0", "app_type": "vm", "state": "active"}
    api.lists("/v1/apps/etcd/versions", {**version, "signed_by": "55A8EB85AD736964"})

    result = pitrix("app", "versions", "etcd")

    assert "55A8EB85AD736964" in result.out
