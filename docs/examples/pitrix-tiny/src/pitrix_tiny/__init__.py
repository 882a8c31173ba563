"""The smallest provider: it can be registered and checked, and offers nothing yet."""

import attrs

from pitrix_core import Finding, Level, Provider
from pitrix_core.model import NoCredential
from pitrix_core.model.resource import TaggedResource


@attrs.frozen(kw_only=True)
class TinySettings:
    """What an operator sets for a runtime; drawn as a form, and checked before it is used."""

    greeting: str = attrs.field(
        default="hello", metadata={"description": "Shown by pitrix runtime check."}
    )


class TinyProvider(Provider[TinySettings, NoCredential]):
    """A cloud without machines."""

    name = "tiny"
    settings = TinySettings

    def check(self) -> list[Finding]:
        """Say that it is there."""
        return [Finding(level=Level.INFO, code="tiny.greeting", message=self.config.greeting)]

    def owned(self, *, cluster_id: str | None = None) -> list[TaggedResource]:
        """List nothing: nothing can be made."""
        return []
