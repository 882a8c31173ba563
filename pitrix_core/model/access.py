"""Who may do what: actions, the roles that bundle them, and who asks with which of them."""

import enum
import unicodedata
from collections.abc import Mapping
from typing import Final

import attrs

from pitrix_core.model.audit import Origin

#: The role that allows everything.
ADMIN_ROLE: Final = "admin"

#: The group that holds all others; whoever has a role on it has it everywhere.
ROOT_PATH: Final = "/"


class Right(enum.StrEnum):
    """What can be allowed: an area, and what is done there; roles are bundles of these."""

    ACCOUNT_READ = "account.read"  #: one's own tokens and sessions
    ACCOUNT_WRITE = "account.write"
    APPS_READ = "apps.read"
    APPS_SORT = "apps.sort"  #: make the categories that all apps are in
    APPS_WRITE = "apps.write"
    AUDIT_READ = "audit.read"
    CLUSTERS_READ = "clusters.read"  #: their plans, jobs and tabs, too
    CLUSTERS_WRITE = "clusters.write"
    EVENTS_READ = "events.read"
    FRONTGATES_READ = "frontgates.read"
    FRONTGATES_WRITE = "frontgates.write"
    GROUPS_READ = "groups.read"
    GROUPS_WRITE = "groups.write"
    ORPHANS_READ = "orphans.read"
    ORPHANS_WRITE = "orphans.write"
    PLUGINS_READ = "plugins.read"  #: providers, too
    QUOTAS_READ = "quotas.read"
    QUOTAS_WRITE = "quotas.write"
    REPOS_READ = "repos.read"
    REPOS_WRITE = "repos.write"
    ROLES_READ = "roles.read"
    ROLES_WRITE = "roles.write"
    RUNTIMES_READ = "runtimes.read"
    RUNTIMES_WRITE = "runtimes.write"
    SECRETS_READ = "secrets.read"  #: what they are encrypted with, not what they are
    SECRETS_WRITE = "secrets.write"
    STATISTICS_READ = "statistics.read"
    USAGE_READ = "usage.read"
    USERS_READ = "users.read"  #: their grants, too
    USERS_WRITE = "users.write"
    VERSIONS_READ = "versions.read"  #: drafts, and those under review
    VERSIONS_WRITE = "versions.write"
    VERSIONS_PUBLISH = "versions.publish"  #: make active, suspend, recover
    VERSIONS_REVIEW_ISV = "versions.review.isv"
    VERSIONS_REVIEW_BUSINESS = "versions.review.business"
    VERSIONS_REVIEW_TECHNICAL = "versions.review.technical"

    @property
    def reading(self) -> "Right":
        """The one without which its things are not even there."""
        return Right(self.value.partition(".")[0] + ".read")


#: What it is called where it cannot be taken for what a plan does to a cluster.
Action = Right

ALL_ACTIONS: Final = frozenset(Action)

_USER: Final = frozenset(
    {
        Action.ACCOUNT_READ,
        Action.ACCOUNT_WRITE,
        Action.APPS_READ,
        Action.CLUSTERS_READ,
        Action.CLUSTERS_WRITE,
        Action.EVENTS_READ,
        Action.PLUGINS_READ,
        Action.QUOTAS_READ,
        Action.REPOS_READ,
        Action.RUNTIMES_READ,
        Action.USAGE_READ,
    }
)
_DEVELOPER: Final = _USER | {
    Action.APPS_WRITE,
    Action.STATISTICS_READ,
    Action.VERSIONS_READ,
    Action.VERSIONS_WRITE,
}

#: Roles that every installation has. They are not in the database, so that a new version's actions
#: are in them at once.
BUILT_IN_ROLES: Final[Mapping[str, frozenset[Action]]] = {
    "user": _USER,
    "developer": _DEVELOPER,
    "isv": _DEVELOPER | {Action.VERSIONS_REVIEW_ISV},
    "reviewer": _USER
    | {
        Action.VERSIONS_READ,
        Action.VERSIONS_REVIEW_BUSINESS,
        Action.VERSIONS_REVIEW_TECHNICAL,
    },
    "operator": _DEVELOPER
    | {
        Action.APPS_SORT,
        Action.AUDIT_READ,
        Action.FRONTGATES_READ,
        Action.FRONTGATES_WRITE,
        Action.GROUPS_READ,
        Action.ORPHANS_READ,
        Action.ORPHANS_WRITE,
        Action.QUOTAS_WRITE,
        Action.REPOS_WRITE,
        Action.RUNTIMES_WRITE,
        Action.USERS_READ,
        Action.VERSIONS_PUBLISH,
    },
    ADMIN_ROLE: ALL_ACTIONS,
}


class Visibility(enum.StrEnum):
    """Who sees a thing beside its owner and those who have a grant."""

    PUBLIC = "public"  #: everybody
    PRIVATE = "private"  #: nobody
    GROUPS = "groups"  #: the people of the groups it names, and of those below them


@attrs.frozen(kw_only=True)
class Reach:
    """A grant: what may be done with the things of a group's people, and of all groups below."""

    path: str
    actions: frozenset[Action]

    def covers(self, path: str) -> bool:
        """Say whether a group is this one or below it."""
        return is_within(path, self.path)


@attrs.frozen(kw_only=True)
class Actor:
    """Who asks, and what they may do."""

    #: The user's name, as in the column ``owner`` of what is theirs.
    owner: str
    #: With what is theirs.
    actions: frozenset[Action] = frozenset()
    #: With what is others'.
    reaches: tuple[Reach, ...] = ()
    #: Path of their group.
    home: str = ROOT_PATH
    #: Ids of their group and of those above it.
    lineage: tuple[str, ...] = ()
    #: Whether they came by a token that allows less than they may.
    is_narrowed: bool = False
    #: Where the request came from, for the audit.
    origin: Origin = attrs.field(factory=Origin)

    def may(self, action: Action) -> bool:
        """Say whether they may do it with anything at all."""
        return action in self.actions or any(action in reach.actions for reach in self.reaches)

    def may_within(self, action: Action, path: str) -> bool:
        """Say whether they may do it with the things of a group's people."""
        return any(action in reach.actions and reach.covers(path) for reach in self.reaches)

    def may_everywhere(self, action: Action) -> bool:
        """Say whether they may do it with everything there is."""
        return self.may_within(action, ROOT_PATH)

    @property
    def is_admin(self) -> bool:
        """Says whether everything may be seen and done."""
        return all(self.may_everywhere(action) for action in ALL_ACTIONS)


def admin(owner: str) -> Actor:
    """Return somebody who may do everything everywhere."""
    everywhere = Reach(path=ROOT_PATH, actions=ALL_ACTIONS)
    return Actor(owner=owner, actions=ALL_ACTIONS, reaches=(everywhere,))


def is_within(path: str, above: str) -> bool:
    """Say whether a group's path is another's, or below it."""
    return above in {ROOT_PATH, path} or path.startswith(above + "/")


def lineage_of(path: str) -> list[str]:
    """Return the paths of a group and of all above it, the root first."""
    parts = path.strip("/").split("/") if path != ROOT_PATH else []
    return [ROOT_PATH, *("/" + "/".join(parts[:depth]) for depth in range(1, len(parts) + 1))]


def child_path(path: str, name: str) -> str:
    """Return the path of a group, or of a user, in a group."""
    return f"{path.rstrip('/')}/{name}"


def folded(name: str) -> str:
    """Return what two names must not share: they differ in case or Unicode form only.

    Source: https://www.unicode.org/reports/tr15/ and the Unicode Standard, 3.13 (D146): folding
    can undo a normal form, so that it is taken once more.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def narrowed(
    actor: Actor, *, actions: frozenset[Action] | None = None, within: str | None = None
) -> Actor:
    """Return an actor who may do no more than this, and with no others' things than these.

    :param actions: all they may do, if they could before; None for all they could.
    :param within: path of the group whose people's things remain, their own if they are among
        these; None for all they had.
    """
    if actions is None and within is None:
        return actor
    kept = ALL_ACTIONS if actions is None else actions
    is_own_kept = within is None or is_within(actor.home, within)
    reaches = [
        Reach(path=path, actions=reach.actions & kept)
        for reach in actor.reaches
        if (path := _overlap(reach.path, within)) is not None
    ]
    own = actor.actions & kept if is_own_kept else frozenset()
    return attrs.evolve(actor, actions=own, reaches=tuple(reaches), is_narrowed=True)


def _overlap(path: str, within: str | None) -> str | None:
    if within is None or is_within(path, within):
        return path
    return within if is_within(within, path) else None
