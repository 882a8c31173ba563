"""Signing in with an issuer that answers over HTTP, and what liars and thieves try."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import openid_issuer
import pytest
from openid_issuer import OpenIdIssuer

from pitrix_core.errors import (
    InvalidInputError,
    IssuerUnavailableError,
    TooManyAttemptsError,
    UnauthorizedError,
)
from pitrix_core.model.issuer import Issuer
from pitrix_core.service import sessions, sign_in
from pitrix_core.service.issuers import Issuers, read_issuers
from pitrix_core.service.services import Services
from pitrix_core.service.sign_in import Departure, Return
from pitrix_core.store.groups import ROOT_ID

PUBLIC: Final = "https://pitrix.example"
ADDRESS: Final = "192.0.2.1"


@pytest.fixture(scope="module")
def _served() -> Iterator[OpenIdIssuer]:
    with openid_issuer.serving() as served:
        yield served


@pytest.fixture
def issuer(_served: OpenIdIssuer) -> OpenIdIssuer:
    """An issuer that does nothing wrong yet."""
    fresh = OpenIdIssuer(key=_served.key)
    _served.claims, _served.sign, _served.asked = fresh.claims, None, {}
    _served.describes_itself_as = None
    return _served


def trusting(services: Services, issuer: OpenIdIssuer, **more: Any) -> Services:
    """Return services whose users can sign in with the issuer."""
    with services.store.begin() as tx:
        tx.groups.ensure_root()
    described = openid_issuer.described(issuer, **{"creates_users": True, **more})
    return attrs.evolve(services, issuers=Issuers([described], public_url=PUBLIC))


def back(served: OpenIdIssuer, sent: Departure, **more: Any) -> Return:
    """Return what the browser that was sent comes back with."""
    usual = {
        "code": served.authorize(sent.url),
        "state": sent.state,
        "kept_state": sent.state,
        "address": ADDRESS,
    }
    return Return(**{**usual, **more})


def signed_in(services: Services, issuer: OpenIdIssuer) -> sessions.Opened:
    """Go there and come back."""
    sent = sign_in.depart(services, "corp", address=ADDRESS)
    return sign_in.take_back(services, "corp", back(issuer, sent))


def test_who_signs_in_first_becomes_a_user(services: Services, issuer: OpenIdIssuer) -> None:
    """With a session, and the rights of the role that the operator chose."""
    services = trusting(services, issuer)

    opened = signed_in(services, issuer)

    actor = sessions.actor_of_cookie(services, opened.cookie)
    assert (actor.owner, actor.home, actor.is_admin) == ("ada", "/", False)


def test_who_comes_again_is_the_same_user(services: Services, issuer: OpenIdIssuer) -> None:
    """By the issuer's own name for them, though they are called something else by now."""
    services = trusting(services, issuer)
    signed_in(services, issuer)
    issuer.claims["preferred_username"] = "lovelace"

    again = signed_in(services, issuer)

    assert again.session.owner == "ada"


def test_a_user_is_in_the_group_that_the_issuer_says(
    services: Services, issuer: OpenIdIssuer
) -> None:
    """As of each time they sign in."""
    services = trusting(services, issuer, groups={"dev": "/dev", "ops": "/ops"})
    with services.store.begin() as tx:
        for name in ("dev", "ops"):
            tx.groups.add(f"grp-{name}", name, parent=tx.groups.get(ROOT_ID))
    issuer.claims["groups"] = ["chess", "dev"]
    signed_in(services, issuer)
    issuer.claims["groups"] = ["ops"]
    signed_in(services, issuer)

    with services.store.read() as tx:
        assert tx.users.get("ada").group == "/ops"


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"nonce": "another"}, id="the-nonce-of-another-sign-in"),
        pytest.param({"aud": "another"}, id="for-another-client"),
        pytest.param({"aud": ["another", "pitrix"]}, id="for-two-without-saying-who-asked"),
        pytest.param({"azp": "another"}, id="asked-for-by-another"),
        pytest.param({"iss": "https://other.example"}, id="of-another-issuer"),
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"exp": "soon"}, id="that-ends-at-no-time"),
        pytest.param({"iat": 1 << 40}, id="of-the-future"),
        pytest.param({"sub": ""}, id="about-nobody"),
        pytest.param({"at_hash": "x" * 22}, id="with-another-access-token"),
    ],
)
def test_an_id_token_that_is_not_for_this_is_refused(
    services: Services, issuer: OpenIdIssuer, lie: dict[str, Any]
) -> None:
    """Though it is signed; nobody becomes a user."""
    services = trusting(services, issuer)
    issuer.claims.update(lie)

    with pytest.raises(UnauthorizedError, match="ID token"):
        signed_in(services, issuer)

    with services.store.read() as tx:
        assert tx.users.within(["/"], name="") == []


@pytest.mark.parametrize("sign", ["unsigned", "signed_by_somebody", "signed_with_what_all_know"])
def test_an_id_token_that_the_issuer_has_not_signed_is_refused(
    services: Services, issuer: OpenIdIssuer, sign: str
) -> None:
    """With nothing, by another key, or with a MAC whose key is public."""
    services = trusting(services, issuer)
    issuer.sign = getattr(issuer, sign)

    with pytest.raises(UnauthorizedError, match="ID token"):
        signed_in(services, issuer)


def test_one_comes_back_once(services: Services, issuer: OpenIdIssuer) -> None:
    """A state that is shown again is worth nothing, whatever comes with it."""
    services = trusting(services, issuer)
    sent = sign_in.depart(services, "corp", address=ADDRESS)
    sign_in.take_back(services, "corp", back(issuer, sent))

    with pytest.raises(UnauthorizedError, match="came back before"):
        sign_in.take_back(services, "corp", back(issuer, sent))


@pytest.mark.parametrize(
    "theft",
    [
        pytest.param({"kept_state": ""}, id="another-browser"),
        pytest.param({"kept_state": "x", "state": "x"}, id="a-state-nobody-gave"),
        pytest.param({"kept_state": "", "state": ""}, id="no-state"),
        pytest.param({"issuer": "https://other.example"}, id="another-issuer"),
        pytest.param({"code": "code-of-somebody"}, id="another-code"),
        pytest.param({"code": None}, id="no-code"),
        pytest.param({"error": "access_denied"}, id="a-refusal"),
    ],
)
def test_who_was_not_sent_or_let_in_is_refused(
    services: Services, issuer: OpenIdIssuer, theft: dict[str, Any]
) -> None:
    """Each for its own reason."""
    services = trusting(services, issuer)
    sent = sign_in.depart(services, "corp", address=ADDRESS)

    with pytest.raises(UnauthorizedError):
        sign_in.take_back(services, "corp", back(issuer, sent, **theft))


def test_a_code_of_another_browser_is_worth_nothing(
    services: Services, issuer: OpenIdIssuer
) -> None:
    """It goes with the verifier that only the server knows which sent that one (PKCE)."""
    services = trusting(services, issuer)
    victim, thief = (
        sign_in.depart(services, "corp", address=ADDRESS),
        sign_in.depart(services, "corp", address=ADDRESS),
    )
    stolen = issuer.authorize(victim.url)

    with pytest.raises(UnauthorizedError, match="does not take the code"):
        sign_in.take_back(services, "corp", back(issuer, thief, code=stolen))


def test_an_address_does_not_leave_for_ever(
    services: Services, issuer: OpenIdIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without coming back: each who is under way is written down. Others are sent as before."""
    monkeypatch.setattr(sign_in, "MOST_UNDER_WAY", 3)
    services = trusting(services, issuer)
    for _ in range(5):
        signed_in(services, issuer)
    for _ in range(3):
        sign_in.depart(services, "corp", address=ADDRESS)

    with pytest.raises(TooManyAttemptsError):
        sign_in.depart(services, "corp", address=ADDRESS)
    assert sign_in.depart(services, "corp", address="192.0.2.2").url


def test_who_comes_back_too_late_is_refused(services: Services, issuer: OpenIdIssuer) -> None:
    """What was written down when they were sent is dropped by then."""
    services = trusting(services, issuer)
    sent = sign_in.depart(services, "corp", address=ADDRESS)
    with services.store.begin() as tx:
        known = tx.logins.take_sign_in(sign_in.digest_of(sent.state))
        assert known is not None
        late = attrs.evolve(known, expires_at=tx.now - dt.timedelta(seconds=1))
        tx.logins.add_sign_in(late, state=sign_in.digest_of(sent.state))

    with pytest.raises(UnauthorizedError, match="too long ago"):
        sign_in.take_back(services, "corp", back(issuer, sent))


def test_strangers_stay_out_where_nobody_lets_them_in(
    services: Services, issuer: OpenIdIssuer
) -> None:
    """Unless the operator says that whoever the issuer vouches for comes in."""
    services = trusting(services, issuer, creates_users=False)

    with pytest.raises(UnauthorizedError, match="let you in"):
        signed_in(services, issuer)


@pytest.mark.parametrize("name", ["Bob", "system", "", "a/b", None])
def test_nobody_becomes_somebody_else(
    services: Services, issuer: OpenIdIssuer, name: str | None
) -> None:
    """A name that is taken, or cannot be one, makes no account, and finds none."""
    services = trusting(services, issuer)
    with services.store.begin() as tx:
        tx.users.add("bob", group_id=ROOT_ID, role="user")
    issuer.claims["preferred_username"] = name

    with pytest.raises(UnauthorizedError, match="No account"):
        signed_in(services, issuer)


def test_who_was_deleted_may_come_back(services: Services, issuer: OpenIdIssuer) -> None:
    """As whom they were before; nobody else gets their name, whoever vouches for that one."""
    services = trusting(services, issuer)

    def leave() -> None:
        with services.store.begin() as tx:
            tx.users.delete(tx.users.get("ada"))

    signed_in(services, issuer)
    leave()
    back_again = signed_in(services, issuer)
    leave()
    issuer.claims["sub"] = "somebody-else"

    assert back_again.session.owner == "ada"
    with pytest.raises(UnauthorizedError, match="who is gone"):
        signed_in(services, issuer)


def test_who_was_disabled_does_not_sign_in(services: Services, issuer: OpenIdIssuer) -> None:
    """Though the issuer vouches for them."""
    services = trusting(services, issuer)
    signed_in(services, issuer)
    with services.store.begin() as tx:
        tx.users.change(tx.users.get("ada").id, disabled_at=tx.now)

    with pytest.raises(UnauthorizedError, match="disabled"):
        signed_in(services, issuer)


def test_an_issuer_that_says_to_be_another_is_not_asked(
    services: Services, issuer: OpenIdIssuer
) -> None:
    """Its description has to be its own."""
    services = trusting(services, issuer)
    issuer.describes_itself_as = "https://other.example"

    with pytest.raises(IssuerUnavailableError):
        sign_in.depart(services, "corp", address=ADDRESS)


def test_an_issuer_that_is_away_is_told_from_a_refusal(services: Services) -> None:
    """Whoever waits gets in."""
    away = Issuer(name="corp", url="http://127.0.0.1:1", client_id="x")
    services = attrs.evolve(services, issuers=Issuers([away]))

    with pytest.raises(IssuerUnavailableError, match="corp"):
        sign_in.depart(services, "corp", address=ADDRESS)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no-json"),
        pytest.param('{"issuers": [{"name": "a"}]}', id="without-a-url"),
        pytest.param(
            '{"issuers": [{"name": "a", "url": "http://a.example", "client_id": "x"}]}',
            id="anybody-may-read-along",
        ),
        pytest.param(
            '{"issuers": [{"name": "a/b", "url": "https://a.example", "client_id": "x"}]}',
            id="no-name-for-a-url",
        ),
    ],
)
def test_a_file_of_issuers_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    """When the server starts."""
    path = tmp_path / "issuers.json"
    path.write_text(text)

    with pytest.raises(InvalidInputError, match=r"issuers\.json"):
        read_issuers(str(path))
