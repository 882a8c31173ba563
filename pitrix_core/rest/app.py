"""Puts the API together as a WSGI application."""

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import falcon

from pitrix_core.rest import middleware, openapi, problems
from pitrix_core.rest.events import Streams
from pitrix_core.rest.operation import Operation
from pitrix_core.rest.operations import OPERATIONS
from pitrix_core.rest.resources import Performer, Resource
from pitrix_core.service.services import Services

App: TypeAlias = "falcon.App[falcon.Request, falcon.Response]"


def make_app(
    services: Services,
    *,
    operations: Sequence[Operation] = OPERATIONS,
    streams: Streams | None = None,
) -> App:
    """Return the API over one process's services; safe to be called by several threads at a time.

    :param operations: what it offers; the document is added.
    :param streams: whoever stops the process stops them first.
    """
    app: App = falcon.App()
    app.add_middleware(middleware.RequestLog())
    app.add_middleware(middleware.Authentication(services))
    app.req_options.keep_blank_qs_values = True  # an empty value is refused, not overlooked
    problems.install(app)
    performer = Performer(services, streams=streams or Streams())
    table = sorted(openapi.with_document(operations), key=lambda operation: operation.path)
    for path, group in itertools.groupby(table, key=lambda operation: operation.path):
        app.add_route(path, Resource(group, performer=performer))
    return app
