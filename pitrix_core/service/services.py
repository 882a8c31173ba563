"""What every use works with; built once per process in ``wiring.py`` and passed on."""

import attrs

from pitrix_core.catalog.indexer import Indexer
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.errors import ForbiddenError, NotFoundError
from pitrix_core.model import Cluster
from pitrix_core.pilot.agent_files import AgentFiles
from pitrix_core.planner.frontgate import PilotPlace
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.service.gates import Gates
from pitrix_core.store import Store, Transaction
from pitrix_core.store.identity import Actor


@attrs.frozen(kw_only=True)
class Services:
    """The parts of one process, put together."""

    store: Store
    registry: PluginRegistry
    gates: Gates
    loader: PackageLoader
    opener: RepoOpener
    indexer: Indexer
    agent_files: AgentFiles
    #: Where the Pilots are; empty in tests that make no Frontgate.
    pilot: PilotPlace = attrs.field(factory=PilotPlace)
    #: Seconds a job may be at work whose plan was applied without a deadline; None for no limit.
    job_deadline_s: float | None = None

    def close(self) -> None:
        """Let go of everything; called once, at the end of the process."""
        self.gates.close()
        self.store.close()


def require_admin(actor: Actor, what: str) -> None:
    """Let only admins go on.

    :raises ForbiddenError: the actor is none.
    """
    if not actor.is_admin:
        raise ForbiddenError(f"Only an admin may {what}.")


def require_owner(actor: Actor, owner: str, what: str, *, next_step: str | None = None) -> None:
    """Let only the owner and admins go on; for others the thing is not there.

    :param what: the thing, for the message: ``cluster cl-…``.
    :param next_step: what the store says where it really is not there; the two must not differ.
    :raises NotFoundError: the actor may not see it.
    """
    if not actor.is_admin and actor.owner != owner:
        raise NotFoundError(f"There is no {what}.", next_step=next_step)


def find_cluster(tx: Transaction, actor: Actor, id_or_name: str) -> Cluster:
    """Return a cluster by id or name; of several with one name the actor's own.

    :raises NotFoundError: there is none that the actor may see.
    """
    owner = visible_owner(actor)
    own = None if owner is None else tx.clusters.named(id_or_name, owner=owner)
    if own is not None:
        return own
    found = tx.clusters.get(id_or_name)
    step = "List them: pitrix cluster list"
    require_owner(actor, found.owner, f"cluster {id_or_name!r}", next_step=step)
    return found


def visible_owner(actor: Actor) -> str | None:
    """Return whose things the actor sees; None for everybody's."""
    return None if actor.is_admin else actor.owner
