"""Builds a provider for a runtime, from settings and a credential that are still JSON."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import attrs

from pitrix_core.contracts import Context, Provider
from pitrix_core.convert import from_json, schema_of
from pitrix_core.errors import InvalidInputError, ProviderError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, Runtime
from pitrix_core.validation import summary, violations

T = TypeVar("T")

_SETTINGS: Final = "/settings"
_CREDENTIAL: Final = "/credential"
#: Violations whose message names members, and quotes no value.
_QUOTES_NO_VALUE: Final = frozenset({"schema.required", "schema.additionalProperties"})


def build_provider(
    cls: type[Provider[Any, Any]], runtime: Runtime, *, credential: JsonObject, context: Context
) -> Provider[Any, Any]:
    """Build the provider of a runtime; makes no request to the cloud.

    :param credential: decrypted; no part of it appears in a message.
    :raises InvalidInputError: settings or credential do not fit; the findings point below
        ``/settings`` and ``/credential``.
    :raises ProviderError: the class failed in a way it must not.
    """
    findings = [
        *violations(runtime.settings, schema_of(cls.settings), pointer=_SETTINGS),
        *_credential_violations(credential, cls.credential),
    ]
    if findings:
        raise _invalid(findings)
    settings: object = _structured(runtime.settings, cls.settings, pointer=_SETTINGS)
    account: object = _structured(credential, cls.credential, pointer=_CREDENTIAL)
    try:
        return cls(runtime, settings=settings, credential=account, context=context)
    except (InvalidInputError, ProviderError):
        raise
    except Exception as ex:
        raise ProviderError(
            f"provider.build: {cls.name}: unexpected {type(ex).__name__}; "
            "only settings that contradict themselves may stop it (clause 20)"
        ) from ex


def _credential_violations(credential: JsonObject, form: type) -> list[Finding]:
    """Check a credential, taking the values out of the messages."""
    return [
        finding
        if finding.code in _QUOTES_NO_VALUE
        else attrs.evolve(finding, message=f"does not fulfil {finding.code}")
        for finding in violations(credential, schema_of(form), pointer=_CREDENTIAL)
    ]


def _structured(value: JsonObject, form: type[T], *, pointer: str) -> T:
    """Build what has the right form; the class's own validators may still object."""
    try:
        return from_json(value, form)
    except InvalidInputError as ex:
        message = "the credential does not fit" if pointer == _CREDENTIAL else ex.message
        finding = Finding(level=Level.ERROR, code="schema.value", message=message, pointer=pointer)
        cause = None if pointer == _CREDENTIAL else ex
        raise _invalid([finding]) from cause


def _invalid(findings: Sequence[Finding]) -> InvalidInputError:
    return InvalidInputError(
        summary(findings), findings=findings, pointer=findings[0].pointer or None
    )
