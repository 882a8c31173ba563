"""People of different roles, and versions that they upload, review and release."""

from typing import Any

import attrs
import core_world

from pitrix_core.model.access import BUILT_IN_ROLES, ROOT_PATH, Actor, Reach
from pitrix_core.model.lifecycle import Move, Phase, ReviewPolicy
from pitrix_core.service import uploads, versions
from pitrix_core.service.services import Services
from pitrix_core.service.versions import MoveInput, VersionLife
from pitrix_core.store.catalog import AppVersion


def person(name: str, role: str, *, everywhere: bool = False) -> Actor:
    """Return somebody with a role, for their own things or for everybody's."""
    actions = BUILT_IN_ROLES[role]
    reaches = (Reach(path=ROOT_PATH, actions=actions),) if everywhere else ()
    return Actor(owner=name, actions=actions, reaches=reaches)


DORA = person("dora", "developer")
DAVE = person("dave", "developer")
RITA = person("rita", "reviewer", everywhere=True)
ROB = person("rob", "reviewer", everywhere=True)
IVY = person("ivy", "isv", everywhere=True)
OLGA = person("olga", "operator", everywhere=True)
ADMIN = core_world.ADMIN


def reviewing(services: Services, *phases: str, allows_own: bool = False) -> Services:
    """Return services of an installation that reviews these phases."""
    policy = ReviewPolicy(phases=tuple(Phase(name) for name in phases), allows_own=allows_own)
    return attrs.evolve(services, review_policy=policy)


def upload(services: Services, actor: Actor = DORA, **says: Any) -> AppVersion:
    """Upload a note."""
    return uploads.add_app(services, actor, core_world.note(**says))


def go(
    services: Services, version: AppVersion, actor: Actor, *moves: str, reason: str = "so"
) -> VersionLife:
    """Make moves, one after the other."""
    for move in moves:
        versions.move(services, actor, version.id, Move(move), MoveInput(reason=reason))
    return versions.life(services, ADMIN, version.id)


def released(services: Services, actor: Actor = DORA, **says: Any) -> AppVersion:
    """Upload a note, and put it into the store of an installation without reviews."""
    version = upload(services, actor, **says)
    go(services, version, actor, "submit")
    go(services, version, OLGA, "release")
    return version
