"""A web server that accepts PUT, in memory."""

from collections.abc import Callable

from web import Asked, Said


class Files:
    """A web server that keeps what is put, and knows ETags."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.meanwhile: Callable[[], None] | None = None

    def __call__(self, asked: Asked) -> Said:
        content = self.kept.get(asked.path)
        if asked.method == "PUT":
            return self._put(asked, content)
        if content is None:
            return Said(status=404)
        return Said(headers={"ETag": self._etag(content)}, body=content)

    def _put(self, asked: Asked, content: bytes | None) -> Said:
        if self.meanwhile is not None and asked.path.endswith("index.yaml"):
            change, self.meanwhile = self.meanwhile, None
            change()
            content = self.kept.get(asked.path)
        wanted = asked.headers.get("if-match")
        excluded = asked.headers.get("if-none-match") == "*" and content is not None
        if excluded or (wanted is not None and wanted != self._etag(content)):
            return Said(status=412)
        self.kept[asked.path] = asked.body
        return Said(status=201)

    def _etag(self, content: bytes | None) -> str:
        return f'"{hash(content)}"'
