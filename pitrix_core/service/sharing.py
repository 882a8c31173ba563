"""Say who sees runtimes and apps, beside their owners."""

import attrs

from pitrix_core.errors import InvalidInputError
from pitrix_core.model import Runtime
from pitrix_core.model.access import Action, Actor, Visibility
from pitrix_core.service.access import require_allowed
from pitrix_core.service.people import find_group
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction
from pitrix_core.store.catalog import App


@attrs.frozen(kw_only=True)
class ShareInput:
    """Who is to see something."""

    #: Left out, for an app: whoever sees its repo.
    visibility: Visibility | None = None
    #: Ids or paths of the groups that see it, with ``groups``.
    groups: tuple[str, ...] = ()


def share_runtime(services: Services, actor: Actor, runtime_id: str, data: ShareInput) -> Runtime:
    """Say who sees a runtime, and with that, who can deploy on it.

    :raises NotFoundError: there is no such runtime or group that the actor sees.
    :raises ForbiddenError: the actor may not change this runtime.
    :raises InvalidInputError: it does not say who, or not which groups.
    """
    if data.visibility is None:
        raise InvalidInputError("Who is to see the runtime?", pointer="/visibility")
    with services.store.begin() as tx:
        before = tx.runtimes.get(runtime_id, viewer=actor)
        what = f"runtime {before.name}"
        require_allowed(tx, actor, Action.RUNTIMES_WRITE, owner=before.owner, what=what)
        groups = _groups_of(tx, actor, data)
        tx.access.share("runtimes", before.id, visibility=data.visibility, groups=groups)
        after = tx.runtimes.get(before.id)
        _tell(tx, actor, "runtime.shared", before, after)
    return after


def share_app(services: Services, actor: Actor, app_id: str, data: ShareInput) -> App:
    """Say who sees an app and its versions.

    :raises NotFoundError: there is no such app or group that the actor sees.
    :raises ForbiddenError: the actor may not change this app.
    :raises InvalidInputError: it does not say which groups.
    """
    with services.store.begin() as tx:
        before = tx.catalog.app(app_id, viewer=actor)
        what = f"app {before.name}"
        require_allowed(tx, actor, Action.APPS_WRITE, owner=before.owner, what=what)
        groups = _groups_of(tx, actor, data)
        tx.access.share("apps", before.id, visibility=data.visibility, groups=groups)
        after = tx.catalog.app(before.id)
        _tell(tx, actor, "app.shared", before, after)
    return after


def _groups_of(tx: Transaction, actor: Actor, data: ShareInput) -> tuple[str, ...]:
    if (data.visibility is Visibility.GROUPS) != bool(data.groups):
        raise InvalidInputError(
            "Groups are named where they, and nobody else, see it.",
            pointer="/groups",
            next_step="Give both: visibility groups, and the groups.",
        )
    return tuple(find_group(tx, actor, group).id for group in data.groups)


def _tell(
    tx: Transaction, actor: Actor, kind: str, before: Runtime | App, after: Runtime | App
) -> None:
    what = {"name": after.name, "visibility": after.visibility, "groups": after.groups}
    tx.events.add(kind, after.id, owner=actor.owner, data=what)
    tx.audit.add(after.id, before=before, after=after)
