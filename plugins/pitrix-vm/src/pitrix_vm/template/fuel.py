"""Counts what working out a template costs, so that it ends, and so that its values stay small."""

from typing import Final

from pitrix_vm.template.records import TemplateFaultError

#: Steps a template may take. One for each part of it that is worked out, and for each eight
#: characters or each item of what is made or looked at: at most two million characters in all, and
#: about half a second. A template for a hundred nodes takes some thousands.
FUEL: Final = 250_000
_CHARACTERS: Final = 8


class Fuel:
    """What is left."""

    def __init__(self, amount: int = FUEL) -> None:
        """Begin with so many steps."""
        self._amount = amount
        self.left = amount

    @property
    def spent(self) -> int:
        """The steps that were taken."""
        return self._amount - self.left

    def step(self, count: int = 1) -> None:
        """Take steps, before they are done.

        :raises TemplateFaultError: there are not so many left.
        """
        self.left -= count
        if self.left < 0:
            raise TemplateFaultError(
                f"the template takes more than {self._amount} steps up to here",
                code="template.limit",
                next_step="Make its loops shorter, or its values smaller.",
            )

    def text(self, length: int) -> None:
        """Pay for a text of so many characters, before it is made or looked at.

        :raises TemplateFaultError: it is too much.
        """
        self.step(length // _CHARACTERS + 1)
