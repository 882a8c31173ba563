"""What strangers name leads to public addresses only, however it is written."""

import socket
from typing import Any

import pytest

from pitrix_core.catalog.reach import Reach
from pitrix_core.errors import RepoError, RepoTemporaryError


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_allowed(address: str) -> None:
    """Of both versions of IP."""
    assert Reach().allows(address)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("127.9.9.9", id="loopback-range"),
        pytest.param("0.0.0.0", id="unspecified"),  # noqa: S104
        pytest.param("10.0.0.1", id="private-10"),
        pytest.param("172.31.255.255", id="private-172"),
        pytest.param("192.168.1.1", id="private-192"),
        pytest.param("100.64.0.1", id="shared"),
        pytest.param("169.254.169.254", id="metadata"),
        pytest.param("168.63.129.16", id="metadata-of-azure"),
        pytest.param("224.0.0.1", id="multicast"),
        pytest.param("255.255.255.255", id="broadcast"),
        pytest.param("::1", id="loopback-6"),
        pytest.param("::", id="unspecified-6"),
        pytest.param("fe80::1", id="link-local-6"),
        pytest.param("fe80::1%eth0", id="link-local-6-with-its-link"),
        pytest.param("fd00:ec2::254", id="metadata-6"),
        pytest.param("fc00::1", id="unique-local-6"),
        pytest.param("fec0::1", id="site-local-6"),
        pytest.param("ff02::1", id="multicast-6"),
        pytest.param("::ffff:127.0.0.1", id="mapped"),
        pytest.param("::ffff:10.0.0.1", id="mapped-private"),
        pytest.param("::127.0.0.1", id="compatible"),
        pytest.param("64:ff9b::7f00:1", id="translated"),
        pytest.param("2002:7f00:1::", id="6to4"),
        pytest.param("2002:a9fe:a9fe::1", id="6to4-metadata"),
    ],
)
def test_every_other_address_is_refused(address: str) -> None:
    """Also inside of an IPv6 address."""
    assert not Reach().allows(address)


def test_a_mapped_public_address_is_allowed() -> None:
    """It is the public address."""
    assert Reach().allows("::ffff:93.184.216.34")


def test_an_operators_network_is_allowed_and_no_other() -> None:
    """Its mapped form, too."""
    reach = Reach.parse("10.1.0.0/16, fd12::/16")

    assert reach.allows("10.1.2.3")
    assert reach.allows("::ffff:10.1.2.3")
    assert reach.allows("fd12::1")
    assert not reach.allows("10.2.0.1")
    assert not reach.allows("127.0.0.1")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.9.9.9", "192.168.1.1", "::1", "fd00::5"])
def test_all_private_ones_can_be_allowed_with_a_word(address: str) -> None:
    """For an installation of its own."""
    assert Reach.parse("all").allows(address)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "168.63.129.16", "fe80::1", "100.100.100.200"]
)
def test_where_clouds_tell_about_machines_is_not_among_all(address: str) -> None:
    """Credentials are told there."""
    assert not Reach.parse("all").allows(address)


def test_an_operator_may_name_a_clouds_own_network() -> None:
    """Who names it means it."""
    assert Reach.parse("169.254.0.0/16").allows("169.254.169.254")


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f000001", "0177.0.0.1", "localhost"])
def test_however_loopback_is_written_it_is_refused(host: str) -> None:
    """What counts is where it leads."""
    with pytest.raises(RepoError, match="no public address") as caught:
        Reach().addresses(host, 80)

    assert "PITRIX_PRIVATE_REPOS" in (caught.value.next_step or "")


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name lead to addresses."""

    def found(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


def test_a_name_that_leads_to_a_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Anybody can have such a name."""
    resolving(monkeypatch, "192.168.0.7")

    with pytest.raises(RepoError, match=r"repo\.example leads to 192\.168\.0\.7"):
        Reach().addresses("repo.example", 443)


def test_of_a_names_addresses_only_the_allowed_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are never connected to."""
    resolving(monkeypatch, "10.0.0.1", "93.184.216.34", "93.184.216.34")

    assert Reach().addresses("repo.example", 443) == ["93.184.216.34"]


def test_a_name_that_is_not_known_may_be_known_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolving depends on others."""

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(RepoTemporaryError, match="not known"):
        Reach().addresses("repo.example", 443)


@pytest.mark.parametrize("host", ["a" * 300, "a..b"])
def test_what_is_no_name_is_refused(host: str) -> None:
    """Whatever the resolver makes of it."""
    with pytest.raises(RepoError):
        Reach().addresses(host, 443)
