"""A Frontgate's own certificate authority: who holds its certificate can only be that Frontgate.

Each Frontgate has one of its own, so that no certificate is shared. Its key never leaves the
installation, where it is encrypted among the secrets; what drones trust is its certificate alone.
"""

import datetime as dt
import ipaddress
from collections.abc import Iterable
from typing import Final

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pitrix_core.errors import NotFoundError
from pitrix_core.store import Transaction
from pitrix_core.store.agents import Frontgate

#: Longer than machines live: another authority reaches a drone with another machine only.
_AUTHORITY_LASTS: Final = dt.timedelta(days=20 * 365)
#: A Frontgate asks for another one when it lasts for a month yet; agents/protocol/README.md, 1.4.
_CERTIFICATE_LASTS: Final = dt.timedelta(days=90)
_LOOPBACK: Final = "127.0.0.1"
#: Clocks of new machines may be behind.
_BACKDATED: Final = dt.timedelta(days=1)


@attrs.frozen(kw_only=True)
class Certificate:
    """What a Frontgate shows to its drones, and what they know it by; all of it PEM."""

    ca: str
    certificate: str
    key: str = attrs.field(repr=False)
    not_after: dt.datetime

    def members(self) -> dict[str, object]:
        """Return what ``tls.put`` says about it."""
        not_after = self.not_after.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {**attrs.asdict(self), "not_after": not_after}


@attrs.frozen(kw_only=True)
class Authority:
    """Signs certificates for one Frontgate."""

    key: ec.EllipticCurvePrivateKey = attrs.field(repr=False)
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """What drones trust; no secret."""
        return _pem(self.certificate)

    def issue(self, hosts: Iterable[str], *, now: dt.datetime) -> Certificate:
        """Make a certificate for these hosts, with a key of its own."""
        key = ec.generate_private_key(ec.SECP256R1())
        not_after = (now + _CERTIFICATE_LASTS).replace(microsecond=0)
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        # for drones it is a server; to the other machines of its Frontgate it is a client, too
        uses = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
        builder = (
            _builder(key.public_key(), now=now, not_after=not_after)
            .subject_name(x509.Name([]))
            .issuer_name(self.certificate.subject)
            .add_extension(names, critical=True)  # there is no subject
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(issuer, critical=False)
        )
        return Certificate(
            ca=self.pem,
            certificate=_pem(builder.sign(self.key, hashes.SHA256())),
            key=_key_pem(key),
            not_after=not_after,
        )


def with_source(hosts: Iterable[str]) -> list[str]:
    """Add where connections between these hosts come from, where that is another address: what
    dials between loopback addresses comes from the first one, and etcd looks where a peer comes
    from (its ``--peer-client-cert-auth``).
    """
    named = list(hosts)
    return [*named, *([_LOOPBACK] if any(map(_is_loopback, named)) else [])]


def authority_of(tx: Transaction, frontgate: Frontgate) -> Authority:
    """Return a Frontgate's authority; it is made when it is first asked for.

    The transaction that first asks has to hold the Frontgate's row, or two might be made.
    """
    secret_id = f"sec-ca-{frontgate.id}"
    try:
        return _read(tx.secrets.get(secret_id))
    except NotFoundError:
        made = make_authority(f"pitrix {frontgate.id}", now=tx.now)
    tx.secrets.add(_key_pem(made.key) + made.pem, owner=frontgate.owner, secret_id=secret_id)
    return made


def make_authority(name: str, *, now: dt.datetime) -> Authority:
    """Make an authority that vouches for itself; it is kept by nobody yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _builder(key.public_key(), now=now, not_after=now + _AUTHORITY_LASTS)
        .subject_name(subject)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(key_id, critical=False)
    )
    return Authority(key=key, certificate=builder.sign(key, hashes.SHA256()))


def _read(text: str) -> Authority:
    key = serialization.load_pem_private_key(text.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("a Frontgate's authority has a key of another kind than it was made with")
    return Authority(key=key, certificate=x509.load_pem_x509_certificate(text.encode()))


def _builder(
    key: ec.EllipticCurvePublicKey, *, now: dt.datetime, not_after: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(not_after)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Say what a key is for; Python 3.13 and newer verify that it was said."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback and host != _LOOPBACK
    except ValueError:
        return False


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
