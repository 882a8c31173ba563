"""A registry of OCI artifacts, in memory."""

import base64
import json
import re
import urllib.parse
from typing import Any

from web import Asked, Said

from pitrix_core.catalog.sources.oci import CONFIG, CONTENT
from pitrix_core.catalog.sources.registry import digest_of

_UPLOADS = re.compile(r"/v2/(.+)/blobs/uploads/(\w*)")
_MANIFESTS = re.compile(r"/v2/(.+)/manifests/(.+)")
_BLOBS = re.compile(r"/v2/(.+)/blobs/(.+)")
_TAGS = re.compile(r"/v2/(.+)/tags/list")


class Registry:
    """A registry that keeps what is pushed, and asks for a token where it is told to."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}
        #: ``name:password`` that a token is given for; None where nobody is asked.
        self.account: str | None = None
        self.page_size = 1000
        self.lists_names = True

    def __call__(self, asked: Asked) -> Said:
        path, _, query = asked.path.partition("?")
        words = dict(urllib.parse.parse_qsl(query))
        if path == "/token":
            return self._token(asked)
        if self.account is not None and asked.headers.get("authorization") != "Bearer the-token":
            realm = f'Bearer realm="http://{asked.headers["host"]}/token",service="test"'
            return Said(status=401, headers={"WWW-Authenticate": realm})
        if asked.method in ("POST", "PUT"):
            return self._put(asked, path, words)
        return self._get(path, words)

    def tag(self, name: str, tag: str, archive: bytes, said: Any = None) -> None:
        """Put an artifact there, as Helm does."""
        config = json.dumps(said if said is not None else {"description": "a note"}).encode()
        for part in (config, archive):
            self.blobs[digest_of(part)] = part
        self.manifests[name, tag] = json.dumps(
            {
                "schemaVersion": 2,
                "config": self._described(config, CONFIG),
                "layers": [self._described(archive, CONTENT)],
            }
        ).encode()

    def _described(self, part: bytes, media_type: str) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": digest_of(part), "size": len(part)}

    def _token(self, asked: Asked) -> Said:
        assert self.account is not None
        wanted = base64.b64encode(self.account.encode()).decode()
        if asked.headers.get("authorization") != f"Basic {wanted}":
            return Said(status=401)
        return Said(body=b'{"token": "the-token"}')

    def _put(self, asked: Asked, path: str, words: dict[str, str]) -> Said:
        if asked.method == "POST" and _UPLOADS.fullmatch(path):
            return Said(status=202, headers={"Location": f"{path}one?state=x"})
        if _UPLOADS.fullmatch(path) and words["digest"] == digest_of(asked.body):
            self.blobs[words["digest"]] = asked.body
            return Said(status=201)
        found = _MANIFESTS.fullmatch(path)
        if found is None:
            return Said(status=400)
        self.manifests[found[1], found[2]] = asked.body
        return Said(status=201)

    def _get(self, path: str, words: dict[str, str]) -> Said:
        if found := _TAGS.fullmatch(path):
            tags = sorted(tag for name, tag in self.manifests if name == found[1])
            return self._page(path, "tags", tags, words) if tags else Said(status=404)
        if path == "/v2/_catalog" and self.lists_names:
            names = sorted({name for name, _ in self.manifests})
            return self._page(path, "repositories", names, words)
        if found := _MANIFESTS.fullmatch(path):
            content = self.manifests.get((found[1], found[2]))
        elif found := _BLOBS.fullmatch(path):
            content = self.blobs.get(found[2])
        else:
            content = None
        return Said(status=404) if content is None else Said(body=content)

    def _page(self, path: str, member: str, all_: list[str], words: dict[str, str]) -> Said:
        rest = [each for each in all_ if each > words.get("last", "")]
        page = rest[: self.page_size]
        more = {"Link": f'<{path}?last={page[-1]}>; rel="next"'} if len(rest) > len(page) else {}
        return Said(headers=more, body=json.dumps({member: page}).encode())
