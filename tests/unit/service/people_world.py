"""Some people, in some groups, for tests of what they may do."""

from core_world import ADMIN

from pitrix_core.model.access import Actor
from pitrix_core.service import groups, roles, users
from pitrix_core.service.groups import GroupInput
from pitrix_core.service.roles import GrantInput
from pitrix_core.service.services import Services
from pitrix_core.service.users import UserInput
from pitrix_core.store.groups import ROOT_ID


def populate(services: Services) -> None:
    """Make ``/acme`` with a boss who is its admin, ``/acme/web`` with ada, ``/other`` with eve."""
    with services.store.begin() as tx:
        tx.groups.ensure_root()
        tx.users.add("admin", group_id=ROOT_ID, role="admin")
        tx.users.grant(tx.users.get("admin").id, role="admin", group_id=ROOT_ID)
    for name, parent in (("acme", "/"), ("web", "/acme"), ("other", "/")):
        groups.add(services, ADMIN, GroupInput(name=name, parent=parent))
    for name, group in (("boss", "/acme"), ("ada", "/acme/web"), ("eve", "/other")):
        users.add(services, ADMIN, UserInput(name=name, group=group))
    roles.grant(services, ADMIN, "boss", GrantInput(role="admin", group="/acme"))


def actor_of(services: Services, name: str) -> Actor:
    """Return a user as somebody who asks."""
    with services.store.read() as tx:
        known = tx.access.actor(name)
    assert known is not None
    return known
