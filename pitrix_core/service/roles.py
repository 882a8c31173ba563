"""Look at roles, make some of one's own, and grant them."""

from collections.abc import Sequence

import attrs

from pitrix_core.errors import ConflictError, InvalidInputError
from pitrix_core.model.access import Action, Actor
from pitrix_core.service.access import require_everywhere
from pitrix_core.service.people import (
    find_group,
    find_user,
    require_admin_left,
    require_holding,
    require_person_name,
    require_within,
)
from pitrix_core.service.services import Services
from pitrix_core.store.roles import Role
from pitrix_core.store.users import Grant


@attrs.frozen(kw_only=True)
class RoleInput:
    """A role to make."""

    name: str
    actions: tuple[Action, ...]


@attrs.frozen(kw_only=True)
class GrantInput:
    """What somebody is to be allowed with the things of a group's people."""

    role: str
    #: Path or id of the group; it counts for all below, too.
    group: str


def search(services: Services, actor: Actor) -> Sequence[Role]:
    """Return every role: what they allow is no secret."""
    with services.store.read() as tx:
        return tx.roles.all()


def add(services: Services, actor: Actor, data: RoleInput) -> Role:
    """Make a role.

    :raises ForbiddenError: the actor may not, or may not do all of it everywhere.
    :raises ConflictError: there is one that is called so, or looks so.
    """
    require_everywhere(actor, Action.ROLES_WRITE)
    require_holding(actor, data.actions, "/")
    require_person_name(data.name)
    role = Role(name=data.name, actions=frozenset(data.actions))
    with services.store.begin() as tx:
        tx.roles.add(role)
        what = {"actions": sorted(role.actions)}
        tx.events.add("role.added", role.name, owner=actor.owner, data=what)
    return role


def delete(services: Services, actor: Actor, name: str) -> None:
    """Take a role away that nobody has.

    :raises ForbiddenError: the actor may not.
    :raises NotFoundError: there is no such role.
    :raises InvalidInputError: it is built in.
    :raises ConflictError: somebody has it.
    """
    require_everywhere(actor, Action.ROLES_WRITE)
    with services.store.begin() as tx:
        tx.groups.take_turn()
        role = tx.roles.get(name)
        if role.is_built_in:
            raise InvalidInputError(f"The role {name} is built in.")
        if tx.roles.is_used(name):
            raise ConflictError(
                f"Somebody has the role {name}.", next_step="Give them another one first."
            )
        tx.roles.delete(name)
        tx.audit.add(name, before=role)
        tx.events.add("role.deleted", name, owner=actor.owner, data={})


def grants(services: Services, actor: Actor, user: str) -> list[Grant]:
    """Return what a user was granted.

    :raises NotFoundError: there is no such user that the actor sees.
    """
    with services.store.read() as tx:
        return tx.users.grants(find_user(tx, actor, user, action=Action.USERS_READ).id)


def grant(services: Services, actor: Actor, user: str, data: GrantInput) -> Grant:
    """Grant a role on a group; granting it once more changes nothing.

    :raises NotFoundError: there is no such user, role or group.
    :raises ForbiddenError: the actor may not, there, or may not do all that the role allows.
    """
    with services.store.begin() as tx:
        tx.groups.take_turn()
        found = find_user(tx, actor, user, action=Action.USERS_READ)
        group = find_group(tx, actor, data.group)
        require_within(actor, Action.USERS_WRITE, group.path)
        require_holding(actor, tx.roles.get(data.role).actions, group.path)
        tx.users.grant(found.id, role=data.role, group_id=group.id)
        what = {"user": found.name, "role": data.role, "group": group.path}
        tx.events.add("grant.added", found.id, owner=actor.owner, data=what)
        made = next(
            each
            for each in tx.users.grants(found.id)
            if (each.role, each.group) == (data.role, group.path)
        )
        tx.audit.add(found.id, after=made)
    return made


def take_back(services: Services, actor: Actor, grant_id: str) -> None:
    """Take a grant back.

    :raises NotFoundError: there is no such grant that the actor sees.
    :raises ForbiddenError: the actor may not, on its group.
    :raises ConflictError: nobody would be left who may do everything.
    """
    with services.store.begin() as tx:
        tx.groups.take_turn()
        found = tx.users.granted(grant_id)
        user = find_user(tx, actor, found.user, action=Action.USERS_READ)
        require_within(actor, Action.USERS_WRITE, found.group)
        require_holding(actor, tx.access.actions_of(found.role), found.group)
        tx.users.take_back(found.id)
        tx.audit.add(user.id, before=found)
        require_admin_left(tx)
        what = {"user": user.name, "role": found.role, "group": found.group}
        tx.events.add("grant.removed", user.id, owner=actor.owner, data=what)
