"""Make API tokens for oneself, look at them, and take them back."""

import datetime as dt
from typing import Final

import attrs

from pitrix_core.errors import ConflictError, ForbiddenError, InvalidInputError
from pitrix_core.model.access import Action, Actor
from pitrix_core.service.identity import digest_of, new_token
from pitrix_core.service.names import require_name
from pitrix_core.service.people import find_group
from pitrix_core.service.services import Services
from pitrix_core.store import new_id
from pitrix_core.store.logins import ApiToken

_LONGEST_DAYS: Final = 3660
#: Of one user; whoever makes more forgot to take some back.
MOST: Final = 100


@attrs.frozen(kw_only=True)
class TokenInput:
    """A token to make."""

    name: str
    #: All that it allows; left out, all that its owner may do, now and later.
    actions: tuple[Action, ...] | None = None
    #: Path or id of a group: only things of its people, and of those below; left out, all.
    group: str | None = None
    #: Left out, until it is taken back.
    expires_in_days: int | None = None


@attrs.frozen(kw_only=True)
class NewToken:
    """A token that was made; it is shown this once."""

    id: str
    name: str
    token: str = attrs.field(repr=False)
    expires_at: dt.datetime | None = None


def add(services: Services, actor: Actor, data: TokenInput) -> NewToken:
    """Make a token for oneself; those whose time is over are dropped.

    :raises ForbiddenError: who asks came by a token that is narrowed itself.
    :raises NotFoundError: there is no such group.
    :raises ConflictError: one is called so already, or there are too many.
    :raises InvalidInputError: it would never or not for so long be good.
    """
    require_name(data.name)
    if actor.is_narrowed:
        raise ForbiddenError("A token that does not allow everything makes no other ones.")
    days = data.expires_in_days
    if days is not None and not 1 <= days <= _LONGEST_DAYS:
        message = f"A token is good for 1 to {_LONGEST_DAYS} days."
        raise InvalidInputError(message, pointer="/expires_in_days")
    token = new_token()
    with services.store.begin() as tx:
        tx.logins.drop_expired_tokens(actor.owner)
        known = tx.logins.tokens(actor.owner)
        if any(each.name == data.name for each in known):
            raise ConflictError(f"You have a token {data.name!r} already.", pointer="/name")
        if len(known) >= MOST:
            raise ConflictError(f"You have {MOST} tokens.", next_step="pitrix token revoke NAME")
        made = ApiToken(
            id=new_id("tok"),
            owner=actor.owner,
            name=data.name,
            actions=None if data.actions is None else frozenset(data.actions),
            group_id=data.group and find_group(tx, actor, data.group).id,
            expires_at=None if days is None else tx.now + dt.timedelta(days=days),
            created_at=tx.now,
        )
        tx.logins.add_token(made, digest=digest_of(token))
        tx.events.add("token.added", made.id, owner=actor.owner, data={"name": made.name})
    return NewToken(id=made.id, name=made.name, token=token, expires_at=made.expires_at)


def search(services: Services, actor: Actor) -> list[ApiToken]:
    """Return the actor's own tokens, the oldest first."""
    with services.store.read() as tx:
        return tx.logins.tokens(actor.owner)


def revoke(services: Services, actor: Actor, token_id: str) -> None:
    """Make one of the actor's tokens worth nothing, from now on.

    :param token_id: or its name; ``current`` is the one that they show.

    :raises NotFoundError: they have none of this id or name.
    """
    with services.store.begin() as tx:
        is_shown = token_id == "current"  # noqa: S105  # a word
        wanted = actor.origin.token_id if is_shown else token_id
        token = tx.logins.token(wanted, owner=actor.owner)
        tx.logins.drop_token(token.id)
        tx.audit.add(token.id, before=token)
        tx.events.add("token.revoked", token.id, owner=actor.owner, data={"name": token.name})
