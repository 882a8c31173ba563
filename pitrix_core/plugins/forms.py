"""Turns settings and credentials, still JSON, into the classes a plugin asks for."""

from collections.abc import Sequence
from typing import Any, Final

import attrs

from pitrix_core.convert import from_json, schema_of
from pitrix_core.errors import InvalidInputError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject
from pitrix_core.validation import summary, violations

_SETTINGS: Final = "/settings"
_CREDENTIAL: Final = "/credential"
#: Violations whose message names members, and quotes no value.
_QUOTES_NO_VALUE: Final = frozenset({"schema.required", "schema.additionalProperties"})


@attrs.frozen(kw_only=True)
class Filled:
    """Instances of a plugin's two classes."""

    settings: Any
    credential: Any = attrs.field(repr=False)


def fill(
    settings_form: type, credential_form: type, *, settings: JsonObject, credential: JsonObject
) -> Filled:
    """Build both; no part of the credential appears in a message.

    :raises InvalidInputError: they do not fit; the findings point below ``/settings`` and
        ``/credential``.
    """
    findings = [
        *violations(settings, schema_of(settings_form), pointer=_SETTINGS),
        *_credential_violations(credential, credential_form),
    ]
    if findings:
        raise _invalid(findings)
    return Filled(
        settings=_structured(settings, settings_form, pointer=_SETTINGS),
        credential=_structured(credential, credential_form, pointer=_CREDENTIAL),
    )


def _credential_violations(credential: JsonObject, form: type) -> list[Finding]:
    """Check a credential, taking the values out of the messages."""
    return [
        finding
        if finding.code in _QUOTES_NO_VALUE
        else attrs.evolve(finding, message=f"does not fulfil {finding.code}")
        for finding in violations(credential, schema_of(form), pointer=_CREDENTIAL)
    ]


def _structured(value: JsonObject, form: type, *, pointer: str) -> object:
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
