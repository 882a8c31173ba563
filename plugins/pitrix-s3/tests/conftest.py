"""A server of S3 on this machine, one for all tests; each has a bucket of its own."""

import itertools
from collections.abc import Callable, Iterator

import attrs
import httpx
import pytest
from moto.server import ThreadedMotoServer

from pitrix_core.contracts.repo import Fetcher
from pitrix_core.testing.repo_suite import loopback_fetcher
from pitrix_s3.client import S3Client
from pitrix_s3.kind import S3Credential, S3Kind, S3Settings

KEYS = S3Credential(access_key_id="an-id", secret_access_key="a-planted-secret")
_NUMBERS = itertools.count(1)

Open = Callable[..., S3Kind]


@attrs.frozen(kw_only=True)
class Bucket:
    """A bucket, and who may look into it directly."""

    name: str
    endpoint: str
    client: S3Client

    def put(self, key: str, content: bytes) -> None:
        """Put a file."""
        self.client.api.put_object(Bucket=self.name, Key=key, Body=content)

    def names(self) -> list[str]:
        """Return the names of all files."""
        found = self.client.api.list_objects_v2(Bucket=self.name)
        return [each["Key"] for each in found.get("Contents", ())]


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """Where the server is."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    # its first answer waits for much to be imported, on a busy machine longer than a repo may be
    # silent
    httpx.put(f"{url}/the-first-bucket", timeout=110)
    yield url
    server.stop()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """A fetcher that may ask this machine."""
    with loopback_fetcher() as made:
        yield made


@pytest.fixture
def bucket(endpoint: str) -> Iterator[Bucket]:
    """An empty bucket."""
    with loopback_fetcher() as own:
        client = S3Client(
            own,
            endpoint=endpoint,
            region="us-east-1",
            path_style=True,
            access_key_id=KEYS.access_key_id,
            secret_access_key=KEYS.secret_access_key,
            session_token="",
        )
        client.limit_bytes = 10**6
        name = f"bucket-{next(_NUMBERS)}"
        client.api.create_bucket(Bucket=name)
        yield Bucket(name=name, endpoint=endpoint, client=client)
        client.api.close()


@pytest.fixture
def opened(bucket: Bucket, fetcher: Fetcher) -> Iterator[Open]:
    """Return a function that opens a folder of the bucket."""
    made: list[S3Kind] = []

    def run(path: str = "stable", *, credential: S3Credential = KEYS) -> S3Kind:
        made.append(
            S3Kind(
                f"s3://{bucket.name}/{path}",
                settings=S3Settings(endpoint=bucket.endpoint, path_style=True),
                credential=credential,
                fetcher=fetcher,
            )
        )
        return made[-1]

    yield run
    for kind in made:
        kind.close()
