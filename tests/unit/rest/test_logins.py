"""Sessions of browsers and tokens, as the API hands them out."""

from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any

import attrs
import falcon.testing
import pytest

from pitrix_core.model.issuer import Issuer
from pitrix_core.rest.app import make_app
from pitrix_core.service import passwords
from pitrix_core.service.issuers import Issuers
from pitrix_core.service.services import Services
from pitrix_core.store import Store
from pitrix_core.store.logins import SignIn

Client = falcon.testing.TestClient
PASSWORD = "correct horse battery"
COOKIE = "__Host-pitrix"


@pytest.fixture(scope="module")
def _hash() -> str:
    return passwords.hashed(PASSWORD)  # takes its time


@pytest.fixture
def browser(services: Services, store: Store, _hash: str) -> Client:
    """A client without a token; the admin has a password."""
    with store.begin() as tx:
        tx.users.change(tx.users.get("admin").id, password_hash=_hash)
    return Client(make_app(services))


@pytest.fixture
def session(browser: Client) -> dict[str, Any]:
    """What is known after a login: the cookie, and what has to be shown beside it."""
    answer = browser.simulate_post("/v1/sessions", json={"name": "admin", "password": PASSWORD})
    assert answer.status_code == 201
    cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE].value
    return {"cookies": {COOKIE: cookie}, "csrf": answer.json["csrf_token"], "answer": answer}


def test_a_login_sets_a_cookie_that_no_page_reads(session: dict[str, Any]) -> None:
    """Nor is it sent in the clear, to other hosts, or along with requests of others."""
    sent = session["answer"].headers["set-cookie"]

    attributes = {part.strip() for part in sent.split(";")[1:]}
    assert sent.startswith("__Host-pitrix=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= attributes
    assert session["cookies"][COOKIE] not in session["answer"].text


def test_a_cookie_is_enough_to_look(browser: Client, session: dict[str, Any]) -> None:
    """And to be told what changes have to show."""
    answer = browser.simulate_get("/v1/whoami", cookies=session["cookies"])

    assert (answer.json["name"], answer.json["is_admin"]) == ("admin", True)
    assert answer.json["csrf_token"] == session["csrf"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("shown", ["", "wrong", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_cookie_is_not_enough_to_change_something(
    browser: Client, session: dict[str, Any], shown: str
) -> None:
    """Pages of others can have it sent along."""
    answer = browser.simulate_post(
        "/v1/groups",
        json={"name": "acme"},
        cookies=session["cookies"],
        headers={"X-CSRF-Token": shown} if shown else {},
    )

    assert answer.status_code == 403
    assert "X-CSRF-Token" in answer.json["detail"]


def test_with_both_something_is_changed(browser: Client, session: dict[str, Any]) -> None:
    """By who logged in."""
    answer = browser.simulate_post(
        "/v1/groups",
        json={"name": "acme"},
        cookies=session["cookies"],
        headers={"X-CSRF-Token": session["csrf"]},
    )

    assert (answer.status_code, answer.json["path"]) == (201, "/acme")


def test_a_logout_ends_the_session(browser: Client, session: dict[str, Any]) -> None:
    """For whoever has the cookie."""
    shown = {"cookies": session["cookies"], "headers": {"X-CSRF-Token": session["csrf"]}}

    gone = browser.simulate_delete("/v1/sessions/current", **shown)

    assert gone.status_code == 204
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert browser.simulate_get("/v1/whoami", cookies=session["cookies"]).status_code == 401


def test_a_token_goes_before_a_cookie(browser: Client, session: dict[str, Any]) -> None:
    """Who shows one that is wrong is not somebody by their cookie."""
    answer = browser.simulate_get(
        "/v1/whoami", cookies=session["cookies"], headers={"Authorization": "Bearer wrong"}
    )

    assert answer.status_code == 401


def test_too_many_logins_are_refused(browser: Client) -> None:
    """With the status for it."""
    body = {"name": "nobody", "password": "x"}
    statuses = [browser.simulate_post("/v1/sessions", json=body).status_code for _ in range(11)]

    assert statuses == [401] * 10 + [429]


def test_a_new_token_is_not_kept_anywhere(services: Services, store: Store) -> None:
    """Though its request is one that may be sent again with a key."""
    headers = {"Authorization": "Bearer the-admin's-token", "Idempotency-Key": "k"}
    admin = Client(make_app(services), headers=headers)

    made = admin.simulate_post("/v1/tokens", json={"name": "ci"})
    again = admin.simulate_post("/v1/tokens", json={"name": "ci"})

    assert made.json["token"].startswith("ptx_")
    assert again.status_code == 409
    with store.read() as tx:
        assert tx.identity.kept_answer("k", owner="admin") is None
    shown = Client(make_app(services), headers={"Authorization": f"Bearer {made.json['token']}"})
    assert shown.simulate_get("/v1/whoami").json["name"] == "admin"


def test_what_issuers_add_is_overlooked(services: Services) -> None:
    """They send people back with parameters of their own."""
    issuer = Issuer(name="corp", url="https://corp.example", client_id="x")
    app = Client(make_app(attrs.evolve(services, issuers=Issuers([issuer]))))

    listed = app.simulate_get("/v1/sign_in").json["items"]
    back = app.simulate_get("/v1/sign_in/corp/callback?code=c&state=s&session_state=x")

    assert listed == [{"name": "corp", "title": "corp"}]
    assert back.status_code == 401
    assert "not sent" in back.json["detail"]


class Vouching(Issuers):
    """Says of whoever comes back that they are ada."""

    def __init__(self) -> None:
        described = {"url": "https://corp.example", "client_id": "x", "creates_users": True}
        super().__init__([Issuer(name="corp", groups={"web": "/web"}, **described)])
        self.said: dict[str, Any] = {"sub": "s-1", "preferred_username": "ada"}

    def sign_in_url(self, issuer: Issuer, sent: SignIn, *, state: str) -> str:
        return f"https://corp.example/?state={state}"

    def claims(self, issuer: Issuer, sent: SignIn, code: str) -> Mapping[str, Any]:
        return self.said


def test_the_audit_tells_of_who_signs_in(services: Services, store: Store) -> None:
    """Who is new, who was moved by what their issuer says, and each session."""
    vouching = Vouching()
    with store.begin() as tx:
        tx.groups.add("grp-web", "web", parent=tx.groups.get("/"))
    app = Client(make_app(attrs.evolve(services, issuers=vouching)))

    def sign_in() -> int:
        sent = app.simulate_get("/v1/sign_in/corp")
        state = SimpleCookie(sent.headers["set-cookie"])[f"{COOKIE}-sign-in"].value
        cookies = {f"{COOKIE}-sign-in": state}
        place = f"/v1/sign_in/corp/callback?code=c&state={state}"
        return app.simulate_get(place, cookies=cookies).status_code

    first = sign_in()
    vouching.said["groups"] = ["web"]
    second = sign_in()

    assert (first, second) == (302, 302)
    with store.read() as tx:
        entries, ada = tx.audit.entries(), tx.users.get("ada")
    assert {(each.action, each.user) for each in entries} == {("comeBack", "ada")}
    told = [(each.subject[:4], each.after.get("group")) for each in entries]
    assert told == [("usr-", "/"), ("ses-", None), ("usr-", "/web"), ("ses-", None)]
    assert {each.subject for each in entries if each.subject[:4] == "usr-"} == {ada.id}


def test_nothing_in_between_keeps_what_one_may_see(
    browser: Client, session: dict[str, Any]
) -> None:
    """A cookie alone does not keep caches from it; a refusal is kept as little."""
    answers = [
        browser.simulate_get(path, cookies=session["cookies"])
        for path in ("/v1/users", "/v1/users/admin", "/v1/users/nobody")
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"private, no-cache"}


def test_a_narrow_token_gets_no_further_than_it_says(services: Services, store: Store) -> None:
    """Though its owner may do everything."""
    admin = Client(make_app(services), headers={"Authorization": "Bearer the-admin's-token"})
    made = admin.simulate_post("/v1/tokens", json={"name": "ro", "actions": ["clusters.read"]})
    narrow = Client(make_app(services), headers={"Authorization": f"Bearer {made.json['token']}"})

    statuses = [
        narrow.simulate_get(path).status_code for path in ("/v1/clusters", "/v1/users", "/v1/jobs")
    ]

    assert statuses == [200, 403, 200]
