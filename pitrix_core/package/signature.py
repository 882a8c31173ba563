"""Signatures of archives in the format of minisign: who is trusted, and what was signed.

A signature lies beside its archive as ``ARCHIVE.minisig``; a public key is one line of base64. Both
are read and written by minisign, too. What is verified is the archive's content: the signature of
one file is none of another. The comment before the signature, called untrusted by minisign, can be
changed by anybody, so nothing here reads it.

Source of the formats: https://jedisct1.github.io/minisign/#signature-format, read 2026-08.
"""

import base64
import binascii
import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pitrix_core.errors import PackageSignatureError

SIGNATURE_SUFFIX: Final = ".minisig"
#: Comments take up to 1 KiB and 8 KiB. Source: https://github.com/jedisct1/minisign,
#: src/minisign.h (COMMENTMAXBYTES, TRUSTEDCOMMENTMAXBYTES), read 2026-08.
SIGNATURE_LIMIT_BYTES: Final = 16 * 1024

#: The words at the beginning of keys and signatures: Ed25519 of the content itself (what minisign
#: made before 0.10, and can still make), and of its BLAKE2b-512.
PLAIN: Final = b"Ed"
HASHED: Final = b"ED"
COMMENT: Final = "untrusted comment: "
TRUSTED_COMMENT: Final = "trusted comment: "
_KEY_BYTES: Final = 2 + 8 + 32
_SIGNATURE_BYTES: Final = 2 + 8 + 64
_GLOBAL_BYTES: Final = 64
_SIGNATURE_LINES: Final = 4
#: Categories of characters that do not show, or change how others do; and halves of characters.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs"})


@attrs.frozen
class PublicKey:
    """What signatures of one vendor are verified with."""

    #: 16 hexadecimal digits, as minisign shows them; signatures name their key by it.
    id: str
    #: The key in one line, as ``minisign -P`` takes it.
    text: str = attrs.field(repr=False)
    #: Ed25519, 32 bytes.
    raw: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Signature:
    """What the file beside an archive says."""

    #: Which key made it, or so it claims.
    key_id: str
    #: Whether the content's BLAKE2b-512 was signed, and not the content.
    is_hashed: bool
    #: Ed25519, 64 bytes.
    raw: bytes = attrs.field(repr=False)
    #: What the signer says about the content; proven by ``proof``.
    trusted_comment: str
    #: Ed25519 of ``raw`` and the trusted comment, 64 bytes.
    proof: bytes = attrs.field(repr=False)


def verify(content: bytes, signature: bytes, *, keys: Sequence[PublicKey]) -> Signature:
    """Return what a signature says, once it is proven.

    :param content: all of the archive.
    :param signature: the file beside it.
    :param keys: those that are trusted; one of them has to have made it.
    :raises PackageSignatureError: it is no signature, is made by another key, or is one of another
        content; the message names its key and the trusted ones.
    """
    said = parse_signature(signature)
    candidates = [key for key in keys if key.id == said.key_id]
    if not candidates:
        raise PackageSignatureError(
            f"The archive is signed by key {said.key_id}, which is not trusted; "
            f"{trusted_words(keys)}.",
            next_step="Trust that key if it is its vendor's, or get the archive from the vendor.",
        )
    signed = hashlib.blake2b(content).digest() if said.is_hashed else content
    if not _has_signed(candidates, said.raw, signed):
        raise PackageSignatureError(
            f"The signature by key {said.key_id} is not one of this archive; "
            f"{trusted_words(keys)}.",
            next_step="One of the two was changed or mixed up: get both from the vendor again.",
        )
    if not _has_signed(candidates, said.proof, said.raw + said.trusted_comment.encode()):
        raise PackageSignatureError(
            f"The trusted comment of the signature by key {said.key_id} was changed.",
            next_step="Get the signature from the vendor again.",
        )
    return said


def trusted_words(keys: Iterable[PublicKey]) -> str:
    """Return what a message says about the keys that are trusted."""
    ids = sorted({key.id for key in keys})
    if not ids:
        return "no key is trusted"
    return f"trusted is {ids[0]}" if len(ids) == 1 else f"trusted are {', '.join(ids)}"


def parse_public_key(text: str) -> PublicKey:
    """Read a public key: the file that minisign makes, or just its second line.

    :raises PackageSignatureError: it is none.
    """
    lines = lines_of(text, "public key")
    if len(lines) == 2 and lines[0].startswith(COMMENT):  # noqa: PLR2004  comment and key
        lines = lines[1:]
    if len(lines) != 1:
        raise unreadable("public key", "it should be one line, or a comment and one line")
    raw = decoded(lines[0], "public key", size=_KEY_BYTES)
    if raw[:2] != PLAIN:
        raise unreadable("public key", "it is not one of Ed25519")
    return public_key(raw[2:10], raw[10:])


def public_key(number: bytes, raw: bytes) -> PublicKey:
    """Return a key from its number, 8 bytes, and its point, 32."""
    text = base64.b64encode(PLAIN + number + raw).decode()
    return PublicKey(id=key_id(number), text=text, raw=raw)


def key_id(number: bytes) -> str:
    """Return a key's number as minisign shows it: hexadecimal, the last byte first."""
    return f"{int.from_bytes(number, 'little'):016X}"


def parse_signature(content: bytes) -> Signature:
    """Read a signature; whether it is right is another question.

    :raises PackageSignatureError: it is none.
    """
    if len(content) > SIGNATURE_LIMIT_BYTES:
        raise unreadable("signature", f"it has more than {SIGNATURE_LIMIT_BYTES} bytes")
    lines = lines_of(content.decode("utf-8", "replace"), "signature")
    if len(lines) != _SIGNATURE_LINES or not lines[0].startswith(COMMENT):
        raise unreadable("signature", "it should be a comment, a line, a trusted comment, a line")
    if not lines[2].startswith(TRUSTED_COMMENT):
        raise unreadable("signature", "line 3 should begin with 'trusted comment: '")
    raw = decoded(lines[1], "signature", size=_SIGNATURE_BYTES)
    if raw[:2] not in (PLAIN, HASHED):
        raise unreadable("signature", "it is not one of Ed25519")
    return Signature(
        key_id=key_id(raw[2:10]),
        is_hashed=raw[:2] == HASHED,
        raw=raw[10:],
        trusted_comment=lines[2].removeprefix(TRUSTED_COMMENT),
        proof=decoded(lines[3], "signature", size=_GLOBAL_BYTES),
    )


def lines_of(text: str, what: str) -> list[str]:
    """Return the lines of a file of minisign's.

    :param what: is read, for the message.
    :raises PackageSignatureError: it holds what could not be shown to a person.
    """
    lines = text.removesuffix("\n").replace("\r\n", "\n").removesuffix("\r").split("\n")
    for line in lines:
        if any(unicodedata.category(c) in _UNSEEN for c in line if c != "\t"):
            raise unreadable(what, "it holds control characters")
        if "\N{REPLACEMENT CHARACTER}" in line:
            raise unreadable(what, "it is not UTF-8")
    return lines


def decoded(line: str, what: str, *, size: int) -> bytes:
    """Return what a line of base64 holds.

    :raises PackageSignatureError: it is none, or not of that many bytes.
    """
    try:
        raw = base64.b64decode(line.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as ex:
        raise unreadable(what, "it is not base64") from ex
    if len(raw) != size:
        raise unreadable(what, f"it has {len(raw)} bytes instead of {size}")
    if base64.b64encode(raw).decode() != line:  # its last letter has bits that say nothing
        raise unreadable(what, "its base64 is not as minisign writes it")
    return raw


def unreadable(what: str, reason: str) -> PackageSignatureError:
    """Return the error for a key or signature that cannot be read."""
    return PackageSignatureError(
        f"This is not a {what} of minisign's: {reason}.",
        next_step="Get the file again from where it comes.",
    )


def _has_signed(keys: Iterable[PublicKey], raw: bytes, content: bytes) -> bool:
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(raw, content)
        except (InvalidSignature, ValueError):  # the latter: 32 bytes that are no point
            continue
        return True
    return False
