"""Make groups, move them, and take them away."""

import attrs

from pitrix_core.errors import ConflictError, InvalidInputError
from pitrix_core.model.access import ROOT_PATH, Action, Actor
from pitrix_core.service.people import (
    find_group,
    is_group_seen,
    require_holding,
    require_person_name,
    require_within,
)
from pitrix_core.service.services import Services
from pitrix_core.store import new_id
from pitrix_core.store.groups import ROOT_ID, Group


@attrs.frozen(kw_only=True)
class GroupInput:
    """A group to make."""

    name: str
    #: Path or id of the group above it.
    parent: str = ROOT_PATH


@attrs.frozen(kw_only=True)
class GroupChange:
    """What is to be different about a group; what is left out stays."""

    name: str | None = None
    #: Path or id of the group above it.
    parent: str | None = None


def add(services: Services, actor: Actor, data: GroupInput) -> Group:
    """Make a group below another one.

    :raises ForbiddenError: the actor may not, there.
    :raises NotFoundError: there is no group to be above it.
    :raises ConflictError: there is one that is called so, or looks so.
    """
    require_person_name(data.name)
    with services.store.begin() as tx:
        tx.groups.take_turn()
        parent = find_group(tx, actor, data.parent)
        require_within(actor, Action.GROUPS_WRITE, parent.path)
        group = tx.groups.add(new_id("grp"), data.name, parent=parent)
        tx.audit.add(group.id, after=group)
        tx.events.add("group.added", group.id, owner=actor.owner, data={"path": group.path})
    return group


def search(services: Services, actor: Actor) -> list[Group]:
    """Return the groups that the actor sees, by path."""
    with services.store.read() as tx:
        found = tx.groups.below(ROOT_PATH)
    return [group for group in found if is_group_seen(actor, group.path)]


def get(services: Services, actor: Actor, id_or_path: str) -> Group:
    """Return a group by id or path.

    :raises NotFoundError: there is none that the actor sees.
    """
    with services.store.read() as tx:
        return find_group(tx, actor, id_or_path)


def change(services: Services, actor: Actor, id_or_path: str, data: GroupChange) -> Group:
    """Give a group another name or another place; its people and the groups below come along.

    :raises ForbiddenError: the actor may not, here or there, or may do more there: nobody moves
        people to where they are at one's mercy.
    :raises NotFoundError: there is no such group.
    :raises ConflictError: the new place is below the group itself, or taken.
    :raises InvalidInputError: it is the root.
    """
    with services.store.begin() as tx:
        tx.groups.take_turn()
        group = find_group(tx, actor, id_or_path)
        _require_no_root(group)
        parent = find_group(tx, actor, data.parent or group.parent_id or ROOT_ID)
        for path in (group.path, parent.path):
            require_within(actor, Action.GROUPS_WRITE, path)
        gained = (reach.actions for reach in actor.reaches if reach.covers(parent.path))
        require_holding(actor, frozenset().union(*gained), group.path)
        name = data.name or group.name
        require_person_name(name)
        tx.groups.move(group, name=name, parent=parent)
        moved = tx.groups.get(group.id)
        what = {"from": group.path, "to": moved.path}
        tx.audit.add(group.id, before=group, after=moved)
        tx.events.add("group.moved", group.id, owner=actor.owner, data=what)
    return moved


def delete(services: Services, actor: Actor, id_or_path: str) -> None:
    """Take a group away that nothing refers to.

    :raises ForbiddenError: the actor may not.
    :raises NotFoundError: there is no such group.
    :raises ConflictError: people, groups, grants or tokens are in it.
    :raises InvalidInputError: it is the root.
    """
    with services.store.begin() as tx:
        tx.groups.take_turn()
        group = find_group(tx, actor, id_or_path)
        _require_no_root(group)
        require_within(actor, Action.GROUPS_WRITE, group.path)
        if not tx.groups.is_empty(group.id):
            raise ConflictError(
                f"People, groups, grants or tokens belong to the group {group.path}.",
                next_step="Move or delete them first.",
            )
        tx.groups.delete(group.id)
        tx.audit.add(group.id, before=group)
        tx.events.add("group.deleted", group.id, owner=actor.owner, data={"path": group.path})


def _require_no_root(group: Group) -> None:
    if group.id == ROOT_ID:
        raise InvalidInputError("The root of all groups stays as it is.")
