"""What a Frontgate is known by: an enrolment for the first contact, signed tokens afterwards.

A token says whose it is, of which generation, and until when; it is stored nowhere. Its signature
is of a key derived from the installation's. Where that has several, tokens signed with any of them
are good, so that the installation's key can be changed with no Frontgate noticing.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from typing import Final

import attrs

from pitrix_core.errors import UnauthorizedError
from pitrix_core.store import Transaction
from pitrix_core.store.agents import Frontgate

#: For how long a token is good, and after how long a newer one is to be asked for.
_TOKEN_LASTS: Final = dt.timedelta(days=30)
_RENEW_AFTER: Final = dt.timedelta(days=1)
#: For how long an enrolment is good: a machine has to be made and to start in it.
ENROLMENT_LASTS: Final = dt.timedelta(hours=24)

_PURPOSE: Final = "pitrix: tokens of Frontgates"
_ENROLMENT_BYTES: Final = 32
#: Hexadecimal digits that tell one signing key from another.
_KEY_ID: Final = 12
#: Longer ones are not looked at; agents/protocol, common.schema.json.
_LONGEST: Final = 2048


@attrs.frozen(kw_only=True)
class Token:
    """A token as it is given to a Frontgate; the members are those of ``welcome``."""

    text: str = attrs.field(repr=False)
    expires_at: dt.datetime

    def members(self) -> dict[str, object]:
        """Return what ``welcome`` and ``token.renewed`` say about it."""
        return {
            "token": self.text,
            "renew_after_s": _RENEW_AFTER.total_seconds(),
            "expires_at": self.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def new_enrolment() -> str:
    """Make what a machine shows at its first contact: random, and long."""
    return secrets.token_urlsafe(_ENROLMENT_BYTES)


def let_enrol(tx: Transaction, frontgate: Frontgate) -> None:
    """Give a Frontgate a new enrolment; the one before is worth nothing from now on."""
    enrolment = new_enrolment()
    tx.secrets.replace(frontgate.secret_id, enrolment)
    expires_at = tx.now + ENROLMENT_LASTS
    tx.agents.let_enrol(frontgate.id, sha256=digest(enrolment), expires_at=expires_at)


def prolong_enrolment(tx: Transaction, frontgate: Frontgate) -> None:
    """Have an enrolment that was not used yet last its whole time from now: its machine is new."""
    if frontgate.enrolment_sha256 is not None:
        expires_at = tx.now + ENROLMENT_LASTS
        tx.agents.let_enrol(frontgate.id, sha256=frontgate.enrolment_sha256, expires_at=expires_at)


def end_enrolment(tx: Transaction, frontgate: Frontgate) -> None:
    """Make an enrolment worth nothing: the Frontgate has shown that it has a token."""
    if frontgate.enrolment_sha256 is not None:
        tx.secrets.replace(frontgate.secret_id, "")
        tx.agents.let_enrol(frontgate.id, sha256=None, expires_at=None)


def is_enrolment(tx: Transaction, frontgate: Frontgate, enrolment: str) -> bool:
    """Say whether a Frontgate may have a token for what it shows."""
    wanted, ends = frontgate.enrolment_sha256, frontgate.enrolment_expires_at
    if wanted is None or ends is None or ends <= tx.now:
        return False
    return hmac.compare_digest(wanted, digest(enrolment))


def issue(tx: Transaction, frontgate: Frontgate) -> Token:
    """Sign a token for a Frontgate."""
    expires_at = (tx.now + _TOKEN_LASTS).replace(microsecond=0)
    claims = [frontgate.id, frontgate.generation, int(expires_at.timestamp())]
    content = _encoded(json.dumps(claims).encode())
    key, *_ = tx.secrets.derived(_PURPOSE)
    signed = f"{content}.{_key_id(key)}"
    tx.agents.note_token(frontgate.id, expires_at=expires_at)
    return Token(text=f"{signed}.{_signature(key, signed)}", expires_at=expires_at)


def require(tx: Transaction, frontgate: Frontgate, text: str) -> None:
    """Make sure that a token is this Frontgate's, and still good.

    :raises UnauthorizedError: it is not; the message tells what helps, once it was signed here.
    """
    claims = _claims(text, tx.secrets.derived(_PURPOSE))
    if claims is None or claims[0] != frontgate.id:
        raise unknown()
    _, generation, expires_at_s = claims
    require_generation(frontgate, generation)
    if expires_at_s <= tx.now.timestamp():
        raise UnauthorizedError("The Frontgate's token has ended.", next_step=_step(frontgate))


def require_generation(frontgate: Frontgate, generation: int) -> None:
    """Make sure that what a Frontgate shows was not revoked.

    :raises UnauthorizedError: it was.
    """
    if generation != frontgate.generation:
        raise UnauthorizedError("The Frontgate's token was revoked.", next_step=_step(frontgate))


def _step(frontgate: Frontgate) -> str:
    return f"Give it a new machine with an enrolment: pitrix frontgate renew {frontgate.id}"


def unknown() -> UnauthorizedError:
    """Return the error that does not say which of the two it is."""
    return UnauthorizedError("The Frontgate is not known, or its token is wrong.")


def _claims(text: str, keys: Sequence[bytes]) -> tuple[str, int, int] | None:
    """Read a token that was signed with one of the keys."""
    signed, _, signature = text.rpartition(".")
    content, _, key_id = signed.rpartition(".")
    if len(text) > _LONGEST or not text.isascii():
        return None
    for key in keys:
        is_signed = hmac.compare_digest(_signature(key, signed), signature)
        if is_signed and key_id == _key_id(key):
            return _read(content)
    return None


def _read(content: str) -> tuple[str, int, int] | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    except (ValueError, binascii.Error):
        return None
    match found:
        case [str(frontgate_id), int(generation), int(expires_at_s)]:
            return frontgate_id, generation, expires_at_s
    return None


def _signature(key: bytes, signed: str) -> str:
    return _encoded(hmac.digest(key, signed.encode(), "sha256"))


def _key_id(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:_KEY_ID]


def digest(text: str) -> str:
    """Return the SHA-256 of what is shown, as it is known to those who do not hold it."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
