"""Secret keys in the format of minisign, and signing with them.

A secret key's file is encrypted with a password by default: scrypt makes a pad as long as the key,
and the two are xored. Source: https://jedisct1.github.io/minisign/#secret-key-format, read 2026-08;
libsodium's limits and how they become scrypt's parameters:
https://github.com/jedisct1/libsodium,
src/libsodium/crypto_pwhash/scryptsalsa208sha256/pwhash_scryptsalsa208sha256.c (pickparams).
"""

import base64
import hashlib
import hmac
import os
from typing import Final

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pitrix_core.errors import PackageSignatureError
from pitrix_core.package.signature import (
    COMMENT,
    HASHED,
    PLAIN,
    TRUSTED_COMMENT,
    PublicKey,
    decoded,
    key_id,
    lines_of,
    public_key,
    unreadable,
)

_WHAT: Final = "secret key"
_SCRYPT: Final = b"Sc"
_NOTHING: Final = b"\0\0"
_BLAKE2B: Final = b"B2"
_FILE_BYTES: Final = 2 + 2 + 2 + 32 + 8 + 8 + 104
#: Number, seed and point of the key, and a checksum: what is encrypted.
_PAD_BYTES: Final = 8 + 64 + 32
_CHECKSUM_BYTES: Final = 32
_KEY_LINES: Final = 2
#: Trusted comments longer than this cannot be read by minisign. Source: as SIGNATURE_LIMIT_BYTES.
_COMMENT_BYTES: Final = 8192 - len(TRUSTED_COMMENT) - 1
#: scrypt's block size, as libsodium has it.
_BLOCK_SIZE: Final = 8
_LEAST_OPERATIONS: Final = 32_768


@attrs.frozen(kw_only=True)
class Effort:
    """How hard a password is to guess: what opening the key's file costs."""

    #: libsodium's opslimit.
    operations: int
    #: libsodium's memlimit.
    memory_bytes: int


#: What minisign takes where there is enough memory: a few seconds, and 1 GiB.
#: Source: libsodium, crypto_pwhash_scryptsalsa208sha256.h (SENSITIVE), read 2026-08.
SENSITIVE: Final = Effort(operations=33_554_432, memory_bytes=1_073_741_824)


@attrs.frozen(kw_only=True)
class SigningKey:
    """What archives are signed with; never printed, never sent anywhere."""

    number: bytes
    seed: bytes = attrs.field(repr=False)

    @property
    def id(self) -> str:
        """16 hexadecimal digits, as minisign shows them."""
        return key_id(self.number)

    @property
    def public(self) -> PublicKey:
        """What its signatures are verified with."""
        return public_key(self.number, _point(self.seed))


@attrs.frozen(kw_only=True)
class KeyFile:
    """A secret key as its file holds it."""

    #: None where there is no password.
    effort: Effort | None
    salt: bytes = attrs.field(repr=False)
    sealed: bytes = attrs.field(repr=False)


def make_key() -> SigningKey:
    """Return a new key."""
    return SigningKey(number=os.urandom(8), seed=os.urandom(32))


def sign(content: bytes, key: SigningKey, *, trusted_comment: str) -> str:
    """Return the text of an archive's ``.minisig``.

    :param trusted_comment: one line, at most 8 KiB; whoever verifies is shown it.
    :raises PackageSignatureError: the comment cannot be written.
    """
    is_line = lines_of(trusted_comment, "trusted comment") == [trusted_comment]
    comment = trusted_comment.encode()
    if not is_line or len(comment) > _COMMENT_BYTES:
        raise PackageSignatureError(
            f"A trusted comment is one line of at most {_COMMENT_BYTES} bytes."
        )
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    raw = private.sign(hashlib.blake2b(content).digest())
    lines = (
        f"{COMMENT}signature by key {key.id}",
        _encoded(HASHED + key.number + raw),
        TRUSTED_COMMENT + trusted_comment,
        _encoded(private.sign(raw + comment)),
    )
    return "".join(f"{line}\n" for line in lines)


def public_key_text(key: SigningKey) -> str:
    """Return the text of a public key's file."""
    return f"{COMMENT}public key {key.id}\n{key.public.text}\n"


def key_text(key: SigningKey, *, password: str | None, effort: Effort = SENSITIVE) -> str:
    """Return the text of a secret key's file.

    :param password: what it is encrypted with; None leaves it readable for whoever has the file.
    """
    opened = key.number + key.seed + _point(key.seed) + _checksum(key.number, key.seed)
    if password is None:
        head = PLAIN + _NOTHING + _BLAKE2B + bytes(32 + 8 + 8)
        return f"{COMMENT}secret key {key.id}, not encrypted\n{_encoded(head + opened)}\n"
    salt = os.urandom(32)
    head = PLAIN + _SCRYPT + _BLAKE2B + salt
    head += effort.operations.to_bytes(8, "little") + effort.memory_bytes.to_bytes(8, "little")
    sealed = _xored(opened, _pad(password, salt, effort))
    return f"{COMMENT}secret key {key.id}, encrypted\n{_encoded(head + sealed)}\n"


def parse_key_file(text: str) -> KeyFile:
    """Read a secret key's file, without opening it.

    :raises PackageSignatureError: it is none, or opening it would cost more than minisign takes.
    """
    lines = lines_of(text, _WHAT)
    if len(lines) != _KEY_LINES or not lines[0].startswith(COMMENT):
        raise unreadable(_WHAT, "it should be a comment and a line")
    raw = decoded(lines[1], _WHAT, size=_FILE_BYTES)
    encryption, checksum = raw[2:4], raw[4:6]
    if raw[:2] != PLAIN or checksum != _BLAKE2B or encryption not in (_SCRYPT, _NOTHING):
        raise unreadable(_WHAT, "its algorithms are not Ed25519, BLAKE2b, and scrypt or none")
    if encryption == _NOTHING:
        return KeyFile(effort=None, salt=b"", sealed=raw[54:])
    effort = Effort(
        operations=int.from_bytes(raw[38:46], "little"),
        memory_bytes=int.from_bytes(raw[46:54], "little"),
    )
    if effort.operations > SENSITIVE.operations or effort.memory_bytes > SENSITIVE.memory_bytes:
        raise unreadable(_WHAT, "opening it would take more than minisign's 1 GiB of memory")
    return KeyFile(effort=effort, salt=raw[6:38], sealed=raw[54:])


def open_key(file: KeyFile, *, password: str | None) -> SigningKey:
    """Return the key in a file.

    :raises PackageSignatureError: the password is wrong or missing, there is not the memory that it
        takes, or the file is damaged.
    """
    opened = file.sealed
    if file.effort is not None:
        if password is None:
            raise PackageSignatureError("The secret key is encrypted, and no password was given.")
        opened = _xored(file.sealed, _pad(password, file.salt, file.effort))
    number, seed, point = opened[:8], opened[8:40], opened[40:72]
    # NOTE(checksum): minisign leaves it empty in a key without a password
    is_whole = file.effort is None or hmac.compare_digest(opened[72:], _checksum(number, seed))
    if not is_whole or point != _point(seed):
        raise PackageSignatureError(
            "The secret key cannot be opened: the password is wrong."
            if file.effort
            else "The secret key is damaged: its halves do not belong together.",
            next_step="Say the password it was made with, or use the copy you kept.",
        )
    return SigningKey(number=number, seed=seed)


def _pad(password: str, salt: bytes, effort: Effort) -> bytes:
    """Return what is xored with a key.

    :raises PackageSignatureError: there is not that much memory.
    """
    cost, parallel = _scrypt_parameters(effort)
    try:
        scrypt = Scrypt(salt=salt, length=_PAD_BYTES, n=cost, r=_BLOCK_SIZE, p=parallel)
        return scrypt.derive(password.encode("utf-8", "surrogateescape"))
    except MemoryError as ex:
        raise PackageSignatureError(
            "The secret key cannot be opened: that takes "
            f"{effort.memory_bytes // 1024**2} MiB of memory.",
            next_step="Sign on a machine with more memory.",
        ) from ex


def _scrypt_parameters(effort: Effort) -> tuple[int, int]:
    """Return scrypt's N and p, as libsodium's ``pickparams`` finds them."""
    operations = max(effort.operations, _LEAST_OPERATIONS)
    if operations < effort.memory_bytes // 32:
        return _power_below(operations // (_BLOCK_SIZE * 4)), 1
    cost = _power_below(effort.memory_bytes // (_BLOCK_SIZE * 128))
    return cost, max(1, operations // 4 // cost // _BLOCK_SIZE)


def _power_below(limit: int) -> int:
    """Return the largest power of two that is not above a limit; at least 2."""
    return 1 << max(1, limit.bit_length() - 1)


def _checksum(number: bytes, seed: bytes) -> bytes:
    whole = PLAIN + number + seed + _point(seed)
    return hashlib.blake2b(whole, digest_size=_CHECKSUM_BYTES).digest()


def _point(seed: bytes) -> bytes:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _xored(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
