"""A package names its images for the clouds it knows; a runtime gets the one that fits it best."""

from typing import Any

import pytest

from pitrix_core.model import ImageChoice, ImageQuery, Runtime


def runtime(provider: str = "aws", zone: str = "", **settings: Any) -> Runtime:
    """Return a runtime of a cloud."""
    return Runtime(
        id="rt-1", name="here", provider=provider, owner="admin", zone=zone, settings=settings
    )


def query(*choices: tuple[str, str, str], image: str = "", container: str = "kvm") -> ImageQuery:
    """Return a query with an image for each provider and region."""
    return ImageQuery(
        image=image,
        container=container,
        choices=tuple(
            ImageChoice(provider=provider, region=region, image=named)
            for provider, region, named in choices
        ),
    )


CLOUDS = query(
    ("aws", "", "anywhere"),
    ("aws", "us-east-1", "east"),
    ("aws", "us-east-1-bos", "boston"),
    ("aws", "us-east-1a", "zone-a"),
    ("local", "", "folder"),
)


@pytest.mark.parametrize(
    ("place", "image"),
    [
        pytest.param(runtime(zone="us-east-1a"), "zone-a", id="the-zone-itself"),
        pytest.param(runtime(zone="us-east-1"), "east", id="the-region-as-zone"),
        pytest.param(runtime(zone="z1", region="us-east-1"), "east", id="the-region-as-set"),
        pytest.param(runtime(zone="us-east-1b"), "east", id="a-zone-of-the-region"),
        pytest.param(runtime(zone="us-east-1-nyc-1a"), "east", id="a-zone-far-from-the-region"),
        pytest.param(runtime(zone="us-east-1-bos-1a"), "boston", id="the-longest-region"),
        pytest.param(
            runtime(zone="us-east-1a", region="us-east-1"),
            "zone-a",
            id="zone-before-region",
        ),
        pytest.param(
            runtime(zone="us-east-1-bos-1a", region="us-east-1"), "east", id="what-is-set-first"
        ),
        pytest.param(runtime(zone="us-east-10"), "anywhere", id="another-region-by-a-digit"),
        pytest.param(runtime(zone="us-east-1stg"), "anywhere", id="another-region-by-letters"),
        pytest.param(runtime(zone="eu-west-1a"), "anywhere", id="another-region"),
        pytest.param(runtime(), "anywhere", id="no-zone"),
        pytest.param(runtime(region=["us-east-1"]), "anywhere", id="a-setting-that-is-no-text"),
        pytest.param(runtime("local", zone="us-east-1a"), "folder", id="another-provider"),
    ],
)
def test_the_image_that_fits_best_is_chosen(place: Runtime, image: str) -> None:
    """The zone says more than the region, and that more than the provider."""
    assert CLOUDS.at(place) == ImageQuery(image=image)


@pytest.mark.parametrize(
    "place", [runtime("azure"), runtime("azure", zone="us-east-1a", region="us-east-1")]
)
def test_no_image_is_made_up(place: Runtime) -> None:
    """A provider that the package does not name has none."""
    assert CLOUDS.at(place) is None


def test_a_region_that_is_not_named_has_no_image() -> None:
    """An image of one region is of no use in another."""
    assert query(("aws", "us-east-1", "east")).at(runtime(zone="eu-west-1a")) is None


@pytest.mark.parametrize("place", [runtime(zone="eu-west-1a"), runtime("azure")])
def test_the_image_beside_the_choices_is_for_everywhere_else(place: Runtime) -> None:
    """Other regions and other clouds."""
    images = query(("aws", "us-east-1", "east"), image="debian")

    assert images.at(place) == ImageQuery(image="debian")


def test_a_choice_may_be_the_default_image() -> None:
    """An empty name is a choice too, and goes before the image beside the choices."""
    images = query(("local", "", ""), image="debian")

    assert images.at(runtime("local")) == ImageQuery(image="")


def test_the_container_stays() -> None:
    """Whatever the image."""
    images = query(("aws", "", "nginx:1"), image="nginx:2", container="docker")

    assert images.at(runtime()) == ImageQuery(image="nginx:1", container="docker")
    assert images.at(runtime("azure")) == ImageQuery(image="nginx:2", container="docker")


@pytest.mark.parametrize("image", ["", "debian"])
def test_a_plain_query_is_for_every_runtime(image: str) -> None:
    """Also the empty one: the runtime's default image."""
    plain = ImageQuery(image=image)

    assert plain.at(runtime()) is plain


def test_of_two_choices_for_one_place_the_first_counts() -> None:
    """So that the answer does not depend on anything else."""
    assert query(("aws", "", "one"), ("aws", "", "two")).at(runtime()) == ImageQuery(image="one")


def test_the_clouds_are_named_in_order() -> None:
    """With their regions, unless an image is there for any."""
    images = query(
        ("local", "", "folder"),
        ("azure", "westeurope", "w"),
        ("azure", "eastus", "e"),
        ("aws", "us-east-1", "east"),
        ("aws", "", "any"),
    )

    assert images.clouds() == "aws, azure (eastus, westeurope), local"


def test_queries_can_be_put_into_sets() -> None:
    """App types answer a set of them."""
    assert len({CLOUDS, query(("aws", "", "one")), query(("aws", "", "one"))}) == 2
