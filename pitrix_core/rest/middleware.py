"""What happens before and after every request: its id, who asks, a line in the log."""

import base64
import hmac
import logging
import re
import time
import uuid
from http import HTTPStatus
from typing import Any, Final

import attrs
import falcon

from pitrix_core.errors import ForbiddenError, UnauthorizedError
from pitrix_core.model.access import Actor
from pitrix_core.rest.operation import SESSION_COOKIE
from pitrix_core.rest.resources import Resource
from pitrix_core.service import identity, sessions
from pitrix_core.service.services import Services

log = logging.getLogger(__name__)

REQUEST_ID_HEADER: Final = "X-Request-Id"
CSRF_HEADER: Final = "X-CSRF-Token"

#: Ids of callers are taken over where they are fit for a log.
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

#: Of attempts at what is not allowed.
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
#: Of routes that need no token; owns nothing.
_NOBODY: Final = Actor(owner="")

#: What one may see is kept by nobody in between, and by a browser only to ask whether it is good
#: still: a cookie alone keeps no cache off. Source: https://www.rfc-editor.org/rfc/rfc9111#section-3.5
_PRIVATE: Final = "private, no-cache"

#: Methods that change nothing.
_READING: Final = frozenset({"GET", "HEAD"})


class RequestLog:
    """Gives every request an id, and the log a line for each."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Begin."""
        given = req.get_header(REQUEST_ID_HEADER) or ""
        req.context.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        req.context.began_at = time.monotonic()

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Show the id, and write the line; without the query, which is the caller's."""
        resp.set_header(REQUEST_ID_HEADER, req.context.request_id)
        resp.set_header("X-Content-Type-Options", "nosniff")
        facts: dict[str, object] = {
            "action": f"{req.method} {req.path}",
            "request_id": req.context.request_id,
            "status": resp.status_code,
            "duration_ms": round((time.monotonic() - req.context.began_at) * 1000, 1),
        }
        level = logging.DEBUG if req.method == "GET" else logging.INFO
        if resp.status_code in _REFUSED:  # the audit has only what was done
            level = logging.WARNING
            actor: Actor = getattr(req.context, "actor", _NOBODY)
            facts |= {"user": actor.owner, "address": req.remote_addr}
        log.log(level, "%s %s → %s", req.method, req.path, resp.status_code, extra=facts)


class Authentication:
    """Finds out who asks, before anything of the request is looked at."""

    def __init__(self, services: Services) -> None:
        """Keep where tokens are looked up."""
        self._services = services

    def process_resource(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        resource: object,
        params: dict[str, Any],
    ) -> None:
        """Put the actor into the request's context.

        :raises UnauthorizedError: the route wants a token, and there is none, or a wrong one.
        """
        req.context.actor = _NOBODY
        known = resource.operations if isinstance(resource, Resource) else {}
        method = "GET" if req.method == "HEAD" else req.method
        operation = known.get(method)  # None: Falcon answers that the method is not known
        actor = _NOBODY
        if operation is not None and not operation.is_open:
            actor = self._actor_of(req)
            resp.set_header("Cache-Control", _PRIVATE)
        origin = attrs.evolve(
            actor.origin, address=req.remote_addr, request_id=req.context.request_id
        )
        req.context.actor = attrs.evolve(actor, origin=origin)

    def _actor_of(self, req: falcon.Request) -> Actor:
        cookie = req.cookies.get(SESSION_COOKIE)
        if req.auth is not None or cookie is None:
            return identity.actor_of(self._services, _token(req))
        if req.method not in _READING:
            _require_csrf_token(req, cookie)
        return sessions.actor_of_cookie(self._services, cookie)


def _require_csrf_token(req: falcon.Request, cookie: str) -> None:
    shown = req.get_header(CSRF_HEADER) or ""
    if not hmac.compare_digest(shown.encode(), sessions.csrf_token_of(cookie).encode()):
        raise ForbiddenError(
            f"A request that changes something has to show {CSRF_HEADER}.",
            next_step="GET /v1/whoami says it.",
        )


def _token(req: falcon.Request) -> str:
    scheme, _, shown = (req.auth or "").partition(" ")
    token = shown if scheme.lower() == "bearer" else ""
    if scheme.lower() == "basic" and req.method in _READING:
        token = _password(shown)
    if not token.strip():
        raise UnauthorizedError(
            "A token is needed.",
            next_step="Send Authorization: Bearer TOKEN; the first one is in the file `token` of "
            "the server's data folder.",
        )
    return token.strip()


def _password(shown: str) -> str:
    """Return the password of Basic authentication, which Helm sends; empty where there is none."""
    try:
        return base64.b64decode(shown.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
