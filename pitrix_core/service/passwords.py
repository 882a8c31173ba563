"""Passwords: how they are kept, and how one is checked."""

import functools
import unicodedata
from typing import Final

import argon2

from pitrix_core.errors import InvalidInputError

#: Characters. Source: NIST SP 800-63B-4, 3.1.1.2: 15 where nothing else is asked for.
_SHORTEST: Final = 15
#: So that hashing one is no way to keep the server busy.
_LONGEST: Final = 1024


def require_good(password: str) -> None:
    """Make sure that a password can be one.

    :raises InvalidInputError: it is too short, or too long.
    """
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise InvalidInputError(
            f"A password has {_SHORTEST} to {_LONGEST} characters.",
            pointer="/password",
            next_step="Take a few words that nobody says one after the other.",
        )


def hashed(password: str) -> str:
    """Return what is stored of a password: argon2id with the library's parameters and a salt."""
    return argon2.PasswordHasher().hash(_normal(password))


def is_right(kept: str | None, password: str) -> bool:
    """Say whether a password is the one that is kept.

    :param kept: what :func:`hashed` returned; None takes just as long as a wrong password, so that
        nobody learns which names there are.
    """
    try:
        argon2.PasswordHasher().verify(kept or _nobodys(), _normal(password))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Say whether it was made with other parameters than are used now."""
    return argon2.PasswordHasher().check_needs_rehash(kept)


@functools.cache
def _nobodys() -> str:
    return hashed("what nobody's password is checked with")


def _normal(password: str) -> str:
    """Return one of the ways to write the same characters; keyboards differ.

    Source: NIST SP 800-63B-4, 3.1.1.2.
    """
    return unicodedata.normalize("NFKC", password[: _LONGEST + 1])
