"""One call of a provider, as the hook around it sees it."""

from collections.abc import Callable, Mapping

import attrs


@attrs.frozen(kw_only=True)
class ProviderCall:
    """What is called, for whom, with what."""

    #: The contract's name: ``compute.create``, ``compute.poll``, ``provider.check``, …
    operation: str
    provider: str
    runtime_id: str
    #: Arguments by name. User-data and credentials are not among them.
    arguments: Mapping[str, object]
    #: Makes the real call. At most once.
    proceed: Callable[[], object] = attrs.field(repr=False)
