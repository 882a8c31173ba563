"""Entry points made up by a test, so that a registry of plugins needs no installed distribution."""

import attrs


@attrs.frozen
class FakeDistribution:
    """Whose an entry point is."""

    name: str = "pitrix-example"
    version: str = "1.0"


@attrs.frozen(kw_only=True)
class FakeEntryPoint:
    """What a registry takes in the place of :class:`importlib.metadata.EntryPoint`."""

    group: str
    name: str
    dist: FakeDistribution
    #: What loading answers, or an exception that it raises.
    plugin: object = attrs.field(repr=False)

    @property
    def value(self) -> str:
        """Target of the entry point, as it would be written."""
        return f"{self.dist.name.replace('-', '_')}:{self.name}"

    def load(self) -> object:
        """Answer the plugin as if it had been imported."""
        if isinstance(self.plugin, BaseException):
            raise self.plugin
        return self.plugin


def entry_point(
    group: str,
    name: str,
    plugin: object,
    *,
    distribution: str = "pitrix-example",
    version: str = "1.0",
) -> FakeEntryPoint:
    """Return an entry point of a distribution that is not installed.

    :param group: such as ``pitrix.providers``.
    :param plugin: what loading answers, or an exception that it raises.
    """
    dist = FakeDistribution(distribution, version)
    return FakeEntryPoint(group=group, name=name, plugin=plugin, dist=dist)
