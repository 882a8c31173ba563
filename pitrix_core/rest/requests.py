"""Reads what a request says: its body and its parameters, checked with their schemas."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import attrs
import falcon

from pitrix_core import convert, validation
from pitrix_core.errors import InvalidInputError, NotFoundError
from pitrix_core.findings import Finding, Level
from pitrix_core.rest import refusals, schemas
from pitrix_core.rest.operation import Operation, Parameter, Place

#: Longest body of JSON, in bytes; the largest configuration form is far below it.
BODY_LIMIT_BYTES: Final = 4 * 1024 * 1024

#: Of at most 63 bits; digits of other scripts mean nothing here.
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")

_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}


def refuse_nul(req: falcon.Request) -> None:
    """Refuse what PostgreSQL can neither keep nor look for, whatever it would have meant.

    :raises NotFoundError: the path has it.
    :raises ParameterError: the query has it.
    """
    if "\0" in req.path:
        raise NotFoundError("There is nothing at this path.")
    if "%00" in req.query_string:
        raise refusals.ParameterError("query: NUL (%00) is no character of a text.")


def read_body(req: falcon.Request, *, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
    """Return the body as it came.

    :raises BodyTooLargeError: it is longer than that.
    """
    if (req.content_length or 0) > limit_bytes:
        _refuse_size(limit_bytes)
    is_chunked = req.content_length is None and bool(req.env.get("wsgi.input_terminated"))
    stream = req.stream if is_chunked else req.bounded_stream
    body = bytes(stream.read(limit_bytes + 1))
    if len(body) > limit_bytes:
        _refuse_size(limit_bytes)
    return body


def _refuse_size(limit_bytes: int) -> NoReturn:
    raise refusals.BodyTooLargeError(
        f"The body is longer than {limit_bytes} bytes.", next_step="Send less."
    )


def read_record(
    body: bytes, cls: type[attrs.AttrsInstance], *, content_type: str | None
) -> attrs.AttrsInstance:
    """Build an operation's input from a body.

    :raises MediaTypeError: the body does not say that it is JSON.
    :raises MalformedJsonError: it is not JSON.
    :raises InvalidInputError: it violates the record's schema; with a finding for each violation.
    """
    if body and not _is_json(content_type):
        raise refusals.MediaTypeError(
            "The body has to be JSON.", next_step="Send Content-Type: application/json"
        )
    document = parse(body) if body or schemas.has_required(cls) else {}
    if not isinstance(document, dict):  # the schema's own message would quote the whole body
        message = f"The body is not a JSON object; {cls.__name__} is one."
        finding = Finding(level=Level.ERROR, code="schema.type", message=message)
        raise InvalidInputError(message, findings=[finding])
    findings = validation.violations(document, schemas.input_schema(cls))
    if findings:
        raise InvalidInputError(
            validation.summary(findings), findings=findings, pointer=findings[0].pointer or None
        )
    return convert.from_json(document, cls)


def parse(body: bytes) -> Any:
    """Return the JSON of a body.

    :raises MalformedJsonError: it is not JSON; says where.
    """
    try:
        text = body.decode()
        document = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if "\\ud" in text.lower():  # half a surrogate pair is no character
            json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError as ex:
        where = f"line {ex.lineno}, column {ex.colno}"
        raise refusals.MalformedJsonError(f"The body is not JSON: {where}: {ex.msg}.") from ex
    except UnicodeError as ex:
        raise refusals.MalformedJsonError("The body is not JSON: it is not UTF-8.") from ex
    except RecursionError as ex:
        raise refusals.MalformedJsonError("The body is nested too deeply.") from ex
    except ValueError as ex:  # NaN, infinite, or of thousands of digits
        raise refusals.MalformedJsonError("The body has a number that JSON cannot hold.") from ex
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(number: str) -> float:
    """Return a number; 1e999 is infinite for Python, which no answer of ours could hold."""
    value = float(number)
    return value if math.isfinite(value) else _refuse_constant(number)


def _is_json(content_type: str | None) -> bool:
    essence = (content_type or "").partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")


def read_parameters(req: falcon.Request, operation: Operation) -> dict[str, Any]:
    """Return the values of an operation's parameters by name, defaults filled in.

    :raises ParameterError: one of the query is unknown or has a bad value.
    :raises HeaderError: a header has a bad value.
    """
    known = {p.name: p for p in operation.all_parameters}
    queried = {name for name, p in known.items() if p.place is Place.QUERY}
    unknown = sorted(set(req.params) - queried)
    if unknown and not operation.is_from_elsewhere:
        raise refusals.ParameterError(
            f"Unknown query parameter {unknown[0]!r}.",
            next_step=f"Known here: {', '.join(sorted(queried)) or 'none'}.",
        )
    values = {name: _value(req, parameter) for name, parameter in known.items()}
    return {name: value for name, value in values.items() if value is not None}


def _value(req: falcon.Request, parameter: Parameter) -> Any:
    raw = (
        req.get_header(parameter.name)
        if parameter.place is Place.HEADER
        else req.params.get(parameter.name)
    )
    if raw is None:
        return parameter.schema.get("default")
    value = _typed(raw, parameter.schema)
    findings = validation.violations(value, parameter.schema)
    if findings:
        message = f"{parameter.place} {parameter.name}: {findings[0].message}"
        if parameter.place is Place.HEADER:
            raise refusals.HeaderError(message)
        raise refusals.ParameterError(message)
    return value


def _typed(raw: str | list[str], schema: Mapping[str, Any]) -> Any:
    """Return what a text means; where it means nothing, the text, for the schema to refuse."""
    kind = schema.get("type")
    if kind == "array":
        return raw if isinstance(raw, list) else [raw]
    if isinstance(raw, list):
        return raw
    if kind == "integer" and _INTEGER.fullmatch(raw):
        return int(raw)
    if kind == "boolean":
        return _BOOLEANS.get(raw, raw)
    return raw


def first_event(parameters: Mapping[str, Any]) -> int:
    """Return the id of the event after which to begin; where a client left off comes first.

    :raises ParameterError: the cursor is no event's id.
    """
    last_id = parameters.get("Last-Event-ID")
    if last_id is not None:
        return int(last_id)
    cursor = parameters.get("cursor")
    if cursor is None:
        return int(parameters["after"])
    after = _typed(cursor, {"type": "integer"})
    if not isinstance(after, int):
        raise refusals.ParameterError("query cursor: no page ended with this one.")
    return after
