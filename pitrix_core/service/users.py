"""Let people in, change what they are, and let them go."""

from typing import Final

import attrs

from pitrix_core.errors import ConflictError, InvalidInputError, UnauthorizedError
from pitrix_core.model.access import ROOT_PATH, Action, Actor
from pitrix_core.service import passwords
from pitrix_core.service.people import (
    find_group,
    find_user,
    require_above,
    require_admin_left,
    require_holding,
    require_person_name,
    require_within,
)
from pitrix_core.service.services import Services
from pitrix_core.service.sessions import MOST_FOR_NAME, count_attempt, name_key_of
from pitrix_core.store import Transaction
from pitrix_core.store.users import User

#: Things of each kind that are named before a user goes.
_NAMED: Final = 5


@attrs.frozen(kw_only=True)
class UserInput:
    """Somebody to let in."""

    name: str
    #: Path or id of their group.
    group: str = ROOT_PATH
    #: What they may do with what is theirs.
    role: str = "user"
    email: str | None = None
    #: Left out: they sign in elsewhere, or are given one later.
    password: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class UserChange:
    """What is to be different about a user; what is left out stays."""

    group: str | None = None
    role: str | None = None
    email: str | None = None
    is_disabled: bool | None = None


@attrs.frozen(kw_only=True)
class PasswordInput:
    """A new password."""

    password: str = attrs.field(repr=False)
    #: The one before, of who changes their own.
    current: str | None = attrs.field(default=None, repr=False)


def add(services: Services, actor: Actor, data: UserInput) -> User:
    """Let somebody in.

    :raises ForbiddenError: the actor may not, there, or may not do all that the role allows.
    :raises NotFoundError: there is no such group or role.
    :raises ConflictError: somebody is called so, was called so, or looks so.
    :raises InvalidInputError: name or password cannot be one.
    """
    require_person_name(data.name)
    kept = None
    if data.password is not None:
        passwords.require_good(data.password)
        kept = passwords.hashed(data.password)
    with services.store.begin() as tx:
        tx.groups.take_turn()
        group = find_group(tx, actor, data.group)
        require_within(actor, Action.USERS_WRITE, group.path)
        require_holding(actor, tx.roles.get(data.role).actions, group.path)
        user = tx.users.add(data.name, group_id=group.id, role=data.role, email=data.email)
        tx.users.change(user.id, password_hash=kept)
        what = {"name": user.name, "group": user.group, "role": user.role}
        tx.audit.add(user.id, after=user)
        tx.events.add("user.added", user.id, owner=actor.owner, data=what)
    return user


def search(services: Services, actor: Actor) -> list[User]:
    """Return the users that the actor sees, by name: the people of some groups, and oneself."""
    paths = [reach.path for reach in actor.reaches if Action.USERS_READ in reach.actions]
    with services.store.read() as tx:
        return tx.users.within(paths, name=actor.owner)


def get(services: Services, actor: Actor, id_or_name: str) -> User:
    """Return a user by id or name.

    :raises NotFoundError: there is none that the actor sees.
    """
    with services.store.read() as tx:
        return find_user(tx, actor, id_or_name, action=Action.USERS_READ)


def change(services: Services, actor: Actor, id_or_name: str, data: UserChange) -> User:
    """Move a user to another group with all that is theirs, give them another role, disable them.

    What belongs to somebody who was disabled goes on; nothing that they show is worth anything.

    :raises NotFoundError: there is no such user, group or role.
    :raises ForbiddenError: the actor may not, here or there, or may do less than the user.
    :raises ConflictError: nobody would be left who may do everything.
    """
    with services.store.begin() as tx:
        tx.groups.take_turn()
        user = find_user(tx, actor, id_or_name, action=Action.USERS_WRITE)
        require_above(tx, actor, user)
        values = _values(tx, actor, user, data)
        if values:
            tx.users.change(user.id, **values)
        if data.is_disabled:
            tx.logins.drop_all(user.id)
        require_admin_left(tx)
        changed = tx.users.get(user.id)
        what = {name: value for name, value in attrs.asdict(data).items() if value is not None}
        tx.audit.add(user.id, before=user, after=changed)
        tx.events.add("user.changed", user.id, owner=actor.owner, data=what)
    return changed


def set_password(services: Services, actor: Actor, id_or_name: str, data: PasswordInput) -> User:
    """Give a user another password; whoever is logged in as them is not any more.

    :raises NotFoundError: there is no such user.
    :raises ForbiddenError: it is another user's, and the actor may not, or may do less than they.
    :raises UnauthorizedError: it is one's own, and ``current`` is not the one before.
    :raises TooManyAttemptsError: too many of these, or logins with the name, have failed.
    :raises InvalidInputError: it cannot be one.
    :raises ConflictError: somebody else changed the user, or the password, at the same time.
    """
    passwords.require_good(data.password)
    with services.store.read() as tx:
        user, kept = _with_own_hash(tx, actor, id_or_name)
    key = name_key_of(user.name)
    if kept is not None:
        with services.store.on_behalf(None).begin() as tx:  # an attempt is no deed
            count_attempt(tx, {key: MOST_FOR_NAME})
        if not passwords.is_right(kept, data.current or ""):
            raise UnauthorizedError("The current password is another one.", pointer="/current")
    made = passwords.hashed(data.password)
    with services.store.begin() as tx:
        tx.groups.take_turn()
        if _with_own_hash(tx, actor, user.id) != (user, kept):  # hashing takes its time
            raise ConflictError(f"{user.name} was changed meanwhile.", next_step="Try again.")
        tx.users.change(user.id, password_hash=made)
        tx.logins.forget_failures(key)
        tx.logins.drop_all(user.id)
        tx.events.add("user.password", user.id, owner=actor.owner, data={})
    return user


def delete(services: Services, actor: Actor, id_or_name: str, *, to: str | None = None) -> None:
    """Let somebody go.

    :param to: id or name of who gets all that is theirs.
    :raises NotFoundError: there is no such user.
    :raises ForbiddenError: the actor may not, or may do less than the user.
    :raises ConflictError: something belongs to them and nobody gets it, or nobody would be left who
        may do everything.
    """
    with services.store.begin() as tx:
        tx.groups.take_turn()
        user = find_user(tx, actor, id_or_name, action=Action.USERS_WRITE)
        require_above(tx, actor, user)
        if to is not None:
            _hand_over(tx, actor, user, to=to)
        left = tx.belongings.of(user.name, limit=_NAMED)
        if left:
            raise ConflictError(
                f"To {user.name} belongs: {', '.join(left)}.",
                next_step=f"Say who gets it: pitrix user delete {user.name} --to USER",
            )
        tx.users.delete(user)
        tx.quotas.remove_of(user.name)
        require_admin_left(tx)
        what = {"name": user.name, "to": to}
        tx.audit.add(user.id, before=user, after={"handed_to": to})
        tx.events.add("user.deleted", user.id, owner=actor.owner, data=what)


def _with_own_hash(tx: Transaction, actor: Actor, id_or_name: str) -> tuple[User, str | None]:
    """Return whose password is to be set, and what it is checked with first; None for another's.

    :raises NotFoundError: there is no such user.
    :raises ForbiddenError: it is another user's, and the actor may not, or may do less than they.
    """
    user = find_user(tx, actor, id_or_name, action=Action.USERS_READ)
    kept = tx.users.password_hash(user.name) if user.name == actor.owner else None
    if kept is None:
        require_within(actor, Action.USERS_WRITE, user.group)
        require_above(tx, actor, user)
    return user, kept


def _values(tx: Transaction, actor: Actor, user: User, data: UserChange) -> dict[str, object]:
    values: dict[str, object] = {}
    if data.group is not None:
        group = find_group(tx, actor, data.group)
        require_within(actor, Action.USERS_WRITE, group.path)
        values["group_id"] = group.id
        require_holding(actor, tx.access.actions_of(data.role or user.role), group.path)
    if data.role is not None:
        require_holding(actor, tx.roles.get(data.role).actions, user.group)
        values["role"] = data.role
    if data.email is not None:
        values["email"] = data.email or None
    if data.is_disabled is not None:
        values["disabled_at"] = tx.now if data.is_disabled else None
    return values


def _hand_over(tx: Transaction, actor: Actor, user: User, *, to: str) -> None:
    heir = find_user(tx, actor, to, action=Action.USERS_WRITE)
    if heir.id == user.id:
        raise InvalidInputError("Nobody inherits from themselves.", pointer="/to")
    tx.belongings.hand_over(user.name, to=heir.name)
    tx.metering.hand_over(user.name, to=heir.name)
