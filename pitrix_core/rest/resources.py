"""Carries operations out: from Falcon's request to a call, from its answer to Falcon's response."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs
import falcon

from pitrix_core.errors import ForbiddenError
from pitrix_core.model.access import Actor
from pitrix_core.rest import events, idempotency, replies, requests
from pitrix_core.rest.operation import IDEMPOTENCY_KEY, Call, Headed, Operation, Shape
from pitrix_core.rest.replies import Answer
from pitrix_core.service.access import require
from pitrix_core.service.services import Services
from pitrix_core.store.audit import Deed

Responder = Callable[..., None]

_SET_COOKIE: Final = "Set-Cookie"


class Resource:
    """What there is at one path: its operations, by method."""

    def __init__(self, operations: Iterable[Operation], *, performer: "Performer") -> None:
        """Give Falcon the responders that it looks for: ``on_get``, ``on_post``, …"""
        self.operations: Mapping[str, Operation] = {o.method: o for o in operations}
        for method, operation in self.operations.items():
            setattr(self, f"on_{method.lower()}", _responder(operation, performer))
        if "GET" in self.operations:
            # Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.1, read 2026-08: every server
            # knows HEAD; Falcon leaves the body out of its answer.
            self.on_head = _responder(self.operations["GET"], performer)


def _responder(operation: Operation, performer: "Performer") -> Responder:
    def respond(req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        performer.perform(operation, req, resp, path=path)

    return respond


class Performer:
    """Carries operations out with the services of one process."""

    def __init__(self, services: Services, *, streams: events.Streams) -> None:
        """Keep what calls need."""
        self._services = services
        self._streams = streams

    def perform(
        self,
        operation: Operation,
        req: falcon.Request,
        resp: falcon.Response,
        *,
        path: Mapping[str, str],
    ) -> None:
        """Understand a request, carry it out, and answer it.

        :raises ForbiddenError: the caller may do no such thing.
        :raises NotFoundError: no path is written like this.
        """
        _require_right(req.context.actor, operation)
        requests.refuse_nul(req)
        parameters = requests.read_parameters(req, operation)
        call = Call(
            services=self._services,
            actor=req.context.actor,
            path=path,
            parameters=parameters,
            agent=req.user_agent or "",
            cookies=req.cookies,
        )
        if operation.shape is Shape.EVENTS:
            self._answer_events(operation, call, req, resp)
            return
        limit_bytes = operation.takes_bytes or requests.BODY_LIMIT_BYTES
        body = requests.read_body(req, limit_bytes=limit_bytes) if operation.is_change else b""
        if operation.input is not None:
            record = requests.read_record(body, operation.input, content_type=req.content_type)
            call = attrs.evolve(call, body=record)
        elif operation.takes_bytes is not None:
            call = attrs.evolve(call, body=body)
        _write(resp, self._answer(operation, _audited(operation, call), req, body))

    def _answer(self, operation: Operation, call: Call, req: falcon.Request, body: bytes) -> Answer:
        key = call.parameters.get(IDEMPOTENCY_KEY.name)
        if key is None:
            return _carry_out(operation, call)
        parts = (req.method.encode(), req.path.encode(), req.query_string.encode(), body)
        request = idempotency.KeyedRequest(
            key=key, owner=call.actor.owner, digest=idempotency.digest_of(*parts)
        )
        return idempotency.answer_once(
            self._services.store, request, lambda: _carry_out(operation, call)
        )

    def _answer_events(
        self, operation: Operation, call: Call, req: falcon.Request, resp: falcon.Response
    ) -> None:
        call = _after(call, requests.first_event(call.parameters))
        if req.method == "HEAD" or events.MEDIA_TYPE not in req.accept:
            _write(resp, _carry_out(operation, call))
            return
        resp.stream = self._streams.open(
            lambda last_id: operation.run(_after(call, last_id)), after=call.parameters["after"]
        )
        resp.content_type = events.MEDIA_TYPE
        resp.set_header("Cache-Control", "no-store")
        resp.set_header("X-Accel-Buffering", "no")  # nginx would hold events back


def _require_right(actor: Actor, operation: Operation) -> None:
    if operation.is_open or operation.is_for_all or actor.is_admin:
        return
    if operation.needs is None:
        raise ForbiddenError("Only who may do everything may do this.")
    require(actor, operation.needs)


def _after(call: Call, event_id: int) -> Call:
    return attrs.evolve(call, parameters={**call.parameters, "after": event_id})


def _audited(operation: Operation, call: Call) -> Call:
    """Return a call whose changes are told of in the audit."""
    if not (operation.is_change or operation.is_deed):
        return call
    deed = Deed(
        actor=call.actor,
        action=operation.id,
        subject=next(iter(call.path.values()), ""),
        wanted=call.body if attrs.has(type(call.body)) else None,
    )
    store = call.services.store.on_behalf(deed)
    return attrs.evolve(call, services=attrs.evolve(call.services, store=store))


def _carry_out(operation: Operation, call: Call) -> Answer:
    result = operation.run(call)
    if not isinstance(result, Headed):
        return replies.answer_of(operation, call, result)
    answer = replies.answer_of(operation, call, result.record)
    return attrs.evolve(answer, headers={**answer.headers, **result.headers})


def _write(resp: falcon.Response, answer: Answer) -> None:
    resp.status = answer.status
    for name, value in answer.headers.items():
        if name == _SET_COOKIE:  # Falcon wants to be told that it is meant
            resp.append_header(name, value)
        else:
            resp.set_header(name, value)
    if answer.body:
        resp.data = answer.body
