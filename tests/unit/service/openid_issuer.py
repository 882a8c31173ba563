"""A small issuer of OpenID Connect, over loopback HTTP, with a real key; it can be told to lie."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
from joserfc import jwt
from joserfc.jwk import RSAKey

from pitrix_core.model.issuer import Issuer

CLIENT = "pitrix"
SECRET = "the client's"


@attrs.define
class OpenIdIssuer:
    """What the issuer knows, and what it does wrong."""

    url: str = ""
    key: RSAKey = attrs.field(factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}))
    #: Code → what was asked for with it.
    asked: dict[str, dict[str, str]] = attrs.field(factory=dict)
    #: What it says of whoever signs in.
    claims: dict[str, Any] = attrs.field(
        factory=lambda: {"sub": "s-1", "preferred_username": "ada"}
    )
    #: Makes an ID token of claims.
    sign: Callable[[dict[str, Any]], str] | None = None
    describes_itself_as: str | None = None

    def authorize(self, url: str) -> str:
        """Let somebody who was sent to a URL sign in, and return the code they come back with."""
        wanted = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert wanted["response_type"] == "code"
        assert wanted["code_challenge_method"] == "S256"
        code = f"code-{len(self.asked)}"
        self.asked[code] = wanted
        return code

    def answers(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer a request."""
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.describes_itself_as or self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        return self._token(form)

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        wanted = self.asked.pop(form.get("code", ""), None)
        challenge = _encoded(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if wanted is None or wanted["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        times = {"iat": now, "exp": now + 300}
        ours = {"iss": self.url, "aud": CLIENT, "nonce": wanted["nonce"]}
        claims = {**ours, **times, **self.claims}
        token = (self.sign or self.signed)(claims)
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": token}

    def signed(self, claims: dict[str, Any]) -> str:
        """Return an ID token as it should be."""
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)

    def unsigned(self, claims: dict[str, Any]) -> str:
        """Return one that says of itself that it is signed with nothing."""
        parts = ({"alg": "none"}, claims)
        return ".".join(_encoded(json.dumps(part).encode()) for part in parts) + "."

    def signed_by_somebody(self, claims: dict[str, Any]) -> str:
        """Return one that another key has signed."""
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, RSAKey.generate_key(2048))

    def signed_with_what_all_know(self, claims: dict[str, Any]) -> str:
        """Return one with a MAC, whose key is the public key."""
        parts = ({"alg": "HS256"}, claims)
        text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        mac = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
        return f"{text}.{_encoded(mac)}"


@contextmanager
def serving() -> Iterator[OpenIdIssuer]:
    """Serve one inside the block."""
    issuer = OpenIdIssuer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(content).items()})

        def _answer(self, form: dict[str, str]) -> None:
            status, document = issuer.answers(self.path, form)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()


def described(served: OpenIdIssuer, **more: Any) -> Issuer:
    """Return it as an operator describes it."""
    return Issuer(name="corp", url=served.url, client_id=CLIENT, client_secret=SECRET, **more)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
