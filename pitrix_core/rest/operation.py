"""What one route is made of; routing, validation and the OpenAPI document all read these."""

import enum
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs

from pitrix_core.model import JsonObject
from pitrix_core.model.access import Action, Actor
from pitrix_core.service.services import Services


class Shape(enum.Enum):
    """How what a use returns becomes a body."""

    RECORD = "record"  #: one JSON object
    NOTHING = "nothing"  #: no body: nothing is left to tell
    PAGE = "page"  #: a list, cut into pages
    SLICE = "slice"  #: a page of a list too long to be read at once, which the use cuts itself
    OCTETS = "octets"  #: bytes, as they are
    FILE = "file"  #: bytes that say of what type they are
    EVENTS = "events"  #: a page, or a stream of server-sent events


class Place(enum.StrEnum):
    """Where a parameter stands; OpenAPI's words."""

    QUERY = "query"
    HEADER = "header"


@attrs.frozen(kw_only=True)
class File:
    """What a use of the shape ``FILE`` returns."""

    content: bytes = attrs.field(repr=False)
    media_type: str
    #: Beside its type.
    headers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Parameter:
    """Something a caller may say beside path and body."""

    name: str
    description: str
    #: JSON Schema of its value: a string, an integer, a boolean, or an array of strings.
    schema: JsonObject = attrs.field(factory=lambda: {"type": "string", "minLength": 1})
    place: Place = Place.QUERY


@attrs.frozen(kw_only=True)
class Call:
    """One request, understood."""

    services: Services
    actor: Actor
    #: Name in the path's template → value.
    path: Mapping[str, str]
    #: Parameter → value; those that were not given and have no default are not there.
    parameters: Mapping[str, Any]
    #: The operation's ``input`` record, or the bytes it takes; it may hold secrets.
    body: Any = attrs.field(default=None, repr=False)
    #: What a browser calls itself, and its cookies.
    agent: str = ""
    cookies: Mapping[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen(kw_only=True)
class Headed:
    """What a use returned, with headers of its own; ``Set-Cookie`` is one of them."""

    record: Any
    headers: Mapping[str, str] = attrs.field(repr=False)


#: What a browser shows. Source of the prefix, with which no other host can set it:
#: https://www.rfc-editor.org/rfc/rfc6265bis, read 2026-11.
SESSION_COOKIE: Final = "__Host-pitrix"

#: Of lists. Source: the API's own contract, ``docs``.
PAGE_LIMIT_MAX: Final = 200
PAGE_LIMIT_DEFAULT: Final = 50

LIMIT: Final = Parameter(
    name="limit",
    description="How many to return at most.",
    schema={
        "type": "integer",
        "minimum": 1,
        "maximum": PAGE_LIMIT_MAX,
        "default": PAGE_LIMIT_DEFAULT,
    },
)
CURSOR: Final = Parameter(
    name="cursor",
    description="Where the last page ended: its `next_cursor`.",
)
IDEMPOTENCY_KEY: Final = Parameter(
    name="Idempotency-Key",
    description="Chosen by the caller: a request that is sent again with the same key is carried "
    "out once, and answered as the first time.",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    place=Place.HEADER,
)
IF_MATCH: Final = Parameter(
    name="If-Match",
    description="ETag of the thing as it was read; when it changed since, nothing is done (412).",
    place=Place.HEADER,
)
IF_NONE_MATCH: Final = Parameter(
    name="If-None-Match",
    description="ETag of a copy at hand; when it is still good, the answer is 304 without a body.",
    place=Place.HEADER,
)
ACCEPT_LANGUAGE: Final = Parameter(
    name="Accept-Language",
    description="Languages of labels and descriptions, with weights: `zh-CN, en;q=0.5`. The one "
    "that is wanted most is taken, as far as a package is translated.",
    schema={"type": "string"},
    place=Place.HEADER,
)
LAST_EVENT_ID: Final = Parameter(
    name="Last-Event-ID",
    description="Last event that was received; a stream goes on after it.",
    schema={"type": "integer", "minimum": 0},
    place=Place.HEADER,
)

#: Shapes of answers that are one thing, a copy of which can be asked about.
_WHOLE: Final = frozenset({Shape.RECORD, Shape.OCTETS, Shape.FILE})
_OWN_PARAMETERS: Final[Mapping[Shape, tuple[Parameter, ...]]] = {
    Shape.RECORD: (),
    Shape.NOTHING: (),
    Shape.PAGE: (LIMIT, CURSOR),
    Shape.SLICE: (LIMIT, CURSOR),
    Shape.OCTETS: (),
    Shape.FILE: (),
    Shape.EVENTS: (LIMIT, CURSOR, LAST_EVENT_ID),
}


@attrs.frozen(kw_only=True)
class Operation:
    """One method on one path."""

    #: Unique; what generated clients call it.
    id: str
    method: str = "GET"
    #: Template, as Falcon and OpenAPI both write it: ``/v1/repos/{id}``.
    path: str
    summary: str
    #: Asks the use; raises what it raises.
    run: Callable[[Call], Any]
    #: What the caller has to be allowed with something at all; with what, its use looks at. None is
    #: for those who may do everything.
    needs: Action | None = None
    #: Anybody may ask who is known: it is about themselves.
    is_for_all: bool = False
    #: Its answer shows something this once: it is not kept for an idempotency key.
    is_shown_once: bool = False
    shape: Shape = Shape.RECORD
    #: Class of the record, or of a page's items; None where it is any JSON object.
    answer: type[attrs.AttrsInstance] | None = None
    status: int = attrs.field()
    #: Class of the record in the body; None for no body.
    input: type[attrs.AttrsInstance] | None = None
    #: Most bytes of a body that is taken as it is; None where a record is taken, or nothing.
    takes_bytes: int | None = None
    parameters: tuple[Parameter, ...] = ()
    #: Where what was made can be found: ``/v1/repos/{id}``, filled in from the answer.
    location: str | None = None
    #: Media type of octets; of files the range that they are of: ``image/*``.
    media_type: str = "application/json"
    #: Says that there may be nothing to tell: the use returns None, the answer is 204.
    may_be_empty: bool = False
    #: Others send people here, with parameters of their own: unknown ones are overlooked.
    is_from_elsewhere: bool = False
    #: Changes something although it is a ``GET``: the audit tells of it.
    is_deed: bool = False
    #: Needs no token.
    is_open: bool = False

    @status.default
    def _usual_status(self) -> int:
        return HTTPStatus.NO_CONTENT if self.shape is Shape.NOTHING else HTTPStatus.OK

    @property
    def is_change(self) -> bool:
        """Says whether it may change something."""
        return self.method != "GET"

    @property
    def is_cacheable(self) -> bool:
        """Says whether its answers carry an ETag and can be asked for with If-None-Match."""
        return not self.is_change and self.shape in _WHOLE

    @property
    def all_parameters(self) -> tuple[Parameter, ...]:
        """Its own parameters, and those that every operation of its kind has."""
        keys = (IDEMPOTENCY_KEY,) if self.is_change and not self.is_shown_once else ()
        tags = (IF_NONE_MATCH,) if self.is_cacheable else ()
        return (*self.parameters, *_OWN_PARAMETERS[self.shape], *keys, *tags)

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """Names in the path's template, in order."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))
