"""What things may be called by those who make them."""

import re
from typing import Final

from pitrix_core.errors import InvalidInputError

_LONGEST: Final = 63
#: What :func:`pitrix_core.store.new_id` makes: a thing named so would be taken for another one.
_ID: Final = re.compile(r"[a-z]+-[a-z2-7]{16}")


def require_name(name: str) -> None:
    """Make sure that a thing can be found, shown and addressed by its name.

    :raises InvalidInputError: it cannot.
    """
    is_plain = name == name.strip() and "/" not in name and name.isprintable()
    if not name or len(name) > _LONGEST or not is_plain or _ID.fullmatch(name):
        raise InvalidInputError(
            f"{name[:_LONGEST]!r} cannot be a name.",
            pointer="/name",
            next_step=f"Take 1 to {_LONGEST} characters without a slash or blanks around them, "
            "in another form than an id.",
        )
