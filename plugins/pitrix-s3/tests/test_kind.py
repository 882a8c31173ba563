"""What is S3's own: keys, regions, conditions, and what its refusals mean."""

import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from conftest import KEYS, Bucket, Open

from pitrix_core.catalog.fetcher import HttpFetcher
from pitrix_core.catalog.reach import Reach
from pitrix_core.contracts.repo import Fetcher
from pitrix_core.errors import (
    InvalidInputError,
    RepoAuthError,
    RepoChangedError,
    RepoError,
    RepoNotFoundError,
    RepoTemporaryError,
)
from pitrix_core.testing.repo_suite import entries_of, loopback_fetcher, release_of
from pitrix_s3.failures import translated
from pitrix_s3.kind import S3Credential, S3Kind, S3Settings

INDEX = b"entries: {}"


def test_a_repo_may_be_the_bucket_itself(opened: Open, bucket: Bucket) -> None:
    """Without a folder in it."""
    opened("").push(release_of("1.0.0"))

    assert bucket.names() == ["demo-1.0.0.tgz", "index.yaml"]


def test_of_several_who_push_at_the_same_time_all_are_listed(bucket: Bucket, opened: Open) -> None:
    """Each replaces the index only while it is the one it has read."""
    versions = {f"1.{number}.0" for number in range(4)}
    failures: list[BaseException] = []

    def push(version: str) -> None:
        try:
            with loopback_fetcher() as fetcher:
                kind = S3Kind(
                    f"s3://{bucket.name}/stable",
                    settings=S3Settings(endpoint=bucket.endpoint, path_style=True),
                    credential=KEYS,
                    fetcher=fetcher,
                )
                kind.push(release_of(version))
                kind.close()
        except BaseException as ex:  # noqa: BLE001  # shown by the assertion below
            failures.append(ex)

    threads = [threading.Thread(target=push, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)

    assert failures == []
    assert {entry.version for entry in entries_of(opened())} == versions


def test_a_file_that_others_changed_is_not_replaced(opened: Open) -> None:
    """Neither one that was there nor one that was not."""
    kind = opened()
    kind.store("index.yaml", b"one", known=None)
    before = kind.load("index.yaml", limit_bytes=100)
    assert before is not None
    kind.store("index.yaml", b"two", known=before.tag)

    with pytest.raises(RepoChangedError):
        kind.store("index.yaml", b"three", known=before.tag)
    with pytest.raises(RepoChangedError):
        kind.store("index.yaml", b"three", known=None)

    after = kind.load("index.yaml", limit_bytes=100)
    assert after is not None
    assert after.content == b"two"


def test_what_anybody_may_read_is_read_without_keys(
    opened: Open, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those of the machine are not used, nor looked for."""
    (tmp_path / "keys").write_text(
        "[default]\naws_access_key_id = planted\naws_secret_access_key = planted\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "planted")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    bucket.client.api.put_bucket_acl(Bucket=bucket.name, ACL="public-read")
    bucket.put("stable/index.yaml", INDEX)

    found = opened(credential=S3Credential()).read_index(None)

    assert found is not None
    with found:
        assert found.file.read() == INDEX


def test_a_bucket_that_is_not_there_is_told(fetcher: Fetcher, endpoint: str) -> None:
    """By its name."""
    kind = S3Kind(
        "s3://no-such-bucket/stable",
        settings=S3Settings(endpoint=endpoint, path_style=True),
        credential=KEYS,
        fetcher=fetcher,
    )

    with pytest.raises(RepoNotFoundError, match="no-such-bucket") as caught:
        kind.read_index(None)

    assert "planted" not in str(caught.value)
    kind.close()


def test_a_storage_inside_is_not_asked_unless_the_operator_allows_it(endpoint: str) -> None:
    """boto3 does not connect by itself."""
    fetcher = HttpFetcher(Reach())
    kind = S3Kind(
        "s3://bucket/stable",
        settings=S3Settings(endpoint=endpoint, path_style=True),
        credential=KEYS,
        fetcher=fetcher,
    )

    with pytest.raises(RepoError, match="no public address"):
        kind.read_index(None)

    kind.close()
    fetcher.close()


def refusal(status: int, code: str) -> ClientError:
    """Return what botocore raises for an answer."""
    said = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(said, "GetObject")  # type: ignore[arg-type]  # more is never there


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        pytest.param(refusal(403, "AccessDenied"), RepoAuthError, id="denied"),
        pytest.param(refusal(403, "SignatureDoesNotMatch"), RepoAuthError, id="signature"),
        pytest.param(refusal(404, "NoSuchKey"), RepoNotFoundError, id="no-key"),
        pytest.param(refusal(412, "PreconditionFailed"), RepoChangedError, id="changed"),
        pytest.param(refusal(409, "ConditionalRequestConflict"), RepoChangedError, id="conflict"),
        pytest.param(refusal(503, "SlowDown"), RepoTemporaryError, id="slow-down"),
        pytest.param(refusal(400, "InvalidRequest"), RepoError, id="else"),
        pytest.param(EndpointConnectionError(endpoint_url="x"), RepoError, id="of-the-sdk"),
    ],
)
def test_a_refusal_becomes_the_matching_error(failure: Exception, kind: type[RepoError]) -> None:
    """The subclass says whether trying again helps."""
    with pytest.raises(RepoError) as caught, translated("s3://bucket/index.yaml"):
        raise failure

    assert type(caught.value) is kind
    assert str(caught.value).startswith("s3://bucket/index.yaml: ")


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        pytest.param("s3://", {}, id="no-bucket"),
        pytest.param("s3://a/?secret=1", {}, id="a-question-mark"),
        pytest.param("s3://a b/", {}, id="a-blank"),
        pytest.param("s3://bucket", {"endpoint": "file:///etc"}, id="no-endpoint"),
        pytest.param("s3://bucket", {"endpoint": "http://["}, id="a-broken-endpoint"),
        pytest.param("s3://bucket", {"region": "no region"}, id="no-region"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    fetcher: Fetcher, url: str, settings: dict[str, str]
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidInputError):
        S3Kind(url, settings=S3Settings(**settings), credential=KEYS, fetcher=fetcher)
