"""The contract of a key provider: what the keys are kept by that everything secret depends on.

Each secret is encrypted with a *data key*, which stands in the database, wrapped: encrypted with a
key that only the provider has. The core's own provider ``file`` keeps its keys in a file; plugins
leave them in a key management service. A provider is a class found in the entry-point group
``pitrix.key_providers``; it is built once per process, and used by several threads at a time.

The clauses; the conformance suite (:mod:`pitrix_core.testing.key_suite`) cites them:

70. *Construction* makes no request, and fails only for settings that cannot be meant
    (``InvalidInputError``).
71. *Round trip.* What one instance wrapped, any other with the same settings unwraps, also after
    the key was renewed: a key's id goes on meaning that key. Nothing else unwraps it, and what was
    changed does not unwrap at all.
72. *Bounds.* A call returns or raises within :data:`LIMIT_S` seconds; after that the core gives up
    waiting. The core keeps unwrapped data keys in memory, so that calls are few.
73. *Derived keys* are the same in every process; the newest comes first, and those from before a
    renewal come after it, for as long as the operator keeps the old key.
74. *Errors.* What may pass is ``KeyProviderTemporaryError``, everything else ``KeyProviderError``.
    Messages name the key by its id, and hold nothing of a key.
"""

import abc
from typing import Any, ClassVar, Final

from pitrix_core.errors import UnsupportedOperationError
from pitrix_core.model import NoSettings

#: Bytes of a data key, and of a derived one: AES-256's.
KEY_BYTES: Final = 32
#: Seconds a call may take: below those that a database waits for an idle transaction.
LIMIT_S: Final = 5.0


class KeyProvider(abc.ABC):
    """Keys that never leave it; see the module for the clauses."""

    #: Version of this contract the plugin was written for.
    contract_version: ClassVar[int] = 1
    #: Name of its entry point.
    name: ClassVar[str]
    #: attrs class of its settings, as ``PITRIX_KEY_SETTINGS`` gives them.
    settings: ClassVar[type] = NoSettings

    @abc.abstractmethod
    def __init__(self, settings: Any) -> None:
        """Keep the settings; make no request (clause 70).

        :param settings: instance of the class's ``settings``.
        :raises InvalidInputError: they cannot be meant.
        """

    @abc.abstractmethod
    def current_key(self) -> str:
        """Return the id of the key that data keys are wrapped with from now on.

        :returns: at most 255 characters, to be kept with what is wrapped.
        :raises KeyProviderError: the keys cannot be had.
        """

    @abc.abstractmethod
    def wrap(self, data_key: bytes, *, key_id: str) -> bytes:
        """Encrypt a data key (clause 71).

        :param data_key: :data:`KEY_BYTES` bytes.
        :param key_id: from :meth:`current_key`.
        :returns: at most 4096 bytes.
        :raises KeyProviderError: there is no such key, or it may not be used.
        """

    @abc.abstractmethod
    def unwrap(self, wrapped: bytes, *, key_id: str) -> bytes:
        """Return the data key that was wrapped (clause 71).

        :raises KeyProviderError: there is no such key, it may not be used, or this was not wrapped
            with it.
        """

    @abc.abstractmethod
    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """Return keys for something else than encrypting (clause 73), :data:`KEY_BYTES` bytes each.

        Called often: a provider that has to ask for them remembers the answer for a while.

        :param purpose: tells keys for one thing from those for another.
        :raises KeyProviderError: the keys cannot be had.
        """

    def renew(self) -> None:
        """Make a new key, which is the current one from now on; called by one process at a time.

        :raises UnsupportedOperationError: that is done elsewhere.
        :raises KeyProviderError: it cannot be made.
        """
        raise UnsupportedOperationError(
            f"keys.renew: keys of the provider {self.name!r} are renewed where they are kept",
            next_step="Renew the key there, and name it in PITRIX_KEY_SETTINGS; then say it again.",
        )

    def close(self) -> None:
        """Let go of connections; called once."""
        return
