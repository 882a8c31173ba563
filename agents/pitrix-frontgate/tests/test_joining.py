"""A machine gets in by its own token, once, and with a certificate of its own."""

import datetime as dt
from pathlib import Path
from typing import Any, cast

import pytest
from frontgate_harness import Json, Store, sha256

from pitrix_frontgate.enrolment import RefusedError
from pitrix_frontgate.etcd_server import peer_url
from pitrix_frontgate.joining import Entrance
from pitrix_frontgate.members import Member, Members

TOKEN = "one-time-token-of-a-machine-0123456789"
ADDRESS = "192.0.2.2"


class Listed:
    """Stands in for etcd's members: there is the first one, and whoever is let in."""

    def __init__(self) -> None:
        self.others: list[Member] = []

    def listed(self) -> list[Member]:
        """List them."""
        return [Member("1", "member-1", peer_url("192.0.2.1"), is_learner=False), *self.others]

    def remove(self, _number: int, url: str) -> None:
        """Take one out."""
        self.others = [each for each in self.others if each.peer_url != url]

    def admit(self, number: int, url: str) -> str:
        """Let one in, as a learner that has not started."""
        self.others.append(Member(str(number), "", url, is_learner=True))
        return f"member-{number}={url}"

    def start(self) -> None:
        """Have the last one catch up."""
        self.others[-1] = self.others[-1]._replace(name="member-2", is_learner=False)


@pytest.fixture
def members() -> Listed:
    """The members."""
    return Listed()


@pytest.fixture
def entrance(store: Store, members: Listed, tmp_path: Path) -> Entrance:
    """Where machine 2 is expected, and no other."""
    (tmp_path / "root-password").write_text("the-password-of-root")
    made = Entrance(
        store.client, cast("Members", members), number=1, root_password=tmp_path / "root-password"
    )
    made.expect({"members": []})
    store.client.delete_prefix("/frontgate/certificates/")
    made.expect(expected(TOKEN))
    return made


def expected(token: str, *, hours: int = 24) -> Json:
    """Make the body of ``etcd.members`` for machine 2."""
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    member = {
        "number": 2,
        "enrolment_sha256": sha256(token),
        "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {"members": [member]}


def certificate(address: str = ADDRESS, *, days: int = 90) -> Json:
    """Make the body of ``tls.put`` for machine 2."""
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    not_after = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    pem = {"ca": "ca", "certificate": "certificate", "key": "key", "not_after": not_after}
    return {**pem, "member": 2, "hosts": [address]}


def refusal(entrance: Entrance, *, token: str = TOKEN, address: str = ADDRESS) -> str:
    """Have machine 2 ask in vain; returns with which code."""
    with pytest.raises(RefusedError) as caught:
        entrance.join(member=2, token=token, address=address)
    return caught.value.code


def joined(entrance: Entrance, *, token: str = TOKEN, address: str = ADDRESS) -> dict[str, Any]:
    """Have machine 2 let in."""
    refusal(entrance, token=token, address=address)
    entrance.keep(certificate(address))
    return entrance.join(member=2, token=token, address=address)


def test_a_certificate_is_asked_for_once_and_waited_for(entrance: Entrance) -> None:
    """For the address that the machine says; the first one's is asked for by itself."""
    code = refusal(entrance)

    assert code == "unavailable"
    assert {"member": 2, "hosts": [ADDRESS]} in entrance.wishes()
    assert entrance.wishes() == []


@pytest.mark.parametrize(
    ("days", "is_asked_for"),
    [pytest.param(31, False, id="lasts"), pytest.param(29, True, id="ends-within-a-month")],
)
def test_the_certificate_of_a_machine_that_stands_by_is_renewed(
    entrance: Entrance, members: Listed, *, days: int, is_asked_for: bool
) -> None:
    """It speaks with no Pilot itself."""
    joined(entrance)
    members.start()
    entrance.keep(certificate(days=days))

    wishes = entrance.wishes()

    assert ({"member": 2, "hosts": [ADDRESS]} in wishes) is is_asked_for


def test_a_machine_is_given_all_that_it_needs(entrance: Entrance) -> None:
    """Also when the answer was lost and it asks again."""
    first = joined(entrance)
    again = entrance.join(member=2, token=TOKEN, address=ADDRESS)

    assert first["root_password"] == "the-password-of-root"
    assert first["initial_cluster"] == f"member-2=https://{ADDRESS}:2380"
    assert (first["certificate"], first["key"], first["ca"]) == ("certificate", "key", "ca")
    assert again["certificate"] == first["certificate"]


@pytest.mark.parametrize("token", ["another-token-0123456789012345678901", "", "\udcff"])
def test_another_token_opens_nothing(entrance: Entrance, token: str) -> None:
    """Nor does it say whether such a machine is expected."""
    assert refusal(entrance, token=token) == "enrolment-wrong"


def test_a_token_ends(entrance: Entrance) -> None:
    """A machine that takes longer than a day is another one."""
    entrance.expect(expected(TOKEN, hours=-1))

    assert refusal(entrance) == "enrolment-expired"


def test_the_token_of_a_full_member_is_worth_nothing(entrance: Entrance, members: Listed) -> None:
    """Whoever read the machine's user-data gets nothing with it."""
    joined(entrance)
    members.start()

    assert refusal(entrance) == "enrolment-used"


def test_a_machine_may_be_replaced_at_the_same_address(entrance: Entrance, members: Listed) -> None:
    """It has another token, and a certificate of its own; the member before is removed first."""
    joined(entrance)
    members.start()
    token = "token-of-the-machine-in-its-place-01"
    entrance.expect(expected(token))

    given = joined(entrance, token=token)

    assert given["initial_cluster"]
    assert [each.is_learner for each in members.others] == [True]
