"""Says where a container's image is got from: its mirrors first, then where its name says.

A mirror stands for Docker's own registry, as in Docker's setting ``registry-mirrors``; what another
registry's name says comes from there.
"""

from __future__ import annotations

import pathlib
import urllib.parse
from typing import Final, NamedTuple

from pitrix_drone.files import write_durably

#: Where a Frontgate mirrors images for its network. Source: agents/protocol/README.md, section 6.
MIRROR_PORT: Final = 5000
_PROBE_TIMEOUT_S: Final = 3.0
#: What a name without a registry means. Source:
#: https://pkg.go.dev/github.com/distribution/reference#ParseNormalizedNamed, read 2026-11.
_HOME: Final = "docker.io"
_HOME_BEFORE: Final = "index.docker.io"
_LIBRARY: Final = "library"
#: Where docker and podman look for the authorities of a registry. Sources:
#: https://docs.docker.com/engine/security/certificates/, containers-certs.d(5), read 2026-11.
_AUTHORITIES: Final = ("/etc/docker/certs.d", "/etc/containers/certs.d")


class Source(NamedTuple):
    """One place to get an image from.

    :param reference: its name there.
    :param is_plain: the registry speaks plain HTTP.
    """

    reference: str
    is_plain: bool = False


def full_name(image: str) -> str:
    """Return an image's name with all that docker adds to it, and podman may not."""
    first, slash, rest = image.partition("/")
    if not slash:
        return f"{_HOME}/{_LIBRARY}/{image}"
    if first == _HOME_BEFORE:
        return f"{_HOME}/{rest}"
    is_registry = "." in first or ":" in first or first == "localhost"
    return image if is_registry else f"{_HOME}/{image}"


def sources(image: str, mirrors: tuple[str, ...]) -> tuple[Source, ...]:
    """Return where to get an image from, the best first.

    :param image: its full name.
    :param mirrors: URLs such as ``https://HOST:PORT/PATH``.
    """
    registry, _, path = image.partition("/")
    if registry != _HOME:
        return (Source(image),)
    return (*(_at(mirror, path) for mirror in mirrors), Source(image))


def frontgate_mirror(endpoint: str, *, authority: str, root: str) -> str:
    """Return the URL of the mirror beside a Frontgate's etcd; empty where there is none.

    It is trusted then: docker and podman ask for the certificates at each pull.

    :param endpoint: URL of the etcd.
    :param authority: certificates, PEM, that it is checked with.
    :param root: put before the paths of what is written.
    """
    import http.client  # noqa: PLC0415
    import ssl  # noqa: PLC0415  # only nodes that are containers need it
    import urllib.request  # noqa: PLC0415

    parts = urllib.parse.urlsplit(endpoint)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    url = f"{parts.scheme}://{host}:{MIRROR_PORT}"
    context = ssl.create_default_context(cadata=authority) if authority else None
    # A machine's proxy leads out of the network; the Frontgate is inside.
    handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
    try:
        opener = urllib.request.build_opener(*handlers)
        with opener.open(f"{url}/v2/", timeout=_PROBE_TIMEOUT_S):
            pass
    except (OSError, ValueError, http.client.HTTPException):  # urllib's and TLS's are OSError
        return ""
    if authority:
        _trust(url, authority, root)
    return url


def _trust(mirror: str, authority: str, root: str) -> None:
    host = urllib.parse.urlsplit(mirror).netloc
    for folder in _AUTHORITIES:
        file = pathlib.Path(f"{root}{folder}") / host / "ca.crt"
        if not file.exists() or file.read_text("utf-8") != authority:
            write_durably(file, authority, mode=0o644)


def _at(mirror: str, path: str) -> Source:
    parts = urllib.parse.urlsplit(mirror)
    where = f"{parts.netloc}{parts.path.rstrip('/')}"
    return Source(f"{where}/{path}", is_plain=parts.scheme == "http")
