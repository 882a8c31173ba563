"""Hand out the agents' archives."""

from pitrix_core.service.services import Services


def agent_file(services: Services, name: str, digest: str) -> bytes:
    """Return an agent's archive by its SHA-256; public, for whoever asks knows what to expect.

    :raises NotFoundError: there is none with this digest.
    """
    return services.agent_files.read(name, digest)
