"""A thin client of the REST API: JSON in and out, problem documents as errors.

Answers are the API's JSON unchanged, so that an older command line shows what a newer server sends.
"""

import time
import uuid
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Self

import httpx

from pitrix_core.cli.problems import ApiError, CliError
from pitrix_core.model import JsonObject

#: Seconds an answer may take; planning asks a cloud for images.
TIMEOUT_S: Final = 60.0
#: How often a request is sent whose answer was lost on the way; its key makes it one request.
ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.5
#: Largest page the API gives.
_PAGE: Final = 200


class Api:
    """The REST API of one server, spoken to with one token."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        language: str | None = None,
        timeout_s: float = TIMEOUT_S,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Remember where and as whom to ask; makes no request.

        :param url: such as ``http://127.0.0.1:8000``.
        :param language: of labels and descriptions; None for the server's own.
        :param attempts: how often a request is sent whose answer was lost on the way.
        """
        self.url = url.rstrip("/")
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if language:
            headers["Accept-Language"] = language
        self._attempts = attempts
        # A server on this machine is reached directly, whatever proxy is set for the world outside.
        is_near = httpx.URL(url).host in {"127.0.0.1", "::1", "localhost"}
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=timeout_s, trust_env=not is_near
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def get(self, path: str, **query: object) -> Any:
        """Read one thing.

        :param query: members that are None are left out.
        :raises ApiError: the API refused.
        :raises CliError: it cannot be reached.
        """
        return self._json(self._send("GET", path, query=query))

    def text(self, path: str, **query: object) -> str:
        """Read one thing that is no JSON, such as CSV.

        :param query: members that are None are left out.
        :raises ApiError: the API refused.
        :raises CliError: it cannot be reached.
        """
        return self._sound(self._send("GET", path, query=query)).text

    def items(self, path: str, **query: object) -> list[JsonObject]:
        """Read a whole list, page by page.

        :raises ApiError: the API refused.
        :raises CliError: it cannot be reached.
        """
        return list(self.each(path, **query))

    def each(self, path: str, **query: object) -> Iterator[JsonObject]:
        """Read a list item by item, keeping a page of it at a time.

        :raises ApiError: the API refused.
        :raises CliError: it cannot be reached.
        """
        return self._pages(path, query)

    def post(self, path: str, body: JsonObject | None = None) -> Any:
        """Ask for a change; sent with a key, so that it is done once though it be sent twice.

        :raises ApiError: the API refused.
        :raises CliError: it cannot be reached.
        """
        return self._json(self._send("POST", path, body=body, key=uuid.uuid4().hex))

    def upload(self, path: str, content: bytes) -> Any:
        """Send bytes as they are, such as an archive; once, as :meth:`post` does.

        :raises ApiError: the API refused.
        :raises CliError: it cannot be reached.
        """
        return self._json(self._send("POST", path, content=content, key=uuid.uuid4().hex))

    def put(self, path: str, body: JsonObject) -> Any:
        """Set all of a thing.

        :raises ApiError: the API refused.
        :raises CliError: it cannot be reached.
        """
        return self._json(self._send("PUT", path, body=body, key=uuid.uuid4().hex))

    def patch(self, path: str, body: JsonObject) -> Any:
        """Set some of a thing.

        :raises ApiError: the API refused.
        :raises CliError: it cannot be reached.
        """
        return self._json(self._send("PATCH", path, body=body, key=uuid.uuid4().hex))

    def delete(self, path: str, **query: object) -> Any:
        """Delete a thing.

        :param query: members that are None are left out.

        :returns: the API's answer; None where there is nothing to say.
        :raises ApiError: the API refused.
        :raises CliError: it cannot be reached.
        """
        return self._json(self._send("DELETE", path, query=query, key=uuid.uuid4().hex))

    def is_healthy(self) -> bool:
        """Say whether the server answers and its database does."""
        try:
            return self._http.get("/healthz").is_success
        except httpx.TransportError:
            return False

    def _pages(self, path: str, query: dict[str, object]) -> Iterator[JsonObject]:
        cursor: object = None
        while True:
            page = self.get(path, **query, limit=_PAGE, cursor=cursor)
            yield from page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, object] | None = None,
        body: JsonObject | None = None,
        content: bytes | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        octets = {} if content is None else {"Content-Type": "application/octet-stream"}
        request = self._http.build_request(
            method,
            path,
            params={name: _texts(value) for name, value in (query or {}).items() if value},
            json=body,
            content=content,
            headers={**octets, **({"Idempotency-Key": key} if key else {})},
        )
        for attempt in range(1, self._attempts + 1):
            try:
                return self._http.send(request)
            except httpx.ConnectError as ex:
                raise self._unreachable(str(ex)) from ex
            except httpx.TransportError as ex:
                if attempt == self._attempts:
                    raise self._unreachable(str(ex) or type(ex).__name__) from ex
                time.sleep(_PAUSE_S)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _unreachable(self, why: str) -> CliError:
        return UnreachableError(
            f"{self.url} does not answer: {why}",
            next_step="Is it running? Start it with: pitrix serve",
        )

    def _json(self, answer: httpx.Response) -> Any:
        content = self._sound(answer).content
        return answer.json() if content else None

    def _sound(self, answer: httpx.Response) -> httpx.Response:
        if not answer.is_success:
            raise ApiError(_problem(answer))
        return answer


class BrowserApi(Api):
    """The REST API, spoken to as a browser does: with a session."""

    def __init__(self, url: str) -> None:
        """Remember where to ask; makes no request."""
        super().__init__(url, token=None)

    def log_in(self, name: str, password: str) -> None:
        """Open a session, in which all that comes after is asked.

        :raises ApiError: the API refused.
        :raises CliError: it cannot be reached.
        """
        body = {"name": name, "password": password}
        answer = self._sound(self._send("POST", "/v1/sessions", body=body))
        # Not kept in httpx's own jar, which shows it over TLS alone: on this machine there is none.
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        self._http.headers["Cookie"] = cookie
        self._http.headers["X-CSRF-Token"] = answer.json()["csrf_token"]


class UnreachableError(CliError):
    """The API does not answer."""

    code = "unreachable"


def _texts(value: object) -> str | list[str]:
    """Return what stands for a value; of several, each is sent."""
    return [_text(item) for item in value] if isinstance(value, list | tuple) else _text(value)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _problem(answer: httpx.Response) -> JsonObject:
    """Return the problem document of an answer, made up where a proxy answered in its own words."""
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        return {"status": answer.status_code, **problem}
    reason = f"{answer.status_code} {answer.reason_phrase}"
    return {
        "status": answer.status_code,
        "title": answer.reason_phrase,
        "detail": f"{answer.request.method} {answer.request.url.path}: {reason}",
    }
