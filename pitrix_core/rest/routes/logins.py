"""Who one is: sessions of browsers, and API tokens."""

from typing import Final

from pitrix_core.model.access import Action
from pitrix_core.rest.operation import SESSION_COOKIE, Call, Headed, Operation, Parameter, Shape
from pitrix_core.service import sessions, sign_in, tokens
from pitrix_core.service.sign_in import IssuerInfo, Return
from pitrix_core.store.logins import ApiToken, Session

#: Source of the attributes: RFC 6265bis, 4.1; ``Lax``, so that links from elsewhere find one in.
_COOKIE: Final = SESSION_COOKIE + "={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}"


#: Of a browser that was sent to sign in elsewhere; gone when it is closed.
_STATE_COOKIE: Final = "__Host-pitrix-sign-in"


def session_cookie(opened: sessions.Opened) -> str:
    """Return the header that makes a browser show a session."""
    return _COOKIE.format(opened.cookie, int(sessions.LASTS.total_seconds()))


def _log_in(call: Call) -> Headed:
    opened = sessions.log_in(
        call.services, call.body, address=call.actor.origin.address, agent=call.agent
    )
    record = sessions.LoggedIn(session=opened.session, csrf_token=opened.csrf_token)
    headers = {"Set-Cookie": session_cookie(opened), "Cache-Control": "no-store"}
    return Headed(record=record, headers=headers)


def _log_out(call: Call) -> Headed:
    session_id = call.path["id"]
    if session_id == "current":
        session_id = call.actor.origin.token_id
    sessions.end(call.services, call.actor, session_id)
    is_own = session_id == call.actor.origin.token_id
    headers = {"Set-Cookie": _COOKIE.format("", 0)} if is_own else {}
    return Headed(record=None, headers=headers)


def _who_am_i(call: Call) -> Headed:
    is_session = call.actor.origin.token_id.startswith("ses-")
    cookie = call.cookies.get(SESSION_COOKIE) if is_session else None
    record = sessions.who_am_i(call.actor, cookie=cookie)
    return Headed(record=record, headers={"Cache-Control": "no-store"})


def _depart(call: Call) -> Headed:
    departure = sign_in.depart(
        call.services, call.path["issuer"], address=call.actor.origin.address
    )
    cookie = f"{_STATE_COOKIE}={departure.state}; Path=/; Secure; HttpOnly; SameSite=Lax"
    headers = {"Location": departure.url, "Set-Cookie": cookie, "Cache-Control": "no-store"}
    return Headed(record={}, headers=headers)


def _take_back(call: Call) -> Headed:
    back = Return(
        code=call.parameters.get("code"),
        state=call.parameters.get("state", ""),
        kept_state=call.cookies.get(_STATE_COOKIE, ""),
        issuer=call.parameters.get("iss"),
        error=call.parameters.get("error"),
        address=call.actor.origin.address,
        agent=call.agent,
    )
    opened = sign_in.take_back(call.services, call.path["issuer"], back)
    headers = {"Location": "/", "Set-Cookie": session_cookie(opened), "Cache-Control": "no-store"}
    return Headed(record={}, headers=headers)


_SIGN_IN: Final = (
    Operation(
        id="listIssuers",
        path="/v1/sign_in",
        summary="List whom people can sign in with",
        run=lambda c: sign_in.issuers(c.services),
        shape=Shape.PAGE,
        answer=IssuerInfo,
        is_open=True,
    ),
    Operation(
        id="signIn",
        path="/v1/sign_in/{issuer}",
        summary="Send a browser to an issuer of OpenID Connect",
        run=_depart,
        status=302,
        is_open=True,
    ),
    Operation(
        id="comeBack",
        path="/v1/sign_in/{issuer}/callback",
        summary="Take a browser back from an issuer: sets a cookie",
        run=_take_back,
        status=302,
        is_open=True,
        is_from_elsewhere=True,
        is_deed=True,
        parameters=(
            Parameter(name="code", description="What the issuer is asked with."),
            Parameter(name="state", description="What the browser was sent with."),
            Parameter(name="iss", description="Who has sent it back."),
            Parameter(name="error", description="What went wrong there."),
        ),
    ),
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    *_SIGN_IN,
    Operation(
        id="whoAmI",
        path="/v1/whoami",
        summary="Say who asks, and what they may do",
        is_for_all=True,
        run=_who_am_i,
        answer=sessions.WhoAmI,
    ),
    Operation(
        id="logIn",
        method="POST",
        path="/v1/sessions",
        summary="Log in with a browser: sets a cookie",
        run=_log_in,
        input=sessions.LoginInput,
        answer=sessions.LoggedIn,
        status=201,
        is_open=True,
        is_shown_once=True,
    ),
    Operation(
        id="listSessions",
        path="/v1/sessions",
        summary="List one's own sessions",
        needs=Action.ACCOUNT_READ,
        run=lambda c: sessions.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=Session,
    ),
    Operation(
        id="endSession",
        method="DELETE",
        path="/v1/sessions/{id}",
        summary="End one of one's own sessions; `current` is the one that asks",
        needs=Action.ACCOUNT_WRITE,
        run=_log_out,
        shape=Shape.NOTHING,
    ),
    Operation(
        id="addToken",
        method="POST",
        path="/v1/tokens",
        summary="Make an API token for oneself; it is shown this once",
        needs=Action.ACCOUNT_WRITE,
        run=lambda c: tokens.add(c.services, c.actor, c.body),
        input=tokens.TokenInput,
        answer=tokens.NewToken,
        status=201,
        is_shown_once=True,
    ),
    Operation(
        id="listTokens",
        path="/v1/tokens",
        summary="List one's own API tokens",
        needs=Action.ACCOUNT_READ,
        run=lambda c: tokens.search(c.services, c.actor),
        shape=Shape.PAGE,
        answer=ApiToken,
    ),
    Operation(
        id="revokeToken",
        method="DELETE",
        path="/v1/tokens/{id}",
        summary="Make one of one's own API tokens worth nothing, by id or name",
        needs=Action.ACCOUNT_WRITE,
        run=lambda c: tokens.revoke(c.services, c.actor, c.path["id"]),
        shape=Shape.NOTHING,
    ),
)
