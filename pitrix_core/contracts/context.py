"""What a provider is given by the core."""

from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class Context:
    """Facts of this installation that a provider may use; it gets no database, no queue and no
    other runtime.
    """

    #: Written into every resource's tags; a lower-case UUID without dashes.
    installation_id: str
    #: Folder on this machine for what a provider must keep beside the cloud (a cache, a lock).
    #: Private to the runtime, not shared between machines, made on first use by the provider.
    state_dir: Path
    #: Seconds a single request to the cloud may take.
    request_timeout_s: float = 30.0
