"""What an application type can do for authors of packages, where they write them.

All of it may be left out: the verbs of ``pitrix package`` then show less. Nothing here is asked for
by a server, so it may be slow; like the rest of an app type it is stateless and pure.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

import attrs

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.findings import Finding, Rule
from pitrix_core.model import JsonObject, JsonValue, PackageSpec

SpecT = TypeVar("SpecT", bound=PackageSpec)


@attrs.frozen(kw_only=True)
class Documents:
    """What a package's templates give with one configuration."""

    #: File name → document, its members in the order of the template.
    files: Mapping[str, JsonValue] = attrs.field(factory=dict)
    #: What there is to say about them; their pointers are into the documents. One of level error
    #: says why no cluster can be made of them.
    findings: tuple[Finding, ...] = ()


class Authoring(Generic[SpecT]):
    """The part of :class:`~pitrix_core.contracts.AppType` that is for authors of packages."""

    #: Dialects that :meth:`skeleton` knows, the recommended one first; empty for a type with one.
    dialects: ClassVar[tuple[str, ...]] = ()

    def rules(self) -> tuple[Rule, ...]:
        """Return what the codes of this type's own findings mean; for ``pitrix package lint``."""
        return ()

    def advice(self, reader: PackageReader, spec: SpecT) -> list[Finding]:
        """Say what the author of a package that could be read may want to change, beyond
        what ``validate`` says.

        Asked for where an author looks, never where packages are indexed; may be slow. None of it
        is of level error: what an author is told is wrong must not be offered by a server.
        """
        return []

    def located(self, reader: PackageReader, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Add to findings the lines and columns of their places, as far as they can be told.

        Those in JSON files, by their pointers, are found by the core. Asked for where an author
        looks, not where packages are read by the thousand; may be slow.

        :param reader: the package the findings are about; it may be one that ``parse`` refused.
        :returns: the findings, in the same order.
        """
        return tuple(findings)

    def documents(self, spec: SpecT, config: JsonObject) -> Documents:
        """Return what the package's templates give with a configuration.

        :param config: checked and completed with its schema; where a secret stands there may be a
            ``$secret`` marker, which stays one.
        :raises TemplateRenderError: they cannot be rendered with it. What is rendered and makes no
            sense is a finding.
        """
        return Documents()

    def outline(self, spec: SpecT) -> JsonObject:
        """Say in short what is in a package, for a person who looks at it.

        :returns: title → text, number, flag, list of these, or list of objects, which is shown as a
            table; empty members are not shown.
        """
        return {}

    def upgrade_findings(self, before: SpecT, after: SpecT) -> list[Finding]:
        """Say what keeps clusters of one version of a package from being upgraded to another.

        What the two schemas tell (parameters that are gone, or new and mandatory) is found by the
        core.

        :returns: findings about *after*; none where clusters of *before* can go on with it.
        """
        return []

    def skeleton(self, name: str, *, dialect: str = "") -> Mapping[str, bytes]:
        """Return the files of a new package, sound as it is, for an author to go on from.

        :param name: of the application.
        :param dialect: one of :attr:`dialects`; empty for the first of them.
        :returns: path → content; nothing where this type has no skeleton.
        :raises InvalidInputError: there is no such dialect.
        """
        return {}
