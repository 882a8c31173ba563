"""Fetching what strangers name ends in time, stays small, and goes nowhere else."""

import datetime as dt
import gzip
import ipaddress
import itertools
import socket
import ssl
import tempfile
import threading
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from web import Asked, Said, serving

from pitrix_core.catalog.fetcher import HttpFetcher
from pitrix_core.catalog.reach import Reach
from pitrix_core.contracts.repo import HostSecret, Tls, spooled
from pitrix_core.errors import InvalidInputError, RepoError, RepoTemporaryError

LOOPBACK = Reach.parse("127.0.0.0/8")
#: A time in which a test's fetch would not end by itself, and which a busy machine can keep.
LONG_S = 60.0


@pytest.fixture
def fetcher() -> Iterator[HttpFetcher]:
    """A fetcher that may ask this machine."""
    made = HttpFetcher(LOOPBACK, limit_s=LONG_S)
    yield made
    made.close()


def test_a_body_is_fetched(fetcher: HttpFetcher) -> None:
    """With its status and its headers."""
    with (
        serving(lambda _: Said(headers={"ETag": '"1"'}, body=b"content")) as web,
        fetcher.fetch(f"{web.url}/a b?c=d", limit_bytes=7) as answer,
    ):
        found = answer.file.read()

    assert (answer.status, answer.headers["etag"], found) == (200, '"1"', b"content")
    assert web.asked[0].path == "/a%20b?c=d"


def test_this_machine_is_not_asked_unless_the_operator_allows_it() -> None:
    """Nor is anything sent to it."""
    with serving(lambda _: Said()) as web, pytest.raises(RepoError, match="no public address"):
        HttpFetcher(Reach()).fetch(web.url, limit_bytes=10)

    assert web.asked == []


def test_the_address_that_was_looked_at_is_connected_to(
    fetcher: HttpFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere when it is asked for again leads nowhere."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def once(host: str, *args: Any, **more: Any) -> Any:
        if host == "repo.example":
            asked.append(host)
            host = "127.0.0.1"
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    with (
        serving(lambda _: Said(body=b"x")) as web,
        fetcher.fetch(f"http://repo.example:{web.port}/", limit_bytes=10) as answer,
    ):
        assert answer.file.read() == b"x"

    assert asked == ["repo.example"]
    assert web.asked[0].headers["host"] == f"repo.example:{web.port}"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("gopher://127.0.0.1/", id="gopher"),
        pytest.param("ftp://127.0.0.1/", id="ftp"),
        pytest.param("data:text/plain,x", id="data"),
        pytest.param("http://169.254.169.254/latest/meta-data/", id="metadata"),
        pytest.param("http://[::ffff:169.254.169.254]/", id="metadata-mapped"),
        pytest.param("http://10.0.0.1/", id="private"),
        pytest.param("http://user:word@127.0.0.1/", id="a-password"),
        pytest.param("http://[", id="no-url"),
        pytest.param("http://a:99999/", id="no-port"),
    ],
)
def test_a_redirect_is_looked_at_like_the_first_address(fetcher: HttpFetcher, target: str) -> None:
    """A public server must not lead inside."""
    with (
        serving(lambda _: Said(status=302, headers={"Location": target})) as web,
        pytest.raises(RepoError),
    ):
        fetcher.fetch(web.url, limit_bytes=10)

    assert len(web.asked) == 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "s3://bucket", "x", "", "//host/x"])
def test_what_is_no_address_of_the_web_is_refused(fetcher: HttpFetcher, target: str) -> None:
    """With what can be given instead."""
    with pytest.raises(RepoError) as caught:
        fetcher.fetch(target, limit_bytes=10)

    assert "https://" in (caught.value.next_step or "")


def test_redirects_are_followed_to_the_end(fetcher: HttpFetcher) -> None:
    """Five of them, relative ones too."""

    def answer(asked: Asked) -> Said:
        number = int(asked.path.strip("/"))
        if number == 5:
            return Said(body=b"there")
        return Said(status=302, headers={"Location": f"/{number + 1}"})

    with serving(answer) as web, fetcher.fetch(f"{web.url}/0", limit_bytes=10) as found:
        assert found.file.read() == b"there"
        assert found.url == f"{web.url}/5"


def test_a_circle_of_redirects_ends(fetcher: HttpFetcher) -> None:
    """After the fifth."""
    with (
        serving(lambda _: Said(status=301, headers={"Location": "/"})) as web,
        pytest.raises(RepoError, match="more than 5 redirects"),
    ):
        fetcher.fetch(web.url, limit_bytes=10)

    assert len(web.asked) == 6


def test_a_secret_is_shown_to_its_own_host_alone(fetcher: HttpFetcher) -> None:
    """Also after a redirect to another port, which is another host's business."""
    with (
        serving(lambda _: Said()) as other,
        serving(lambda _: Said(status=302, headers={"Location": other.url})) as web,
    ):
        secret = HostSecret(url=web.url, authorization="Bearer planted")
        fetcher.fetch(web.url, limit_bytes=10, secret=secret).file.close()

    assert web.asked[0].headers["authorization"] == "Bearer planted"
    assert "authorization" not in other.asked[0].headers


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("Bearer planted\n", id="a-line-break"),
        pytest.param("Bearer pl\u00e4nted", id="letters-of-another-alphabet"),
    ],
)
def test_a_secret_that_no_header_can_hold_is_not_shown(fetcher: HttpFetcher, secret: str) -> None:
    """Such as one with the line break of the file it was in."""
    with (
        serving(lambda _: Said()) as web,
        pytest.raises(RepoError, match="cannot be sent") as caught,
    ):
        fetcher.fetch(web.url, limit_bytes=10, secret=HostSecret(url=web.url, authorization=secret))

    assert "nted" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__suppress_context__
    assert web.asked == []


def test_too_large_an_answer_is_not_read_to_its_end(fetcher: HttpFetcher) -> None:
    """It never ends, and is let go of."""
    pieces = itertools.repeat(b"x" * 1000)
    with (
        serving(lambda _: Said(pieces=pieces)) as web,
        pytest.raises(RepoError, match="larger than 5000 bytes"),
    ):
        fetcher.fetch(web.url, limit_bytes=5000)


def test_a_packed_answer_is_unpacked_where_that_was_asked_for(fetcher: HttpFetcher) -> None:
    """Archives are packed by themselves, and have to stay so."""
    packed = gzip.compress(b"content")
    said = Said(headers={"Content-Encoding": "gzip"}, body=packed)
    with serving(lambda _: said) as web:
        with fetcher.fetch(
            web.url, limit_bytes=100, headers={"accept-encoding": "gzip"}
        ) as asked_for:
            assert asked_for.file.read() == b"content"
        with fetcher.fetch(web.url, limit_bytes=100) as as_it_is:
            assert as_it_is.file.read() == packed


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(gzip.compress(b"0" * 50_000_000), "larger than 100000 bytes", id="a-bomb"),
        pytest.param(gzip.compress(b"content")[:-9], "cut off", id="cut-off"),
        pytest.param(b"content", "damaged", id="not-packed"),
        pytest.param(gzip.compress(b"a") * 2, "more after its end", id="joined"),
    ],
)
def test_a_bad_packed_answer_is_refused(fetcher: HttpFetcher, body: bytes, reason: str) -> None:
    """A little that becomes much is not unpacked to its end."""
    said = Said(headers={"Content-Encoding": "gzip"}, body=body)
    with serving(lambda _: said) as web, pytest.raises(RepoError, match=reason):
        fetcher.fetch(web.url, limit_bytes=100_000, headers={"accept-encoding": "gzip"})


def test_a_headers_name_means_the_same_in_capitals(fetcher: HttpFetcher) -> None:
    """It takes the place of the one that is sent otherwise."""
    packed = Said(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"content"))
    with (
        serving(lambda _: packed) as web,
        fetcher.fetch(
            web.url, limit_bytes=100, headers={"Accept-Encoding": "gzip", "User-Agent": "other"}
        ) as answer,
    ):
        assert answer.file.read() == b"content"

    assert web.asked[0].headers["user-agent"] == "other"


def test_another_way_of_packing_is_refused(fetcher: HttpFetcher) -> None:
    """It was not asked for."""
    said = Said(headers={"Content-Encoding": "br"}, body=b"x")
    with serving(lambda _: said) as web, pytest.raises(RepoError, match="'br'"):
        fetcher.fetch(web.url, limit_bytes=10, headers={"accept-encoding": "gzip"})


class Ticking:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def trickle(*, first: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Return a server's side that sends one byte after the other, for ever."""

    def serve(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(first)
        while not stop.wait(0.001):
            connection.sendall(b"a")

    return serve


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nx: ", id="in-a-header"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="in-the-body"),
        pytest.param(b"H", id="before-anything"),
    ],
)
def test_an_answer_that_trickles_ends_in_time(first: bytes) -> None:
    """Each byte comes in time; all of them do not."""
    fetcher = HttpFetcher(LOOPBACK, limit_s=20.0, clock=Ticking())
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    trickle(first=first)(connection, stop)
                except OSError:
                    return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        with pytest.raises(RepoError):
            fetcher.fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", limit_bytes=10**9)
        stop.set()
        thread.join(10)

    fetcher.close()


def test_nobody_listening_may_pass(fetcher: HttpFetcher) -> None:
    """A server that is started anew is there again later."""
    with socket.socket() as held:  # a port that is nobody else's, and that nobody listens on
        held.bind(("127.0.0.1", 0))

        with pytest.raises(RepoTemporaryError, match="cannot be reached"):
            fetcher.fetch(f"http://127.0.0.1:{held.getsockname()[1]}/", limit_bytes=10)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="not-http"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 500_000, id="a-huge-header"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", id="cut-off"),
    ],
)
def test_what_is_no_answer_of_http_is_refused(fetcher: HttpFetcher, answer: bytes) -> None:
    """As an error of ours."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(answer)
                except OSError:
                    return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        with pytest.raises(RepoError):
            fetcher.fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", limit_bytes=100)
        thread.join(10)


def test_a_secret_in_an_address_is_not_shown(fetcher: HttpFetcher) -> None:
    """Neither a password nor what follows a question mark."""
    with pytest.raises(RepoError) as caught:
        fetcher.fetch("https://user:planted@host/x?key=planted", limit_bytes=10)

    assert "planted" not in str(caught.value)


def test_certificates_that_are_none_are_refused() -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidInputError, match="TLS"):
        HttpFetcher(LOOPBACK).with_tls(Tls(ca="none"))


def test_certificates_of_the_machine_are_not_read_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever fetches nothing, as from a repo of files, does not wait for them."""
    reads: list[object] = []
    monkeypatch.setattr(ssl, "create_default_context", lambda **given: reads.append(given))

    HttpFetcher(LOOPBACK).with_tls(Tls()).close()

    assert reads == []


def test_a_server_without_a_trusted_certificate_is_not_asked(fetcher: HttpFetcher) -> None:
    """Unless the operator says so, by the authority or by not looking."""
    ca, context = authority()
    with serving(lambda _: Said(body=b"x"), tls=context) as web:
        with pytest.raises(RepoError, match="certificate"):
            fetcher.fetch(web.url, limit_bytes=10)
        for tls in (Tls(ca=ca), Tls(verify=False)):
            with fetcher.with_tls(tls).fetch(web.url, limit_bytes=10) as answer:
                assert answer.file.read() == b"x"


def authority() -> tuple[str, ssl.SSLContext]:
    """Return a certificate that is its own authority, and what a server shows it with."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem + secret)
        file.flush()
        context.load_cert_chain(file.name)
    return pem.decode(), context


def test_a_large_answer_is_kept_on_disk() -> None:
    """However many pieces it comes in."""
    piece = bytes(64 * 1024)
    tracemalloc.start()
    try:
        with spooled(piece for _ in range(512)) as file:
            _, peak = tracemalloc.get_traced_memory()
            size = len(file.read(1)) + sum(map(len, iter(lambda: file.read(65536), b"")))
    finally:
        tracemalloc.stop()

    assert size == 32 * 1024 * 1024
    assert peak < 8 * 1024 * 1024
