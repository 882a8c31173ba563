"""Who asks: tokens."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

from pitrix_core.errors import UnauthorizedError
from pitrix_core.service.services import Services
from pitrix_core.store import Store
from pitrix_core.store.identity import Actor

_TOKEN_BYTES: Final = 32


def actor_of(services: Services, token: str) -> Actor:
    """Return who shows a token.

    :raises UnauthorizedError: nobody does.
    """
    with services.store.read() as tx:
        actor = tx.identity.actor(_digest(token))
    if actor is None:
        raise UnauthorizedError(
            "The token is not valid.", next_step="The first admin token is in DATA/token."
        )
    return actor


def ensure_admin_token(store: Store, path: Path) -> None:
    """Write an admin token to a file (mode 0600) at the first start of an installation.

    :param path: left alone when any token is known already.
    """
    token = f"ptx_{secrets.token_urlsafe(_TOKEN_BYTES)}"
    with store.begin() as tx:
        if not tx.identity.add_first_token(_digest(token), owner="admin", role="admin"):
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)  # one that was there already keeps its mode otherwise
            file.write(token + "\n")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
