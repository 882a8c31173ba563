"""Look at Frontgates, shut them out, and let them in anew."""

import attrs

from pitrix_core.errors import NotFoundError
from pitrix_core.model import Job
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.frontgate import SECURED, FrontgateReport, FrontgateState
from pitrix_core.pilot.frontgates import renew_frontgate
from pitrix_core.service.access import require_everywhere
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction
from pitrix_core.store.agents import Frontgate


def search(services: Services, actor: Actor) -> list[FrontgateReport]:
    """Return every Frontgate.

    :raises ForbiddenError: the actor may not, for they are the installation's.
    """
    require_everywhere(actor, Action.FRONTGATES_READ)
    with services.store.read() as tx:
        return [_report(tx, frontgate) for frontgate in tx.agents.frontgates()]


def get(services: Services, actor: Actor, frontgate_id: str) -> FrontgateReport:
    """Return one Frontgate.

    :raises ForbiddenError: the actor may not, for they are the installation's.
    :raises NotFoundError: there is no such Frontgate.
    """
    require_everywhere(actor, Action.FRONTGATES_READ)
    with services.store.read() as tx:
        return _report(tx, _found(tx, frontgate_id))


def revoke(services: Services, actor: Actor, frontgate_id: str) -> FrontgateReport:
    """Make all that a Frontgate can show worth nothing; the Pilot that holds its connection closes
    it within a second.

    Its machine, its etcd and the machines behind it go on; nothing new reaches them.

    :raises ForbiddenError: the actor may not, for they are the installation's.
    :raises NotFoundError: there is no such Frontgate.
    """
    require_everywhere(actor, Action.FRONTGATES_WRITE)
    with services.store.begin() as tx:
        before = _found(tx, frontgate_id)
        tx.agents.revoke(before.id)
        after = _found(tx, frontgate_id)
        old, new = ({"generation": each.generation} for each in (before, after))
        tx.audit.add(after.id, before=old, after=new)
        tx.events.add("frontgate.revoked", after.id, owner=after.owner, data={})
        return _report(tx, after)


def renew(services: Services, actor: Actor, frontgate_id: str) -> Job:
    """Give a Frontgate another machine that enrols anew; what the one before has is worth nothing
    from now on.

    :returns: the job that replaces the machine.
    :raises ForbiddenError: the actor may not, for they are the installation's.
    :raises NotFoundError: there is no such Frontgate.
    :raises ConflictError: a job is at work on it, or it has no machine.
    """
    require_everywhere(actor, Action.FRONTGATES_WRITE)
    with services.store.read() as tx:
        runtime_id = _found(tx, frontgate_id).runtime_id
    # NOTE(transactions): building a provider opens one; inside of ours it would wait for it
    provider = services.gates.of(runtime_id)
    with services.store.begin() as tx:
        tx.runtimes.lock(runtime_id)
        frontgate = _found(tx, frontgate_id)
        job = renew_frontgate(tx, frontgate, pilot=services.pilot, provider=provider)
        data = {"job_id": job.id}
        tx.events.add("frontgate.renewed", frontgate.id, owner=frontgate.owner, data=data)
        return job


def _found(tx: Transaction, frontgate_id: str) -> Frontgate:
    frontgate = tx.agents.frontgate(frontgate_id)
    if frontgate is None:
        raise NotFoundError(
            f"There is no Frontgate {frontgate_id!r}.", next_step="List them: pitrix frontgate list"
        )
    return frontgate


def _report(tx: Transaction, frontgate: Frontgate) -> FrontgateReport:
    count, oldest_at = tx.agents.waiting_for(frontgate.id)
    shared = {field.name for field in attrs.fields(FrontgateReport)}
    known = attrs.asdict(frontgate, recurse=False)
    return FrontgateReport(
        **{name: value for name, value in known.items() if name in shared},
        state=_state(tx, frontgate),
        machines=tx.runtimes.get(frontgate.runtime_id).frontgate_nodes,
        clusters=tx.agents.served_by(frontgate.id),
        messages_waiting=count,
        oldest_message_at=oldest_at,
    )


def _state(tx: Transaction, frontgate: Frontgate) -> FrontgateState:
    if frontgate.connected_at is not None:
        return FrontgateState.CONNECTED
    enrolment_ends, token_ends = frontgate.enrolment_expires_at, frontgate.token_expires_at
    if enrolment_ends is not None and enrolment_ends > tx.now:
        return FrontgateState.ENROLLING
    is_static = frontgate.protocol < SECURED and frontgate.generation == 1
    is_good = token_ends is not None and token_ends > tx.now
    return FrontgateState.AWAY if is_good or is_static else FrontgateState.SHUT_OUT
