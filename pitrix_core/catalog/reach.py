"""Which addresses may be asked for what strangers name: public ones, and what the operator adds.

A repo, an icon, a redirect may name any host, and a name may lead anywhere. So names are resolved
here, and connections are made to an address that was looked at; the name is not asked for again.
"""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Final

import attrs

from pitrix_core.errors import RepoError, RepoTemporaryError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: The operator's word for all private addresses; where clouds tell machines about themselves has
#: to be named as a network all the same.
ALL_PRIVATE: Final = "all"
_PRIVATE: Final[Sequence[_Network]] = tuple(
    map(
        ipaddress.ip_network,
        # Source: https://www.iana.org/assignments/iana-ipv4-special-registry/ and -ipv6-.
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128"),
    )
)
#: Where clouds tell machines about themselves at addresses that are in the ranges above, or public.
#: Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html,
#: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16.
_ABOUT_MACHINES: Final = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "fd20:ce::254", "168.63.129.16"))
)
#: IPv6 addresses whose last 32 bits are an IPv4 address. Source: RFC 4291, 2.5.5; RFC 6052, 2.1.
_HOLDS_IPV4: Final[Sequence[_Network]] = tuple(
    map(ipaddress.ip_network, ("::ffff:0:0/96", "::/96", "64:ff9b::/96"))
)


@attrs.frozen
class Reach:
    """What is allowed beside public addresses."""

    networks: tuple[_Network, ...] = ()
    #: As :data:`ALL_PRIVATE`.
    is_private_allowed: bool = False

    @classmethod
    def parse(cls, text: str) -> "Reach":
        """Read an operator's setting: networks (CIDR) separated by commas, or ``all``.

        :raises ValueError: a part is neither.
        """
        words = [word.strip() for word in text.split(",") if word.strip()]
        networks = [ipaddress.ip_network(word) for word in words if word != ALL_PRIVATE]
        return cls(tuple(networks), ALL_PRIVATE in words)

    def allows(self, address: str) -> bool:
        """Say whether an IP address may be connected to."""
        meant = _meant(ipaddress.ip_address(address.partition("%")[0]))
        if any(meant in network for network in self.networks):
            return True
        if meant in _ABOUT_MACHINES:
            return False
        if self.is_private_allowed and any(meant in network for network in _PRIVATE):
            return True
        is_of_a_site = getattr(meant, "is_site_local", False)  # only IPv6 had that (RFC 3879)
        return meant.is_global and not (meant.is_multicast or meant.is_reserved or is_of_a_site)

    def addresses(self, host: str, port: int) -> list[str]:
        """Resolve a name, and return the addresses that may be connected to; at least one.

        :raises RepoError: it leads to none that is allowed.
        :raises RepoTemporaryError: it cannot be resolved now.
        """
        found = _resolved(host, port)
        allowed = [address for address in found if self.allows(address)]
        if not allowed:
            leads = "" if host == found[0] else f" leads to {found[0]}, which"
            raise RepoError(
                f"{host}{leads} is no public address.",
                next_step="If it is a repo of yours, let the operator allow its network: "
                "PITRIX_PRIVATE_REPOS",
            )
        return allowed


def _meant(address: _Address) -> _Address:
    """Return the IPv4 address that an IPv6 address stands for; any other as it is."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.sixtofour is not None:
        return address.sixtofour
    if address.is_loopback or address.is_unspecified:
        return address
    if any(address in network for network in _HOLDS_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _resolved(host: str, port: int) -> list[str]:
    """Return a host's addresses in the system's order, each once."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as ex:
        raise RepoError(f"{host!r} is no name of a host: {ex}.") from ex
    except OSError as ex:
        raise RepoTemporaryError(
            f"{host} cannot be found: {ex.strerror or ex}.", next_step="Look at how it is written."
        ) from ex
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))
