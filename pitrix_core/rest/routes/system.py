"""What this installation is made of: its health, plugins and agents."""

from typing import Final

from pitrix_core.model.access import Action
from pitrix_core.plugins.discovery import PluginInfo
from pitrix_core.plugins.registry import PluginReport
from pitrix_core.rest import answers
from pitrix_core.rest.operation import Call, Operation, Shape
from pitrix_core.rest.refusals import UnhealthyError
from pitrix_core.service import agents, plugins, providers


def _health(call: Call) -> answers.Health:
    try:
        with call.services.store.read() as tx:
            tx.logins.has_tokens()
    except Exception as ex:
        raise UnhealthyError from ex
    return answers.Health()


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="getHealth",
        path="/healthz",
        summary="Answer once the database does",
        run=_health,
        answer=answers.Health,
        is_open=True,
    ),
    Operation(
        id="listPlugins",
        path="/v1/plugins",
        summary="List the installed plugins, sound and broken",
        needs=Action.PLUGINS_READ,
        run=lambda c: plugins.report(c.services, c.actor),
        shape=Shape.PAGE,
        answer=PluginReport,
    ),
    Operation(
        id="listProviders",
        path="/v1/providers",
        summary="List the providers that runtimes can be registered with",
        needs=Action.PLUGINS_READ,
        run=lambda c: providers.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=PluginInfo,
    ),
    Operation(
        id="getProvider",
        path="/v1/providers/{name}",
        summary="Describe a provider: the JSON Schemas of its settings and credential",
        needs=Action.PLUGINS_READ,
        run=lambda c: providers.describe(c.services, c.actor, c.path["name"]),
    ),
    Operation(
        id="getAgent",
        path="/v1/agents/{name}/{digest}",
        summary="Download an agent; its code is public, and who asks pins its digest",
        run=lambda c: agents.agent_file(c.services, c.path["name"], c.path["digest"]),
        shape=Shape.OCTETS,
        media_type="application/octet-stream",
        is_open=True,
    ),
)
