"""Frontgates enrol once, and show signed tokens from then on; all of them can be revoked."""

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from pitrix_core.errors import UnauthorizedError
from pitrix_core.pilot import tokens
from pitrix_core.pilot.inbox import Admission, Desk
from pitrix_core.store import Cipher, Store
from pitrix_core.store.agents import Frontgate
from pitrix_core.testing.manual_clock import ManualClock

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

NEW_KEY = Fernet.generate_key()


class Gate:
    """A Frontgate that may enrol, and the Pilots it comes to."""

    def __init__(self, world: Any, clock: ManualClock, *, keys: bytes) -> None:
        self.clock = clock
        self.keys = keys
        self._engine = world.store.engine
        with self.store().begin() as tx:
            tokens.let_enrol(tx, self.row())
            self.enrolment = tx.secrets.get(self.row().secret_id)

    def store(self) -> Store:
        return Store(self._engine, cipher=Cipher(self.keys), clock=lambda _: self.clock())

    def row(self) -> Frontgate:
        with self.store().read() as tx:
            found = tx.agents.frontgate("fg-1")
        assert found is not None
        return found

    def desk(self) -> Desk:
        return Desk(store=self.store(), pilot_id="pil-1")

    def says(self, **shown: Any) -> Admission:
        """Say hello with something to show."""
        said = {
            "protocol": 2,
            "frontgate_id": "fg-1",
            "version": "0.1.0",
            "endpoints": ["http://10.0.0.2:2379"],
        }
        return self.desk().welcome({**said, **shown})

    def enrols(self) -> str:
        """Show the enrolment, and return the token."""
        return text_of(self.says(enrolment=self.enrolment))

    def pass_time(self, **time: float) -> None:
        self.clock.advance(dt.timedelta(**time).total_seconds())


def text_of(admission: Admission) -> str:
    """Return the token that came with a welcome."""
    assert admission.token is not None
    return admission.token.text


@pytest.fixture
def gate(world: Any, tmp_path: Path) -> Gate:
    """The Frontgate; its Pilots have the keys that the world's secrets depend on."""
    world.frontgate()
    return Gate(world, ManualClock(), keys=(tmp_path / "key").read_bytes())


def test_an_enrolment_gets_a_token_that_lasts(gate: Gate) -> None:
    """A month; a newer one is to be asked for after a day."""
    admission = gate.says(enrolment=gate.enrolment)

    assert admission.protocol == 2
    assert admission.token is not None
    members = admission.token.members()
    assert members["renew_after_s"] == 86_400
    assert admission.token.expires_at == gate.clock() + dt.timedelta(days=30)
    assert gate.row().token_expires_at == admission.token.expires_at
    assert text_of(gate.says(token=members["token"]))


def test_a_lost_welcome_does_no_harm(gate: Gate) -> None:
    """The enrolment is shown again until a token was."""
    gate.enrols()

    assert gate.enrols()


@pytest.mark.parametrize("way", ["token-shown", "token-written"])
def test_an_enrolment_has_served_once_there_is_a_token(gate: Gate, way: str) -> None:
    """Whoever reads the user-data later has nothing of it; nor does the database keep it."""
    admission = gate.says(enrolment=gate.enrolment)
    if way == "token-shown":
        gate.says(token=text_of(admission))
    else:
        gate.desk().settle_in(admission.held)

    with pytest.raises(UnauthorizedError):
        gate.enrols()

    with gate.store().read() as tx:
        assert tx.secrets.get(gate.row().secret_id) == ""


def test_an_enrolment_ends_after_a_day(gate: Gate) -> None:
    """Unless its machine was made only then."""
    gate.pass_time(hours=23)
    with gate.store().begin() as tx:
        tokens.prolong_enrolment(tx, gate.row())
    gate.pass_time(hours=23)
    assert gate.enrols()

    gate.pass_time(hours=1)

    with pytest.raises(UnauthorizedError):
        gate.enrols()


def test_nothing_is_let_in_without_an_enrolment(gate: Gate) -> None:
    """Not with none, not with an empty one after it has served, and not with a static token."""
    text = gate.enrols()
    gate.says(token=text)

    for shown in ({}, {"enrolment": ""}, {"enrolment": None}, {"token": ""}, {"token": text[:-1]}):
        with pytest.raises(UnauthorizedError):
            gate.says(**shown)
    with pytest.raises(UnauthorizedError):
        gate.says(protocol=1, token="")


def test_a_static_token_is_worth_nothing_once_signed_ones_are_spoken(gate: Gate) -> None:
    """An enrolment is no static token either."""
    with pytest.raises(UnauthorizedError):
        gate.says(protocol=1, token=gate.enrolment)


def test_a_token_ends(gate: Gate) -> None:
    """Weeks offline do no harm, a month does; the message says what helps."""
    text = gate.enrols()
    gate.pass_time(days=29)
    assert text_of(gate.says(token=text))

    gate.pass_time(days=1, seconds=1)

    with pytest.raises(UnauthorizedError, match="has ended") as caught:
        gate.says(token=text)
    assert "pitrix frontgate renew fg-1" in (caught.value.next_step or "")


def test_a_renewed_token_lasts_longer(gate: Gate) -> None:
    """The one before stays good until it ends: the answer may be lost."""
    admission = gate.says(enrolment=gate.enrolment)
    gate.pass_time(days=20)

    newer = gate.desk().renew(admission.held)
    gate.pass_time(days=20)

    assert text_of(gate.says(token=newer.text))
    with pytest.raises(UnauthorizedError):
        gate.says(token=text_of(admission))


def test_revoked_tokens_are_refused(gate: Gate) -> None:
    """And so is an enrolment that was not used."""
    text = gate.enrols()

    with gate.store().begin() as tx:
        tx.agents.revoke("fg-1")

    with pytest.raises(UnauthorizedError, match="revoked"):
        gate.says(token=text)
    with pytest.raises(UnauthorizedError):
        gate.enrols()


def test_anothers_token_is_no_good(gate: Gate, world: Any) -> None:
    """It is signed as well, but says whose it is."""
    world.frontgate("fg-2")
    text = gate.enrols()

    with pytest.raises(UnauthorizedError, match="not known"):
        gate.says(frontgate_id="fg-2", token=text)


def test_a_changed_token_is_no_good(gate: Gate) -> None:
    """Every claim is signed."""
    content, key_id, signature = gate.enrols().split(".")
    claims = json.dumps(["fg-1", 1, 2**40]).encode()
    changed = base64.urlsafe_b64encode(claims).decode().rstrip("=")

    for text in (f"{changed}.{key_id}.{signature}", f"{content}.{'0' * 12}.{signature}"):
        with pytest.raises(UnauthorizedError):
            gate.says(token=text)


@pytest.mark.parametrize("text", ["x", "..", "a.b.c", "ä.b.c", "." * 10_000, "x" * 100_000])
def test_what_is_no_token_is_refused(gate: Gate, text: str) -> None:
    """Whatever it is."""
    with pytest.raises(UnauthorizedError):
        gate.says(token=text)


def test_a_new_key_signs_and_old_ones_are_believed(gate: Gate) -> None:
    """As long as they stand after it in the file."""
    older, old_key = gate.enrols(), gate.keys
    gate.keys = NEW_KEY + b"\n" + old_key + b"\n"

    newer = text_of(gate.says(token=older))
    gate.keys = old_key

    assert newer.split(".")[1] != older.split(".")[1]
    assert text_of(gate.says(token=older))
    with pytest.raises(UnauthorizedError, match="not known"):
        gate.says(token=newer)


def test_a_static_token_is_good_for_version_1_alone(world: Any) -> None:
    """A Frontgate from before this version goes on as it was."""
    world.frontgate()
    desk = Desk(store=world.store, pilot_id="pil-1")
    said = {"frontgate_id": "fg-1", "token": "token-of-fg-1", "endpoints": ["http://10.0.0.2:2379"]}

    admission = desk.welcome({**said, "protocol": 1})

    assert (admission.protocol, admission.token) == (1, None)
    with pytest.raises(UnauthorizedError):
        desk.welcome({**said, "protocol": 2})


def test_a_static_token_can_be_revoked(world: Any) -> None:
    """It is good for the first generation alone."""
    world.frontgate()
    desk = Desk(store=world.store, pilot_id="pil-1")
    said = {
        "frontgate_id": "fg-1",
        "token": "token-of-fg-1",
        "endpoints": ["http://10.0.0.2:2379"],
        "protocol": 1,
    }
    desk.welcome(said)

    with world.store.begin() as tx:
        tx.agents.revoke("fg-1")

    with pytest.raises(UnauthorizedError, match="revoked"):
        desk.welcome(said)
