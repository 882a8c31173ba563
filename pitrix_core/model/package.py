"""Packages: what is known of an archive before and after its app type has read it."""

import attrs

from pitrix_core.model.json import JsonObject


@attrs.frozen(kw_only=True)
class PackageIndex:
    """What an archive holds, without its content; enough for an app type to say whether it is its
    own.
    """

    #: Path inside the package (the one top folder taken off) → size in bytes.
    files: dict[str, int]

    def has(self, path: str) -> bool:
        """Say whether the package has the file."""
        return path in self.files


@attrs.frozen(kw_only=True)
class AppInfo:
    """What a package says about its application."""

    #: Name in a repo's index: 1 to 63 letters, digits, ``-``, ``_`` and ``.``, beginning with a
    #: letter or digit.
    name: str
    #: SemVer 2.
    version: str
    app_version: str = ""
    description: str = ""
    home: str = ""
    icon: str = ""
    keywords: tuple[str, ...] = ()
    maintainers: tuple[JsonObject, ...] = ()
    sources: tuple[str, ...] = ()
    screenshots: tuple[str, ...] = ()
    #: What people read instead of the name; empty for the name.
    title: str = ""
    #: Names of categories it belongs to; those that an installation does not have are left out.
    categories: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class PackageSpec:
    """A package as its app type read it; each app type has a subclass with more in it."""

    info: AppInfo
    #: Name of the dialect it was written in, for display; empty where a type has one only.
    dialect: str = ""
