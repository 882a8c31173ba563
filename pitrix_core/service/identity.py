"""Who asks: what is shown is looked up, and becomes an actor."""

import datetime as dt
import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

import attrs

from pitrix_core.errors import UnauthorizedError
from pitrix_core.model.access import Actor, narrowed
from pitrix_core.model.audit import Origin
from pitrix_core.service.services import Services
from pitrix_core.store import Store, new_id
from pitrix_core.store.groups import ROOT_ID
from pitrix_core.store.logins import ApiToken

#: Of the first user, who may do everything.
ADMIN: Final = "admin"

_TOKEN_BYTES: Final = 32
#: When a token was last used is written down at most so often.
_USED_EVERY: Final = dt.timedelta(minutes=1)


def actor_of(services: Services, token: str) -> Actor:
    """Return who shows a token, with what they may do now and the token allows.

    :raises UnauthorizedError: nobody does, its time is over, or its owner was disabled.
    """
    with services.store.read() as tx:
        known = tx.logins.token_of(digest_of(token))
        actor = None if known is None else tx.access.actor(known.owner)
        if known is None or actor is None:
            raise UnauthorizedError(
                "The token is not valid.", next_step="The first admin token is in DATA/token."
            )
        within = None if known.group_id is None else tx.groups.get(known.group_id).path
        is_noted = known.used_at is not None and tx.now - known.used_at < _USED_EVERY
    if not is_noted:
        with services.store.begin() as tx:
            tx.logins.mark_used(known.id)
    shown = attrs.evolve(actor, origin=Origin(token_id=known.id))
    return narrowed(shown, actions=known.actions, within=within)


def ensure_admin_token(store: Store, path: Path) -> None:
    """Write an admin token to a file (mode 0600) at the first start of an installation.

    :param path: left alone when there is any user already.
    """
    with store.begin() as tx:
        if not tx.logins.take_first_turn():
            return
        tx.groups.ensure_root()
        user = tx.users.add(ADMIN, group_id=ROOT_ID, role="admin")
        tx.users.grant(user.id, role="admin", group_id=ROOT_ID)
        token = new_token()
        made = ApiToken(id=new_id("tok"), owner=ADMIN, name="first", created_at=tx.now)
        tx.logins.add_token(made, digest=digest_of(token))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)  # one that was there already keeps its mode otherwise
            file.write(token + "\n")


def new_token() -> str:
    """Return a token that nobody can guess; its beginning tells scanners of code what it is."""
    return f"ptx_{secrets.token_urlsafe(_TOKEN_BYTES)}"


def digest_of(shown: str) -> str:
    """Return what is stored of something that is shown: it is long and random, so that nothing
    slower is needed.
    """
    return hashlib.sha256(shown.encode()).hexdigest()
