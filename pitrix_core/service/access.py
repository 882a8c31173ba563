"""Lets people do only what they may; which things that are is the rule of ``store/access.py``.

What somebody may not see is not there for them (404); what they see and may not change is refused
(403). Every operation of the API says which action it needs, which is checked before anything else;
what is here is about single things.
"""

from pitrix_core.errors import ForbiddenError, NotFoundError
from pitrix_core.model import Cluster
from pitrix_core.model.access import Action, Actor
from pitrix_core.store import Transaction

_ASK: str = "Ask an admin for a role that has it: pitrix role list"


def require(actor: Actor, action: Action) -> None:
    """Let those go on who may do this with anything at all.

    :raises ForbiddenError: the actor may not.
    """
    if not actor.may(action):
        raise ForbiddenError(f"This needs the right {action}.", next_step=_ASK)


def require_own(actor: Actor, action: Action) -> None:
    """Let those go on who may do this with what is theirs, such as something they make.

    :raises ForbiddenError: the actor may not.
    """
    if action not in actor.actions:
        message = f"This needs the right {action} for things of your own."
        raise ForbiddenError(message, next_step=_ASK)


def require_everywhere(actor: Actor, action: Action) -> None:
    """Let those go on who may do this with everything there is, the installation's own included.

    :raises ForbiddenError: the actor may not.
    """
    if not actor.may_everywhere(action):
        message = f"This needs the right {action} for the whole installation (group /)."
        raise ForbiddenError(message, next_step=_ASK)


def require_allowed(
    tx: Transaction, actor: Actor, action: Action, *, owner: str, what: str
) -> None:
    """Let those go on who may do this with a thing that they see.

    :param owner: of the thing.
    :param what: the thing, for the message: ``runtime here``.
    :raises ForbiddenError: the actor may not.
    """
    if not tx.access.may(actor, action, owner=owner):
        raise ForbiddenError(f"This needs the right {action} for {what}.", next_step=_ASK)


def require_seen(  # what is said has to be what the store says
    tx: Transaction,
    actor: Actor,
    action: Action,
    *,
    owner: str,
    what: str,
    next_step: str | None = None,
) -> None:
    """Let those go on who may do this with a thing; it is not there for who may not even see it.

    :param owner: of the thing, which nobody sees by its visibility.
    :param what: the thing, for the message: ``job 'job-…'``.
    :param next_step: what the store says where it really is not there; the two must not differ.
    :raises NotFoundError: the actor may not see it.
    :raises ForbiddenError: the actor sees it, and may not do this.
    """
    if not tx.access.may(actor, action.reading, owner=owner):
        raise NotFoundError(f"There is no {what}.", next_step=next_step)
    if action is not action.reading:
        require_allowed(tx, actor, action, owner=owner, what=what)


def find_cluster(
    tx: Transaction, actor: Actor, id_or_name: str, *, action: Action = Action.CLUSTERS_READ
) -> Cluster:
    """Return a cluster by id or name; of several with one name the actor's own.

    :param action: what is to be done with it.
    :raises NotFoundError: there is none that the actor may see.
    :raises ForbiddenError: the actor sees it, and may not do this.
    """
    own = tx.clusters.named(id_or_name, owner=actor.owner)
    if own is None or action not in actor.actions:
        own = tx.clusters.get(id_or_name, viewer=actor)
    require_allowed(tx, actor, action, owner=own.owner, what=f"cluster {own.name}")
    return own
