"""What uses about people have in common: nobody gives, or takes over, more than they have."""

from collections.abc import Iterable

from pitrix_core.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from pitrix_core.model.access import Action, Actor, folded, is_within
from pitrix_core.pilot.hidden import SYSTEM_OWNER
from pitrix_core.service.names import require_name
from pitrix_core.store import Transaction
from pitrix_core.store.groups import Group
from pitrix_core.store.users import User


def require_person_name(name: str) -> None:
    """Make sure that somebody, or a group, can be called so.

    :raises InvalidInputError: they cannot.
    """
    require_name(name)
    if folded(name) == SYSTEM_OWNER:
        raise InvalidInputError(
            f"{name!r} is what pitrix calls itself.", pointer="/name", next_step="Take another."
        )


def require_within(actor: Actor, action: Action, path: str) -> None:
    """Let those go on who may do this with a group's people.

    :raises ForbiddenError: the actor may not.
    """
    if not actor.may_within(action, path):
        raise ForbiddenError(f"This needs the right {action} on the group {path}.")


def require_holding(actor: Actor, actions: Iterable[Action], path: str) -> None:
    """Let those go on who may do all this with a group's people themselves.

    :raises ForbiddenError: the actor may not do some of it.
    """
    missing = sorted(action for action in actions if not actor.may_within(action, path))
    if missing:
        raise ForbiddenError(
            f"Nobody gives what they do not have on the group {path}: {', '.join(missing)}.",
            next_step="Take a role that allows less, or ask somebody who has these.",
        )


def require_above(tx: Transaction, actor: Actor, user: User) -> None:
    """Let those go on who may do all that a user may: who can act for somebody, can do it all.

    :raises ForbiddenError: the user may do something that the actor may not.
    """
    require_holding(actor, tx.access.actions_of(user.role), user.group)
    for grant in tx.users.grants(user.id):
        require_holding(actor, tx.access.actions_of(grant.role), grant.group)


def require_admin_left(tx: Transaction) -> None:
    """Keep the last admin.

    :raises ConflictError: nobody is left who may do everything.
    """
    if not tx.users.has_admin():
        raise ConflictError(
            "That would leave nobody who may do everything.",
            next_step="First let somebody else: pitrix grant add USER admin /",
        )


def find_user(tx: Transaction, actor: Actor, id_or_name: str, *, action: Action) -> User:
    """Return a user by id or name, with whom something is to be done.

    :raises NotFoundError: there is none that the actor sees.
    :raises ForbiddenError: the actor sees them, and may not do this.
    """
    user = tx.users.get(id_or_name)
    if user.name != actor.owner and not actor.may_within(Action.USERS_READ, user.group):
        raise NotFoundError(
            f"There is no user {id_or_name!r}.", next_step="List them: pitrix user list"
        )
    if action is not Action.USERS_READ:
        require_within(actor, action, user.group)
    return user


def find_group(tx: Transaction, actor: Actor, id_or_path: str) -> Group:
    """Return a group by id or path.

    :raises NotFoundError: there is none that the actor sees.
    """
    group = tx.groups.get(id_or_path)
    if not is_group_seen(actor, group.path):
        raise NotFoundError(
            f"There is no group {id_or_path!r}.", next_step="List them: pitrix group list"
        )
    return group


def is_group_seen(actor: Actor, path: str) -> bool:
    """Say whether somebody sees a group: their own, those above it, and those they may read."""
    return is_within(actor.home, path) or actor.may_within(Action.GROUPS_READ, path)
