"""The contract of an application type: how a package is read, checked and turned into a plan.

App types are stateless and pure: no clock, no randomness, no I/O but through the reader they are
given. The same arguments give the same answer, so that a plan shown yesterday can be compared with
one made today. They are registered by the hook ``pitrix_app_types`` and found by the name stored
with an app version.
"""

import abc
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from pitrix_core.contracts.authoring import Authoring, SpecT
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.findings import Finding
from pitrix_core.model import (
    ClusterSnapshot,
    DisplayTab,
    ImageQuery,
    JsonObject,
    Link,
    MeasuredItem,
    Metadata,
    PackageIndex,
    PlanDraft,
    PlanRequest,
    Runtime,
)


@attrs.frozen(kw_only=True)
class LinkedCluster:
    """Another cluster, as one that is linked to it sees it."""

    #: With its nodes' facts, as of now.
    snapshot: ClusterSnapshot
    #: Made by the linked cluster's own app type, without links of its own. Leaves may be
    #: ``$secret`` markers, which stay what they are: both clusters have one owner.
    metadata: Metadata


@attrs.frozen(kw_only=True)
class MetadataRequest:
    """What metadata is made from, at the moment its task runs."""

    #: With its nodes' facts: the outputs of the tasks that made their machines.
    snapshot: ClusterSnapshot
    runtime: Runtime
    config: JsonObject
    #: Name → linked cluster, for each of :meth:`AppType.links` that is not empty.
    links: Mapping[str, LinkedCluster] = attrs.field(factory=dict)


class AppType(Authoring[SpecT], abc.ABC):
    """One kind of application.

    Five methods have to be there: :meth:`claims`, :meth:`parse`, :meth:`config_schema`,
    :meth:`requires` and :meth:`plan`. The others are for packages that have what they ask for, and
    answer that there is nothing; those for authors of packages are in
    :class:`~pitrix_core.contracts.authoring.Authoring`.
    """

    #: Version of this contract the plugin was written for.
    contract_version: ClassVar[int] = 1
    #: Stored with every app version of this type; never changes.
    name: ClassVar[str]

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

    @abc.abstractmethod
    def config_schema(self, spec: SpecT, *, language: str = "en") -> JsonObject:
        """Return the JSON Schema (2020-12) of a user's configuration: validates input, draws forms,
        completes the CLI.

        A property that holds a secret has ``"writeOnly": true``: its value is stored encrypted and
        replaced by a ``$secret`` marker before :meth:`plan` and :meth:`metadata` see it. Every
        property has ``title`` and, where it can, ``default``.

        :param language: of titles and descriptions, as far as the package is translated.
        """

    @abc.abstractmethod
    def requires(self, spec: SpecT) -> frozenset[str]:
        """Return the task kinds that any deployment of the package needs; matched with a provider's
        offers.
        """

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

    # -- what some packages have -------------------------------------------------------------------

    def validate(self, spec: SpecT) -> list[Finding]:
        """Look at a package that could be read, for what its author should know."""
        return []

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
        and of an app that the link's limits allow. What :meth:`metadata` sees of it is in its
        request. Asked again with the stored configuration of a cluster, for what is linked to it.

        :param config: checked, with defaults and without secrets.
        :returns: empty links among them; they are ignored. Where a link has a pointer, the
            configuration holds its ``cluster_id`` there.
        :raises TemplateRenderError: the package's template cannot be rendered with this
            configuration.
        """
        return {}

    def measured_items(
        self, spec: SpecT, config: JsonObject
    ) -> Mapping[str, tuple[MeasuredItem, ...]]:
        """Return what agents measure on the nodes: role → items, in the order they are shown in.

        What agents have to be told about it is part of :meth:`metadata`; see
        ``agents/protocol/README.md`` section 5.

        :param config: as stored: checked, with defaults and without secrets.
        :raises TemplateRenderError: the package's template cannot be rendered with this
            configuration.
        """
        return {}

    def display_tabs(self, spec: SpecT, config: JsonObject) -> tuple[DisplayTab, ...]:
        """Return the tables that commands of the package can fill in while the cluster runs.

        :param config: as stored: checked, with defaults and without secrets.
        :raises TemplateRenderError: the package's template cannot be rendered with this
            configuration.
        """
        return ()

    def with_template_names(self, names: Mapping[str, Any]) -> "AppType[SpecT]":
        """Return this type, with names that plugins add to packages' templates.

        Called once per process, before anything else. A type without templates, or with templates
        that see no names, returns itself.

        :param names: name → value or function; see ``pitrix_template_names`` in
            :mod:`pitrix_core.contracts.hookspecs`.
        :returns: a type of the same name; this one stays as it is.
        """
        return self

    # -- while a cluster runs ----------------------------------------------------------------------

    def metadata(self, spec: SpecT, request: MetadataRequest) -> Metadata:
        """Make the metadata that a cluster's machines can read.

        Called by the task ``metadata.put`` when it runs, with the facts of that moment. Not called
        for a type that plans no such task.
        """
        return Metadata()
