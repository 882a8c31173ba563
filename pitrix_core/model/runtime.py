"""Runtimes: places where clusters can run."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

import attrs

from pitrix_core.model.access import Visibility
from pitrix_core.model.json import JsonObject

#: Beyond these no cloud's API is known to go; a typing error is.
_MOST_AT_A_TIME: Final = 10_000
_MOST_PER_S: Final = 10_000.0


@attrs.frozen
class NoSettings:
    """A provider that has nothing to set."""


@attrs.frozen
class NoCredential:
    """A provider that asks for no credential."""


@attrs.frozen(kw_only=True)
class RuntimeLimits:
    """How much a runtime's cloud is asked for, by all runners together."""

    #: Requests under way at a time.
    concurrency: int = attrs.field(
        default=64, validator=[attrs.validators.ge(1), attrs.validators.le(_MOST_AT_A_TIME)]
    )
    #: Requests a second; None for as many as the cloud takes without throttling.
    rate_per_s: float | None = attrs.field(default=None)

    @rate_per_s.validator
    def _is_possible(self, _field: object, value: float | None) -> None:
        if value is not None and not 0 < value <= _MOST_PER_S:
            raise ValueError(f"rate_per_s has to be more than 0 and at most {_MOST_PER_S:g}")


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
    limits: RuntimeLimits = attrs.field(factory=RuntimeLimits)
    #: Who sees it beside its owner.
    visibility: Visibility = Visibility.PUBLIC
    #: Ids of the groups that see it, where only groups do.
    groups: tuple[str, ...] = ()

    @property
    def frontgate_proxy(self) -> str:
        """URL of the HTTP proxy that leads from a network to the Pilot: what the settings have by
        this name; may be empty.
        """
        proxy = self.settings.get("frontgate_proxy")
        return proxy if isinstance(proxy, str) and proxy.startswith("http://") else ""

    @property
    def frontgate_nodes(self) -> int:
        """How many machines a Frontgate is: 3 where the settings say so, otherwise 1."""
        return 3 if self.settings.get("frontgate_nodes") == 3 else 1  # noqa: PLR2004

    @property
    def image_mirror(self) -> str:
        """URL of a mirror of Docker's registry: what the settings have by this name; may be
        empty.
        """
        mirror = self.settings.get("image_mirror")
        is_url = isinstance(mirror, str) and mirror.startswith(("http://", "https://"))
        return str(mirror) if is_url else ""


@attrs.frozen(kw_only=True)
class Pace:
    """How much a runtime's cloud is asked for at a moment, by all runners together."""

    #: Requests under way, and how many may be.
    under_way: int
    concurrency: int
    #: Requests a second that may be sent; None for as many as the cloud takes.
    rate_per_s: float | None
    #: When the cloud last asked to be called less often; None where it never did.
    throttled_at: dt.datetime | None


@attrs.frozen(kw_only=True)
class RuntimeAtWork(Runtime):
    """A runtime, and how much its cloud is asked for right now."""

    pace: Pace

    @classmethod
    def of(cls, runtime: Runtime, *, pace: Pace) -> "RuntimeAtWork":
        """Put the two together."""
        return cls(**attrs.asdict(runtime, recurse=False), pace=pace)
