"""What a test serves TLS with: a certificate, and the authority that vouches for it."""

import datetime as dt
from pathlib import Path

import attrs

from pitrix_core.pilot.authority import make_authority


@attrs.frozen
class Identity:
    """Two PEM files."""

    #: The certificate and its key.
    file: Path
    #: The authority's certificate alone.
    authority: Path


def write_identity(folder: Path, *, address: str = "127.0.0.1") -> Identity:
    """Write a certificate for an address, by an authority of its own."""
    now = dt.datetime.now(dt.UTC)
    made = make_authority("a lab", now=now).issue([address], now=now)
    identity = Identity(folder / "identity.pem", folder / "authority.pem")
    identity.file.write_text(made.certificate + made.key)
    identity.authority.write_text(made.ca)
    return identity
