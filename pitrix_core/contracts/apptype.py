"""The contract of an application type: how a package is read, checked and turned into a plan.

App types are stateless and pure: no clock, no randomness, no I/O but through the reader they are
given. The same arguments give the same answer, so that a plan shown yesterday can be compared with
one made today. They are registered by the hook
``pitrix_app_types`` and found by the name stored with an app version.
"""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import attrs

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.findings import Finding, Rule
from pitrix_core.model import (
    ClusterSnapshot,
    ImageQuery,
    JsonObject,
    JsonValue,
    Link,
    Metadata,
    PackageIndex,
    PackageSpec,
    PlanDraft,
    PlanRequest,
    Runtime,
)

SpecT = TypeVar("SpecT", bound=PackageSpec)


@attrs.frozen(kw_only=True)
class LinkedCluster:
    """Another cluster, as one that is linked to it sees it."""

    #: With its nodes' facts, as of now.
    snapshot: ClusterSnapshot
    #: Made by the linked cluster's own app type, without links of its own. Leaves may be
    #: ``$secret`` markers, which stay what they are: both clusters have one owner.
    metadata: Metadata


@attrs.frozen(kw_only=True)
class RenderRequest:
    """What metadata is made from, at the moment its task runs."""

    #: With its nodes' facts: the outputs of the tasks that made their machines.
    snapshot: ClusterSnapshot
    runtime: Runtime
    config: JsonObject
    #: Name → linked cluster, for each of :meth:`AppType.links` that is not empty.
    links: Mapping[str, LinkedCluster] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Documents:
    """What a package's templates give with one configuration."""

    #: File name → document, its members in the order of the template.
    files: Mapping[str, JsonValue] = attrs.field(factory=dict)
    #: What there is to say about them; their pointers are into the documents. One of level error
    #: says why no cluster can be made of them.
    findings: tuple[Finding, ...] = ()


class AppType(abc.ABC, Generic[SpecT]):
    """One kind of application."""

    #: Version of this contract the plugin was written for.
    contract_version: ClassVar[int] = 1
    #: Stored with every app version of this type; never changes.
    name: ClassVar[str]
    #: Dialects that :meth:`skeleton` knows, the recommended one first; empty for a type with one.
    dialects: ClassVar[tuple[str, ...]] = ()

    def with_template_names(self, names: Mapping[str, Any]) -> "AppType[SpecT]":
        """Return this type, with names that plugins add to packages' templates.

        Called once per process, before anything else. A type without templates, or with templates
        that see no names, returns itself.

        :param names: name → value or function; see ``pitrix_template_names`` in
            :mod:`pitrix_core.contracts.hookspecs`.
        :returns: a type of the same name; this one stays as it is.
        """
        return self

    @abc.abstractmethod
    def claims(self, index: PackageIndex) -> bool:
        """Say whether a package with these files is of this type.

        Every installed type is asked; none claiming it is ``UnknownPackageError``, two are
        ``AmbiguousPackageError``.
        """

    @abc.abstractmethod
    def parse(self, reader: PackageReader) -> SpecT:
        """Read a package.

        :raises PackageInvalidError: with every finding, each naming its file and place.
        """

    def validate(self, spec: SpecT) -> list[Finding]:
        """Look at a package that could be read, for what its author should know."""
        return []

    @abc.abstractmethod
    def config_schema(self, spec: SpecT, *, language: str = "en") -> JsonObject:
        """Return the JSON Schema (2020-12) of a user's configuration: validates input, draws forms,
        completes the CLI.

        A property that holds a secret has ``"writeOnly": true``: its value is stored encrypted and
        replaced by a
        ``$secret`` marker before :meth:`plan` and :meth:`render` see it. Every property has
        ``title`` and, where it can, ``default``.

        :param language: of titles and descriptions, as far as the package is translated.
        """

    @abc.abstractmethod
    def requires(self, spec: SpecT) -> frozenset[str]:
        """Return the task kinds that any deployment of the package needs; matched with a provider's
        offers.
        """

    def images(self, spec: SpecT, config: JsonObject) -> frozenset[ImageQuery]:
        """Return the images that have to be there; each is resolved on a runtime before it counts
        as matching.

        A query may have choices: images for clouds or regions of them. The core asks it for the
        runtime at hand (``ImageQuery.at``), and :meth:`plan` has to do the same, since the input of
        ``compute.create`` holds a plain query. A runtime for which the package names no image does
        not match.

        :raises TemplateRenderError: the package's template cannot be rendered with this
            configuration.
        """
        return frozenset()

    def links(self, spec: SpecT, config: JsonObject) -> Mapping[str, Link]:
        """Return the other clusters that a configuration names: link name → link.

        Before a cluster is planned, each one is looked for: it has to be active, of the same owner,
        and of an app that the link's limits allow. What :meth:`render` sees of it is in its
        request. Asked again with the stored configuration of a cluster, for what is linked to it.

        :param config: checked, with defaults and without secrets.
        :returns: empty links among them; they are ignored. Where a link has a pointer, the
            configuration holds its ``cluster_id`` there.
        :raises TemplateRenderError: the package's template cannot be rendered with this
            configuration.
        """
        return {}

    @abc.abstractmethod
    def plan(self, request: PlanRequest) -> PlanDraft:
        """Turn an action on a cluster into a graph of tasks.

        The core adds what every cluster needs (a Frontgate, where tasks talk to agents), checks
        each task's kind and input, totals and prices.

        :raises PlanRefusedError: the action makes no sense for this package or this configuration;
            with findings.
        :raises TemplateRenderError: the package's template cannot be rendered with this
            configuration.
        """

    # -- for authors of packages -------------------------------------------------------------------

    def rules(self) -> tuple[Rule, ...]:
        """Return what the codes of this type's own findings mean; for ``pitrix package lint``."""
        return ()

    def advice(self, reader: PackageReader, spec: SpecT) -> list[Finding]:
        """Say what the author of a package that could be read may want to change, beyond
        :meth:`validate`.

        Asked for where an author looks, never where packages are indexed; may be slow. None of it
        is of level error: what an author is told is wrong must not be offered by a server.
        """
        return []

    def located(self, reader: PackageReader, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Add to findings the lines and columns of their places, as far as they can be told.

        Asked for where an author looks, not where packages are read by the thousand; may be slow.

        :param reader: the package the findings are about; it may be one that :meth:`parse` refused.
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

    # -- while a cluster runs ----------------------------------------------------------------------

    def render(self, spec: SpecT, request: RenderRequest) -> Metadata:
        """Make the metadata that a cluster's machines can read.

        Called by the task ``metadata.put`` when it runs, with the facts of that moment. Not called
        for a type that plans no such task.
        """
        return Metadata()
