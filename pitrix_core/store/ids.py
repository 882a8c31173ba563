"""Makes the ids of records."""

import base64
import secrets

#: 80 bits: with a billion ids of one kind, a collision has a chance of one in two million.
_RANDOM_BYTES = 10


def new_id(prefix: str) -> str:
    """Return ``PREFIX-`` and 16 characters of ``[a-z2-7]``; fit for host names and request keys."""
    return f"{prefix}-{base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().lower()}"
