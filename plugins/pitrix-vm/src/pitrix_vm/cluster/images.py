"""How a package names the image of a role: one for all clouds, or one for each."""

from collections.abc import Iterator
from typing import Final

from pitrix_core.model import ImageChoice, ImageQuery, JsonObject, JsonValue

#: The member that stands for every other provider, or region.
_OTHERS: Final = "default"


def read_image(container: JsonObject) -> ImageQuery:
    """Return the image of a container: a text; or provider → text; or provider → region → text."""
    named = container.get("image", "")
    kind = container.get("type", "kvm")
    if isinstance(named, str):
        return ImageQuery(image=named, container=kind)
    others = named.get(_OTHERS, "")
    return ImageQuery(
        image=others if isinstance(others, str) else "",
        container=kind,
        choices=tuple(
            choice
            for provider, image in named.items()
            if provider != _OTHERS
            for choice in _choices(provider, image)
        ),
    )


def _choices(provider: str, image: JsonValue) -> Iterator[ImageChoice]:
    regions = {_OTHERS: image} if isinstance(image, str) else image
    for region, name in regions.items():
        yield ImageChoice(provider=provider, region="" if region == _OTHERS else region, image=name)
