"""Bounds what connections cost whose other end has not said who it is: anybody can open them."""

import ipaddress
from collections import Counter
from collections.abc import Callable
from typing import Final

#: Of an IPv6 address its network counts: whoever has one address there has all of them.
#: Source: RFC 6177, section 2.
_NETWORK_BITS: Final = 64


class Strangers:
    """Counts them, altogether and by address. For one thread.

    Those from this very machine only count altogether: they come through a proxy, which may bring
    everybody.

    :param most: at a time.
    :param most_of_address: at a time from one address.
    """

    def __init__(self, *, most: int, most_of_address: int) -> None:
        """Count nobody yet."""
        self._most = most
        self._most_of_address = most_of_address
        self._count = 0
        self._of_network: Counter[str] = Counter()

    def admit(self, address: str) -> Callable[[], None] | None:
        """Take one more in.

        :returns: what is to be called when it is gone, or known; harmless when called again. None
            when there are too many.
        """
        network = _network(address)
        if self._count >= self._most or self._of_network[network] >= self._most_of_address:
            return None
        self._count += 1
        self._of_network[network] += bool(network)
        is_here = True

        def leave() -> None:
            nonlocal is_here
            if is_here:
                is_here = False
                self._leave(network)

        return leave

    def _leave(self, network: str) -> None:
        self._count -= 1
        self._of_network[network] -= bool(network)
        if not self._of_network[network]:
            del self._of_network[network]


def _network(address: str) -> str:
    """Return what is counted by; empty for this machine, and for what is no address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))
