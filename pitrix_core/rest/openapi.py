"""Makes the OpenAPI 3.1 document from the table of operations.

Source of the format: https://spec.openapis.org/oas/v3.1.1.html, read 2026-08.
"""

import functools
import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import attrs

from pitrix_core import convert
from pitrix_core.rest import events, problems, replies, schemas
from pitrix_core.rest.operation import Operation, Parameter, Place, Shape

_PROBLEM: Final = {"$ref": "#/components/responses/Problem"}
_NULLABLE_STRING: Final = {"type": ["string", "null"]}


def with_document(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """Return the operations, and one more that answers with the document of them all."""
    describe = Operation(
        id="describeApi",
        method="GET",
        path="/v1/openapi.json",
        summary="Return this document",
        run=lambda _call: document(),
        is_open=True,
    )
    table = (*operations, describe)
    document = functools.cache(lambda: document_of(table))  # a process may never be asked for it
    return table


def document_of(operations: Iterable[Operation]) -> Mapping[str, Any]:
    """Return the document of an API.

    :raises ValueError: two classes of one name have different schemas.
    """
    table = tuple(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pitrix",
            "summary": "Packages, deploys and manages applications of any type on any cloud",
            "version": importlib.metadata.version("pitrix-core"),
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _components(table),
            "responses": {"Problem": _problem()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": [
            *(_path_parameter(name) for name in operation.path_parameters),
            *(_parameter(parameter) for parameter in operation.all_parameters),
        ],
        "responses": _responses(operation),
    }
    if operation.input is not None:
        content = {replies.JSON: {"schema": schemas.reference(operation.input)}}
        described["requestBody"] = {
            "required": schemas.has_required(operation.input),
            "content": content,
        }
    if operation.takes_bytes is not None:
        schema = {"type": "string", "format": "binary"}
        content = {replies.OCTETS: {"schema": schema}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.is_open:
        described["security"] = []
    return described


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place.value,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


# -- responses -------------------------------------------------------------------------------------


def _responses(operation: Operation) -> dict[str, Any]:
    is_empty = operation.shape is Shape.NOTHING
    responses = {} if is_empty else {str(int(operation.status)): _success(operation)}
    if is_empty or operation.may_be_empty:
        responses["204"] = _empty(HTTPStatus.NO_CONTENT)
    if operation.is_cacheable:
        responses["304"] = _empty(HTTPStatus.NOT_MODIFIED)
    for status in _refusals(operation):
        responses[str(status.value)] = _PROBLEM
    return {**responses, "default": _PROBLEM}


def _refusals(operation: Operation) -> list[HTTPStatus]:
    refusals = [] if operation.is_open else [HTTPStatus.UNAUTHORIZED]
    if operation.path_parameters:
        refusals.append(HTTPStatus.NOT_FOUND)
    if operation.is_change:
        refusals += [HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY]
    if any(parameter.place is Place.QUERY for parameter in operation.all_parameters):
        refusals.append(HTTPStatus.UNPROCESSABLE_ENTITY)
    if any(parameter.name == "If-Match" for parameter in operation.parameters):
        refusals.append(HTTPStatus.PRECONDITION_FAILED)
    return refusals


def _success(operation: Operation) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": HTTPStatus(operation.status).phrase,
        "content": _content(operation),
    }
    headers = [
        *(["ETag"] if operation.is_cacheable else []),
        *(["Location"] if operation.location else []),
    ]
    if headers:
        response["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    return response


def _content(operation: Operation) -> dict[str, Any]:
    if operation.shape in (Shape.OCTETS, Shape.FILE):
        return {operation.media_type: {"schema": {}}}
    record = {"type": "object"} if operation.answer is None else schemas.reference(operation.answer)
    if operation.shape is Shape.RECORD:
        return {operation.media_type: {"schema": record}}
    page = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": record},
            "next_cursor": _NULLABLE_STRING,
        },
        "required": ["items", "next_cursor"],
    }
    if operation.shape is not Shape.EVENTS:
        return {operation.media_type: {"schema": page}}
    stream = {"schema": {"type": "string", "description": "Each event's `data` is an Event."}}
    return {operation.media_type: {"schema": page}, events.MEDIA_TYPE: stream}


def _empty(status: HTTPStatus) -> dict[str, Any]:
    return {"description": status.phrase}


def _problem() -> dict[str, Any]:
    return {
        "description": "Why the request was not carried out",
        "content": {problems.MEDIA_TYPE: {"schema": schemas.reference(problems.Problem)}},
    }


# -- components ------------------------------------------------------------------------------------


def _components(operations: Iterable[Operation]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    answers: list[type[attrs.AttrsInstance]] = [problems.Problem]
    for operation in operations:
        if operation.answer is not None:
            answers.append(operation.answer)
        if operation.input is not None:
            _add(found, schemas.components_of(schemas.input_schema(operation.input)))
    for answer in answers:
        _add(found, schemas.components_of(convert.schema_of(answer)))
    return dict(sorted(found.items()))


def _add(found: dict[str, Any], components: Mapping[str, Any]) -> None:
    for name, component in components.items():
        if found.setdefault(name, component) != component:
            raise ValueError(f"two records of the API are called {name}")
