"""Finds what a person names: an app version by id, by ``NAME`` or by ``NAME@VERSION``."""

from typing import TYPE_CHECKING, Final

from pitrix_core.cli.problems import ApiError, CliError
from pitrix_core.model import JsonObject

if TYPE_CHECKING:
    from pitrix_core.cli.client import Api

_NOT_FOUND: Final = 404


def version_of_app(api: "Api", app: str, *, version: str | None = None) -> JsonObject:
    """Return one version of an app.

    :param app: id or name, or ``NAME@VERSION``.
    :param version: None takes the newest release that is active, a prerelease where there is no
        release, and a draft where nothing is active.
    :raises CliError: the app has no such version.
    """
    name, _, at_version = app.partition("@")
    wanted = version or at_version
    found = api.get(f"/v1/apps/{name}")
    versions = api.items(f"/v1/apps/{found['id']}/versions", pre_release="include")
    if not versions:
        raise CliError(
            f"The app {found['name']!r} has no version.", next_step="See: pitrix repo list"
        )
    if not wanted:
        active = [item for item in versions if item.get("state") in (None, "active")] or versions
        releases = [item for item in active if "-" not in _without_build(item["version"])]
        return (releases or active)[0]
    for item in versions:
        if item["version"] == wanted:
            return item
    there = ", ".join(item["version"] for item in versions)
    raise CliError(
        f"The app {found['name']!r} has no version {wanted}; there is {there}.",
        next_step=f"See: pitrix app versions {name}",
    )


def exact_version(api: "Api", named: str) -> JsonObject:
    """Return an app version by its id or as ``NAME@VERSION``: what is changed is named in full.

    :raises CliError: the app has no such version.
    """
    if "@" in named and not named.endswith("@"):
        return version_of_app(api, named)
    found: JsonObject = api.get(f"/v1/app_versions/{named}")
    return found


def app_version(api: "Api", named: str) -> JsonObject:
    """Return an app version by its id, or as :func:`version_of_app` does."""
    if "@" not in named:
        try:
            found: JsonObject = api.get(f"/v1/app_versions/{named}")
        except ApiError as ex:
            if ex.status != _NOT_FOUND:
                raise
        else:
            return found
    return version_of_app(api, named)


def _without_build(version: str) -> str:
    return version.partition("+")[0]
