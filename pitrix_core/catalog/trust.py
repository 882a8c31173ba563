"""Decides whether a repo takes a package, by who signed it."""

from collections.abc import Sequence

from pitrix_core.errors import PackageSignatureError
from pitrix_core.model import AppInfo
from pitrix_core.package.signature import (
    PublicKey,
    parse_public_key,
    trusted_words,
    verify,
)


def signer_of(content: bytes, signature: bytes | None, *, trusted_keys: Sequence[str]) -> str:
    """Return the id of the key that signed an archive.

    :param signature: None where there is none.
    :param trusted_keys: a repo's; at least one.
    :raises PackageSignatureError: it is not signed, or not by one of the keys, or the archive or
        the signature was changed; the message names the trusted keys, and the one that signed.
    """
    keys: list[PublicKey] = [parse_public_key(text) for text in trusted_keys]
    if signature is None:
        raise PackageSignatureError(
            f"The archive is not signed; {trusted_words(keys)}.",
            next_step="Let its vendor sign it, and put the signature beside the archive: "
            "pitrix package sign ARCHIVE --key KEYFILE",
        )
    return verify(content, signature, keys=keys).key_id


def require_own_name(info: AppInfo, *, name: str, version: str) -> None:
    """Refuse a signed package under another name or version than its own.

    Nobody signed the index: it could pass an old release off as a new one, or one app as another.

    :param name: what the index calls it.
    :raises PackageSignatureError: it does.
    """
    if (name, version) != (info.name, info.version):
        raise PackageSignatureError(
            f"The index calls it {name} {version}, and what was signed says "
            f"{info.name} {info.version}.",
            next_step="Build the index again: pitrix repo index FOLDER/",
        )
