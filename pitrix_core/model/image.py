"""How packages name the images of their machines: one for all clouds, or one for each."""

import re
from collections.abc import Iterable
from typing import Final

import attrs

from pitrix_core.model.runtime import Runtime

#: What follows a region's name in the names of its zones: a letter (``us-east-1a``, ``pek3a``), or
#: a dash and more (``us-central1-a``, ``westeurope-1``, ``us-west-2-lax-1a``). A digit makes it
#: another region (``eastus``, ``eastus2``). Sources:
#: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html,
#: https://cloud.google.com/compute/docs/regions-zones,
#: https://learn.microsoft.com/azure/reliability/availability-zones-overview.
_ZONE_SUFFIX: Final = re.compile(r"[a-z]|-.+")


@attrs.frozen(kw_only=True)
class ImageChoice:
    """The image that a package names for one cloud, or for one region of it."""

    #: Name of a provider's entry point, such as ``aws``.
    provider: str
    #: A region or zone of it, in the cloud's own words; empty for any.
    region: str = ""
    #: As in :class:`ImageQuery`.
    image: str


@attrs.frozen(kw_only=True)
class ImageQuery:
    """How a package names the image of a role.

    A *plain* query has no choices. App types answer queries with choices to
    :meth:`~pitrix_core.contracts.AppType.images`; everything from the plan on is plain.
    """

    #: The cloud's id, or a name, as the provider understands it; empty for the runtime's default.
    #: Beside choices, the image for everywhere else; empty for none.
    image: str
    #: ``kvm``, ``docker``, ``lxc`` or ``bm``. For ``docker``, the image is a Docker image, to be
    #: run inside a machine that starts from the runtime's default image.
    container: str = "kvm"
    #: Where clouds have images of their own.
    choices: tuple[ImageChoice, ...] = ()

    def at(self, runtime: Runtime) -> "ImageQuery | None":
        """Return the plain query for a runtime; None where the package names no image for it.

        The choice of its provider whose region says most wins: the runtime's zone; what its
        settings have as ``region``; the region that its zone belongs to by its name, as
        ``us-east-1a`` to ``us-east-1``; then any region; then the image beside the choices. Of two
        that say the same, the first.
        """
        if not self.choices:
            return self
        here = {
            choice.region: choice.image
            for choice in reversed(self.choices)
            if choice.provider == runtime.provider
        }
        for region in (*_regions(runtime, here), ""):
            if region in here:
                return attrs.evolve(self, image=here[region], choices=())
        return attrs.evolve(self, choices=()) if self.image else None

    def clouds(self) -> str:
        """Say which clouds the choices are for: ``aws (eu-west-1, us-east-1), local``."""
        regions: dict[str, set[str]] = {}
        for choice in self.choices:
            regions.setdefault(choice.provider, set()).add(choice.region)
        return ", ".join(
            f"{provider} ({', '.join(sorted(found))})" if all(found) else provider
            for provider, found in sorted(regions.items())
        )


def _regions(runtime: Runtime, known: Iterable[str]) -> list[str]:
    """Return what a runtime's region may be called, the most exact first."""
    said = (runtime.zone, runtime.settings.get("region"))
    around = sorted((name for name in known if _is_zone_of(runtime.zone, name)), key=len)
    return [name for name in (*said, *reversed(around)) if name and isinstance(name, str)]


def _is_zone_of(zone: str, region: str) -> bool:
    return zone.startswith(region) and _ZONE_SUFFIX.fullmatch(zone, len(region)) is not None
