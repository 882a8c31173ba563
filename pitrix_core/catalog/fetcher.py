"""The guarded way out: HTTP to addresses that come from strangers, bounded in time and size.

Names are resolved by :mod:`pitrix_core.catalog.reach`, and the connection goes to the address it
looked at, so that a name cannot lead elsewhere the second time. Every read and write ends at one
moment, however slowly bytes come. Proxies of the environment are not used: they would be asked to
go where this must not.
"""

import functools
import ssl
import tempfile
import time
import urllib.parse
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import attrs
import httpcore

from pitrix_core.catalog.reach import Reach
from pitrix_core.contracts.repo import Answer, HostSecret, Tls, spooled
from pitrix_core.errors import InvalidInputError, RepoError, RepoTemporaryError

#: Seconds a whole fetch may take, redirects included: 64 MiB at half a MiB a second.
FETCH_LIMIT_S: Final = 120.0
#: Seconds without anything coming or going.
_SILENCE_S: Final = 20.0
_PIECE_BYTES: Final = 64 * 1024
#: Source: https://www.rfc-editor.org/rfc/rfc9110#section-15.4.
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PORTS: Final = {"http": 80, "https": 443}
#: Characters that mean something in a URL, or are percent signs already. Source: RFC 3986, 2.2.
_KEPT: Final = "%/:?@!$&'()*+,;=~-._"
_GZIP: Final = frozenset({"gzip", "x-gzip"})
_WBITS: Final = 31  # zlib's word for "a gzip header and its checksum"


class HttpFetcher:
    """Fetches; keeps connections open until it is closed. For one thread at a time."""

    def __init__(
        self,
        reach: Reach,
        *,
        tls: Tls | None = None,
        limit_s: float = FETCH_LIMIT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect to nothing yet.

        :param limit_s: seconds one fetch may take.
        :raises InvalidInputError: certificates or key cannot be read.
        """
        self._reach = reach
        self._limit_s = limit_s
        self._clock = clock
        self._others: list[HttpFetcher] = []
        self._network = _Network(reach, clock=clock)
        self._given = _context(tls) if tls and tls != Tls() else None

    def with_tls(self, tls: Tls) -> "HttpFetcher":
        """Return one that checks its connections with something else; closed with this."""
        if tls == Tls():
            return self
        other = HttpFetcher(self._reach, tls=tls, limit_s=self._limit_s, clock=self._clock)
        self._others.append(other)
        return other

    def close(self) -> None:
        """Close the connections."""
        for fetcher in self._others:
            fetcher.close()
        if "_pool" in vars(self):
            self._pool.close()

    @functools.cached_property
    def _pool(self) -> httpcore.ConnectionPool:
        """Made for the first fetch: the machine's authorities take 20 ms to read."""
        context = self._given or _context(Tls())
        return httpcore.ConnectionPool(ssl_context=context, network_backend=self._network)

    def fetch(  # a request has that many parts
        self,
        url: str,
        *,
        limit_bytes: int,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        secret: HostSecret | None = None,
        redirects: int = 5,
    ) -> Answer:
        """Send a request, and read its answer whole, as :class:`Fetcher` says."""
        self._network.deadline_s = self._clock() + self._limit_s
        given = {name.lower(): value for name, value in (headers or {}).items()}
        asked = {"accept-encoding": "identity", "user-agent": "pitrix", **given}
        for _ in range(redirects + 1):
            target = parse_url(url)
            sent = _with_secret(asked, secret, target)
            answer = self._send(_Request(method, target, sent, body), limit_bytes)
            location = answer.headers.get("location")
            if redirects == 0 or answer.status not in _REDIRECTS or location is None:
                return answer
            answer.file.close()
            if body is not None:
                raise RepoError(f"{_shown(url)} is elsewhere: {_shown(location)}.")
            url = joined(url, location)
        raise RepoError(f"{_shown(url)}: there are more than {redirects} redirects.")

    def _send(self, request: "_Request", limit_bytes: int) -> Answer:
        shown = _shown(request.url.geturl())
        try:
            with self._pool.stream(
                request.method,
                request.url.geturl(),
                headers=[
                    (name.encode(), value.encode("ascii"))
                    for name, value in request.headers.items()
                ],
                content=request.body,
                extensions={"timeout": dict.fromkeys(("connect", "read", "write"), _SILENCE_S)},
            ) as response:
                found = {
                    name.decode("ascii", "replace").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                # only what was asked for is unpacked: archives come packed by themselves
                is_packed = _is_packed(request.headers, found, shown)
                pieces: Iterable[bytes] = _counted(response.iter_stream(), limit_bytes, shown)
                if is_packed:
                    pieces = _counted(_unpacked(pieces, shown), limit_bytes, shown)
                file = spooled(pieces)
        except httpcore.TimeoutException as ex:
            raise RepoTemporaryError(
                f"{shown} did not answer in time.", next_step="Try again later."
            ) from ex
        except httpcore.NetworkError as ex:
            raise _unreachable(shown, ex) from ex
        except (httpcore.LocalProtocolError, UnicodeEncodeError):
            raise RepoError(
                f"{shown}: the request cannot be sent: a header holds what none can.",
                next_step="Look for a line break, or for letters with accents, in the credential.",
            ) from None  # the cause quotes the header, which may be a secret
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as ex:
            raise RepoError(f"{shown} does not answer as HTTP says: {ex}.") from ex
        return Answer(status=response.status, headers=found, url=request.url.geturl(), file=file)


@attrs.frozen
class _Request:
    method: str
    url: urllib.parse.SplitResult
    headers: Mapping[str, str]
    body: bytes | None


def parse_url(url: str) -> urllib.parse.SplitResult:
    """Return a URL of http or https in the form that is sent.

    :raises RepoError: it is none, or holds a password.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
    except ValueError as ex:  # UnicodeError is a ValueError
        raise RepoError(f"{_shown(url)} is no URL: {ex}.") from ex
    if parts.scheme not in _PORTS or not host:
        raise RepoError(
            f"{_shown(url)} is no address that can be fetched.",
            next_step="Name one that begins with https:// or http://",
        )
    if parts.username is not None or parts.password is not None:
        raise RepoError(
            f"{_shown(url)}: names and passwords do not belong into an address.",
            next_step="Give them as the repo's credential.",
        )
    place = f"[{host}]" if ":" in host else host
    return urllib.parse.SplitResult(
        parts.scheme,
        place if port is None else f"{place}:{port}",
        urllib.parse.quote(parts.path, safe=_KEPT) or "/",
        urllib.parse.quote(parts.query, safe=_KEPT),
        "",
    )


def origin_of(url: urllib.parse.SplitResult) -> tuple[str, str | None, int]:
    """Return what a credential is for: scheme, host and port."""
    return url.scheme, url.hostname, url.port or _PORTS[url.scheme]


def joined(base: str, address: str) -> str:
    """Return the whole of an address that may be relative.

    :raises RepoError: it is none.
    """
    try:
        return urllib.parse.urljoin(base, address)
    except ValueError as ex:
        raise RepoError(f"{_shown(address)} is no address: {ex}.") from ex


def _unreachable(shown: str, ex: httpcore.NetworkError) -> RepoError:
    if isinstance(ex.__cause__, ssl.SSLCertVerificationError):
        return RepoError(
            f"{shown} shows a certificate that is not trusted: {ex.__cause__.verify_message}.",
            next_step="Give the certificate of its authority with the repo's settings (ca).",
        )
    return RepoTemporaryError(
        f"{shown} cannot be reached: {ex}.", next_step="Look at the address, or try again."
    )


def _with_secret(
    headers: Mapping[str, str], secret: HostSecret | None, target: urllib.parse.SplitResult
) -> Mapping[str, str]:
    if secret is None or origin_of(parse_url(secret.url)) != origin_of(target):
        return headers
    return {**headers, "authorization": secret.authorization}


def _shown(url: str) -> str:
    """Return an address for a message: without what may be a secret in it."""
    bare = url.partition("#")[0].partition("?")[0]
    scheme, mark, rest = bare.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path}" if mark else bare


# -- bodies ----------------------------------------------------------------------------------------


def _is_packed(asked: Mapping[str, str], found: Mapping[str, str], shown: str) -> bool:
    if asked["accept-encoding"] == "identity":
        return False
    encoding = found.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", *_GZIP):
        raise RepoError(f"{shown} answers packed as {encoding!r}, which was not asked for.")
    return encoding in _GZIP


def _counted(pieces: Iterable[bytes], limit_bytes: int, shown: str) -> Iterator[bytes]:
    left = limit_bytes
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise RepoError(f"{shown} is larger than {limit_bytes} bytes.")
        yield piece


def _unpacked(pieces: Iterable[bytes], shown: str) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_WBITS)
    for piece in pieces:
        packed = piece
        while packed:
            try:
                yield unpacker.decompress(packed, _PIECE_BYTES)
            except zlib.error as ex:
                raise RepoError(f"{shown} is damaged: {ex}.") from ex
            packed = unpacker.unconsumed_tail
            if unpacker.eof and unpacker.unused_data:
                raise RepoError(f"{shown} is damaged: there is more after its end.")
    if not unpacker.eof:
        raise RepoError(f"{shown} is cut off.")


# -- connections -----------------------------------------------------------------------------------


class _Network(httpcore.NetworkBackend):
    """Connects to addresses that were looked at, until the deadline."""

    def __init__(self, reach: Reach, *, clock: Callable[[], float]) -> None:
        self._reach = reach
        self._clock = clock
        self._sockets = httpcore.SyncBackend()
        self.deadline_s = 0.0

    def left_s(self, timeout: float | None) -> float:
        """Return how long the next step may take.

        :raises httpcore.ReadTimeout: the time is over.
        """
        left = self.deadline_s - self._clock()
        if left <= 0:
            raise httpcore.ReadTimeout("the time is over")
        return left if timeout is None else min(left, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of a host's addresses that answers."""
        refused: Exception | None = None
        for address in self._reach.addresses(host, port):
            try:
                stream = self._sockets.connect_tcp(address, port, self.left_s(timeout))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as ex:
                refused = ex
            else:
                return _Stream(stream, self)
        raise refused or httpcore.ConnectError("it has no address")


class _Stream(httpcore.NetworkStream):
    """A connection on which nothing takes longer than the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, network: _Network) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._network.left_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._network.left_s(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._network.left_s(timeout))
        return _Stream(stream, self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _context(tls: Tls) -> ssl.SSLContext:
    """Return what connections are checked with.

    :raises InvalidInputError: certificates or key cannot be read.
    """
    try:
        context = ssl.create_default_context(cadata=tls.ca or None)
        if tls.certificate:
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:  # only files can be loaded
                pem.write(f"{tls.certificate}\n{tls.key}\n")
                pem.flush()
                context.load_cert_chain(pem.name)
    except (OSError, ValueError) as ex:  # SSLError is an OSError
        raise InvalidInputError(
            f"The certificates or the key for TLS cannot be read: {type(ex).__name__}.",
            pointer="/settings",
            next_step="Give them as PEM.",
        ) from ex
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
