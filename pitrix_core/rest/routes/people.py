"""Users, groups, roles and grants."""

from typing import Final

from pitrix_core.model.access import Action
from pitrix_core.rest.operation import Operation, Parameter, Shape
from pitrix_core.service import groups, roles, users
from pitrix_core.store.groups import Group
from pitrix_core.store.roles import Role
from pitrix_core.store.users import Grant, User

_USERS: Final = (
    Operation(
        id="addUser",
        method="POST",
        path="/v1/users",
        summary="Let somebody in",
        needs=Action.USERS_WRITE,
        run=lambda c: users.add(c.services, c.actor, c.body),
        input=users.UserInput,
        answer=User,
        status=201,
        location="/v1/users/{id}",
    ),
    Operation(
        id="listUsers",
        path="/v1/users",
        summary="List the users",
        needs=Action.USERS_READ,
        run=lambda c: users.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=User,
    ),
    Operation(
        id="getUser",
        path="/v1/users/{id}",
        summary="Show a user, by id or name",
        needs=Action.USERS_READ,
        run=lambda c: users.get(c.services, c.actor, c.path["id"]),
        answer=User,
    ),
    Operation(
        id="changeUser",
        method="PATCH",
        path="/v1/users/{id}",
        summary="Move a user to another group, give them another role, disable them",
        needs=Action.USERS_WRITE,
        run=lambda c: users.change(c.services, c.actor, c.path["id"], c.body),
        input=users.UserChange,
        answer=User,
    ),
    Operation(
        id="setPassword",
        method="POST",
        path="/v1/users/{id}/password",
        summary="Set a user's password, or one's own; ends the sessions that were open",
        needs=Action.ACCOUNT_WRITE,
        run=lambda c: users.set_password(c.services, c.actor, c.path["id"], c.body),
        input=users.PasswordInput,
        answer=User,
    ),
    Operation(
        id="deleteUser",
        method="DELETE",
        path="/v1/users/{id}",
        summary="Delete a user to whom nothing belongs, or whose things somebody gets",
        needs=Action.USERS_WRITE,
        run=lambda c: users.delete(c.services, c.actor, c.path["id"], to=c.parameters.get("to")),
        shape=Shape.NOTHING,
        parameters=(Parameter(name="to", description="Who gets all that is theirs."),),
    ),
)

_GRANTS: Final = (
    Operation(
        id="listGrants",
        path="/v1/users/{id}/grants",
        summary="List what a user was granted",
        needs=Action.USERS_READ,
        run=lambda c: roles.grants(c.services, c.actor, c.path["id"]),
        shape=Shape.PAGE,
        answer=Grant,
    ),
    Operation(
        id="grantRole",
        method="POST",
        path="/v1/users/{id}/grants",
        summary="Grant a user a role on a group and all below it",
        needs=Action.USERS_WRITE,
        run=lambda c: roles.grant(c.services, c.actor, c.path["id"], c.body),
        input=roles.GrantInput,
        answer=Grant,
        status=201,
    ),
    Operation(
        id="takeGrantBack",
        method="DELETE",
        path="/v1/grants/{id}",
        summary="Take a grant back",
        needs=Action.USERS_WRITE,
        run=lambda c: roles.take_back(c.services, c.actor, c.path["id"]),
        shape=Shape.NOTHING,
    ),
    Operation(
        id="listRoles",
        path="/v1/roles",
        summary="List the roles, and what they allow",
        is_for_all=True,
        run=lambda c: roles.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=Role,
    ),
    Operation(
        id="addRole",
        method="POST",
        path="/v1/roles",
        summary="Make a role",
        needs=Action.ROLES_WRITE,
        run=lambda c: roles.add(c.services, c.actor, c.body),
        input=roles.RoleInput,
        answer=Role,
        status=201,
    ),
    Operation(
        id="deleteRole",
        method="DELETE",
        path="/v1/roles/{name}",
        summary="Delete a role that nobody has",
        needs=Action.ROLES_WRITE,
        run=lambda c: roles.delete(c.services, c.actor, c.path["name"]),
        shape=Shape.NOTHING,
    ),
)

_GROUPS: Final = (
    Operation(
        id="addGroup",
        method="POST",
        path="/v1/groups",
        summary="Make a group below another one",
        needs=Action.GROUPS_WRITE,
        run=lambda c: groups.add(c.services, c.actor, c.body),
        input=groups.GroupInput,
        answer=Group,
        status=201,
        location="/v1/groups/{id}",
    ),
    Operation(
        id="listGroups",
        path="/v1/groups",
        summary="List the groups: one's own with those above it, and those one may read",
        is_for_all=True,
        run=lambda c: groups.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=Group,
    ),
    Operation(
        id="getGroup",
        path="/v1/groups/{id}",
        summary="Show a group",
        is_for_all=True,
        run=lambda c: groups.get(c.services, c.actor, c.path["id"]),
        answer=Group,
    ),
    Operation(
        id="changeGroup",
        method="PATCH",
        path="/v1/groups/{id}",
        summary="Give a group another name or place; its people and the groups below come along",
        needs=Action.GROUPS_WRITE,
        run=lambda c: groups.change(c.services, c.actor, c.path["id"], c.body),
        input=groups.GroupChange,
        answer=Group,
    ),
    Operation(
        id="deleteGroup",
        method="DELETE",
        path="/v1/groups/{id}",
        summary="Delete a group that nothing refers to",
        needs=Action.GROUPS_WRITE,
        run=lambda c: groups.delete(c.services, c.actor, c.path["id"]),
        shape=Shape.NOTHING,
    ),
)

OPERATIONS: Final[tuple[Operation, ...]] = (*_USERS, *_GRANTS, *_GROUPS)
