"""A registry of OCI artifacts: requests with their tokens, tags, manifests and blobs.

Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md (v1.1) and, for
tokens, https://distribution.github.io/distribution/spec/auth/token/, read 2026-08.
"""

import base64
import hashlib
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs

from pitrix_core.catalog.fetcher import joined, origin_of, parse_url
from pitrix_core.contracts.repo import Answer, Fetcher, HostSecret
from pitrix_core.errors import RepoAuthError, RepoError

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
#: Largest manifest, by the specification's own advice, and largest list or token.
_MANIFEST_LIMIT_BYTES: Final = 4 * 1024 * 1024
_PAGES_LIMIT: Final = 100
_PER_PAGE: Final = 1000
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_CHALLENGE: Final = re.compile(r'(\w+)="([^"]*)"')
_NEXT: Final = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')


@attrs.frozen(kw_only=True)
class Blob:
    """What a manifest says of a part."""

    media_type: str
    digest: str
    size: int

    @classmethod
    def of(cls, content: bytes, media_type: str) -> "Blob":
        """Describe bytes."""
        return cls(media_type=media_type, digest=digest_of(content), size=len(content))

    def document(self) -> dict[str, Any]:
        """Return it as a manifest says it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@attrs.frozen(kw_only=True)
class Manifest:
    """What a tag stands for."""

    config: Blob
    layers: tuple[Blob, ...]

    def layer(self, media_type: str) -> Blob | None:
        """Return the first part of a kind."""
        return next((layer for layer in self.layers if layer.media_type == media_type), None)


def digest_of(content: bytes) -> str:
    """Return the digest that bytes are named by."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Registry:
    """One registry, asked with one credential."""

    def __init__(self, base: str, *, fetcher: Fetcher, username: str, password: str) -> None:
        """Keep whom to ask, and as whom.

        :param base: ``https://HOST``.
        """
        self._base = base
        self._fetcher = fetcher
        pair = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
        self._basic = f"Basic {pair}" if username or password else ""
        #: What a scope needs, once it is known: the header's value.
        self._known: dict[str, str] = {}

    def tags(self, name: str) -> list[str]:
        """Return the tags of a repository, in the order in which they are listed.

        :raises RepoNotFoundError: there is no such repository.
        """
        return list(self._listed(f"/v2/{name}/tags/list", "tags", scope=_pull(name)))

    def names(self) -> list[str]:
        """Return the names of all repositories; many registries refuse that."""
        return list(self._listed("/v2/_catalog", "repositories", scope="registry:catalog:*"))

    def manifest(self, name: str, tag: str) -> Manifest:
        """Return what a tag stands for.

        :raises RepoNotFoundError: there is no such tag.
        :raises RepoError: it is no manifest of one artifact.
        """
        with self._ask(
            f"/v2/{name}/manifests/{urllib.parse.quote(tag)}",
            scope=_pull(name),
            headers={"accept": MANIFEST},
            limit_bytes=_MANIFEST_LIMIT_BYTES,
        ) as answer:
            answer.require_success()
            found = _json(answer)
        try:
            return Manifest(
                config=_blob(found["config"]),
                layers=tuple(_blob(layer) for layer in found["layers"]),
            )
        except (KeyError, TypeError, ValueError) as ex:
            raise RepoError(f"{name}:{tag} is no manifest of an artifact.") from ex

    def blob(self, name: str, blob: Blob, *, limit_bytes: int) -> bytes:
        """Return a part's bytes, which are those that the manifest names.

        :raises RepoError: it is larger, or has other bytes.
        """
        with self._ask(
            f"/v2/{name}/blobs/{blob.digest}", scope=_pull(name), limit_bytes=limit_bytes
        ) as answer:
            answer.require_success()
            content = answer.file.read()
        if digest_of(content) != blob.digest:
            raise RepoError(f"{name}: {blob.digest} has other bytes than its name says.")
        return content

    def put_blob(self, name: str, content: bytes) -> None:
        """Upload a part, unless it is there."""
        digest, scope = digest_of(content), _push(name)
        with self._ask(f"/v2/{name}/blobs/{digest}", scope=scope, method="HEAD") as there:
            if there.status == HTTPStatus.OK:
                return
        with self._ask(f"/v2/{name}/blobs/uploads/", scope=scope, method="POST") as begun:
            begun.require_success()
            place = joined(begun.url, begun.headers.get("location", ""))
        mark = "&" if urllib.parse.urlsplit(place).query else "?"
        with self._ask(
            f"{place}{mark}digest={urllib.parse.quote(digest)}",
            scope=scope,
            method="PUT",
            body=content,
            headers={"content-type": "application/octet-stream"},
        ) as done:
            done.require_success()

    def put_manifest(self, name: str, tag: str, document: Mapping[str, Any]) -> None:
        """Let a tag stand for an artifact whose parts are there."""
        with self._ask(
            f"/v2/{name}/manifests/{urllib.parse.quote(tag)}",
            scope=_push(name),
            method="PUT",
            body=json.dumps(document).encode(),
            headers={"content-type": MANIFEST},
        ) as answer:
            answer.require_success()

    # -- requests ----------------------------------------------------------------------------------

    def _listed(self, path: str, member: str, *, scope: str) -> Iterator[str]:
        address = f"{path}?n={_PER_PAGE}"
        for _ in range(_PAGES_LIMIT):
            with self._ask(address, scope=scope) as answer:
                answer.require_success()
                found = _json(answer).get(member) or []
                more = _NEXT.search(answer.headers.get("link", ""))
                here = answer.url
            yield from (each for each in found if isinstance(each, str))
            if more is None:
                return
            address = joined(here, more.group(1))
        raise RepoError(f"{self._base}{path} has more than {_PAGES_LIMIT} pages.")

    def _ask(
        self,
        address: str,
        *,
        scope: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit_bytes: int = _MANIFEST_LIMIT_BYTES,
    ) -> Answer:
        """Send a request; once more with what its refusal asks for."""
        url = joined(self._base, address)

        def send(shown: str) -> Answer:
            return self._fetcher.fetch(
                url,
                limit_bytes=limit_bytes,
                method=method,
                headers=headers,
                body=body,
                secret=HostSecret(url=self._base, authorization=shown) if shown else None,
                redirects=5 if body is None else 0,
            )

        answer = send(self._known.get(scope, ""))
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        with answer:
            self._known[scope] = self._answer_to(answer.headers.get("www-authenticate", ""), scope)
        return send(self._known[scope])

    def _answer_to(self, challenge: str, scope: str) -> str:
        """Return what a registry asks to be shown.

        :raises RepoAuthError: there is nothing to show, or it is not taken.
        """
        kind, _, rest = challenge.partition(" ")
        words = {name.lower(): value for name, value in _CHALLENGE.findall(rest)}
        if kind.lower() == "bearer" and "realm" in words:
            return f"Bearer {self._token(words, scope)}"
        if kind.lower() == "basic" and self._basic:
            return self._basic
        raise RepoAuthError(
            f"{self._base} wants to know who asks.",
            next_step="Give the repo a credential: username and password.",
        )

    def _token(self, words: Mapping[str, str], scope: str) -> str:
        realm = words["realm"]
        place = parse_url(realm)
        if place.scheme != "https" and origin_of(place) != origin_of(parse_url(self._base)):
            raise RepoAuthError(f"{self._base} sends passwords to {realm}, over plain HTTP.")
        query = {"scope": words.get("scope", scope)}
        if "service" in words:
            query["service"] = words["service"]
        secret = HostSecret(url=realm, authorization=self._basic) if self._basic else None
        url = place._replace(query=urllib.parse.urlencode(query)).geturl()
        with self._fetcher.fetch(url, limit_bytes=_MANIFEST_LIMIT_BYTES, secret=secret) as answer:
            answer.require_success()
            found = _json(answer)
        token = found.get("token") or found.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise RepoAuthError(f"{realm} gives no token.")
        return token


def _pull(name: str) -> str:
    return f"repository:{name}:pull"


def _push(name: str) -> str:
    return f"repository:{name}:pull,push"


def _json(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.file.read())
    except (ValueError, RecursionError) as ex:
        raise RepoError(f"{answer.url.partition('?')[0]} does not answer with JSON.") from ex
    if not isinstance(found, dict):
        raise RepoError(f"{answer.url.partition('?')[0]} does not answer with an object.")
    return found


def _blob(document: Any) -> Blob:
    if not _DIGEST.fullmatch(document["digest"]):
        raise ValueError("it is no digest")
    return Blob(
        media_type=str(document["mediaType"]),
        digest=document["digest"],
        size=int(document["size"]),
    )
