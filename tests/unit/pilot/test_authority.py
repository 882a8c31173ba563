"""The certificates that drones go by, tried with Python's own TLS."""

import datetime as dt
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from pitrix_core.pilot.authority import Authority, Certificate, authority_of

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def authority(world: Any) -> Authority:
    """The authority of a Frontgate."""
    world.frontgate()
    with world.store.begin() as tx:
        return authority_of(tx, tx.agents.frontgate("fg-1"))


def meet(certificate: Certificate, folder: Path, *, host: str, ca: str) -> str | None:
    """Shake hands as a drone with a Frontgate; return the version of TLS."""
    identity = folder / "identity.pem"
    identity.write_text(certificate.key + certificate.certificate)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(identity)
    client = ssl.create_default_context(cadata=ca)
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does by itself
    ours, theirs = socket.socketpair()
    with ours, theirs:
        answering = threading.Thread(target=_answer, args=(server, theirs))
        answering.start()
        try:
            with client.wrap_socket(ours, server_hostname=host) as tls:
                return tls.version()
        finally:
            ours.close()
            answering.join()


def _answer(context: ssl.SSLContext, plain: socket.socket) -> None:
    try:
        with context.wrap_socket(plain, server_side=True) as tls:
            tls.recv(1)
    except OSError:
        pass  # the other side did not like it


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::1", "gate.example"])
def test_a_drone_accepts_its_frontgate(authority: Authority, tmp_path: Path, host: str) -> None:
    """By address or by name, under the strictest rules."""
    certificate = authority.issue([host], now=dt.datetime.now(dt.UTC))

    version = meet(certificate, tmp_path, host=host, ca=certificate.ca)

    assert version is not None


def test_a_certificate_is_of_no_use_at_another_address(
    authority: Authority, tmp_path: Path
) -> None:
    """Not even with the right authority."""
    certificate = authority.issue(["192.0.2.7"], now=dt.datetime.now(dt.UTC))

    with pytest.raises(ssl.SSLCertVerificationError):
        meet(certificate, tmp_path, host="192.0.2.8", ca=certificate.ca)


def test_a_certificate_that_ended_is_not_accepted(authority: Authority, tmp_path: Path) -> None:
    """It lasts for ninety days."""
    certificate = authority.issue(
        ["192.0.2.7"], now=dt.datetime.now(dt.UTC) - dt.timedelta(days=91)
    )

    with pytest.raises(ssl.SSLCertVerificationError):
        meet(certificate, tmp_path, host="192.0.2.7", ca=certificate.ca)


def test_an_authority_is_the_same_each_time(world: Any, authority: Authority) -> None:
    """It is made once."""
    with world.store.read() as tx:
        again = authority_of(tx, tx.agents.frontgate("fg-1"))

    assert again.pem == authority.pem


def test_a_certificate_is_said_in_the_words_of_the_protocol(authority: Authority) -> None:
    """With its end in UTC."""
    now = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)

    members = authority.issue(["192.0.2.7"], now=now).members()

    assert set(members) == {"ca", "certificate", "key", "not_after"}
    assert members["not_after"] == "2027-02-21T12:00:00Z"
