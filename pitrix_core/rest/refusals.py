"""Errors that only HTTP knows: what is wrong with a request before any use is asked."""

from pitrix_core.errors import ConflictError, InvalidInputError, PitrixError


class MalformedJsonError(InvalidInputError):
    """The body is not JSON."""

    code = "malformed_json"


class BodyTooLargeError(InvalidInputError):
    """The body is larger than the API takes."""

    code = "body_too_large"


class MediaTypeError(InvalidInputError):
    """The body is of a type that the API does not read."""

    code = "media_type"


class HeaderError(InvalidInputError):
    """A header's value is not one that it can have."""

    code = "header_invalid"


class ParameterError(InvalidInputError):
    """A query parameter is unknown, or its value is not one that it can have."""

    code = "parameter_invalid"


class PreconditionError(ConflictError):
    """The thing is not the one that If-Match names."""

    code = "precondition_failed"


class IdempotencyMismatchError(ConflictError):
    """The Idempotency-Key was used for another request."""

    code = "idempotency_mismatch"


class IdempotencyInFlightError(ConflictError):
    """A request with this Idempotency-Key is still at work."""

    code = "idempotency_in_flight"


class TooManyStreamsError(PitrixError):
    """This process holds as many event streams as it may."""

    code = "too_many_streams"


class DatabaseTroubleError(PitrixError):
    """The database does not answer, or is too busy; what was asked for was not done, or may not
    have been heard of.
    """

    code = "database"


class UnhealthyError(PitrixError):
    """The database does not answer."""

    code = "unhealthy"
