"""What ``config.json`` says, as records: a tree of groups and parameters."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from pitrix_core.findings import Finding
from pitrix_core.model import JsonValue

#: The groups at the top: what users set of machines and of the application when they create a
#: cluster, and what they are asked for when they call a service.
#: Source: AppCenter's specification of config.json.
CLUSTER: Final = "cluster"
ENV: Final = "env"
SERVICE_PARAMS: Final = "service_params"
#: Parameter of ``cluster`` that chooses a combination of resources.
RESOURCE_GROUP: Final = "resource_group"
#: What stands for a value that nobody gave, by type; an empty text for the others.
#: Source: OpenPitrix's defaults of parameters that have none.
_EMPTY: Final[Mapping[str, JsonValue]] = {
    "integer": 0,
    "number": 0.0,
    "boolean": False,
    "loadbalancer": [],
}


@attrs.frozen(kw_only=True)
class Dependency:
    """A parameter is shown only while another of its group has, or has not, certain values."""

    #: Key of the other parameter.
    refkey: str
    values: tuple[JsonValue, ...]
    #: Whether the values are those the other one must not have.
    is_excluding: bool = False


@attrs.frozen(kw_only=True)
class Leaf:
    """One parameter."""

    key: str
    #: Keys from the root joined with dots; what tags name.
    path: str
    #: Where it stands in ``config.json``, as a JSON pointer.
    pointer: str = ""
    #: As the package says it: ``integer``, ``service``, …
    type: str
    label: str = ""
    description: str = ""
    is_required: bool = False

    # -- values, each of the parameter's type ------------------------------------------------------

    default: JsonValue = None
    #: Values to choose from; empty for any.
    choices: tuple[JsonValue, ...] = ()
    #: Several choices may be taken; the value is one text, joined by the separator.
    is_multichoice: bool = False
    separator: str = ","
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: int | None = None
    #: Regular expression in the flavour that Python and JavaScript share; see ``patterns``.
    pattern: str | None = None
    #: As the package has it.
    written_pattern: str | None = None
    #: Value for each choice of ``cluster.resource_group``.
    combination: tuple[JsonValue, ...] = ()
    #: Values of the package's own (the default, a combination's) that its limits do not allow.
    misfits: tuple[JsonValue, ...] = ()

    # -- when it can be set ------------------------------------------------------------------------

    is_changeable: bool = True
    is_changeable_when_create: bool = True
    #: All must hold for it to be shown.
    dependencies: tuple[Dependency, ...] = ()
    #: Of ``cluster.resource_group``: whether a user may depart from a combination.
    is_customizable: bool = True

    # -- how it is shown ---------------------------------------------------------------------------

    is_system: bool = False
    #: None where the package does not say; then what is required is expanded.
    is_expanded: bool | None = None
    is_multiline: bool = False

    # -- for single types --------------------------------------------------------------------------

    #: Of a service: application id → ids of its versions; no version for all of them.
    limits: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    #: Of a service: what may be done to the link later.
    allowed_operations: tuple[str, ...] = ()
    #: Of a service: the applications that are offered have one of these.
    tags: tuple[str, ...] = ()
    #: Of a loadbalancer: ports behind it.
    ports: tuple[int, ...] = ()
    #: Of an eip: 0 is bound outside of the machine, 1 inside.
    associate_mode: int | None = None
    auto_scale_step: int | None = None

    # -- undocumented ------------------------------------------------------------------------------

    is_disabled_when_scaled: bool = False
    #: What a cluster has that comes from a version without the parameter.
    old_version_default: JsonValue = None
    is_node: bool = False
    is_unique: bool = False

    @property
    def has_default(self) -> bool:
        """Say whether the package gives a value; null is none."""
        return self.default is not None

    @property
    def fallback(self) -> JsonValue:
        """The value a template sees when the user gave none."""
        return self.default if self.has_default else self.empty

    @property
    def empty(self) -> JsonValue:
        """What stands for no value at all."""
        return _EMPTY.get(self.value_type, "")

    @property
    def value_type(self) -> str:
        """The type of its values: several choices are one text."""
        return "string" if self.is_multichoice else self.type


@attrs.frozen(kw_only=True)
class Group:
    """A node of the tree with parameters below it."""

    key: str
    label: str = ""
    description: str = ""
    #: Where it stands in ``config.json``, as a JSON pointer.
    pointer: str = ""
    #: In the order of the form.
    members: tuple["Leaf | Group", ...] = ()

    def leaves(self) -> Iterator[Leaf]:
        """Return every parameter below, in the order of the form."""
        for member in self.members:
            if isinstance(member, Group):
                yield from member.leaves()
            else:
                yield member

    def member(self, key: str) -> "Leaf | Group | None":
        """Return the member with a key."""
        return next((member for member in self.members if member.key == key), None)


@attrs.frozen(kw_only=True)
class Form:
    """The whole tree."""

    root: Group
    #: What its author should know, none of it of level error.
    findings: tuple[Finding, ...] = ()
