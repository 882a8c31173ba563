"""Asks issuers of OpenID Connect who somebody is.

Of several ways the standard knows, this is the one of OAuth 2.1: authorization code with PKCE,
state and nonce. What an issuer says of somebody is signed, for us, for this very sign-in, and by no
algorithm that others could choose. Sources: OpenID Connect Core 1.0, RFC 7636 and RFC 9700.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, cast
from urllib.parse import quote_plus

import attrs
import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pitrix_core import convert
from pitrix_core.errors import (
    InvalidInputError,
    IssuerUnavailableError,
    NotFoundError,
    UnauthorizedError,
)
from pitrix_core.model.issuer import Issuer, is_guarded
from pitrix_core.store.logins import SignIn

#: What ID tokens may be signed with: key pairs alone, for whoever can check a MAC can make one.
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
#: Seconds that clocks may differ.
_LEEWAY_S: Final = 60
#: How long what an issuer says of itself is taken for granted.
_KNOWN_FOR_S: Final = 300.0
_TIMEOUT_S: Final = 10.0
#: What a refusal of a code comes with. Source: RFC 6749, 5.2.
_REFUSALS: Final = frozenset({400, 401})
#: Of a description, or of keys; real ones have a few KiB.
_LONGEST_BYTES: Final = 1 << 20


class Issuers:
    """Whom people can sign in with. Several threads may use it at a time."""

    def __init__(
        self,
        issuers: Sequence[Issuer] = (),
        *,
        public_url: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        """Know whom to trust; asks nobody yet.

        :param public_url: of the API, where people come back to.
        """
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._public_url = public_url.rstrip("/")
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def all(self) -> list[Issuer]:
        """Return them in the operator's order."""
        return list(self._issuers.values())

    def get(self, name: str) -> Issuer:
        """Return one.

        :raises NotFoundError: there is none of this name.
        """
        if name not in self._issuers:
            raise NotFoundError(f"There is no issuer {name!r} to sign in with.")
        return self._issuers[name]

    def sign_in_url(self, issuer: Issuer, sent: SignIn, *, state: str) -> str:
        """Return where a browser is sent.

        :raises IssuerUnavailableError: the issuer does not answer as it should.
        """
        url = prepare_grant_uri(
            self._description(issuer)["authorization_endpoint"],
            issuer.client_id,
            "code",
            self._callback(issuer),
            list(issuer.scopes),
            state,
            nonce=sent.nonce,
            code_challenge=create_s256_code_challenge(sent.verifier),
            code_challenge_method="S256",
        )
        return str(url)

    def _callback(self, issuer: Issuer) -> str:
        return f"{self._public_url}/v1/sign_in/{issuer.name}/callback"

    def claims(self, issuer: Issuer, sent: SignIn, code: str) -> Mapping[str, Any]:
        """Return what an issuer says of who came back with a code.

        :raises UnauthorizedError: it does not take the code, or what it says is not good.
        :raises IssuerUnavailableError: it does not answer as it should.
        """
        description = self._description(issuer)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback(issuer),
            "code_verifier": sent.verifier,
        }
        token = _ask(issuer, "POST", description["token_endpoint"], **_credentials(issuer, form))
        if "error" in token:
            _refuse(f"{issuer.name} does not take the code: {token['error']!r}"[:200])
        keys = _ask(issuer, "GET", description["jwks_uri"])
        return self._checked(issuer, sent, token, keys)

    def _checked(
        self, issuer: Issuer, sent: SignIn, token: Mapping[str, Any], keys: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what an ID token says, once nothing about it is wrong."""
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            _refuse(f"{issuer.name} has sent no ID token")
        try:
            decoded = jwt.decode(
                id_token, KeySet.import_key_set(cast("Any", keys)), algorithms=list(_ALGORITHMS)
            )
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": issuer.url},
                    "aud": {"essential": True, "value": issuer.client_id},
                    "sub": {"essential": True},
                },
                params={
                    "nonce": sent.nonce,
                    "client_id": issuer.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(now=int(self._now()), leeway=_LEEWAY_S)
        except (AuthlibBaseError, JoseError, ValueError, TypeError, KeyError) as ex:
            _refuse(f"The ID token of {issuer.name} is not good: {type(ex).__name__}", cause=ex)
        return decoded.claims

    def _description(self, issuer: Issuer) -> Mapping[str, Any]:
        with self._lock:
            known_at, known = self._known.get(issuer.name, (0.0, {}))
        if known and self._now() - known_at < _KNOWN_FOR_S:
            return known
        found = _ask(issuer, "GET", f"{issuer.url.rstrip('/')}/.well-known/openid-configuration")
        places = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        are_good = all(
            isinstance(found.get(place), str) and is_guarded(found[place]) for place in places
        )
        if found.get("issuer") != issuer.url or not are_good:
            raise _unavailable(issuer, "it describes itself as somebody else, or not at all")
        with self._lock:
            self._known[issuer.name] = (self._now(), found)
        return found


@attrs.frozen(kw_only=True)
class IssuersFile:
    """What such a file holds."""

    issuers: tuple[Issuer, ...]


def read_issuers(path: str) -> tuple[Issuer, ...]:
    """Read the file; none where no file is named.

    :raises InvalidInputError: it cannot be read, or does not hold issuers.
    """
    if not path:
        return ()
    try:
        found = convert.read(json.loads(Path(path).read_text("utf-8")), IssuersFile).issuers
    except (OSError, ValueError, InvalidInputError) as ex:
        raise InvalidInputError(
            f"The setting issuers names a file that cannot be used: {path}: {ex}",
            pointer="/issuers",
            next_step='It looks like {"issuers": [{"name": …, "url": …, "client_id": …}]}.',
        ) from ex
    names = [issuer.name for issuer in found]
    if len(set(names)) < len(names):
        raise InvalidInputError(f"{path}: two issuers have one name.", pointer="/issuers")
    return found


def _credentials(issuer: Issuer, form: dict[str, str]) -> dict[str, Any]:
    """Return what a request for tokens says, and who we are in it.

    Source: RFC 6749, 2.3.1: both are form-encoded before they are put into the header.
    """
    if not issuer.client_secret:
        return {"data": {**form, "client_id": issuer.client_id}}
    return {"data": form, "auth": (quote_plus(issuer.client_id), quote_plus(issuer.client_secret))}


def _ask(issuer: Issuer, method: str, url: str, **said: Any) -> Mapping[str, Any]:
    """Return the JSON object that an issuer answers with, a refusal (400, 401) included."""
    try:
        found = json.loads(_read(method, url, **said))
    except (httpx.HTTPError, ValueError, RecursionError) as ex:
        raise _unavailable(issuer, ex) from ex
    if not isinstance(found, dict):
        raise _unavailable(issuer, "it answers with no JSON object")
    return found


def _read(method: str, url: str, **said: Any) -> bytes:
    content = b""
    with httpx.stream(method, url, timeout=_TIMEOUT_S, **said) as answer:
        if answer.status_code not in _REFUSALS:
            answer.raise_for_status()
        for part in answer.iter_bytes():
            content += part
            if len(content) > _LONGEST_BYTES:
                raise ValueError("it says too much")
    return content


def _unavailable(issuer: Issuer, why: object) -> IssuerUnavailableError:
    return IssuerUnavailableError(
        f"Signing in with {issuer.name}: it does not answer as it should: {why}",
        next_step="Try again in a while, or log in with a password.",
    )


def _refuse(why: str, *, cause: Exception | None = None) -> NoReturn:
    raise UnauthorizedError(f"{why}.", next_step="Sign in again.") from cause
