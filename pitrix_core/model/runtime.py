"""Runtimes: places where clusters can run."""

from collections.abc import Mapping

import attrs

from pitrix_core.model.json import JsonObject


@attrs.frozen
class NoSettings:
    """A provider that has nothing to set."""


@attrs.frozen
class NoCredential:
    """A provider that asks for no credential."""


@attrs.frozen(kw_only=True)
class Runtime:
    """Provider + credential + zone + labels.

    Holds no secret: the credential is given to the provider's constructor beside it.
    """

    id: str
    name: str
    #: Name of the provider's entry point, such as ``local``.
    provider: str
    owner: str
    zone: str = ""
    #: Checked against the JSON Schema of the provider's ``settings`` class.
    settings: JsonObject = attrs.field(factory=dict)
    #: What repos' selectors are matched with.
    labels: Mapping[str, str] = attrs.field(factory=dict)
    #: Nothing of value may be lost with it: a demo, a test. Allows what is not fit to keep data.
    throw_away: bool = False
