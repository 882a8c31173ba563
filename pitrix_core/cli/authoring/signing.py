"""Signs archives with keys in files, verifies them, and makes keys."""

import datetime as dt
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import click

from pitrix_core.cli.problems import CliError
from pitrix_core.errors import PackageSignatureError
from pitrix_core.package import archive_bytes, digest_of, read_archive
from pitrix_core.package.signature import (
    SIGNATURE_LIMIT_BYTES,
    SIGNATURE_SUFFIX,
    PublicKey,
    Signature,
    parse_public_key,
    verify,
)
from pitrix_core.package.signing_key import (
    Effort,
    SigningKey,
    key_text,
    make_key,
    open_key,
    parse_key_file,
    public_key_text,
    sign,
)

#: The password of the key that is signed with, where nobody is there to type it.
PASSWORD_VARIABLE: Final = "PITRIX_SIGNING_PASSWORD"  # noqa: S105  no password
_PUBLIC_SUFFIX: Final = ".pub"
#: scrypt with N = 2^17, r = 8, p = 1 in libsodium's words: 128 MiB. minisign's own 1 GiB is more
#: than many build machines have. Source: OWASP, Password Storage Cheat Sheet, read 2026-08.
NEW_KEY_EFFORT: Final = Effort(operations=1 << 22, memory_bytes=1 << 27)


@attrs.frozen(kw_only=True)
class Verified:
    """An archive that a trusted key signed."""

    path: Path
    digest: str
    signature: Signature


@attrs.frozen(kw_only=True)
class KeyPair:
    """The two files of a new key."""

    secret: Path
    public: Path
    #: What others trust it by.
    key: PublicKey


def signature_path(archive: Path) -> Path:
    """Return where an archive's signature lies."""
    return archive.with_name(archive.name + SIGNATURE_SUFFIX)


def read_signing_key(path: Path) -> SigningKey:
    """Return the secret key in a file; its password is asked for if need be.

    :raises CliError: the file cannot be read, or nobody is there to give the password.
    :raises PackageSignatureError: it is no secret key, or the password is wrong.
    """
    file = parse_key_file(_text(path))
    return open_key(file, password=None if file.effort is None else _password(path))


def read_public_key(key: str) -> PublicKey:
    """Return a public key.

    :param key: the name of its file, or the key itself, in one line.
    :raises CliError: there is no such file, and it is no key either.
    :raises PackageSignatureError: what is in the file is no public key.
    """
    path = Path(key)
    if path.is_file():
        return parse_public_key(_text(path))
    try:
        return parse_public_key(key.strip())
    except PackageSignatureError as ex:
        raise CliError(
            f"{key} is neither a file nor a public key.",
            next_step="Name the .pub file, or give the key itself: it begins with RW.",
        ) from ex


def sign_archive(path: Path, key: SigningKey, *, now: dt.datetime) -> Path:
    """Write an archive's signature beside it; one by this key that is right is left as it is.

    :param now: aware; told in the trusted comment, as minisign does.
    :returns: the signature's file.
    :raises PackageArchiveError: it is no archive of a package.
    :raises CliError: the signature cannot be written.
    """
    content = archive_bytes(path)
    read_archive(content)
    beside = signature_path(path)
    if _is_signed(content, beside, key.public):
        return beside
    comment = f"timestamp:{int(now.timestamp())}\tfile:{path.name}\thashed"
    _write(beside, sign(content, key, trusted_comment=comment))
    return beside


def verify_archive(path: Path, *, keys: Sequence[PublicKey], signature: Path | None) -> Verified:
    """Verify an archive, and see that it is one of a package.

    :param signature: its file; None for the one beside the archive.
    :raises PackageSignatureError: there is none, or it is not one by these keys.
    :raises PackageArchiveError: what was signed is no archive.
    """
    content = archive_bytes(path)
    beside = signature or signature_path(path)
    if not beside.exists():
        raise PackageSignatureError(
            f"{path.name} is not signed: there is no {beside}.",
            next_step="Get the signature from the vendor, too.",
        )
    found = verify(content, _bytes(beside), keys=keys)
    read_archive(content)
    return Verified(path=path, digest=digest_of(content), signature=found)


def write_keys(path: Path, *, password: str | None, effort: Effort = NEW_KEY_EFFORT) -> KeyPair:
    """Make a key and write its two files; none is overwritten.

    :param path: of the secret key, which only its owner may read then; the public one is called
        the same, with ``.pub`` for its ending.
    :param password: None for a secret key that whoever has the file can use.
    :raises CliError: a file is there already, or cannot be written.
    """
    public = path.with_suffix(_PUBLIC_SUFFIX)
    if path == public:
        raise CliError(f"{path} is what the public key is called.", next_step="Name it NAME.key.")
    for taken in filter(Path.exists, (path, public)):
        raise CliError(
            f"{taken} is there already, and keys are never overwritten.",
            next_step="Name another file.",
        )
    key = make_key()
    _write_new(path, key_text(key, password=password, effort=effort), mode=0o600)
    _write_new(public, public_key_text(key), mode=0o644)
    return KeyPair(secret=path, public=public, key=key.public)


def new_password(path: Path) -> str:
    """Return the password for a new key, asked for twice where the environment has none.

    :raises CliError: nobody is there to give one, or it is empty.
    """
    given = os.environ.get(PASSWORD_VARIABLE)
    password = _asked(f"Password for {path}", is_new=True) if given is None else given
    if not password:
        raise CliError(
            "The password is empty.", next_step="Say --no-password for a key without one."
        )
    return password


def _password(path: Path) -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    return _asked(f"Password of {path}", is_new=False) if given is None else given


def _asked(question: str, *, is_new: bool) -> str:
    if not sys.stdin.isatty():
        raise CliError(
            "The key needs a password, and there is nobody to ask for it.",
            next_step=f"Put it into the environment, as {PASSWORD_VARIABLE}.",
        )
    return str(click.prompt(question, hide_input=True, err=True, confirmation_prompt=is_new))


def _is_signed(content: bytes, beside: Path, key: PublicKey) -> bool:
    if not beside.is_file():
        return False
    try:
        verify(content, _bytes(beside), keys=[key])
    except PackageSignatureError:
        return False
    return True


def _text(path: Path) -> str:
    return _bytes(path).decode("utf-8", "replace")


def _bytes(path: Path) -> bytes:
    """Read a key or a signature, and no more than is one."""
    try:
        with path.open("rb") as file:
            return file.read(SIGNATURE_LIMIT_BYTES + 1)
    except OSError as ex:
        raise CliError(f"{path} cannot be read: {ex.strerror}") from ex


def _write(path: Path, text: str) -> None:
    try:
        staged = path.with_name(f".{path.name}.part")
        staged.write_text(text, "utf-8", newline="\n")
        staged.replace(path)
    except OSError as ex:
        raise CliError(f"{path} cannot be written: {ex.strerror}") from ex


def _write_new(path: Path, text: str, *, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as ex:
        raise CliError(f"{path} cannot be written: {ex.strerror}") from ex
