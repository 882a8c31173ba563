"""Issuers of OpenID Connect, as an operator describes them."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs

from pitrix_core.model.access import ROOT_PATH

#: It stands in URLs.
_NAME: Final = re.compile(r"[a-z0-9-]{1,63}")
#: Hosts that are this machine, to which nobody listens on the way.
_NEAR: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def is_guarded(url: str) -> bool:
    """Say whether nobody between here and there can read along or answer."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _NEAR)


@attrs.frozen(kw_only=True)
class Issuer:
    """Somebody who vouches for people."""

    #: Short: it stands in URLs.
    name: str = attrs.field()
    #: The issuer's identifier; its description is at ``/.well-known/openid-configuration`` below.
    url: str = attrs.field()
    client_id: str
    #: Empty for a client without one.
    client_secret: str = attrs.field(default="", repr=False)
    #: For the button; empty for the name.
    title: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    #: People whom nobody has let in yet become users.
    creates_users: bool = False
    #: Role of these.
    role: str = "user"
    #: Path of the group of those who are in none of ``groups``.
    group: str = ROOT_PATH
    #: Claim with what a new user is called.
    name_claim: str = "preferred_username"
    #: Claim with the names of a user's groups there.
    groups_claim: str = "groups"
    #: Name of a group there → path of the group here; of several that fit, the first counts.
    groups: Mapping[str, str] = attrs.field(factory=dict)

    @name.validator
    def _is_plain(self, _field: object, value: str) -> None:
        if not _NAME.fullmatch(value):
            raise ValueError(f"{value!r} is no name: take small letters, digits and dashes")

    @url.validator
    def _is_guarded(self, _field: object, value: str) -> None:
        if not is_guarded(value):
            raise ValueError(f"{value!r} does not begin with https://")
