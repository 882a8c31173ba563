"""Carries a request with an Idempotency-Key out once, however often it arrives.

The key is reserved, the request carried out, its answer kept; a request that failed did nothing, so
its key is free again. A process that dies in between leaves the key reserved: whether the request
took effect is then for the caller to look up, since carrying it out again might do it twice.
Answers are kept encrypted: one may hold a token, or a cookie, that is shown once.
"""

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Callable
from typing import Final

import attrs

from pitrix_core.rest.refusals import IdempotencyInFlightError, IdempotencyMismatchError
from pitrix_core.rest.replies import Answer
from pitrix_core.store import Store, Transaction
from pitrix_core.store.identity import KeptAnswer

log = logging.getLogger(__name__)

#: On answers that were given before.
REPLAYED_HEADER: Final = "Idempotent-Replayed"

#: A request that has been at work for longer was cut off; the API's own requests take seconds.
_ABANDONED_AFTER: Final = dt.timedelta(minutes=10)


@attrs.frozen(kw_only=True)
class KeyedRequest:
    """A request that its caller may send again."""

    key: str
    owner: str
    #: SHA-256 over method, path, query and body, as hexadecimal.
    digest: str


def digest_of(*parts: bytes) -> str:
    """Return what tells one request from another."""
    sha256 = hashlib.sha256()
    for part in parts:
        sha256.update(len(part).to_bytes(8))
        sha256.update(part)
    return sha256.hexdigest()


def answer_once(
    store: Store,
    request: KeyedRequest,
    answer: Callable[[], Answer],
    *,
    abandoned_after: dt.timedelta = _ABANDONED_AFTER,
) -> Answer:
    """Carry a request out, or return what it was answered before.

    :param abandoned_after: how long a request may be at work before it is taken for cut off.
    :raises IdempotencyMismatchError: the key belongs to another request.
    :raises IdempotencyInFlightError: the same request is still at work.
    """
    kept = _reserve(store, request, abandoned_after)
    if kept is not None:
        return kept
    try:
        made = answer()
    except BaseException:
        _release(store, request)
        raise
    with store.begin() as tx:
        tx.identity.keep_answer(
            request.key,
            owner=request.owner,
            status=str(made.status),
            headers={},
            body=tx.secrets.seal(_text_of(made), purpose=_purpose(request)),
        )
    return made


def _reserve(store: Store, request: KeyedRequest, abandoned_after: dt.timedelta) -> Answer | None:
    with store.begin() as tx:
        if tx.identity.reserve_key(request.key, owner=request.owner, request_digest=request.digest):
            return None
        kept = tx.identity.kept_answer(request.key, owner=request.owner)
        now = tx.now
        is_for_it = kept is not None and kept.request_digest == request.digest
        if kept is not None and kept.status is not None and is_for_it:
            return _replayed(tx, request, kept)
    if kept is None:  # the request that had it failed just now, and its key is free again
        raise _in_flight(is_abandoned=False)
    if kept.request_digest != request.digest:
        raise IdempotencyMismatchError(next_step="Use a new key for a new request.")
    raise _in_flight(is_abandoned=now - kept.created_at > abandoned_after)


def _release(store: Store, request: KeyedRequest) -> None:
    try:
        with store.begin() as tx:
            tx.identity.release_key(request.key, owner=request.owner)
    except Exception:  # the request's own failure is the one to report
        log.exception("an idempotency key could not be released")


def _replayed(tx: Transaction, request: KeyedRequest, kept: KeptAnswer) -> Answer:
    headers, body = kept.headers or {}, kept.body or ""
    if body and not headers:  # those of before were kept as they were
        headers, body = json.loads(tx.secrets.unseal(body, purpose=_purpose(request)))
    replayed = {**headers, REPLAYED_HEADER: "true"}
    return Answer(status=int(kept.status or 0), headers=replayed, body=body.encode())


def _text_of(answer: Answer) -> str:
    return json.dumps([dict(answer.headers), answer.body.decode()])


def _purpose(request: KeyedRequest) -> str:
    return json.dumps(["answer", request.owner, request.key])


def _in_flight(*, is_abandoned: bool) -> IdempotencyInFlightError:
    if is_abandoned:
        return IdempotencyInFlightError(
            "The request with this Idempotency-Key was cut off.",
            next_step="Look whether it took effect; if not, send it again with a new key.",
        )
    return IdempotencyInFlightError(next_step="Send it again in a few seconds.")
