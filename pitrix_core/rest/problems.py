"""The one table from errors to HTTP statuses, and problem+json (RFC 9457)."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs
import falcon

from pitrix_core import convert, errors
from pitrix_core.errors import PitrixError
from pitrix_core.findings import Finding
from pitrix_core.rest import refusals
from pitrix_core.rest.refusals import UnhealthyError
from pitrix_core.store import DATABASE_TROUBLE, UNFIT_FOR_DATABASE

log = logging.getLogger(__name__)

#: Source: https://www.rfc-editor.org/rfc/rfc9457#section-6.1, read 2026-08.
MEDIA_TYPE: Final = "application/problem+json"

#: An error has the status of the nearest of its classes that stands here.
STATUSES: Final[Mapping[type[PitrixError], HTTPStatus]] = {
    PitrixError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.PlanRefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnauthorizedError: HTTPStatus.UNAUTHORIZED,
    errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    errors.IssuerUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManyAttemptsError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.PackageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RepoError: HTTPStatus.UNPROCESSABLE_ENTITY,  # what was given leads nowhere
    errors.RepoTemporaryError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.KeyProviderError: HTTPStatus.INTERNAL_SERVER_ERROR,  # the operator has to look
    errors.KeyProviderTemporaryError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.PluginError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PluginNotFoundError: HTTPStatus.NOT_FOUND,
    errors.ProviderError: HTTPStatus.BAD_GATEWAY,
    errors.ProviderTemporaryError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.UnsupportedOperationError: HTTPStatus.UNPROCESSABLE_ENTITY,  # no cloud was asked
    errors.LeaseLostError: HTTPStatus.CONFLICT,
    errors.TaskFailedError: HTTPStatus.CONFLICT,
    refusals.MalformedJsonError: HTTPStatus.BAD_REQUEST,
    refusals.BodyTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    refusals.MediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    refusals.HeaderError: HTTPStatus.BAD_REQUEST,
    refusals.PreconditionError: HTTPStatus.PRECONDITION_FAILED,
    refusals.TooManyStreamsError: HTTPStatus.SERVICE_UNAVAILABLE,
    refusals.DatabaseTroubleError: HTTPStatus.SERVICE_UNAVAILABLE,
    UnhealthyError: HTTPStatus.SERVICE_UNAVAILABLE,
}

#: Seconds after which to come back where the error names no delay of its own.
_RETRY_AFTER_S: Final = 5


@attrs.frozen(kw_only=True)
class Problem:
    """Why a request was not carried out."""

    type: str = "about:blank"
    #: The status in words.
    title: str
    status: int
    #: What happened, for a person.
    detail: str
    #: Stable word for programs.
    code: str
    #: JSON pointer (RFC 6901) of the member of the request that is at fault.
    pointer: str | None = None
    #: What the reader can do now.
    next_step: str | None = None
    #: Everything that was found wrong.
    findings: tuple[Finding, ...] = ()
    #: With the code ``runtime_choice``: ``{"id", "name"}`` of each runtime that matches.
    candidates: tuple[Mapping[str, str], ...] = ()


def status_of(error: type[PitrixError]) -> HTTPStatus:
    """Return the status of a class of errors."""
    return next(STATUSES[cls] for cls in error.__mro__ if cls in STATUSES)


def problem_of(error: PitrixError) -> Problem:
    """Say what an error of ours means to whoever asked."""
    status = status_of(type(error))
    return Problem(
        title=status.phrase,
        status=status.value,
        detail=error.message,
        code=error.code,
        pointer=error.pointer,
        next_step=error.next_step,
        findings=tuple(getattr(error, "findings", ())),
        candidates=tuple(getattr(error, "candidates", ())),
    )


def install(app: "falcon.App[falcon.Request, falcon.Response]") -> None:
    """Let every failure of an app become a problem."""
    app.add_error_handler(Exception, _answer_unknown)
    app.add_error_handler(falcon.HTTPError, _answer_falcon)
    app.add_error_handler(PitrixError, _answer_ours)
    for trouble in DATABASE_TROUBLE:
        app.add_error_handler(trouble, _answer_database)
    for refusal in UNFIT_FOR_DATABASE:
        app.add_error_handler(refusal, _answer_unfit)


def _answer_ours(
    req: falcon.Request, resp: falcon.Response, ex: PitrixError, _params: Mapping[str, Any]
) -> None:
    problem = problem_of(ex)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log_failure(req, problem, ex)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        resp.set_header("WWW-Authenticate", 'Bearer realm="pitrix"')
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        delay_s = getattr(ex, "retry_after_s", _RETRY_AFTER_S)
        resp.set_header("Retry-After", str(max(1, round(delay_s))))
    _write(resp, problem)


def _answer_database(
    req: falcon.Request, resp: falcon.Response, ex: Exception, params: Mapping[str, Any]
) -> None:
    log.warning("The database did not answer: %s", ex, extra={"action": f"{req.method} {req.path}"})
    away = refusals.DatabaseTroubleError(
        "The database does not answer now.",
        next_step="Send it again in a few seconds, with the same Idempotency-Key if it had one.",
    )
    _answer_ours(req, resp, away, params)


def _answer_unfit(
    req: falcon.Request, resp: falcon.Response, _ex: Exception, params: Mapping[str, Any]
) -> None:
    # what it says of itself quotes the values, which may be secrets
    log.info("The database refused a value", extra={"action": f"{req.method} {req.path}"})
    unfit = errors.InvalidInputError(
        "A value is too long, or has a character that cannot be stored, such as NUL.",
        next_step="Leave such characters out, and shorten what is very long.",
    )
    _answer_ours(req, resp, unfit, params)


def _answer_falcon(
    _req: falcon.Request, resp: falcon.Response, ex: falcon.HTTPError, _params: Mapping[str, Any]
) -> None:
    status = HTTPStatus(ex.status_code)
    if ex.headers:
        resp.set_headers(ex.headers)
    detail, next_step = _FALCON.get(status, (ex.description or status.phrase, None))
    problem = Problem(
        title=status.phrase,
        status=status.value,
        detail=detail,
        code=status.phrase.lower().replace(" ", "_"),
        next_step=next_step,
    )
    _write(resp, problem)


#: Status of an error raised by Falcon itself → what happened, and what to do.
_FALCON: Final[Mapping[HTTPStatus, tuple[str, str]]] = {
    HTTPStatus.NOT_FOUND: (
        "There is nothing at this path.",
        "Look the paths up: GET /v1/openapi.json",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "This path does not know the method.",
        "Use one of the methods in the Allow header.",
    ),
}


def _answer_unknown(
    req: falcon.Request, resp: falcon.Response, ex: Exception, _params: Mapping[str, Any]
) -> None:
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    problem = Problem(
        title=status.phrase,
        status=status.value,
        detail="Something went wrong inside pitrix.",
        code="internal",
        next_step="Look in the server's log for the request id in the X-Request-Id header.",
    )
    _log_failure(req, problem, ex)
    _write(resp, problem)


def _log_failure(req: falcon.Request, problem: Problem, ex: Exception) -> None:
    facts = {
        "action": f"{req.method} {req.path}",
        "request_id": getattr(req.context, "request_id", None),
        "status": problem.status,
    }
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(ex, UnhealthyError):
        log.error("a request failed: %s %s", req.method, req.path, extra=facts, exc_info=ex)
    else:
        log.warning("a request was given up: %s", problem.code, extra=facts)


def _write(resp: falcon.Response, problem: Problem) -> None:
    members = convert.to_json(problem)
    resp.status = problem.status
    resp.content_type = MEDIA_TYPE
    resp.stream = None
    resp.data = json.dumps({k: v for k, v in members.items() if v not in (None, [])}).encode()
