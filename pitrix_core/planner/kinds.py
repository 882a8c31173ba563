"""The task kinds that the core carries out itself, on every provider."""

from typing import Final

FRONTGATE_ENSURE: Final = "frontgate.ensure"
FRONTGATE_WAIT: Final = "frontgate.wait"
METADATA_PUT: Final = "metadata.put"
METADATA_DELETE: Final = "metadata.delete"
AGENT_WAIT: Final = "agent.wait"
SERVICE_RUN: Final = "service.run"
ORPHAN_DELETE: Final = "orphan.delete"

CORE_KINDS: Final = frozenset(
    {
        FRONTGATE_ENSURE,
        FRONTGATE_WAIT,
        METADATA_PUT,
        METADATA_DELETE,
        AGENT_WAIT,
        SERVICE_RUN,
        ORPHAN_DELETE,
    }
)
