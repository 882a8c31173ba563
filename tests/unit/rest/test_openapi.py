"""Tests that the document says what the API does."""

import re
from collections.abc import Iterator
from typing import Any

import attrs
import falcon.inspect
import falcon.testing
import jsonschema
import pytest

from pitrix_core import validation
from pitrix_core.rest import events, openapi
from pitrix_core.rest.app import make_app
from pitrix_core.rest.operation import Operation
from pitrix_core.rest.operations import OPERATIONS
from pitrix_core.service.services import Services

Document = dict[str, Any]


@pytest.fixture
def document(services: Services) -> Document:
    """The document as it is served."""
    client = falcon.testing.TestClient(make_app(services))
    served: Document = client.simulate_get("/v1/openapi.json").json
    return served


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    if isinstance(part, list):
        for item in part:
            yield from _references(item)


def test_every_route_is_in_the_document_and_the_reverse(
    services: Services, document: Document
) -> None:
    """Falcon's router and the document know the same methods at the same paths; HEAD goes with
    GET without being said.
    """
    routed = {
        (route.path, method.method.lower())
        for route in falcon.inspect.inspect_routes(make_app(services))
        for method in route.methods
        if not method.internal and method.method != "HEAD"
    }

    assert routed == {(path, method) for path, method, _ in _operations(document)}


def test_the_document_has_the_members_of_openapi(document: Document) -> None:
    """Version, title and version of the API are there; nothing unknown is."""
    assert document["openapi"].startswith("3.1.")
    assert set(document) <= {"openapi", "info", "servers", "security", "paths", "components"}
    assert {"title", "version"} <= set(document["info"])


def test_operation_ids_are_unique(document: Document) -> None:
    """Generated clients have one function per operation."""
    ids = [operation["operationId"] for _, _, operation in _operations(document)]

    assert len(ids) == len(set(ids))


def test_every_reference_leads_somewhere(document: Document) -> None:
    """Nothing points at a definition that is not there."""
    references = set(_references(document))

    assert references
    for reference in references:
        assert validation.resolve_pointer(document, reference.removeprefix("#")) is not None


def test_every_schema_is_one(document: Document) -> None:
    """Components are JSON Schemas of the dialect that OpenAPI 3.1 takes."""
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_operation_can_end_in_a_problem(document: Document) -> None:
    """The default response is a problem; 401 is named where a token is needed."""
    for _, _, operation in _operations(document):
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
        assert ("401" in operation["responses"]) == ("security" not in operation)


def test_every_response_is_described(document: Document) -> None:
    """A description is required of each."""
    for _, _, operation in _operations(document):
        for response in operation["responses"].values():
            assert "description" in response or "$ref" in response


def test_path_parameters_are_those_of_the_path(document: Document) -> None:
    """Each name in a template is a required parameter, and no other is."""
    for path, _, operation in _operations(document):
        named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))


def test_parameters_are_named_once(document: Document) -> None:
    """Name and place together are unique in an operation."""
    for _, _, operation in _operations(document):
        names = [(p["name"], p["in"]) for p in operation["parameters"]]
        assert len(names) == len(set(names))


def test_every_change_takes_an_idempotency_key(document: Document) -> None:
    """They can be sent again, unless their answer shows something once: that is not kept."""
    for _, method, operation in _operations(document):
        has_key = "Idempotency-Key" in {p["name"] for p in operation["parameters"]}
        is_shown_once = operation["operationId"] in {"addToken", "logIn"}
        assert has_key == (method != "get" and not is_shown_once)


def test_events_alone_are_streamed(document: Document) -> None:
    """Other lists are cut into pages, whoever cuts them."""
    streams = [
        operation["operationId"]
        for _, _, operation in _operations(document)
        if events.MEDIA_TYPE in operation["responses"].get("200", {}).get("content", {})
    ]

    assert streams == ["listEvents"]


def test_what_is_taken_away_is_not_described(document: Document) -> None:
    """Nothing is left to tell of it, unless jobs have to take more away first."""
    told = {
        operation["operationId"]: answers
        for _, method, operation in _operations(document)
        if method == "delete"
        if (answers := {status for status in operation["responses"] if status < "300"}) != {"204"}
    }

    assert told == {"deleteRuntime": {"202", "204"}}


def test_a_secret_is_marked(document: Document) -> None:
    """Forms and generators know that the credential is never shown."""
    schema = document["components"]["schemas"]["RuntimeInput"]

    assert schema["properties"]["credential"]["writeOnly"] is True


def test_what_is_shown_of_a_task_has_no_input(document: Document) -> None:
    """Neither a task's input nor a provider's own notes leave the server."""
    schemas = document["components"]["schemas"]

    assert "input" not in schemas["JobTask"]["properties"]
    assert "handle" not in schemas["CloudOperation"]["properties"]


def test_two_records_of_one_name_are_noticed() -> None:
    """A component is one class."""

    @attrs.frozen
    class Repo:
        """Another repo than the catalogue's."""

        colour: str

    other = Operation(id="x", method="GET", path="/x", summary="x", run=lambda _: None, answer=Repo)

    with pytest.raises(ValueError, match="Repo"):
        openapi.document_of([*OPERATIONS, other])
