"""Builds a provider for a runtime, from settings and a credential that are still JSON."""

from typing import Any

from pitrix_core.contracts import Context, Provider
from pitrix_core.errors import InvalidInputError, ProviderError
from pitrix_core.model import JsonObject, Runtime
from pitrix_core.plugins.forms import fill


def build_provider(
    cls: type[Provider[Any, Any]], runtime: Runtime, *, credential: JsonObject, context: Context
) -> Provider[Any, Any]:
    """Build the provider of a runtime; makes no request to the cloud.

    :param credential: decrypted; no part of it appears in a message.
    :raises InvalidInputError: settings or credential do not fit; the findings point below
        ``/settings`` and ``/credential``.
    :raises ProviderError: the class failed in a way it must not.
    """
    filled = fill(cls.settings, cls.credential, settings=runtime.settings, credential=credential)
    try:
        return cls(runtime, settings=filled.settings, credential=filled.credential, context=context)
    except (InvalidInputError, ProviderError):
        raise
    except Exception as ex:
        raise ProviderError(
            f"provider.build: {cls.name}: unexpected {type(ex).__name__}; "
            "only settings that contradict themselves may stop it (clause 20)"
        ) from ex
